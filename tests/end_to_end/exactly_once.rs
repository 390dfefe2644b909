//! What must hold of a fleet's database and queue after whatever happened: every line is there, was scored once, and is a
//! detection exactly when it should be; nothing waits any more.

use crate::lines;
use anyhow::Context;
use std::collections::BTreeSet;
use turnstone_bus::{Bus, BusOptions};
use turnstone_testkit::wait_for;
use turnstone_tests::{Fleet, STEP_LIMIT};

/// The labels of the original that make detections.
const ANOMALOUS: &str = "'CRITICAL', 'ERROR', 'SECURITY_ANOMALY', 'SYSTEM_FAILURE', 'PERFORMANCE_ISSUE', 'NETWORK_ANOMALY', \
                         'CONFIG_ERROR', 'HARDWARE_ISSUE'";

/// Has the database count every write to an entry from now on. Only scores are written to entries that are there.
pub async fn watch_writes(fleet: &Fleet) -> anyhow::Result<()> {
    let sql = fleet.sql().await?;
    sql.rows(
        "CREATE TABLE score_writes (entry_id TEXT NOT NULL);
         CREATE FUNCTION note_score_write() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO score_writes VALUES (new.id); RETURN NULL; END $$;
         CREATE TRIGGER note_score_write AFTER UPDATE ON log_entries FOR EACH ROW EXECUTE FUNCTION note_score_write()",
    )
    .await?;
    Ok(())
}

/// Checks a fleet that gleaned the first `count` made-up lines, after [`watch_writes`].
pub async fn check(fleet: &Fleet, count: usize) -> anyhow::Result<()> {
    let sql = fleet.sql().await?;
    let expected = count as u64;
    assert_eq!(
        sql.count("SELECT count(*) FROM log_entries").await?,
        expected,
        "entries"
    );
    let texts: BTreeSet<String> = sql
        .column("SELECT text FROM log_entries")
        .await?
        .into_iter()
        .collect();
    let wanted: BTreeSet<String> = (0..count).map(lines::text).collect();
    assert!(
        texts == wanted,
        "lost: {:?}, made up: {:?}",
        first(&wanted, &texts),
        first(&texts, &wanted)
    );

    let unscored = "SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NULL OR anomaly_label IS NULL \
                    OR anomaly_score IS NULL OR anomaly_score NOT BETWEEN 0 AND 1";
    assert_eq!(sql.count(unscored).await?, 0, "unscored");
    assert_eq!(
        sql.count("SELECT count(*) FROM log_entries WHERE quarantine_reason IS NOT NULL")
            .await?,
        0,
        "quarantined"
    );
    assert_eq!(
        sql.count("SELECT count(*) FROM score_writes").await?,
        expected,
        "writes of scores"
    );
    assert_eq!(
        sql.count("SELECT count(DISTINCT entry_id) FROM score_writes")
            .await?,
        expected,
        "entries written"
    );

    let alarming = (0..count).filter(|number| number % 100 == 50).count() as u64;
    let detections = sql.count("SELECT count(*) FROM detections").await?;
    assert!(
        detections >= alarming / 2,
        "only {detections} detections of {alarming} alarming lines"
    );
    assert_eq!(
        sql.count("SELECT count(DISTINCT (entry_id, scorer)) FROM detections")
            .await?,
        detections,
        "detections repeat"
    );
    assert_eq!(
        sql.count("SELECT count(DISTINCT entry_id) FROM detections")
            .await?,
        detections,
        "detections of two scorers"
    );
    let differing = format!(
        "SELECT count(*) FROM (SELECT * FROM log_entries WHERE anomaly_label IN ({ANOMALOUS}) AND anomaly_score >= 0.75) e \
         FULL JOIN detections d ON d.entry_id = e.id WHERE d.id IS NULL OR e.id IS NULL \
         OR (d.anomaly_label, d.anomaly_score, d.text) IS DISTINCT FROM (e.anomaly_label, e.anomaly_score, e.text)"
    );
    assert_eq!(
        sql.count(&differing).await?,
        0,
        "entries that should be detections and are not, or the other way round"
    );
    assert_eq!(
        sql.count("SELECT count(*) FROM score_batches WHERE done_at IS NULL OR dead_at IS NOT NULL")
            .await?,
        0,
        "batches"
    );

    let bus = Bus::connect(&BusOptions::new(fleet.nats.url())).await?;
    let quiet = wait_for(STEP_LIMIT, || async {
        let backlog = bus.backlog().await?;
        anyhow::ensure!(
            backlog.pending == 0 && backlog.ack_pending == 0,
            "the queue still holds {backlog:?}"
        );
        let waiting = sql
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await?;
        anyhow::ensure!(waiting == 0, "{waiting} events wait to be published");
        Ok(backlog)
    });
    let backlog = quiet.await.context("wait until nothing is left to do")?;
    assert_eq!(backlog.dead, 0, "dead letters");
    // Late repeats have been worked off by now; they must not have written anything.
    assert_eq!(
        sql.count("SELECT count(*) FROM score_writes").await?,
        expected,
        "writes of scores in the end"
    );
    assert_eq!(
        sql.count("SELECT count(*) FROM detections").await?,
        detections,
        "detections in the end"
    );
    Ok(())
}

fn first<'a>(set: &'a BTreeSet<String>, without: &'a BTreeSet<String>) -> Vec<&'a String> {
    set.difference(without).take(5).collect()
}
