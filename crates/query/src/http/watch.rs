//! `GET /v1/detections/watch`: new detections as server-sent events.
//!
//! Each event carries a position as its id; a client that comes back with it as `Last-Event-ID` first gets what it missed.

use crate::feed::{FeedPosition, WatchEnd, WatchEvent, WatchRequest};
use crate::grpc::filters::{fingerprint_filter, text_filter};
use crate::grpc::request::{check_time_order, label_filter, score_filter, scorer_filter, source_filter};
use crate::grpc::watch_end_status;
use crate::http::detection_row::DetectionRow;
use crate::http::event_stream::{respond, tenant};
use crate::http::{Pages, error_response};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::response::sse::Event;
use futures::StreamExt;
use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Display;
use std::str::FromStr;
use tonic::Status;
use turnstone_proto::invalid_field;
use turnstone_store::DetectionFilter;
use turnstone_types::Severity;

/// The query string: the fields of `DetectionFilter`, and the tenant for clients that cannot set headers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WatchQuery {
    tenant_id: Option<String>,
    unacknowledged: Option<bool>,
    anomaly_label: String,
    scorer: String,
    severity: String,
    source_id: String,
    detected_from: Option<Timestamp>,
    detected_until: Option<Timestamp>,
    anomaly_score_min: Option<f64>,
    fingerprint: String,
    verdict: String,
    suppressed: Option<bool>,
    text: String,
}

pub(super) async fn watch(
    State(pages): State<Pages>,
    query: Result<Query<WatchQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let request = query
        .map_err(|rejection| invalid_field("query string", rejection.body_text()))
        .and_then(|Query(query)| watch_request(&query, &headers));
    let watcher = match request {
        Ok(request) => pages.feed.watch(request).await.map_err(watch_end_status),
        Err(status) => Err(status),
    };
    let watcher = match watcher {
        Ok(watcher) => watcher,
        Err(status) => return error_response(&status),
    };
    respond(watcher.into_stream().map(to_event))
}

fn watch_request(query: &WatchQuery, headers: &HeaderMap) -> Result<WatchRequest, Status> {
    let resume_after = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let text = String::from_utf8_lossy(value.as_bytes());
            let position = text.parse::<FeedPosition>();
            Some(position.map_err(|error| invalid_field("last-event-id", error.to_string()))?)
        }
    };
    Ok(WatchRequest {
        tenant: tenant(query.tenant_id.as_deref(), headers)?,
        filter: filter(query)?,
        resume_after,
    })
}

fn filter(query: &WatchQuery) -> Result<DetectionFilter, Status> {
    check_time_order(
        "detected_from",
        query.detected_from,
        "detected_until",
        query.detected_until,
    )?;
    Ok(DetectionFilter {
        unacknowledged: query.unacknowledged,
        label: label_filter("anomaly_label", &query.anomaly_label)?,
        scorer: scorer_filter("scorer", &query.scorer)?,
        severity: named::<Severity>("severity", &query.severity)?,
        source_id: source_filter("source_id", &query.source_id)?,
        detected_from: query.detected_from,
        detected_until: query.detected_until,
        score_min: score_filter("anomaly_score_min", query.anomaly_score_min)?,
        fingerprint: fingerprint_filter("fingerprint", &query.fingerprint)?,
        verdict: named("verdict", &query.verdict)?,
        suppressed: query.suppressed,
        text: text_filter("text", &query.text)?,
    })
}

/// What a parameter names; `None` where it is empty.
fn named<T: FromStr<Err: Display>>(parameter: &str, name: &str) -> Result<Option<T>, Status> {
    if name.is_empty() {
        return Ok(None);
    }
    name.parse()
        .map(Some)
        .map_err(|error: T::Err| invalid_field(parameter, error.to_string()))
}

fn to_event(event: Result<WatchEvent, WatchEnd>) -> Event {
    let (name, position, data) = match &event {
        Ok(WatchEvent::Detection { detection, position }) => (
            "detection",
            Some(position),
            serde_json::to_string(&DetectionRow::from(&**detection)),
        ),
        Ok(WatchEvent::Heartbeat { at, position }) => (
            "heartbeat",
            Some(position),
            serde_json::to_string(&json!({ "time": at })),
        ),
        Err(end) => (
            "end",
            None,
            serde_json::to_string(&json!({ "message": end.to_string() })),
        ),
    };
    // Strings, numbers and nulls always make JSON.
    let event = Event::default().event(name).data(data.unwrap_or_default());
    match position {
        Some(position) => event.id(position.to_string()),
        None => event,
    }
}
