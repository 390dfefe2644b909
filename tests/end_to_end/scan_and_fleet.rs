//! One process without a server, and separate programs on Postgres with two scorers, find the same.

use crate::{alone, example_logs};
use turnstone_tests::{Fleet, Outcome, WORK_LIMIT};

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_finds_what_a_scan_finds() -> anyhow::Result<()> {
    let _alone = alone().await;
    let scanned = example_logs::scan().await?;
    // Small batches, so that both scorers get some.
    let fleet = Fleet::start(example_logs::fleet_options().set("anomaly.batch", 32)).await?;
    let mut query = fleet.query().await?;
    let (mut first, mut second) = (fleet.scorer().await?, fleet.scorer().await?);
    let mut ingest = fleet.ingest().await?;
    fleet
        .wait_for_scored(
            scanned.entries,
            &mut [&mut query, &mut first, &mut second, &mut ingest],
            WORK_LIMIT,
        )
        .await?;

    let url = query.url();
    let listed = Outcome::json([
        "detections",
        "list",
        "--limit",
        "10000",
        "--format",
        "jsonl",
        "--server",
        url.as_str(),
    ])
    .await?;
    assert_eq!(example_logs::texts_and_labels(&listed), scanned.detections);
    let sql = fleet.sql().await?;
    assert_eq!(
        sql.count("SELECT count(*) FROM log_entries").await?,
        scanned.entries
    );
    assert_eq!(
        sql.count("SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NULL")
            .await?,
        0
    );
    assert_eq!(
        sql.count("SELECT count(*) FROM log_entries WHERE quarantine_reason IS NOT NULL")
            .await?,
        0
    );
    for scorer in [&mut first, &mut second] {
        let (_, metrics) = turnstone_tests::http_get(scorer.address(), "/metrics").await?;
        let worked = metrics.lines().any(|line| {
            line.starts_with("turnstone_scorer_entries_total{outcome=\"scored\"}") && !line.ends_with(" 0")
        });
        assert!(
            worked,
            "one scorer got nothing to do, so two were not tested\n{metrics}"
        );
        assert_eq!(scorer.stop().await?.code(), Some(0), "{}", scorer.log());
    }
    Ok(())
}
