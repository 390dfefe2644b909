//! Scores are written once, by sets, with their detections.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{RecordOutcome, RecordScores};
use turnstone_types::{EntryId, EntryScore, Label, ScoreState, Severity};

crate::cases![
    scores_and_detections_are_written,
    the_same_batch_twice_changes_nothing,
    two_workers_record_once,
    another_scorer_does_not_overwrite,
    the_first_of_two_outcomes_counts,
    quarantined_entries_are_set_aside,
    missing_entries_are_passed_over,
    texts_of_a_batch_are_those_unscored,
    open_batches_are_newest_first,
    a_large_batch_is_recorded_whole,
    an_empty_answer_closes_a_batch_with_nothing_left,
];

async fn scores_and_detections_are_written(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["routine", "disk failure", "odd label"]);
    store.commit_cycle(&cycle).await?;
    let batch = waiting_batches(store.as_ref()).await?.remove(0);
    let ids: Vec<&EntryId> = cycle.entries.iter().map(|entry| &entry.id).collect();
    let outcomes = vec![
        scored(ids[0], "normal", 0.99),
        scored(ids[1], "system_failure", 0.875),
        scored(ids[2], "label_7", 0.5),
    ];
    let outcome = store
        .record_scores(&scores(Some(&batch.id), 60, outcomes))
        .await?;
    assert_eq!(
        outcome,
        RecordOutcome {
            newly_scored: 3,
            newly_quarantined: 0,
            new_detections: 1
        }
    );

    for (id, label, score) in [
        (ids[0], "NORMAL", 0.99),
        (ids[1], "SYSTEM_FAILURE", 0.875),
        (ids[2], "LABEL_7", 0.5),
    ] {
        let entry = store.entry(&tenant("acme"), id).await?.unwrap();
        assert_eq!(
            entry.score,
            ScoreState::Scored(EntryScore {
                label: Label::new(label),
                score,
                scored_at: at(60)
            })
        );
    }
    let detections = store
        .list_detections(&tenant("acme"), &Default::default(), None, 10)
        .await?;
    assert_eq!(detections.len(), 1);
    let detection = &detections[0];
    assert_eq!(
        (&detection.entry_id, &detection.tenant, &detection.source_id),
        (ids[1], &tenant("acme"), &source("web"))
    );
    assert_eq!(
        (detection.label.as_str(), detection.severity, detection.score),
        ("SYSTEM_FAILURE", Severity::Critical, 0.875)
    );
    assert_eq!(
        (detection.text.as_str(), detection.scorer.as_str()),
        ("disk failure", "model-a")
    );
    assert_eq!(
        (detection.timestamp, detection.detected_at),
        (Some(at(1)), at(60))
    );
    assert!(!detection.acknowledged && detection.acknowledged_at.is_none() && detection.notes.is_empty());
    assert_eq!(
        store.detection(&tenant("acme"), &detection.id).await?.as_ref(),
        Some(detection)
    );
    assert!(store.open_batches(&tenant("acme"), 10).await?.is_empty());
    assert!(store.batch_texts(&batch).await?.is_empty());
    Ok(())
}

async fn the_same_batch_twice_changes_nothing(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    store.commit_cycle(&cycle).await?;
    let batch = waiting_batches(store.as_ref()).await?.remove(0);
    let outcomes = vec![
        scored(&cycle.entries[0].id, "ERROR", 0.9),
        quarantined(&cycle.entries[1].id, "bad"),
    ];
    let first = scores(Some(&batch.id), 1, outcomes);
    assert_eq!(
        store.record_scores(&first).await?,
        RecordOutcome {
            newly_scored: 1,
            newly_quarantined: 1,
            new_detections: 1
        }
    );
    let before = store
        .list_detections(&tenant("acme"), &Default::default(), None, 10)
        .await?;
    let repeat = RecordScores {
        scored_at: at(99),
        ..first
    };
    assert_eq!(store.record_scores(&repeat).await?, RecordOutcome::default());
    assert_eq!(
        store
            .list_detections(&tenant("acme"), &Default::default(), None, 10)
            .await?,
        before
    );
    let entry = store.entry(&tenant("acme"), &cycle.entries[1].id).await?.unwrap();
    assert_eq!(
        entry.score,
        ScoreState::Quarantined {
            reason: "bad".into(),
            at: at(1)
        }
    );
    Ok(())
}

async fn two_workers_record_once(harness: Harness) -> anyhow::Result<()> {
    let other = harness.reopen().await?;
    let cycle = cycle_of_texts(&tenant("acme"), (0..500).map(|number| number.to_string()));
    harness.store.commit_cycle(&cycle).await?;
    for run in cycle.entries.chunks(50) {
        let outcomes: Vec<_> = run.iter().map(|entry| scored(&entry.id, "ERROR", 0.9)).collect();
        let mut reversed = outcomes.clone();
        // The other order, so that row locks are taken crosswise where there are any.
        reversed.reverse();
        let (one, two) = (scores(None, 1, outcomes), scores(None, 2, reversed));
        let (one, two) = tokio::try_join!(harness.store.record_scores(&one), other.record_scores(&two))?;
        assert_eq!(one.newly_scored + two.newly_scored, 50);
        assert_eq!(one.new_detections + two.new_detections, 50);
    }
    let twice = "SELECT COUNT(*) FROM (SELECT entry_id FROM detections GROUP BY entry_id HAVING COUNT(*) > 1) AS twice";
    assert_eq!(harness.sql.scalar(twice).await?.as_deref(), Some("0"));
    assert_eq!(
        harness
            .sql
            .scalar("SELECT COUNT(*) FROM detections")
            .await?
            .as_deref(),
        Some("500")
    );
    let disagree = "SELECT COUNT(*) FROM detections AS d JOIN log_entries AS e ON e.id = d.entry_id WHERE e.anomaly_scored_at <> d.detected_at";
    assert_eq!(harness.sql.scalar(disagree).await?.as_deref(), Some("0"));
    Ok(())
}

async fn another_scorer_does_not_overwrite(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one"]);
    store.commit_cycle(&cycle).await?;
    let id = &cycle.entries[0].id;
    store
        .record_scores(&scores(None, 1, vec![scored(id, "NORMAL", 0.9)]))
        .await?;
    let other = RecordScores {
        scorer: "model-b".into(),
        ..scores(None, 2, vec![scored(id, "ERROR", 0.95)])
    };
    assert_eq!(store.record_scores(&other).await?, RecordOutcome::default());
    assert!(
        store
            .list_detections(&tenant("acme"), &Default::default(), None, 10)
            .await?
            .is_empty()
    );
    let ScoreState::Scored(score) = store.entry(&tenant("acme"), id).await?.unwrap().score else {
        panic!("unscored")
    };
    assert_eq!(score.label.as_str(), "NORMAL");
    Ok(())
}

async fn the_first_of_two_outcomes_counts(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one"]);
    store.commit_cycle(&cycle).await?;
    let id = &cycle.entries[0].id;
    let outcomes = vec![
        scored(id, "ERROR", 0.9),
        scored(id, "NORMAL", 0.8),
        quarantined(id, "x"),
        scored(id, "CRITICAL", 0.7),
    ];
    let outcome = store.record_scores(&scores(None, 1, outcomes)).await?;
    assert_eq!(
        outcome,
        RecordOutcome {
            newly_scored: 1,
            newly_quarantined: 0,
            new_detections: 1
        }
    );
    let detections = store
        .list_detections(&tenant("acme"), &Default::default(), None, 10)
        .await?;
    assert_eq!((detections.len(), detections[0].label.as_str()), (1, "ERROR"));
    let ScoreState::Scored(score) = store.entry(&tenant("acme"), id).await?.unwrap().score else {
        panic!("unscored")
    };
    assert_eq!((score.label.as_str(), score.score), ("ERROR", 0.9));
    Ok(())
}

async fn quarantined_entries_are_set_aside(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    store.commit_cycle(&cycle).await?;
    let batch = waiting_batches(store.as_ref()).await?.remove(0);
    let outcomes = vec![
        quarantined(&cycle.entries[0].id, "out of memory for one line"),
        scored(&cycle.entries[1].id, "NORMAL", 0.9),
    ];
    store.record_scores(&scores(Some(&batch.id), 5, outcomes)).await?;
    let entry = store.entry(&tenant("acme"), &cycle.entries[0].id).await?.unwrap();
    assert_eq!(
        entry.score,
        ScoreState::Quarantined {
            reason: "out of memory for one line".into(),
            at: at(5)
        }
    );
    let stats = store.stats_summary(&tenant("acme")).await?;
    assert_eq!((stats.quarantined_entries, stats.unscored_entries), (1, 0));
    assert!(store.open_batches(&tenant("acme"), 10).await?.is_empty());
    let columns = "SELECT COUNT(*) FROM log_entries WHERE quarantine_reason IS NOT NULL AND anomaly_scored_at IS NOT NULL
                   AND anomaly_score IS NULL AND anomaly_label IS NULL";
    assert_eq!(harness.sql.scalar(columns).await?.as_deref(), Some("1"));
    Ok(())
}

async fn missing_entries_are_passed_over(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one"]);
    store.commit_cycle(&cycle).await?;
    let outcomes = vec![
        scored(&EntryId::generate(), "ERROR", 0.9),
        scored(&cycle.entries[0].id, "ERROR", 0.9),
        quarantined(&EntryId::generate(), "x"),
    ];
    let outcome = store.record_scores(&scores(None, 1, outcomes)).await?;
    assert_eq!(
        outcome,
        RecordOutcome {
            newly_scored: 1,
            newly_quarantined: 0,
            new_detections: 1
        }
    );
    assert_eq!(
        store.record_scores(&scores(None, 1, Vec::new())).await?,
        RecordOutcome::default()
    );
    Ok(())
}

async fn texts_of_a_batch_are_those_unscored(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    // Two cycles whose entries interleave: a batch is about its own cycle.
    let mut ids: Vec<EntryId> = (0..20).map(|_| EntryId::generate()).collect();
    ids.sort();
    let with_ids = |parity: usize| {
        let entries = ids.iter().enumerate().filter(|(place, _)| place % 2 == parity);
        let entries = entries.map(|(place, id)| turnstone_types::NewEntry {
            id: id.clone(),
            ..entry(&format!("{place}"), 0)
        });
        cycle(&tenant("acme"), entries.collect())
    };
    let (even, odd) = (with_ids(0), with_ids(1));
    store.commit_cycle(&even).await?;
    let batch = waiting_batches(store.as_ref()).await?.remove(0);
    store.commit_cycle(&odd).await?;
    let texts = |found: Vec<turnstone_types::TextOfEntry>| {
        found
            .into_iter()
            .map(|text| text.text)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        texts(store.batch_texts(&batch).await?),
        "0 2 4 6 8 10 12 14 16 18"
    );
    store
        .record_scores(&scores(
            None,
            1,
            vec![scored(&ids[4], "NORMAL", 0.9), quarantined(&ids[6], "x")],
        ))
        .await?;
    assert_eq!(texts(store.batch_texts(&batch).await?), "0 2 8 10 12 14 16 18");
    Ok(())
}

async fn open_batches_are_newest_first(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut expected = Vec::new();
    for (second, name) in [(20, "acme"), (40, ""), (30, "acme"), (50, "other")] {
        let mut cycle = cycle_of_texts(&tenant(name), ["one", "two", "three"]);
        cycle.closed_at = at(second);
        cycle.batch_entries_max = 2;
        store.commit_cycle(&cycle).await?;
        expected.push((second, cycle.id));
    }
    let batches = store.open_batches(&tenant("acme"), 100).await?;
    let of_cycles: Vec<_> = batches.iter().map(|batch| batch.cycle_id.clone()).collect();
    let expected = [1, 1, 2, 2, 0, 0].map(|place| expected[place].1.clone());
    assert_eq!(of_cycles, expected);
    assert_eq!(store.open_batches(&tenant("acme"), 3).await?, batches[..3]);
    Ok(())
}

async fn a_large_batch_is_recorded_whole(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut cycle = cycle_of_texts(&tenant("acme"), (0..5_003).map(|number| number.to_string()));
    cycle.batch_entries_max = 10_000;
    store.commit_cycle(&cycle).await?;
    let batch = waiting_batches(store.as_ref()).await?.remove(0);
    let texts = store.batch_texts(&batch).await?;
    assert_eq!(texts.len(), 5_003);
    let outcomes = texts.iter().map(|text| scored(&text.id, "ERROR", 0.9)).collect();
    let outcome = store.record_scores(&scores(Some(&batch.id), 1, outcomes)).await?;
    assert_eq!(
        outcome,
        RecordOutcome {
            newly_scored: 5_003,
            newly_quarantined: 0,
            new_detections: 5_003
        }
    );
    assert!(store.open_batches(&tenant("acme"), 10).await?.is_empty());
    Ok(())
}

async fn an_empty_answer_closes_a_batch_with_nothing_left(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one"]);
    store.commit_cycle(&cycle).await?;
    let batch = waiting_batches(store.as_ref()).await?.remove(0);
    store
        .record_scores(&scores(Some(&batch.id), 1, Vec::new()))
        .await?;
    assert_eq!(
        store.open_batches(&tenant("acme"), 10).await?.len(),
        1,
        "its entry still waits"
    );
    store
        .record_scores(&scores(
            None,
            1,
            vec![scored(&cycle.entries[0].id, "NORMAL", 0.9)],
        ))
        .await?;
    store
        .record_scores(&scores(Some(&batch.id), 2, Vec::new()))
        .await?;
    assert!(store.open_batches(&tenant("acme"), 10).await?.is_empty());
    Ok(())
}
