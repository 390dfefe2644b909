//! Acknowledging as an operation: by group up to a moment, with a verdict, dry, and undone.

use crate::groups::collapsed;
use crate::support::{TestServer, commit, line, of_tenant, second};
use tonic::transport::Channel;
use turnstone_proto::v1;
use turnstone_proto::v1::acknowledge_detections_request::Selection;
use turnstone_proto::v1::detection_service_client::DetectionServiceClient;

type Client = DetectionServiceClient<Channel>;

async fn groups(client: &mut Client) -> Vec<v1::DetectionGroup> {
    let request = collapsed(v1::DetectionFilter::default());
    client.list_detections(request).await.unwrap().into_inner().groups
}

fn up_to_now(group: &v1::DetectionGroup) -> v1::DetectionGroupSelector {
    v1::DetectionGroupSelector {
        tenant_id: group.tenant_id.clone(),
        source_id: group.source_id.clone(),
        anomaly_label: group.anomaly_label.clone(),
        fingerprint: group.fingerprint.clone(),
        until_time: group.last_seen_time,
    }
}

fn of_groups(groups: Vec<v1::DetectionGroupSelector>) -> v1::AcknowledgeDetectionsRequest {
    v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Groups(v1::DetectionGroupSelectors { groups })),
        ..Default::default()
    }
}

async fn detect(server: &TestServer, text: &str, at: i64) {
    let mut line = line(text);
    line.detected_at = second(at);
    commit(&server.store, &[line]).await;
}

#[tokio::test]
async fn a_group_closes_up_to_a_moment_and_opens_when_it_recurs() {
    let server = TestServer::start().await;
    detect(&server, "failed login 1", 1).await;
    detect(&server, "failed login 2", 2).await;
    detect(&server, "disk full", 2).await;
    let mut client = server.detections().await;
    let shown = groups(&mut client).await;
    let logins = shown.iter().find(|group| group.detection_count == 2).unwrap();
    // What comes between looking and acknowledging stays open.
    detect(&server, "failed login 3", 3).await;
    let request = v1::AcknowledgeDetectionsRequest {
        verdict: v1::Verdict::TruePositive.into(),
        notes: "blocked".into(),
        acknowledged_by: "ada".into(),
        // The same group twice counts once.
        ..of_groups(vec![up_to_now(logins), up_to_now(logins)])
    };
    let dry = v1::AcknowledgeDetectionsRequest {
        dry_run: true,
        ..request.clone()
    };
    let answer = client.acknowledge_detections(dry).await.unwrap().into_inner();
    assert_eq!(
        (answer.acknowledged_count, answer.acknowledgement_id.as_str()),
        (2, "")
    );
    assert!(
        groups(&mut client)
            .await
            .iter()
            .all(|group| group.open_count == group.detection_count)
    );

    let answer = client
        .acknowledge_detections(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.acknowledged_count, 2);
    assert!(!answer.acknowledgement_id.is_empty());
    let now = groups(&mut client).await;
    let after = now
        .iter()
        .find(|group| group.fingerprint == logins.fingerprint)
        .unwrap();
    assert_eq!((after.detection_count, after.open_count), (3, 1));
    assert_eq!(after.acknowledged_until_time, logins.last_seen_time);
    let closed = v1::ListDetectionsRequest {
        filter: Some(v1::DetectionFilter {
            unacknowledged: Some(false),
            ..Default::default()
        }),
        ..Default::default()
    };
    for row in client
        .list_detections(closed)
        .await
        .unwrap()
        .into_inner()
        .detections
    {
        assert_eq!(
            (row.verdict(), row.notes.as_str()),
            (v1::Verdict::TruePositive, "blocked")
        );
        assert_eq!(row.acknowledgement_id, answer.acknowledgement_id);
    }
    // Again: nothing that is closed already changes.
    let again = client.acknowledge_detections(request).await.unwrap().into_inner();
    assert_eq!(again.acknowledged_count, 0);

    let undo = v1::UndoAcknowledgementRequest {
        acknowledgement_id: answer.acknowledgement_id,
    };
    let undone = client
        .undo_acknowledgement(undo.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((undone.restored_count, undone.left_alone_count), (2, 0));
    let undone_again = client.undo_acknowledgement(undo).await.unwrap().into_inner();
    assert_eq!(undone_again, undone, "a repeat answers the same");
    let now = groups(&mut client).await;
    let opened = now
        .iter()
        .find(|group| group.fingerprint == logins.fingerprint)
        .unwrap();
    assert_eq!(opened.open_count, 3);
}

#[tokio::test]
async fn by_filter_dry_then_meant_then_undone_around_a_later_change() {
    let server = TestServer::start().await;
    for number in 0..5 {
        detect(&server, &format!("failed login {number}"), number).await;
    }
    detect(&server, "disk full", 9).await;
    while server.store.index_pending_text(100).await.unwrap() > 0 {}
    let mut client = server.detections().await;
    let by_text = v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Filter(v1::DetectionFilter {
            text: "\"failed login\"".into(),
            ..Default::default()
        })),
        verdict: v1::Verdict::Expected.into(),
        ..Default::default()
    };
    let dry = v1::AcknowledgeDetectionsRequest {
        dry_run: true,
        ..by_text.clone()
    };
    let answer = client.acknowledge_detections(dry).await.unwrap().into_inner();
    assert_eq!(
        (answer.acknowledged_count, answer.acknowledgement_id.as_str()),
        (5, "")
    );
    let answer = client.acknowledge_detections(by_text).await.unwrap().into_inner();
    assert_eq!(answer.acknowledged_count, 5);
    // Somebody changes one of them since; undoing leaves that one alone.
    let rows = crate::support::stored(&server.store, "").await;
    let changed = rows.iter().find(|row| row.text == "failed login 3").unwrap();
    let by_id = v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Ids(v1::DetectionIds {
            ids: vec![changed.id.to_string()],
        })),
        verdict: v1::Verdict::FalsePositive.into(),
        ..Default::default()
    };
    client.acknowledge_detections(by_id).await.unwrap();
    let undo = v1::UndoAcknowledgementRequest {
        acknowledgement_id: answer.acknowledgement_id,
    };
    let undone = client.undo_acknowledgement(undo).await.unwrap().into_inner();
    assert_eq!((undone.restored_count, undone.left_alone_count), (4, 1));
    let rows = crate::support::stored(&server.store, "").await;
    let closed: Vec<&str> = rows
        .iter()
        .filter(|row| row.acknowledged)
        .map(|row| row.text.as_str())
        .collect();
    assert_eq!(closed, ["failed login 3"]);
}

#[tokio::test]
async fn nobody_undoes_what_another_tenant_did() {
    let server = TestServer::start().await;
    detect(&server, "disk full", 1).await;
    let mut client = server.detections().await;
    let everything = v1::AcknowledgeDetectionsRequest {
        selection: Some(Selection::Filter(v1::DetectionFilter::default())),
        all: true,
        ..Default::default()
    };
    let request = of_tenant("acme", everything);
    let answer = client.acknowledge_detections(request).await.unwrap().into_inner();
    let undo = v1::UndoAcknowledgementRequest {
        acknowledgement_id: answer.acknowledgement_id,
    };
    for tenant in ["", "globex"] {
        let refused = client.undo_acknowledgement(of_tenant(tenant, undo.clone())).await;
        assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound, "{tenant:?}");
    }
    assert!(client.undo_acknowledgement(of_tenant("acme", undo)).await.is_ok());
}
