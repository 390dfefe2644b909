//! Overload and a store that fails: clear codes, nothing leaked, probes still answered.

use crate::protocols::{framed, unframed};
use crate::support::{PATIENCE, TestServer, get, http};
use std::time::Duration;
use tonic::Code;
use turnstone_proto::v1;

#[tokio::test]
async fn too_many_requests_are_refused_and_probes_answered() {
    // No place at all: every request is one too many.
    let server = TestServer::start_with(|options| options.requests_in_flight_max = 0).await;
    let refused = server
        .detections()
        .await
        .list_detections(v1::ListDetectionsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let answer = get(server.address, "/").await;
    assert_eq!(answer.status, 429);
    assert!(answer.text().contains("RESOURCE_EXHAUSTED"), "{}", answer.text());
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    let mut health = tonic_health::pb::health_client::HealthClient::new(server.channel().await);
    assert!(
        health
            .check(tonic_health::pb::HealthCheckRequest::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_failing_store_is_told_without_its_internals() {
    let server = TestServer::start_on_empty_file(|_| {}).await;
    let mut client = server.detections().await;
    let failed = client
        .list_detections(v1::ListDetectionsRequest::default())
        .await
        .unwrap_err();
    assert!(
        matches!(failed.code(), Code::Unavailable | Code::Internal),
        "{failed:?}"
    );
    let database = server.database.display().to_string();
    for internal in [database.as_str(), "SELECT", "no such table", "sqlite"] {
        assert!(!failed.message().contains(internal), "{}", failed.message());
    }
    // The same server works once the store does.
    server.store.migrate().await.unwrap();
    assert!(
        client
            .list_detections(v1::ListDetectionsRequest::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn watchers_hear_of_a_store_that_stays_away_and_those_that_come_later_too() {
    let server =
        TestServer::start_with(|options| options.watch_outage_max = Duration::from_millis(200)).await;
    let request = v1::WatchDetectionsRequest::default;
    let mut watch = server
        .detections()
        .await
        .watch_detections(request())
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().expect("a heartbeat");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&server.database)
        .busy_timeout(PATIENCE);
    let mut raw = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("ALTER TABLE detections RENAME TO detections_hidden")
        .execute(&mut raw)
        .await
        .unwrap();
    let status = crate::support::within(PATIENCE, "the end of the watch", async {
        loop {
            match watch.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("ended without a status"),
                Err(status) => break status,
            }
        }
    })
    .await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    sqlx::query("ALTER TABLE detections_hidden RENAME TO detections")
        .execute(&mut raw)
        .await
        .unwrap();
    let again = server.detections().await.watch_detections(request()).await;
    assert!(again.is_ok());
}

#[tokio::test]
async fn large_messages_and_headers_are_refused() {
    let server = TestServer::start().await;
    let notes = "x".repeat(5 * 1024 * 1024);
    let request = v1::AcknowledgeDetectionsRequest {
        notes,
        ..Default::default()
    };
    let refused = server
        .detections()
        .await
        .acknowledge_detections(request)
        .await
        .unwrap_err();
    assert!(
        matches!(refused.code(), Code::OutOfRange | Code::ResourceExhausted),
        "{refused:?}"
    );
    let long = "x".repeat(64 * 1024);
    let answer = http(server.address, "GET", "/", &[("x-long", &long)], &[]).await;
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn the_callers_time_limit_is_kept() {
    let server = TestServer::start().await;
    let path = "/turnstone.v1.DetectionService/ListDetections";
    // By hand, since the client keeps its limit by itself too.
    for (limit, code) in [("0n", "4"), ("1H", "0"), ("soon", "3")] {
        let headers = [
            ("content-type", "application/grpc-web+proto"),
            ("grpc-timeout", limit),
        ];
        let answer = http(
            server.address,
            "POST",
            path,
            &headers,
            &framed(&v1::ListDetectionsRequest::default()),
        )
        .await;
        let told =
            format!("{} {}", answer.head, unframed(&answer.body).1).replace("grpc-status: ", "grpc-status:");
        assert!(told.contains(&format!("grpc-status:{code}")), "{limit}: {told}");
    }
}
