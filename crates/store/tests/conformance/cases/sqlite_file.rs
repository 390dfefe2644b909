//! What only a SQLite file can suffer: missing, no database at all, locked, read-only, damaged.

use crate::backends::Harness;
use crate::fixtures::*;
use sqlx::{Connection, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use turnstone_store::{ConnectOptions, EntryKey, EntrySearch, Store, StoreAddress, StoreErrorKind, connect};
use turnstone_types::Entry;

crate::cases![
    a_missing_file_is_not_made_by_reading,
    a_file_that_is_no_database_is_corrupt,
    a_locked_file_is_unavailable_within_the_limit,
    a_lock_that_goes_away_is_waited_for,
    readers_are_not_kept_out_by_a_writer,
    the_file_is_for_its_owner_only,
    the_settings_are_durable,
    a_damaged_file_is_corrupt,
    a_row_with_a_wrong_time_is_refused,
    words_that_are_everywhere_are_found_newest_first,
];

fn path_of(harness: &Harness) -> PathBuf {
    match &harness.address {
        StoreAddress::Sqlite(path) => path.clone(),
        StoreAddress::Postgres(_) => panic!("these cases are about SQLite"),
    }
}

async fn impatient(harness: &Harness, wait_max: Duration) -> anyhow::Result<Arc<dyn Store>> {
    Ok(connect(
        &harness.address,
        &ConnectOptions {
            wait_max,
            ..ConnectOptions::default()
        },
    )
    .await?)
}

async fn a_missing_file_is_not_made_by_reading(harness: Harness) -> anyhow::Result<()> {
    let path = path_of(&harness).with_file_name("missing.db");
    let store = connect(&StoreAddress::Sqlite(path.clone()), &ConnectOptions::default()).await?;
    let error = store.stats_summary(&tenant("acme")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert!(
        error.to_string().contains("missing.db"),
        "{error} must name the file"
    );
    assert_eq!(
        store.check_ready().await.unwrap_err().kind,
        StoreErrorKind::NotFound
    );
    let commit = store.commit_cycle(&cycle_of_texts(&tenant("acme"), ["x"])).await;
    assert_eq!(commit.unwrap_err().kind, StoreErrorKind::NotFound);
    assert!(!path.exists());
    Ok(())
}

async fn a_file_that_is_no_database_is_corrupt(harness: Harness) -> anyhow::Result<()> {
    let path = path_of(&harness).with_file_name("notes.txt");
    let notes = "these are notes, not a database\n".repeat(100);
    std::fs::write(&path, &notes)?;
    let store = connect(&StoreAddress::Sqlite(path.clone()), &ConnectOptions::default()).await?;
    for error in [
        store.check_ready().await.unwrap_err(),
        store.migrate().await.unwrap_err(),
    ] {
        assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
    }
    assert_eq!(std::fs::read_to_string(&path)?, notes, "it is left as it was");
    Ok(())
}

async fn hold_lock(harness: &Harness) -> anyhow::Result<SqliteConnection> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path_of(harness));
    let mut other = SqliteConnection::connect_with(&options).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await?;
    Ok(other)
}

async fn a_locked_file_is_unavailable_within_the_limit(harness: Harness) -> anyhow::Result<()> {
    let holder = hold_lock(&harness).await?;
    let limit = Duration::from_secs(2);
    let store = impatient(&harness, limit).await?;
    let began = Instant::now();
    let error = store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["x"]))
        .await
        .unwrap_err();
    let waited = began.elapsed();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable());
    assert!(waited > limit / 2 && waited < limit * 2, "waited {waited:?}");
    holder.close().await?;
    assert!(
        store
            .commit_cycle(&cycle_of_texts(&tenant("acme"), ["x"]))
            .await?
    );
    Ok(())
}

async fn a_lock_that_goes_away_is_waited_for(harness: Harness) -> anyhow::Result<()> {
    let holder = hold_lock(&harness).await?;
    let store = impatient(&harness, Duration::from_secs(10)).await?;
    let cycle = cycle_of_texts(&tenant("acme"), ["x"]);
    let commit = store.commit_cycle(&cycle);
    let release = async {
        // Longer than one wait inside SQLite, so that the tries are what brings it through.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        holder.close().await
    };
    let (committed, released) = tokio::join!(commit, release);
    released?;
    assert!(committed?);
    Ok(())
}

async fn readers_are_not_kept_out_by_a_writer(harness: Harness) -> anyhow::Result<()> {
    harness
        .store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["x"]))
        .await?;
    let holder = hold_lock(&harness).await?;
    let store = impatient(&harness, Duration::from_millis(500)).await?;
    assert_eq!(store.stats_summary(&tenant("acme")).await?.entries, 1);
    assert_eq!(
        store.index_pending_text(10).await?,
        0,
        "a look for nothing takes no lock"
    );
    Ok(holder.close().await?)
}

async fn the_file_is_for_its_owner_only(harness: Harness) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    harness
        .store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["x"]))
        .await?;
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let mode = std::fs::metadata(path_of(&harness).with_file_name(name))?
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    Ok(())
}

async fn the_settings_are_durable(harness: Harness) -> anyhow::Result<()> {
    assert_eq!(
        harness
            .sql
            .scalar("SELECT journal_mode FROM pragma_journal_mode")
            .await?
            .as_deref(),
        Some("wal")
    );
    assert_eq!(
        harness
            .sql
            .scalar("SELECT integrity_check FROM pragma_integrity_check")
            .await?
            .as_deref(),
        Some("ok")
    );
    Ok(())
}

async fn a_damaged_file_is_corrupt(harness: Harness) -> anyhow::Result<()> {
    let texts = (0..2_000).map(|number| format!("line {number}"));
    harness
        .store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), texts))
        .await?;
    harness.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    // A copy, since the connections above still know the pages of the sound one.
    let path = path_of(&harness).with_file_name("damaged.db");
    let mut bytes = std::fs::read(path_of(&harness))?;
    bytes[8_192..].fill(0xa5);
    std::fs::write(&path, bytes)?;
    let store = connect(&StoreAddress::Sqlite(path), &ConnectOptions::default()).await?;
    let error = store.stats_summary(&tenant("acme")).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
    assert!(!error.is_retryable());
    Ok(())
}

async fn a_row_with_a_wrong_time_is_refused(harness: Harness) -> anyhow::Result<()> {
    let row =
        "INSERT INTO log_entries (id, source_id, text, timestamp_iso) VALUES ('x', 'hand', 'x', 'yesterday')";
    let error = harness.sql.execute(row).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("timestamp_iso_is_utc_with_six_fraction_digits"),
        "{error:?} must say what is expected"
    );
    Ok(())
}

async fn words_that_are_everywhere_are_found_newest_first(harness: Harness) -> anyhow::Result<()> {
    // More than the number of matches over which the search goes about it in another way, in both tenants.
    for name in ["acme", "", "other"] {
        let texts = (0..12_000).map(|number| format!("common {} {name}", number % 100));
        harness
            .store
            .commit_cycle(&cycle_of_texts(&tenant(name), texts))
            .await?;
    }
    let of = |query: &str| EntrySearch {
        query: Some(query.parse().unwrap()),
        ..EntrySearch::default()
    };
    let mut seen = Vec::new();
    for _ in 0..3 {
        let after = seen.last().map(|entry: &Entry| EntryKey {
            timestamp: entry.timestamp,
            id: entry.id.clone(),
        });
        seen.extend(
            harness
                .store
                .search_entries(&tenant("acme"), &of("common"), after.as_ref(), 5)
                .await?,
        );
    }
    let all = harness
        .store
        .search_entries(&tenant("acme"), &EntrySearch::default(), None, 15)
        .await?;
    assert_eq!(seen, all);
    let some = harness
        .store
        .search_entries(&tenant("acme"), &of("common -7"), None, 100_000)
        .await?;
    assert_eq!(some.len(), 2 * 12_000 - 240);
    let of_source = EntrySearch {
        source_id: Some(source("absent")),
        ..of("common")
    };
    assert!(
        harness
            .store
            .search_entries(&tenant("acme"), &of_source, None, 10)
            .await?
            .is_empty()
    );
    Ok(())
}
