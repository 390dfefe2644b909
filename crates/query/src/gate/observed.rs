//! Counts requests by method and code. The code of a gRPC call stands in its trailers, so the body is watched to its end.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Code, Status};
use turnstone_proto::ErrorCode;

/// One request for the metrics. Counted when finished or, as cancelled, when dropped before.
pub(super) struct RequestRecord {
    method: &'static str,
    begun_at: Instant,
    counted: bool,
}

impl RequestRecord {
    pub fn begin(method: &'static str) -> Self {
        Self {
            method,
            begun_at: Instant::now(),
            counted: false,
        }
    }

    /// Notes the time until the answer began: the whole work of a unary call, and all that means something of a stream.
    pub fn head_sent(&mut self) {
        metrics::histogram!("turnstone_query_request_seconds", "method" => self.method)
            .record(self.begun_at.elapsed().as_secs_f64());
    }

    pub fn finish(&mut self, code: &str) {
        if !std::mem::replace(&mut self.counted, true) {
            metrics::counter!("turnstone_query_requests_total", "method" => self.method, "code" => code.to_owned())
                .increment(1);
        }
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        self.finish(code_name(Code::Cancelled));
    }
}

/// The body of a gRPC answer on its way out.
pub(super) struct ObservedBody {
    inner: Body,
    record: RequestRecord,
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    ended: bool,
}

impl ObservedBody {
    /// Watches the body of `response`; ends it with UNAVAILABLE when `cut_by` is cancelled.
    pub fn wrap(
        response: Response,
        mut record: RequestRecord,
        cut_by: Option<CancellationToken>,
    ) -> Response {
        if let Some(code) = code_in(response.headers()) {
            record.finish(code);
        }
        let cut = cut_by.map(|token| Box::pin(token.cancelled_owned()));
        response.map(|inner| {
            Body::new(Self {
                inner,
                record,
                cut,
                ended: false,
            })
        })
    }
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(cut) = &mut self.cut
            && cut.as_mut().poll(context).is_ready()
        {
            self.ended = true;
            self.record.finish(code_name(Code::Unavailable));
            return Poll::Ready(Some(Ok(Frame::trailers(stop_trailers()))));
        }
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().and_then(code_in) {
                    self.record.finish(code);
                }
            }
            Some(Err(_)) | None => self.ended = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.cut.is_none() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn stop_trailers() -> HeaderMap {
    let status = ErrorCode::Unavailable.status("the service is shutting down");
    let mut trailers = HeaderMap::new();
    // Only fails for messages that are no header values, and this one is.
    let _ = Status::add_header(&status, &mut trailers);
    trailers
}

fn code_in(headers: &HeaderMap) -> Option<&'static str> {
    headers
        .get("grpc-status")
        .map(|value| code_name(Code::from_bytes(value.as_bytes())))
}

/// The code as the gRPC specification writes it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
