//! Explanations that are kept, facts about entries, verdicts as training data.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionKey, DetectionSelection, ExplanationKey, JudgedDetection,
    NewSuppression, Store, StoreErrorKind, StoredExplanation,
};
use turnstone_types::{EntryId, Verdict, fingerprint};

crate::cases![
    explanations_are_kept_by_what_they_depend_on,
    an_explanation_goes_with_its_entry,
    verdicts_are_listed_page_by_page,
    facts_say_what_is_known,
];

fn key(entry_id: &EntryId, context_hash: &str) -> ExplanationKey {
    ExplanationKey {
        entry_id: entry_id.clone(),
        model: "small".into(),
        prompt_version: 3,
        context_hash: context_hash.into(),
    }
}

fn explanation(body: &str, second: i64) -> StoredExplanation {
    StoredExplanation {
        body: body.into(),
        created_at: at(second),
    }
}

async fn explanations_are_kept_by_what_they_depend_on(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    store.commit_cycle(&cycle).await?;
    let one = key(&cycle.entries[0].id, "aa");
    let acme = tenant("acme");
    assert_eq!(store.explanation(&acme, &one).await?, None);
    let first = explanation(r#"{"what_happened": "it's \"odd\" 日本"}"#, 5);
    assert!(store.put_explanation(&acme, &one, &first).await?);
    assert_eq!(store.explanation(&acme, &one).await?, Some(first.clone()));
    let others = [
        key(&cycle.entries[1].id, "aa"),
        key(&cycle.entries[0].id, "bb"),
        ExplanationKey {
            model: "large".into(),
            ..one.clone()
        },
        ExplanationKey {
            prompt_version: 4,
            ..one.clone()
        },
    ];
    for other in &others {
        assert_eq!(store.explanation(&acme, other).await?, None, "{other:?}");
    }
    let second = explanation("{}", 6);
    assert!(store.put_explanation(&acme, &one, &second).await?);
    assert_eq!(
        store.explanation(&acme, &one).await?,
        Some(second),
        "the later one"
    );
    assert_eq!(store.explanation(&tenant("other"), &one).await?, None);
    assert!(
        !store.put_explanation(&tenant("other"), &one, &first).await?,
        "not their entry"
    );
    assert!(
        !store
            .put_explanation(&acme, &key(&EntryId::generate(), "aa"), &first)
            .await?,
        "no such entry"
    );
    for body in ["no json", "{\"a\": \"\0\"}"] {
        let error = store
            .put_explanation(&acme, &one, &explanation(body, 7))
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{body:?}");
    }
    Ok(())
}

async fn an_explanation_goes_with_its_entry(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    store.commit_cycle(&cycle).await?;
    for entry in &cycle.entries {
        store
            .put_explanation(&tenant("acme"), &key(&entry.id, "aa"), &explanation("{}", 5))
            .await?;
    }
    harness
        .sql
        .execute("DELETE FROM log_entries WHERE text = 'one'")
        .await?;
    assert_eq!(
        harness
            .sql
            .scalar("SELECT COUNT(*) FROM explanations")
            .await?
            .as_deref(),
        Some("1")
    );
    Ok(())
}

async fn judge(store: &dyn Store, text: &str, verdict: Option<Verdict>, second: i64) -> anyhow::Result<()> {
    let filter = DetectionFilter {
        fingerprint: Some(fingerprint(text)),
        ..DetectionFilter::default()
    };
    let request = AcknowledgeRequest {
        verdict,
        notes: format!("about {text}"),
        ..AcknowledgeRequest::new(tenant("acme"), DetectionSelection::Filter(filter), at(second))
    };
    assert_eq!(store.acknowledge(&request).await?.count, 1);
    Ok(())
}

async fn verdicts_are_listed_page_by_page(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let quiet = NewSuppression {
        tenant: tenant("acme"),
        fingerprint: fingerprint("quiet"),
        source_id: None,
        label: None,
        expires_at: at(1_000),
        reason: String::new(),
        by: String::new(),
        at: at(0),
    };
    store.add_suppression(&quiet).await?;
    detections_of_texts(
        store,
        &tenant("acme"),
        &["alpha", "beta", "quiet", "open", "noted"],
        "ERROR",
        1,
    )
    .await?;
    detections_of_texts(store, &tenant(""), &["gamma"], "CRITICAL", 2).await?;
    detections_of_texts(store, &tenant("other"), &["theirs"], "ERROR", 3).await?;
    judge(store, "alpha", Some(Verdict::FalsePositive), 10).await?;
    judge(store, "beta", Some(Verdict::TruePositive), 11).await?;
    judge(store, "gamma", Some(Verdict::Expected), 12).await?;
    judge(store, "noted", None, 13).await?;
    let all = store.verdicts(&tenant("acme"), None, 10).await?;
    let said: Vec<_> = all
        .iter()
        .map(|one| (one.text.as_str(), one.verdict, one.label.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("gamma", Verdict::Expected, "CRITICAL"),
            ("beta", Verdict::TruePositive, "ERROR"),
            ("alpha", Verdict::FalsePositive, "ERROR"),
        ]
    );
    assert_eq!(
        (all[0].judged_at, all[0].detected_at, all[0].notes.as_str()),
        (Some(at(12)), at(2), "about gamma")
    );
    assert_eq!(
        store.verdicts(&tenant(""), None, 10).await?,
        all[..1],
        "the shared tenant sees its own"
    );
    for size in [1, 2, 3] {
        let mut paged: Vec<JudgedDetection> = Vec::new();
        loop {
            let after = paged.last().map(|one| DetectionKey {
                detected_at: one.detected_at,
                id: one.id.clone(),
            });
            let page = store.verdicts(&tenant("acme"), after.as_ref(), size).await?;
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {size}");
    }
    Ok(())
}

async fn facts_say_what_is_known(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let acme = tenant("acme");
    for second in [-100_000, -10_000, -100] {
        detections_of_texts(store, &acme, &["job 1 failed"], "ERROR", second).await?;
    }
    judge_all(store, "job 1 failed").await?;
    let ids = detections_of_texts(store, &acme, &["job 22 failed", "disk full"], "ERROR", 5).await?;
    let facts = store.entry_facts(&acme, &ids[0], 300).await?.unwrap();
    assert_eq!(facts.entry.text, "job 22 failed");
    assert_eq!(facts.fingerprint, fingerprint("job 1 failed"));
    assert_eq!(
        (
            facts.groups.len(),
            facts.groups[0].detections,
            facts.groups[0].first_seen
        ),
        (1, 4, at(-100_000))
    );
    assert_eq!((facts.in_hour, facts.in_day), (2, 3));
    let new: Vec<_> = facts
        .new_groups
        .iter()
        .map(|group| group.newest.text.as_str())
        .collect();
    assert_eq!(new, ["disk full"]);
    assert!(
        facts.judged.len() == 3
            && facts
                .judged
                .iter()
                .all(|one| one.verdict == Some(Verdict::Expected))
    );
    assert!(facts.source.unwrap().lines_per_second > 0.0);
    assert_eq!(store.entry_facts(&tenant("other"), &ids[0], 300).await?, None);
    Ok(())
}

async fn judge_all(store: &dyn Store, text: &str) -> anyhow::Result<()> {
    let filter = DetectionFilter {
        fingerprint: Some(fingerprint(text)),
        ..DetectionFilter::default()
    };
    let request = AcknowledgeRequest {
        verdict: Some(Verdict::Expected),
        ..AcknowledgeRequest::new(tenant("acme"), DetectionSelection::Filter(filter), at(0))
    };
    store.acknowledge(&request).await?;
    Ok(())
}
