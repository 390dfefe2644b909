//! What is counted for the evidence summary of an entry. Everything here is a bounded number of bounded reads, and what could not
//! be counted to its end is said so: the summary must not claim that something is new because it was not looked for.

use super::entry::EntryRead;
use super::shape::{Shape, template_of};
use std::collections::{HashMap, HashSet};
use turnstone_explain::context::ContextOptions;
use turnstone_explain::summary::{
    Counted, Facts, MessageGroup, NewShape, RareLine, SimilarEntry, SourceRate,
};
use turnstone_store::{DetectionFilter, DetectionGroup, EntryFacts, EntrySearch, Store, StoreError};
use turnstone_types::{Detection, Entry, EntryId, SourceId, TenantId, Timestamp};

/// Lines with the words of the entry that are looked through.
const COUNTED_MAX: u32 = 1_000;
const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 86_400;
/// The span of `SourceRate`, and of the store's rates.
const RATE_SECONDS: f64 = 300.0;
/// New groups that are looked at, and detections of each by which they are found to be old.
const NEW_MAX: usize = 5;
const NEW_DETECTIONS_MAX: u32 = 100;
/// Neighbours that are counted.
const RARE_CANDIDATES_MAX: usize = 6;
const RARE_LINES_READ_MAX: u32 = 100;
/// Lines a day from which a shape is not rare.
const RARE_DAY_MAX: u64 = 3;
/// Detections around the entry that are looked through.
const NEIGHBOURS_MAX: u32 = 500;

/// Counts it.
pub(super) async fn read(
    store: &dyn Store,
    tenant: &TenantId,
    read: &EntryRead,
    options: &ContextOptions,
) -> Result<Facts, StoreError> {
    let entry = &read.entry;
    let Some(known) = store
        .entry_facts(tenant, &entry.id, options.window_seconds)
        .await?
    else {
        // Deleted meanwhile.
        return Ok(Facts::default());
    };
    let began = began_in_window(store, tenant, read, options.window_seconds).await?;
    let mut facts = Facts {
        kept_since: began,
        source_rate: known.source.as_ref().and_then(|source| {
            Some(SourceRate {
                lines: (source.lines_per_second * RATE_SECONDS).round() as u64,
                usual_lines: source.usual_lines_per_second? * RATE_SECONDS,
            })
        }),
        error_share: known.source.as_ref().and_then(|source| source.error_share),
        groups: known.groups.iter().map(group).collect(),
        similar: similar(&known),
        // Where the source itself is new, so is everything in it, and nothing is said by that.
        new_shapes: match began {
            Some(_) => Vec::new(),
            None => new_shapes(store, tenant, &known, options.window_seconds).await?,
        },
        other_detections: other_detections(store, tenant, read, options.window_seconds).await?,
        rare: rare(store, tenant, read).await?,
        ..Facts::default()
    };
    count(store, tenant, entry, &mut facts).await?;
    Ok(facts)
}

/// How often lines of the entry's shape come, by their own times: an old log that was read today was written long ago.
async fn count(
    store: &dyn Store,
    tenant: &TenantId,
    entry: &Entry,
    facts: &mut Facts,
) -> Result<(), StoreError> {
    let until = entry.timestamp;
    let seen = Shape::of(&entry.text)
        .seen(store, tenant, &entry.source_id, (None, until), COUNTED_MAX)
        .await?;
    let Some(seen) = seen.filter(|seen| !seen.times.is_empty()) else {
        return Ok(());
    };
    facts.hour_count = seen.within(HOUR_SECONDS, until);
    facts.day_count = seen.within(DAY_SECONDS, until);
    facts.first_seen = seen.times.last().copied();
    // The newest is the entry itself.
    facts.last_before = seen.times.get(1).copied();
    facts.counted = if seen.is_all {
        Counted::All
    } else {
        Counted::AtLeast
    };
    Ok(())
}

/// When the source began, where that is within the window: there is no line from before it.
async fn began_in_window(
    store: &dyn Store,
    tenant: &TenantId,
    read: &EntryRead,
    window_seconds: u32,
) -> Result<Option<Timestamp>, StoreError> {
    let start = read
        .entry
        .timestamp
        .as_second()
        .saturating_sub(window_seconds.into());
    let earlier = EntrySearch {
        source_id: Some(read.entry.source_id.clone()),
        time_until: Timestamp::from_second(start).ok(),
        ..EntrySearch::default()
    };
    let is_first =
        read.input.unread_before == 0 && store.search_entries(tenant, &earlier, None, 1).await?.is_empty();
    Ok(read
        .around
        .first()
        .map(|entry| entry.timestamp)
        .filter(|_| is_first))
}

fn group(group: &DetectionGroup) -> MessageGroup {
    MessageGroup {
        source_id: group.key.source_id.clone(),
        label: group.key.label.clone(),
        detections: group.detections,
        open: group.open,
        first_at: group.first_seen,
        last_at: group.last_seen,
    }
}

fn similar(known: &EntryFacts) -> Vec<SimilarEntry> {
    let judged = known
        .judged
        .iter()
        .filter(|detection| detection.entry_id != known.entry.id);
    judged
        .map(|detection| SimilarEntry {
            entry_id: detection.entry_id.clone(),
            timestamp: time_of(detection),
            verdict: detection.verdict,
            reason: detection.notes.clone(),
        })
        .collect()
}

fn time_of(detection: &Detection) -> Timestamp {
    detection.timestamp.unwrap_or(detection.detected_at)
}

/// Groups that have no line from before the window. By when they were made alone, every group of a log that was read in one go
/// would be new.
async fn new_shapes(
    store: &dyn Store,
    tenant: &TenantId,
    known: &EntryFacts,
    window_seconds: u32,
) -> Result<Vec<NewShape>, StoreError> {
    let centre = known.entry.timestamp.as_second();
    let window = i64::from(window_seconds);
    let in_window = |time: Timestamp| (time.as_second() - centre).abs() <= window;
    let mut candidates: Vec<&DetectionGroup> = known
        .new_groups
        .iter()
        .filter(|group| group.key.fingerprint != known.fingerprint)
        .filter(|group| group.detections < u64::from(NEW_DETECTIONS_MAX))
        .filter(|group| in_window(time_of(&group.newest)))
        .collect();
    candidates.sort_by_key(|group| std::cmp::Reverse(group.severity));
    let mut shapes = Vec::new();
    for group in candidates.into_iter().take(NEW_MAX) {
        let filter = DetectionFilter {
            source_id: Some(group.key.source_id.clone()),
            label: Some(group.key.label.clone()),
            fingerprint: Some(group.key.fingerprint.clone()),
            ..DetectionFilter::default()
        };
        let all = store
            .list_detections(tenant, &filter, None, NEW_DETECTIONS_MAX)
            .await?;
        let Some(first) = all.iter().min_by_key(|detection| time_of(detection)) else {
            continue;
        };
        if in_window(time_of(first)) {
            shapes.push(NewShape {
                entry_id: first.entry_id.clone(),
                text: first.text.clone(),
                first_at: time_of(first),
                count: all.iter().filter(|one| in_window(time_of(one))).count() as u64,
            });
        }
    }
    Ok(shapes)
}

/// Detections among the neighbours.
async fn other_detections(
    store: &dyn Store,
    tenant: &TenantId,
    read: &EntryRead,
    window_seconds: u32,
) -> Result<Vec<EntryId>, StoreError> {
    let neighbours: HashSet<&EntryId> = read.around.iter().map(|entry| &entry.id).collect();
    let came = read.entry.ingest_time.as_second();
    let window = i64::from(window_seconds);
    let filter = DetectionFilter {
        source_id: Some(read.entry.source_id.clone()),
        detected_from: Timestamp::from_second(came.saturating_sub(window)).ok(),
        detected_until: Timestamp::from_second(came.saturating_add(window)).ok(),
        ..DetectionFilter::default()
    };
    let found = store
        .list_detections(tenant, &filter, None, NEIGHBOURS_MAX)
        .await?;
    let others = found
        .into_iter()
        .map(|detection| detection.entry_id)
        .filter(|id| *id != read.entry.id && neighbours.contains(id));
    Ok(others.collect())
}

/// The rarest neighbours. Those that come once or twice in the window are counted over the day before the entry.
async fn rare(store: &dyn Store, tenant: &TenantId, read: &EntryRead) -> Result<Vec<RareLine>, StoreError> {
    let target = template_of(&read.entry.text);
    let mut shapes: HashMap<String, (u64, &Entry)> = HashMap::new();
    for entry in &read.around {
        let (count, _) = shapes.entry(template_of(&entry.text)).or_insert((0, entry));
        *count += 1;
    }
    shapes.remove(&target);
    let centre = read.entry.timestamp.as_microsecond();
    let mut candidates: Vec<(u64, &Entry)> = shapes.into_values().filter(|(count, _)| *count <= 2).collect();
    candidates.sort_by_key(|(count, entry)| {
        (
            *count,
            entry.timestamp.as_microsecond().abs_diff(centre),
            entry.id.clone(),
        )
    });
    let mut rare = Vec::new();
    for (_, entry) in candidates.into_iter().take(RARE_CANDIDATES_MAX) {
        if let Some(day_count) = day_count(store, tenant, &entry.source_id, entry).await?
            && day_count <= RARE_DAY_MAX
        {
            rare.push(RareLine {
                entry_id: entry.id.clone(),
                day_count,
            });
        }
    }
    rare.sort_by_key(|line| line.day_count);
    Ok(rare)
}

/// Lines of an entry's shape in the day that ends with it, where they could all be counted.
async fn day_count(
    store: &dyn Store,
    tenant: &TenantId,
    source_id: &SourceId,
    entry: &Entry,
) -> Result<Option<u64>, StoreError> {
    let from = Timestamp::from_second(entry.timestamp.as_second().saturating_sub(DAY_SECONDS)).ok();
    let seen = Shape::of(&entry.text)
        .seen(
            store,
            tenant,
            source_id,
            (from, entry.timestamp),
            RARE_LINES_READ_MAX,
        )
        .await?;
    Ok(seen
        .filter(|seen| seen.is_all)
        .map(|seen| seen.times.len() as u64))
}
