//! Makes statistics of kept counts, the same way for every dialect: the dialects only add up rows.

use crate::model::{
    DetectionTally, HourCount, SourceHealth, StatsBreakdown, TIMELINE_BUCKETS_MAX, TimelineBucket,
    TimelineRequest,
};
use crate::{StoreError, StoreErrorKind};
use std::collections::BTreeMap;
use turnstone_types::{Entry, Label, NewCycle, Severity, SourceId, TenantId, Timestamp, TimestampBasis};

pub(crate) const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Entries that came in within one minute from one source with one severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MinuteCount<'a> {
    /// The minute's first instant.
    pub minute: Timestamp,
    pub source_id: &'a str,
    /// Empty where the lines state none.
    pub severity: &'static str,
    pub entries: u64,
    pub undated: u64,
}

/// What an entry is counted by.
pub(crate) struct Counted<'a> {
    pub source_id: &'a SourceId,
    pub severity: Option<Severity>,
    pub basis: TimestampBasis,
    pub ingest_time: Timestamp,
}

impl<'a> Counted<'a> {
    /// An entry that comes with its time of ingest.
    pub(crate) fn of(entry: &'a Entry) -> Self {
        Self {
            source_id: &entry.source_id,
            severity: entry.severity,
            basis: entry.timestamp_basis,
            ingest_time: entry.ingest_time,
        }
    }
}

/// The entries of a cycle, which all come in as it is closed.
pub(crate) fn counted(cycle: &NewCycle) -> impl Iterator<Item = Counted<'_>> {
    cycle.entries.iter().map(|entry| Counted {
        source_id: &entry.source_id,
        severity: entry.severity,
        basis: entry.timestamp_basis,
        ingest_time: cycle.closed_at,
    })
}

/// Counts entries by minute, source and severity, in order of these.
pub(crate) fn count_minutes<'a>(entries: impl Iterator<Item = Counted<'a>>) -> Vec<MinuteCount<'a>> {
    let mut counts: BTreeMap<(i64, &str, &'static str), (u64, u64)> = BTreeMap::new();
    for entry in entries {
        let minute = floor(entry.ingest_time.as_second(), MINUTE);
        let severity = entry.severity.map_or("", Severity::as_str);
        let (all, undated) = counts
            .entry((minute, entry.source_id.as_str(), severity))
            .or_default();
        *all += 1;
        *undated += u64::from(entry.basis != TimestampBasis::Parsed);
    }
    counts
        .into_iter()
        .map(
            |((minute, source_id, severity), (entries, undated))| MinuteCount {
                minute: instant(minute),
                source_id,
                severity,
                entries,
                undated,
            },
        )
        .collect()
}

/// The multiple of `step` at or before a second.
pub(crate) fn floor(second: i64, step: i64) -> i64 {
    second.div_euclid(step) * step
}

/// An instant of whole seconds. Those in use lie within the years that are stored.
pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What a timeline reads: the kept buckets, and from when until when.
pub(crate) struct TimelineSpan {
    pub kept_seconds: i64,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// Checks the request for a timeline.
pub(crate) fn timeline_span(request: &TimelineRequest) -> Result<TimelineSpan, StoreError> {
    let refuse = |message: String| Err(StoreError::new(StoreErrorKind::Invalid, "timeline", message));
    let bucket = i64::from(request.bucket_seconds);
    if bucket == 0 || bucket % MINUTE != 0 {
        return refuse(format!("bucket_seconds is {bucket}; give a multiple of 60"));
    }
    let from = floor(request.from.as_second(), bucket);
    // Up to the start of a bucket that begins after every instant asked for.
    let until = floor(request.until.as_second() + bucket - 1, bucket);
    if (until - from) / bucket > i64::from(TIMELINE_BUCKETS_MAX) {
        return refuse(format!(
            "the time range has more than {TIMELINE_BUCKETS_MAX} buckets of {bucket} seconds; give longer buckets"
        ));
    }
    Ok(TimelineSpan {
        kept_seconds: if bucket % HOUR == 0 { HOUR } else { MINUTE },
        from: instant(from),
        until: instant(until),
    })
}

/// Buckets of rows of (start of a bucket in seconds, name of a severity or nothing, count), of entries and of detections.
pub(crate) fn timeline(
    entries: Vec<(i64, String, u64)>,
    detections: Vec<(i64, String, u64)>,
) -> Vec<TimelineBucket> {
    type Counts = (BTreeMap<Option<Severity>, u64>, BTreeMap<Severity, u64>);
    let mut buckets: BTreeMap<i64, Counts> = BTreeMap::new();
    for (start, severity, count) in entries {
        *buckets
            .entry(start)
            .or_default()
            .0
            .entry(severity.parse().ok())
            .or_default() += count;
    }
    for (start, severity, count) in detections {
        let severity = severity.parse().unwrap_or(Severity::Warn);
        *buckets.entry(start).or_default().1.entry(severity).or_default() += count;
    }
    let bucket = |(start, (entries, detections)): (i64, Counts)| TimelineBucket {
        start: instant(start),
        entries: none_last(entries),
        detections: detections.into_iter().collect(),
    };
    buckets.into_iter().map(bucket).collect()
}

fn none_last(mut counts: BTreeMap<Option<Severity>, u64>) -> Vec<(Option<Severity>, u64)> {
    let none = counts.remove(&None);
    counts
        .into_iter()
        .chain(none.map(|count| (None, count)))
        .collect()
}

/// When the oldest of the last 24 hours begins.
pub(crate) fn first_hour(now: Timestamp) -> Timestamp {
    instant(floor(now.as_second(), HOUR) - 23 * HOUR)
}

/// The rows of a breakdown.
#[derive(Default)]
pub(crate) struct BreakdownRows {
    /// Ever, by source and severity.
    pub entries: Vec<(SourceId, String, u64)>,
    /// By source, label and severity.
    pub detections: Vec<(SourceId, String, Severity, DetectionTally)>,
    /// Start of an hour in seconds, entries.
    pub entry_hours: Vec<(i64, u64)>,
    /// Start of an hour in seconds, detections.
    pub detection_hours: Vec<(i64, u64)>,
}

pub(crate) fn breakdown(rows: BreakdownRows, now: Timestamp) -> StatsBreakdown {
    let mut entries_by_severity: BTreeMap<Option<Severity>, u64> = BTreeMap::new();
    let mut entries_by_source: BTreeMap<SourceId, u64> = BTreeMap::new();
    for (source, severity, count) in rows.entries {
        *entries_by_severity.entry(severity.parse().ok()).or_default() += count;
        *entries_by_source.entry(source).or_default() += count;
    }
    let mut all = DetectionTally::default();
    let mut by_severity: BTreeMap<Severity, DetectionTally> = BTreeMap::new();
    let mut by_label: BTreeMap<String, DetectionTally> = BTreeMap::new();
    let mut by_source: BTreeMap<SourceId, DetectionTally> = BTreeMap::new();
    for (source, label, severity, tally) in rows.detections {
        all.add(&tally);
        by_severity.entry(severity).or_default().add(&tally);
        by_label.entry(label).or_default().add(&tally);
        by_source.entry(source).or_default().add(&tally);
    }
    let (entries, detections): (BTreeMap<i64, u64>, BTreeMap<i64, u64>) = (
        rows.entry_hours.into_iter().collect(),
        rows.detection_hours.into_iter().collect(),
    );
    let first = first_hour(now).as_second();
    let hour = |start: i64| HourCount {
        start: instant(start),
        entries: entries.get(&start).copied().unwrap_or(0),
        detections: detections.get(&start).copied().unwrap_or(0),
    };
    StatsBreakdown {
        entries_by_severity: none_last(entries_by_severity),
        entries_by_source: entries_by_source.into_iter().collect(),
        all,
        by_severity: by_severity.into_iter().collect(),
        by_label: by_label
            .into_iter()
            .map(|(label, tally)| (Label::new(label), tally))
            .collect(),
        by_source: by_source.into_iter().collect(),
        hours: (0..24).map(|place| hour(first + place * HOUR)).collect(),
    }
}

/// The instants that the health of sources is read by.
pub(crate) struct HealthSpans {
    /// Minutes from here count as the last five minutes.
    pub recent_from: Timestamp,
    /// Minutes from here count as the last hour.
    pub hour_from: Timestamp,
    /// Hours from here say what is usual.
    pub usual_from: Timestamp,
    /// Up to here, the hour of now, which is not over.
    pub usual_until: Timestamp,
    now: Timestamp,
}

pub(crate) fn health_spans(now: Timestamp) -> HealthSpans {
    let second = now.as_second();
    let hour = floor(second, HOUR);
    HealthSpans {
        recent_from: instant(floor(second - 5 * MINUTE, MINUTE)),
        hour_from: instant(floor(second - HOUR, MINUTE)),
        usual_from: instant(hour - 7 * DAY),
        usual_until: instant(hour),
        now,
    }
}

impl HealthSpans {
    /// The starts of the hours that are the same hour of the day as now.
    pub(crate) fn same_hours(&self) -> [Timestamp; 7] {
        std::array::from_fn(|day| instant(self.usual_until.as_second() - (day as i64 + 1) * DAY))
    }
}

/// What is known of one source.
pub(crate) struct HealthRow {
    pub tenant: TenantId,
    pub source_id: SourceId,
    /// Entries of the last five minutes.
    pub recent: u64,
    /// Entries of the last hour, those with errors, those without a time.
    pub hour: u64,
    pub errors: u64,
    pub undated: u64,
    /// Entries of the same hours of the last days, and of all hours.
    pub same_hours: u64,
    pub all_hours: u64,
    /// The first hour within the last days with an entry.
    pub first_hour: Option<Timestamp>,
}

pub(crate) fn health(row: HealthRow, spans: &HealthSpans) -> SourceHealth {
    let share = |count: u64| (row.hour > 0).then(|| count as f64 / row.hour as f64);
    // Buckets are whole minutes, so that "five" are up to six.
    let recent_seconds = (spans.now.as_second() - spans.recent_from.as_second()).max(1);
    let usual = row.first_hour.and_then(|first| {
        let age = spans.usual_until.as_second() - first.as_second();
        let (days, hours) = ((age / DAY).min(7), age / HOUR);
        if days > 0 && row.same_hours > 0 {
            Some(row.same_hours as f64 / (days * HOUR) as f64)
        } else {
            (hours > 0).then(|| row.all_hours as f64 / (hours * HOUR) as f64)
        }
    });
    SourceHealth {
        lines_per_second: row.recent as f64 / recent_seconds as f64,
        usual_lines_per_second: usual,
        error_share: share(row.errors),
        undated_share: share(row.undated),
        tenant: row.tenant,
        source_id: row.source_id,
    }
}
