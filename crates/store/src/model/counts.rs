//! Statistics made of counts that are kept, so that they cost the same however much is stored.

use turnstone_types::{Label, Severity, SourceId, TenantId, Timestamp};

/// Most buckets of one timeline.
pub const TIMELINE_BUCKETS_MAX: u32 = 10_000;

/// Asks for what came in over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRequest {
    /// From the bucket that holds this instant.
    pub from: Timestamp,
    /// To the bucket before this instant.
    pub until: Timestamp,
    /// Length of a bucket: a multiple of 60. Multiples of 3,600 reach back for ever, others as far as minutes are kept.
    /// Buckets begin at multiples of it since 1970.
    pub bucket_seconds: u32,
    /// Only this source.
    pub source_id: Option<SourceId>,
}

/// What came in within one bucket: entries by when they were stored, detections by when they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineBucket {
    /// Its first instant.
    pub start: Timestamp,
    /// Entries by the severity that the line states, none last; without zeros.
    pub entries: Vec<(Option<Severity>, u64)>,
    /// Detections by severity; without zeros.
    pub detections: Vec<(Severity, u64)>,
}

/// Detections and what people say of them. Those that a suppression acknowledged are in `suppressed` and in none of the verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DetectionTally {
    /// All.
    pub detections: u64,
    /// Not acknowledged.
    pub open: u64,
    /// Acknowledged by a suppression.
    pub suppressed: u64,
    /// Called right.
    pub true_positives: u64,
    /// Called wrong.
    pub false_positives: u64,
    /// Called right, and expected.
    pub expected: u64,
}

impl DetectionTally {
    /// The share of wrong ones among those with a verdict of a person; none where there is no verdict.
    pub fn false_positive_rate(&self) -> Option<f64> {
        let judged = self.true_positives + self.false_positives + self.expected;
        (judged > 0).then(|| self.false_positives as f64 / judged as f64)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.detections += other.detections;
        self.open += other.open;
        self.suppressed += other.suppressed;
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.expected += other.expected;
    }
}

/// What came in within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCount {
    /// Its first instant.
    pub start: Timestamp,
    /// Entries stored.
    pub entries: u64,
    /// Detections made.
    pub detections: u64,
}

/// Counts by each of several properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatsBreakdown {
    /// Entries ever stored, by the severity that the line states, none last.
    pub entries_by_severity: Vec<(Option<Severity>, u64)>,
    /// Entries ever stored, by source.
    pub entries_by_source: Vec<(SourceId, u64)>,
    /// Detections of all sources and labels.
    pub all: DetectionTally,
    /// By severity, in rising order.
    pub by_severity: Vec<(Severity, DetectionTally)>,
    /// By label, in order of its name.
    pub by_label: Vec<(Label, DetectionTally)>,
    /// By source, in order of its name.
    pub by_source: Vec<(SourceId, DetectionTally)>,
    /// The 24 hours up to the one of now, oldest first.
    pub hours: Vec<HourCount>,
}

/// How lines come from a source at present.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceHealth {
    /// Whose.
    pub tenant: TenantId,
    /// Name.
    pub source_id: SourceId,
    /// Lines a second over about the last five minutes.
    pub lines_per_second: f64,
    /// Lines a second that are usual: in the same hour of the last seven days, or where the source is not a day old, in all its whole
    /// hours. None before its first whole hour.
    pub usual_lines_per_second: Option<f64>,
    /// The share of lines of the last hour that state the severity ERROR or CRITICAL; none where no line came.
    pub error_share: Option<f64>,
    /// The share of lines of the last hour without a time that could be read; none where no line came.
    pub undated_share: Option<f64>,
}
