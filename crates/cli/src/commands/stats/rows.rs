//! What the service counts, under the names that JSON shows.

use crate::output::{instant, severity_name};
use serde::Serialize;
use turnstone_proto::v1;
use turnstone_types::Timestamp;

#[derive(Serialize)]
pub struct Summary {
    pub entry_count: i64,
    pub unscored_entry_count: i64,
    pub oldest_unscored_time: Option<Timestamp>,
    pub quarantined_entry_count: i64,
    pub detections: Tally,
    pub severities: Vec<SeverityRow>,
    pub labels: Vec<LabelRow>,
    pub hours: Vec<HourRow>,
    pub detections_by_source: Vec<SourceTally>,
    pub timeline_events: Vec<EventRow>,
    pub sources: Vec<SourceRow>,
}

/// Detections and what people say of them.
#[derive(Serialize, Default)]
pub struct Tally {
    pub detection_count: i64,
    pub open_count: i64,
    pub suppressed_count: i64,
    pub true_positive_count: i64,
    pub false_positive_count: i64,
    pub expected_count: i64,
    pub false_positive_rate: Option<f64>,
}

#[derive(Serialize)]
pub struct SeverityRow {
    /// Null for lines that state none.
    pub severity: Option<String>,
    pub entry_count: i64,
    pub detections: Tally,
}

#[derive(Serialize)]
pub struct LabelRow {
    pub anomaly_label: String,
    pub severity: String,
    pub open_count: i64,
    pub acknowledged_count: i64,
    pub detections: Tally,
}

#[derive(Serialize)]
pub struct HourRow {
    pub start_time: Option<Timestamp>,
    pub entry_count: i64,
    pub detection_count: i64,
}

#[derive(Serialize)]
pub struct SourceTally {
    pub source_id: String,
    pub entry_count: i64,
    pub detections: Tally,
}

#[derive(Serialize)]
pub struct EventRow {
    pub entry_id: String,
    pub source_id: String,
    pub timestamp_iso: Option<Timestamp>,
    pub anomaly_label: String,
    pub severity: String,
    pub text: String,
}

#[derive(Serialize)]
pub struct SourceRow {
    pub tenant_id: String,
    pub source_id: String,
    pub kind: String,
    pub entry_count: i64,
    pub byte_count: i64,
    pub undated_entry_count: i64,
    pub repaired_line_count: i64,
    pub truncated_line_count: i64,
    pub last_entry_time: Option<Timestamp>,
    pub last_gleaned_time: Option<Timestamp>,
    pub lines_per_second: f64,
    pub usual_lines_per_second: Option<f64>,
    pub error_share: Option<f64>,
    pub undated_share: Option<f64>,
    pub fault: Option<String>,
}

impl Summary {
    /// Joins the two answers.
    pub fn new(stats: v1::StatsSummary, sources: Vec<v1::Source>) -> Self {
        Self {
            entry_count: stats.entry_count,
            unscored_entry_count: stats.unscored_entry_count,
            oldest_unscored_time: instant(stats.oldest_unscored_time.as_ref()),
            quarantined_entry_count: stats.quarantined_entry_count,
            detections: stats.detections.into(),
            severities: stats.severities.into_iter().map(Into::into).collect(),
            labels: stats.labels.into_iter().map(Into::into).collect(),
            hours: stats.hours.into_iter().map(Into::into).collect(),
            detections_by_source: stats.sources.into_iter().map(Into::into).collect(),
            timeline_events: stats.timeline_events.into_iter().map(Into::into).collect(),
            sources: sources.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Option<v1::DetectionTally>> for Tally {
    fn from(tally: Option<v1::DetectionTally>) -> Self {
        // An older service sends none.
        tally.map_or_else(Self::default, |tally| Self {
            detection_count: tally.detection_count,
            open_count: tally.open_count,
            suppressed_count: tally.suppressed_count,
            true_positive_count: tally.true_positive_count,
            false_positive_count: tally.false_positive_count,
            expected_count: tally.expected_count,
            false_positive_rate: tally.false_positive_rate,
        })
    }
}

impl From<v1::SeverityStats> for SeverityRow {
    fn from(row: v1::SeverityStats) -> Self {
        Self {
            severity: row.severity().to_domain().map(|severity| severity.to_string()),
            entry_count: row.entry_count,
            detections: row.detections.into(),
        }
    }
}

impl From<v1::LabelCount> for LabelRow {
    fn from(label: v1::LabelCount) -> Self {
        Self {
            severity: severity_name(label.severity()),
            anomaly_label: label.anomaly_label,
            open_count: label.open_count,
            acknowledged_count: label.acknowledged_count,
            detections: label.detections.into(),
        }
    }
}

impl From<v1::HourStats> for HourRow {
    fn from(hour: v1::HourStats) -> Self {
        Self {
            start_time: instant(hour.start_time.as_ref()),
            entry_count: hour.entry_count,
            detection_count: hour.detection_count,
        }
    }
}

impl From<v1::SourceStats> for SourceTally {
    fn from(row: v1::SourceStats) -> Self {
        Self {
            source_id: row.source_id,
            entry_count: row.entry_count,
            detections: row.detections.into(),
        }
    }
}

impl From<v1::TimelineEvent> for EventRow {
    fn from(event: v1::TimelineEvent) -> Self {
        Self {
            severity: severity_name(event.severity()),
            entry_id: event.entry_id,
            source_id: event.source_id,
            timestamp_iso: instant(event.timestamp.as_ref()),
            anomaly_label: event.anomaly_label,
            text: event.text,
        }
    }
}

impl From<v1::Source> for SourceRow {
    fn from(source: v1::Source) -> Self {
        Self {
            tenant_id: source.tenant_id,
            source_id: source.source_id,
            kind: source.kind,
            entry_count: source.entry_count,
            byte_count: source.byte_count,
            undated_entry_count: source.undated_entry_count,
            repaired_line_count: source.repaired_line_count,
            truncated_line_count: source.truncated_line_count,
            last_entry_time: instant(source.last_entry_time.as_ref()),
            last_gleaned_time: instant(source.last_gleaned_time.as_ref()),
            lines_per_second: source.lines_per_second,
            usual_lines_per_second: source.usual_lines_per_second,
            error_share: source.error_share,
            undated_share: source.undated_share,
            fault: Some(source.fault).filter(|fault| !fault.is_empty()),
        }
    }
}
