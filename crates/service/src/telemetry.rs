//! Logs to stderr, metrics for Prometheus, traces over OTLP where an endpoint is configured.

use crate::config::{LogFormat, TelemetryConfig};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use std::io::IsTerminal;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// Upper bounds of the duration histograms, in seconds.
const SECONDS_BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Keeps telemetry alive; [`Telemetry::flush`] sends what is still held back.
pub struct Telemetry {
    /// Renders all metrics of the process.
    pub metrics: PrometheusHandle,
    tracer_provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sets up logs, metrics and traces for the whole process, with `log_default` as the filter where none is configured. Must be
    /// called inside a tokio runtime.
    pub fn install(
        config: &TelemetryConfig,
        service_name: &'static str,
        log_default: &str,
    ) -> anyhow::Result<Self> {
        let filter = EnvFilter::try_new(if config.log.is_empty() {
            log_default
        } else {
            &config.log
        })
        .map_err(|error| {
            anyhow::anyhow!(
                "telemetry.log {:?} is no log filter: {error}; write for example \"info\"",
                config.log
            )
        })?;
        let tracer_provider = if config.otlp_endpoint.is_empty() {
            None
        } else {
            let exporter = opentelemetry_otlp::SpanExporter::builder()
                .with_tonic()
                .with_endpoint(&config.otlp_endpoint)
                .build()
                .map_err(|error| {
                    anyhow::anyhow!("telemetry.otlp_endpoint {:?}: {error}", config.otlp_endpoint)
                })?;
            let provider = SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_resource(Resource::builder().with_service_name(service_name).build())
                .build();
            opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
            Some(provider)
        };
        // Our own spans only: those of the libraries are many, and the exporter's would be exported in turn, without end.
        let ours = Targets::new().with_target("turnstone", tracing::Level::INFO);
        let trace_layer = tracer_provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer(service_name))
                .with_filter(ours)
        });
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = match config.log_format {
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
            LogFormat::Text => lines
                .with_ansi(std::io::stderr().is_terminal())
                .with_target(false)
                .boxed(),
        };
        tracing_subscriber::registry()
            .with(trace_layer)
            .with(lines.with_filter(filter))
            .try_init()
            .map_err(|error| anyhow::anyhow!("set up logging: {error}"))?;
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(
                metrics_exporter_prometheus::Matcher::Suffix("_seconds".into()),
                &SECONDS_BUCKETS,
            )
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| anyhow::anyhow!("set up metrics: {error}"))?;
        Ok(Self {
            metrics,
            tracer_provider,
        })
    }

    /// Sends spans that are held back. Blocks for a few seconds at most.
    pub fn flush(&self) {
        if let Some(provider) = &self.tracer_provider
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "flush traces");
        }
    }
}

/// The W3C `traceparent` of a span, for events that carry the trace on; `None` where traces are not collected.
pub fn trace_parent(span: &tracing::Span) -> Option<String> {
    use opentelemetry::trace::TraceContextExt;
    use tracing_opentelemetry::OpenTelemetrySpanExt;
    let context = span.context();
    let span_context = context.span().span_context().clone();
    span_context.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span_context.trace_id(),
            span_context.span_id(),
            span_context.trace_flags().to_u8()
        )
    })
}

/// Makes `span` a child of the span that a `traceparent` names. Text that is no `traceparent` changes nothing.
pub fn set_trace_parent(span: &tracing::Span, trace_parent: &str) {
    use opentelemetry::propagation::TextMapPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt;
    let carrier = std::collections::HashMap::from([("traceparent".to_owned(), trace_parent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    // Fails only where no trace layer is installed, and then there is nothing to join.
    let _ = span.set_parent(context);
}
