//! What a scorer does: reads texts, finds open batches, writes scores and detections.

use super::bulk::{BulkStatement, RowArguments};
use super::connection::{Connections, commit, on};
use super::error::map;
use super::rows::{BATCH_COLUMNS, Reader, batch_from};
use crate::checks::{check_reason, check_scores, storable_score};
use crate::instant::to_text;
use crate::model::{RecordOutcome, RecordScores};
use crate::{StoreError, StoreErrorKind};
use sqlx::AssertSqlSafe;
use std::collections::HashSet;
use turnstone_types::{
    BatchId, DETECTION_TEXT_CHARS_MAX, DetectionId, EntryOutcome, LabelMeaning, SCORED_TEXT_CHARS_MAX,
    ScoreBatch, TenantId, TextOfEntry, Timestamp,
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
    let new_detections = INSERT_DETECTIONS
        .execute(OPERATION, &mut transaction, &detected, |detection, row| {
            row.add(String::from(DetectionId::generate()))
                .add(detection.entry_id)
                .add(scores.scorer.as_str())
                .add(detection.meaning.label.as_str())
                .add(detection.score)
                .add(detection.meaning.severity.as_str())
                .add(scored_at.as_str());
        })
        .await?;
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

const INSERT_DETECTIONS: BulkStatement = BulkStatement {
    before: "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
             timestamp_iso, detected_at) \
             SELECT made.column1, entry.tenant_id, entry.id, entry.source_id, made.column3, made.column4, made.column5, made.column6, \
             substr(entry.text, 1, 2000), entry.timestamp_iso, made.column7 FROM (VALUES",
    columns: 7,
    after: ") AS made CROSS JOIN log_entries AS entry ON entry.id = made.column2 WHERE entry.anomaly_scored_at IS NULL \
            ON CONFLICT (entry_id, scorer) DO NOTHING",
    rows_max: 1_024,
};
// The statement above says the number, since it is a constant text.
const _: () = assert!(DETECTION_TEXT_CHARS_MAX == 2_000);

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
