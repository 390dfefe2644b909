//! Puts the service together: listener, routes, feed, monitor.

use crate::connections;
use crate::explain::Explanations;
use crate::feed::DetectionFeed;
use crate::gate::{self, Gate};
use crate::grpc::{DetectionApi, EntryApi, ExplanationApi, LabelApi, REQUEST_BYTES_MAX, StatsApi};
use crate::http;
use crate::options::{QueryOptions, ServeError};
use crate::store_monitor::{ACCEPTING_CONDITION, STORE_CONDITION, StoreMonitor};
use axum::Router;
use axum::middleware::from_fn_with_state;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;
use turnstone_bus::Bus;
use turnstone_explain::generate::{Explainer, ExplainerOptions};
use turnstone_proto::FILE_DESCRIPTOR_SET;
use turnstone_proto::v1::detection_service_server::DetectionServiceServer;
use turnstone_proto::v1::entry_service_server::EntryServiceServer;
use turnstone_proto::v1::explanation_service_server::ExplanationServiceServer;
use turnstone_proto::v1::stats_service_server::StatsServiceServer;
use turnstone_service::health::Readiness;
use turnstone_store::Store;

/// What a query service works with.
pub struct QueryParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where it says whether it is ready.
    pub readiness: Readiness,
    /// What `/metrics` shows, where this process collects metrics.
    pub metrics: Option<PrometheusHandle>,
    /// Explains entries and answers questions.
    pub explainer: Explainer,
    /// How scorers are asked which words made a label; without it, nobody is.
    pub bus: Option<Bus>,
}

impl QueryParts {
    /// A store and nothing else: no metrics, explanations without a model, nobody to ask about labels.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            readiness: Readiness::default(),
            metrics: None,
            explainer: Explainer::new(None, None, ExplainerOptions::default()),
            bus: None,
        }
    }
}

/// The query service.
#[derive(Debug, Clone, Copy)]
pub struct QueryService;

impl QueryService {
    /// Takes the address, or says why not; serves nobody yet. The store must have been migrated.
    pub async fn bind(options: QueryOptions, parts: QueryParts) -> Result<Bound, ServeError> {
        let listen = options.listen;
        let open_to_all = options.api_token.is_none() && !listen.ip().is_loopback();
        if open_to_all && !options.insecure_no_token_on_public_address {
            return Err(ServeError::PublicWithoutToken { listen });
        }
        if open_to_all {
            tracing::warn!(%listen, "serving without an API token on a public address, as configured");
        }
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| ServeError::Listen { listen, source })?;
        let local_address = listener
            .local_addr()
            .map_err(|source| ServeError::Listen { listen, source })?;
        // Not ready before the first look at the store, however soon a probe comes.
        parts.readiness.set(STORE_CONDITION, false);
        parts.readiness.set(ACCEPTING_CONDITION, false);
        Ok(Bound {
            options,
            parts,
            listener,
            local_address,
        })
    }
}

/// A query service that has its address and waits to be run.
pub struct Bound {
    options: QueryOptions,
    parts: QueryParts,
    listener: TcpListener,
    local_address: SocketAddr,
}

impl Bound {
    /// The address, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_address
    }

    /// Serves until `stop`, then ends watches, finishes what is in flight and returns. An error says that something had to be
    /// cut, or that the service could not begin.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), ServeError> {
        // Cancelled also when this future is dropped, so that the tasks beside it end with it.
        let stop = stop.child_token();
        let _stop_at_drop = stop.clone().drop_guard();
        let feed = DetectionFeed::start(Arc::clone(&self.parts.store), &self.options, stop.clone());
        let gate = Arc::new(Gate::new(&self.options, stop.clone()));
        let explanations = Arc::new(Explanations::new(
            Arc::clone(&self.parts.store),
            self.parts.explainer.clone(),
            &self.options,
            stop.clone(),
        ));
        let health = HealthReporter::new();
        let pages = http::routes(http::Pages {
            readiness: self.parts.readiness.clone(),
            metrics: self.parts.metrics.clone(),
            feed: Arc::clone(&feed),
            explanations: Arc::clone(&explanations),
        });
        let router = grpc_routes(&self.parts, &self.options, &feed, explanations, &health)?
            .layer(from_fn_with_state(Arc::clone(&gate), gate::pass_grpc))
            .layer(tonic_web::GrpcWebLayer::new())
            .merge(pages.layer(from_fn_with_state(gate, gate::pass_http)));
        let monitor = StoreMonitor {
            store: self.parts.store,
            readiness: self.parts.readiness,
            health,
            service_names: SERVICE_NAMES.to_vec(),
        };
        let monitoring = tokio::spawn(monitor.run(stop.clone()));
        tracing::info!(address = %self.local_address, "query service serves");
        let served = connections::serve(self.listener, router, &self.options, stop).await;
        // It ends by the same token; a panic in it was reported by the runtime.
        let _ = monitoring.await;
        served
    }
}

const SERVICE_NAMES: [&str; 4] = [
    DetectionServiceServer::<DetectionApi>::NAME,
    EntryServiceServer::<EntryApi>::NAME,
    ExplanationServiceServer::<ExplanationApi>::NAME,
    StatsServiceServer::<StatsApi>::NAME,
];

fn grpc_routes(
    parts: &QueryParts,
    options: &QueryOptions,
    feed: &Arc<DetectionFeed>,
    explanations: Arc<Explanations>,
    health: &HealthReporter,
) -> Result<Router, tonic_reflection::server::Error> {
    let store = || Arc::clone(&parts.store);
    let detections = DetectionApi {
        store: store(),
        feed: Arc::clone(feed),
    };
    let explanation_api = ExplanationApi {
        explanations,
        labels: LabelApi {
            store: store(),
            bus: parts.bus.clone(),
            time_max: options.label_time_max,
        },
    };
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Routes of its own would answer every unknown path as gRPC; the fallback of the pages tells the two apart.
    Ok(Routes::from(Router::new())
        .add_service(DetectionServiceServer::new(detections).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(
            EntryServiceServer::new(EntryApi { store: store() }).max_decoding_message_size(REQUEST_BYTES_MAX),
        )
        .add_service(
            ExplanationServiceServer::new(explanation_api).max_decoding_message_size(REQUEST_BYTES_MAX),
        )
        .add_service(
            StatsServiceServer::new(StatsApi { store: store() }).max_decoding_message_size(REQUEST_BYTES_MAX),
        )
        .add_service(tonic_health::pb::health_server::HealthServer::new(
            tonic_health::server::HealthService::from_health_reporter(health.clone()),
        ))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router())
}
