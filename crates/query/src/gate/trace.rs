//! The span of a request, as a child of the caller's where the request carries a `traceparent`.

use http::HeaderMap;
use opentelemetry::propagation::Extractor;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Opens the span of one request.
pub(super) fn request_span(method: &'static str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!("request", method);
    if headers.contains_key("traceparent") {
        // Without an exporter the propagator is a no-op and the span stays a root.
        let caller = opentelemetry::global::get_text_map_propagator(|propagator| {
            propagator.extract(&Headers(headers))
        });
        if let Err(error) = span.set_parent(caller) {
            tracing::trace!(%error, "join the trace of the caller");
        }
    }
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
