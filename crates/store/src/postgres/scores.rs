//! Score batches: their texts, their scores in one statement and detections in another, their end.

use super::PostgresStore;
use super::rows::{BATCH_COLUMNS, Reader, batch_from, storable, visible_tenants};
use super::session::{Mode, Outcome, Session, work};
use crate::checks::{check_reason, check_scores, storable_score};
use crate::{RecordOutcome, RecordScores, StoreError, StoreErrorKind};
use std::collections::BTreeMap;
use turnstone_types::{
    BatchId, DETECTION_TEXT_CHARS_MAX, DetectionId, EntryId, EntryOutcome, SCORED_TEXT_CHARS_MAX, ScoreBatch,
    TenantId, TextOfEntry, Timestamp,
};

/// Of two workers with the same batch the second waits here, before either has locked an entry.
const LOCK_BATCH: &str = "SELECT 1 FROM score_batches WHERE id = $1 FOR UPDATE";

/// Only entries without a score; `quarantine_reason` stays NULL for a score, which keeps the update heap-only.
const WRITE_OUTCOMES: &str = "UPDATE log_entries e SET anomaly_score = given.score, anomaly_label = given.label, \
         anomaly_scored_at = $1, quarantine_reason = given.reason \
     FROM unnest($2::text[], $3::float8[], $4::text[], $5::text[]) AS given (id, score, label, reason) \
     WHERE e.id = given.id AND e.anomaly_scored_at IS NULL \
     RETURNING e.id, e.quarantine_reason IS NOT NULL";

const INSERT_DETECTIONS: &str = "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, \
         text, timestamp_iso, detected_at) \
     SELECT given.id, e.tenant_id, e.id, e.source_id, $1, e.anomaly_label, e.anomaly_score, given.severity, left(e.text, $2), \
         e.timestamp_iso, $3 \
     FROM unnest($4::text[], $5::text[], $6::text[]) WITH ORDINALITY AS given (id, entry_id, severity, place) \
         JOIN log_entries e ON e.id = given.entry_id \
     ORDER BY given.place ON CONFLICT (entry_id, scorer) DO NOTHING";

/// A range of ids is read off the primary key. The tenant is compared in a way that no index serves: the planner would take the
/// index that begins with the tenant, and read all of it.
const CLOSE_BATCH: &str = "UPDATE score_batches b SET done_at = $2, scorer = $3, dead_at = NULL, dead_reason = NULL \
     WHERE b.id = $1 AND b.done_at IS NULL AND NOT EXISTS ( \
         SELECT 1 FROM log_entries e WHERE e.id BETWEEN b.first_entry_id AND b.last_entry_id AND e.cycle_id = b.cycle_id \
             AND e.tenant_id IS NOT DISTINCT FROM b.tenant_id AND e.anomaly_scored_at IS NULL)";

impl PostgresStore {
    pub(super) async fn read_batch_texts(&self, batch: &ScoreBatch) -> Result<Vec<TextOfEntry>, StoreError> {
        const SQL: &str = "SELECT id, left(text, $5) FROM log_entries WHERE id BETWEEN $1 AND $2 AND cycle_id = $3 \
             AND tenant_id IS NOT DISTINCT FROM $4 AND anomaly_scored_at IS NULL ORDER BY id";
        let chars_max = SCORED_TEXT_CHARS_MAX as i32;
        let rows = self
            .run("batch_texts", Mode::Single, |session| {
                work(async move {
                    let (first, last) = (batch.first_entry_id.as_str(), batch.last_entry_id.as_str());
                    session
                        .query(
                            SQL,
                            &[
                                &first,
                                &last,
                                &batch.cycle_id.as_str(),
                                &batch.tenant.as_str(),
                                &chars_max,
                            ],
                        )
                        .await
                })
            })
            .await?;
        let text_of_entry = |row| {
            let mut reader = Reader::new("batch_texts", row);
            Ok(TextOfEntry {
                id: reader.take_checked()?,
                text: reader.take()?,
            })
        };
        rows.iter().map(text_of_entry).collect()
    }

    pub(super) async fn read_open_batches(
        &self,
        tenant: &TenantId,
        limit: u32,
    ) -> Result<Vec<ScoreBatch>, StoreError> {
        let sql = format!(
            "SELECT {BATCH_COLUMNS} FROM score_batches b LEFT JOIN glean_cycles c ON c.id = b.cycle_id \
             WHERE b.done_at IS NULL AND b.dead_at IS NULL AND b.tenant_id = ANY($1) \
             ORDER BY COALESCE(c.closed_at, b.created_at) DESC, b.cycle_id DESC, b.first_entry_id DESC LIMIT $2"
        );
        let sql = sql.as_str();
        let rows = self
            .run("open_batches", Mode::Single, |session| {
                work(async move {
                    session
                        .query(sql, &[&visible_tenants(tenant), &i64::from(limit)])
                        .await
                })
            })
            .await?;
        rows.iter()
            .map(|row| batch_from(&mut Reader::new("open_batches", row)))
            .collect()
    }

    pub(super) async fn write_scores(&self, scores: &RecordScores) -> Result<RecordOutcome, StoreError> {
        check_scores(scores)?;
        let outcomes = Outcomes::new(scores)?;
        let outcomes = &outcomes;
        self.run("record_scores", Mode::Write, |session| {
            work(write_scores(session, scores, outcomes))
        })
        .await
    }

    pub(super) async fn write_batch_dead(
        &self,
        batch_id: &BatchId,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        check_reason("mark_batch_dead", reason)?;
        const SQL: &str = "UPDATE score_batches SET dead_reason = CASE WHEN done_at IS NULL THEN $2 END, \
                 dead_at = CASE WHEN done_at IS NULL AND $2::text IS NOT NULL THEN now() END \
             WHERE id = $1";
        let changed = self
            .run("mark_batch_dead", Mode::Single, |session| {
                work(async move { session.execute(SQL, &[&batch_id.as_str(), &reason]).await })
            })
            .await?;
        if changed == 0 {
            return Err(StoreError::new(
                StoreErrorKind::NotFound,
                "mark_batch_dead",
                format!("there is no score batch {batch_id}"),
            ));
        }
        Ok(())
    }
}

/// The outcomes as columns, in rising order of entry id: two transactions that share entries then mostly lock them in the same
/// order, and where they do not, one of them is rolled back by the database and tried again.
struct Outcomes<'a> {
    ids: Vec<&'a str>,
    scores: Vec<Option<f64>>,
    labels: Vec<Option<&'a str>>,
    reasons: Vec<Option<&'a str>>,
    /// Severity of what becomes a detection, by entry.
    detected: BTreeMap<&'a str, &'static str>,
    scored_at: Timestamp,
}

impl<'a> Outcomes<'a> {
    fn new(scores: &'a RecordScores) -> Result<Self, StoreError> {
        let mut by_id: BTreeMap<&EntryId, &EntryOutcome> = BTreeMap::new();
        for scored in &scores.outcomes {
            by_id.entry(&scored.id).or_insert(&scored.outcome);
        }
        let count = by_id.len();
        let mut outcomes = Self {
            ids: Vec::with_capacity(count),
            scores: Vec::with_capacity(count),
            labels: Vec::with_capacity(count),
            reasons: Vec::with_capacity(count),
            detected: BTreeMap::new(),
            scored_at: storable(scores.scored_at),
        };
        for (id, outcome) in by_id {
            outcomes.ids.push(id.as_str());
            match outcome {
                EntryOutcome::Scored {
                    meaning,
                    score,
                    detected,
                } => {
                    outcomes.scores.push(Some(storable_score(
                        "record_scores",
                        || format!("entry {id}"),
                        *score,
                    )?));
                    outcomes.labels.push(Some(meaning.label.as_str()));
                    outcomes.reasons.push(None);
                    if *detected {
                        outcomes.detected.insert(id.as_str(), meaning.severity.as_str());
                    }
                }
                EntryOutcome::Quarantined { reason } => {
                    outcomes.scores.push(None);
                    outcomes.labels.push(None);
                    outcomes.reasons.push(Some(reason));
                }
            }
        }
        Ok(outcomes)
    }
}

async fn write_scores(
    session: Session<'_>,
    scores: &RecordScores,
    outcomes: &Outcomes<'_>,
) -> Outcome<RecordOutcome> {
    if let Some(batch_id) = &scores.batch_id {
        session.query_optional(LOCK_BATCH, &[&batch_id.as_str()]).await?;
    }
    let mut recorded = RecordOutcome::default();
    let mut detected: Vec<(&str, &str)> = Vec::new();
    if !outcomes.ids.is_empty() {
        let written = session
            .query(
                WRITE_OUTCOMES,
                &[
                    &outcomes.scored_at,
                    &outcomes.ids,
                    &outcomes.scores,
                    &outcomes.labels,
                    &outcomes.reasons,
                ],
            )
            .await?;
        for row in &written {
            let mut reader = Reader::new(session.operation(), row);
            let id: &str = reader.take()?;
            if reader.take()? {
                recorded.newly_quarantined += 1;
                continue;
            }
            recorded.newly_scored += 1;
            if let Some((id, severity)) = outcomes.detected.get_key_value(id) {
                detected.push((id, severity));
            }
        }
    }
    recorded.new_detections = insert_detections(session, scores, &mut detected, outcomes.scored_at).await?;
    if let Some(batch_id) = &scores.batch_id {
        session
            .execute(
                CLOSE_BATCH,
                &[&batch_id.as_str(), &outcomes.scored_at, &scores.scorer],
            )
            .await?;
    }
    Ok(recorded)
}

async fn insert_detections(
    session: Session<'_>,
    scores: &RecordScores,
    detected: &mut [(&str, &str)],
    detected_at: Timestamp,
) -> Outcome<u64> {
    if detected.is_empty() {
        return Ok(0);
    }
    // In order of entry, so that the ids, which rise, order the detections of one instant as their entries.
    detected.sort_unstable();
    let ids: Vec<String> = detected
        .iter()
        .map(|_| String::from(DetectionId::generate()))
        .collect();
    let entries: Vec<&str> = detected.iter().map(|(entry, _)| *entry).collect();
    let severities: Vec<&str> = detected.iter().map(|(_, severity)| *severity).collect();
    let chars_max = DETECTION_TEXT_CHARS_MAX as i32;
    session
        .execute(
            INSERT_DETECTIONS,
            &[
                &scores.scorer,
                &chars_max,
                &detected_at,
                &ids,
                &entries,
                &severities,
            ],
        )
        .await
}
