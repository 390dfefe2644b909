//! Plain HTTP: the pages, metrics, unknown paths.

use crate::support::{TestServer, get, http};
use turnstone_proto::v1;

#[tokio::test]
async fn the_first_page_is_safe_whatever_was_built() {
    let server = TestServer::start().await;
    let answer = get(server.address, "/").await;
    assert_eq!(answer.status, 200);
    let page = answer.text();
    assert!(answer.head.contains("content-type: text/html"), "{}", answer.head);
    for header in [
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'; ",
    ] {
        assert!(answer.head.contains(header), "{header} in {}", answer.head);
    }
    assert!(!answer.head.contains("unsafe-"), "{}", answer.head);
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "nothing is loaded from elsewhere"
    );
}

#[cfg(not(turnstone_ui))]
#[tokio::test]
async fn without_built_pages_the_start_page_says_how_to_build_them() {
    let server = TestServer::start().await;
    let page = get(server.address, "/").await.text();
    for part in [env!("CARGO_PKG_VERSION"), "make ui", "grpcurl"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("{style}") && !page.contains("{version}"));
    assert_eq!(get(server.address, "/alerts").await.status, 404);
}

#[cfg(turnstone_ui)]
#[tokio::test]
async fn the_built_pages_come_with_all_that_they_name() {
    let server = TestServer::start().await;
    let page = get(server.address, "/alerts").await.text();
    let named: Vec<&str> = page
        .split('"')
        .filter(|part| part.starts_with('/') && part.len() > 1)
        .collect();
    assert!(named.iter().any(|path| path.ends_with(".js")), "{page}");
    for path in named {
        let answer = get(server.address, path).await;
        assert_eq!(answer.status, 200, "{path}");
        let is_kept = answer
            .head
            .contains("cache-control: public, max-age=31536000, immutable");
        assert_eq!(is_kept, path.starts_with("/assets/"), "{path}: {}", answer.head);
    }
    let gzip = [("accept-encoding", "gzip")];
    let answer = http(server.address, "GET", "/", &gzip, &[]).await;
    assert!(answer.head.contains("content-encoding: gzip") && answer.body.starts_with(&[0x1f, 0x8b]));
    let posted = http(server.address, "POST", "/alerts", &[], &[]).await;
    assert_eq!(posted.status, 404);
}

#[tokio::test]
async fn unknown_paths_and_methods_answer_json() {
    let server = TestServer::start().await;
    let answer = get(server.address, "/admin/secret").await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.head.contains("content-type: application/json"),
        "{}",
        answer.head
    );
    let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (error["error"]["code"].as_u64(), error["error"]["status"].as_str()),
        (Some(404), Some("NOT_FOUND"))
    );
    let answer = http(server.address, "POST", "/healthz", &[], &[]).await;
    assert_eq!(answer.status, 405);
    assert!(answer.text().contains("METHOD_NOT_ALLOWED"), "{}", answer.text());
}

#[tokio::test]
async fn requests_are_counted_by_method_and_code() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    client
        .list_detections(v1::ListDetectionsRequest::default())
        .await
        .unwrap();
    client
        .list_detections(v1::ListDetectionsRequest {
            page_size: -1,
            ..Default::default()
        })
        .await
        .unwrap_err();
    get(server.address, "/nowhere").await;
    let series = [
        r#"turnstone_query_requests_total{method="turnstone.v1.DetectionService/ListDetections",code="OK"}"#,
        r#"turnstone_query_requests_total{method="turnstone.v1.DetectionService/ListDetections",code="INVALID_ARGUMENT"}"#,
        r#"turnstone_query_requests_total{method="other",code="404"}"#,
        "turnstone_query_request_seconds",
    ];
    crate::support::until("all series", async || {
        let answer = get(server.address, "/metrics").await;
        assert!(
            answer.status == 200 && answer.head.contains("text/plain; version=0.0.4"),
            "{}",
            answer.head
        );
        series.iter().all(|wanted| answer.text().contains(wanted))
    })
    .await;
}
