//! Whether a detection is one that a watcher asked for: the store's filter, evaluated in memory.

use turnstone_store::DetectionFilter;
use turnstone_types::{Detection, TenantId};

/// Whether `tenant` may see the detection and the filter lets it through. What a suppression acknowledged is handed to those alone
/// who ask for it.
pub(super) fn sees(tenant: &TenantId, filter: &DetectionFilter, detection: &Detection) -> bool {
    let DetectionFilter {
        unacknowledged,
        label,
        scorer,
        severity,
        source_id,
        detected_from,
        detected_until,
        score_min,
        fingerprint,
        verdict,
        suppressed,
        text,
    } = filter;
    (detection.tenant.is_shared() || detection.tenant == *tenant)
        && unacknowledged.is_none_or(|open| detection.acknowledged != open)
        && label.as_ref().is_none_or(|label| *label == detection.label)
        && scorer.as_ref().is_none_or(|scorer| *scorer == detection.scorer)
        && severity.is_none_or(|severity| severity == detection.severity)
        && source_id
            .as_ref()
            .is_none_or(|source_id| *source_id == detection.source_id)
        && detected_from.is_none_or(|from| detection.detected_at >= from)
        && detected_until.is_none_or(|until| detection.detected_at < until)
        && score_min.is_none_or(|score_min| detection.score >= score_min)
        && (fingerprint.is_none() || *fingerprint == detection.fingerprint)
        && (verdict.is_none() || *verdict == detection.verdict)
        && suppressed.unwrap_or(false) == detection.suppressed
        && text.as_ref().is_none_or(|query| query.matches(&detection.text))
}
