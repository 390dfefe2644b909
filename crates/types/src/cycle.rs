//! Glean cycles: one pass over the sources, committed in one transaction.

use crate::{CycleId, NewEntry, SourceId, TenantId, Timestamp};

/// How far a source has been read, opaque to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCheckpoint {
    /// The source.
    pub source_id: SourceId,
    /// Which part of the source, for example the identity of one file; unique within tenant and source.
    pub key: String,
    /// The state as JSON, or `None` to forget the key.
    pub state: Option<String>,
}

/// What one cycle adds to the counters of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDelta {
    /// The source.
    pub source_id: SourceId,
    /// Kind of source as in the configuration, for example `files`.
    pub kind: String,
    /// Entries.
    pub entries: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Entries whose own text held no time.
    pub undated_entries: u64,
    /// Lines with bytes that were replaced (invalid UTF-8, NUL).
    pub repaired_lines: u64,
    /// Lines cut at the length limit.
    pub truncated_lines: u64,
    /// Time of the newest entry in this cycle.
    pub last_entry_at: Option<Timestamp>,
    /// What went wrong with the source in this cycle, the last of it; `None` clears an earlier fault.
    pub fault: Option<String>,
}

/// Everything that one glean cycle commits: entries, checkpoints, source counters, score batches, outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCycle {
    /// Identifier.
    pub id: CycleId,
    /// Whose entries.
    pub tenant: TenantId,
    /// When reading began.
    pub started_at: Timestamp,
    /// When it was closed: becomes the `ingest_time` of its entries.
    pub closed_at: Timestamp,
    /// Entries in ascending order of id.
    pub entries: Vec<NewEntry>,
    /// New positions of the sources.
    pub checkpoints: Vec<SourceCheckpoint>,
    /// Counters by source.
    pub sources: Vec<SourceDelta>,
    /// Entries a score batch may hold; the store cuts `entries` into runs of at most this many.
    pub batch_entries_max: u32,
    /// W3C `traceparent` of the cycle's span, carried to the events.
    pub trace_parent: Option<String>,
}

/// The event that ends a cycle, for whoever wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleEvent {
    /// The cycle.
    pub cycle_id: CycleId,
    /// Whose entries.
    pub tenant: TenantId,
    /// When reading began.
    pub started_at: Timestamp,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// Entries committed.
    pub entry_count: u64,
    /// Entries by source.
    pub sources: Vec<(SourceId, u64)>,
}
