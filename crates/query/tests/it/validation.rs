//! Every refused request names the field that is wrong.

use crate::support::{TestServer, commit_together, line};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use turnstone_proto::v1;
use turnstone_proto::v1::acknowledge_detections_request::Selection;

#[track_caller]
pub fn assert_names<T: std::fmt::Debug>(field: &str, answer: Result<T, Status>) {
    let status = answer.expect_err(field);
    assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
    let details = status.get_error_details();
    let named: Vec<&str> = details
        .bad_request()
        .map(|request| {
            request
                .field_violations
                .iter()
                .map(|violation| violation.field.as_str())
                .collect()
        })
        .unwrap_or_default();
    assert_eq!(named, [field], "{status:?}");
    assert!(status.message().starts_with(field), "{}", status.message());
}

fn broken_filters() -> Vec<(&'static str, v1::DetectionFilter)> {
    let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let filter = v1::DetectionFilter::default;
    vec![
        (
            "filter.anomaly_label",
            v1::DetectionFilter {
                anomaly_label: "A\0B".into(),
                ..filter()
            },
        ),
        (
            "filter.anomaly_label",
            v1::DetectionFilter {
                anomaly_label: "x".repeat(201),
                ..filter()
            },
        ),
        (
            "filter.scorer",
            v1::DetectionFilter {
                scorer: "\u{1b}[31m".into(),
                ..filter()
            },
        ),
        (
            "filter.severity",
            v1::DetectionFilter {
                severity: 6,
                ..filter()
            },
        ),
        (
            "filter.severity",
            v1::DetectionFilter {
                severity: -1,
                ..filter()
            },
        ),
        (
            "filter.source_id",
            v1::DetectionFilter {
                source_id: "a\nb".into(),
                ..filter()
            },
        ),
        (
            "filter.source_id",
            v1::DetectionFilter {
                source_id: "x".repeat(201),
                ..filter()
            },
        ),
        (
            "filter.detected_from",
            v1::DetectionFilter {
                detected_from: at(i64::MAX, 0),
                ..filter()
            },
        ),
        (
            "filter.detected_until",
            v1::DetectionFilter {
                detected_until: at(0, -1),
                ..filter()
            },
        ),
        (
            "filter.detected_until",
            v1::DetectionFilter {
                detected_from: at(5, 0),
                detected_until: at(5, 0),
                ..filter()
            },
        ),
        (
            "filter.anomaly_score_min",
            v1::DetectionFilter {
                anomaly_score_min: Some(1.01),
                ..filter()
            },
        ),
        (
            "filter.anomaly_score_min",
            v1::DetectionFilter {
                anomaly_score_min: Some(-0.1),
                ..filter()
            },
        ),
        (
            "filter.anomaly_score_min",
            v1::DetectionFilter {
                anomaly_score_min: Some(f64::NAN),
                ..filter()
            },
        ),
    ]
}

#[tokio::test]
async fn filters_of_detections_wherever_they_are_taken() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    for (field, filter) in broken_filters()
        .into_iter()
        .chain(crate::refusals::broken_filters())
    {
        let list = v1::ListDetectionsRequest {
            filter: Some(filter.clone()),
            ..Default::default()
        };
        assert_names(field, client.list_detections(list.clone()).await);
        let groups = v1::ListDetectionsRequest {
            collapse: true,
            ..list
        };
        assert_names(field, client.list_detections(groups).await);
        let watch = v1::WatchDetectionsRequest {
            filter: Some(filter.clone()),
        };
        assert_names(field, client.watch_detections(watch).await.map(|_| ()));
        let acknowledge = v1::AcknowledgeDetectionsRequest {
            selection: Some(Selection::Filter(filter.clone())),
            ..Default::default()
        };
        assert_names(field, client.acknowledge_detections(acknowledge).await);
        let unacknowledge = v1::UnacknowledgeDetectionsRequest {
            selection: Some(v1::unacknowledge_detections_request::Selection::Filter(filter)),
            all: false,
        };
        assert_names(field, client.unacknowledge_detections(unacknowledge).await);
    }
}

#[tokio::test]
async fn pages_of_detections() {
    let server = TestServer::start().await;
    commit_together(&server.store, &vec![line("x"); 3]).await;
    let mut client = server.detections().await;
    let list = v1::ListDetectionsRequest {
        page_size: 1,
        ..Default::default()
    };
    assert_names(
        "page_size",
        client
            .list_detections(v1::ListDetectionsRequest {
                page_size: -1,
                ..list.clone()
            })
            .await,
    );
    let token = client
        .list_detections(list.clone())
        .await
        .unwrap()
        .into_inner()
        .next_page_token;
    let with_token = |page_token: String| v1::ListDetectionsRequest {
        page_token,
        ..list.clone()
    };
    assert!(client.list_detections(with_token(token.clone())).await.is_ok());
    for garbled in [
        "garbage".to_owned(),
        format!("{token}AAAA"),
        token[1..].to_owned(),
        "?".repeat(20),
    ] {
        assert_names("page_token", client.list_detections(with_token(garbled)).await);
    }
    let other_filter = v1::DetectionFilter {
        severity: v1::Severity::Error.into(),
        ..Default::default()
    };
    let request = v1::ListDetectionsRequest {
        filter: Some(other_filter),
        ..with_token(token.clone())
    };
    assert_names("page_token", client.list_detections(request).await);
    let request = crate::support::of_tenant("acme", with_token(token.clone()));
    assert_names("page_token", client.list_detections(request).await);
    // An absent filter and an empty one are the same.
    let request = v1::ListDetectionsRequest {
        filter: Some(v1::DetectionFilter::default()),
        ..with_token(token.clone())
    };
    assert!(client.list_detections(request).await.is_ok());
    let search = v1::SearchEntriesRequest {
        page_token: token,
        ..Default::default()
    };
    assert_names("page_token", server.entries().await.search_entries(search).await);
}

#[tokio::test]
async fn ids_notes_and_selections() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    for id in ["", "a\tb", &"x".repeat(201)] {
        assert_names(
            "id",
            client
                .get_detection(v1::GetDetectionRequest { id: id.into() })
                .await,
        );
        assert_names(
            "id",
            server
                .entries()
                .await
                .get_entry(v1::GetEntryRequest { id: id.into() })
                .await,
        );
    }
    let by_ids = |ids: Vec<String>| v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Ids(v1::DetectionIds { ids })),
        ..Default::default()
    };
    let one = || vec!["a".to_owned()];
    assert_names(
        "selection",
        client
            .acknowledge_detections(v1::AcknowledgeDetectionsRequest::default())
            .await,
    );
    assert_names(
        "selection",
        client
            .unacknowledge_detections(v1::UnacknowledgeDetectionsRequest::default())
            .await,
    );
    assert_names("ids.ids", client.acknowledge_detections(by_ids(Vec::new())).await);
    assert_names(
        "ids.ids",
        client
            .acknowledge_detections(by_ids(vec!["a".into(); 10_001]))
            .await,
    );
    assert!(
        client
            .acknowledge_detections(by_ids(vec!["a".into(); 10_000]))
            .await
            .is_ok()
    );
    assert_names(
        "ids.ids[1]",
        client
            .acknowledge_detections(by_ids(vec!["a".into(), String::new()]))
            .await,
    );
    let request = v1::AcknowledgeDetectionsRequest {
        notes: "ä".repeat(4_001),
        ..by_ids(one())
    };
    assert_names("notes", client.acknowledge_detections(request).await);
    let request = v1::AcknowledgeDetectionsRequest {
        notes: "ä".repeat(4_000),
        ..by_ids(one())
    };
    assert!(client.acknowledge_detections(request).await.is_ok());
    let request = v1::AcknowledgeDetectionsRequest {
        notes: "a\0".into(),
        ..by_ids(one())
    };
    assert_names("notes", client.acknowledge_detections(request).await);
    let request = v1::AcknowledgeDetectionsRequest {
        all: true,
        ..by_ids(one())
    };
    assert_names("all", client.acknowledge_detections(request).await);
    let empty = Some(Selection::Filter(v1::DetectionFilter::default()));
    let request = v1::AcknowledgeDetectionsRequest {
        selection: empty,
        ..Default::default()
    };
    assert_names("all", client.acknowledge_detections(request).await);
}

#[tokio::test]
async fn searches_and_contexts() {
    let server = TestServer::start().await;
    let mut client = server.entries().await;
    let search = v1::SearchEntriesRequest::default;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let cases = [
        (
            "page_size",
            v1::SearchEntriesRequest {
                page_size: -5,
                ..search()
            },
        ),
        (
            "query",
            v1::SearchEntriesRequest {
                query: "an \"open quote".into(),
                ..search()
            },
        ),
        (
            "query",
            v1::SearchEntriesRequest {
                query: "-only -nots".into(),
                ..search()
            },
        ),
        (
            "query",
            v1::SearchEntriesRequest {
                query: "x".repeat(1_001),
                ..search()
            },
        ),
        (
            "query",
            v1::SearchEntriesRequest {
                query: "nul\0".into(),
                ..search()
            },
        ),
        (
            "source_id",
            v1::SearchEntriesRequest {
                source_id: "\u{7}".into(),
                ..search()
            },
        ),
        (
            "severity",
            v1::SearchEntriesRequest {
                severity: 77,
                ..search()
            },
        ),
        (
            "anomaly_label",
            v1::SearchEntriesRequest {
                anomaly_label: "\n".into(),
                ..search()
            },
        ),
        (
            "anomaly_score_min",
            v1::SearchEntriesRequest {
                anomaly_score_min: Some(f64::INFINITY),
                ..search()
            },
        ),
        (
            "time_from",
            v1::SearchEntriesRequest {
                time_from: at(i64::MIN),
                ..search()
            },
        ),
        (
            "time_until",
            v1::SearchEntriesRequest {
                time_from: at(9),
                time_until: at(8),
                ..search()
            },
        ),
    ];
    for (field, request) in cases {
        assert_names(field, client.search_entries(request).await);
    }
    let open_quote = v1::SearchEntriesRequest {
        query: "an \"open quote".into(),
        ..search()
    };
    let status = client.search_entries(open_quote).await.unwrap_err();
    assert!(
        status.message().contains("character 4"),
        "the position is told: {}",
        status.message()
    );

    let context = || v1::ListEntryContextRequest {
        entry_id: "e".into(),
        ..Default::default()
    };
    let cases = [
        ("entry_id", v1::ListEntryContextRequest::default()),
        (
            "window_seconds",
            v1::ListEntryContextRequest {
                window_seconds: -1,
                ..context()
            },
        ),
        (
            "window_seconds",
            v1::ListEntryContextRequest {
                window_seconds: 86_401,
                ..context()
            },
        ),
        (
            "max_before",
            v1::ListEntryContextRequest {
                max_before: 1_001,
                ..context()
            },
        ),
        (
            "max_after",
            v1::ListEntryContextRequest {
                max_after: -1,
                ..context()
            },
        ),
    ];
    for (field, request) in cases {
        assert_names(field, client.list_entry_context(request).await);
    }
}

#[tokio::test]
async fn the_tenant_in_the_metadata() {
    const KEY: &str = "x-turnstone-tenant";
    let server = TestServer::start().await;
    let mut client = server.stats().await;
    for tenant in ["a.b", "_", "a b", "*"] {
        let request = crate::support::of_tenant(tenant, v1::GetStatsSummaryRequest {});
        assert_names(KEY, client.get_stats_summary(request).await);
    }
    let mut twice = crate::support::of_tenant("acme", v1::ListSourcesRequest {});
    twice.metadata_mut().append(KEY, "globex".parse().unwrap());
    assert_names(KEY, client.list_sources(twice).await);
}
