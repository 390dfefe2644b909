//! A cycle that is being filled: what sources have handed out and no transaction holds yet.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use turnstone_gleaner::{Budget, Gleaned};
use turnstone_types::{
    CycleId, NewCycle, NewEntry, SourceCheckpoint, SourceDelta, SourceId, TenantId, Timestamp,
};

/// When a cycle closes.
#[derive(Debug, Clone, Copy)]
pub struct CycleLimits {
    /// At this many entries.
    pub entries_max: usize,
    /// At this many bytes read.
    pub bytes_max: u64,
    /// This long after it first held something.
    pub interval: Duration,
    /// Entries of one score batch.
    pub batch_entries_max: u32,
}

/// A cycle of one tenant that is being filled.
#[derive(Debug)]
pub struct PendingCycle {
    tenant: TenantId,
    started_at: Timestamp,
    opened: Instant,
    entries: Vec<NewEntry>,
    // By key: a later checkpoint of the same file replaces an earlier one of the same cycle.
    checkpoints: BTreeMap<(SourceId, String), SourceCheckpoint>,
    sources: BTreeMap<SourceId, SourceDelta>,
    bytes: u64,
}

impl PendingCycle {
    /// Opens an empty cycle.
    pub fn open(tenant: TenantId) -> Self {
        Self {
            tenant,
            started_at: Timestamp::now(),
            opened: Instant::now(),
            entries: Vec::new(),
            checkpoints: BTreeMap::new(),
            sources: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// What a source may still add.
    pub fn budget(&self, limits: &CycleLimits) -> Budget {
        Budget {
            entries_max: limits.entries_max.saturating_sub(self.entries.len()).max(1),
            bytes_max: limits.bytes_max.saturating_sub(self.bytes).max(1),
        }
    }

    /// Takes a batch in whole.
    pub fn absorb(&mut self, gleaned: Gleaned) {
        self.entries.extend(gleaned.entries);
        for checkpoint in gleaned.checkpoints {
            self.checkpoints
                .insert((checkpoint.source_id.clone(), checkpoint.key.clone()), checkpoint);
        }
        self.bytes += gleaned.delta.bytes;
        match self.sources.get_mut(&gleaned.delta.source_id) {
            None => {
                self.sources
                    .insert(gleaned.delta.source_id.clone(), gleaned.delta);
            }
            Some(sum) => {
                sum.entries += gleaned.delta.entries;
                sum.bytes += gleaned.delta.bytes;
                sum.undated_entries += gleaned.delta.undated_entries;
                sum.repaired_lines += gleaned.delta.repaired_lines;
                sum.truncated_lines += gleaned.delta.truncated_lines;
                sum.last_entry_at = sum.last_entry_at.max(gleaned.delta.last_entry_at);
                sum.fault = gleaned.delta.fault;
            }
        }
    }

    /// Whether it has reached a size limit.
    pub fn is_full(&self, limits: &CycleLimits) -> bool {
        self.entries.len() >= limits.entries_max || self.bytes >= limits.bytes_max
    }

    /// When it closes at the latest.
    pub fn closes_at(&self, limits: &CycleLimits) -> Instant {
        self.opened + limits.interval
    }

    /// Closes it.
    pub fn close(self, limits: &CycleLimits, trace_parent: Option<String>) -> NewCycle {
        let mut entries = self.entries;
        // Sources hand out ascending ids, but one may have prepared its batch before another: nearly sorted, so this is cheap.
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        NewCycle {
            id: CycleId::generate(),
            tenant: self.tenant,
            started_at: self.started_at,
            closed_at: Timestamp::now(),
            entries,
            checkpoints: self.checkpoints.into_values().collect(),
            sources: self.sources.into_values().collect(),
            batch_entries_max: limits.batch_entries_max,
            trace_parent,
        }
    }
}
