//! Commits glean cycles and reads checkpoints.

use super::connection::{Connections, Tx, commit};
use super::counts::add_entries;
use super::entry_rows::{EntryRow, insert_batches, insert_entries};
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::StoreError;
use crate::batch_plan::{count_by_source, cut_batches};
use crate::checks::check_cycle;
use crate::counts::{count_minutes, counted};
use crate::instant::to_text;
use serde_json::json;
use std::collections::BTreeMap;
use turnstone_types::{CycleId, NewCycle, ScoreBatch, SourceCheckpoint, SourceId, TenantId};

/// What a row of `glean_cycles` holds.
pub(super) struct CycleRow<'a> {
    pub id: &'a CycleId,
    pub tenant: &'a TenantId,
    pub started_at: &'a str,
    pub closed_at: &'a str,
    pub entry_count: usize,
    pub first_and_last: Option<(&'a str, &'a str)>,
    pub source_counts: &'a [(SourceId, u64)],
    pub trace_parent: Option<&'a str>,
}

/// Inserts a cycle and, if it has entries, its event. Returns false where a cycle of this id is there.
pub(super) async fn insert_cycle(
    operation: &'static str,
    transaction: &mut Tx,
    cycle: &CycleRow<'_>,
) -> Result<bool, StoreError> {
    let counts: Vec<_> = cycle
        .source_counts
        .iter()
        .map(|(source, count)| json!([source.as_str(), count]))
        .collect();
    let inserted = sqlx::query(
        "INSERT INTO glean_cycles
         (id, tenant_id, started_at, closed_at, entry_count, first_entry_id, last_entry_id, source_counts, trace_parent, text_indexed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?4) ON CONFLICT (id) DO NOTHING",
    )
    .bind(cycle.id.as_str())
    .bind(cycle.tenant.as_str())
    .bind(cycle.started_at)
    .bind(cycle.closed_at)
    .bind(i64::try_from(cycle.entry_count).unwrap_or(i64::MAX))
    .bind(cycle.first_and_last.map(|(first, _)| first))
    .bind(cycle.first_and_last.map(|(_, last)| last))
    .bind(serde_json::Value::Array(counts).to_string())
    .bind(cycle.trace_parent)
    .execute(on(transaction))
    .await
    .map_err(|error| map(operation, error))?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    if cycle.entry_count > 0 {
        sqlx::query(
            "INSERT INTO outbox (message_id, kind, tenant_id, cycle_id, trace_parent, created_at) VALUES (?1, 'cycle', ?2, ?1, ?3, ?4)",
        )
        .bind(cycle.id.as_str())
        .bind(cycle.tenant.as_str())
        .bind(cycle.trace_parent)
        .bind(cycle.closed_at)
        .execute(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    }
    Ok(true)
}

/// `WriteStore::commit_cycle`.
pub(super) async fn commit_cycle(connections: &Connections, cycle: &NewCycle) -> Result<bool, StoreError> {
    const OPERATION: &str = "commit_cycle";
    check_cycle(cycle)?;
    let (started_at, closed_at) = (to_text(cycle.started_at), to_text(cycle.closed_at));
    let trace_parent = cycle.trace_parent.as_deref();
    let rows = entry_rows(cycle, &closed_at);
    let batches: Vec<ScoreBatch> = cut_batches(
        &cycle.tenant,
        &cycle.id,
        cycle.entries.iter().map(|entry| &entry.id),
        cycle.batch_entries_max,
    );
    let source_counts = count_by_source(cycle.entries.iter().map(|entry| &entry.source_id));

    let mut transaction = connections.begin_write(OPERATION).await?;
    let cycle_row = CycleRow {
        id: &cycle.id,
        tenant: &cycle.tenant,
        started_at: &started_at,
        closed_at: &closed_at,
        entry_count: rows.len(),
        first_and_last: rows
            .first()
            .zip(rows.last())
            .map(|(first, last)| (first.id, last.id)),
        source_counts: &source_counts,
        trace_parent,
    };
    if !insert_cycle(OPERATION, &mut transaction, &cycle_row).await? {
        return Ok(false);
    }
    insert_entries(OPERATION, &mut transaction, &rows).await?;
    insert_batches(OPERATION, &mut transaction, &batches, &closed_at, trace_parent).await?;
    write_checkpoints(&mut transaction, cycle, &closed_at).await?;
    let deltas = cycle.sources.iter().map(|source| {
        json!({
            "source_id": source.source_id.as_str(),
            "kind": source.kind,
            "entries": stored_count(source.entries),
            "bytes": stored_count(source.bytes),
            "undated_entries": stored_count(source.undated_entries),
            "repaired_lines": stored_count(source.repaired_lines),
            "truncated_lines": stored_count(source.truncated_lines),
            "last_entry_at": source.last_entry_at.map(to_text),
            "fault": source.fault,
        })
    });
    add_to_sources(
        OPERATION,
        &mut transaction,
        &cycle.tenant,
        deltas.collect(),
        &closed_at,
    )
    .await?;
    let counts = count_minutes(counted(cycle));
    add_entries(OPERATION, &mut transaction, &cycle.tenant, &counts).await?;
    commit(OPERATION, transaction).await?;
    Ok(true)
}

fn entry_rows<'a>(cycle: &'a NewCycle, closed_at: &'a str) -> Vec<EntryRow<'a>> {
    let row = |entry: &'a turnstone_types::NewEntry| EntryRow {
        id: entry.id.as_str(),
        tenant_id: cycle.tenant.as_str(),
        source_id: entry.source_id.as_str(),
        cycle_id: cycle.id.as_str(),
        text: &entry.text,
        timestamp_iso: to_text(entry.timestamp),
        timestamp_basis: entry.timestamp_basis.as_str(),
        severity: entry.severity.map(turnstone_types::Severity::as_str),
        ingest_time: closed_at,
        score: None,
        label: None,
        scored_at: None,
        quarantine_reason: None,
    };
    cycle.entries.iter().map(row).collect()
}

/// A counter as SQLite can keep it.
pub(super) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

async fn write_checkpoints(
    transaction: &mut Tx,
    cycle: &NewCycle,
    closed_at: &str,
) -> Result<(), StoreError> {
    const OPERATION: &str = "commit_cycle";
    if cycle.checkpoints.is_empty() {
        return Ok(());
    }
    // The last word on a key counts, so that each key is either set or forgotten.
    let last: BTreeMap<(&str, &str), Option<&str>> = cycle
        .checkpoints
        .iter()
        .map(|checkpoint| {
            (
                (checkpoint.source_id.as_str(), checkpoint.key.as_str()),
                checkpoint.state.as_deref(),
            )
        })
        .collect();
    let rows: Vec<_> = last
        .into_iter()
        .map(|((source, key), state)| json!([source, key, state]))
        .collect();
    let rows = serde_json::Value::Array(rows).to_string();
    sqlx::query(
        "DELETE FROM source_checkpoints WHERE tenant_id = ?1 AND (source_id, checkpoint_key) IN
         (SELECT value ->> 0, value ->> 1 FROM json_each(?2) WHERE value ->> 2 IS NULL)",
    )
    .bind(cycle.tenant.as_str())
    .bind(&rows)
    .execute(on(transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    sqlx::query(
        "INSERT INTO source_checkpoints (tenant_id, source_id, checkpoint_key, state, updated_at)
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, ?3 FROM json_each(?2) WHERE value ->> 2 IS NOT NULL
         ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at",
    )
    .bind(cycle.tenant.as_str())
    .bind(&rows)
    .bind(closed_at)
    .execute(on(transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    Ok(())
}

/// Adds to the counters of sources. `deltas` are objects with the names of the columns.
pub(super) async fn add_to_sources(
    operation: &'static str,
    transaction: &mut Tx,
    tenant: &TenantId,
    deltas: Vec<serde_json::Value>,
    gleaned_at: &str,
) -> Result<(), StoreError> {
    if deltas.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("queries/add_to_sources.sql"))
        .bind(tenant.as_str())
        .bind(serde_json::Value::Array(deltas).to_string())
        .bind(gleaned_at)
        .execute(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    Ok(())
}

/// `WriteStore::checkpoints`.
pub(super) async fn checkpoints(
    connections: &Connections,
    tenant: &TenantId,
    source_id: &SourceId,
) -> Result<Vec<SourceCheckpoint>, StoreError> {
    const OPERATION: &str = "checkpoints";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = sqlx::query(
        "SELECT checkpoint_key, state FROM source_checkpoints WHERE tenant_id = ? AND source_id = ? ORDER BY checkpoint_key",
    )
    .bind(tenant.as_str())
    .bind(source_id.as_str())
    .fetch_all(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    let checkpoint = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(SourceCheckpoint {
            source_id: source_id.clone(),
            key: reader.take()?,
            state: Some(reader.take()?),
        })
    };
    rows.iter().map(checkpoint).collect()
}
