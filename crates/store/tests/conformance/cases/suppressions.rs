//! Suppressions: what they work on, how they end, and that nothing is lost by them.

use super::drift::assert_no_drift;
use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{DetectionFilter, NewSuppression, Store, StoreErrorKind, SuppressionKey};
use turnstone_types::{Detection, Label, SuppressionId, TenantId, Verdict, fingerprint};

crate::cases![
    a_suppressed_detection_is_kept_and_acknowledged,
    a_suppression_is_for_what_it_names,
    a_suppression_ends_by_itself,
    suppressions_are_listed_and_removed,
];

fn rule(owner: TenantId, text: &str) -> NewSuppression {
    NewSuppression {
        tenant: owner,
        fingerprint: fingerprint(text),
        source_id: None,
        label: None,
        expires_at: at(1_000),
        reason: "planned work".into(),
        by: "ann".into(),
        at: at(0),
    }
}

async fn detect(
    store: &dyn Store,
    owner: &str,
    text: &str,
    raw_label: &str,
    second: i64,
) -> anyhow::Result<Detection> {
    let ids = detections_of_texts(store, &tenant(owner), &[text], raw_label, second).await?;
    let found = store
        .list_detections(&tenant(owner), &DetectionFilter::default(), None, 1_000)
        .await?;
    Ok(found
        .into_iter()
        .find(|detection| detection.entry_id == ids[0])
        .unwrap())
}

async fn a_suppressed_detection_is_kept_and_acknowledged(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .add_suppression(&rule(tenant("acme"), "job 1 failed"))
        .await?;
    let quiet = detect(store, "acme", "job 22 failed", "ERROR", 10).await?;
    assert_eq!(
        (
            quiet.suppressed,
            quiet.acknowledged,
            quiet.acknowledged_at,
            quiet.verdict,
            quiet.notes.as_str()
        ),
        (true, true, Some(at(10)), Some(Verdict::Expected), "planned work")
    );
    let loud = detect(store, "acme", "disk full", "ERROR", 11).await?;
    assert!(!loud.suppressed && !loud.acknowledged);
    let count = async |suppressed| -> anyhow::Result<usize> {
        let filter = DetectionFilter {
            suppressed,
            ..DetectionFilter::default()
        };
        Ok(store
            .list_detections(&tenant("acme"), &filter, None, 10)
            .await?
            .len())
    };
    assert_eq!(
        (
            count(None).await?,
            count(Some(true)).await?,
            count(Some(false)).await?
        ),
        (2, 1, 1)
    );
    // Watchers see it marked, so that the sequence they follow has no gap.
    let feed = store.detections_after(0, 10).await?;
    assert_eq!(
        feed.iter()
            .map(|item| item.detection.suppressed)
            .collect::<Vec<_>>(),
        [true, false]
    );
    assert_no_drift(&harness, "suppressed").await
}

async fn a_suppression_is_for_what_it_names(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let of_source = NewSuppression {
        source_id: Some(source("db")),
        ..rule(tenant("acme"), "a")
    };
    let of_label = NewSuppression {
        label: Some(Label::new("CRITICAL")),
        ..rule(tenant("acme"), "b")
    };
    let shared = rule(TenantId::shared(), "c");
    for rule in [&of_source, &of_label, &shared] {
        store.add_suppression(rule).await?;
    }
    let cases = [
        ("acme", "a", "ERROR", false),
        ("acme", "b", "ERROR", false),
        ("acme", "b", "CRITICAL", true),
        ("acme", "c", "ERROR", true),
        ("other", "c", "ERROR", true),
        ("other", "b", "CRITICAL", false),
        ("", "b", "CRITICAL", false),
    ];
    for (owner, text, label, expected) in cases {
        assert_eq!(
            detect(store, owner, text, label, 10).await?.suppressed,
            expected,
            "{owner:?} {text} {label}"
        );
    }
    Ok(())
}

async fn a_suppression_ends_by_itself(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store.add_suppression(&rule(tenant("acme"), "a")).await?;
    assert!(detect(store, "acme", "a", "ERROR", 999).await?.suppressed);
    assert!(!detect(store, "acme", "a", "ERROR", 1_000).await?.suppressed);
    Ok(())
}

async fn suppressions_are_listed_and_removed(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for second in 0..4 {
        let owner = tenant(["acme", ""][second as usize % 2]);
        let made = NewSuppression {
            at: at(second),
            ..rule(owner, ["alpha", "beta", "gamma", "delta"][second as usize])
        };
        store.add_suppression(&made).await?;
    }
    store.add_suppression(&rule(tenant("other"), "theirs")).await?;
    let listed = store.list_suppressions(&tenant("acme"), None, 10).await?;
    assert_eq!(
        listed.iter().map(|one| one.rule.at).collect::<Vec<_>>(),
        [at(3), at(2), at(1), at(0)]
    );
    let key = SuppressionKey {
        created_at: listed[1].rule.at,
        id: listed[1].id.clone(),
    };
    assert_eq!(
        store.list_suppressions(&tenant("acme"), Some(&key), 10).await?,
        listed[2..]
    );
    assert_eq!(
        store.list_suppressions(&tenant("acme"), None, 2).await?,
        listed[..2]
    );
    assert_eq!(
        listed[1].rule,
        NewSuppression {
            at: at(2),
            ..rule(tenant("acme"), "gamma")
        }
    );

    assert!(
        !store.remove_suppression(&tenant("other"), &listed[1].id).await?,
        "not theirs"
    );
    assert!(store.remove_suppression(&tenant("acme"), &listed[1].id).await?);
    assert!(!store.remove_suppression(&tenant("acme"), &listed[1].id).await?);
    assert!(
        !store
            .remove_suppression(&tenant("acme"), &SuppressionId::generate())
            .await?
    );
    assert!(!detect(store, "acme", "gamma", "ERROR", 10).await?.suppressed);
    let odd = NewSuppression {
        reason: "a\0b".into(),
        ..rule(tenant("acme"), "x")
    };
    assert_eq!(
        store.add_suppression(&odd).await.unwrap_err().kind,
        StoreErrorKind::Invalid
    );
    Ok(())
}
