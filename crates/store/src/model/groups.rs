//! Groups: the detections of one source and label whose texts have one fingerprint.

use super::DetectionFilter;
use turnstone_types::{Detection, Fingerprint, Label, Severity, SourceId, TenantId, Timestamp, Verdict};

/// Which group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey {
    /// Whose.
    pub tenant: TenantId,
    /// Source of its detections.
    pub source_id: SourceId,
    /// Their normalised label.
    pub label: Label,
    /// Fingerprint of their texts.
    pub fingerprint: Fingerprint,
}

/// A group as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionGroup {
    /// Which.
    pub key: GroupKey,
    /// Its detections.
    pub detections: u64,
    /// Those of them that are not acknowledged.
    pub open: u64,
    /// The highest severity that it ever had.
    pub severity: Severity,
    /// When its first detection was made.
    pub first_seen: Timestamp,
    /// When its newest detection was made.
    pub last_seen: Timestamp,
    /// Up to when it was acknowledged as a group, by the newest such operation that was not undone.
    pub acknowledged_until: Option<Timestamp>,
    /// Its newest detection. Its time and id are the group's place in the list.
    pub newest: Detection,
}

/// Which groups. `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupFilter {
    /// Only those with a detection not acknowledged (`Some(true)`), only those without (`Some(false)`).
    pub unacknowledged: Option<bool>,
    /// Normalised label.
    pub label: Option<Label>,
    /// The group's severity.
    pub severity: Option<Severity>,
    /// Source.
    pub source_id: Option<SourceId>,
    /// Fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// Lower-case name of the model that made the newest detection.
    pub scorer: Option<String>,
    /// Score of the newest detection at or over.
    pub score_min: Option<f64>,
    /// Verdict on the newest detection.
    pub verdict: Option<Verdict>,
    /// Only those whose newest detection a suppression acknowledged (`Some(true)`), only the others (`Some(false)`).
    pub suppressed: Option<bool>,
    /// Full-text query on the line of the newest detection, as in [`DetectionFilter::text`].
    pub text: Option<crate::SearchQuery>,
    /// First seen at or after.
    pub first_seen_from: Option<Timestamp>,
    /// First seen before.
    pub first_seen_until: Option<Timestamp>,
    /// Last seen at or after.
    pub seen_from: Option<Timestamp>,
    /// Last seen before.
    pub seen_until: Option<Timestamp>,
}

impl GroupFilter {
    /// What it asks of the newest detection of a group, but for the text, which each dialect finds in its own way.
    pub(crate) fn of_newest(&self) -> DetectionFilter {
        DetectionFilter {
            scorer: self.scorer.clone(),
            score_min: self.score_min,
            verdict: self.verdict,
            suppressed: self.suppressed,
            ..DetectionFilter::default()
        }
    }
}
