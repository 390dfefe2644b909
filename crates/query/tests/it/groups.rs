//! Detections collapsed to groups: the list, its filters and pages.

use crate::support::{TestServer, commit, line, of_tenant, second, suppression_of};
use turnstone_proto::v1::acknowledge_detections_request::Selection;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::{Severity, fingerprint};

pub fn collapsed(filter: v1::DetectionFilter) -> v1::ListDetectionsRequest {
    v1::ListDetectionsRequest {
        filter: Some(filter),
        collapse: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn one_message_is_one_group() {
    let server = TestServer::start().await;
    for (number, text) in ["failed login 1", "disk full", "failed login 2", "failed login 3"]
        .into_iter()
        .enumerate()
    {
        let mut line = line(text);
        line.detected_at = second(number as i64);
        if number == 2 {
            line.severity = Severity::Critical;
        }
        commit(&server.store, &[line]).await;
    }
    let mut client = server.detections().await;
    let answer = client
        .list_detections(collapsed(v1::DetectionFilter::default()))
        .await
        .unwrap()
        .into_inner();
    assert!(answer.detections.is_empty() && answer.next_page_token.is_empty());
    let [logins, disks] = answer.groups.as_slice() else {
        panic!("{:?}", answer.groups);
    };
    assert_eq!(
        (
            logins.source_id.as_str(),
            logins.anomaly_label.as_str(),
            logins.tenant_id.as_str()
        ),
        ("ssh", "SECURITY_ANOMALY", "")
    );
    assert_eq!(logins.fingerprint, fingerprint("failed login 1").as_str());
    assert_eq!((logins.detection_count, logins.open_count), (3, 3));
    assert_eq!(
        logins.severity(),
        v1::Severity::Critical,
        "the highest it ever had"
    );
    assert_eq!(logins.first_seen_time, Some(timestamp_to_proto(second(0))));
    assert_eq!(logins.last_seen_time, Some(timestamp_to_proto(second(3))));
    assert_eq!(logins.acknowledged_until_time, None);
    let newest = logins.newest.clone().unwrap();
    assert_eq!(newest.text, "failed login 3");
    assert_eq!(newest.fingerprint, logins.fingerprint);
    assert_eq!(
        (
            disks.detection_count,
            disks.newest.as_ref().unwrap().text.as_str()
        ),
        (1, "disk full")
    );
    // A group opens into its detections.
    let expanded = v1::ListDetectionsRequest {
        filter: Some(v1::DetectionFilter {
            source_id: logins.source_id.clone(),
            anomaly_label: logins.anomaly_label.clone(),
            fingerprint: logins.fingerprint.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let detections = client
        .list_detections(expanded)
        .await
        .unwrap()
        .into_inner()
        .detections;
    let texts: Vec<&str> = detections.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(texts, ["failed login 3", "failed login 2", "failed login 1"]);
}

#[tokio::test]
async fn each_filter_of_groups() {
    let server = TestServer::start().await;
    server
        .store
        .add_suppression(&suppression_of(&["nightly backup"])[0])
        .await
        .unwrap();
    let mut lines: Vec<_> = [
        "plain",
        "label",
        "scorer",
        "severity",
        "source",
        "score",
        "nightly backup",
    ]
    .into_iter()
    .map(line)
    .collect();
    lines[1].label = "HARDWARE_ISSUE";
    lines[2].scorer = "large";
    lines[3].severity = Severity::Critical;
    lines[4].source = "kernel";
    lines[5].score = 0.99;
    // Apart from each other by more than what a database tells apart.
    let now = turnstone_types::Timestamp::now();
    for (number, line) in lines.iter_mut().enumerate() {
        line.detected_at = now + std::time::Duration::from_millis(number as u64);
        line.timestamp = second(number as i64);
    }
    commit(&server.store, &lines).await;
    while server.store.index_pending_text(100).await.unwrap() > 0 {}
    let mut client = server.detections().await;
    let all = client
        .list_detections(v1::ListDetectionsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .detections;
    let plain = all.iter().find(|row| row.text == "plain").unwrap();
    let acknowledge = v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Ids(v1::DetectionIds {
            ids: vec![plain.id.clone()],
        })),
        verdict: v1::Verdict::FalsePositive.into(),
        ..Default::default()
    };
    client.acknowledge_detections(acknowledge).await.unwrap();
    let any = v1::DetectionFilter::default;
    let cases = [
        (
            "label",
            v1::DetectionFilter {
                anomaly_label: "hardware_issue".into(),
                ..any()
            },
        ),
        (
            "scorer",
            v1::DetectionFilter {
                scorer: "LARGE".into(),
                ..any()
            },
        ),
        (
            "severity",
            v1::DetectionFilter {
                severity: v1::Severity::Critical.into(),
                ..any()
            },
        ),
        (
            "source",
            v1::DetectionFilter {
                source_id: "kernel".into(),
                ..any()
            },
        ),
        (
            "score",
            v1::DetectionFilter {
                anomaly_score_min: Some(0.95),
                ..any()
            },
        ),
        (
            "plain",
            v1::DetectionFilter {
                verdict: v1::Verdict::FalsePositive.into(),
                ..any()
            },
        ),
        (
            "nightly backup",
            v1::DetectionFilter {
                suppressed: Some(true),
                ..any()
            },
        ),
        (
            "nightly backup",
            v1::DetectionFilter {
                verdict: v1::Verdict::Expected.into(),
                ..any()
            },
        ),
        (
            "nightly backup",
            v1::DetectionFilter {
                text: "night*".into(),
                ..any()
            },
        ),
        (
            "source",
            v1::DetectionFilter {
                fingerprint: fingerprint("source").into(),
                ..any()
            },
        ),
        (
            "plain",
            v1::DetectionFilter {
                unacknowledged: Some(false),
                suppressed: Some(false),
                ..any()
            },
        ),
        (
            "plain",
            v1::DetectionFilter {
                detected_until: all.iter().find(|row| row.text == "label").unwrap().detected_at,
                ..any()
            },
        ),
    ];
    for (expected, filter) in cases {
        for collapse in [true, false] {
            let request = v1::ListDetectionsRequest {
                filter: Some(filter.clone()),
                collapse,
                ..Default::default()
            };
            let answer = client.list_detections(request).await.unwrap().into_inner();
            let newest = answer.groups.into_iter().filter_map(|group| group.newest);
            let texts: Vec<String> = newest.chain(answer.detections).map(|row| row.text).collect();
            assert_eq!(texts, [expected], "{filter:?}, collapse {collapse}");
        }
    }
    let open = v1::DetectionFilter {
        unacknowledged: Some(true),
        ..any()
    };
    let open = client
        .list_detections(collapsed(open))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(open.groups.len(), 5);
}

#[tokio::test]
async fn pages_of_groups_hold_each_once_while_they_recur() {
    let server = TestServer::start().await;
    // Words, since numbers make no difference between messages.
    let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"];
    for (number, word) in words.into_iter().enumerate() {
        let mut line = line(format!("{word} failed"));
        line.detected_at = second(number as i64 / 3);
        commit(&server.store, &[line]).await;
    }
    let mut client = server.detections().await;
    let mut request = v1::ListDetectionsRequest {
        page_size: 3,
        ..collapsed(v1::DetectionFilter::default())
    };
    let mut seen = Vec::new();
    loop {
        let answer = client
            .list_detections(request.clone())
            .await
            .unwrap()
            .into_inner();
        seen.extend(answer.groups.into_iter().map(|group| group.newest.unwrap().text));
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
        // One that was shown already recurs and moves to the front.
        let mut again = line(seen[0].clone());
        again.detected_at = second(1_000);
        commit(&server.store, &[again]).await;
    }
    assert_eq!(seen.len(), 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7, "none twice: {seen:?}");
}

#[tokio::test]
async fn a_tenant_sees_its_own_groups_and_the_shared_ones() {
    let server = TestServer::start().await;
    for tenant in ["", "acme", "globex"] {
        let mut line = line("disk full");
        line.tenant = tenant;
        commit(&server.store, &[line]).await;
    }
    let mut client = server.detections().await;
    for (tenant, visible) in [
        ("", vec![""]),
        ("acme", vec!["", "acme"]),
        ("globex", vec!["", "globex"]),
    ] {
        let request = of_tenant(tenant, collapsed(v1::DetectionFilter::default()));
        let groups = client.list_detections(request).await.unwrap().into_inner().groups;
        let mut tenants: Vec<String> = groups.into_iter().map(|group| group.tenant_id).collect();
        tenants.sort();
        assert_eq!(tenants, visible);
    }
}
