//! Entries: one log line, or a joined multi-line record, before and after it is stored.

use crate::{CycleId, EntryId, Label, Severity, SourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// Where an entry's time came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestampBasis {
    /// Read from the line itself.
    Parsed,
    /// Taken from the previous line of the same source, since the line has none.
    Inherited,
    /// The time of ingest, since neither the line nor one before it has a time.
    Ingest,
}

impl TimestampBasis {
    /// The name as stored in `timestamp_basis`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parsed => "parsed",
            Self::Inherited => "inherited",
            Self::Ingest => "ingest",
        }
    }

    /// Reads a stored name; an unknown one counts as `Ingest`, the weakest claim.
    pub fn from_stored(name: &str) -> Self {
        match name {
            "parsed" => Self::Parsed,
            "inherited" => Self::Inherited,
            _ => Self::Ingest,
        }
    }
}

/// An entry as gleaned, not stored yet. Its tenant and cycle are those of the `NewCycle` that holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Identifier; within a cycle entries are in ascending order of it.
    pub id: EntryId,
    /// Where the line comes from.
    pub source_id: SourceId,
    /// The text: valid UTF-8 without NUL, trailing line end removed.
    pub text: String,
    /// Time of the event.
    pub timestamp: Timestamp,
    /// Where `timestamp` came from.
    pub timestamp_basis: TimestampBasis,
    /// The line's own severity, where it states one.
    pub severity: Option<Severity>,
}

/// The winning class of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryScore {
    /// Normalised label.
    pub label: Label,
    /// Softmax probability of the winning class, 0 to 1.
    pub score: f64,
    /// When it was scored.
    pub scored_at: Timestamp,
}

/// Whether an entry has been scored.
#[derive(Debug, Clone, PartialEq)]
pub enum ScoreState {
    /// Waiting for a scorer.
    Unscored,
    /// Scored.
    Scored(EntryScore),
    /// Set aside: this line cannot be scored, for the reason given.
    Quarantined {
        /// Why, for people.
        reason: String,
        /// When it was given up.
        at: Timestamp,
    },
}

/// An entry as stored in `log_entries`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Identifier.
    pub id: EntryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it comes from.
    pub source_id: SourceId,
    /// The cycle that brought it in.
    pub cycle_id: CycleId,
    /// The text.
    pub text: String,
    /// Time of the event.
    pub timestamp: Timestamp,
    /// Where `timestamp` came from.
    pub timestamp_basis: TimestampBasis,
    /// The line's own severity.
    pub severity: Option<Severity>,
    /// When it was stored.
    pub ingest_time: Timestamp,
    /// Its score.
    pub score: ScoreState,
}
