//! What all streams of server-sent events share: who asks, and how the answer is sent.

use crate::grpc::request::{id, tenant_of};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue};
use std::convert::Infallible;
use std::time::Duration;
use tonic::Status;
use tonic::metadata::MetadataMap;
use turnstone_proto::{TENANT_METADATA_KEY, invalid_field};
use turnstone_types::TenantId;

/// What the client is told to wait before it connects again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(2);

/// The tenant of a request: by the header, or in the query string for clients that cannot set headers.
pub(super) fn tenant(in_query: Option<&str>, headers: &HeaderMap) -> Result<TenantId, Status> {
    let by_header = tenant_of(&MetadataMap::from_headers(headers.clone()))?;
    let Some(name) = in_query else {
        return Ok(by_header);
    };
    let by_query = id("tenant_id", name, TenantId::new)?;
    if headers.contains_key(TENANT_METADATA_KEY) && by_query != by_header {
        return Err(invalid_field(
            "tenant_id",
            format!("differs from the header {TENANT_METADATA_KEY}"),
        ));
    }
    Ok(by_query)
}

/// The answer with these events.
pub(super) fn respond(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let first = futures::stream::iter([Event::default().retry(RECONNECT_PAUSE)]);
    let mut response = Sse::new(first.chain(events).map(Ok::<_, Infallible>)).into_response();
    // Asks proxies that gather answers to let events through one by one.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
