//! Detections: anomalous entries that people look at and acknowledge.

use crate::{DetectionId, EntryId, Label, Severity, SourceId, TenantId, Timestamp};

/// Characters of an entry's text that its detection keeps.
pub const DETECTION_TEXT_CHARS_MAX: usize = 2_000;

/// An entry whose label is anomalous with a score at or over the threshold; one per entry and scorer.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Identifier.
    pub id: DetectionId,
    /// Whose it is: the tenant of the entry.
    pub tenant: TenantId,
    /// The entry.
    pub entry_id: EntryId,
    /// Where the entry comes from.
    pub source_id: SourceId,
    /// Lower-case name of the model that made the score.
    pub scorer: String,
    /// Normalised label.
    pub label: Label,
    /// Softmax probability of the label, 0 to 1.
    pub score: f64,
    /// Severity that the label maps to.
    pub severity: Severity,
    /// The first [`DETECTION_TEXT_CHARS_MAX`] characters of the entry's text.
    pub text: String,
    /// Time of the entry, where it has one.
    pub timestamp: Option<Timestamp>,
    /// When the detection was made.
    pub detected_at: Timestamp,
    /// When it was acknowledged, if it is.
    pub acknowledged_at: Option<Timestamp>,
    /// Whether it is acknowledged. Imported rows may lack the time of it.
    pub acknowledged: bool,
    /// The note of the acknowledgement; empty if none.
    pub notes: String,
}
