//! The outbox: events that wait to be published, the sweeper that sends again what stays unscored.

use super::PostgresStore;
use super::rows::{BATCH_COLUMNS, Reader, batch_from, storable};
use super::session::{Mode, Outcome, Session, work};
use crate::batch_plan::batch_message_id;
use crate::stored::source_counts;
use crate::{OutboxBody, OutboxEvent, StoreError, StoreErrorKind, SweepOutcome, SweepRequest};
use tokio_postgres::Row;
use turnstone_types::{BatchId, CycleEvent, CycleId, ScoreBatch, TenantId, Timestamp};

const INSERT_BATCHES: &str = "INSERT INTO score_batches (id, tenant_id, cycle_id, first_entry_id, last_entry_id, entry_count, created_at) \
     SELECT id, tenant_id, cycle_id, first_entry_id, last_entry_id, entry_count, $1 \
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[]) \
         AS given (id, tenant_id, cycle_id, first_entry_id, last_entry_id, entry_count)";

const INSERT_BATCH_EVENTS: &str = "INSERT INTO outbox (message_id, kind, tenant_id, cycle_id, batch_id, trace_parent, created_at) \
     SELECT message_id, 'batch', tenant_id, cycle_id, batch_id, trace_parent, $1 \
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) \
         AS given (message_id, tenant_id, cycle_id, batch_id, trace_parent)";

const MARK_PUBLISHED: &str = "WITH marked AS ( \
         UPDATE outbox SET published_at = $2 WHERE message_id = ANY($1) AND published_at IS NULL RETURNING batch_id) \
     UPDATE score_batches SET last_sent_at = $2 WHERE id IN (SELECT batch_id FROM marked WHERE batch_id IS NOT NULL)";

/// Takes batches that no other sweeper is at, and dates their sending at once, so that a sweeper that waited for the row sees it.
const RESEND: &str = "WITH late AS ( \
         SELECT id FROM score_batches b WHERE done_at IS NULL AND dead_at IS NULL AND COALESCE(last_sent_at, created_at) < $1 \
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.batch_id = b.id AND o.published_at IS NULL) \
         ORDER BY created_at, id LIMIT $3 FOR UPDATE SKIP LOCKED) \
     UPDATE score_batches b SET sent_count = b.sent_count + 1, last_sent_at = $2 FROM late WHERE b.id = late.id \
     RETURNING b.id, b.tenant_id, b.cycle_id, b.sent_count, (SELECT c.trace_parent FROM glean_cycles c WHERE c.id = b.cycle_id)";

/// Unscored entries that no batch covers, open or dead, in runs. Reads the whole table: no index may tell which are unscored.
/// A batch covers every unscored entry between its first and its last, so a run must not reach over an entry that another batch
/// covers: the difference of the two numberings changes there.
const ORPHAN_RUNS: &str = "WITH waiting AS ( \
         SELECT e.tenant_id, e.cycle_id, e.id, EXISTS ( \
             SELECT 1 FROM score_batches b WHERE b.done_at IS NULL AND b.tenant_id = e.tenant_id AND b.cycle_id = e.cycle_id \
                 AND b.first_entry_id <= e.id AND b.last_entry_id >= e.id) AS covered \
         FROM log_entries e WHERE e.anomaly_scored_at IS NULL), \
     numbered AS ( \
         SELECT tenant_id, cycle_id, id, covered, row_number() OVER (PARTITION BY tenant_id, cycle_id ORDER BY id) AS place, \
             row_number() OVER (PARTITION BY tenant_id, cycle_id, covered ORDER BY id) AS place_among_equals FROM waiting), \
     runs AS ( \
         SELECT tenant_id, cycle_id, id, place - place_among_equals AS run, \
             row_number() OVER (PARTITION BY tenant_id, cycle_id, place - place_among_equals ORDER BY id) - 1 AS place_in_run \
         FROM numbered WHERE NOT covered) \
     SELECT tenant_id, cycle_id, min(id), max(id), count(*) FROM runs GROUP BY tenant_id, cycle_id, run, place_in_run / $1::int8 \
     ORDER BY tenant_id, cycle_id, min(id) LIMIT $2";

/// One sweeper of a schema at a time adopts; the others leave it to that one.
const ADOPT_LOCK: &str = "SELECT pg_try_advisory_xact_lock(1953854063, hashtext(current_schema))";

/// An event to put into the outbox for a batch.
struct BatchEvent<'a> {
    message_id: String,
    tenant: &'a TenantId,
    cycle_id: &'a CycleId,
    batch_id: &'a BatchId,
    trace_parent: Option<&'a str>,
}

/// Stores new batches and their first events.
pub(super) async fn insert_batches(
    session: Session<'_>,
    batches: &[ScoreBatch],
    trace_parent: Option<&str>,
    at: Timestamp,
) -> Outcome<()> {
    if batches.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&ScoreBatch) -> &str| batches.iter().map(of).collect::<Vec<&str>>();
    let counts: Vec<i64> = batches.iter().map(|batch| i64::from(batch.entry_count)).collect();
    session
        .execute(
            INSERT_BATCHES,
            &[
                &storable(at),
                &texts(|batch| batch.id.as_str()),
                &texts(|batch| batch.tenant.as_str()),
                &texts(|batch| batch.cycle_id.as_str()),
                &texts(|batch| batch.first_entry_id.as_str()),
                &texts(|batch| batch.last_entry_id.as_str()),
                &counts,
            ],
        )
        .await?;
    let events: Vec<BatchEvent<'_>> = batches
        .iter()
        .map(|batch| BatchEvent {
            message_id: batch_message_id(&batch.id, 1),
            tenant: &batch.tenant,
            cycle_id: &batch.cycle_id,
            batch_id: &batch.id,
            trace_parent,
        })
        .collect();
    insert_batch_events(session, &events, at).await
}

async fn insert_batch_events(session: Session<'_>, events: &[BatchEvent<'_>], at: Timestamp) -> Outcome<()> {
    let message_ids: Vec<&str> = events.iter().map(|event| event.message_id.as_str()).collect();
    let tenants: Vec<&str> = events.iter().map(|event| event.tenant.as_str()).collect();
    let cycles: Vec<&str> = events.iter().map(|event| event.cycle_id.as_str()).collect();
    let batches: Vec<&str> = events.iter().map(|event| event.batch_id.as_str()).collect();
    let trace_parents: Vec<Option<&str>> = events.iter().map(|event| event.trace_parent).collect();
    session
        .execute(
            INSERT_BATCH_EVENTS,
            &[
                &storable(at),
                &message_ids,
                &tenants,
                &cycles,
                &batches,
                &trace_parents,
            ],
        )
        .await?;
    Ok(())
}

impl PostgresStore {
    pub(super) async fn read_pending_events(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        // A batch done meanwhile is published all the same: its worker finds nothing to do and acknowledges.
        let sql = format!(
            "SELECT o.message_id, o.trace_parent, o.kind, c.id, c.tenant_id, c.started_at, c.closed_at, c.entry_count, c.source_counts, \
                 {BATCH_COLUMNS} \
             FROM outbox o LEFT JOIN glean_cycles c ON o.kind = 'cycle' AND c.id = o.cycle_id \
                 LEFT JOIN score_batches b ON b.id = o.batch_id \
             WHERE o.published_at IS NULL ORDER BY o.created_at, o.message_id LIMIT $1"
        );
        let sql = sql.as_str();
        let limit = i64::from(limit);
        let rows = self
            .run("pending_events", Mode::Single, |session| {
                work(async move { session.query(sql, &[&limit]).await })
            })
            .await?;
        rows.iter().map(outbox_event).collect()
    }

    pub(super) async fn write_published(
        &self,
        message_ids: &[String],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if message_ids.is_empty() {
            return Ok(());
        }
        let at = storable(at);
        self.run("mark_published", Mode::Single, |session| {
            work(async move { session.execute(MARK_PUBLISHED, &[&message_ids, &at]).await })
        })
        .await?;
        Ok(())
    }

    pub(super) async fn sweep_batches(&self, request: &SweepRequest) -> Result<SweepOutcome, StoreError> {
        if request.adopt_orphans && request.batch_entries_max == 0 {
            let message = "batch_entries_max is 0; a batch must hold an entry";
            return Err(StoreError::new(StoreErrorKind::Invalid, "sweep", message));
        }
        self.run("sweep", Mode::LongWrite, |session| {
            work(async move {
                let resent_batches = resend(session, request).await?;
                let adopted_batches = if request.adopt_orphans {
                    adopt(session, request).await?
                } else {
                    0
                };
                Ok(SweepOutcome {
                    resent_batches,
                    adopted_batches,
                })
            })
        })
        .await
    }

    pub(super) async fn delete_published(&self, before: Timestamp) -> Result<u64, StoreError> {
        let before = storable(before);
        self.run("prune_outbox", Mode::LongWrite, |session| {
            work(async move {
                session
                    .execute("DELETE FROM outbox WHERE published_at < $1", &[&before])
                    .await
            })
        })
        .await
    }
}

fn outbox_event(row: &Row) -> Result<OutboxEvent, StoreError> {
    const OPERATION: &str = "pending_events";
    let mut reader = Reader::new(OPERATION, row);
    let message_id: String = reader.take()?;
    let trace_parent = reader.take()?;
    let body = if reader.take::<&str>()? == "cycle" {
        OutboxBody::Cycle(CycleEvent {
            cycle_id: reader.take_checked()?,
            tenant: reader.take_checked::<TenantId>()?,
            started_at: reader.take()?,
            closed_at: reader.take()?,
            entry_count: reader.take_count()?,
            sources: source_counts(OPERATION, reader.take()?)?,
        })
    } else {
        reader.skip(6);
        OutboxBody::Batch(batch_from(&mut reader)?)
    };
    Ok(OutboxEvent {
        message_id,
        trace_parent,
        body,
    })
}

async fn resend(session: Session<'_>, request: &SweepRequest) -> Outcome<u64> {
    let now = storable(request.now);
    let rows = session
        .query(
            RESEND,
            &[&storable(request.sent_before), &now, &i64::from(request.limit)],
        )
        .await?;
    let mut late: Vec<(BatchId, TenantId, CycleId, u64, Option<String>)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut reader = Reader::new(session.operation(), row);
        late.push((
            reader.take_checked()?,
            reader.take_checked()?,
            reader.take_checked()?,
            reader.take_count()?,
            reader.take()?,
        ));
    }
    if late.is_empty() {
        return Ok(0);
    }
    let events: Vec<BatchEvent<'_>> = late
        .iter()
        .map(|(batch_id, tenant, cycle_id, sending, trace_parent)| BatchEvent {
            message_id: batch_message_id(batch_id, u32::try_from(*sending).unwrap_or(u32::MAX)),
            tenant,
            cycle_id,
            batch_id,
            trace_parent: trace_parent.as_deref(),
        })
        .collect();
    insert_batch_events(session, &events, request.now).await?;
    Ok(late.len() as u64)
}

/// Makes batches of entries that no batch covers.
async fn adopt(session: Session<'_>, request: &SweepRequest) -> Outcome<u64> {
    if !session.query_one(ADOPT_LOCK, &[]).await?.get::<_, bool>(0) {
        return Ok(0);
    }
    let limits = (i64::from(request.batch_entries_max), i64::from(request.limit));
    let mut batches = Vec::new();
    for row in &session.query(ORPHAN_RUNS, &[&limits.0, &limits.1]).await? {
        let mut reader = Reader::new(session.operation(), row);
        batches.push(ScoreBatch {
            id: BatchId::generate(),
            tenant: reader.take_checked::<TenantId>()?,
            cycle_id: reader.take_checked()?,
            first_entry_id: reader.take_checked()?,
            last_entry_id: reader.take_checked()?,
            entry_count: u32::try_from(reader.take_count()?).unwrap_or(u32::MAX),
        });
    }
    insert_batches(session, &batches, None, request.now).await?;
    Ok(batches.len() as u64)
}
