//! Each separate program stops on SIGTERM while it is busy: everything in hand is finished or handed back, exit 0, in time;
//! a second signal ends it at once.

use crate::alone;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use turnstone_testkit::wait_for;
use turnstone_tests::{Fleet, FleetOptions, STEP_LIMIT, Service, Sql, WORK_LIMIT};

const ENTRIES: u64 = 1_500;
const FEW: u64 = 200;
/// The grace times of the services add up to less.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Stops every change of batches: whoever records an entry or a score waits. Reading goes on.
const HOLD: &str = "BEGIN; LOCK TABLE score_batches IN EXCLUSIVE MODE";
const WAITING: &str =
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'score_batches'::regclass";

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
    std::fs::write(&log, lines(0..ENTRIES / 2))?;
    let options = FleetOptions::default()
        .source("app", &log)
        .set("ingest.cycle_entries_max", 100)
        .set("anomaly.batch", 32);
    let fleet = Fleet::start(options).await?;
    let sql = fleet.sql().await?;
    let mut ingest = fleet.ingest().await?;
    wait_for_count(&sql, "SELECT count(*) FROM log_entries", ENTRIES / 2).await?;

    // However fast the machine is: both are in the middle of a write when they are told to stop.
    let holding = fleet.sql().await?;
    holding.rows(HOLD).await?;
    let mut query = fleet.query().await?;
    let mut scorer = fleet.scorer().await?;
    wait_for_count(&sql, WAITING, 1).await?;
    let scorers_waiting = sql.count(WAITING).await?;
    let mut file = std::fs::OpenOptions::new().append(true).open(&log)?;
    file.write_all(lines(ENTRIES / 2..ENTRIES).as_bytes())?;
    wait_for_count(&sql, WAITING, scorers_waiting + 1).await?;
    let started = Instant::now();
    let mut services = [&mut ingest, &mut scorer, &mut query];
    for service in &mut services {
        service.program().terminate()?;
        let told = |line: &str| line.contains("stopping; a second signal").then_some(());
        service.program().wait_for_line(STEP_LIMIT, told).await?;
    }
    holding.rows("ROLLBACK").await?;
    for service in services {
        let status = service.program().wait(STEP_LIMIT).await?;
        assert_eq!(status.code(), Some(0), "{}", service.log());
        assert!(
            started.elapsed() < STOP_LIMIT,
            "took {:?}\n{}",
            started.elapsed(),
            service.log()
        );
    }
    let done = sql
        .count("SELECT count(*) FROM score_batches WHERE done_at IS NOT NULL")
        .await?;
    let batches = sql.count("SELECT count(*) FROM score_batches").await?;
    assert!(0 < done, "what the scorer had in hand was not finished");
    assert!(done < batches, "the scorer went on to what it had not begun");
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

async fn wait_for_count(sql: &Sql, query: &str, least: u64) -> anyhow::Result<()> {
    wait_for(WORK_LIMIT, || async {
        let found = sql.count(query).await?;
        anyhow::ensure!(found >= least, "{found} of {least}: {query}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let log = folder.path().join("app.log");
    std::fs::write(&log, lines(0..FEW))?;
    let fleet = Fleet::start(FleetOptions::default().source("app", &log)).await?;
    let sql = fleet.sql().await?;
    let ingest = fleet.ingest().await?;
    wait_for_count(&sql, "SELECT count(*) FROM log_entries", FEW).await?;
    // The batch in hand cannot be written, so only the second signal can end the scorer soon.
    let holding = fleet.sql().await?;
    holding.rows(HOLD).await?;
    let mut scorer = fleet.scorer().await?;
    wait_for_count(&sql, WAITING, 1).await?;
    end_with_two_signals(&mut scorer).await?;
    drop(ingest);
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
