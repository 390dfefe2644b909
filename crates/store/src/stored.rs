//! What stored values stand for, the same on every backend; each dialect only reads its columns.

use crate::{StoreError, StoreErrorKind};
use turnstone_types::{EntryScore, Label, ScoreState, SourceId, Timestamp};

/// What the score columns of an entry say.
pub(crate) fn score_state(
    score: Option<f64>,
    label: Option<&str>,
    scored_at: Option<Timestamp>,
    quarantine_reason: Option<String>,
) -> ScoreState {
    match (scored_at, score, label) {
        (None, ..) => ScoreState::Unscored,
        (Some(scored_at), Some(score), Some(label)) if quarantine_reason.is_none() => {
            ScoreState::Scored(EntryScore {
                label: Label::new(label),
                score,
                scored_at,
            })
        }
        (Some(at), ..) => {
            // Rows changed by hand may claim a time of scoring without a score.
            let reason = quarantine_reason
                .unwrap_or_else(|| "marked as scored without a label and a score".to_owned());
            ScoreState::Quarantined { reason, at }
        }
    }
}

/// Reads `glean_cycles.source_counts`: a JSON array of `[source_id, entries]`.
pub(crate) fn source_counts(operation: &'static str, json: &str) -> Result<Vec<(SourceId, u64)>, StoreError> {
    serde_json::from_str(json).map_err(|error| {
        let message = format!("column source_counts of glean_cycles: {error}");
        StoreError::new(StoreErrorKind::Corrupt, operation, message)
    })
}
