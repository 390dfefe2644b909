//! What an explanation of an entry is made of: the entry, its detections, and the lines of its source around it.

use std::collections::HashSet;
use turnstone_explain::context::{ContextInput, ContextOptions};
use turnstone_explain::input::Line;
use turnstone_store::{ContextRequest, DetectionFilter, Store, StoreError};
use turnstone_types::{
    DETECTION_TEXT_CHARS_MAX, Detection, Entry, EntryId, ScoreState, TenantId, Timestamp, fingerprint,
    truncate_chars,
};

/// Lines on each side of the entry that are read for each line that may be shown: repeated ones are folded.
const READ_PER_LINE: usize = 10;
/// Most lines on each side that are read.
const READ_MAX: u32 = 1_000;
/// Detections of the batch in which the entry was scored that are looked through.
const BATCH_MAX: u32 = 1_000;
/// Detections of the entry's message that are looked through where it was not found by its batch.
const ALIKE_MAX: u32 = 200;

/// What was read for an entry.
pub(super) struct EntryRead {
    /// The entry as stored.
    pub entry: Entry,
    /// The lines around it as stored, in the order of time, itself included.
    pub around: Vec<Entry>,
    /// The same for the explainer.
    pub input: ContextInput,
}

/// Reads it; `None` where there is no such entry for this tenant.
pub(super) async fn read(
    store: &dyn Store,
    tenant: &TenantId,
    entry_id: &EntryId,
    options: &ContextOptions,
) -> Result<Option<EntryRead>, StoreError> {
    let side_max = u32::try_from(options.lines_max.saturating_mul(READ_PER_LINE))
        .unwrap_or(READ_MAX)
        .clamp(1, READ_MAX);
    let request = ContextRequest {
        entry_id: entry_id.clone(),
        window_seconds: options.window_seconds,
        before_max: side_max,
        after_max: side_max,
    };
    let Some(around) = store.entry_context(tenant, &request).await? else {
        return Ok(None);
    };
    let Some(place) = around.iter().position(|entry| entry.id == *entry_id) else {
        return Ok(None);
    };
    let entry = around[place].clone();
    // A side that is full may go on: one line at least is taken to be there.
    let unread = |read: usize| u64::from(read >= side_max as usize);
    let input = ContextInput {
        entry: line(&entry),
        detections: detections_of(store, tenant, &entry).await?,
        lines: around.iter().map(line).collect(),
        unread_before: unread(place),
        unread_after: unread(around.len() - 1 - place),
    };
    Ok(Some(EntryRead { entry, around, input }))
}

/// An entry as the explainer takes it.
pub(super) fn line(entry: &Entry) -> Line {
    Line {
        entry_id: entry.id.clone(),
        source_id: entry.source_id.clone(),
        timestamp: entry.timestamp,
        text: entry.text.clone(),
        severity: entry.severity,
        score: match &entry.score {
            ScoreState::Scored(score) => Some((score.label.clone(), score.score)),
            ScoreState::Unscored | ScoreState::Quarantined { .. } => None,
        },
    }
}

/// The detections of an entry. A detection is made in the moment in which its entry is scored; those of other systems came with
/// another, and are found among those of the same message.
async fn detections_of(
    store: &dyn Store,
    tenant: &TenantId,
    entry: &Entry,
) -> Result<Vec<Detection>, StoreError> {
    let ScoreState::Scored(score) = &entry.score else {
        return Ok(Vec::new());
    };
    let of_batch = DetectionFilter {
        source_id: Some(entry.source_id.clone()),
        detected_from: Some(score.scored_at),
        detected_until: Timestamp::from_microsecond(score.scored_at.as_microsecond() + 1).ok(),
        ..DetectionFilter::default()
    };
    let alike = DetectionFilter {
        source_id: Some(entry.source_id.clone()),
        fingerprint: Some(fingerprint(truncate_chars(&entry.text, DETECTION_TEXT_CHARS_MAX))),
        ..DetectionFilter::default()
    };
    for (filter, limit) in [(of_batch, BATCH_MAX), (alike, ALIKE_MAX)] {
        let mut found = store.list_detections(tenant, &filter, None, limit).await?;
        found.retain(|detection| detection.entry_id == entry.id);
        let mut seen = HashSet::new();
        found.retain(|detection| seen.insert(detection.id.clone()));
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
