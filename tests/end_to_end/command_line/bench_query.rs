//! `turnstone bench query` fills, measures and explains both databases, and leaves alone what it did not fill.

use crate::alone;
use serde_json::Value;
use std::collections::BTreeSet;
use turnstone_testkit::{PostgresCluster, temp_dir};
use turnstone_tests::{Outcome, sqlite_count};

const BY_HAND: &str =
    "INSERT INTO log_entries (id, source_id, text) VALUES ('mine', 'app', 'somebody''s own line')";

async fn bench(url: &str, flags: &[&str]) -> anyhow::Result<Outcome> {
    Outcome::any(["bench", "query", "--db", url].iter().chain(flags).copied()).await
}

/// Fills, measures, measures again; returns the second report.
async fn fill_and_measure(url: &str) -> anyhow::Result<Value> {
    let empty = bench(url, &["--no-fill"]).await?;
    assert!(
        empty.code == Some(1) && empty.stderr.contains("is empty"),
        "{empty:?}"
    );
    let sizes = [
        "--entries",
        "2000",
        "--detections",
        "200",
        "--rounds",
        "3",
        "--format",
        "json",
    ];
    let first = bench(url, &sizes).await?;
    assert_eq!(first.code, Some(0), "{first:?}");
    let first: Value = serde_json::from_str(&first.stdout)?;
    assert!(
        first["fill_seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0)
    );

    let other = bench(url, &["--entries", "3000"]).await?;
    assert!(
        other.code == Some(1) && other.stderr.contains("--entries 2000"),
        "{other:?}"
    );
    let again = bench(
        url,
        &["--no-fill", "--rounds", "3", "--readers", "2", "--format", "json"],
    )
    .await?;
    assert_eq!(again.code, Some(0), "{again:?}");
    let again: Value = serde_json::from_str(&again.stdout)?;
    assert_eq!(
        (&again["entries"], &again["detections"]),
        (&2000.into(), &200.into())
    );
    assert!(again["fill_seconds"].is_null());
    Ok(again)
}

fn check_shape(report: &Value) {
    let rows = report["rows"].as_array().unwrap();
    let kinds: BTreeSet<&str> = rows.iter().filter_map(|row| row["kind"].as_str()).collect();
    let expected = [
        "acknowledge",
        "context",
        "entry",
        "groups",
        "list",
        "search",
        "stats",
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap();
    for row in rows {
        assert!(number(row, "rounds") >= 3.0, "{row}");
        assert!(number(row, "p50_ms") <= number(row, "p99_ms"), "{row}");
        assert!(number(row, "p99_ms") <= number(row, "max_ms"), "{row}");
        let has_aim = row["readers"] == 1;
        assert_eq!(row["aim_ms"].is_f64(), has_aim, "{row}");
        assert_eq!(row["met"].is_boolean(), has_aim, "{row}");
    }
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(number(row("no filter"), "rows_mean"), 100.0);
    assert_eq!(number(row("word that is nowhere"), "rows_mean"), 0.0);
    // What was acknowledged was opened again, so that the next run measures the same.
    let opened = number(row("undo it"), "rows_mean");
    assert!(opened > 0.0 && opened == number(row("acknowledge 10,000 by filter"), "rows_mean"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_is_filled_measured_and_explained() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let file = folder.path().join("bench.db");
    let url = format!("sqlite://{}", file.display());
    check_shape(&fill_and_measure(&url).await?);
    assert_eq!(
        sqlite_count(&file, "SELECT count(*) FROM log_entries").await?,
        2_000
    );
    assert_eq!(sqlite_count(&file, "SELECT count(*) FROM detections").await?, 200);
    let by_groups = "SELECT sum(detection_count) FROM detection_groups";
    assert_eq!(sqlite_count(&file, by_groups).await?, 200);
    let explained = bench(&url, &["--no-fill", "--explain"]).await?;
    assert_eq!(explained.code, Some(0), "{explained:?}");
    assert!(
        explained.stdout.contains("SEARCH detections USING"),
        "{explained:?}"
    );
    assert!(
        explained
            .stdout
            .contains(", 0 of them read a table of lines or of detections"),
        "{explained:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_database_is_filled_and_measured_and_one_with_lines_of_its_own_is_left_alone()
-> anyhow::Result<()> {
    let _alone = alone().await;
    let cluster = PostgresCluster::start()?;
    check_shape(&fill_and_measure(&cluster.fresh_database().await?).await?);

    let url = cluster.fresh_database().await?;
    Outcome::success(["db", "migrate", "--db", url.as_str()]).await?;
    let name = url.rsplit('/').next().unwrap();
    cluster.execute(name, BY_HAND).await?;
    let refused = bench(&url, &[]).await?;
    assert!(
        refused.code == Some(1) && refused.stderr.contains("did not make"),
        "{refused:?}"
    );
    let stats = Outcome::json(["stats", "--db", url.as_str(), "--format", "jsonl"]).await?;
    assert_eq!(stats[0]["entry_count"], 1);
    Ok(())
}
