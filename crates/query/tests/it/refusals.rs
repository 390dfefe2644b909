//! Requests of groups, verdicts, suppressions, orders and timelines that are refused name the field that is wrong.

use crate::support::{TestServer, commit, commit_together, line, of_tenant, second};
use crate::validation::assert_names;
use tonic::Code;
use turnstone_proto::v1::acknowledge_detections_request::Selection;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::fingerprint;

/// Filters of detections that name something newer.
pub fn broken_filters() -> Vec<(&'static str, v1::DetectionFilter)> {
    let filter = v1::DetectionFilter::default;
    let fingerprint = |fingerprint: &str| v1::DetectionFilter {
        fingerprint: fingerprint.into(),
        ..filter()
    };
    let text = |text: &str| v1::DetectionFilter {
        text: text.into(),
        ..filter()
    };
    let verdict = |verdict| v1::DetectionFilter { verdict, ..filter() };
    vec![
        ("filter.fingerprint", fingerprint("0123")),
        ("filter.fingerprint", fingerprint("0123456789ABCDEF")),
        ("filter.fingerprint", fingerprint(&"0".repeat(1_000_000))),
        ("filter.verdict", verdict(4)),
        ("filter.verdict", verdict(-1)),
        ("filter.text", text("\"open")),
        ("filter.text", text("-only")),
        ("filter.text", text("a\0")),
        ("filter.text", text(&"x".repeat(1_001))),
    ]
}

#[tokio::test]
async fn acknowledgements_of_groups_with_verdicts() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    let group = || v1::DetectionGroupSelector {
        tenant_id: "acme".into(),
        source_id: "ssh".into(),
        anomaly_label: "SECURITY_ANOMALY".into(),
        fingerprint: fingerprint("x").into(),
        until_time: Some(timestamp_to_proto(second(0))),
    };
    let by_groups = |groups: Vec<v1::DetectionGroupSelector>| v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Groups(v1::DetectionGroupSelectors { groups })),
        ..Default::default()
    };
    let good = || by_groups(vec![group()]);
    let cases = [
        ("groups.groups", by_groups(Vec::new())),
        ("groups.groups", by_groups(vec![group(); 1_001])),
        (
            "groups.groups[1].until_time",
            by_groups(vec![
                group(),
                v1::DetectionGroupSelector {
                    until_time: None,
                    ..group()
                },
            ]),
        ),
        (
            "groups.groups[0].until_time",
            by_groups(vec![v1::DetectionGroupSelector {
                until_time: Some(prost_types::Timestamp {
                    seconds: 0,
                    nanos: -1,
                }),
                ..group()
            }]),
        ),
        (
            "groups.groups[0].fingerprint",
            by_groups(vec![v1::DetectionGroupSelector {
                fingerprint: "abc".into(),
                ..group()
            }]),
        ),
        (
            "groups.groups[0].anomaly_label",
            by_groups(vec![v1::DetectionGroupSelector {
                anomaly_label: String::new(),
                ..group()
            }]),
        ),
        (
            "groups.groups[0].source_id",
            by_groups(vec![v1::DetectionGroupSelector {
                source_id: String::new(),
                ..group()
            }]),
        ),
        (
            "groups.groups[0].tenant_id",
            by_groups(vec![v1::DetectionGroupSelector {
                tenant_id: "globex".into(),
                ..group()
            }]),
        ),
        (
            "groups.groups[0].tenant_id",
            by_groups(vec![v1::DetectionGroupSelector {
                tenant_id: "a.b".into(),
                ..group()
            }]),
        ),
        ("all", v1::AcknowledgeDetectionsRequest { all: true, ..good() }),
        (
            "verdict",
            v1::AcknowledgeDetectionsRequest { verdict: 9, ..good() },
        ),
        (
            "acknowledged_by",
            v1::AcknowledgeDetectionsRequest {
                acknowledged_by: "ä".repeat(201),
                ..good()
            },
        ),
        (
            "acknowledged_by",
            v1::AcknowledgeDetectionsRequest {
                acknowledged_by: "a\0".into(),
                ..good()
            },
        ),
    ];
    for (field, request) in cases {
        assert_names(
            field,
            client.acknowledge_detections(of_tenant("acme", request)).await,
        );
    }
    let most = v1::AcknowledgeDetectionsRequest {
        acknowledged_by: "ä".repeat(200),
        ..by_groups(vec![group(); 1_000])
    };
    assert!(
        client
            .acknowledge_detections(of_tenant("acme", most))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn undoing_what_is_not_there() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    let undo = |id: &str| v1::UndoAcknowledgementRequest {
        acknowledgement_id: id.into(),
    };
    for id in ["", "a\nb", &"x".repeat(201)] {
        assert_names("acknowledgement_id", client.undo_acknowledgement(undo(id)).await);
    }
    let missing = client.undo_acknowledgement(undo("nowhere")).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn suppressions_that_say_too_little_or_too_much() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    let in_an_hour = turnstone_types::Timestamp::now() + std::time::Duration::from_secs(3_600);
    let good = || v1::Suppression {
        fingerprint: fingerprint("x").into(),
        expire_time: Some(timestamp_to_proto(in_an_hour)),
        ..Default::default()
    };
    assert_names(
        "suppression",
        client
            .create_suppression(v1::CreateSuppressionRequest { suppression: None })
            .await,
    );
    let cases = [
        (
            "suppression.fingerprint",
            v1::Suppression {
                fingerprint: String::new(),
                ..good()
            },
        ),
        (
            "suppression.fingerprint",
            v1::Suppression {
                fingerprint: "g".repeat(16),
                ..good()
            },
        ),
        (
            "suppression.expire_time",
            v1::Suppression {
                expire_time: None,
                ..good()
            },
        ),
        (
            "suppression.expire_time",
            v1::Suppression {
                expire_time: Some(timestamp_to_proto(second(0))),
                ..good()
            },
        ),
        (
            "suppression.expire_time",
            v1::Suppression {
                expire_time: Some(prost_types::Timestamp {
                    seconds: i64::MAX,
                    nanos: 0,
                }),
                ..good()
            },
        ),
        (
            "suppression.source_id",
            v1::Suppression {
                source_id: "a\u{7}".into(),
                ..good()
            },
        ),
        (
            "suppression.anomaly_label",
            v1::Suppression {
                anomaly_label: "x".repeat(201),
                ..good()
            },
        ),
        (
            "suppression.reason",
            v1::Suppression {
                reason: "ä".repeat(4_001),
                ..good()
            },
        ),
        (
            "suppression.reason",
            v1::Suppression {
                reason: "\0".into(),
                ..good()
            },
        ),
        (
            "suppression.created_by",
            v1::Suppression {
                created_by: "x".repeat(201),
                ..good()
            },
        ),
    ];
    for (field, suppression) in cases {
        let request = v1::CreateSuppressionRequest {
            suppression: Some(suppression),
        };
        assert_names(field, client.create_suppression(request).await);
    }
    let list = |page_size, page_token: &str| v1::ListSuppressionsRequest {
        page_size,
        page_token: page_token.into(),
    };
    assert_names("page_size", client.list_suppressions(list(-1, "")).await);
    assert_names("page_token", client.list_suppressions(list(0, "bad")).await);
    let delete = |id: &str| v1::DeleteSuppressionRequest { id: id.into() };
    assert_names("id", client.delete_suppression(delete("")).await);
    let missing = client.delete_suppression(delete("nowhere")).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let verdicts = |page_size, page_token: &str| v1::ListVerdictsRequest {
        page_size,
        page_token: page_token.into(),
    };
    assert_names("page_size", client.list_verdicts(verdicts(-1, "")).await);
    assert_names("page_token", client.list_verdicts(verdicts(0, "bad")).await);
}

#[tokio::test]
async fn tokens_of_one_list_in_another() {
    let server = TestServer::start().await;
    let lines: Vec<_> = ["one", "two", "three"].into_iter().map(line).collect();
    commit_together(&server.store, &lines).await;
    let mut client = server.detections().await;
    let list = |collapse, page_token: &str| v1::ListDetectionsRequest {
        page_size: 1,
        page_token: page_token.into(),
        collapse,
        ..Default::default()
    };
    for collapse in [true, false] {
        let page = client
            .list_detections(list(collapse, ""))
            .await
            .unwrap()
            .into_inner();
        let token = page.next_page_token;
        assert!(client.list_detections(list(collapse, &token)).await.is_ok());
        assert_names(
            "page_token",
            client.list_detections(list(!collapse, &token)).await,
        );
        let verdicts = v1::ListVerdictsRequest {
            page_size: 1,
            page_token: token,
        };
        assert_names("page_token", client.list_verdicts(verdicts).await);
    }
}

#[tokio::test]
async fn orders_scores_and_contexts() {
    let server = TestServer::start().await;
    let ids = commit(&server.store, &[line("disk one"), line("disk two")]).await;
    let mut client = server.entries().await;
    let search = || v1::SearchEntriesRequest {
        query: "disk".into(),
        page_size: 1,
        ..Default::default()
    };
    let cases = [
        ("order", v1::SearchEntriesRequest { order: 3, ..search() }),
        (
            "order",
            v1::SearchEntriesRequest {
                order: -1,
                ..search()
            },
        ),
        (
            "anomaly_score_max",
            v1::SearchEntriesRequest {
                anomaly_score_max: Some(1.1),
                ..search()
            },
        ),
        (
            "anomaly_score_max",
            v1::SearchEntriesRequest {
                anomaly_score_max: Some(f64::NAN),
                ..search()
            },
        ),
        (
            "anomaly_score_max",
            v1::SearchEntriesRequest {
                anomaly_score_min: Some(0.6),
                anomaly_score_max: Some(0.5),
                ..search()
            },
        ),
    ];
    for (field, request) in cases {
        assert_names(field, client.search_entries(request).await);
    }
    let relevance = v1::SearchOrder::Relevance.into();
    let by_relevance = v1::SearchEntriesRequest {
        order: relevance,
        ..search()
    };
    for (own, other) in [(search(), by_relevance.clone()), (by_relevance, search())] {
        let token = client
            .search_entries(own.clone())
            .await
            .unwrap()
            .into_inner()
            .next_page_token;
        let with_token = |page_token: String, request: &v1::SearchEntriesRequest| v1::SearchEntriesRequest {
            page_token,
            ..request.clone()
        };
        assert!(
            client
                .search_entries(with_token(token.clone(), &own))
                .await
                .is_ok()
        );
        assert_names(
            "page_token",
            client.search_entries(with_token(token.clone(), &other)).await,
        );
        for bad in ["garbage".to_owned(), format!("{token}AA"), token[2..].to_owned()] {
            assert_names("page_token", client.search_entries(with_token(bad, &own)).await);
        }
        let narrower = v1::SearchEntriesRequest {
            source_id: "ssh".into(),
            ..with_token(token, &own)
        };
        assert_names("page_token", client.search_entries(narrower).await);
    }
    let context = v1::ListEntryContextRequest {
        entry_id: ids[0].to_string(),
        window_seconds: 1,
        any_time: true,
        ..Default::default()
    };
    assert_names("window_seconds", client.list_entry_context(context).await);
}

#[tokio::test]
async fn timelines() {
    let server = TestServer::start().await;
    let mut client = server.stats().await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let good = || v1::GetTimelineRequest {
        time_from: at(0),
        time_until: at(86_400),
        ..Default::default()
    };
    let cases = [
        (
            "time_from",
            v1::GetTimelineRequest {
                time_from: None,
                ..good()
            },
        ),
        (
            "time_from",
            v1::GetTimelineRequest {
                time_from: at(i64::MAX),
                ..good()
            },
        ),
        (
            "time_from",
            v1::GetTimelineRequest {
                time_from: at(200_000_000_000),
                time_until: None,
                ..good()
            },
        ),
        (
            "time_until",
            v1::GetTimelineRequest {
                time_until: at(0),
                ..good()
            },
        ),
        (
            "bucket_seconds",
            v1::GetTimelineRequest {
                bucket_seconds: 59,
                ..good()
            },
        ),
        (
            "bucket_seconds",
            v1::GetTimelineRequest {
                bucket_seconds: -60,
                ..good()
            },
        ),
        (
            "bucket_seconds",
            v1::GetTimelineRequest {
                time_until: at(600_060),
                bucket_seconds: 60,
                ..good()
            },
        ),
        (
            "source_id",
            v1::GetTimelineRequest {
                source_id: "a\nb".into(),
                ..good()
            },
        ),
    ];
    for (field, request) in cases {
        assert_names(field, client.get_timeline(request).await);
    }
    // The ends of time are allowed, whatever bucket they ask for.
    for bucket_seconds in [0, 2_147_483_640] {
        let all_time = v1::GetTimelineRequest {
            time_from: Some(timestamp_to_proto(turnstone_types::Timestamp::MIN)),
            time_until: Some(timestamp_to_proto(turnstone_types::Timestamp::MAX)),
            bucket_seconds,
            ..Default::default()
        };
        assert!(client.get_timeline(all_time).await.is_ok(), "{bucket_seconds}");
    }
}
