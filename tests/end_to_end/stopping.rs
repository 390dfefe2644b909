//! Each separate program stops on SIGTERM while it is busy: everything in hand is finished or handed back, exit 0, in time;
//! a second signal ends it at once.

use crate::alone;
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use turnstone_testkit::wait_for;
use turnstone_tests::{Fleet, FleetOptions, STEP_LIMIT, Service, WORK_LIMIT};

const ENTRIES: u64 = 1_500;
/// The grace times of the services add up to less.
const STOP_LIMIT: Duration = Duration::from_secs(60);

fn lines(range: std::ops::Range<u64>) -> String {
    range.fold(String::new(), |mut text, number| {
        writeln!(text, "session {number} opened for user app").unwrap();
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_stop_in_order_while_busy_and_lose_nothing() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let log = folder.path().join("app.log");
    std::fs::write(&log, lines(0..ENTRIES))?;
    let options = FleetOptions::default()
        .source("app", &log)
        .set("ingest.cycle_entries_max", 100)
        .set("anomaly.batch", 32);
    let fleet = Fleet::start(options).await?;
    let mut query = fleet.query().await?;
    let mut scorer = fleet.scorer().await?;
    let mut ingest = fleet.ingest().await?;
    fleet
        .wait_for_scored(1, &mut [&mut scorer, &mut ingest, &mut query], WORK_LIMIT)
        .await?;

    for service in [&mut ingest, &mut scorer, &mut query] {
        let started = Instant::now();
        let status = service.stop().await?;
        assert_eq!(status.code(), Some(0), "{}", service.log());
        assert!(
            started.elapsed() < STOP_LIMIT,
            "took {:?}\n{}",
            started.elapsed(),
            service.log()
        );
    }
    let sql = fleet.sql().await?;
    let done = sql
        .count("SELECT count(*) FROM score_batches WHERE done_at IS NOT NULL")
        .await?;
    let batches = sql.count("SELECT count(*) FROM score_batches").await?;
    assert!(
        done < batches,
        "the scorer had nothing left to do, so the stop while busy was not tested"
    );
    let half_done = "SELECT count(*) FROM score_batches b JOIN log_entries e ON e.id BETWEEN b.first_entry_id AND b.last_entry_id \
                     AND e.cycle_id = b.cycle_id WHERE (b.done_at IS NULL) <> (e.anomaly_scored_at IS NULL)";
    assert_eq!(sql.count(half_done).await?, 0, "a batch was written in part");

    // Whoever comes next goes on where they left off.
    let mut scorer = fleet.scorer().await?;
    let mut ingest = fleet.ingest().await?;
    fleet
        .wait_for_scored(ENTRIES, &mut [&mut scorer, &mut ingest], WORK_LIMIT)
        .await?;
    assert_eq!(sql.count("SELECT count(*) FROM log_entries").await?, ENTRIES);
    assert_eq!(
        sql.count("SELECT count(DISTINCT text) FROM log_entries WHERE anomaly_scored_at IS NOT NULL")
            .await?,
        ENTRIES
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let log = folder.path().join("app.log");
    std::fs::write(&log, lines(0..20_000))?;
    // One batch that takes much longer than the test: the scorer cannot finish it, so only the second signal can end it soon.
    let options = FleetOptions::default()
        .source("app", &log)
        .set("anomaly.batch", 20_000)
        .set("ingest.cycle_entries_max", 20_000);
    let fleet = Fleet::start(options).await?;
    let ingest = fleet.ingest().await?;
    let mut scorer = fleet.scorer().await?;
    let bus = turnstone_bus::Bus::connect(&turnstone_bus::BusOptions::new(fleet.nats.url())).await?;
    wait_for(STEP_LIMIT, || async {
        let backlog = bus.backlog().await?;
        anyhow::ensure!(backlog.ack_pending > 0, "nothing is being scored");
        Ok(())
    })
    .await?;
    end_with_two_signals(&mut scorer).await?;
    drop(ingest);
    let sql = fleet.sql().await?;
    assert_eq!(
        sql.count("SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NOT NULL")
            .await?,
        0
    );
    Ok(())
}

async fn end_with_two_signals(service: &mut Service) -> anyhow::Result<()> {
    service.program().terminate()?;
    service
        .program()
        .wait_for_line(STEP_LIMIT, |line| {
            line.contains("a second signal ends at once").then_some(())
        })
        .await?;
    service.still_running()?;
    let started = Instant::now();
    service.program().terminate()?;
    let status = service.program().wait(STEP_LIMIT).await?;
    assert_eq!(
        status.code(),
        Some(128 + 15),
        "signal {:?}\n{}",
        status.signal(),
        service.log()
    );
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "took {:?}",
        started.elapsed()
    );
    Ok(())
}
