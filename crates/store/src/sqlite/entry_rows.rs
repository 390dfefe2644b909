//! Inserts entries in bulk together with their full-text rows and score batches: the hot path of ingest and import.

use super::bulk::BulkStatement;
use super::connection::Tx;
use super::error::map;
use super::executor::on;
use super::text::INSERT_ENTRY_TOKENS;
use crate::StoreError;
use crate::batch_plan::batch_message_id;
use crate::text_index::index_text;
use turnstone_types::ScoreBatch;

/// One row of `log_entries`, ready to be bound.
pub(super) struct EntryRow<'a> {
    pub id: &'a str,
    pub tenant_id: &'a str,
    pub source_id: &'a str,
    pub cycle_id: &'a str,
    pub text: &'a str,
    pub timestamp_iso: String,
    pub timestamp_basis: &'static str,
    pub severity: Option<&'static str>,
    pub ingest_time: &'a str,
    pub score: Option<f64>,
    pub label: Option<&'a str>,
    pub scored_at: Option<String>,
    pub quarantine_reason: Option<&'a str>,
}

const INSERT_ENTRIES: BulkStatement = BulkStatement {
    before: "INSERT INTO log_entries (entry_row, id, tenant_id, source_id, cycle_id, text, timestamp_iso, timestamp_basis, severity, \
             ingest_time, anomaly_score, anomaly_label, anomaly_scored_at, quarantine_reason, text_indexed) VALUES",
    columns: 15,
    after: "",
    rows_max: 256,
};

/// Inserts entries that are known to be new, and indexes their texts.
pub(super) async fn insert_entries(
    operation: &'static str,
    transaction: &mut Tx,
    entries: &[EntryRow<'_>],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    // This transaction holds the only write lock, so the numbers after the highest are free.
    let highest: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(entry_row), 0) FROM log_entries")
        .fetch_one(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    let numbered: Vec<(i64, &EntryRow<'_>)> = (highest + 1..).zip(entries).collect();
    INSERT_ENTRIES
        .execute(operation, transaction, &numbered, |(entry_row, entry), row| {
            row.add(*entry_row)
                .add(entry.id)
                .add(entry.tenant_id)
                .add(entry.source_id)
                .add(entry.cycle_id)
                .add(entry.text)
                .add(entry.timestamp_iso.as_str())
                .add(entry.timestamp_basis)
                .add(entry.severity)
                .add(entry.ingest_time)
                .add(entry.score)
                .add(entry.label)
                .add(entry.scored_at.as_deref())
                .add(entry.quarantine_reason)
                .add(1_i64);
        })
        .await?;
    INSERT_ENTRY_TOKENS
        .execute(operation, transaction, &numbered, |(entry_row, entry), row| {
            row.add(*entry_row).add(index_text(entry.text));
        })
        .await?;
    Ok(())
}

/// Inserts batches with the first event of each.
pub(super) async fn insert_batches(
    operation: &'static str,
    transaction: &mut Tx,
    batches: &[ScoreBatch],
    created_at: &str,
    trace_parent: Option<&str>,
) -> Result<(), StoreError> {
    const INSERT_BATCHES: BulkStatement = BulkStatement {
        before: "INSERT INTO score_batches (id, tenant_id, cycle_id, first_entry_id, last_entry_id, entry_count, created_at) VALUES",
        columns: 7,
        after: "",
        rows_max: 256,
    };
    const INSERT_EVENTS: BulkStatement = BulkStatement {
        before: "INSERT INTO outbox (message_id, kind, tenant_id, cycle_id, batch_id, trace_parent, created_at) VALUES",
        columns: 7,
        after: "",
        rows_max: 256,
    };
    INSERT_BATCHES
        .execute(operation, transaction, batches, |batch, row| {
            row.add(batch.id.as_str())
                .add(batch.tenant.as_str())
                .add(batch.cycle_id.as_str())
                .add(batch.first_entry_id.as_str())
                .add(batch.last_entry_id.as_str())
                .add(i64::from(batch.entry_count))
                .add(created_at);
        })
        .await?;
    INSERT_EVENTS
        .execute(operation, transaction, batches, |batch, row| {
            row.add(batch_message_id(&batch.id, 1))
                .add("batch")
                .add(batch.tenant.as_str())
                .add(batch.cycle_id.as_str())
                .add(batch.id.as_str())
                .add(trace_parent)
                .add(created_at);
        })
        .await?;
    Ok(())
}
