//! What a scorer does: reads texts, finds open batches, writes scores and detections.

use super::bulk::{BulkStatement, RowArguments};
use super::connection::{Connections, Tx, commit};
use super::detections::last_sequence;
use super::error::map;
use super::executor::on;
use super::rows::{BATCH_COLUMNS, Reader, batch_from};
use super::text::index_detections_after;
use crate::checks::{check_reason, check_scores, quiet_from, storable_score};
use crate::instant::{AFTER_ALL, to_text};
use crate::model::{RecordOutcome, RecordScores};
use crate::{StoreError, StoreErrorKind};
use sqlx::AssertSqlSafe;
use std::collections::{HashMap, HashSet};
use turnstone_types::{
    BatchId, DETECTION_TEXT_CHARS_MAX, DetectionId, EntryOutcome, Fingerprint, LabelMeaning,
    SCORED_TEXT_CHARS_MAX, ScoreBatch, TenantId, TextOfEntry, Timestamp, fingerprint,
};

/// `WriteStore::batch_texts`.
pub(super) async fn batch_texts(
    connections: &Connections,
    batch: &ScoreBatch,
) -> Result<Vec<TextOfEntry>, StoreError> {
    const OPERATION: &str = "batch_texts";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = sqlx::query(
        "SELECT id, substr(text, 1, ?5) FROM log_entries
         WHERE tenant_id = ?1 AND cycle_id = ?2 AND id BETWEEN ?3 AND ?4 AND anomaly_scored_at IS NULL ORDER BY id",
    )
    .bind(batch.tenant.as_str())
    .bind(batch.cycle_id.as_str())
    .bind(batch.first_entry_id.as_str())
    .bind(batch.last_entry_id.as_str())
    .bind(SCORED_TEXT_CHARS_MAX as i64)
    .fetch_all(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    let text_of_entry = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(TextOfEntry {
            id: reader.take_checked()?,
            text: reader.take()?,
        })
    };
    rows.iter().map(text_of_entry).collect()
}

/// `WriteStore::open_batches`.
pub(super) async fn open_batches(
    connections: &Connections,
    tenant: &TenantId,
    limit: u32,
) -> Result<Vec<ScoreBatch>, StoreError> {
    const OPERATION: &str = "open_batches";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {BATCH_COLUMNS} FROM score_batches AS b
         WHERE done_at IS NULL AND dead_at IS NULL AND tenant_id IN (?1, '')
         ORDER BY COALESCE((SELECT closed_at FROM glean_cycles AS c WHERE c.id = b.cycle_id), created_at) DESC,
                  cycle_id DESC, first_entry_id DESC
         LIMIT ?2"
    )))
    .bind(tenant.as_str())
    .bind(limit)
    .fetch_all(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    rows.iter()
        .map(|row| batch_from(&mut Reader::new(OPERATION, row)))
        .collect()
}

struct ScoreRow<'a> {
    entry_id: &'a str,
    label: Option<&'a str>,
    score: Option<f64>,
    reason: Option<&'a str>,
}

struct DetectionRow<'a> {
    entry_id: &'a str,
    meaning: &'a LabelMeaning,
    score: f64,
}

/// `WriteStore::record_scores`.
pub(super) async fn record_scores(
    connections: &Connections,
    scores: &RecordScores,
) -> Result<RecordOutcome, StoreError> {
    const OPERATION: &str = "record_scores";
    check_scores(scores)?;
    let mut seen = HashSet::new();
    let (mut scored, mut quarantined, mut detected) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in scores.outcomes.iter().filter(|outcome| seen.insert(&outcome.id)) {
        let entry_id = outcome.id.as_str();
        match &outcome.outcome {
            EntryOutcome::Scored {
                meaning,
                score,
                detected: is_detection,
            } => {
                let score = storable_score(OPERATION, || format!("entry {entry_id}"), *score)?;
                scored.push(ScoreRow {
                    entry_id,
                    label: Some(meaning.label.as_str()),
                    score: Some(score),
                    reason: None,
                });
                if *is_detection {
                    detected.push(DetectionRow {
                        entry_id,
                        meaning,
                        score,
                    });
                }
            }
            EntryOutcome::Quarantined { reason } => {
                quarantined.push(ScoreRow {
                    entry_id,
                    label: None,
                    score: None,
                    reason: Some(reason),
                });
            }
        }
    }
    let scored_at = to_text(scores.scored_at);

    let mut transaction = connections.begin_write(OPERATION).await?;
    // Detections first: their entries are those that still wait.
    let fingerprints = fingerprints(&mut transaction, &detected).await?;
    detected.retain(|detection| fingerprints.contains_key(detection.entry_id));
    let quiet_from = quiet_from(scores).map_or_else(|| AFTER_ALL.to_owned(), to_text);
    let sequence_before = last_sequence(OPERATION, on(&mut transaction)).await?;
    let new_detections = INSERT_DETECTIONS
        .execute(OPERATION, &mut transaction, &detected, |detection, row| {
            row.add(String::from(DetectionId::generate()))
                .add(detection.entry_id)
                .add(scores.scorer.as_str())
                .add(detection.meaning.label.as_str())
                .add(detection.score)
                .add(detection.meaning.severity.as_str())
                .add(scored_at.as_str())
                .add(
                    fingerprints
                        .get(detection.entry_id)
                        .map(|fingerprint| fingerprint.as_str()),
                )
                .add(quiet_from.as_str());
        })
        .await?;
    if new_detections > 0 {
        index_detections_after(OPERATION, &mut transaction, sequence_before).await?;
    }
    if new_detections > 0 && scores.quiet_seconds > 0 {
        sqlx::query(
            "INSERT INTO acknowledged_detections (acknowledgement_id, detection_id)
             SELECT acknowledgement_id, id FROM detections WHERE sequence > ? AND acknowledgement_id IS NOT NULL",
        )
        .bind(sequence_before)
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    }
    let bind = |score: &ScoreRow<'_>, row: &mut RowArguments<'_>| {
        row.add(score.entry_id)
            .add(score.label)
            .add(score.score)
            .add(scored_at.as_str())
            .add(score.reason);
    };
    let newly_scored = UPDATE_SCORES
        .execute(OPERATION, &mut transaction, &scored, bind)
        .await?;
    let newly_quarantined = UPDATE_SCORES
        .execute(OPERATION, &mut transaction, &quarantined, bind)
        .await?;
    if let Some(batch_id) = &scores.batch_id {
        sqlx::query(include_str!("queries/close_batch.sql"))
            .bind(batch_id.as_str())
            .bind(&scored_at)
            .bind(&scores.scorer)
            .execute(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?;
    }
    commit(OPERATION, transaction).await?;
    Ok(RecordOutcome {
        newly_scored,
        newly_quarantined,
        new_detections,
    })
}

const UPDATE_SCORES: BulkStatement = BulkStatement {
    before: "UPDATE log_entries SET anomaly_label = made.column2, anomaly_score = made.column3, anomaly_scored_at = made.column4, \
             quarantine_reason = made.column5 FROM (VALUES",
    columns: 5,
    after: ") AS made WHERE log_entries.id = made.column1 AND log_entries.anomaly_scored_at IS NULL",
    rows_max: 1_024,
};

/// Looks for a suppression, and for the operation in whose quiet time the group is, and then for what they say.
const INSERT_DETECTIONS: BulkStatement = BulkStatement {
    before: "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
             timestamp_iso, detected_at, fingerprint, acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed, \
             text_indexed) SELECT made.id, made.tenant_id, made.entry_id, made.source_id, made.scorer, made.label, made.score, made.severity, \
             made.text, made.timestamp_iso, made.detected_at, made.fingerprint, s.id IS NOT NULL OR k.id IS NOT NULL, \
             CASE WHEN s.id IS NOT NULL OR k.id IS NOT NULL THEN made.detected_at END, COALESCE(s.reason, k.notes, ''), \
             CASE WHEN s.id IS NULL THEN k.verdict ELSE 'expected' END, CASE WHEN s.id IS NULL THEN k.id END, s.id IS NOT NULL, 1 \
             FROM (SELECT given.column1 AS id, entry.tenant_id, entry.id AS entry_id, entry.source_id, given.column3 AS scorer, \
             given.column4 AS label, given.column5 AS score, given.column6 AS severity, substr(entry.text, 1, 2000) AS text, \
             entry.timestamp_iso, given.column7 AS detected_at, given.column8 AS fingerprint, \
             (SELECT s.id FROM suppressions AS s WHERE s.fingerprint = given.column8 AND s.tenant_id IN (entry.tenant_id, '') \
             AND s.expires_at > given.column7 AND (s.source_id IS NULL OR s.source_id = entry.source_id) \
             AND (s.anomaly_label IS NULL OR s.anomaly_label = given.column4) \
             ORDER BY s.created_at DESC, s.id DESC LIMIT 1) AS suppression_id, \
             (SELECT g.acknowledgement_id FROM detection_groups AS g WHERE g.tenant_id = entry.tenant_id \
             AND g.source_id = entry.source_id AND g.anomaly_label = given.column4 AND g.fingerprint = given.column8 \
             AND g.acknowledged_at > given.column9) AS quiet_id \
             FROM (VALUES",
    columns: 9,
    after: ") AS given CROSS JOIN log_entries AS entry ON entry.id = given.column2 WHERE entry.anomaly_scored_at IS NULL) AS made \
            LEFT JOIN suppressions AS s ON s.id = made.suppression_id LEFT JOIN acknowledgements AS k ON k.id = made.quiet_id \
            WHERE true ON CONFLICT (entry_id, scorer) DO NOTHING",
    rows_max: 1_024,
};
// The statement above says the number, since it is a constant text.
const _: () = assert!(DETECTION_TEXT_CHARS_MAX == 2_000);

/// The fingerprints of entries that become detections, of those that still wait for a score.
async fn fingerprints(
    transaction: &mut Tx,
    detected: &[DetectionRow<'_>],
) -> Result<HashMap<String, Fingerprint>, StoreError> {
    const OPERATION: &str = "record_scores";
    if detected.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = detected.iter().map(|detection| detection.entry_id).collect();
    let rows = sqlx::query(
        "SELECT id, substr(text, 1, ?1) FROM log_entries
         WHERE id IN (SELECT value FROM json_each(?2)) AND anomaly_scored_at IS NULL",
    )
    .bind(DETECTION_TEXT_CHARS_MAX as i64)
    .bind(serde_json::json!(ids).to_string())
    .fetch_all(on(transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    let of_row = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok((reader.take()?, fingerprint(reader.take()?)))
    };
    rows.iter().map(of_row).collect()
}

/// `WriteStore::mark_batch_dead`.
pub(super) async fn mark_batch_dead(
    connections: &Connections,
    batch_id: &BatchId,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "mark_batch_dead";
    check_reason(OPERATION, reason)?;
    let mut transaction = connections.begin_write(OPERATION).await?;
    let updated = sqlx::query(
        "UPDATE score_batches SET
             dead_at = CASE WHEN done_at IS NULL THEN ?2 END,
             dead_reason = CASE WHEN done_at IS NULL THEN ?3 END
         WHERE id = ?1",
    )
    .bind(batch_id.as_str())
    .bind(reason.map(|_| to_text(Timestamp::now())))
    .bind(reason)
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    if updated.rows_affected() == 0 {
        return Err(StoreError::new(
            StoreErrorKind::NotFound,
            OPERATION,
            format!("there is no score batch {batch_id}"),
        ));
    }
    commit(OPERATION, transaction).await
}
