//! The batch that is being filled: entries and counters, and whether the budget is used up.

use crate::config::SourceKind;
use crate::parse::Format;
use crate::source::{Budget, Gleaned, SourceState};
use turnstone_types::{
    EntryId, NewEntry, Severity, SourceCheckpoint, SourceDelta, SourceId, Timestamp, TimestampBasis,
};

/// What a report wants to know of an entry beyond the entry itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordFacts {
    /// Number of its first line, from 1.
    pub first_line: u64,
    pub lines: u64,
    pub format: Format,
}

/// Collects what one call of `next_batch` hands out.
#[derive(Debug)]
pub(crate) struct BatchBuilder {
    budget: Budget,
    entries: Vec<NewEntry>,
    delta: SourceDelta,
    pub(crate) empty_lines: u64,
    pub(crate) escape_lines: u64,
    pub(crate) cut_bytes: u64,
    /// Beside `entries`; kept only on request.
    pub(crate) facts: Option<Vec<RecordFacts>>,
}

impl BatchBuilder {
    pub(crate) fn new(source_id: &SourceId, kind: SourceKind, budget: Budget) -> Self {
        Self {
            budget,
            entries: Vec::new(),
            delta: SourceDelta {
                source_id: source_id.clone(),
                kind: kind.as_str().to_owned(),
                entries: 0,
                bytes: 0,
                undated_entries: 0,
                repaired_lines: 0,
                truncated_lines: 0,
                last_entry_at: None,
                fault: None,
            },
            empty_lines: 0,
            escape_lines: 0,
            cut_bytes: 0,
            facts: None,
        }
    }

    /// Keeps the facts of each record beside its entry.
    pub(crate) fn with_facts(mut self) -> Self {
        self.facts = Some(Vec::new());
        self
    }

    /// Whether the batch must be handed out before more is read.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.budget.entries_max.max(1) || self.delta.bytes >= self.budget.bytes_max
    }

    /// Bytes that may still be read.
    pub(crate) fn bytes_left(&self) -> u64 {
        self.budget.bytes_max.saturating_sub(self.delta.bytes)
    }

    pub(crate) fn count_bytes(&mut self, bytes: u64) {
        self.delta.bytes += bytes;
    }

    pub(crate) fn count_repaired_line(&mut self) {
        self.delta.repaired_lines += 1;
    }

    pub(crate) fn count_truncated_line(&mut self, cut_bytes: u64) {
        self.delta.truncated_lines += 1;
        self.cut_bytes += cut_bytes;
    }

    pub(crate) fn push(
        &mut self,
        text: String,
        timestamp: Timestamp,
        basis: TimestampBasis,
        severity: Option<Severity>,
        facts: RecordFacts,
    ) {
        if let Some(kept) = &mut self.facts {
            kept.push(facts);
        }
        if basis != TimestampBasis::Parsed {
            self.delta.undated_entries += 1;
        }
        self.delta.entries += 1;
        self.delta.last_entry_at = self.delta.last_entry_at.max(Some(timestamp));
        self.entries.push(NewEntry {
            id: EntryId::generate(),
            source_id: self.delta.source_id.clone(),
            text,
            timestamp,
            timestamp_basis: basis,
            severity,
        });
    }

    pub(crate) fn finish(
        mut self,
        checkpoints: Vec<SourceCheckpoint>,
        fault: Option<String>,
        fault_changed: bool,
        state: SourceState,
    ) -> Gleaned {
        self.delta.fault = fault;
        Gleaned {
            entries: self.entries,
            checkpoints,
            delta: self.delta,
            empty_lines: self.empty_lines,
            escape_lines: self.escape_lines,
            cut_bytes: self.cut_bytes,
            fault_changed,
            state,
        }
    }
}
