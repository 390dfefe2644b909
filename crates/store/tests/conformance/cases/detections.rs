//! Lists, pages, acknowledgement and the feed of detections.

use crate::backends::Harness;
use crate::fixtures::*;
use std::collections::BTreeSet;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionKey, DetectionSelection, RecordScores, Store,
    StoreErrorKind,
};
use turnstone_types::{Detection, DetectionId, Label, Severity, TenantId};

crate::cases![
    stable_order,
    paging_while_rows_arrive,
    each_filter_holds,
    acknowledge_by_id,
    acknowledge_by_filter,
    acknowledging_is_scoped_to_the_tenant,
    unacknowledge_opens_again,
    the_feed_grows_in_order,
    two_writers_share_the_feed,
];

async fn list(store: &dyn Store, filter: &DetectionFilter) -> anyhow::Result<Vec<Detection>> {
    Ok(store
        .list_detections(&tenant("acme"), filter, None, 1_000)
        .await?)
}

fn key(detection: &Detection) -> DetectionKey {
    DetectionKey {
        detected_at: detection.detected_at,
        id: detection.id.clone(),
    }
}

/// Reads all pages of a size and checks the order and that no row comes twice.
async fn pages(store: &dyn Store, size: u32) -> anyhow::Result<Vec<Detection>> {
    let mut all: Vec<Detection> = Vec::new();
    loop {
        let after = all.last().map(key);
        let page = store
            .list_detections(&tenant("acme"), &DetectionFilter::default(), after.as_ref(), size)
            .await?;
        if page.is_empty() {
            return Ok(all);
        }
        assert!(page.len() <= size as usize);
        all.extend(page);
    }
}

async fn stable_order(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    // Many at one instant, of two tenants, and instants out of order.
    for (name, second) in [
        ("acme", 20),
        ("", 20),
        ("acme", 10),
        ("", 30),
        ("acme", 20),
        ("other", 25),
    ] {
        detections_of_texts(store, &tenant(name), &["one", "two", "three"], "ERROR", second).await?;
    }
    let all = list(store, &DetectionFilter::default()).await?;
    assert_eq!(all.len(), 15);
    let order = |detection: &Detection| (detection.detected_at, detection.id.clone());
    assert!(all.is_sorted_by(|one, other| order(one) > order(other)));
    for size in [1, 2, 4, 7, 15, 100] {
        assert_eq!(pages(store, size).await?, all, "pages of {size}");
    }
    assert!(
        store
            .list_detections(&tenant("acme"), &DetectionFilter::default(), None, 0)
            .await?
            .is_empty()
    );
    Ok(())
}

async fn paging_while_rows_arrive(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for second in 0..10 {
        detections_of_texts(store, &tenant("acme"), &["a", "b"], "ERROR", second).await?;
    }
    let before: Vec<_> = list(store, &DetectionFilter::default())
        .await?
        .into_iter()
        .map(|detection| detection.id)
        .collect();
    let mut seen = Vec::new();
    let mut after = None;
    let mut second = 100;
    loop {
        let page = store
            .list_detections(&tenant("acme"), &DetectionFilter::default(), after.as_ref(), 3)
            .await?;
        let Some(last) = page.last() else { break };
        after = Some(key(last));
        seen.extend(page.into_iter().map(|detection| detection.id));
        // Newer than anything on a page yet to come, as new detections are.
        detections_of_texts(store, &tenant("acme"), &["new"], "ERROR", second).await?;
        second += 1;
    }
    assert_eq!(seen, before, "rows that were there are seen once each, in order");
    Ok(())
}

async fn each_filter_holds(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let mut entries = vec![entry("a", 0), entry("b", 1), entry("c", 2), entry("d", 3)];
    entries[3].source_id = source("db");
    let cycle = cycle(&tenant("acme"), entries);
    store.commit_cycle(&cycle).await?;
    let ids: Vec<_> = cycle.entries.iter().map(|entry| entry.id.clone()).collect();
    store
        .record_scores(&scores(
            None,
            10,
            vec![
                scored(&ids[0], "ERROR", 0.80),
                scored(&ids[1], "SYSTEM_FAILURE", 0.9),
            ],
        ))
        .await?;
    let other = RecordScores {
        scorer: "model-b".into(),
        ..scores(
            None,
            20,
            vec![
                scored(&ids[2], "ERROR", 0.95),
                scored(&ids[3], "NETWORK_ANOMALY", 0.85),
            ],
        )
    };
    store.record_scores(&other).await?;
    let all = list(store, &DetectionFilter::default()).await?;
    let of_c = all
        .iter()
        .find(|detection| detection.text == "c")
        .unwrap()
        .id
        .clone();
    let request = AcknowledgeRequest::new(tenant("acme"), DetectionSelection::Ids(vec![of_c]), at(30));
    store.acknowledge(&request).await?;

    let any = DetectionFilter::default;
    let cases = [
        (any(), "abcd"),
        (
            DetectionFilter {
                unacknowledged: Some(true),
                ..any()
            },
            "abd",
        ),
        (
            DetectionFilter {
                unacknowledged: Some(false),
                ..any()
            },
            "c",
        ),
        (
            DetectionFilter {
                label: Some(Label::new("error")),
                ..any()
            },
            "ac",
        ),
        (
            DetectionFilter {
                label: Some(Label::new("ERR%")),
                ..any()
            },
            "",
        ),
        (
            DetectionFilter {
                scorer: Some("model-b".into()),
                ..any()
            },
            "cd",
        ),
        (
            DetectionFilter {
                severity: Some(Severity::Critical),
                ..any()
            },
            "b",
        ),
        (
            DetectionFilter {
                source_id: Some(source("db")),
                ..any()
            },
            "d",
        ),
        (
            DetectionFilter {
                detected_from: Some(at(20)),
                ..any()
            },
            "cd",
        ),
        (
            DetectionFilter {
                detected_until: Some(at(20)),
                ..any()
            },
            "ab",
        ),
        (
            DetectionFilter {
                detected_from: Some(at(10)),
                detected_until: Some(at(10)),
                ..any()
            },
            "",
        ),
        (
            DetectionFilter {
                score_min: Some(0.9),
                ..any()
            },
            "bc",
        ),
        (
            DetectionFilter {
                score_min: Some(f64::INFINITY),
                ..any()
            },
            "",
        ),
        (
            DetectionFilter {
                label: Some(Label::new("ERROR")),
                scorer: Some("model-a".into()),
                unacknowledged: Some(true),
                ..any()
            },
            "a",
        ),
        (
            DetectionFilter {
                scorer: Some("' OR 1=1 --".into()),
                ..any()
            },
            "",
        ),
    ];
    for (filter, expected) in cases {
        let mut found: Vec<String> = list(store, &filter)
            .await?
            .into_iter()
            .map(|detection| detection.text)
            .collect();
        found.sort();
        assert_eq!(found.concat(), expected, "{filter:?}");
    }
    Ok(())
}

fn acknowledge_ids(tenant: TenantId, ids: &[DetectionId], notes: &str, second: i64) -> AcknowledgeRequest {
    AcknowledgeRequest {
        notes: notes.into(),
        ..AcknowledgeRequest::new(tenant, DetectionSelection::Ids(ids.to_vec()), at(second))
    }
}

async fn acknowledge_by_id(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["one", "two", "three"], "ERROR", 1).await?;
    let ids: Vec<_> = list(store, &DetectionFilter::default())
        .await?
        .into_iter()
        .map(|detection| detection.id)
        .collect();
    let odd = "seen; it's \"fine\" %_ 日本\n-- next line";
    assert_eq!(
        store
            .acknowledge(&acknowledge_ids(tenant("acme"), &ids[..2], odd, 50))
            .await?
            .count,
        2
    );
    let first = store.detection(&tenant("acme"), &ids[0]).await?.unwrap();
    assert_eq!(
        (first.acknowledged, first.acknowledged_at, first.notes.as_str()),
        (true, Some(at(50)), odd)
    );
    let third = store.detection(&tenant("acme"), &ids[2]).await?.unwrap();
    assert_eq!(
        (third.acknowledged, third.acknowledged_at, third.notes.as_str()),
        (false, None, "")
    );
    // By name it takes the new note, as in the original.
    assert_eq!(
        store
            .acknowledge(&acknowledge_ids(tenant("acme"), &ids[..1], "again", 60))
            .await?
            .count,
        1
    );
    let first = store.detection(&tenant("acme"), &ids[0]).await?.unwrap();
    assert_eq!(
        (first.acknowledged_at, first.notes.as_str()),
        (Some(at(60)), "again")
    );

    let unknown = [DetectionId::generate(), DetectionId::new("' OR ''='")?];
    assert_eq!(
        store
            .acknowledge(&acknowledge_ids(tenant("acme"), &unknown, "", 70))
            .await?
            .count,
        0
    );
    assert_eq!(
        store
            .acknowledge(&acknowledge_ids(tenant("acme"), &[], "", 70))
            .await?
            .count,
        0
    );
    let error = store
        .acknowledge(&acknowledge_ids(tenant("acme"), &ids, "a\0b", 70))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Invalid);
    // The seed's own SQL works.
    assert_eq!(
        harness
            .sql
            .scalar("SELECT COUNT(*) FROM detections WHERE acknowledged = 0")
            .await?
            .as_deref(),
        Some("1")
    );
    Ok(())
}

async fn acknowledge_by_filter(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["one", "two"], "ERROR", 1).await?;
    detections_of_texts(store, &tenant("acme"), &["three"], "CRITICAL", 2).await?;
    detections_of_texts(store, &tenant(""), &["shared"], "ERROR", 3).await?;
    let filter = DetectionFilter {
        label: Some(Label::new("ERROR")),
        ..DetectionFilter::default()
    };
    let request = |notes: &str, second| AcknowledgeRequest {
        notes: notes.into(),
        ..AcknowledgeRequest::new(
            tenant("acme"),
            DetectionSelection::Filter(filter.clone()),
            at(second),
        )
    };
    assert_eq!(store.acknowledge(&request("first", 50)).await?.count, 3);
    assert_eq!(
        store.acknowledge(&request("second", 60)).await?.count,
        0,
        "a filter leaves alone what is acknowledged"
    );
    let done = list(
        store,
        &DetectionFilter {
            unacknowledged: Some(false),
            ..DetectionFilter::default()
        },
    )
    .await?;
    assert!(
        done.len() == 3
            && done
                .iter()
                .all(|detection| detection.notes == "first" && detection.label.as_str() == "ERROR")
    );
    let everything = DetectionSelection::Filter(DetectionFilter::default());
    let request = AcknowledgeRequest::new(tenant("acme"), everything, at(70));
    assert_eq!(store.acknowledge(&request).await?.count, 1);
    Ok(())
}

async fn acknowledging_is_scoped_to_the_tenant(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("other"), &["theirs"], "ERROR", 1).await?;
    detections_of_texts(store, &tenant(""), &["shared"], "ERROR", 1).await?;
    let theirs = store
        .list_detections(&tenant("other"), &DetectionFilter::default(), None, 10)
        .await?;
    let ids: Vec<_> = theirs.into_iter().map(|detection| detection.id).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        store
            .acknowledge(&acknowledge_ids(tenant("acme"), &ids, "mine", 5))
            .await?
            .count,
        1,
        "only the shared one"
    );
    let everything = DetectionSelection::Filter(DetectionFilter::default());
    assert_eq!(store.unacknowledge(&tenant("acme"), &everything).await?, 1);
    let request = AcknowledgeRequest::new(TenantId::shared(), everything, at(6));
    assert_eq!(
        store.acknowledge(&request).await?.count,
        1,
        "the shared tenant sees its own and no other"
    );
    let open = DetectionFilter {
        unacknowledged: Some(true),
        ..DetectionFilter::default()
    };
    let open = store.list_detections(&tenant("other"), &open, None, 10).await?;
    assert!(open.len() == 1 && open[0].text == "theirs");
    Ok(())
}

async fn unacknowledge_opens_again(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["one", "two"], "ERROR", 1).await?;
    let before = list(store, &DetectionFilter::default()).await?;
    let ids: Vec<_> = before.iter().map(|detection| detection.id.clone()).collect();
    store
        .acknowledge(&acknowledge_ids(tenant("acme"), &ids[..1], "note", 5))
        .await?;
    assert_eq!(
        store
            .unacknowledge(&tenant("acme"), &DetectionSelection::Ids(ids))
            .await?,
        1,
        "only one was acknowledged"
    );
    assert_eq!(list(store, &DetectionFilter::default()).await?, before);
    let unknown = DetectionSelection::Ids(vec![DetectionId::generate()]);
    assert_eq!(store.unacknowledge(&tenant("acme"), &unknown).await?, 0);
    Ok(())
}

async fn the_feed_grows_in_order(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    assert_eq!(store.last_detection_sequence().await?, 0);
    assert!(store.detections_after(0, 10).await?.is_empty());
    detections_of_texts(store, &tenant("acme"), &["one", "two"], "ERROR", 9).await?;
    let seen = store.last_detection_sequence().await?;
    detections_of_texts(store, &tenant("other"), &["three"], "ERROR", 1).await?;
    detections_of_texts(store, &tenant(""), &["four"], "ERROR", 5).await?;
    let new = store.detections_after(seen, 10).await?;
    let texts: Vec<_> = new.iter().map(|item| item.detection.text.as_str()).collect();
    assert_eq!(texts, ["three", "four"], "of all tenants, in order of commit");
    let all = store.detections_after(0, 10).await?;
    assert_eq!(all.len(), 4);
    assert!(all.is_sorted_by(|one, other| one.sequence < other.sequence));
    assert_eq!(
        all.last().unwrap().sequence,
        store.last_detection_sequence().await?
    );
    assert_eq!(store.detections_after(0, 3).await?, all[..3]);
    // A repeat that writes nothing adds nothing to the feed.
    let id = all[0].detection.entry_id.clone();
    store
        .record_scores(&scores(None, 10, vec![scored(&id, "ERROR", 0.9)]))
        .await?;
    assert!(store.detections_after(all[3].sequence, 10).await?.is_empty());
    Ok(())
}

async fn two_writers_share_the_feed(harness: Harness) -> anyhow::Result<()> {
    let other = harness.reopen().await?;
    let write = |store: std::sync::Arc<dyn Store>| async move {
        for second in 0..10 {
            detections_of_texts(store.as_ref(), &tenant("acme"), &["a", "b", "c"], "ERROR", second).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(write(harness.store.clone()), write(other))?;
    let all = harness.store.detections_after(0, 1_000).await?;
    let sequences: BTreeSet<_> = all.iter().map(|item| item.sequence).collect();
    let ids: BTreeSet<_> = all.iter().map(|item| item.detection.id.clone()).collect();
    assert_eq!((all.len(), sequences.len(), ids.len()), (60, 60, 60));
    Ok(())
}
