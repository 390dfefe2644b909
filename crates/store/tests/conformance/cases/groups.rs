//! Groups of detections: their list, its filters and pages.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionGroup, DetectionKey, DetectionSelection, GroupFilter,
    NewSuppression, Store,
};
use turnstone_types::{Label, Severity, Verdict, fingerprint};

crate::cases![
    detections_of_one_message_are_a_group,
    each_filter_of_groups_holds,
    pages_of_groups_follow_each_other,
    the_list_of_one_group,
    filters_look_at_the_newest_detection_of_a_group,
];

pub async fn groups(store: &dyn Store, filter: &GroupFilter) -> anyhow::Result<Vec<DetectionGroup>> {
    Ok(store
        .list_detection_groups(&tenant("acme"), filter, None, 1_000)
        .await?)
}

async fn detections_of_one_message_are_a_group(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(
        store,
        &tenant("acme"),
        &["job 1 failed", "job 2 failed", "disk full"],
        "ERROR",
        10,
    )
    .await?;
    detections_of_texts(store, &tenant("acme"), &["job 33 failed"], "ERROR", 20).await?;
    detections_of_texts(store, &tenant(""), &["job 4 failed"], "CRITICAL", 15).await?;
    detections_of_texts(store, &tenant("other"), &["job 5 failed"], "ERROR", 30).await?;
    let all = groups(store, &GroupFilter::default()).await?;
    let seen: Vec<_> = all
        .iter()
        .map(|group| {
            (
                group.newest.text.as_str(),
                group.detections,
                group.open,
                group.severity,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("job 33 failed", 3, 3, Severity::Error),
            ("job 4 failed", 1, 1, Severity::Critical),
            ("disk full", 1, 1, Severity::Error)
        ]
    );
    let jobs = &all[0];
    assert_eq!(
        (jobs.first_seen, jobs.last_seen, jobs.acknowledged_until),
        (at(10), at(20), None)
    );
    assert_eq!(jobs.key.fingerprint, fingerprint("job 1 failed"));
    assert_eq!(jobs.newest.fingerprint.as_ref(), Some(&jobs.key.fingerprint));
    assert_eq!(
        (jobs.key.source_id.as_str(), jobs.key.tenant.as_str()),
        ("web", "acme")
    );
    let shared = store
        .list_detection_groups(&tenant(""), &GroupFilter::default(), None, 10)
        .await?;
    assert_eq!(shared, all[1..2], "the shared tenant sees its own");
    assert!(
        store
            .list_detection_groups(&tenant("acme"), &GroupFilter::default(), None, 0)
            .await?
            .is_empty()
    );
    Ok(())
}

async fn each_filter_of_groups_holds(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let of_a = cycle_of_texts(&tenant("acme"), ["a"]);
    store.commit_cycle(&of_a).await?;
    let weak = scored(&of_a.entries[0].id, "ERROR", 0.8);
    store.record_scores(&scores(None, 10, vec![weak])).await?;
    detections_of_texts(store, &tenant("acme"), &["b"], "CRITICAL", 20).await?;
    let mut elsewhere = entry("c", 0);
    elsewhere.source_id = source("db");
    let cycle = cycle(&tenant("acme"), vec![elsewhere]);
    store.commit_cycle(&cycle).await?;
    let mut of_c = scores(None, 30, vec![scored(&cycle.entries[0].id, "ERROR", 0.9)]);
    of_c.scorer = "model-b".into();
    store.record_scores(&of_c).await?;
    while store.index_pending_text(1_000).await? > 0 {}
    let a = groups(store, &GroupFilter::default()).await?.pop().unwrap();
    let request = AcknowledgeRequest {
        verdict: Some(Verdict::FalsePositive),
        ..AcknowledgeRequest::new(
            tenant("acme"),
            DetectionSelection::Ids(vec![a.newest.id.clone()]),
            at(40),
        )
    };
    store.acknowledge(&request).await?;
    let any = GroupFilter::default;
    let cases = [
        (any(), "cba"),
        (
            GroupFilter {
                unacknowledged: Some(true),
                ..any()
            },
            "cb",
        ),
        (
            GroupFilter {
                unacknowledged: Some(false),
                ..any()
            },
            "a",
        ),
        (
            GroupFilter {
                label: Some(Label::new("ERROR")),
                ..any()
            },
            "ca",
        ),
        (
            GroupFilter {
                severity: Some(Severity::Critical),
                ..any()
            },
            "b",
        ),
        (
            GroupFilter {
                source_id: Some(source("db")),
                ..any()
            },
            "c",
        ),
        (
            GroupFilter {
                fingerprint: Some(fingerprint("b")),
                ..any()
            },
            "b",
        ),
        (
            GroupFilter {
                scorer: Some("model-b".into()),
                ..any()
            },
            "c",
        ),
        (
            GroupFilter {
                verdict: Some(Verdict::FalsePositive),
                ..any()
            },
            "a",
        ),
        (
            GroupFilter {
                verdict: Some(Verdict::Expected),
                ..any()
            },
            "",
        ),
        (
            GroupFilter {
                score_min: Some(0.85),
                ..any()
            },
            "cb",
        ),
        (
            GroupFilter {
                suppressed: Some(false),
                ..any()
            },
            "cba",
        ),
        (
            GroupFilter {
                suppressed: Some(true),
                ..any()
            },
            "",
        ),
        (
            GroupFilter {
                text: Some("b*".parse()?),
                ..any()
            },
            "b",
        ),
        (
            GroupFilter {
                text: Some("b".parse()?),
                unacknowledged: Some(false),
                ..any()
            },
            "",
        ),
        (
            GroupFilter {
                seen_from: Some(at(20)),
                ..any()
            },
            "cb",
        ),
        (
            GroupFilter {
                seen_until: Some(at(20)),
                ..any()
            },
            "a",
        ),
        (
            GroupFilter {
                scorer: Some("' OR 1=1 --".into()),
                ..any()
            },
            "",
        ),
    ];
    for (filter, expected) in cases {
        let found: String = groups(store, &filter)
            .await?
            .into_iter()
            .map(|group| group.newest.text)
            .collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    Ok(())
}

async fn pages_of_groups_follow_each_other(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    // Several at one instant, of two tenants.
    for (second, name) in [(10, "acme"), (10, ""), (20, "acme"), (5, ""), (20, "other")] {
        let texts: Vec<String> = ["alpha", "beta", "gamma"]
            .iter()
            .map(|word| format!("{word} {name}"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        detections_of_texts(store, &tenant(name), &texts, "ERROR", second).await?;
    }
    let all = groups(store, &GroupFilter::default()).await?;
    assert_eq!(all.len(), 6);
    for size in [1, 2, 5, 6, 100] {
        let mut paged: Vec<DetectionGroup> = Vec::new();
        loop {
            let after = paged.last().map(|group| DetectionKey {
                detected_at: group.last_seen,
                id: group.newest.id.clone(),
            });
            let page = store
                .list_detection_groups(&tenant("acme"), &GroupFilter::default(), after.as_ref(), size)
                .await?;
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {size}");
    }
    Ok(())
}

async fn the_list_of_one_group(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for second in 0..5 {
        detections_of_texts(
            store,
            &tenant("acme"),
            &["job 1 failed", "disk full"],
            "ERROR",
            second,
        )
        .await?;
    }
    while store.index_pending_text(1_000).await? > 0 {}
    let key = groups(
        store,
        &GroupFilter {
            fingerprint: Some(fingerprint("job 1 failed")),
            ..GroupFilter::default()
        },
    )
    .await?
    .remove(0)
    .key;
    let filter = DetectionFilter {
        source_id: Some(key.source_id),
        label: Some(key.label),
        fingerprint: Some(key.fingerprint),
        ..DetectionFilter::default()
    };
    let list =
        async |filter: &DetectionFilter| store.list_detections(&tenant("acme"), filter, None, 100).await;
    let found = list(&filter).await?;
    assert!(found.len() == 5 && found.iter().all(|detection| detection.text == "job 1 failed"));
    // A text is found by its words, also with other filters.
    for (query, expected) in [
        ("disk", 5),
        ("full -disk", 0),
        ("\"job 1\"", 5),
        ("fail*", 5),
        ("nothing", 0),
    ] {
        let filter = DetectionFilter {
            text: Some(query.parse()?),
            ..DetectionFilter::default()
        };
        assert_eq!(list(&filter).await?.len(), expected, "{query}");
        let closed = DetectionFilter {
            unacknowledged: Some(false),
            ..filter
        };
        assert_eq!(list(&closed).await?.len(), 0, "{query}");
    }
    let by_text = DetectionSelection::Filter(DetectionFilter {
        text: Some("disk".parse()?),
        ..DetectionFilter::default()
    });
    let request = AcknowledgeRequest::new(tenant("acme"), by_text, at(9));
    assert_eq!(store.acknowledge(&request).await?.count, 5);
    Ok(())
}

async fn filters_look_at_the_newest_detection_of_a_group(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let later = async |second: i64, text: &str, score: f64| {
        let cycle = cycle_of_texts(&tenant("acme"), [text]);
        store.commit_cycle(&cycle).await?;
        let outcome = scored(&cycle.entries[0].id, "ERROR", score);
        store.record_scores(&scores(None, second, vec![outcome])).await?;
        anyhow::Ok(())
    };
    later(1, "job 1 failed", 0.99).await?;
    later(2, "job 2 failed", 0.8).await?;
    let suppression = NewSuppression {
        tenant: tenant("acme"),
        fingerprint: fingerprint("disk 1 full"),
        source_id: None,
        label: None,
        expires_at: at(100),
        reason: "known".into(),
        by: String::new(),
        at: at(3),
    };
    later(3, "disk 1 full", 0.9).await?;
    store.add_suppression(&suppression).await?;
    later(4, "disk 2 full", 0.9).await?;
    while store.index_pending_text(1_000).await? > 0 {}
    let any = GroupFilter::default;
    let text = |query: &str| anyhow::Ok(Some(query.parse()?));
    let cases = [
        (
            GroupFilter {
                score_min: Some(0.85),
                ..any()
            },
            vec!["disk 2 full"],
        ),
        (
            GroupFilter {
                score_min: Some(0.8),
                ..any()
            },
            vec!["disk 2 full", "job 2 failed"],
        ),
        (
            GroupFilter {
                suppressed: Some(true),
                ..any()
            },
            vec!["disk 2 full"],
        ),
        (
            GroupFilter {
                suppressed: Some(false),
                ..any()
            },
            vec!["job 2 failed"],
        ),
        (
            GroupFilter {
                text: text("2")?,
                ..any()
            },
            vec!["disk 2 full", "job 2 failed"],
        ),
        (
            GroupFilter {
                text: text("1")?,
                ..any()
            },
            vec![],
        ),
        (
            GroupFilter {
                text: text("disk -job")?,
                suppressed: Some(true),
                ..any()
            },
            vec!["disk 2 full"],
        ),
        (
            GroupFilter {
                text: text("2 -disk")?,
                source_id: Some(source("web")),
                ..any()
            },
            vec!["job 2 failed"],
        ),
    ];
    for (filter, expected) in cases {
        let found = groups(store, &filter).await?;
        let found: Vec<&str> = found.iter().map(|group| group.newest.text.as_str()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    // The shared tenant sees none of them, whatever is searched for.
    let shared = store
        .list_detection_groups(
            &tenant(""),
            &GroupFilter {
                text: text("2")?,
                ..any()
            },
            None,
            10,
        )
        .await?;
    assert_eq!(shared, []);
    Ok(())
}
