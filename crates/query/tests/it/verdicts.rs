//! Verdicts: listed as training data, counted in the statistics.

use crate::support::{TestServer, commit, line, of_tenant, second, stored, suppression_of};
use turnstone_proto::v1;
use turnstone_proto::v1::acknowledge_detections_request::Selection;

async fn judge(server: &TestServer, text: &str, verdict: v1::Verdict) {
    let rows = stored(&server.store, "").await;
    let row = rows.iter().find(|row| row.text == text).unwrap();
    let request = v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Ids(v1::DetectionIds {
            ids: vec![row.id.to_string()],
        })),
        verdict: verdict.into(),
        notes: format!("about {text}"),
        ..Default::default()
    };
    let answer = server
        .detections()
        .await
        .acknowledge_detections(request)
        .await
        .unwrap();
    assert_eq!(answer.into_inner().acknowledged_count, 1);
}

#[tokio::test]
async fn what_people_said_comes_newest_first_page_by_page() {
    let server = TestServer::start().await;
    server
        .store
        .add_suppression(&suppression_of(&["nightly"])[0])
        .await
        .unwrap();
    for (number, text) in ["one", "two", "three", "not judged"].into_iter().enumerate() {
        let mut line = line(text);
        line.detected_at = second(number as i64);
        commit(&server.store, &[line]).await;
    }
    // That a suppression calls it expected is nobody's verdict.
    commit(&server.store, &[line("nightly")]).await;
    judge(&server, "one", v1::Verdict::TruePositive).await;
    judge(&server, "two", v1::Verdict::FalsePositive).await;
    judge(&server, "three", v1::Verdict::Expected).await;
    let mut client = server.detections().await;
    let mut request = v1::ListVerdictsRequest {
        page_size: 2,
        ..Default::default()
    };
    let mut listed = Vec::new();
    loop {
        let answer = client.list_verdicts(request.clone()).await.unwrap().into_inner();
        listed.extend(answer.verdicts);
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    let said: Vec<_> = listed
        .iter()
        .map(|judged| (judged.text.as_str(), judged.verdict(), judged.notes.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("three", v1::Verdict::Expected, "about three"),
            ("two", v1::Verdict::FalsePositive, "about two"),
            ("one", v1::Verdict::TruePositive, "about one"),
        ]
    );
    assert!(
        listed
            .iter()
            .all(|judged| judged.anomaly_label == "SECURITY_ANOMALY"
                && judged.source_id == "ssh"
                && judged.judged_time.is_some()
                && !judged.detection_id.is_empty())
    );

    let summary = server
        .stats()
        .await
        .get_stats_summary(v1::GetStatsSummaryRequest {})
        .await
        .unwrap()
        .into_inner();
    let all = summary.detections.unwrap();
    assert_eq!(
        (all.detection_count, all.open_count, all.suppressed_count),
        (5, 1, 1)
    );
    assert_eq!(
        (
            all.true_positive_count,
            all.false_positive_count,
            all.expected_count
        ),
        (1, 1, 1)
    );
    assert_eq!(all.false_positive_rate, Some(1.0 / 3.0));
    let label = &summary.labels[0];
    assert_eq!(label.detections, Some(all));
    assert_eq!(summary.sources[0].detections, Some(all));
}

#[tokio::test]
async fn nobody_reads_the_verdicts_of_another_tenant() {
    let server = TestServer::start().await;
    let mut foreign = line("foreign");
    foreign.tenant = "globex";
    commit(&server.store, &[foreign]).await;
    let everything = v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Filter(v1::DetectionFilter::default())),
        all: true,
        verdict: v1::Verdict::FalsePositive.into(),
        ..Default::default()
    };
    let mut client = server.detections().await;
    client
        .acknowledge_detections(of_tenant("globex", everything))
        .await
        .unwrap();
    for (tenant, count) in [("globex", 1), ("acme", 0), ("", 0)] {
        let request = of_tenant(tenant, v1::ListVerdictsRequest::default());
        let verdicts = client.list_verdicts(request).await.unwrap().into_inner().verdicts;
        assert_eq!(verdicts.len(), count, "{tenant:?}");
    }
}
