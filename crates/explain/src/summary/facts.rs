//! What the caller counts in its store for the evidence summary.

use turnstone_types::{EntryId, Label, SourceId, Timestamp, Verdict};

/// How far the counts of a shape reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counted {
    /// All lines that are kept were counted.
    All,
    /// Only the newest were counted, there are more, and the shape may be older.
    AtLeast,
    /// None was counted.
    #[default]
    Nothing,
}

/// What is known of an entry and what surrounds it. All counts are of its source and end with the entry; its shape is its
/// template. The default is that nothing is known, of which nothing is said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// When its shape was first seen.
    pub first_seen: Option<Timestamp>,
    /// When its shape was last seen before the entry.
    pub last_before: Option<Timestamp>,
    /// Since when lines of the source are kept: before that nothing is known.
    pub kept_since: Option<Timestamp>,
    /// How far `first_seen`, `hour_count` and `day_count` reach.
    pub counted: Counted,
    /// Lines of its shape in the hour before it, itself included.
    pub hour_count: u64,
    /// Lines of its shape in the day before it, itself included.
    pub day_count: u64,
    /// Rate of the source, where its usual rate is known.
    pub source_rate: Option<SourceRate>,
    /// The share of lines of the source's last hour that state ERROR or CRITICAL, 0 to 1.
    pub error_share: Option<f64>,
    /// Detections of its message, by source and label, its own source among them.
    pub groups: Vec<MessageGroup>,
    /// Shapes first seen in the window, the most telling first.
    pub new_shapes: Vec<NewShape>,
    /// Neighbours, the rarest first.
    pub rare: Vec<RareLine>,
    /// Other detections of the window.
    pub other_detections: Vec<EntryId>,
    /// Entries of the same shape, or otherwise similar, with what people said of them.
    pub similar: Vec<SimilarEntry>,
}

/// How much a source writes within five minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceRate {
    /// Lines in the five minutes up to the entry.
    pub lines: u64,
    /// Lines that five minutes usually have at this source.
    pub usual_lines: f64,
}

/// Detections of one message in one source under one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageGroup {
    /// Where.
    pub source_id: SourceId,
    /// As what.
    pub label: Label,
    /// How many, ever.
    pub detections: u64,
    /// Those of them that nobody acknowledged.
    pub open: u64,
    /// When the first was made.
    pub first_at: Timestamp,
    /// When the last was made.
    pub last_at: Timestamp,
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
