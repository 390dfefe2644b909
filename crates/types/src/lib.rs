//! Domain values shared by every Turnstone crate: identifiers, entries, labels, detections, cycles and score batches.
//! No input or output and no async code; everything may depend on this crate and it depends on no other of ours.

mod batch;
mod cycle;
mod detection;
mod entry;
mod fingerprint;
mod ids;
mod label;
mod severity;
pub mod template;

pub use batch::{BatchFailure, EntryOutcome, ScoreBatch, ScoredEntry, TextOfEntry};
pub use cycle::{CycleEvent, NewCycle, SourceCheckpoint, SourceDelta};
pub use detection::{DETECTION_TEXT_CHARS_MAX, Detection, UnknownVerdict, Verdict};
pub use entry::{Entry, EntryScore, NewEntry, ScoreState, TimestampBasis};
pub use fingerprint::{Fingerprint, NotAFingerprint, fingerprint};
pub use ids::{
    AcknowledgementId, BatchId, CycleId, DetectionId, EntryId, IdError, SourceId, SuppressionId, TenantId,
};
pub use label::{Label, LabelMap, LabelMeaning};
pub use severity::{Severity, UnknownSeverity};
pub use template::{TEMPLATE_MARKS, TEMPLATE_VERSION, template, template_header, write_template};

/// The instant type used everywhere: UTC, kept by the stores to the microsecond.
pub use jiff::Timestamp;

/// Characters that a model sees, of a line or of its template, as in the original pipeline; the token limit comes after it.
pub const CLASSIFIED_TEXT_CHARS_MAX: usize = 512;

/// Characters of an entry that are read for classifying. More than a model sees, since a template is shorter than its line; the
/// same for every way in which a line reaches a model, so that all of them get one answer.
pub const SCORED_TEXT_CHARS_MAX: usize = 4_096;

/// Returns the first `chars_max` characters (not bytes) of `text`, without copying.
pub fn truncate_chars(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((byte_index, _)) => &text[..byte_index],
        None => text,
    }
}

/// Cuts an instant to whole microseconds, the precision that both database dialects keep.
pub fn to_microsecond_precision(instant: Timestamp) -> Timestamp {
    // Every in-range timestamp has an in-range microsecond count, so the fallback is never taken.
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}
