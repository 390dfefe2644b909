//! Who is let in.

use crate::support::{METRICS, TestServer, get, http};
use std::net::SocketAddr;
use std::sync::Arc;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use turnstone_proto::v1;
use turnstone_proto::v1::detection_service_client::DetectionServiceClient;
use turnstone_query::{QueryOptions, QueryParts, QueryService, ServeError};
use turnstone_service::ApiToken;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn guarded() -> TestServer {
    TestServer::start_with(|options| options.api_token = Some(ApiToken::new(TOKEN).unwrap())).await
}

type Bearer = Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>;

fn with_token(
    channel: Channel,
    value: &'static str,
) -> DetectionServiceClient<InterceptedService<Channel, Bearer>> {
    let add: Bearer = Box::new(move |mut request| {
        request
            .metadata_mut()
            .insert("authorization", value.parse().unwrap());
        Ok(request)
    });
    DetectionServiceClient::with_interceptor(channel, add)
}

#[tokio::test]
async fn grpc_needs_the_token() {
    let server = guarded().await;
    let list = v1::ListDetectionsRequest::default;
    let refused = server
        .detections()
        .await
        .list_detections(list())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    for wrong in [
        "Bearer 0123456789abcdef0123456789abcdee",
        "0123456789abcdef0123456789abcdef",
        "Basic x",
    ] {
        let refused = with_token(server.channel().await, wrong)
            .list_detections(list())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{wrong}");
        assert!(!refused.message().contains("0123"), "{}", refused.message());
    }
    let bearer = "Bearer 0123456789abcdef0123456789abcdef";
    assert!(
        with_token(server.channel().await, bearer)
            .list_detections(list())
            .await
            .is_ok()
    );
    let watched = server
        .detections()
        .await
        .watch_detections(v1::WatchDetectionsRequest::default())
        .await;
    assert_eq!(watched.unwrap_err().code(), Code::Unauthenticated);
    let mut health = tonic_health::pb::health_client::HealthClient::new(server.channel().await);
    let request = tonic_health::pb::HealthCheckRequest::default();
    assert!(health.check(request).await.is_ok(), "probes hold no token");
    let mut reflection = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
        server.channel().await,
    );
    let asked = reflection
        .server_reflection_info(futures::stream::pending())
        .await;
    assert_eq!(asked.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn http_needs_the_token_but_for_probes() {
    let server = guarded().await;
    // Built pages are open to all: signing in needs one.
    let first = get(server.address, "/").await.status;
    assert_eq!(first, if cfg!(turnstone_ui) { 200 } else { 401 });
    for path in [
        "/metrics",
        "/v1/detections/watch",
        "/nowhere",
        "/assets/",
        "/assets/nothing.js",
    ] {
        let answer = get(server.address, path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(
            answer.head.contains("www-authenticate: bearer"),
            "{}",
            answer.head
        );
    }
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(http(server.address, "GET", "/", &headers, &[]).await.status, 200);
    assert_eq!(
        http(server.address, "GET", "/nowhere", &headers, &[])
            .await
            .status,
        404
    );
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    crate::support::until("ready", async || {
        get(server.address, "/readyz").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_public_address_needs_a_token() {
    let server = TestServer::start().await;
    let bind = async |change: fn(&mut QueryOptions)| {
        let mut options = QueryOptions::new(SocketAddr::from(([0, 0, 0, 0], 0)));
        change(&mut options);
        QueryService::bind(
            options,
            QueryParts {
                metrics: Some(METRICS.clone()),
                ..QueryParts::new(Arc::clone(&server.store))
            },
        )
        .await
    };
    let refused = bind(|_| {}).await.err().expect("refused");
    assert!(matches!(refused, ServeError::PublicWithoutToken { .. }));
    assert!(refused.to_string().contains("TURNSTONE_API_TOKEN"), "{refused}");
    assert!(
        bind(|options| options.api_token = Some(ApiToken::new(TOKEN).unwrap()))
            .await
            .is_ok()
    );
    assert!(
        bind(|options| options.insecure_no_token_on_public_address = true)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = TestServer::start().await;
    let options = QueryOptions::new(server.address);
    let bound = QueryService::bind(options, QueryParts::new(Arc::clone(&server.store))).await;
    let refused = bound.err().expect("in use").to_string();
    assert!(refused.contains(&server.address.to_string()), "{refused}");
}

#[tokio::test]
async fn foreign_names_are_refused_without_a_token() {
    let server = TestServer::start().await;
    let at = async |host: &str| {
        http(server.address, "GET", "/", &[("host", host)], &[])
            .await
            .status
    };
    assert_eq!(at("localhost:7400").await, 200);
    assert_eq!(at("127.0.0.1").await, 200);
    assert_eq!(at("rebound.example").await, 403);
    let channel = server
        .endpoint()
        .origin("http://rebound.example".parse().unwrap())
        .connect()
        .await
        .unwrap();
    let refused = DetectionServiceClient::new(channel)
        .list_detections(v1::ListDetectionsRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let guarded = guarded().await;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("host", "logs.example"), ("authorization", bearer.as_str())];
    assert_eq!(http(guarded.address, "GET", "/", &headers, &[]).await.status, 200);
}
