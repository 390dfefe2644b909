//! What the caller reads from its store and hands over.

use turnstone_types::{EntryId, Label, Severity, SourceId, Timestamp};

/// One stored line, as the caller found it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Which entry.
    pub entry_id: EntryId,
    /// Where it comes from.
    pub source_id: SourceId,
    /// Its time.
    pub timestamp: Timestamp,
    /// The line. Written by whoever writes logs: do not trust it.
    pub text: String,
    /// Its own severity.
    pub severity: Option<Severity>,
    /// Label and score, where it is scored.
    pub score: Option<(Label, f64)>,
}
