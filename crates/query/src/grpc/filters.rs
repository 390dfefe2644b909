//! Filters of detections and of groups: from the wire to the store, with the checks of each field. Shared by lists, bulk changes and
//! watches, and field by field by the event stream.

use crate::grpc::request::{
    fingerprint, label_filter, prose, score_filter, scorer_filter, severity_filter, source_filter, time_span,
};
use tonic::Status;
use turnstone_proto::{invalid_field, v1};
use turnstone_store::{DetectionFilter, GroupFilter, SearchQuery};
use turnstone_types::{Fingerprint, Verdict};

/// Longest text query, in characters; the store's own limit.
const QUERY_CHARS_MAX: usize = 1_000;

/// A filter of detections. An absent one filters nothing.
pub(crate) fn detection_filter(filter: Option<&v1::DetectionFilter>) -> Result<DetectionFilter, Status> {
    let Some(filter) = filter else {
        return Ok(DetectionFilter::default());
    };
    let (detected_from, detected_until) = time_span(
        ("filter.detected_from", filter.detected_from.as_ref()),
        ("filter.detected_until", filter.detected_until.as_ref()),
    )?;
    Ok(DetectionFilter {
        unacknowledged: filter.unacknowledged,
        label: label_filter("filter.anomaly_label", &filter.anomaly_label)?,
        scorer: scorer_filter("filter.scorer", &filter.scorer)?,
        severity: severity_filter("filter.severity", filter.severity)?,
        source_id: source_filter("filter.source_id", &filter.source_id)?,
        detected_from,
        detected_until,
        score_min: score_filter("filter.anomaly_score_min", filter.anomaly_score_min)?,
        fingerprint: fingerprint_filter("filter.fingerprint", &filter.fingerprint)?,
        verdict: verdict_filter("filter.verdict", filter.verdict)?,
        suppressed: filter.suppressed,
        text: text_filter("filter.text", &filter.text)?,
    })
}

/// The same filter on groups: times, scorer, score, verdict, suppression and text are about the newest detection of one.
pub(crate) fn group_filter(filter: Option<&v1::DetectionFilter>) -> Result<GroupFilter, Status> {
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
    } = detection_filter(filter)?;
    Ok(GroupFilter {
        unacknowledged,
        label,
        severity,
        source_id,
        fingerprint,
        scorer,
        score_min,
        verdict,
        suppressed,
        text,
        first_seen_from: None,
        first_seen_until: None,
        seen_from: detected_from,
        seen_until: detected_until,
    })
}

/// A fingerprint to filter by; `None` where the text is empty.
pub(crate) fn fingerprint_filter(field: &str, text: &str) -> Result<Option<Fingerprint>, Status> {
    if text.is_empty() {
        Ok(None)
    } else {
        fingerprint(field, text).map(Some)
    }
}

/// A verdict; `None` for UNSPECIFIED.
pub(crate) fn verdict_filter(field: &str, number: i32) -> Result<Option<Verdict>, Status> {
    v1::Verdict::try_from(number)
        .map(v1::Verdict::to_domain)
        .map_err(|_| {
            invalid_field(
                field,
                format!("{number} is no verdict; use 1 (true positive), 2 (false positive), 3 (expected) or 0 (none)"),
            )
        })
}

/// A text query; `None` where there is nothing but white space.
pub(crate) fn text_filter(field: &str, query: &str) -> Result<Option<SearchQuery>, Status> {
    prose(field, query, QUERY_CHARS_MAX)?;
    if query.trim().is_empty() {
        return Ok(None);
    }
    SearchQuery::parse(query)
        .map(Some)
        .map_err(|error| invalid_field(field, error.to_string()))
}
