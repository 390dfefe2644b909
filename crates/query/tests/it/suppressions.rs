//! Suppressions: made, listed, at work, removed.

use crate::support::{TestServer, commit, line, of_tenant, stored};
use std::time::Duration;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::{Timestamp, fingerprint};

fn of(text: &str) -> v1::Suppression {
    v1::Suppression {
        // What the server sets is passed over.
        id: "mine".into(),
        tenant_id: "globex".into(),
        fingerprint: fingerprint(text).into(),
        source_id: "ssh".into(),
        anomaly_label: "security_anomaly".into(),
        expire_time: Some(timestamp_to_proto(Timestamp::now() + Duration::from_secs(3_600))),
        reason: "planned work".into(),
        created_by: "ada".into(),
        create_time: None,
    }
}

fn create(suppression: v1::Suppression) -> v1::CreateSuppressionRequest {
    v1::CreateSuppressionRequest {
        suppression: Some(suppression),
    }
}

#[tokio::test]
async fn a_suppression_lives_until_it_is_removed() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    let request = of_tenant("acme", create(of("job 1 failed")));
    let made = client.create_suppression(request).await.unwrap().into_inner();
    assert!(made.id != "mine" && made.create_time.is_some());
    assert_eq!(
        (made.tenant_id.as_str(), made.anomaly_label.as_str()),
        ("acme", "SECURITY_ANOMALY")
    );
    assert_eq!(
        (made.reason.as_str(), made.created_by.as_str()),
        ("planned work", "ada")
    );
    let mut list = async |tenant| {
        let request = of_tenant(tenant, v1::ListSuppressionsRequest::default());
        client
            .list_suppressions(request)
            .await
            .unwrap()
            .into_inner()
            .suppressions
    };
    assert_eq!(
        list("acme").await,
        std::slice::from_ref(&made),
        "the list shows what was answered"
    );
    assert!(list("globex").await.is_empty());

    let mut own = [line("job 2 failed"), line("job 3 failed"), line("job 4 failed")];
    own[0].tenant = "acme";
    own[1].tenant = "acme";
    own[1].source = "kernel";
    commit(&server.store, &own).await;
    for row in stored(&server.store, "acme").await {
        assert_eq!(
            (row.suppressed, row.acknowledged),
            (row.text == "job 2 failed", row.text == "job 2 failed")
        );
        if row.suppressed {
            assert_eq!(
                (row.notes.as_str(), row.verdict),
                ("planned work", Some(turnstone_types::Verdict::Expected))
            );
        }
    }

    let mut client = server.detections().await;
    let delete = v1::DeleteSuppressionRequest { id: made.id };
    let foreign = client
        .delete_suppression(of_tenant("globex", delete.clone()))
        .await;
    assert_eq!(foreign.unwrap_err().code(), tonic::Code::NotFound);
    client
        .delete_suppression(of_tenant("acme", delete.clone()))
        .await
        .unwrap();
    let again = client.delete_suppression(of_tenant("acme", delete)).await;
    assert_eq!(again.unwrap_err().code(), tonic::Code::NotFound);
    let mut after = line("job 5 failed");
    after.tenant = "acme";
    commit(&server.store, &[after]).await;
    let rows = stored(&server.store, "acme").await;
    assert!(
        rows.iter()
            .any(|row| row.text == "job 5 failed" && !row.acknowledged)
    );
    assert!(
        rows.iter()
            .any(|row| row.text == "job 2 failed" && row.suppressed),
        "stays as it was"
    );
}

#[tokio::test]
async fn pages_of_suppressions_newest_first() {
    let server = TestServer::start().await;
    let mut client = server.detections().await;
    let mut made = Vec::new();
    for word in ["alpha", "beta", "gamma", "delta", "epsilon"] {
        made.insert(
            0,
            client
                .create_suppression(create(of(word)))
                .await
                .unwrap()
                .into_inner(),
        );
    }
    let mut request = v1::ListSuppressionsRequest {
        page_size: 2,
        ..Default::default()
    };
    let (mut listed, mut pages) = (Vec::new(), 0);
    loop {
        let answer = client
            .list_suppressions(request.clone())
            .await
            .unwrap()
            .into_inner();
        listed.extend(answer.suppressions);
        pages += 1;
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    assert_eq!((listed, pages), (made, 3));
}
