//! Detections: anomalous entries that people look at and acknowledge.

use crate::{
    AcknowledgementId, DetectionId, EntryId, Fingerprint, Label, Severity, SourceId, TenantId, Timestamp,
};
use std::fmt;
use std::str::FromStr;

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
    /// What a person, or a suppression, says of it.
    pub verdict: Option<Verdict>,
    /// The operation that acknowledged it last. None where it is open, where a suppression acknowledged it, and where it was
    /// imported or changed by hand.
    pub acknowledgement_id: Option<AcknowledgementId>,
    /// Whether a suppression acknowledged it as it came.
    pub suppressed: bool,
    /// That of its text; none until the store has computed it for a row that came without.
    pub fingerprint: Option<Fingerprint>,
}

/// What a person says of a detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The label is right, and it matters.
    TruePositive,
    /// The label is wrong.
    FalsePositive,
    /// The label is right, and nobody needs to be told: planned work, a known fault.
    Expected,
}

/// A text that names no verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown verdict {0:?}; use true_positive, false_positive or expected")]
pub struct UnknownVerdict(pub String);

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::TruePositive, Self::FalsePositive, Self::Expected];

    /// The name as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TruePositive => "true_positive",
            Self::FalsePositive => "false_positive",
            Self::Expected => "expected",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = UnknownVerdict;
    fn from_str(name: &str) -> Result<Self, UnknownVerdict> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == name)
            .ok_or_else(|| UnknownVerdict(name.to_owned()))
    }
}
