//! From what a store answers to the wire. Cannot fail and decides nothing.

use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_store::{DetectionGroup, DetectionTally, JudgedDetection, Suppression};

/// A number of rows.
pub(crate) fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

pub(crate) fn group_to_proto(group: DetectionGroup) -> v1::DetectionGroup {
    v1::DetectionGroup {
        tenant_id: group.key.tenant.into(),
        source_id: group.key.source_id.into(),
        anomaly_label: group.key.label.into(),
        fingerprint: group.key.fingerprint.into(),
        severity: v1::Severity::from(group.severity).into(),
        detection_count: count(group.detections),
        open_count: count(group.open),
        first_seen_time: Some(timestamp_to_proto(group.first_seen)),
        last_seen_time: Some(timestamp_to_proto(group.last_seen)),
        acknowledged_until_time: group.acknowledged_until.map(timestamp_to_proto),
        newest: Some(group.newest.into()),
    }
}

pub(crate) fn suppression_to_proto(suppression: Suppression) -> v1::Suppression {
    let rule = suppression.rule;
    v1::Suppression {
        id: suppression.id.into(),
        tenant_id: rule.tenant.into(),
        fingerprint: rule.fingerprint.into(),
        source_id: rule.source_id.map(Into::into).unwrap_or_default(),
        anomaly_label: rule.label.map(Into::into).unwrap_or_default(),
        expire_time: Some(timestamp_to_proto(rule.expires_at)),
        reason: rule.reason,
        created_by: rule.by,
        create_time: Some(timestamp_to_proto(rule.at)),
    }
}

pub(crate) fn judged_to_proto(judged: JudgedDetection) -> v1::JudgedDetection {
    v1::JudgedDetection {
        detection_id: judged.id.into(),
        source_id: judged.source_id.into(),
        text: judged.text,
        anomaly_label: judged.label.into(),
        verdict: v1::Verdict::from(judged.verdict).into(),
        notes: judged.notes,
        detected_at: Some(timestamp_to_proto(judged.detected_at)),
        judged_time: judged.judged_at.map(timestamp_to_proto),
    }
}

pub(crate) fn tally_to_proto(tally: &DetectionTally) -> v1::DetectionTally {
    v1::DetectionTally {
        detection_count: count(tally.detections),
        open_count: count(tally.open),
        suppressed_count: count(tally.suppressed),
        true_positive_count: count(tally.true_positives),
        false_positive_count: count(tally.false_positives),
        expected_count: count(tally.expected),
        false_positive_rate: tally.false_positive_rate(),
    }
}
