//! Explanations as kept, and verdicts as training data.

use turnstone_types::{DetectionId, EntryId, Label, SourceId, Timestamp, Verdict};

/// What an explanation depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExplanationKey {
    /// The entry that is explained.
    pub entry_id: EntryId,
    /// Name of the model that answered.
    pub model: String,
    /// Version of the prompt.
    pub prompt_version: u32,
    /// Hash of the context that the model was given.
    pub context_hash: String,
}

/// An explanation as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredExplanation {
    /// JSON, as it was put there.
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A detection that a person has judged.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedDetection {
    /// The detection; with `detected_at` its place in the list.
    pub id: DetectionId,
    /// Source of the line.
    pub source_id: SourceId,
    /// The start of the line, as the detection keeps it.
    pub text: String,
    /// The label that it has.
    pub label: Label,
    /// What the person says of it.
    pub verdict: Verdict,
    /// Note of the person.
    pub notes: String,
    /// When the detection was made.
    pub detected_at: Timestamp,
    /// When it was judged; none where it was imported or changed by hand.
    pub judged_at: Option<Timestamp>,
}
