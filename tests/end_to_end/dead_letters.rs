//! Dead letters from end to end: what can never be scored is listed with its reason and can be put back on the queue.

use crate::{alone, lines};
use turnstone_bus::{Bus, BusOptions};
use turnstone_testkit::wait_for;
use turnstone_tests::{Fleet, FleetOptions, Outcome, STEP_LIMIT, WORK_LIMIT};

async fn wait_for_dead(bus: &Bus, count: u64) -> anyhow::Result<()> {
    wait_for(STEP_LIMIT, || async {
        let backlog = bus.backlog().await?;
        anyhow::ensure!(
            backlog.dead == count && backlog.pending + backlog.ack_pending == 0,
            "{backlog:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_queue_is_listed_and_replayed_and_stops_nobody() -> anyhow::Result<()> {
    const LINES: usize = 200;
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let log = folder.path().join("app.log");
    std::fs::write(&log, lines::file(0..LINES))?;
    let fleet = Fleet::start(FleetOptions::default().source("app", &log)).await?;
    let mut scorer = fleet.scorer().await?;
    fleet
        .nats
        .publish("turnstone.score._", b"\xff\x00 no batch \x1b[31m")
        .await?;
    let bus = Bus::connect(&BusOptions::new(fleet.nats.url())).await?;
    wait_for_dead(&bus, 1).await?;

    let config = fleet.config().to_str().unwrap();
    let list = ["bus", "dead", "list", "--config", config, "--format", "jsonl"];
    let letters = Outcome::json(list).await?;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["subject"], "turnstone.score._");
    assert!(
        letters[0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("cannot be read")),
        "{letters:?}"
    );
    assert!(letters[0]["batch_id"].is_null(), "{letters:?}");
    let table = Outcome::success(["bus", "dead", "list", "--config", config]).await?;
    assert!(
        table.contains("cannot be read") && !table.contains('\u{1b}'),
        "{table:?}"
    );

    // What comes after it is scored all the same.
    let mut ingest = fleet.ingest().await?;
    fleet
        .wait_for_scored(LINES as u64, &mut [&mut scorer, &mut ingest], WORK_LIMIT)
        .await?;

    let wrong = Outcome::any(["bus", "dead", "replay", "999999", "--config", config]).await?;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert_eq!(
        Outcome::json(list).await?,
        letters,
        "a replay of another letter changed this one"
    );

    // Put back, it fails again and comes back with a letter of its own.
    let sequence = letters[0]["sequence"].to_string();
    let told = Outcome::success(["bus", "dead", "replay", sequence.as_str(), "--config", config]).await?;
    assert!(told.starts_with("1 put back"), "{told:?}");
    wait_for_dead(&bus, 1).await?;
    let again = Outcome::json(list).await?;
    assert_ne!(
        again[0]["sequence"], letters[0]["sequence"],
        "the letter was never put back: {again:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_failed_too_often_is_buried_and_scored_after_a_replay() -> anyhow::Result<()> {
    const LINES: usize = 60;
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let log = folder.path().join("app.log");
    std::fs::write(&log, lines::file(0..LINES))?;
    let options = FleetOptions::default()
        .source("app", &log)
        .set("scorer.deliveries_max", 2)
        .set("scorer.ack_wait_seconds", 2)
        .set("anomaly.batch", 20);
    let fleet = Fleet::start(options).await?;
    let mut query = fleet.query().await?;
    let sql = fleet.sql().await?;
    // Scores of one line cannot be written: a fault that looks as if it could pass, and does not.
    sql.rows(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON log_entries FOR EACH ROW
             WHEN (new.text LIKE '%sector 50') EXECUTE FUNCTION refuse()",
    )
    .await?;
    let mut ingest = fleet.ingest().await?;
    let mut scorer = fleet.scorer().await?;
    let bus = Bus::connect(&BusOptions::new(fleet.nats.url())).await?;
    wait_for_dead(&bus, 1).await?;
    for service in [&mut query, &mut ingest, &mut scorer] {
        service.still_running()?;
    }
    let unscored = "SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NULL";
    let left = sql.count(unscored).await?;
    assert!(
        (1..=20).contains(&left),
        "{left} entries are left out, and not only the batch of that line"
    );
    let config = fleet.config().to_str().unwrap();
    let letters = Outcome::json(["bus", "dead", "list", "--config", config, "--format", "jsonl"]).await?;
    assert_eq!(letters[0]["entry_count"], left, "{letters:?}");
    assert!(
        letters[0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("delivered 2 times")),
        "{letters:?}"
    );

    sql.rows("DROP TRIGGER refuse ON log_entries").await?;
    let told = Outcome::success(["bus", "dead", "replay", "--all", "--config", config]).await?;
    assert!(told.starts_with("1 put back"), "{told:?}");
    fleet
        .wait_for_scored(
            LINES as u64,
            &mut [&mut query, &mut scorer, &mut ingest],
            WORK_LIMIT,
        )
        .await?;
    assert_eq!(sql.count(unscored).await?, 0);
    wait_for_dead(&bus, 0).await
}
