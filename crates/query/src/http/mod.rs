//! Plain HTTP: the pages, probes, metrics, the event streams, and what is answered to unknown paths.

mod detection_row;
mod event_stream;
mod explanations;
mod start_page;
mod ui;
mod watch;

pub(crate) use ui::embedded as embedded_ui;

use crate::explain::Explanations;
use crate::feed::DetectionFeed;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use std::sync::Arc;
use tonic::{Code, Status};
use turnstone_proto::ErrorCode;
use turnstone_service::health::Readiness;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Pages {
    pub readiness: Readiness,
    pub metrics: Option<PrometheusHandle>,
    pub feed: Arc<DetectionFeed>,
    pub explanations: Arc<Explanations>,
}

/// All plain HTTP routes and the fallback of the whole server.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/detections/watch", get(watch::watch))
        .route("/v1/entries/{id}/explanation", get(explanations::entry))
        .route("/v1/diagnose", get(explanations::diagnose))
        .method_not_allowed_fallback(wrong_method)
        .fallback(page_or_not_found)
        .with_state(pages)
}

async fn ready(State(pages): State<Pages>) -> (StatusCode, String) {
    let missing = pages.readiness.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for: {}\n", missing.join(", ")),
        )
    }
}

async fn metrics(State(pages): State<Pages>) -> Response {
    match pages.metrics {
        Some(metrics) => (
            [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
            metrics.render(),
        )
            .into_response(),
        None => error_response(&ErrorCode::NotFound.status("this process collects no metrics")),
    }
}

async fn root(headers: HeaderMap) -> Response {
    match ui::embedded().respond("/", &headers) {
        Some(page) => page,
        None => start_page::show().await,
    }
}

/// Pages and their files, and what is answered to all other paths.
async fn page_or_not_found(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let is_read = matches!(method, Method::GET | Method::HEAD);
    if !is_grpc(&headers)
        && is_read
        && let Some(page) = ui::embedded().respond(uri.path(), &headers)
    {
        return page;
    }
    not_found(uri, headers).await
}

async fn not_found(uri: Uri, headers: HeaderMap) -> Response {
    if is_grpc(&headers) {
        return ErrorCode::Unimplemented
            .status("there is no such method; see the reflection service")
            .into_http::<Body>();
    }
    let path: String = uri.path().chars().take(200).collect();
    error_response(
        &ErrorCode::NotFound.status(format!("there is nothing at {path}; see / for what there is")),
    )
}

async fn wrong_method() -> Response {
    error_json(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "this path answers GET only",
    )
}

/// Whether the caller speaks gRPC or gRPC-web.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|content_type| content_type.starts_with("application/grpc"))
}

/// An error for callers of plain HTTP, by the one table of codes.
pub(crate) fn error_response(status: &Status) -> Response {
    let (code, name) = match status.code() {
        Code::InvalidArgument => (ErrorCode::InvalidArgument.http(), "INVALID_ARGUMENT"),
        Code::Unauthenticated => (ErrorCode::Unauthenticated.http(), "UNAUTHENTICATED"),
        Code::NotFound => (ErrorCode::NotFound.http(), "NOT_FOUND"),
        Code::FailedPrecondition => (ErrorCode::FailedPrecondition.http(), "FAILED_PRECONDITION"),
        Code::ResourceExhausted => (ErrorCode::Overloaded.http(), "RESOURCE_EXHAUSTED"),
        Code::Unavailable => (ErrorCode::Unavailable.http(), "UNAVAILABLE"),
        Code::PermissionDenied => (403, "PERMISSION_DENIED"),
        Code::DeadlineExceeded => (504, "DEADLINE_EXCEEDED"),
        _ => (ErrorCode::Internal.http(), "INTERNAL"),
    };
    // Every number above is a valid status.
    error_json(
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        name,
        status.message(),
    )
}

fn error_json(code: StatusCode, name: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code.as_u16(), "status": name, "message": message } });
    let mut response = (code, Json(body)).into_response();
    if code == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Headers of every plain HTTP answer. A page with needs of its own sets its own policy first.
pub(crate) fn add_security_headers(headers: &mut HeaderMap) {
    let defaults = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
