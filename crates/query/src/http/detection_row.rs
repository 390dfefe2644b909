//! A detection as JSON under the column names of the database, for programs that know those.

use jiff::Timestamp;
use serde::Serialize;
use turnstone_types::{Detection, Verdict};

/// One row of `detections`.
#[derive(Debug, Serialize)]
pub(super) struct DetectionRow<'a> {
    id: &'a str,
    tenant_id: &'a str,
    entry_id: &'a str,
    source_id: &'a str,
    scorer: &'a str,
    anomaly_label: &'a str,
    anomaly_score: f64,
    severity: &'static str,
    text: &'a str,
    timestamp_iso: Option<Timestamp>,
    detected_at: Timestamp,
    acknowledged: bool,
    acknowledged_at: Option<Timestamp>,
    notes: &'a str,
    verdict: Option<&'static str>,
    acknowledgement_id: Option<&'a str>,
    suppressed: bool,
    fingerprint: Option<&'a str>,
}

impl<'a> From<&'a Detection> for DetectionRow<'a> {
    fn from(detection: &'a Detection) -> Self {
        Self {
            id: detection.id.as_str(),
            tenant_id: detection.tenant.as_str(),
            entry_id: detection.entry_id.as_str(),
            source_id: detection.source_id.as_str(),
            scorer: &detection.scorer,
            anomaly_label: detection.label.as_str(),
            anomaly_score: detection.score,
            severity: detection.severity.as_str(),
            text: &detection.text,
            timestamp_iso: detection.timestamp,
            detected_at: detection.detected_at,
            acknowledged: detection.acknowledged,
            acknowledged_at: detection.acknowledged_at,
            notes: &detection.notes,
            verdict: detection.verdict.map(Verdict::as_str),
            acknowledgement_id: detection.acknowledgement_id.as_ref().map(|id| id.as_str()),
            suppressed: detection.suppressed,
            fingerprint: detection
                .fingerprint
                .as_ref()
                .map(|fingerprint| fingerprint.as_str()),
        }
    }
}
