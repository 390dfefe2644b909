//! Detections by the words of their texts: whichever way they came, and however many hold the words.

use super::groups::groups;
use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionKey, DetectionSelection, GroupFilter, ImportChunk, Store,
};
use turnstone_types::{CycleId, Detection, Label, TenantId};

crate::cases![
    found_as_soon_as_it_is_there,
    changes_by_hand_are_found_once_indexed,
    imported_detections_are_found,
    rare_and_common_words_with_every_other_filter,
];

async fn list(store: &dyn Store, tenant: &TenantId, query: &str) -> anyhow::Result<Vec<String>> {
    let filter = DetectionFilter {
        text: Some(query.parse()?),
        ..DetectionFilter::default()
    };
    let found = store.list_detections(tenant, &filter, None, 10_000).await?;
    Ok(found.into_iter().map(|detection| detection.text).collect())
}

async fn index_all(store: &dyn Store) -> anyhow::Result<()> {
    while store.index_pending_text(100).await? > 0 {}
    Ok(())
}

async fn found_as_soon_as_it_is_there(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let (acme, shared) = (tenant("acme"), tenant(""));
    let odd = "it's a \\ Größe 'x':3 & !y | (10.0.0.1)";
    detections_of_texts(
        store,
        &acme,
        &["disk 1 full", "disk 1 is not full", odd],
        "ERROR",
        10,
    )
    .await?;
    detections_of_texts(store, &shared, &["disk 2 full"], "ERROR", 20).await?;
    // No call that indexes: a scorer's detections are found in the moment in which they are there.
    assert_eq!(list(store, &acme, "disk full").await?.len(), 3);
    assert_eq!(list(store, &shared, "disk full").await?, ["disk 2 full"]);
    assert_eq!(list(store, &acme, "\"1 full\"").await?, ["disk 1 full"]);
    assert_eq!(
        list(store, &acme, "fu* -not").await?,
        ["disk 2 full", "disk 1 full"]
    );
    for query in ["größe", "\"10 0 0 1\"", "\"x 3 y\"", "\"it s a grö\"*"] {
        assert_eq!(list(store, &acme, query).await?, [odd], "{query}");
    }
    // Lines that are no detections hold the words as well.
    store
        .commit_cycle(&cycle_of_texts(&acme, ["disk 3 full", "lonely"]))
        .await?;
    index_all(store).await?;
    assert_eq!(list(store, &acme, "disk full").await?.len(), 3);
    assert_eq!(list(store, &acme, "lonely").await?, [""; 0]);
    Ok(())
}

async fn changes_by_hand_are_found_once_indexed(harness: Harness) -> anyhow::Result<()> {
    let (store, acme) = (harness.store.as_ref(), tenant("acme"));
    detections_of_texts(store, &acme, &["disk 1 full", "disk 2 full"], "ERROR", 10).await?;
    harness
        .sql
        .execute(
            "INSERT INTO detections (id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, detected_at) \
             VALUES ('by-hand', 'acme', 'entry', 'web', 'm', 'ERROR', 0.5, 'ERROR', 'disk 9 full', '2026-03-01T12:00:40.000000Z')",
        )
        .await?;
    harness
        .sql
        .execute("UPDATE detections SET text = 'fan 2 broken' WHERE text = 'disk 2 full'")
        .await?;
    assert_eq!(
        list(store, &acme, "2 full").await?,
        [""; 0],
        "no longer what it holds"
    );
    assert!(store.index_pending_text(100).await? >= 2);
    index_all(store).await?;
    assert_eq!(list(store, &acme, "full").await?.len(), 2);
    assert_eq!(list(store, &acme, "9").await?, ["disk 9 full"]);
    assert_eq!(list(store, &acme, "broken").await?, ["fan 2 broken"]);
    harness
        .sql
        .execute("DELETE FROM detections WHERE text LIKE 'disk %'")
        .await?;
    assert_eq!(list(store, &acme, "full").await?, [""; 0]);
    assert_eq!(list(store, &acme, "fan").await?, ["fan 2 broken"]);
    // An acknowledgement is no change of the text.
    let all = DetectionSelection::Filter(DetectionFilter::default());
    let request = AcknowledgeRequest::new(acme.clone(), all, at(90));
    assert_eq!(store.acknowledge(&request).await?.count, 1);
    assert_eq!(list(store, &acme, "fan").await?, ["fan 2 broken"]);
    assert_eq!(store.index_pending_text(100).await?, 0);
    Ok(())
}

async fn imported_detections_are_found(harness: Harness) -> anyhow::Result<()> {
    let (store, acme) = (harness.store.as_ref(), tenant("acme"));
    let entry = with_score(
        foreign_entry("7", &acme, "disk 7 full", 2),
        "SYSTEM_FAILURE",
        0.8,
        3,
    );
    let mut detection = foreign_detection("d-1", &entry, 6);
    detection.text = entry.text.clone();
    // What people kept of a line that is gone.
    let mut orphan = foreign_detection("d-2", &foreign_entry("gone", &acme, "disk 8 full", 8), 9);
    orphan.text = "disk 8 full".into();
    let chunk = ImportChunk {
        cycle_id: CycleId::generate(),
        tenant: acme.clone(),
        entries: vec![entry],
        detections: vec![detection, orphan],
        batch_entries_max: 10,
        at: at(500),
    };
    for _ in 0..2 {
        store.import(&chunk).await?;
        index_all(store).await?;
        assert_eq!(list(store, &acme, "disk").await?, ["disk 8 full", "disk 7 full"]);
        assert_eq!(list(store, &acme, "8").await?, ["disk 8 full"]);
    }
    Ok(())
}

/// More detections than are read or looked up before the whole text index is asked, so that each way of finding them is taken.
async fn rare_and_common_words_with_every_other_filter(harness: Harness) -> anyhow::Result<()> {
    let (store, acme) = (harness.store.as_ref(), tenant("acme"));
    let text = |number: usize| {
        let kind = ["reset", "refused", "closed"][number % 3];
        let tail = if number % 1_000 == 7 { " by peer" } else { "" };
        let first = if number < 4 { " oldest" } else { "" };
        format!("connection {number} {kind}{tail}{first}")
    };
    let label = |number: usize| ["ERROR", "SYSTEM_FAILURE"][usize::from(number % 100 == 9)];
    let mut all: Vec<Detection> = Vec::new();
    for piece in 0..9 {
        let numbers: Vec<usize> = (piece * 500..(piece + 1) * 500).collect();
        let texts: Vec<String> = numbers.iter().map(|number| text(*number)).collect();
        let cycle = cycle_of_texts(&acme, texts.iter().map(String::as_str));
        store.commit_cycle(&cycle).await?;
        let outcomes = cycle.entries.iter().zip(&numbers);
        let outcomes = outcomes
            .map(|(entry, number)| scored(&entry.id, label(*number), 0.9))
            .collect();
        store.record_scores(&scores(None, piece as i64, outcomes)).await?;
    }
    let closed = DetectionFilter {
        text: Some("closed".parse()?),
        ..DetectionFilter::default()
    };
    let request = AcknowledgeRequest::new(acme.clone(), DetectionSelection::Filter(closed), at(100));
    assert_eq!(store.acknowledge(&request).await?.count, 1_500);
    all.extend(
        store
            .list_detections(&acme, &DetectionFilter::default(), None, 10_000)
            .await?,
    );
    assert_eq!(all.len(), 4_500);

    let every_group = groups(store, &GroupFilter::default()).await?;
    assert!(every_group.len() > 6);
    for query in [
        "connection",
        "reset",
        "closed",
        "peer",
        "\"7 refused\"",
        "connect*",
        "conn* -reset",
        "oldest",
        "nothing",
    ] {
        let query: turnstone_store::SearchQuery = query.parse()?;
        let filter = GroupFilter {
            text: Some(query.clone()),
            ..GroupFilter::default()
        };
        let found = groups(store, &filter).await?;
        let of_newest = every_group
            .iter()
            .filter(|group| query.matches(&group.newest.text));
        assert!(found.iter().eq(of_newest), "{filter:?}");
        for unacknowledged in [None, Some(true), Some(false)] {
            for label in [None, Some(Label::new("SYSTEM_FAILURE"))] {
                for limit in [3, 10_000] {
                    let filter = DetectionFilter {
                        text: Some(query.clone()),
                        unacknowledged,
                        label: label.clone(),
                        ..DetectionFilter::default()
                    };
                    let matching = |detection: &&Detection| {
                        query.matches(&detection.text)
                            && unacknowledged.is_none_or(|open| detection.acknowledged != open)
                            && label.as_ref().is_none_or(|label| detection.label == *label)
                    };
                    let expected: Vec<&Detection> = all.iter().filter(matching).collect();
                    let found = store.list_detections(&acme, &filter, None, limit).await?;
                    let wanted = &expected[..expected.len().min(limit as usize)];
                    assert!(found.iter().eq(wanted.iter().copied()), "{filter:?}");
                    // The next page begins where this one ends.
                    let Some(last) = found.last() else { continue };
                    let key = DetectionKey {
                        detected_at: last.detected_at,
                        id: last.id.clone(),
                    };
                    let next = store.list_detections(&acme, &filter, Some(&key), limit).await?;
                    let wanted = expected.iter().skip(found.len()).take(limit as usize).copied();
                    assert!(next.iter().eq(wanted), "{filter:?}");
                }
            }
        }
    }
    Ok(())
}
