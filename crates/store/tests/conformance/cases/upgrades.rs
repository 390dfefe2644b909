//! Databases that an earlier version made and filled.

use super::drift::assert_no_drift;
use super::groups::groups;
use crate::backends::Harness;
use crate::fixtures::*;
use sha2::{Digest, Sha256};
use std::time::Duration;
use turnstone_store::{DetectionFilter, GroupFilter, StoreAddress};

crate::cases![
    a_filled_first_version_is_brought_up,
    an_interrupted_upgrade_is_taken_up_again
];

/// A database of schema version 1 with some detections, as that version left it.
async fn first_version(harness: &Harness, detections: usize) -> anyhow::Result<Harness> {
    let old = harness.backend.unmigrated().await?;
    let (schema, history) = match harness.backend.name() {
        "sqlite" => (
            include_str!("../../../migrations/sqlite/0001_initial.sql"),
            "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL, checksum TEXT NOT NULL)",
        ),
        _ => (
            include_str!("../../../migrations/postgres/0001_initial.sql"),
            "CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now(), checksum TEXT NOT NULL)",
        ),
    };
    if let StoreAddress::Sqlite(path) = &old.address {
        std::fs::File::create(path)?;
        old.sql.execute("PRAGMA journal_mode = WAL").await?;
    }
    let checksum: String = Sha256::digest(schema.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    old.sql.execute(schema).await?;
    old.sql.execute(history).await?;
    old.sql
        .execute(&format!(
            "INSERT INTO schema_migrations VALUES (1, 'initial', '2026-01-01T00:00:00.000000Z', '{checksum}')"
        ))
        .await?;
    let entries: Vec<String> = (1..=detections)
        .map(|number| {
            let time = format!("2026-03-01T{:02}:00:00.000000Z", number % 24);
            let severity = ["'ERROR'", "NULL"][number % 2];
            format!("('entry-{number}', 'acme', 'web', 'job {number} of queue {} failed', '{time}', '{time}', {severity})", ["a", "b"][number % 2])
        })
        .collect();
    let rows: Vec<String> = (1..=detections)
        .map(|number| {
            let time = format!("2026-03-01T{:02}:00:00.000000Z", number % 24);
            let queue = ["a", "b"][number % 2];
            let acknowledged = u8::from(number % 3 == 0);
            format!(
                "('old-{number}', 'acme', 'entry-{number}', 'web', 'm', 'ERROR', 0.9, 'ERROR', 'job {number} of queue {queue} failed', '{time}', {acknowledged})"
            )
        })
        .collect();
    old.sql
        .execute(&format!(
            "INSERT INTO log_entries (id, tenant_id, source_id, text, timestamp_iso, ingest_time, severity) VALUES {}",
            entries.join(",")
        ))
        .await?;
    old.sql
        .execute(&format!(
            "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
             detected_at, acknowledged) VALUES {}",
            rows.join(",")
        ))
        .await?;
    Ok(old)
}

async fn assert_upgraded(old: &Harness, detections: usize) -> anyhow::Result<()> {
    let store = old.store.as_ref();
    store.check_ready().await?;
    assert_no_drift(old, "just upgraded").await?;
    assert!(
        groups(store, &GroupFilter::default()).await?.is_empty(),
        "fingerprints are still to be made"
    );
    let listed = store
        .list_detections(&tenant("acme"), &DetectionFilter::default(), None, 10_000)
        .await?;
    assert_eq!(listed.len(), detections);
    while store.index_pending_text(7).await? > 0 {}
    let queue = DetectionFilter {
        text: Some("\"queue a\" failed".parse()?),
        ..DetectionFilter::default()
    };
    let found = store
        .list_detections(&tenant("acme"), &queue, None, 10_000)
        .await?;
    assert_eq!(found.len(), detections / 2, "texts are in their index");
    let mut done = 0;
    loop {
        let more = store.fingerprint_pending(7).await?;
        assert_no_drift(old, "while fingerprints are made").await?;
        done += more as usize;
        if more == 0 {
            break;
        }
    }
    assert_eq!(done, detections);
    let made = groups(store, &GroupFilter::default()).await?;
    assert_eq!(made.len(), 2);
    assert_eq!(
        made.iter().map(|group| group.detections as usize).sum::<usize>(),
        detections
    );
    detections_of_texts(
        store,
        &tenant("acme"),
        &["job 99 of queue a failed"],
        "ERROR",
        100_000,
    )
    .await?;
    assert_eq!(
        groups(store, &GroupFilter::default()).await?.len(),
        2,
        "old and new are one group"
    );
    Ok(())
}

async fn a_filled_first_version_is_brought_up(harness: Harness) -> anyhow::Result<()> {
    let old = first_version(&harness, 50).await?;
    let error = old.store.check_ready().await.unwrap_err();
    assert!(error.to_string().contains("turnstone db migrate"), "{error}");
    old.store.migrate().await?;
    assert_upgraded(&old, 50).await
}

async fn an_interrupted_upgrade_is_taken_up_again(harness: Harness) -> anyhow::Result<()> {
    let old = first_version(&harness, 40).await?;
    // Given up wherever it happens to be: each program that starts has a little longer.
    for microseconds in [0, 300, 1_000, 3_000, 6_000] {
        let interrupted = old.reopen().await?;
        let _ = tokio::time::timeout(Duration::from_micros(microseconds), interrupted.migrate()).await;
    }
    old.store.migrate().await?;
    assert_upgraded(&old, 40).await
}
