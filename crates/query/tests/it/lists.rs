//! Listing detections: order, filters, pages, tenants.

use crate::support::{TestServer, commit, commit_together, line, of_tenant, second, stored};
use std::collections::HashSet;
use tonic::Code;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::Severity;

fn list(filter: v1::DetectionFilter) -> v1::ListDetectionsRequest {
    v1::ListDetectionsRequest {
        filter: Some(filter),
        ..Default::default()
    }
}

#[tokio::test]
async fn newest_first_with_every_field() {
    let server = TestServer::start().await;
    for number in 0..3 {
        let mut line = line(format!("failed password {number}"));
        line.detected_at = second(number);
        line.timestamp = second(number - 10);
        commit(&server.store, &[line]).await;
    }
    let mut client = server.detections().await;
    let answer = client
        .list_detections(v1::ListDetectionsRequest::default())
        .await
        .unwrap()
        .into_inner();
    let texts: Vec<&str> = answer
        .detections
        .iter()
        .map(|detection| detection.text.as_str())
        .collect();
    assert_eq!(
        texts,
        ["failed password 2", "failed password 1", "failed password 0"]
    );
    assert_eq!(answer.next_page_token, "");
    let newest = &answer.detections[0];
    assert_eq!(
        (
            newest.tenant_id.as_str(),
            newest.source_id.as_str(),
            newest.scorer.as_str()
        ),
        ("", "ssh", "mini")
    );
    assert_eq!(
        (newest.anomaly_label.as_str(), newest.anomaly_score),
        ("SECURITY_ANOMALY", 0.9)
    );
    assert_eq!(newest.severity(), v1::Severity::Error);
    assert_eq!(newest.timestamp, Some(timestamp_to_proto(second(-8))));
    assert_eq!(newest.detected_at, Some(timestamp_to_proto(second(2))));
    assert!(!newest.acknowledged && newest.acknowledged_at.is_none() && newest.notes.is_empty());

    let id = newest.id.clone();
    let one = client
        .get_detection(v1::GetDetectionRequest { id })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(&one, newest);
    let missing = client
        .get_detection(v1::GetDetectionRequest { id: "nowhere".into() })
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn each_filter_keeps_what_it_names() {
    let server = TestServer::start().await;
    let plain = |text: &str, at| {
        let mut line = line(text);
        line.detected_at = second(at);
        line
    };
    let mut lines: Vec<_> = ["plain", "label", "scorer", "severity", "source", "score", "late"]
        .into_iter()
        .map(|text| plain(text, if text == "late" { 1_000 } else { 0 }))
        .collect();
    lines[1].label = "HARDWARE_ISSUE";
    lines[2].scorer = "large";
    lines[3].severity = Severity::Critical;
    lines[4].source = "kernel";
    lines[5].score = 0.99;
    commit(&server.store, &lines).await;
    let open = v1::DetectionFilter {
        unacknowledged: Some(true),
        ..Default::default()
    };
    let cases = [
        (
            "label",
            v1::DetectionFilter {
                anomaly_label: "hardware_Issue".into(),
                ..Default::default()
            },
        ),
        (
            "scorer",
            v1::DetectionFilter {
                scorer: "LARGE".into(),
                ..Default::default()
            },
        ),
        (
            "severity",
            v1::DetectionFilter {
                severity: v1::Severity::Critical.into(),
                ..Default::default()
            },
        ),
        (
            "source",
            v1::DetectionFilter {
                source_id: "kernel".into(),
                ..Default::default()
            },
        ),
        (
            "score",
            v1::DetectionFilter {
                anomaly_score_min: Some(0.95),
                ..Default::default()
            },
        ),
        (
            "late",
            v1::DetectionFilter {
                detected_from: Some(timestamp_to_proto(second(1_000))),
                ..Default::default()
            },
        ),
    ];
    let mut client = server.detections().await;
    for (kept, filter) in cases {
        let answer = client.list_detections(list(filter)).await.unwrap().into_inner();
        let texts: Vec<&str> = answer
            .detections
            .iter()
            .map(|detection| detection.text.as_str())
            .collect();
        assert_eq!(texts, [kept]);
    }
    let early = v1::DetectionFilter {
        detected_until: Some(timestamp_to_proto(second(1_000))),
        ..Default::default()
    };
    assert_eq!(
        client
            .list_detections(list(early))
            .await
            .unwrap()
            .into_inner()
            .detections
            .len(),
        6
    );
    assert_eq!(
        client
            .list_detections(list(open.clone()))
            .await
            .unwrap()
            .into_inner()
            .detections
            .len(),
        7
    );
    let closed = v1::DetectionFilter {
        unacknowledged: Some(false),
        ..Default::default()
    };
    assert_eq!(
        client
            .list_detections(list(closed))
            .await
            .unwrap()
            .into_inner()
            .detections
            .len(),
        0
    );
}

#[tokio::test]
async fn pages_stay_stable_while_rows_arrive() {
    let server = TestServer::start().await;
    // Many rows of the same instant: the id must order them.
    let mut first = line("old");
    first.detected_at = second(0);
    commit_together(&server.store, &vec![first; 25]).await;
    let wanted: HashSet<String> = stored(&server.store, "")
        .await
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    let mut client = server.detections().await;
    let mut request = v1::ListDetectionsRequest {
        page_size: 10,
        ..Default::default()
    };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = client
            .list_detections(request.clone())
            .await
            .unwrap()
            .into_inner();
        seen.extend(answer.detections.into_iter().map(|detection| detection.id));
        pages += 1;
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
        // The page size may change on the way.
        request.page_size = 8;
        let mut newer = line("new");
        newer.detected_at = second(pages);
        commit(&server.store, &[newer]).await;
    }
    assert_eq!(
        (seen.len(), pages),
        (25, 3),
        "25 rows as 10 + 8 + 7, none twice, none of the new ones"
    );
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), wanted);
}

#[tokio::test]
async fn page_sizes_have_a_default_and_a_limit() {
    let server = TestServer::start().await;
    commit_together(&server.store, &vec![line("x"); 1_001]).await;
    let mut client = server.detections().await;
    for (page_size, rows) in [(0, 100), (1, 1), (1_000, 1_000), (5_000, 1_000)] {
        let request = v1::ListDetectionsRequest {
            page_size,
            ..Default::default()
        };
        let answer = client.list_detections(request).await.unwrap().into_inner();
        assert_eq!(
            (answer.detections.len(), answer.next_page_token.is_empty()),
            (rows, false),
            "page_size {page_size}"
        );
    }
}

#[tokio::test]
async fn pages_of_large_rows_fit_the_clients_message_limit() {
    let server = TestServer::start().await;
    // 2,000 characters of 4 bytes each: 1,000 rows would be 8 MB, twice what clients take.
    commit_together(&server.store, &vec![line("𝄞".repeat(2_000)); 700]).await;
    let mut client = server.detections().await;
    let mut request = v1::ListDetectionsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let mut seen = 0;
    loop {
        let answer = client
            .list_detections(request.clone())
            .await
            .unwrap()
            .into_inner();
        seen += answer.detections.len();
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    assert_eq!(seen, 700);
}

#[tokio::test]
async fn tenants_see_their_own_rows_and_the_shared_ones() {
    let server = TestServer::start().await;
    let of = |tenant: &'static str| {
        let mut line = line(if tenant.is_empty() { "shared" } else { tenant });
        line.tenant = tenant;
        line
    };
    commit(&server.store, &[of(""), of("acme"), of("globex")]).await;
    let mut client = server.detections().await;
    for (tenant, visible) in [
        ("", vec!["shared"]),
        ("acme", vec!["acme", "shared"]),
        ("globex", vec!["globex", "shared"]),
    ] {
        let request = of_tenant(tenant, v1::ListDetectionsRequest::default());
        let answer = client.list_detections(request).await.unwrap().into_inner();
        let mut texts: Vec<String> = answer
            .detections
            .into_iter()
            .map(|detection| detection.text)
            .collect();
        texts.sort();
        assert_eq!(texts, visible, "tenant {tenant:?}");
    }
    let foreign = stored(&server.store, "globex")
        .await
        .into_iter()
        .find(|row| row.text == "globex")
        .unwrap();
    let get = v1::GetDetectionRequest {
        id: foreign.id.to_string(),
    };
    assert_eq!(
        client
            .get_detection(of_tenant("acme", get.clone()))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    assert!(client.get_detection(of_tenant("globex", get)).await.is_ok());
}
