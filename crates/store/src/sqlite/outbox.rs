//! The outbox: events that wait, events that were published, and batches that must be sent again.

use super::connection::{Connections, Tx, commit};
use super::entry_rows::insert_batches;
use super::error::map;
use super::executor::on;
use super::rows::{Reader, batch_from};
use crate::StoreError;
use crate::instant::to_text;
use crate::model::{OutboxBody, OutboxEvent, SweepOutcome, SweepRequest};
use crate::stored::source_counts;
use sqlx::sqlite::SqliteRow;
use turnstone_types::{BatchId, CycleEvent, ScoreBatch, TenantId, Timestamp};

/// `WriteStore::pending_events`.
pub(super) async fn pending_events(
    connections: &Connections,
    limit: u32,
) -> Result<Vec<OutboxEvent>, StoreError> {
    const OPERATION: &str = "pending_events";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = sqlx::query(include_str!("queries/pending_events.sql"))
        .bind(limit)
        .fetch_all(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    rows.iter().map(|row| event(OPERATION, row)).collect()
}

fn event(operation: &'static str, row: &SqliteRow) -> Result<OutboxEvent, StoreError> {
    let mut reader = Reader::new(operation, row);
    let message_id = reader.take()?;
    let trace_parent = reader.take()?;
    let is_batch: bool = reader.take()?;
    let body = if is_batch {
        OutboxBody::Batch(batch_from(&mut reader)?)
    } else {
        for _ in 0..6 {
            reader.take::<Option<String>>()?;
        }
        OutboxBody::Cycle(CycleEvent {
            cycle_id: reader.take_checked()?,
            tenant: reader.take_checked::<TenantId>()?,
            started_at: reader.take_instant()?,
            closed_at: reader.take_instant()?,
            entry_count: reader.take_count()?,
            sources: source_counts(operation, reader.take()?)?,
        })
    };
    Ok(OutboxEvent {
        message_id,
        trace_parent,
        body,
    })
}

/// `WriteStore::mark_published`.
pub(super) async fn mark_published(
    connections: &Connections,
    message_ids: &[String],
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "mark_published";
    if message_ids.is_empty() {
        return Ok(());
    }
    let (message_ids, at) = (serde_json::json!(message_ids).to_string(), to_text(at));
    let mut transaction = connections.begin_write(OPERATION).await?;
    for sql in [
        // First, while the rows still say that they wait: a repeat must not move a deadline.
        "UPDATE score_batches SET last_sent_at = ?2 WHERE id IN (
            SELECT batch_id FROM outbox
            WHERE message_id IN (SELECT value FROM json_each(?1)) AND published_at IS NULL AND batch_id IS NOT NULL)",
        "UPDATE outbox SET published_at = ?2
         WHERE message_id IN (SELECT value FROM json_each(?1)) AND published_at IS NULL",
    ] {
        sqlx::query(sql)
            .bind(&message_ids)
            .bind(&at)
            .execute(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?;
    }
    commit(OPERATION, transaction).await
}

/// `WriteStore::prune_outbox`.
pub(super) async fn prune_outbox(connections: &Connections, before: Timestamp) -> Result<u64, StoreError> {
    const OPERATION: &str = "prune_outbox";
    let mut transaction = connections.begin_write(OPERATION).await?;
    let deleted = sqlx::query("DELETE FROM outbox WHERE published_at IS NOT NULL AND published_at < ?")
        .bind(to_text(before))
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(deleted.rows_affected())
}

/// `WriteStore::sweep`.
pub(super) async fn sweep(
    connections: &Connections,
    request: &SweepRequest,
) -> Result<SweepOutcome, StoreError> {
    const OPERATION: &str = "sweep";
    let mut transaction = connections.begin_write(OPERATION).await?;
    let resent_batches = resend(OPERATION, &mut transaction, request).await?;
    let adopted_batches = if request.adopt_orphans {
        adopt_orphans(OPERATION, &mut transaction, request).await?
    } else {
        0
    };
    commit(OPERATION, transaction).await?;
    Ok(SweepOutcome {
        resent_batches,
        adopted_batches,
    })
}

async fn resend(
    operation: &'static str,
    transaction: &mut Tx,
    request: &SweepRequest,
) -> Result<u64, StoreError> {
    let inserted = sqlx::query(include_str!("queries/resend_batches.sql"))
        .bind(to_text(request.sent_before))
        .bind(to_text(request.now))
        .bind(request.limit)
        .execute(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    if inserted.rows_affected() > 0 {
        sqlx::query(
            "UPDATE score_batches SET sent_count = sent_count + 1
             FROM outbox
             WHERE outbox.published_at IS NULL AND outbox.batch_id = score_batches.id
               AND outbox.message_id = score_batches.id || '.' || (score_batches.sent_count + 1)",
        )
        .execute(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    }
    Ok(inserted.rows_affected())
}

async fn adopt_orphans(
    operation: &'static str,
    transaction: &mut Tx,
    request: &SweepRequest,
) -> Result<u64, StoreError> {
    let rows = sqlx::query(include_str!("queries/orphan_runs.sql"))
        .bind(request.batch_entries_max.max(1))
        .bind(request.limit)
        .fetch_all(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    let batch = |row| {
        let mut reader = Reader::new(operation, row);
        Ok(ScoreBatch {
            id: BatchId::generate(),
            tenant: reader.take_checked::<TenantId>()?,
            cycle_id: reader.take_checked()?,
            first_entry_id: reader.take_checked()?,
            last_entry_id: reader.take_checked()?,
            entry_count: u32::try_from(reader.take_count()?).unwrap_or(u32::MAX),
        })
    };
    let batches: Vec<ScoreBatch> = rows.iter().map(batch).collect::<Result<_, StoreError>>()?;
    insert_batches(operation, transaction, &batches, &to_text(request.now), None).await?;
    Ok(batches.len() as u64)
}
