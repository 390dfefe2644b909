//! `import_original`: a database of the original pipeline comes in whole, once, and stays as it was.

use crate::backends::Harness;
use crate::fixtures::*;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use turnstone_store::import::{ImportOptions, ImportReport, import_original};
use turnstone_store::{EntrySearch, StoreErrorKind};
use turnstone_types::{DetectionId, EntryId, ScoreState, Severity, TenantId, TimestampBasis};

crate::cases![
    a_database_of_the_original_comes_in,
    importing_the_same_file_again_adds_nothing,
    what_lacks_columns_comes_in,
    rows_that_cannot_be_taken_are_named,
    the_file_is_not_changed_in_wal_mode,
    what_is_no_original_is_refused,
    many_rows_come_in_chunks,
];

const SCHEMA: &str = "
    CREATE TABLE log_entries (id INTEGER PRIMARY KEY, source_id TEXT, sequence INTEGER, text TEXT, timestamp_iso TEXT, severity TEXT,
        ingest_time TEXT, tenant_id TEXT DEFAULT '', anomaly_score REAL, anomaly_label TEXT, anomaly_scored_at TEXT);
    CREATE TABLE detections (id TEXT PRIMARY KEY, tenant_id TEXT, entry_id TEXT UNIQUE, source_id TEXT, anomaly_label TEXT,
        anomaly_score REAL, severity TEXT, text TEXT, timestamp_iso TEXT, detected_at TEXT, acknowledged INTEGER DEFAULT 0,
        acknowledged_at TEXT, notes TEXT, \"odd column; --\" TEXT);";

const ROWS: &str = "
    INSERT INTO log_entries VALUES
        (1, 'ssh', 1, 'plain line', '2026-01-02T03:04:05+00:00', 'info', '2026-01-02T03:04:06.5+00:00', '', NULL, NULL, NULL),
        (2, 'ssh', 2, 'scored line', '2026-01-02 03:04:07', 'WARNING', '2026-01-02T03:04:08', 'acme', 0.1, 'normal', '2026-01-02T04:00:00.123456+00:00'),
        (3, 'ssh', 3, 'disk failure', 1767323050, 'odd', 1767323051.25, 'acme', 0.97, 'SYSTEM_FAILURE', '2026-01-02T04:00:00+00:00'),
        (4, NULL, 4, CAST(x'6261640066ff' AS TEXT), NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO detections VALUES
        ('d-3', 'acme', 3, 'ssh', 'SYSTEM_FAILURE', 0.97, 'CRITICAL', 'disk failure', NULL, '2026-01-02T04:00:00+00:00', 1,
         '2026-01-03T00:00:00+00:00', 'replaced the disk', 'x');";

async fn make(statements: &[&str]) -> anyhow::Result<(tempfile::TempDir, PathBuf)> {
    let folder = turnstone_testkit::temp_dir()?;
    let path = folder.path().join("original.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(*statement))
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok((folder, path))
}

async fn import(harness: &Harness, path: &Path) -> Result<ImportReport, turnstone_store::StoreError> {
    let options = ImportOptions {
        at: at(0),
        chunk_rows_max: 7,
        ..ImportOptions::default()
    };
    let store = harness.store.clone();
    let path = path.to_owned();
    // On a task of its own, as the command line does it: the future must be `Send`.
    let task =
        tokio::spawn(async move { import_original(&path, store.as_ref(), &options, &mut |_| {}).await });
    task.await.expect("the import does not panic")
}

async fn a_database_of_the_original_comes_in(harness: Harness) -> anyhow::Result<()> {
    let (_folder, path) = make(&[SCHEMA, ROWS]).await?;
    let report = import(&harness, &path).await?;
    let expected = ImportReport {
        entries_read: 4,
        new_entries: 4,
        detections_read: 1,
        new_detections: 1,
        repaired_rows: 1,
        undated_entries: 1,
        columns_passed_over: vec!["log_entries.sequence".into(), "detections.odd column; --".into()],
        ..ImportReport::default()
    };
    assert_eq!(report, expected);

    let entry = async |id: &str| {
        anyhow::Ok(
            harness
                .store
                .entry(&tenant("acme"), &EntryId::new(id)?)
                .await?
                .unwrap(),
        )
    };
    let plain = entry("1").await?;
    assert_eq!(
        (plain.text.as_str(), plain.source_id.as_str(), plain.severity),
        ("plain line", "ssh", Some(Severity::Info))
    );
    assert_eq!(
        (plain.tenant, plain.score),
        (TenantId::shared(), ScoreState::Unscored)
    );
    assert_eq!(
        (plain.timestamp, plain.timestamp_basis),
        ("2026-01-02T03:04:05Z".parse()?, TimestampBasis::Parsed)
    );
    assert_eq!(plain.ingest_time, "2026-01-02T03:04:06.5Z".parse()?);
    let scored = entry("2").await?;
    let ScoreState::Scored(score) = scored.score else {
        panic!("{:?}", scored.score)
    };
    assert_eq!(
        (score.label.as_str(), score.score, score.scored_at),
        ("NORMAL", 0.1, "2026-01-02T04:00:00.123456Z".parse()?)
    );
    assert_eq!(
        (scored.tenant, scored.severity, scored.timestamp),
        (
            tenant("acme"),
            Some(Severity::Warn),
            "2026-01-02T03:04:07Z".parse()?
        )
    );
    let numbers = entry("3").await?;
    assert_eq!(
        (numbers.timestamp, numbers.ingest_time),
        (
            "2026-01-02T03:04:10Z".parse()?,
            "2026-01-02T03:04:11.25Z".parse()?
        )
    );
    assert_eq!(numbers.severity, None);
    let odd = entry("4").await?;
    assert_eq!(
        (odd.text.as_str(), odd.source_id.as_str()),
        ("bad\u{fffd}f\u{fffd}", "unknown")
    );
    assert_eq!(
        (odd.timestamp, odd.timestamp_basis),
        (at(0), TimestampBasis::Ingest)
    );

    let detection = harness
        .store
        .detection(&tenant("acme"), &DetectionId::new("d-3")?)
        .await?
        .unwrap();
    assert_eq!(
        (
            detection.entry_id.as_str(),
            detection.scorer.as_str(),
            detection.score
        ),
        ("3", "original", 0.97)
    );
    assert_eq!(
        (detection.acknowledged, detection.notes.as_str()),
        (true, "replaced the disk")
    );
    assert_eq!(detection.acknowledged_at, Some("2026-01-03T00:00:00Z".parse()?));
    // What the original had not scored is work for a scorer.
    let waiting: u32 = waiting_batches(harness.store.as_ref())
        .await?
        .iter()
        .map(|batch| batch.entry_count)
        .sum();
    assert_eq!(waiting, 2);
    Ok(())
}

async fn importing_the_same_file_again_adds_nothing(harness: Harness) -> anyhow::Result<()> {
    let (_folder, path) = make(&[SCHEMA, ROWS]).await?;
    import(&harness, &path).await?;
    let stats = harness.store.stats_summary(&tenant("acme")).await?;
    let events = harness.store.pending_events(100).await?;
    let report = import(&harness, &path).await?;
    assert_eq!(
        (
            report.entries_read,
            report.new_entries,
            report.detections_read,
            report.new_detections
        ),
        (4, 0, 1, 0)
    );
    assert_eq!(harness.store.stats_summary(&tenant("acme")).await?, stats);
    assert_eq!(harness.store.pending_events(100).await?, events);
    Ok(())
}

async fn what_lacks_columns_comes_in(harness: Harness) -> anyhow::Result<()> {
    let bare = "CREATE TABLE log_entries (id, text); INSERT INTO log_entries VALUES (x'00ff10', 'blob id'), ('text id', 'b'), (2.5, 'real id')";
    let (_folder, path) = make(&[bare]).await?;
    let report = import(&harness, &path).await?;
    assert!(report.lacks_detections);
    assert_eq!(
        (report.new_entries, report.undated_entries, report.skipped_rows),
        (3, 3, 0)
    );
    for id in ["00ff10", "text id", "2.500000"] {
        assert!(
            harness
                .store
                .entry(&tenant("acme"), &EntryId::new(id)?)
                .await?
                .is_some(),
            "{id}"
        );
    }
    Ok(())
}

async fn rows_that_cannot_be_taken_are_named(harness: Harness) -> anyhow::Result<()> {
    let rows = "
        CREATE TABLE log_entries (id TEXT, text TEXT, tenant_id TEXT, source_id TEXT);
        INSERT INTO log_entries VALUES ('good', 'x', '', 'a'), (NULL, 'x', '', 'a'), ('no text', NULL, '', 'a'),
            ('bad tenant', 'x', 'a.b c', 'a'), ('bad source', 'x', '', 'a' || char(27)), (printf('%.*c', 300, 'l'), 'x', '', 'a');
        CREATE TABLE detections (id TEXT, entry_id TEXT, anomaly_label TEXT, anomaly_score);
        INSERT INTO detections VALUES ('fine', 'good', 'ERROR', 1), ('no entry', NULL, 'ERROR', 1), ('no label', 'e', NULL, 1),
            ('no score', 'f', 'ERROR', 'high'), ('endless', 'g', 'ERROR', 9e999), ('text score', 'h', 'ERROR', '0.5');";
    let (_folder, path) = make(&[rows]).await?;
    let report = import(&harness, &path).await?;
    assert_eq!(
        (report.new_entries, report.new_detections, report.skipped_rows),
        (1, 2, 9)
    );
    let reasons: BTreeMap<&str, &str> = report
        .skipped
        .iter()
        .map(|row| (&row.id[..row.id.len().min(12)], row.reason.as_str()))
        .collect();
    for (id, reason) in [
        ("without an i", "id is empty"),
        ("no text", "text is NULL"),
        ("bad tenant", "'.'"),
        ("bad source", "control characters"),
        ("llllllllllll", "more than 200"),
        ("no entry", "entry_id is empty"),
        ("no label", "anomaly_label is empty"),
        ("no score", "no number"),
        ("endless", "no number"),
    ] {
        assert!(reasons[id].contains(reason), "{id}: {:?}", reasons[id]);
    }
    Ok(())
}

fn files_of(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        files.insert(
            file.file_name().to_string_lossy().into_owned(),
            std::fs::read(file.path())?,
        );
    }
    Ok(files)
}

async fn the_file_is_not_changed_in_wal_mode(harness: Harness) -> anyhow::Result<()> {
    // Closed, with nothing beside it.
    let (folder, path) = make(&["PRAGMA journal_mode = WAL", SCHEMA, ROWS]).await?;
    let before = files_of(folder.path())?;
    assert_eq!(before.len(), 1);
    assert_eq!(import(&harness, &path).await?.entries_read, 4);
    assert_eq!(files_of(folder.path())?, before);

    // In use, with rows that are only in the log beside it.
    let mut user =
        SqliteConnection::connect_with(&sqlx::sqlite::SqliteConnectOptions::new().filename(&path)).await?;
    sqlx::raw_sql("INSERT INTO log_entries (id, text) VALUES (5, 'late line')")
        .execute(&mut user)
        .await?;
    let before = files_of(folder.path())?;
    assert_eq!(import(&harness, &path).await?.new_entries, 1);
    let after = files_of(folder.path())?;
    assert_eq!(after["original.db"], before["original.db"]);
    assert_eq!(after["original.db-wal"], before["original.db-wal"]);
    Ok(user.close().await?)
}

async fn what_is_no_original_is_refused(harness: Harness) -> anyhow::Result<()> {
    let folder = turnstone_testkit::temp_dir()?;
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "just notes\n".repeat(200))?;
    let missing = folder.path().join("missing.db");
    let (_other, empty) = make(&["CREATE TABLE something (id)"]).await?;
    let (_another, textless) = make(&["CREATE TABLE log_entries (id, line)"]).await?;
    for (path, kind) in [
        (&notes, StoreErrorKind::Corrupt),
        (&missing, StoreErrorKind::NotFound),
        (&empty, StoreErrorKind::Invalid),
        (&textless, StoreErrorKind::Invalid),
    ] {
        let error = import(&harness, path).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(
            error
                .to_string()
                .contains(path.file_name().unwrap().to_str().unwrap()),
            "{error} must name the file"
        );
    }
    assert!(!missing.exists());
    Ok(())
}

async fn many_rows_come_in_chunks(harness: Harness) -> anyhow::Result<()> {
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                INSERT INTO log_entries (id, source_id, text, tenant_id) SELECT i, 'many', 'line ' || i, CASE i % 2 WHEN 0 THEN 'acme' ELSE '' END FROM n";
    let (_folder, path) = make(&[SCHEMA, rows]).await?;
    let mut seen = Vec::new();
    let options = ImportOptions {
        chunk_rows_max: 90,
        ..ImportOptions::default()
    };
    import_original(&path, harness.store.as_ref(), &options, &mut |progress| {
        seen.push(progress);
    })
    .await?;
    let of_entries: Vec<u64> = seen
        .iter()
        .filter(|step| step.table == "log_entries")
        .map(|step| step.rows)
        .collect();
    assert_eq!(of_entries, [90, 180, 270, 360, 450, 500]);
    assert!(seen.iter().all(|step| step.rows <= step.rows_total));
    while harness.store.index_pending_text(1_000).await? > 0 {}
    let search = EntrySearch {
        query: Some("line".parse()?),
        ..EntrySearch::default()
    };
    assert_eq!(
        harness
            .store
            .search_entries(&tenant("acme"), &search, None, 1_000)
            .await?
            .len(),
        500
    );
    Ok(())
}
