//! Cuts the entries of a cycle into score batches and counts them by source, the same way for every dialect.

use std::collections::BTreeMap;
use turnstone_types::{BatchId, CycleId, EntryId, ScoreBatch, SourceId, TenantId};

/// Runs of at most `batch_entries_max` of `entry_ids`, which are in rising order.
pub(crate) fn cut_batches<'a>(
    tenant: &TenantId,
    cycle_id: &CycleId,
    entry_ids: impl IntoIterator<Item = &'a EntryId>,
    batch_entries_max: u32,
) -> Vec<ScoreBatch> {
    let entry_ids: Vec<&EntryId> = entry_ids.into_iter().collect();
    entry_ids
        .chunks(batch_entries_max.max(1) as usize)
        .map(|run| ScoreBatch {
            id: BatchId::generate(),
            tenant: tenant.clone(),
            cycle_id: cycle_id.clone(),
            first_entry_id: run[0].clone(),
            last_entry_id: run[run.len() - 1].clone(),
            // A run is no longer than `batch_entries_max`, a u32.
            entry_count: run.len() as u32,
        })
        .collect()
}

/// Entries by source, in order of its name.
pub(crate) fn count_by_source<'a>(sources: impl IntoIterator<Item = &'a SourceId>) -> Vec<(SourceId, u64)> {
    let mut counts: BTreeMap<&SourceId, u64> = BTreeMap::new();
    for source in sources {
        *counts.entry(source).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(source, count)| (source.clone(), count))
        .collect()
}

/// The message id of the n-th event of a batch; the first is 1.
pub(crate) fn batch_message_id(batch_id: &BatchId, sending: u32) -> String {
    format!("{batch_id}.{sending}")
}
