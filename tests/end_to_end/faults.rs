//! Faults under load: workers killed, the queue killed or robbed of its disk, the database restarted. Each costs time, never a
//! line, and nothing is scored twice.

use crate::{alone, exactly_once, lines};
use turnstone_bus::{Bus, BusOptions};
use turnstone_testkit::{PostgresCluster, wait_for};
use turnstone_tests::{Fleet, FleetOptions, STEP_LIMIT, WORK_LIMIT};

const LOAD_LINES: usize = 50_000;

/// A fleet over the first `count` made-up lines that notices faults soon.
async fn fleet(cluster: &PostgresCluster, count: usize, folder: &std::path::Path) -> anyhow::Result<Fleet> {
    let log = folder.join("app.log");
    std::fs::write(&log, lines::file(0..count))?;
    let options = FleetOptions::default()
        .source("app", log)
        .set("scorer.ack_wait_seconds", 5)
        // Before then the sweeper must not step in: it is the queue that gives the work of the dead to the living.
        .set("ingest.score_deadline_seconds", 30)
        .set("ingest.sweep_interval_seconds", 2)
        .set("ingest.cycle_entries_max", 5_000);
    Fleet::start_on(cluster, options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_lines_survive_a_killed_scorer_and_a_killed_queue() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let mut fleet = fleet(turnstone_tests::shared_postgres()?, LOAD_LINES, folder.path()).await?;
    let mut query = fleet.query().await?;
    exactly_once::watch_writes(&fleet).await?;
    let (mut doomed, mut scorer) = (fleet.scorer().await?, fleet.scorer().await?);
    let mut ingest = fleet.ingest().await?;
    let scored = |part: usize| (LOAD_LINES * part / 100) as u64;

    fleet
        .wait_for_scored(
            scored(20),
            &mut [&mut query, &mut doomed, &mut scorer, &mut ingest],
            WORK_LIMIT,
        )
        .await?;
    let bus = Bus::connect(&BusOptions::new(fleet.nats.url())).await?;
    // The scorers are faster than the ingest at times; the kill is for a moment at which something is in hand.
    wait_for(STEP_LIMIT, || async {
        anyhow::ensure!(bus.backlog().await?.ack_pending > 0, "nothing is in hand");
        Ok(())
    })
    .await?;
    doomed.program().kill9()?;

    fleet
        .wait_for_scored(
            scored(40),
            &mut [&mut query, &mut scorer, &mut ingest],
            WORK_LIMIT,
        )
        .await?;
    fleet.nats.kill9_and_start_again().await?;
    let mut replacement = fleet.scorer().await?;

    fleet
        .wait_for_scored(
            scored(100),
            &mut [&mut query, &mut scorer, &mut ingest, &mut replacement],
            WORK_LIMIT,
        )
        .await?;
    exactly_once::check(&fleet, LOAD_LINES).await?;
    for service in [&mut ingest, &mut scorer, &mut replacement, &mut query] {
        assert_eq!(service.stop().await?.code(), Some(0), "{}", service.log());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_loses_its_disk_costs_no_line() -> anyhow::Result<()> {
    const LINES: usize = 2_000;
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let mut fleet = fleet(turnstone_tests::shared_postgres()?, LINES, folder.path()).await?;
    let mut ingest = fleet.ingest().await?;
    exactly_once::watch_writes(&fleet).await?;
    let mut scorer = fleet.scorer().await?;
    fleet
        .wait_for_scored(1, &mut [&mut ingest, &mut scorer], WORK_LIMIT)
        .await?;
    fleet.nats.kill9_lose_all_and_start_again().await?;
    fleet
        .wait_for_scored(LINES as u64, &mut [&mut ingest, &mut scorer], WORK_LIMIT)
        .await?;
    exactly_once::check(&fleet, LINES).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_database_costs_no_line() -> anyhow::Result<()> {
    const LINES: usize = 2_000;
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    // A cluster of its own: the others must not notice.
    let cluster = PostgresCluster::start()?;
    let fleet = fleet(&cluster, LINES, folder.path()).await?;
    let mut query = fleet.query().await?;
    exactly_once::watch_writes(&fleet).await?;
    let (mut first, mut second) = (fleet.scorer().await?, fleet.scorer().await?);
    let mut ingest = fleet.ingest().await?;
    let log = folder.path().join("app.log");
    fleet
        .wait_for_scored(
            1,
            &mut [&mut query, &mut first, &mut second, &mut ingest],
            WORK_LIMIT,
        )
        .await?;

    cluster.stop()?;
    // There is more to glean while nobody can store it.
    append(&log, LINES..LINES * 2)?;
    cluster.start_again()?;

    let all = &mut [&mut query, &mut first, &mut second, &mut ingest];
    fleet.wait_for_scored(2 * LINES as u64, all, WORK_LIMIT).await?;
    exactly_once::check(&fleet, 2 * LINES).await
}

fn append(log: &std::path::Path, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    use std::io::Write;
    std::fs::OpenOptions::new()
        .append(true)
        .open(log)?
        .write_all(lines::file(numbers).as_bytes())?;
    Ok(())
}
