//! What the caller counts in its store for the evidence summary.

use turnstone_types::{EntryId, Timestamp};

/// What is known of an entry and what surrounds it. All counts are of its source and end with the entry; its shape is its
/// template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// When its shape was first seen.
    pub first_seen: Option<Timestamp>,
    /// Since when lines of the source are kept: before that nothing is known.
    pub kept_since: Option<Timestamp>,
    /// Lines of its shape in the hour before it, itself included.
    pub hour_count: u64,
    /// Lines of its shape in the day before it, itself included.
    pub day_count: u64,
    /// Rate of the source, where its usual rate is known.
    pub source_rate: Option<SourceRate>,
    /// Shapes first seen in the window, the most telling first.
    pub new_shapes: Vec<NewShape>,
    /// Neighbours, the rarest first.
    pub rare: Vec<RareLine>,
    /// Other detections of the window.
    pub other_detections: Vec<EntryId>,
    /// Entries of the same shape, or otherwise similar, with what people said of them.
    pub similar: Vec<SimilarEntry>,
}

/// How much a source writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceRate {
    /// Lines in the window.
    pub lines: u64,
    /// Lines that a window of this length usually has at this source.
    pub usual_lines: f64,
}

/// A shape that was first seen in the window.
#[derive(Debug, Clone, PartialEq)]
pub struct NewShape {
    /// Its first entry.
    pub entry_id: EntryId,
    /// Text of that entry.
    pub text: String,
    /// When.
    pub first_at: Timestamp,
    /// Lines of it in the window.
    pub count: u64,
}

/// A neighbour whose shape is rare.
#[derive(Debug, Clone, PartialEq)]
pub struct RareLine {
    /// The entry.
    pub entry_id: EntryId,
    /// Lines of its shape in the day.
    pub day_count: u64,
}

/// An entry like the one that is explained.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarEntry {
    /// The entry.
    pub entry_id: EntryId,
    /// Its time.
    pub timestamp: Timestamp,
    /// What a person said of it.
    pub verdict: Option<Verdict>,
    /// Why; empty when no reason was given.
    pub reason: String,
}

/// What a person says of a detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was what the label says.
    TruePositive,
    /// It was not.
    FalsePositive,
    /// It was, and was meant to be.
    Expected,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::TruePositive, Self::FalsePositive, Self::Expected];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TruePositive => "true positive",
            Self::FalsePositive => "false positive",
            Self::Expected => "expected",
        }
    }
}
