//! Acknowledging and opening again, by ids and by filter.

use crate::support::{TestServer, commit, line, of_tenant, stored};
use turnstone_proto::v1;
use turnstone_proto::v1::acknowledge_detections_request::Selection as Acknowledge;
use turnstone_proto::v1::unacknowledge_detections_request::Selection as Unacknowledge;

fn ids(ids: impl IntoIterator<Item = String>) -> v1::DetectionIds {
    v1::DetectionIds {
        ids: ids.into_iter().collect(),
    }
}

#[tokio::test]
async fn by_ids_with_a_note_and_back() {
    let server = TestServer::start().await;
    commit(&server.store, &[line("one"), line("two")]).await;
    let rows = stored(&server.store, "").await;
    let one = rows.iter().find(|row| row.text == "one").unwrap().id.to_string();
    let mut client = server.detections().await;
    let request = v1::AcknowledgeDetectionsRequest {
        // A repeated id counts once, one that does not exist not at all.
        selection: Some(Acknowledge::Ids(ids([
            one.clone(),
            one.clone(),
            "nowhere".into(),
        ]))),
        notes: "known scanner".into(),
        ..v1::AcknowledgeDetectionsRequest::default()
    };
    assert_eq!(
        client
            .acknowledge_detections(request)
            .await
            .unwrap()
            .into_inner()
            .acknowledged_count,
        1
    );
    let get = v1::GetDetectionRequest { id: one.clone() };
    let detection = client.get_detection(get.clone()).await.unwrap().into_inner();
    assert!(detection.acknowledged && detection.acknowledged_at.is_some());
    assert_eq!(detection.notes, "known scanner");
    let open = stored(&server.store, "")
        .await
        .into_iter()
        .filter(|row| !row.acknowledged)
        .count();
    assert_eq!(open, 1);

    let request = v1::UnacknowledgeDetectionsRequest {
        selection: Some(Unacknowledge::Ids(ids([one]))),
        all: false,
    };
    assert_eq!(
        client
            .unacknowledge_detections(request.clone())
            .await
            .unwrap()
            .into_inner()
            .unacknowledged_count,
        1
    );
    assert_eq!(
        client
            .unacknowledge_detections(request)
            .await
            .unwrap()
            .into_inner()
            .unacknowledged_count,
        0
    );
    let detection = client.get_detection(get).await.unwrap().into_inner();
    assert!(!detection.acknowledged && detection.acknowledged_at.is_none() && detection.notes.is_empty());
}

#[tokio::test]
async fn by_filter_and_everything_only_when_meant() {
    let server = TestServer::start().await;
    let mut hardware = line("disk");
    hardware.label = "HARDWARE_ISSUE";
    commit(&server.store, &[line("one"), line("two"), hardware]).await;
    let mut client = server.detections().await;
    let filter = v1::DetectionFilter {
        anomaly_label: "security_anomaly".into(),
        ..Default::default()
    };
    let by_label = v1::AcknowledgeDetectionsRequest {
        selection: Some(Acknowledge::Filter(filter)),
        ..Default::default()
    };
    assert_eq!(
        client
            .acknowledge_detections(by_label)
            .await
            .unwrap()
            .into_inner()
            .acknowledged_count,
        2
    );
    let everything = v1::AcknowledgeDetectionsRequest {
        selection: Some(Acknowledge::Filter(v1::DetectionFilter::default())),
        all: true,
        ..Default::default()
    };
    let changed = client
        .acknowledge_detections(everything)
        .await
        .unwrap()
        .into_inner()
        .acknowledged_count;
    assert_eq!(changed, 1, "the two that are acknowledged already are left alone");
    let everything = v1::UnacknowledgeDetectionsRequest {
        selection: Some(Unacknowledge::Filter(v1::DetectionFilter::default())),
        all: true,
    };
    assert_eq!(
        client
            .unacknowledge_detections(everything)
            .await
            .unwrap()
            .into_inner()
            .unacknowledged_count,
        3
    );
}

#[tokio::test]
async fn never_across_tenants() {
    let server = TestServer::start().await;
    let mut foreign = line("foreign");
    foreign.tenant = "globex";
    commit(&server.store, &[foreign, line("shared")]).await;
    let foreign_id = stored(&server.store, "globex")
        .await
        .into_iter()
        .find(|row| row.text == "foreign")
        .unwrap()
        .id;
    let mut client = server.detections().await;
    let by_id = v1::AcknowledgeDetectionsRequest {
        selection: Some(Acknowledge::Ids(ids([foreign_id.to_string()]))),
        ..Default::default()
    };
    let answer = client
        .acknowledge_detections(of_tenant("acme", by_id))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.acknowledged_count, 0);
    let everything = v1::AcknowledgeDetectionsRequest {
        selection: Some(Acknowledge::Filter(v1::DetectionFilter::default())),
        all: true,
        ..Default::default()
    };
    let answer = client
        .acknowledge_detections(of_tenant("acme", everything))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.acknowledged_count, 1, "the shared one only");
    let rows = stored(&server.store, "globex").await;
    assert!(rows.iter().all(|row| row.acknowledged == (row.text == "shared")));
}
