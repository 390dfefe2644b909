//! Refuses parameters that a store must not write, the same way for every dialect and before any statement runs.

use crate::model::{
    AcknowledgeRequest, ExplanationKey, GroupKey, GroupUntil, ImportChunk, NewSuppression, RecordScores,
    StoredExplanation,
};
use crate::{StoreError, StoreErrorKind};
use std::collections::BTreeMap;
use turnstone_types::{EntryOutcome, Label, NewCycle, ScoreState, Timestamp};

type Result<T> = std::result::Result<T, StoreError>;

fn invalid(operation: &'static str, message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, operation, message)
}

/// Postgres cannot hold a NUL in a text and SQLite's functions stop at it, so no text may have one.
fn no_nul(operation: &'static str, what: impl FnOnce() -> String, text: &str) -> Result<()> {
    if text.as_bytes().contains(&0) {
        return Err(invalid(
            operation,
            format!("{} holds a NUL character; replace it first", what()),
        ));
    }
    Ok(())
}

/// Years outside 1 to 9999 do not sort as text and not every backend can hold them.
fn storable_time(operation: &'static str, what: impl FnOnce() -> String, instant: Timestamp) -> Result<()> {
    // Seconds of 0001-01-01T00:00:00Z; the type itself ends within the year 9999.
    const FIRST_SECOND: i64 = -62_135_596_800;
    if instant.as_second() < FIRST_SECOND {
        return Err(invalid(
            operation,
            format!("{} has a time before the year 1", what()),
        ));
    }
    Ok(())
}

/// A score as stored: finite, and 0 in place of -0, which not every backend can keep.
pub(crate) fn storable_score(
    operation: &'static str,
    what: impl FnOnce() -> String,
    score: f64,
) -> Result<f64> {
    if !score.is_finite() {
        return Err(invalid(
            operation,
            format!(
                "{} has the score {score}, which is no number to compare with",
                what()
            ),
        ));
    }
    Ok(score + 0.0)
}

/// Checks a cycle: entries in rising order of id, texts without NUL, a batch size.
pub(crate) fn check_cycle(cycle: &NewCycle) -> Result<()> {
    const OPERATION: &str = "commit_cycle";
    if cycle.batch_entries_max == 0 {
        return Err(invalid(
            OPERATION,
            "batch_entries_max is 0; a batch must hold an entry",
        ));
    }
    if let Some(pair) = cycle.entries.windows(2).find(|pair| pair[0].id >= pair[1].id) {
        return Err(invalid(
            OPERATION,
            format!(
                "entry {} comes after {}; entries must be in rising order of id",
                pair[1].id, pair[0].id
            ),
        ));
    }
    for entry in &cycle.entries {
        no_nul(
            OPERATION,
            || format!("the text of entry {}", entry.id),
            &entry.text,
        )?;
        storable_time(OPERATION, || format!("entry {}", entry.id), entry.timestamp)?;
    }
    for checkpoint in &cycle.checkpoints {
        no_nul(
            OPERATION,
            || format!("a checkpoint key of source {}", checkpoint.source_id),
            &checkpoint.key,
        )?;
        let state = checkpoint.state.as_deref().unwrap_or_default();
        no_nul(
            OPERATION,
            || format!("a checkpoint of source {}", checkpoint.source_id),
            state,
        )?;
    }
    for source in &cycle.sources {
        no_nul(
            OPERATION,
            || format!("the kind of source {}", source.source_id),
            &source.kind,
        )?;
        let fault = source.fault.as_deref().unwrap_or_default();
        no_nul(
            OPERATION,
            || format!("the fault of source {}", source.source_id),
            fault,
        )?;
    }
    no_nul(
        OPERATION,
        || "trace_parent".into(),
        cycle.trace_parent.as_deref().unwrap_or_default(),
    )
}

/// Checks scores: finite, reasons and labels without NUL.
pub(crate) fn check_scores(scores: &RecordScores) -> Result<()> {
    const OPERATION: &str = "record_scores";
    no_nul(OPERATION, || "the name of the scorer".into(), &scores.scorer)?;
    for scored in &scores.outcomes {
        match &scored.outcome {
            EntryOutcome::Scored { meaning, score, .. } => {
                no_nul(
                    OPERATION,
                    || format!("the label of entry {}", scored.id),
                    meaning.label.as_str(),
                )?;
                storable_score(OPERATION, || format!("entry {}", scored.id), *score)?;
            }
            EntryOutcome::Quarantined { reason } => {
                no_nul(OPERATION, || format!("the reason of entry {}", scored.id), reason)?;
            }
        }
    }
    Ok(())
}

/// A group acknowledged after this instant is in its quiet time when the scores were made; none where there is no such time.
pub(crate) fn quiet_from(scores: &RecordScores) -> Option<Timestamp> {
    let quiet = jiff::SignedDuration::from_secs(i64::from(scores.quiet_seconds));
    let from = scores.scored_at.checked_sub(quiet).unwrap_or(Timestamp::MIN);
    (scores.quiet_seconds > 0).then_some(from)
}

/// Checks the note of an acknowledgement and who makes it.
pub(crate) fn check_acknowledgement(request: &AcknowledgeRequest) -> Result<()> {
    const OPERATION: &str = "acknowledge";
    no_nul(OPERATION, || "the note".into(), &request.notes)?;
    no_nul(OPERATION, || "the name of who acknowledges".into(), &request.by)?;
    storable_time(OPERATION, || "the acknowledgement".into(), request.at)
}

/// The groups of a selection in order of their keys, each once with the latest moment.
pub(crate) fn latest_by_group(groups: &[GroupUntil]) -> BTreeMap<&GroupKey, Timestamp> {
    let mut latest: BTreeMap<&GroupKey, Timestamp> = BTreeMap::new();
    for group in groups {
        let until = latest.entry(&group.key).or_insert(group.until);
        *until = group.until.max(*until);
    }
    latest
}

/// Checks an explanation.
pub(crate) fn check_explanation(key: &ExplanationKey, explanation: &StoredExplanation) -> Result<()> {
    const OPERATION: &str = "put_explanation";
    for text in [&key.model, &key.context_hash, &explanation.body] {
        no_nul(
            OPERATION,
            || format!("the explanation of entry {}", key.entry_id),
            text,
        )?;
    }
    if let Err(error) = serde_json::from_str::<serde_json::Value>(&explanation.body) {
        return Err(invalid(
            OPERATION,
            format!("the explanation of entry {} is no JSON: {error}", key.entry_id),
        ));
    }
    storable_time(OPERATION, || "the explanation".into(), explanation.created_at)
}

/// Checks a suppression.
pub(crate) fn check_suppression(suppression: &NewSuppression) -> Result<()> {
    const OPERATION: &str = "add_suppression";
    no_nul(OPERATION, || "the reason".into(), &suppression.reason)?;
    no_nul(OPERATION, || "the name of who suppresses".into(), &suppression.by)?;
    let label = suppression.label.as_ref().map_or("", Label::as_str);
    no_nul(OPERATION, || "the label".into(), label)?;
    storable_time(OPERATION, || "the suppression".into(), suppression.at)?;
    storable_time(
        OPERATION,
        || "the end of the suppression".into(),
        suppression.expires_at,
    )
}

/// Checks an optional reason, as of a dead batch.
pub(crate) fn check_reason(operation: &'static str, reason: Option<&str>) -> Result<()> {
    no_nul(operation, || "the reason".into(), reason.unwrap_or_default())
}

/// Checks imported rows.
pub(crate) fn check_import(chunk: &ImportChunk) -> Result<()> {
    const OPERATION: &str = "import";
    if chunk.batch_entries_max == 0 {
        return Err(invalid(
            OPERATION,
            "batch_entries_max is 0; a batch must hold an entry",
        ));
    }
    for entry in &chunk.entries {
        let name = || format!("entry {}", entry.id);
        no_nul(OPERATION, name, &entry.text)?;
        storable_time(OPERATION, name, entry.timestamp)?;
        storable_time(OPERATION, name, entry.ingest_time)?;
        match &entry.score {
            ScoreState::Unscored => {}
            ScoreState::Scored(score) => {
                no_nul(OPERATION, name, score.label.as_str())?;
                storable_score(OPERATION, name, score.score)?;
            }
            ScoreState::Quarantined { reason, .. } => no_nul(OPERATION, name, reason)?,
        }
    }
    for detection in &chunk.detections {
        let name = || format!("detection {}", detection.id);
        for text in [&detection.text, &detection.notes, &detection.scorer] {
            no_nul(OPERATION, name, text)?;
        }
        no_nul(OPERATION, name, detection.label.as_str())?;
        storable_score(OPERATION, name, detection.score)?;
        storable_time(OPERATION, name, detection.detected_at)?;
        if let Some(timestamp) = detection.timestamp {
            storable_time(OPERATION, name, timestamp)?;
        }
    }
    Ok(())
}
