//! Reflection, health and gRPC-web.

use crate::support::{PATIENCE, TestServer, commit, http, line, within};
use futures::StreamExt;
use prost::Message;
use tonic::Code;
use turnstone_proto::v1;

const LIST_PATH: &str = "/turnstone.v1.DetectionService/ListDetections";

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    let server = TestServer::start().await;
    let wanted = [
        "grpc.health.v1.Health",
        "turnstone.v1.DetectionService",
        "turnstone.v1.EntryService",
        "turnstone.v1.ExplanationService",
        "turnstone.v1.StatsService",
    ];
    macro_rules! listed {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
            };
            let request = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let requests = futures::stream::iter([request]);
            let mut client = ServerReflectionClient::new(server.channel().await);
            let mut answers = client
                .server_reflection_info(requests)
                .await
                .unwrap()
                .into_inner();
            let answer = within(PATIENCE, "reflection", answers.next())
                .await
                .unwrap()
                .unwrap();
            match answer.message_response {
                Some(MessageResponse::ListServicesResponse(list)) => list
                    .service
                    .into_iter()
                    .map(|service| service.name)
                    .collect::<Vec<String>>(),
                other => panic!("{other:?}"),
            }
        }};
    }
    for names in [listed!(v1), listed!(v1alpha)] {
        for service in wanted {
            assert!(names.iter().any(|name| name == service), "{service} in {names:?}");
        }
    }
}

#[tokio::test]
async fn health_follows_the_store() {
    use tonic_health::pb::health_check_response::ServingStatus;
    let server = TestServer::start_on_empty_file(|_| {}).await;
    let client = tonic_health::pb::health_client::HealthClient::new(server.channel().await);
    let status = async |service: &str| {
        let request = tonic_health::pb::HealthCheckRequest {
            service: service.into(),
        };
        client
            .clone()
            .check(request)
            .await
            .map(|answer| answer.into_inner().status())
    };
    crate::support::until("not serving without a schema", async || {
        status("").await.unwrap() == ServingStatus::NotServing
    })
    .await;
    assert_eq!(crate::support::get(server.address, "/readyz").await.status, 503);
    assert_eq!(crate::support::get(server.address, "/healthz").await.status, 200);
    server.store.migrate().await.unwrap();
    crate::support::until("serving", async || {
        status("").await.unwrap() == ServingStatus::Serving
    })
    .await;
    let detections = status("turnstone.v1.DetectionService").await.unwrap();
    assert_eq!(detections, ServingStatus::Serving);
    assert_eq!(status("nowhere").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(crate::support::get(server.address, "/readyz").await.status, 200);
}

/// A message in a length-prefixed frame.
pub fn framed(message: &impl Message) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&u32::try_from(message.encoded_len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&message.encode_to_vec());
    bytes
}

/// The data frames of an answer and its trailers as text.
pub fn unframed(mut bytes: &[u8]) -> (Vec<Vec<u8>>, String) {
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while let Some((head, rest)) = bytes.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let (body, rest) = rest.split_at(length);
        if head[0] & 0x80 == 0 {
            messages.push(body.to_vec());
        } else {
            trailers.push_str(&String::from_utf8_lossy(body));
        }
        bytes = rest;
    }
    (messages, trailers)
}

#[tokio::test]
async fn grpc_web_over_http_1() {
    let server = TestServer::start().await;
    commit(&server.store, &[line("seen from a browser")]).await;
    let headers = [
        ("content-type", "application/grpc-web+proto"),
        ("x-grpc-web", "1"),
    ];
    let body = framed(&v1::ListDetectionsRequest::default());
    let answer = http(server.address, "POST", LIST_PATH, &headers, &body).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("content-type: application/grpc-web+proto"),
        "{}",
        answer.head
    );
    assert!(
        answer.head.contains("x-accel-buffering: no"),
        "proxies are asked to let messages through: {}",
        answer.head
    );
    assert!(
        !answer.head.contains("access-control-allow-origin"),
        "other origins are not invited: {}",
        answer.head
    );
    let (messages, trailers) = unframed(&answer.body);
    let list = v1::ListDetectionsResponse::decode(messages[0].as_slice()).unwrap();
    assert_eq!(list.detections[0].text, "seen from a browser");
    assert!(trailers.contains("grpc-status:0"), "{trailers}");

    let body = framed(&v1::ListDetectionsRequest {
        page_size: -1,
        ..Default::default()
    });
    let refused = http(server.address, "POST", LIST_PATH, &headers, &body).await;
    let told = format!("{} {}", refused.head, unframed(&refused.body).1);
    assert!(
        told.contains("grpc-status: 3") || told.contains("grpc-status:3"),
        "{told}"
    );
    let preflight = [
        ("origin", "http://evil.example"),
        ("access-control-request-method", "POST"),
    ];
    let answer = http(server.address, "OPTIONS", LIST_PATH, &preflight, &[]).await;
    assert!(
        answer.status >= 400 && !answer.head.contains("access-control-allow"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn unknown_methods_are_unimplemented_for_grpc_callers() {
    let server = TestServer::start().await;
    for path in [
        "/turnstone.v1.DetectionService/Nothing",
        "/turnstone.v9.Nowhere/Nothing",
    ] {
        let headers = [("content-type", "application/grpc-web+proto")];
        let answer = http(
            server.address,
            "POST",
            path,
            &headers,
            &framed(&v1::ListDetectionsRequest::default()),
        )
        .await;
        let told = format!("{} {}", answer.head, unframed(&answer.body).1);
        assert!(
            told.contains("grpc-status: 12") || told.contains("grpc-status:12"),
            "{path}: {told}"
        );
    }
}
