//! Glean cycles: their commit in one transaction, checkpoints, progress.

use super::PostgresStore;
use super::counts::add_entries;
use super::outbox::insert_batches;
use super::rows::{Reader, storable, stored_count};
use super::session::{Mode, Outcome, Session, work};
use crate::batch_plan::{count_by_source, cut_batches};
use crate::checks::check_cycle;
use crate::counts::{count_minutes, counted};
use crate::{StoreError, StoreErrorKind};
use std::collections::BTreeMap;
use turnstone_types::{
    CycleId, NewCycle, Severity, SourceCheckpoint, SourceDelta, SourceId, TenantId, Timestamp,
};

const INSERT_CYCLE: &str = "INSERT INTO glean_cycles \
         (id, tenant_id, started_at, closed_at, entry_count, first_entry_id, last_entry_id, source_counts, trace_parent, text_indexed_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";

const COPY_ENTRIES: &str = "COPY log_entries (id, tenant_id, source_id, cycle_id, text, timestamp_iso, timestamp_basis, severity, \
     ingest_time) FROM STDIN (FORMAT binary)";

/// Rows in order of their keys, so that two cycles that share sources cannot lock each other out.
const UPSERT_SOURCES: &str = "INSERT INTO sources AS s (tenant_id, source_id, kind, entries, bytes, undated_entries, repaired_lines, \
         truncated_lines, last_entry_at, last_gleaned_at, fault) \
     SELECT $1, source_id, kind, entries, bytes, undated_entries, repaired_lines, truncated_lines, last_entry_at, \
         CASE WHEN entries > 0 THEN $2::timestamptz END, fault \
     FROM unnest($3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::timestamptz[], $11::text[]) \
         AS given (source_id, kind, entries, bytes, undated_entries, repaired_lines, truncated_lines, last_entry_at, fault) \
     ORDER BY source_id COLLATE \"C\" \
     ON CONFLICT (tenant_id, source_id) DO UPDATE SET kind = excluded.kind, entries = s.entries + excluded.entries, \
         bytes = s.bytes + excluded.bytes, undated_entries = s.undated_entries + excluded.undated_entries, \
         repaired_lines = s.repaired_lines + excluded.repaired_lines, truncated_lines = s.truncated_lines + excluded.truncated_lines, \
         last_entry_at = GREATEST(s.last_entry_at, excluded.last_entry_at), \
         last_gleaned_at = GREATEST(s.last_gleaned_at, excluded.last_gleaned_at), fault = excluded.fault";

const UPSERT_CHECKPOINTS: &str = "INSERT INTO source_checkpoints (tenant_id, source_id, checkpoint_key, state, updated_at) \
     SELECT $1, source_id, checkpoint_key, state, $2 \
     FROM unnest($3::text[], $4::text[], $5::text[]) AS given (source_id, checkpoint_key, state) \
     ORDER BY source_id COLLATE \"C\", checkpoint_key COLLATE \"C\" \
     ON CONFLICT (tenant_id, source_id, checkpoint_key) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at";

const FORGET_CHECKPOINTS: &str = "DELETE FROM source_checkpoints c \
     USING unnest($2::text[], $3::text[]) AS given (source_id, checkpoint_key) \
     WHERE c.tenant_id = $1 AND c.source_id = given.source_id AND c.checkpoint_key = given.checkpoint_key";

const INSERT_CYCLE_EVENT: &str = "INSERT INTO outbox (message_id, kind, tenant_id, cycle_id, trace_parent, created_at) \
     VALUES ($1, 'cycle', $2, $1, $3, $4)";

impl PostgresStore {
    pub(super) async fn write_cycle(&self, cycle: &NewCycle) -> Result<bool, StoreError> {
        check_cycle(cycle)?;
        self.run("commit_cycle", Mode::LongWrite, |session| {
            work(write_cycle(session, cycle))
        })
        .await
    }

    pub(super) async fn read_checkpoints(
        &self,
        tenant: &TenantId,
        source_id: &SourceId,
    ) -> Result<Vec<SourceCheckpoint>, StoreError> {
        let rows = self
            .run("checkpoints", Mode::Single, |session| {
                work(async move {
                    let sql = "SELECT checkpoint_key, state FROM source_checkpoints WHERE tenant_id = $1 AND source_id = $2 \
                               ORDER BY checkpoint_key";
                    session.query(sql, &[&tenant.as_str(), &source_id.as_str()]).await
                })
            })
            .await?;
        let checkpoint = |row| {
            let mut reader = Reader::new("checkpoints", row);
            Ok(SourceCheckpoint {
                source_id: source_id.clone(),
                key: reader.take()?,
                state: reader.take()?,
            })
        };
        rows.iter().map(checkpoint).collect()
    }

    pub(super) async fn read_cycle_progress(
        &self,
        cycle_id: &CycleId,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        // The range keeps the count within the primary key's index: a cycle's ids lie close together.
        const SQL: &str = "SELECT c.entry_count, (SELECT count(*) FROM log_entries e WHERE e.id BETWEEN c.first_entry_id AND c.last_entry_id \
             AND e.cycle_id = c.id AND e.anomaly_scored_at IS NULL) FROM glean_cycles c WHERE c.id = $1";
        let row = self
            .run("cycle_progress", Mode::Single, |session| {
                work(async move { session.query_optional(SQL, &[&cycle_id.as_str()]).await })
            })
            .await?;
        let progress = |row| {
            let mut reader = Reader::new("cycle_progress", row);
            Ok((reader.take_count()?, reader.take_count()?))
        };
        row.as_ref().map(progress).transpose()
    }
}

async fn write_cycle(session: Session<'_>, cycle: &NewCycle) -> Outcome<bool> {
    // First, since it decides whether there is anything to do: of two commits of one cycle the second waits here for the first.
    if !insert_cycle(session, cycle).await? {
        return Ok(false);
    }
    copy_entries(session, cycle).await?;
    write_sources(session, &cycle.tenant, cycle.closed_at, &source_deltas(cycle)).await?;
    write_checkpoints(session, cycle).await?;
    if !cycle.entries.is_empty() {
        insert_cycle_event(
            session,
            &cycle.tenant,
            &cycle.id,
            cycle.trace_parent.as_deref(),
            cycle.closed_at,
        )
        .await?;
        let ids = cycle.entries.iter().map(|entry| &entry.id);
        let batches = cut_batches(&cycle.tenant, &cycle.id, ids, cycle.batch_entries_max);
        insert_batches(session, &batches, cycle.trace_parent.as_deref(), cycle.closed_at).await?;
        add_entries(session, &cycle.tenant, &count_minutes(counted(cycle))).await?;
    }
    Ok(true)
}

/// Puts the event of a cycle into the outbox.
pub(super) async fn insert_cycle_event(
    session: Session<'_>,
    tenant: &TenantId,
    cycle_id: &CycleId,
    trace_parent: Option<&str>,
    at: Timestamp,
) -> Outcome<()> {
    session
        .execute(
            INSERT_CYCLE_EVENT,
            &[&cycle_id.as_str(), &tenant.as_str(), &trace_parent, &storable(at)],
        )
        .await?;
    Ok(())
}

async fn insert_cycle(session: Session<'_>, cycle: &NewCycle) -> Outcome<bool> {
    let closed_at = storable(cycle.closed_at);
    let counts = count_by_source(cycle.entries.iter().map(|entry| &entry.source_id));
    let counts = source_counts_json(session.operation(), &counts)?;
    let inserted = session
        .execute(
            INSERT_CYCLE,
            &[
                &cycle.id.as_str(),
                &cycle.tenant.as_str(),
                &storable(cycle.started_at),
                &closed_at,
                &stored_count(cycle.entries.len() as u64),
                &cycle.entries.first().map(|entry| entry.id.as_str()),
                &cycle.entries.last().map(|entry| entry.id.as_str()),
                &counts,
                &cycle.trace_parent,
                // A cycle without entries has nothing to index.
                &cycle.entries.is_empty().then_some(closed_at),
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// The stored form of the entries by source.
pub(super) fn source_counts_json(
    operation: &'static str,
    counts: &[(SourceId, u64)],
) -> Result<String, StoreError> {
    serde_json::to_string(counts).map_err(|error| {
        StoreError::new(
            StoreErrorKind::Internal,
            operation,
            format!("write source counts as JSON: {error}"),
        )
    })
}

async fn copy_entries(session: Session<'_>, cycle: &NewCycle) -> Outcome<()> {
    if cycle.entries.is_empty() {
        return Ok(());
    }
    session
        .copy_rows(COPY_ENTRIES, &cycle.entries, |entry, buffer| {
            buffer
                .row(9)
                .text(entry.id.as_str())
                .text(cycle.tenant.as_str())
                .text(entry.source_id.as_str())
                .text(cycle.id.as_str())
                .text(&entry.text)
                .instant(entry.timestamp)
                .text(entry.timestamp_basis.as_str())
                .optional_text(entry.severity.map(Severity::as_str))
                .instant(cycle.closed_at);
        })
        .await?;
    Ok(())
}

/// The deltas of a cycle, one for each source: a row may be written once in a statement.
fn source_deltas(cycle: &NewCycle) -> Vec<SourceDelta> {
    let mut deltas: BTreeMap<&SourceId, SourceDelta> = BTreeMap::new();
    for given in &cycle.sources {
        let Some(delta) = deltas.get_mut(&given.source_id) else {
            deltas.insert(&given.source_id, given.clone());
            continue;
        };
        delta.kind.clone_from(&given.kind);
        delta.entries += given.entries;
        delta.bytes += given.bytes;
        delta.undated_entries += given.undated_entries;
        delta.repaired_lines += given.repaired_lines;
        delta.truncated_lines += given.truncated_lines;
        delta.last_entry_at = delta.last_entry_at.max(given.last_entry_at);
        delta.fault.clone_from(&given.fault);
    }
    deltas.into_values().collect()
}

/// Adds to the counters of sources, each named once.
pub(super) async fn write_sources(
    session: Session<'_>,
    tenant: &TenantId,
    at: Timestamp,
    deltas: &[SourceDelta],
) -> Outcome<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&SourceDelta) -> &str| deltas.iter().map(of).collect::<Vec<&str>>();
    let counts = |of: fn(&SourceDelta) -> u64| {
        deltas
            .iter()
            .map(|delta| stored_count(of(delta)))
            .collect::<Vec<i64>>()
    };
    let last_entries: Vec<Option<Timestamp>> = deltas
        .iter()
        .map(|delta| delta.last_entry_at.map(storable))
        .collect();
    let faults: Vec<Option<&str>> = deltas.iter().map(|delta| delta.fault.as_deref()).collect();
    session
        .execute(
            UPSERT_SOURCES,
            &[
                &tenant.as_str(),
                &storable(at),
                &texts(|delta| delta.source_id.as_str()),
                &texts(|delta| &delta.kind),
                &counts(|delta| delta.entries),
                &counts(|delta| delta.bytes),
                &counts(|delta| delta.undated_entries),
                &counts(|delta| delta.repaired_lines),
                &counts(|delta| delta.truncated_lines),
                &last_entries,
                &faults,
            ],
        )
        .await?;
    Ok(())
}

async fn write_checkpoints(session: Session<'_>, cycle: &NewCycle) -> Outcome<()> {
    // Of two states for one key the later counts; a row may be written once in a statement.
    let latest: BTreeMap<(&str, &str), Option<&str>> = cycle
        .checkpoints
        .iter()
        .map(|checkpoint| {
            (
                (checkpoint.source_id.as_str(), checkpoint.key.as_str()),
                checkpoint.state.as_deref(),
            )
        })
        .collect();
    let (mut sources, mut keys, mut states) = (Vec::new(), Vec::new(), Vec::new());
    let (mut forgotten_sources, mut forgotten_keys) = (Vec::new(), Vec::new());
    for ((source, key), state) in latest {
        if let Some(state) = state {
            sources.push(source);
            keys.push(key);
            states.push(state);
        } else {
            forgotten_sources.push(source);
            forgotten_keys.push(key);
        }
    }
    let tenant = cycle.tenant.as_str();
    if !keys.is_empty() {
        session
            .execute(
                UPSERT_CHECKPOINTS,
                &[&tenant, &storable(cycle.closed_at), &sources, &keys, &states],
            )
            .await?;
    }
    if !forgotten_keys.is_empty() {
        session
            .execute(
                FORGET_CHECKPOINTS,
                &[&tenant, &forgotten_sources, &forgotten_keys],
            )
            .await?;
    }
    Ok(())
}
