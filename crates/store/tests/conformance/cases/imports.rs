//! Rows of another database: with their ids, once, and never over what is there.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{ImportChunk, ImportOutcome, StoreErrorKind};
use turnstone_types::{CycleId, Detection, Entry, NewEntry, ScoreState, TenantId};

crate::cases![
    rows_keep_their_ids_and_scores,
    importing_twice_adds_nothing,
    what_is_there_is_not_overwritten,
    unscored_entries_are_batched_in_order_of_id,
    repeats_within_a_chunk_count_once,
    a_chunk_with_a_bad_row_is_refused_whole,
];

fn chunk(tenant: &TenantId, entries: Vec<Entry>, detections: Vec<Detection>) -> ImportChunk {
    ImportChunk {
        cycle_id: CycleId::generate(),
        tenant: tenant.clone(),
        entries,
        detections,
        batch_entries_max: 10,
        at: at(500),
    }
}

fn added(new_entries: u64, new_detections: u64) -> ImportOutcome {
    ImportOutcome {
        new_entries,
        new_detections,
    }
}

async fn rows_keep_their_ids_and_scores(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let acme = tenant("acme");
    let plain = foreign_entry("7", &acme, "plain old line", 1);
    let scored = with_score(
        foreign_entry("o'brien %_\"", &acme, "scored old line", 2),
        "SYSTEM_FAILURE",
        0.8125,
        3,
    );
    let mut odd = foreign_entry("日本", &acme, "set aside", 4);
    odd.score = ScoreState::Quarantined {
        reason: "why".into(),
        at: at(5),
    };
    let mut detection = foreign_detection("d-1", &scored, 6);
    detection.acknowledged = true;
    detection.acknowledged_at = Some(at(7));
    detection.notes = "seen by \"me\"".into();
    // Old rows may lack the time of the acknowledgement and of the entry, and the entry itself.
    let mut orphan = foreign_detection("d-2", &foreign_entry("gone", &acme, "entry is gone", 8), 9);
    orphan.acknowledged = true;
    orphan.timestamp = None;

    let chunk = chunk(
        &acme,
        vec![plain.clone(), scored.clone(), odd.clone()],
        vec![detection.clone(), orphan.clone()],
    );
    assert_eq!(store.import(&chunk).await?, added(3, 2));
    for entry in [&plain, &scored, &odd] {
        let stored = store.entry(&acme, &entry.id).await?.unwrap();
        assert_eq!(
            stored,
            Entry {
                cycle_id: chunk.cycle_id.clone(),
                ..entry.clone()
            }
        );
    }
    for detection in [&detection, &orphan] {
        assert_eq!(
            store.detection(&acme, &detection.id).await?.as_ref(),
            Some(detection)
        );
    }
    let source = &store.sources(&acme).await?[0];
    assert_eq!(
        (source.source_id.as_str(), source.kind.as_str(), source.entries),
        ("old", "import", 3)
    );
    assert_eq!(source.last_entry_at, Some(at(4)));
    assert_eq!(store.cycle_progress(&chunk.cycle_id).await?, Some((3, 1)));
    assert_eq!(
        store.pending_events(10).await?.len(),
        2,
        "one for the cycle, one for the batch of the unscored entry"
    );
    let search = turnstone_store::EntrySearch {
        query: Some("old line".parse()?),
        ..Default::default()
    };
    assert_eq!(store.search_entries(&acme, &search, None, 10).await?.len(), 2);
    Ok(())
}

async fn importing_twice_adds_nothing(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let acme = tenant("acme");
    let entry = foreign_entry("1", &acme, "x", 1);
    let detection = foreign_detection("d", &entry, 2);
    store
        .import(&chunk(&acme, vec![entry.clone()], vec![detection.clone()]))
        .await?;
    let (events, sources, stats) = (
        store.pending_events(10).await?,
        store.sources(&acme).await?,
        store.stats_summary(&acme).await?,
    );
    let again = chunk(&acme, vec![entry], vec![detection]);
    assert_eq!(store.import(&again).await?, added(0, 0));
    assert_eq!(
        store.import(&again).await?,
        added(0, 0),
        "not even with the same cycle"
    );
    assert_eq!(store.pending_events(10).await?, events);
    assert_eq!(store.sources(&acme).await?, sources);
    assert_eq!(store.stats_summary(&acme).await?, stats);
    assert_eq!(
        store.cycle_progress(&again.cycle_id).await?,
        None,
        "a cycle of nothing is not stored"
    );
    Ok(())
}

async fn what_is_there_is_not_overwritten(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let acme = tenant("acme");
    let own = NewEntry {
        id: turnstone_types::EntryId::new("5")?,
        ..entry("own line", 0)
    };
    store.commit_cycle(&cycle(&acme, vec![own.clone()])).await?;
    store
        .record_scores(&turnstone_store::RecordScores {
            scorer: "original".into(),
            ..scores(None, 1, vec![scored(&own.id, "ERROR", 0.9)])
        })
        .await?;
    let before = store
        .list_detections(&acme, &Default::default(), None, 10)
        .await?;

    // The same entry by id, another tenant's claim on it, and a detection of the same entry and scorer under another id.
    let foreign = foreign_entry("5", &acme, "foreign line", 1);
    let outcome = store
        .import(&chunk(
            &acme,
            vec![foreign.clone()],
            vec![foreign_detection("other-id", &foreign, 2)],
        ))
        .await?;
    assert_eq!(outcome, added(0, 0));
    let theirs = foreign_entry("5", &tenant("other"), "foreign line", 1);
    assert_eq!(
        store
            .import(&chunk(&tenant("other"), vec![theirs], Vec::new()))
            .await?,
        added(0, 0)
    );
    let mut same_id = foreign_detection(before[0].id.as_str(), &foreign_entry("6", &acme, "x", 1), 2);
    same_id.scorer = "else".into();
    assert_eq!(
        store.import(&chunk(&acme, Vec::new(), vec![same_id])).await?,
        added(0, 0)
    );

    assert_eq!(store.entry(&acme, &own.id).await?.unwrap().text, "own line");
    assert_eq!(
        store
            .list_detections(&acme, &Default::default(), None, 10)
            .await?,
        before
    );
    Ok(())
}

async fn unscored_entries_are_batched_in_order_of_id(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let acme = tenant("acme");
    // Ids in no order, as random ones are; every third is scored.
    let entries: Vec<Entry> = (0..90_u64)
        .map(|number| {
            let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let entry = foreign_entry(&id, &acme, &id, number as i64);
            if number % 3 == 0 {
                with_score(entry, "NORMAL", 0.5, 1)
            } else {
                entry
            }
        })
        .collect();
    store
        .import(&chunk(&acme, entries[..50].to_vec(), Vec::new()))
        .await?;
    store
        .import(&chunk(&acme, entries[50..].to_vec(), Vec::new()))
        .await?;
    let mut waiting: Vec<_> = entries
        .iter()
        .filter(|entry| entry.score == ScoreState::Unscored)
        .map(|entry| entry.id.clone())
        .collect();
    let mut found = Vec::new();
    for batch in waiting_batches(store.as_ref()).await? {
        let texts = store.batch_texts(&batch).await?;
        assert!(
            texts.len() <= 10 && texts.len() == batch.entry_count as usize,
            "a batch holds no more than it says"
        );
        found.extend(texts.into_iter().map(|text| text.id));
    }
    found.sort();
    waiting.sort();
    assert_eq!(found, waiting);
    Ok(())
}

async fn repeats_within_a_chunk_count_once(harness: Harness) -> anyhow::Result<()> {
    let acme = tenant("acme");
    let entry = foreign_entry("1", &acme, "x", 1);
    let detection = foreign_detection("d", &entry, 2);
    let other_id = Detection {
        id: turnstone_types::DetectionId::new("e")?,
        ..detection.clone()
    };
    let chunk = chunk(
        &acme,
        vec![entry.clone(), entry],
        vec![detection.clone(), detection, other_id],
    );
    assert_eq!(harness.store.import(&chunk).await?, added(1, 1));
    Ok(())
}

async fn a_chunk_with_a_bad_row_is_refused_whole(harness: Harness) -> anyhow::Result<()> {
    let acme = tenant("acme");
    let good = foreign_entry("1", &acme, "x", 1);
    let bad = with_score(foreign_entry("2", &acme, "x", 1), "ERROR", f64::NAN, 1);
    let error = harness
        .store
        .import(&chunk(&acme, vec![good.clone(), bad], Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Invalid);
    let nul = foreign_entry("3", &acme, "a\0b", 1);
    let error = harness
        .store
        .import(&chunk(&acme, vec![good, nul], Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Invalid);
    assert_eq!(harness.store.stats_summary(&acme).await?.entries, 0);
    Ok(())
}
