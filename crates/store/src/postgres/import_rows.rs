//! Writes rows brought in from another database.

use super::PostgresStore;
use super::counts::add_entries;
use super::cycles::{insert_cycle_event, source_counts_json, write_sources};
use super::outbox::insert_batches;
use super::rows::{Reader, storable, stored_count};
use super::session::{Mode, Outcome, Session, work};
use crate::batch_plan::{count_by_source, cut_batches};
use crate::checks::check_import;
use crate::counts::{Counted, count_minutes};
use crate::{ImportChunk, ImportOutcome, StoreError, StoreErrorKind};
use std::collections::HashSet;
use turnstone_types::{
    Detection, Entry, ScoreState, Severity, SourceDelta, Timestamp, TimestampBasis, Verdict, fingerprint,
};

const INSERT_ENTRIES: &str = "INSERT INTO log_entries (id, tenant_id, source_id, cycle_id, text, timestamp_iso, timestamp_basis, severity, \
         ingest_time, anomaly_score, anomaly_label, anomaly_scored_at, quarantine_reason) \
     SELECT id, $1, source_id, $2, text, timestamp_iso, timestamp_basis, severity, ingest_time, score, label, scored_at, reason \
     FROM unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::timestamptz[], $10::float8[], \
             $11::text[], $12::timestamptz[], $13::text[]) \
         AS given (id, source_id, text, timestamp_iso, timestamp_basis, severity, ingest_time, score, label, scored_at, reason) \
     ORDER BY id COLLATE \"C\" ON CONFLICT (id) DO NOTHING RETURNING id";

const INSERT_CYCLE: &str = "INSERT INTO glean_cycles (id, tenant_id, started_at, closed_at, entry_count, first_entry_id, last_entry_id, \
         source_counts) VALUES ($1, $2, $3, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";

/// Passes over any collision: of the id, or of the entry and scorer.
const INSERT_DETECTIONS: &str = "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, \
         text, timestamp_iso, detected_at, acknowledged, acknowledged_at, notes, verdict, fingerprint) \
     SELECT id, $1, entry_id, source_id, scorer, label, score, severity, text, timestamp_iso, detected_at, acknowledged, \
         acknowledged_at, notes, verdict, fingerprint \
     FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::text[], $9::text[], $10::timestamptz[], \
             $11::timestamptz[], $12::int2[], $13::timestamptz[], $14::text[], $15::text[], $16::text[]) \
         WITH ORDINALITY AS given (id, entry_id, source_id, scorer, label, score, severity, text, timestamp_iso, detected_at, \
             acknowledged, acknowledged_at, notes, verdict, fingerprint, place) \
     ORDER BY place ON CONFLICT DO NOTHING";

impl PostgresStore {
    pub(super) async fn write_import(&self, chunk: &ImportChunk) -> Result<ImportOutcome, StoreError> {
        check_import(chunk)?;
        self.run("import", Mode::LongWrite, |session| {
            work(async move {
                let new_entries = write_entries(session, chunk).await?;
                let new_detections = write_detections(session, chunk).await?;
                Ok(ImportOutcome {
                    new_entries,
                    new_detections,
                })
            })
        })
        .await
    }
}

async fn write_entries(session: Session<'_>, chunk: &ImportChunk) -> Outcome<u64> {
    let given = distinct(&chunk.entries);
    if given.is_empty() {
        return Ok(0);
    }
    let inserted = insert_entries(session, chunk, &given).await?;
    let mut new: Vec<&Entry> = given
        .into_iter()
        .filter(|entry| inserted.contains(entry.id.as_str()))
        .collect();
    new.sort_by(|one, other| one.id.cmp(&other.id));
    let (Some(first), Some(last)) = (new.first(), new.last()) else {
        return Ok(0);
    };

    let counts = count_by_source(new.iter().map(|entry| &entry.source_id));
    let stored = session
        .execute(
            INSERT_CYCLE,
            &[
                &chunk.cycle_id.as_str(),
                &chunk.tenant.as_str(),
                &storable(chunk.at),
                &stored_count(new.len() as u64),
                &first.id.as_str(),
                &last.id.as_str(),
                &source_counts_json(session.operation(), &counts)?,
            ],
        )
        .await?;
    if stored == 0 {
        let message = format!(
            "cycle {} is there already; each chunk of an import needs its own",
            chunk.cycle_id
        );
        return Err(StoreError::new(StoreErrorKind::Conflict, session.operation(), message).into());
    }
    insert_cycle_event(session, &chunk.tenant, &chunk.cycle_id, None, chunk.at).await?;
    let unscored = new
        .iter()
        .filter(|entry| entry.score == ScoreState::Unscored)
        .map(|entry| &entry.id);
    let batches = cut_batches(&chunk.tenant, &chunk.cycle_id, unscored, chunk.batch_entries_max);
    insert_batches(session, &batches, None, chunk.at).await?;
    let deltas: Vec<SourceDelta> = counts
        .into_iter()
        .map(|(source_id, entries)| {
            let of_source = || new.iter().filter(|entry| entry.source_id == source_id);
            SourceDelta {
                kind: "import".to_owned(),
                entries,
                bytes: of_source().map(|entry| entry.text.len() as u64).sum(),
                undated_entries: of_source()
                    .filter(|entry| entry.timestamp_basis != TimestampBasis::Parsed)
                    .count() as u64,
                repaired_lines: 0,
                truncated_lines: 0,
                last_entry_at: of_source().map(|entry| entry.timestamp).max(),
                fault: None,
                source_id,
            }
        })
        .collect();
    write_sources(session, &chunk.tenant, chunk.at, &deltas).await?;
    let counts = count_minutes(new.iter().map(|entry| Counted::of(entry)));
    add_entries(session, &chunk.tenant, &counts).await?;
    Ok(new.len() as u64)
}

/// The entries of a chunk, each id once: the first one counts.
fn distinct(entries: &[Entry]) -> Vec<&Entry> {
    let mut seen = HashSet::new();
    entries
        .iter()
        .filter(|entry| seen.insert(entry.id.as_str()))
        .collect()
}

/// A score as the columns that hold it.
#[derive(Default)]
struct StateColumns<'a> {
    score: Option<f64>,
    label: Option<&'a str>,
    scored_at: Option<Timestamp>,
    reason: Option<&'a str>,
}

impl<'a> StateColumns<'a> {
    fn of(state: &'a ScoreState) -> Self {
        match state {
            ScoreState::Unscored => Self::default(),
            ScoreState::Scored(made) => Self {
                // -0 becomes 0, which every backend can keep.
                score: Some(made.score + 0.0),
                label: Some(made.label.as_str()),
                scored_at: Some(storable(made.scored_at)),
                reason: None,
            },
            ScoreState::Quarantined { reason, at } => Self {
                scored_at: Some(storable(*at)),
                reason: Some(reason),
                ..Self::default()
            },
        }
    }
}

/// Inserts what is not there; answers the ids that are new.
async fn insert_entries(
    session: Session<'_>,
    chunk: &ImportChunk,
    given: &[&Entry],
) -> Outcome<HashSet<String>> {
    let texts = |of: fn(&Entry) -> &str| given.iter().map(|entry| of(entry)).collect::<Vec<&str>>();
    let instants = |of: fn(&Entry) -> Timestamp| {
        given
            .iter()
            .map(|entry| storable(of(entry)))
            .collect::<Vec<Timestamp>>()
    };
    let severities: Vec<Option<&str>> = given
        .iter()
        .map(|entry| entry.severity.map(Severity::as_str))
        .collect();
    let states: Vec<StateColumns<'_>> = given.iter().map(|entry| StateColumns::of(&entry.score)).collect();
    let scores: Vec<Option<f64>> = states.iter().map(|state| state.score).collect();
    let labels: Vec<Option<&str>> = states.iter().map(|state| state.label).collect();
    let scored_at: Vec<Option<Timestamp>> = states.iter().map(|state| state.scored_at).collect();
    let reasons: Vec<Option<&str>> = states.iter().map(|state| state.reason).collect();
    let rows = session
        .query(
            INSERT_ENTRIES,
            &[
                &chunk.tenant.as_str(),
                &chunk.cycle_id.as_str(),
                &texts(|entry| entry.id.as_str()),
                &texts(|entry| entry.source_id.as_str()),
                &texts(|entry| &entry.text),
                &instants(|entry| entry.timestamp),
                &texts(|entry| entry.timestamp_basis.as_str()),
                &severities,
                &instants(|entry| entry.ingest_time),
                &scores,
                &labels,
                &scored_at,
                &reasons,
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Reader::new(session.operation(), row).take())
        .collect::<Result<_, _>>()?)
}

async fn write_detections(session: Session<'_>, chunk: &ImportChunk) -> Outcome<u64> {
    if chunk.detections.is_empty() {
        return Ok(0);
    }
    let texts = |of: fn(&Detection) -> &str| chunk.detections.iter().map(of).collect::<Vec<&str>>();
    let optional_instants = |of: fn(&Detection) -> Option<Timestamp>| {
        chunk
            .detections
            .iter()
            .map(|row| of(row).map(storable))
            .collect::<Vec<_>>()
    };
    let detected_at: Vec<Timestamp> = chunk
        .detections
        .iter()
        .map(|row| storable(row.detected_at))
        .collect();
    let scores: Vec<f64> = chunk.detections.iter().map(|row| row.score + 0.0).collect();
    let acknowledged: Vec<i16> = chunk
        .detections
        .iter()
        .map(|row| i16::from(row.acknowledged))
        .collect();
    let verdicts: Vec<Option<&str>> = chunk
        .detections
        .iter()
        .map(|row| row.verdict.map(Verdict::as_str))
        .collect();
    let fingerprints: Vec<String> = chunk
        .detections
        .iter()
        .map(|row| fingerprint(&row.text).into())
        .collect();
    session
        .execute(
            INSERT_DETECTIONS,
            &[
                &chunk.tenant.as_str(),
                &texts(|row| row.id.as_str()),
                &texts(|row| row.entry_id.as_str()),
                &texts(|row| row.source_id.as_str()),
                &texts(|row| &row.scorer),
                &texts(|row| row.label.as_str()),
                &scores,
                &texts(|row| row.severity.as_str()),
                &texts(|row| &row.text),
                &optional_instants(|row| row.timestamp),
                &detected_at,
                &acknowledged,
                &optional_instants(|row| row.acknowledged_at),
                &texts(|row| &row.notes),
                &verdicts,
                &fingerprints,
            ],
        )
        .await
}
