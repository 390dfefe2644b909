//! Score batches: the unit of work on the queue, and what a scorer says about each of its entries.

use crate::{BatchId, CycleId, EntryId, LabelMeaning, TenantId};

/// A run of entries of one tenant and cycle that wait for their scores. Refers to the entries, never carries their text.
///
/// Its entries are those of `cycle_id` with `first_entry_id <= id <= last_entry_id` (compared as bytes) that are unscored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreBatch {
    /// Identifier.
    pub id: BatchId,
    /// Whose entries.
    pub tenant: TenantId,
    /// The cycle that brought them in.
    pub cycle_id: CycleId,
    /// Lowest entry id of the run, inclusive.
    pub first_entry_id: EntryId,
    /// Highest entry id of the run, inclusive.
    pub last_entry_id: EntryId,
    /// How many entries the run held when it was made.
    pub entry_count: u32,
}

/// What a scorer reads of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextOfEntry {
    /// The entry.
    pub id: EntryId,
    /// The first [`crate::SCORED_TEXT_CHARS_MAX`] characters of its text.
    pub text: String,
}

/// What became of one entry of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryOutcome {
    /// The model's answer.
    Scored {
        /// What the winning raw label means.
        meaning: LabelMeaning,
        /// Softmax probability of the winning class, 0 to 1.
        score: f64,
        /// Whether the entry becomes a detection: anomalous, with a score at or over the threshold.
        detected: bool,
    },
    /// The line cannot be scored; it is set aside with the reason.
    Quarantined {
        /// Why, for people.
        reason: String,
    },
}

/// One entry with its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredEntry {
    /// The entry.
    pub id: EntryId,
    /// What became of it.
    pub outcome: EntryOutcome,
}

/// A batch that can never work, as kept beside the dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFailure {
    /// The batch.
    pub batch: ScoreBatch,
    /// Why, for people.
    pub reason: String,
}
