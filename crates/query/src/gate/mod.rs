//! What every request passes before it reaches a service: is it let in, is there room, how long may it take, how is it counted.

mod host;
mod methods;
mod observed;
mod trace;

use crate::options::QueryOptions;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Uri};
use methods::MethodNames;
use observed::{ObservedBody, RequestRecord};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::Instrument;
use turnstone_proto::ErrorCode;
use turnstone_service::ApiToken;

/// Decides over requests. One for the process.
pub(crate) struct Gate {
    api_token: Option<ApiToken>,
    /// Without a token, only names of this machine are let in: see [`host`].
    local_names_only: bool,
    in_flight: Semaphore,
    request_time_max: Duration,
    stop: CancellationToken,
    methods: MethodNames,
}

impl Gate {
    pub fn new(options: &QueryOptions, stop: CancellationToken) -> Self {
        Self {
            api_token: options.api_token.clone(),
            local_names_only: options.api_token.is_none() && !options.insecure_no_token_on_public_address,
            in_flight: Semaphore::new(options.requests_in_flight_max.min(Semaphore::MAX_PERMITS)),
            request_time_max: options.request_time_max,
            stop,
            methods: MethodNames::of_this_server(),
        }
    }

    /// Checks only the name under which the caller knows us.
    fn admit_anybody(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Status> {
        if self.local_names_only && !host::is_local_name(headers, uri) {
            return Err(Status::permission_denied(
                "this server has no API token and so answers under localhost and IP addresses only; set a token to use other names",
            ));
        }
        Ok(())
    }

    /// Checks the bearer token and, without one, the name under which the caller knows us.
    fn admit(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Status> {
        if let Some(token) = &self.api_token {
            let presented = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            return match presented {
                Some(value) if token.verify_header(value) => Ok(()),
                Some(_) => {
                    Err(ErrorCode::Unauthenticated
                        .status("the bearer token is not the API token of this server"))
                }
                None => Err(ErrorCode::Unauthenticated
                    .status("this server needs its API token; send it as `authorization: Bearer <token>`")),
            };
        }
        self.admit_anybody(headers, uri)
    }

    /// Takes a place among the requests in flight, if there is one. Never waits: a queue would only hide the overload.
    fn enter(&self) -> Result<SemaphorePermit<'_>, Status> {
        self.in_flight.try_acquire().map_err(|_| {
            ErrorCode::Overloaded.status("too many requests at the same time; try again in a moment")
        })
    }
}

/// Lets gRPC calls through.
pub(crate) async fn pass_grpc(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let method = gate.methods.grpc(request.uri().path());
    // Streams that the caller holds open would keep the stop waiting; ours end by themselves.
    let cut_by = methods::is_held_by_caller(method).then(|| gate.stop.clone());
    if let Some(stop) = &cut_by {
        let stop = stop.clone();
        request =
            request.map(|body| Body::from_stream(body.into_data_stream().take_until(stop.cancelled_owned())));
    }
    let mut record = RequestRecord::begin(method);
    let span = trace::request_span(method, request.headers());
    let answered = async {
        if !methods::is_probe(method) {
            gate.admit(request.headers(), request.uri())?;
        }
        let _place = if methods::is_probe(method) {
            None
        } else {
            Some(gate.enter()?)
        };
        let time_max = caller_time_max(request.headers())?
            .map_or(gate.request_time_max, |own| own.min(gate.request_time_max));
        let exceeded = || {
            Status::deadline_exceeded(format!(
                "the request took longer than {} ms",
                time_max.as_millis()
            ))
        };
        // A limit that has passed before we began: whoever set it has gone, and a timer of no length would race the work.
        if time_max.is_zero() {
            return Err(exceeded());
        }
        tokio::time::timeout(time_max, next.run(request))
            .await
            .map_err(|_| exceeded())
    };
    let mut response = answered
        .instrument(span)
        .await
        .unwrap_or_else(|status| status.into_http());
    // Asks proxies that gather answers (nginx, as it comes) to let messages through one by one.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    record.head_sent();
    ObservedBody::wrap(response, record, cut_by)
}

/// Lets plain HTTP requests through.
pub(crate) async fn pass_http(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let method = gate.methods.http(request.method(), request.uri().path());
    let mut record = RequestRecord::begin(method);
    let span = trace::request_span(method, request.headers());
    let is_grpc = crate::http::is_grpc(request.headers());
    let answered = async {
        let is_probe = methods::is_probe(method);
        // The pages hold nothing of anybody, and whoever signs in has no token yet.
        if crate::http::embedded_ui().answers(request.uri().path()) {
            gate.admit_anybody(request.headers(), request.uri())?;
        } else if !is_probe {
            gate.admit(request.headers(), request.uri())?;
        }
        let _place = if is_probe { None } else { Some(gate.enter()?) };
        tokio::time::timeout(gate.request_time_max, next.run(request))
            .await
            .map_err(|_| Status::deadline_exceeded("the request took too long"))
    };
    let mut response = answered.instrument(span).await.unwrap_or_else(|status| {
        if is_grpc {
            status.into_http::<Body>()
        } else {
            crate::http::error_response(&status)
        }
    });
    crate::http::add_security_headers(response.headers_mut());
    record.head_sent();
    record.finish(response.status().as_str());
    response
}

/// The caller's own limit from `grpc-timeout`: up to eight digits and a unit.
fn caller_time_max(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let malformed =
        || turnstone_proto::invalid_field("grpc-timeout", "is malformed; write for example 500m or 10S");
    let text = value.to_str().map_err(|_| malformed())?;
    let (digits, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(malformed)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let amount: u64 = digits.parse().map_err(|_| malformed())?;
    Ok(Some(match unit {
        "H" => Duration::from_secs(amount * 3_600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return Err(malformed()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_time_limit_is_read() {
        let limit = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().expect("header value"));
            caller_time_max(&headers)
        };
        assert_eq!(limit("500m").expect("valid"), Some(Duration::from_millis(500)));
        assert_eq!(
            limit("99999999H").expect("valid"),
            Some(Duration::from_secs(99_999_999 * 3_600))
        );
        assert_eq!(caller_time_max(&HeaderMap::new()).expect("none"), None);
        for malformed in ["", "S", "5", "5s", "-5S", "999999999S", "5 S"] {
            assert!(limit(malformed).is_err(), "{malformed:?}");
        }
    }
}
