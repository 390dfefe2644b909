//! What a scorer answers to questions about labels.

use crate::Fixture;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use turnstone_bus::LabelQuestion;
use turnstone_proto::v1;
use turnstone_proto::v1::explain_label_failure::Kind;
use turnstone_proto::v1::explain_label_reply::Result as Reply;
use turnstone_scorer::LabelExplainer;
use turnstone_store::EntrySearch;
use turnstone_types::TenantId;

fn question(tenant_id: &str, entry_id: &str) -> LabelQuestion {
    LabelQuestion {
        query: v1::ExplainLabelQuery {
            tenant_id: tenant_id.to_owned(),
            entry_id: entry_id.to_owned(),
        },
        trace_parent: None,
    }
}

async fn refusal(explainer: &LabelExplainer, question: LabelQuestion) -> (Kind, String) {
    match explainer.answer(question).await.result.unwrap() {
        Reply::Failure(failure) => (failure.kind(), failure.reason),
        Reply::Explanation(explanation) => panic!("explained: {explanation:?}"),
    }
}

/// The id of the one entry of a tenant with this text.
async fn entry_id(fixture: &Fixture, tenant: &TenantId, text: &str) -> String {
    let all = EntrySearch::default();
    let entries = fixture
        .store
        .search_entries(tenant, &all, None, 10)
        .await
        .unwrap();
    let entry = entries.into_iter().find(|entry| entry.text == text).unwrap();
    entry.id.to_string()
}

#[tokio::test]
async fn a_label_is_explained_to_its_tenant_and_to_nobody_else() {
    let fixture = Fixture::new().await;
    let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
    let text = "a bad disk";
    fixture.commit(&acme, &[text]).await;
    let id = entry_id(&fixture, &acme, text).await;
    let explainer = LabelExplainer::new(Arc::clone(&fixture.store), fixture.engine.clone());

    let reply = explainer.answer(question("acme", &id)).await.result.unwrap();
    let Reply::Explanation(explanation) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(
        (explanation.anomaly_label.as_str(), explanation.scorer.as_str()),
        ("SYSTEM_FAILURE", "wordy")
    );
    assert!((explanation.anomaly_score - 0.9).abs() < 1e-6);
    assert_eq!(explanation.severity(), v1::Severity::Critical);
    // The text stays where it is.
    assert_eq!(explanation.text, "");
    let weights: Vec<(&str, bool)> = explanation
        .words
        .iter()
        .map(|word| {
            let range = word.range.as_ref().unwrap();
            (&text[range.start as usize..range.end as usize], word.weight > 0.5)
        })
        .collect();
    assert_eq!(weights, [("a", false), ("bad", true), ("disk", false)]);

    for unknown in [
        question(other.as_str(), &id),
        question("", &id),
        question("acme", "no-such-entry"),
        question("acme", ""),
        question("not a tenant", &id),
    ] {
        assert_eq!(refusal(&explainer, unknown).await.0, Kind::NotFound);
    }
    drop(explainer);
    fixture.close().await;
}

#[tokio::test]
async fn what_the_model_cannot_do_has_its_reason() {
    let fixture = Fixture::new().await;
    fixture.commit(&TenantId::shared(), &["poison", "bad disk"]).await;
    let explainer = LabelExplainer::new(Arc::clone(&fixture.store), fixture.engine.clone());
    let poison = entry_id(&fixture, &TenantId::shared(), "poison").await;
    let (kind, reason) = refusal(&explainer, question("", &poison)).await;
    assert!(
        kind == Kind::Unscorable && reason.contains("finite"),
        "{kind:?}: {reason}"
    );

    fixture.device_broken.store(true, Ordering::Relaxed);
    let fine = entry_id(&fixture, &TenantId::shared(), "bad disk").await;
    assert_eq!(refusal(&explainer, question("", &fine)).await.0, Kind::Internal);

    let without = LabelExplainer::without_model();
    let (kind, reason) = refusal(&without, question("", &fine)).await;
    assert!(
        kind == Kind::NoModel && reason.contains("anomaly.model"),
        "{kind:?}: {reason}"
    );
    drop(explainer);
    fixture.close().await;
}
