//! The stop: watches end with a reason, held streams are cut, the port is free again.

use crate::support::{PATIENCE, TestServer, commit, get, line, within};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tonic::Code;
use turnstone_proto::v1;

#[tokio::test]
async fn ends_promptly_while_everything_is_held_open() {
    let server = TestServer::start().await;
    commit(&server.store, &[line("x")]).await;
    let mut watch = server
        .detections()
        .await
        .watch_detections(v1::WatchDetectionsRequest::default())
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().expect("a heartbeat");
    let mut events = crate::support::send_http(server.address, "GET", "/v1/detections/watch", &[], &[]).await;
    let mut first = [0; 16];
    events.read_exact(&mut first).await.unwrap();
    let mut health = tonic_health::pb::health_client::HealthClient::new(server.channel().await);
    let mut health_watch = health
        .watch(tonic_health::pb::HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    health_watch.message().await.unwrap().expect("a status");
    let mut reflection = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
        server.channel().await,
    );
    let mut reflected = reflection
        .server_reflection_info(futures::stream::pending())
        .await
        .unwrap()
        .into_inner();
    let idle = tokio::net::TcpStream::connect(server.address).await.unwrap();

    let address = server.address;
    let begun = Instant::now();
    server.stop().await.expect("a clean stop");
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "took {:?}",
        begun.elapsed()
    );
    let status = loop {
        match within(PATIENCE, "the end", watch.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the watch ended without a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("shutting down"), "{}", status.message());
    let mut rest = String::new();
    within(
        PATIENCE,
        "the end of the events",
        events.read_to_string(&mut rest),
    )
    .await
    .unwrap();
    assert!(
        rest.contains("event: end") && rest.contains("shutting down"),
        "{rest}"
    );
    let cut = async { while let Ok(Some(_)) = health_watch.message().await {} };
    within(PATIENCE, "the end of the health watch", cut).await;
    let ended = within(PATIENCE, "the end of reflection", reflected.message()).await;
    assert!(!matches!(ended, Ok(Some(_))), "{ended:?}");
    drop(idle);
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the port is closed"
    );
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing_running() {
    let server = TestServer::start().await;
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    let address = server.address;
    server.abort().await;
    crate::support::until("the port is closed", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
}
