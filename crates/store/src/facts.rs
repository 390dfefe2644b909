//! What the store knows about an entry without a model: how often its message comes, what is new around it, what people said of its
//! like. Made of the verbs of the store, each of which is bounded.

use crate::model::{DetectionFilter, DetectionGroup, GroupFilter, SourceHealth};
use crate::{ReadStore, StoreError};
use jiff::SignedDuration;
use turnstone_types::{
    DETECTION_TEXT_CHARS_MAX, Detection, Entry, EntryId, Fingerprint, TenantId, Timestamp, Verdict,
    fingerprint, truncate_chars,
};

/// Detections of one message that are counted one by one; more are said as "at least".
pub const COUNTED_MAX: u32 = 500;
const GROUPS_MAX: u32 = 10;
const NEW_GROUPS_MAX: u32 = 20;
const SIMILAR_MAX: u32 = 5;

/// Facts about an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryFacts {
    /// The entry.
    pub entry: Entry,
    /// Fingerprint of its text.
    pub fingerprint: Fingerprint,
    /// Groups of its message in any source and with any label, newest first, at most 10: first and last seen, how often ever.
    pub groups: Vec<DetectionGroup>,
    /// Detections of its message in the hour up to the entry's ingest, at most [`COUNTED_MAX`].
    pub in_hour: u64,
    /// As `in_hour`, in the day.
    pub in_day: u64,
    /// How its source did when the entry came in, where the minutes of then are still kept.
    pub source: Option<SourceHealth>,
    /// Groups of its source that were first seen around the time when the entry came in, at most 20.
    pub new_groups: Vec<DetectionGroup>,
    /// Detections of its message that people have judged, at most 5 for each verdict.
    pub judged: Vec<Detection>,
}

/// `ReadStore::entry_facts`.
pub(crate) async fn entry_facts<S: ReadStore + ?Sized>(
    store: &S,
    tenant: &TenantId,
    entry_id: &EntryId,
    window_seconds: u32,
) -> Result<Option<EntryFacts>, StoreError> {
    let Some(entry) = store.entry(tenant, entry_id).await? else {
        return Ok(None);
    };
    let fingerprint = fingerprint(truncate_chars(&entry.text, DETECTION_TEXT_CHARS_MAX));
    let came = entry.ingest_time;
    let of_message = GroupFilter {
        fingerprint: Some(fingerprint.clone()),
        ..GroupFilter::default()
    };
    let groups = store
        .list_detection_groups(tenant, &of_message, None, GROUPS_MAX)
        .await?;
    let since = |seconds: i64| {
        let filter = DetectionFilter {
            fingerprint: Some(fingerprint.clone()),
            detected_from: Some(moved(came, -seconds)),
            // The entry's own detection comes some seconds after the entry.
            detected_until: Some(moved(came, i64::from(window_seconds))),
            ..DetectionFilter::default()
        };
        async move {
            Ok::<_, StoreError>(
                store
                    .list_detections(tenant, &filter, None, COUNTED_MAX)
                    .await?
                    .len() as u64,
            )
        }
    };
    let (in_hour, in_day) = (since(3_600).await?, since(86_400).await?);
    let health = store.source_health(tenant, came).await?;
    let source = health
        .into_iter()
        .find(|health| health.source_id == entry.source_id && health.tenant == entry.tenant)
        .filter(|health| health.lines_per_second > 0.0);
    let window = i64::from(window_seconds);
    let new = GroupFilter {
        source_id: Some(entry.source_id.clone()),
        first_seen_from: Some(moved(came, -window)),
        first_seen_until: Some(moved(came, window)),
        ..GroupFilter::default()
    };
    let new_groups = store
        .list_detection_groups(tenant, &new, None, NEW_GROUPS_MAX)
        .await?;
    let mut judged = Vec::new();
    for verdict in Verdict::ALL {
        let filter = DetectionFilter {
            fingerprint: Some(fingerprint.clone()),
            verdict: Some(verdict),
            suppressed: Some(false),
            ..DetectionFilter::default()
        };
        judged.extend(store.list_detections(tenant, &filter, None, SIMILAR_MAX).await?);
    }
    Ok(Some(EntryFacts {
        entry,
        fingerprint,
        groups,
        in_hour,
        in_day,
        source,
        new_groups,
        judged,
    }))
}

/// An instant some seconds away, or the end of the calendar.
fn moved(instant: Timestamp, seconds: i64) -> Timestamp {
    let end = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    instant
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(end)
}
