//! Writes rows brought in from another database.

use super::bulk::BulkStatement;
use super::connection::{Connections, Tx, commit};
use super::counts::add_entries;
use super::cycle::{CycleRow, add_to_sources, insert_cycle, stored_count};
use super::detections::last_sequence;
use super::entry_rows::{EntryRow, insert_batches, insert_entries};
use super::error::map;
use super::executor::on;
use super::text::index_detections_after;
use crate::StoreError;
use crate::batch_plan::{count_by_source, cut_batches};
use crate::checks::check_import;
use crate::counts::{Counted, count_minutes};
use crate::instant::to_text;
use crate::model::{ImportChunk, ImportOutcome};
use serde_json::json;
use std::collections::HashSet;
use turnstone_types::{Detection, Entry, ScoreState, Severity, TimestampBasis, Verdict, fingerprint};

const OPERATION: &str = "import";

/// `WriteStore::import`.
pub(super) async fn import(
    connections: &Connections,
    chunk: &ImportChunk,
) -> Result<ImportOutcome, StoreError> {
    check_import(chunk)?;
    let at = to_text(chunk.at);
    let mut transaction = connections.begin_write(OPERATION).await?;
    let new_entries = new_entries(&mut transaction, &chunk.entries).await?;
    if !new_entries.is_empty() {
        write_entries(&mut transaction, chunk, &new_entries, &at).await?;
    }
    let sequence_before = last_sequence(OPERATION, on(&mut transaction)).await?;
    let new_detections = INSERT_DETECTIONS
        .execute(
            OPERATION,
            &mut transaction,
            &chunk.detections,
            |detection, row| bind_detection(chunk, detection, row),
        )
        .await?;
    index_detections_after(OPERATION, &mut transaction, sequence_before).await?;
    commit(OPERATION, transaction).await?;
    Ok(ImportOutcome {
        new_entries: new_entries.len() as u64,
        new_detections,
    })
}

/// The entries whose id is not there yet, each id once, in rising order of it.
async fn new_entries<'a>(transaction: &mut Tx, entries: &'a [Entry]) -> Result<Vec<&'a Entry>, StoreError> {
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let present: Vec<String> =
        sqlx::query_scalar("SELECT id FROM log_entries WHERE id IN (SELECT value FROM json_each(?))")
            .bind(json!(ids).to_string())
            .fetch_all(on(transaction))
            .await
            .map_err(|error| map(OPERATION, error))?;
    let mut seen: HashSet<&str> = present.iter().map(String::as_str).collect();
    let mut new: Vec<&Entry> = entries
        .iter()
        .filter(|entry| seen.insert(entry.id.as_str()))
        .collect();
    new.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(new)
}

async fn write_entries(
    transaction: &mut Tx,
    chunk: &ImportChunk,
    new: &[&Entry],
    at: &str,
) -> Result<(), StoreError> {
    let ingest_times: Vec<String> = new.iter().map(|entry| to_text(entry.ingest_time)).collect();
    let rows: Vec<EntryRow<'_>> = new
        .iter()
        .zip(&ingest_times)
        .map(|(entry, time)| entry_row(chunk, entry, time))
        .collect();
    let source_counts = count_by_source(new.iter().map(|entry| &entry.source_id));
    let cycle = CycleRow {
        id: &chunk.cycle_id,
        tenant: &chunk.tenant,
        started_at: at,
        closed_at: at,
        entry_count: rows.len(),
        first_and_last: rows
            .first()
            .zip(rows.last())
            .map(|(first, last)| (first.id, last.id)),
        source_counts: &source_counts,
        trace_parent: None,
    };
    if !insert_cycle(OPERATION, transaction, &cycle).await? {
        return Err(StoreError::new(
            crate::StoreErrorKind::Conflict,
            OPERATION,
            format!(
                "cycle {} is there already; each chunk of an import needs its own",
                chunk.cycle_id
            ),
        ));
    }
    insert_entries(OPERATION, transaction, &rows).await?;
    let unscored = new
        .iter()
        .filter(|entry| entry.score == ScoreState::Unscored)
        .map(|entry| &entry.id);
    let batches = cut_batches(&chunk.tenant, &chunk.cycle_id, unscored, chunk.batch_entries_max);
    insert_batches(OPERATION, transaction, &batches, at, None).await?;
    let deltas = source_counts.iter().map(|(source_id, count)| {
        let of_source = || new.iter().filter(|entry| entry.source_id == *source_id);
        json!({
            "source_id": source_id.as_str(),
            "kind": "import",
            "entries": stored_count(*count),
            "bytes": stored_count(of_source().map(|entry| entry.text.len() as u64).sum()),
            "undated_entries": of_source().filter(|entry| entry.timestamp_basis != TimestampBasis::Parsed).count(),
            "repaired_lines": 0,
            "truncated_lines": 0,
            "last_entry_at": of_source().map(|entry| entry.timestamp).max().map(to_text),
            "fault": null,
        })
    });
    add_to_sources(OPERATION, transaction, &chunk.tenant, deltas.collect(), at).await?;
    let counts = count_minutes(new.iter().map(|entry| Counted::of(entry)));
    add_entries(OPERATION, transaction, &chunk.tenant, &counts).await
}

fn entry_row<'a>(chunk: &'a ImportChunk, entry: &'a Entry, ingest_time: &'a str) -> EntryRow<'a> {
    let (mut score, mut label, mut scored_at, mut quarantine_reason) = (None, None, None, None);
    match &entry.score {
        ScoreState::Unscored => {}
        ScoreState::Scored(made) => {
            score = Some(made.score + 0.0);
            label = Some(made.label.as_str());
            scored_at = Some(to_text(made.scored_at));
        }
        ScoreState::Quarantined { reason, at } => {
            scored_at = Some(to_text(*at));
            quarantine_reason = Some(reason.as_str());
        }
    }
    EntryRow {
        id: entry.id.as_str(),
        tenant_id: chunk.tenant.as_str(),
        source_id: entry.source_id.as_str(),
        cycle_id: chunk.cycle_id.as_str(),
        text: &entry.text,
        timestamp_iso: to_text(entry.timestamp),
        timestamp_basis: entry.timestamp_basis.as_str(),
        severity: entry.severity.map(Severity::as_str),
        ingest_time,
        score,
        label,
        scored_at,
        quarantine_reason,
    }
}

const INSERT_DETECTIONS: BulkStatement = BulkStatement {
    before: "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
             timestamp_iso, detected_at, acknowledged, acknowledged_at, notes, verdict, fingerprint, text_indexed) VALUES",
    columns: 17,
    // Any of the unique keys: the id, or the entry and scorer.
    after: "ON CONFLICT DO NOTHING",
    rows_max: 512,
};

fn bind_detection(chunk: &ImportChunk, detection: &Detection, row: &mut super::bulk::RowArguments<'_>) {
    row.add(detection.id.as_str())
        .add(chunk.tenant.as_str())
        .add(detection.entry_id.as_str())
        .add(detection.source_id.as_str())
        .add(detection.scorer.as_str())
        .add(detection.label.as_str())
        .add(detection.score + 0.0)
        .add(detection.severity.as_str())
        .add(detection.text.as_str())
        .add(detection.timestamp.map(to_text))
        .add(to_text(detection.detected_at))
        .add(i64::from(detection.acknowledged))
        .add(detection.acknowledged_at.map(to_text))
        .add(detection.notes.as_str())
        .add(detection.verdict.map(Verdict::as_str))
        .add(String::from(fingerprint(&detection.text)))
        .add(1);
}
