//! `GET /v1/entries/{id}/explanation` and `GET /v1/diagnose`: explanations as server-sent events.
//!
//! Each event is named after its frame and has the frame's fields as JSON; heartbeats are comments. Events of an entry's
//! explanation carry ids; a client that comes back with one as `Last-Event-ID` goes on behind it, and one that has read everything
//! gets 204, upon which browsers stop to reconnect. Answers to questions cannot be resumed; only their last event has an id, `end`.
//!
//! An answer costs the time of a model, so pages of other sites may not ask for one, though they could not read it.

use super::event_stream::{respond, tenant};
use super::{Pages, error_response};
use crate::grpc::checked_question;
use crate::grpc::request::id;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tonic::Status;
use turnstone_explain::flight::FrameId;
use turnstone_proto::invalid_field;
use turnstone_proto::v1::ExplanationFrame;
use turnstone_proto::v1::explanation_frame::Frame;
use turnstone_types::EntryId;

/// Id of the last event of an answer to a question.
const END_ID: &str = "end";

/// Refuses what a browser sends for a page of another site. Browsers say so of each request; other clients say nothing.
fn check_site(headers: &HeaderMap) -> Result<(), Status> {
    let allowed = headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none");
    if allowed {
        return Ok(());
    }
    Err(Status::permission_denied(
        "pages of other sites may not ask for explanations",
    ))
}

/// The query string of an entry's explanation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EntryQuery {
    tenant_id: Option<String>,
    refresh: bool,
}

pub(super) async fn entry(
    State(pages): State<Pages>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<EntryQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = async {
        check_site(&headers)?;
        let Path(entry_id) = path.map_err(|rejection| invalid_field("entry id", rejection.body_text()))?;
        let Query(query) = query.map_err(|rejection| invalid_field("query string", rejection.body_text()))?;
        let tenant = tenant(query.tenant_id.as_deref(), &headers)?;
        let entry_id = id("entry id", &entry_id, EntryId::new)?;
        pages
            .explanations
            .entry(tenant, entry_id, query.refresh, last_event_id(&headers))
            .await
    };
    match asked.await {
        Ok(stream) if stream.repeats_its_end() => StatusCode::NO_CONTENT.into_response(),
        Ok(stream) => respond(stream.into_frames().map(to_event)),
        Err(status) => error_response(&status),
    }
}

/// Where to go on. An id that is none of ours cannot be resumed, and the answer begins again.
fn last_event_id(headers: &HeaderMap) -> Option<FrameId> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

pub(super) async fn diagnose(
    State(pages): State<Pages>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    if headers.get("last-event-id").is_some_and(|id| id == END_ID) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let asked = async {
        check_site(&headers)?;
        let Query(pairs) = query.map_err(|rejection| invalid_field("query string", rejection.body_text()))?;
        let query = DiagnoseQuery::of(pairs)?;
        let tenant = tenant(query.tenant_id.as_deref(), &headers)?;
        let window = (query.time_from, query.time_until);
        let question = checked_question(tenant, query.query, window, &query.source_ids, "source_id")?;
        pages.explanations.question(question).await
    };
    let with_end = |mut frame: ExplanationFrame| {
        if matches!(frame.frame, Some(Frame::Done(_) | Frame::Error(_))) {
            END_ID.clone_into(&mut frame.id);
        }
        to_event(frame)
    };
    match asked.await {
        Ok(stream) => respond(stream.into_frames().map(with_end)),
        Err(status) => error_response(&status),
    }
}

/// The query string of a question: `source_id` may be repeated, which serde's form of it cannot say.
#[derive(Debug, Default)]
struct DiagnoseQuery {
    tenant_id: Option<String>,
    query: String,
    time_from: Option<Timestamp>,
    time_until: Option<Timestamp>,
    source_ids: Vec<String>,
}

impl DiagnoseQuery {
    fn of(pairs: Vec<(String, String)>) -> Result<Self, Status> {
        let mut read = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "tenant_id" => read.tenant_id = Some(value),
                "query" => read.query = value,
                "time_from" => read.time_from = Some(time("time_from", &value)?),
                "time_until" => read.time_until = Some(time("time_until", &value)?),
                "source_id" => read.source_ids.push(value),
                other => {
                    let other: String = other.chars().take(100).collect();
                    return Err(invalid_field(
                        "query string",
                        format!(
                            "unknown field {other:?}; there are query, time_from, time_until, source_id and tenant_id"
                        ),
                    ));
                }
            }
        }
        Ok(read)
    }
}

fn time(field: &str, text: &str) -> Result<Timestamp, Status> {
    text.parse()
        .map_err(|_| invalid_field(field, "is no time; write it like 2026-11-18T09:00:00Z"))
}

fn to_event(frame: ExplanationFrame) -> Event {
    let event = match &frame.frame {
        Some(Frame::Context(context)) => named("context", context),
        Some(Frame::Token(token)) => named("token", token),
        Some(Frame::Citation(citation)) => named("citation", citation),
        Some(Frame::Done(done)) => named("done", done),
        Some(Frame::Error(error)) => named("error", error),
        Some(Frame::Heartbeat(_)) | None => return Event::default().comment("heartbeat"),
    };
    if frame.id.is_empty() {
        event
    } else {
        event.id(frame.id)
    }
}

fn named(name: &str, frame: &impl Serialize) -> Event {
    // Strings, numbers and nulls always make JSON, and JSON has no line ends of its own.
    Event::default()
        .event(name)
        .data(serde_json::to_string(frame).unwrap_or_default())
}
