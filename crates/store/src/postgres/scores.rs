//! Score batches: their texts, their scores in one statement and detections in another, their end.

use super::PostgresStore;
use super::rows::{BATCH_COLUMNS, Reader, batch_from, storable, visible_tenants};
use super::session::{Mode, Outcome, Session, work};
use super::text::vector_literal;
use crate::checks::{check_reason, check_scores, quiet_from, storable_score};
use crate::text_index::index_text;
use crate::{RecordOutcome, RecordScores, StoreError, StoreErrorKind};
use std::collections::BTreeMap;
use turnstone_types::{
    BatchId, DETECTION_TEXT_CHARS_MAX, DetectionId, EntryId, EntryOutcome, SCORED_TEXT_CHARS_MAX, ScoreBatch,
    TenantId, TextOfEntry, Timestamp, fingerprint,
};

/// Of two workers with the same batch the second waits here, before either has locked an entry.
const LOCK_BATCH: &str = "SELECT 1 FROM score_batches WHERE id = $1 FOR UPDATE";

/// Only entries without a score; `quarantine_reason` stays NULL for a score, which keeps the update heap-only. Of what becomes a
/// detection the text comes back, to make its fingerprint of.
const WRITE_OUTCOMES: &str = "UPDATE log_entries e SET anomaly_score = given.score, anomaly_label = given.label, \
         anomaly_scored_at = $1, quarantine_reason = given.reason \
     FROM unnest($2::text[], $3::float8[], $4::text[], $5::text[], $6::bool[]) AS given (id, score, label, reason, detected) \
     WHERE e.id = given.id AND e.anomaly_scored_at IS NULL \
     RETURNING e.id, e.quarantine_reason IS NOT NULL, CASE WHEN given.detected THEN left(e.text, $7) END";

/// The last statement of its transaction: its triggers lock the rows of groups and totals, which other scorers wait for.
const INSERT_DETECTIONS: &str = "WITH inserted AS ( \
         INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
             timestamp_iso, detected_at, fingerprint, acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed, \
             text_indexed) \
         SELECT given.id, e.tenant_id, e.id, e.source_id, $1, e.anomaly_label, e.anomaly_score, given.severity, left(e.text, $2), \
             e.timestamp_iso, $3::timestamptz, given.fingerprint, \
             CASE WHEN s.id IS NULL AND k.id IS NULL THEN 0 ELSE 1 END, CASE WHEN s.id IS NULL AND k.id IS NULL THEN NULL ELSE $3::timestamptz END, \
             COALESCE(s.reason, k.notes, ''), CASE WHEN s.id IS NULL THEN k.verdict ELSE 'expected' END, \
             CASE WHEN s.id IS NULL THEN k.id END, CASE WHEN s.id IS NULL THEN 0 ELSE 1 END, 1 \
         FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY \
                 AS given (id, entry_id, severity, fingerprint, place) \
             JOIN log_entries e ON e.id = given.entry_id \
             LEFT JOIN LATERAL ( \
                 SELECT s.id, s.reason FROM suppressions s \
                 WHERE s.fingerprint = given.fingerprint AND s.tenant_id IN (e.tenant_id, '') AND s.expires_at > $3::timestamptz \
                     AND (s.source_id IS NULL OR s.source_id = e.source_id) \
                     AND (s.anomaly_label IS NULL OR s.anomaly_label = e.anomaly_label) \
                 ORDER BY s.created_at DESC, s.id DESC LIMIT 1) AS s ON TRUE \
             LEFT JOIN LATERAL ( \
                 SELECT k.id, k.notes, k.verdict FROM detection_groups g JOIN acknowledgements k ON k.id = g.acknowledgement_id \
                 WHERE g.tenant_id = e.tenant_id AND g.source_id = e.source_id AND g.anomaly_label = e.anomaly_label \
                     AND g.fingerprint = given.fingerprint AND g.acknowledged_at > $8::timestamptz) AS k ON TRUE \
         ORDER BY given.place ON CONFLICT (entry_id, scorer) DO NOTHING RETURNING id, acknowledgement_id), \
     recorded AS ( \
         INSERT INTO acknowledged_detections (acknowledgement_id, detection_id) \
         SELECT acknowledgement_id, id FROM inserted WHERE acknowledgement_id IS NOT NULL), \
     indexed AS ( \
         INSERT INTO detection_text_index (detection_id, tokens) SELECT inserted.id, given.tokens::tsvector \
         FROM unnest($4::text[], $9::text[]) AS given (id, tokens) JOIN inserted ON inserted.id = given.id) \
     SELECT count(*) FROM inserted";

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
    is_detected: Vec<bool>,
    /// Severity of what becomes a detection, by entry.
    detected: BTreeMap<&'a str, &'static str>,
    scored_at: Timestamp,
    /// A group acknowledged after this is in its quiet time; none where there is no such time.
    quiet_from: Option<Timestamp>,
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
            is_detected: Vec::with_capacity(count),
            detected: BTreeMap::new(),
            scored_at: storable(scores.scored_at),
            quiet_from: quiet_from(scores).map(storable),
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
                    outcomes.is_detected.push(*detected);
                    if *detected {
                        outcomes.detected.insert(id.as_str(), meaning.severity.as_str());
                    }
                }
                EntryOutcome::Quarantined { reason } => {
                    outcomes.scores.push(None);
                    outcomes.labels.push(None);
                    outcomes.reasons.push(Some(reason));
                    outcomes.is_detected.push(false);
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
    let mut detected: Vec<NewDetection<'_>> = Vec::new();
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
                    &outcomes.is_detected,
                    &(DETECTION_TEXT_CHARS_MAX as i32),
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
            let text: Option<&str> = reader.take()?;
            if let (Some((entry_id, severity)), Some(text)) = (outcomes.detected.get_key_value(id), text) {
                detected.push(NewDetection {
                    entry_id,
                    severity,
                    fingerprint: fingerprint(text).into(),
                    tokens: vector_literal(&index_text(text)),
                });
            }
        }
    }
    if let Some(batch_id) = &scores.batch_id {
        session
            .execute(
                CLOSE_BATCH,
                &[&batch_id.as_str(), &outcomes.scored_at, &scores.scorer],
            )
            .await?;
    }
    recorded.new_detections = insert_detections(session, scores, detected, outcomes).await?;
    Ok(recorded)
}

struct NewDetection<'a> {
    entry_id: &'a str,
    severity: &'static str,
    fingerprint: String,
    /// As a `tsvector` literal.
    tokens: String,
}

async fn insert_detections(
    session: Session<'_>,
    scores: &RecordScores,
    mut detected: Vec<NewDetection<'_>>,
    outcomes: &Outcomes<'_>,
) -> Outcome<u64> {
    if detected.is_empty() {
        return Ok(0);
    }
    // In order of entry, so that the ids, which rise, order the detections of one instant as their entries.
    detected.sort_unstable_by_key(|detection| detection.entry_id);
    let ids: Vec<String> = detected
        .iter()
        .map(|_| String::from(DetectionId::generate()))
        .collect();
    let entries: Vec<&str> = detected.iter().map(|detection| detection.entry_id).collect();
    let severities: Vec<&str> = detected.iter().map(|detection| detection.severity).collect();
    let fingerprints: Vec<&str> = detected
        .iter()
        .map(|detection| detection.fingerprint.as_str())
        .collect();
    let tokens: Vec<&str> = detected
        .iter()
        .map(|detection| detection.tokens.as_str())
        .collect();
    let row = session
        .query_one(
            INSERT_DETECTIONS,
            &[
                &scores.scorer,
                &(DETECTION_TEXT_CHARS_MAX as i32),
                &outcomes.scored_at,
                &ids,
                &entries,
                &severities,
                &fingerprints,
                &outcomes.quiet_from,
                &tokens,
            ],
        )
        .await?;
    Ok(Reader::new(session.operation(), &row).take_count()?)
}
