//! Commits of glean cycles: all or nothing, once, from several writers.

use crate::backends::Harness;
use crate::fixtures::*;
use std::time::Duration;
use turnstone_store::{EntrySearch, OutboxBody, StoreErrorKind};
use turnstone_types::{CycleId, EntryId, SourceCheckpoint, TenantId};

crate::cases![
    a_cycle_brings_its_entries_batches_and_event,
    a_second_commit_of_a_cycle_changes_nothing,
    a_cycle_without_entries_has_no_event,
    a_cycle_that_fails_half_way_leaves_nothing,
    an_abandoned_commit_leaves_all_or_nothing,
    two_writers_lose_nothing,
    entries_out_of_order_are_refused,
    checkpoints_are_set_replaced_and_forgotten,
    progress_follows_the_scores,
    a_large_cycle_is_stored_whole,
];

async fn a_cycle_brings_its_entries_batches_and_event(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut cycle = cycle_of_texts(&tenant("acme"), (0..25).map(|number| format!("line {number}")));
    cycle.batch_entries_max = 10;
    cycle.trace_parent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into());
    cycle.entries[24].source_id = source("db");
    assert!(store.commit_cycle(&cycle).await?);

    let events = store.pending_events(100).await?;
    assert_eq!(events.len(), 4);
    assert!(
        events
            .iter()
            .all(|event| event.trace_parent == cycle.trace_parent)
    );
    let cycle_event = events.iter().find_map(|event| match &event.body {
        OutboxBody::Cycle(body) => Some((event.message_id.clone(), body.clone())),
        OutboxBody::Batch(_) => None,
    });
    let (message_id, body) = cycle_event.unwrap();
    assert_eq!(message_id, cycle.id.as_str());
    assert_eq!(
        (body.cycle_id, body.tenant, body.entry_count),
        (cycle.id.clone(), tenant("acme"), 25)
    );
    assert_eq!((body.started_at, body.closed_at), (at(-1), start()));
    assert_eq!(body.sources, [(source("db"), 1), (source("web"), 24)]);

    let batches = waiting_batches(store.as_ref()).await?;
    let expected: Vec<_> = cycle
        .entries
        .chunks(10)
        .map(|run| (run[0].id.clone(), run[run.len() - 1].id.clone(), run.len() as u32))
        .collect();
    let found: Vec<_> = batches
        .iter()
        .map(|b| (b.first_entry_id.clone(), b.last_entry_id.clone(), b.entry_count))
        .collect();
    assert_eq!(found, expected);
    for batch in &batches {
        assert!(
            events
                .iter()
                .any(|event| event.message_id == format!("{}.1", batch.id))
        );
        assert_eq!((&batch.tenant, &batch.cycle_id), (&cycle.tenant, &cycle.id));
    }

    let stored = store.entry(&tenant("acme"), &cycle.entries[3].id).await?.unwrap();
    assert_eq!(stored.text, "line 3");
    assert_eq!(
        (stored.cycle_id, stored.ingest_time, stored.timestamp),
        (cycle.id.clone(), start(), at(3))
    );
    Ok(())
}

async fn a_second_commit_of_a_cycle_changes_nothing(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    assert!(store.commit_cycle(&cycle).await?);
    let events = store.pending_events(100).await?;
    cycle.checkpoints = vec![SourceCheckpoint {
        source_id: source("web"),
        key: "late".into(),
        state: Some("{}".into()),
    }];
    assert!(!store.commit_cycle(&cycle).await?);
    assert_eq!(store.pending_events(100).await?, events);
    assert_eq!(store.stats_summary(&tenant("acme")).await?.entries, 2);
    assert_eq!(store.sources(&tenant("acme")).await?[0].entries, 2);
    assert!(
        store
            .checkpoints(&tenant("acme"), &source("web"))
            .await?
            .is_empty()
    );
    Ok(())
}

async fn a_cycle_without_entries_has_no_event(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut cycle = cycle(&tenant("acme"), Vec::new());
    cycle.checkpoints = vec![SourceCheckpoint {
        source_id: source("web"),
        key: "a".into(),
        state: Some("1".into()),
    }];
    assert!(store.commit_cycle(&cycle).await?);
    assert!(!store.commit_cycle(&cycle).await?);
    assert!(store.pending_events(100).await?.is_empty());
    assert_eq!(store.checkpoints(&tenant("acme"), &source("web")).await?.len(), 1);
    assert_eq!(store.cycle_progress(&cycle.id).await?, Some((0, 0)));
    Ok(())
}

async fn a_cycle_that_fails_half_way_leaves_nothing(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let first = cycle_of_texts(&tenant("acme"), ["one"]);
    store.commit_cycle(&first).await?;
    let waiting = store.pending_events(100).await?;

    // More rows than one statement takes, and the last of them collides.
    let mut second = cycle_of_texts(
        &tenant("acme"),
        (0..3_000).map(|number| format!("fresh {number}")),
    );
    let highest = EntryId::new("ffffffff-collides")?;
    store
        .commit_cycle(&cycle(
            &tenant("acme"),
            vec![turnstone_types::NewEntry {
                id: highest.clone(),
                ..entry("x", 0)
            }],
        ))
        .await?;
    let waiting_now = store.pending_events(100).await?;
    assert_eq!(waiting_now.len(), waiting.len() + 2);
    second.entries.push(turnstone_types::NewEntry {
        id: highest,
        ..entry("collides", 1)
    });
    second.checkpoints = vec![SourceCheckpoint {
        source_id: source("web"),
        key: "a".into(),
        state: Some("1".into()),
    }];

    let error = store.commit_cycle(&second).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Conflict, "{error}");
    assert_eq!(store.pending_events(100).await?, waiting_now);
    assert_eq!(store.stats_summary(&tenant("acme")).await?.entries, 2);
    assert_eq!(store.cycle_progress(&second.id).await?, None);
    assert!(
        store
            .checkpoints(&tenant("acme"), &source("web"))
            .await?
            .is_empty()
    );
    let search = EntrySearch {
        query: Some("fresh".parse()?),
        ..EntrySearch::default()
    };
    assert!(
        store
            .search_entries(&tenant("acme"), &search, None, 10)
            .await?
            .is_empty()
    );

    // The store is not harmed: the same cycle without the collision goes in.
    second.entries.pop();
    assert!(store.commit_cycle(&second).await?);
    Ok(())
}

async fn an_abandoned_commit_leaves_all_or_nothing(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut cycles = Vec::new();
    for delay_us in [0, 200, 1_000, 3_000, 8_000, 20_000] {
        let cycle = cycle_of_texts(&tenant("acme"), (0..2_000).map(|number| format!("line {number}")));
        // The future is dropped wherever it stands when the time is up, as when a service is told to stop.
        let _ = tokio::time::timeout(Duration::from_micros(delay_us), store.commit_cycle(&cycle)).await;
        cycles.push(cycle);
    }
    let mut committed = 0;
    for cycle in &cycles {
        let rows: u64 = harness
            .sql
            .scalar(&format!(
                "SELECT COUNT(*) FROM log_entries WHERE cycle_id = '{}'",
                cycle.id
            ))
            .await?
            .unwrap()
            .parse()?;
        match store.cycle_progress(&cycle.id).await? {
            None => assert_eq!(rows, 0),
            Some(progress) => {
                assert_eq!((progress, rows), ((2_000, 2_000), 2_000));
                committed += 1;
            }
        }
        // A repeat completes what did not happen and leaves alone what did.
        store.commit_cycle(cycle).await?;
    }
    assert!(committed < cycles.len(), "none of the commits was abandoned");
    assert_eq!(
        store.stats_summary(&tenant("acme")).await?.entries,
        2_000 * cycles.len() as u64
    );
    Ok(())
}

async fn two_writers_lose_nothing(harness: Harness) -> anyhow::Result<()> {
    let other = harness.reopen().await?;
    let write = |store: std::sync::Arc<dyn turnstone_store::Store>, name: &'static str| async move {
        for round in 0..15 {
            let texts = (0..40).map(|number| format!("{name} {round} {number}"));
            assert!(
                store
                    .commit_cycle(&cycle_of_texts(&tenant("acme"), texts))
                    .await?
            );
        }
        anyhow::Ok(())
    };
    tokio::try_join!(write(harness.store.clone(), "first"), write(other, "second"))?;
    assert_eq!(
        harness.store.stats_summary(&tenant("acme")).await?.entries,
        2 * 15 * 40
    );
    let source = &harness.store.sources(&tenant("acme")).await?[0];
    assert_eq!(source.entries, 2 * 15 * 40);
    for name in ["first", "second"] {
        let search = EntrySearch {
            query: Some(name.parse()?),
            ..EntrySearch::default()
        };
        assert_eq!(
            harness
                .store
                .search_entries(&tenant("acme"), &search, None, 1_000)
                .await?
                .len(),
            600
        );
    }
    Ok(())
}

async fn entries_out_of_order_are_refused(harness: Harness) -> anyhow::Result<()> {
    let mut cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    cycle.entries.reverse();
    let error = harness.store.commit_cycle(&cycle).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Invalid, "{error}");
    cycle.entries.reverse();
    cycle.batch_entries_max = 0;
    assert_eq!(
        harness.store.commit_cycle(&cycle).await.unwrap_err().kind,
        StoreErrorKind::Invalid
    );
    Ok(())
}

async fn checkpoints_are_set_replaced_and_forgotten(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let checkpoint = |source_name: &str, key: &str, state: Option<&str>| SourceCheckpoint {
        source_id: source(source_name),
        key: key.into(),
        state: state.map(str::to_owned),
    };
    let commit = |tenant: TenantId, checkpoints: Vec<SourceCheckpoint>| {
        let mut cycle = cycle(&tenant, Vec::new());
        cycle.checkpoints = checkpoints;
        async move { store.commit_cycle(&cycle).await }
    };
    let odd = r#"{"path":"/var/log/ä \"x\" %_'.log","offset":9007199254740993}"#;
    commit(
        tenant("acme"),
        vec![
            checkpoint("web", "a", Some("1")),
            checkpoint("web", "b", Some(odd)),
        ],
    )
    .await?;
    commit(tenant("other"), vec![checkpoint("web", "a", Some("theirs"))]).await?;
    commit(
        tenant("acme"),
        vec![
            checkpoint("db", "a", Some("db")),
            checkpoint("web", "a", Some("2")),
        ],
    )
    .await?;
    let of_web = store.checkpoints(&tenant("acme"), &source("web")).await?;
    assert_eq!(
        of_web,
        [
            checkpoint("web", "a", Some("2")),
            checkpoint("web", "b", Some(odd))
        ]
    );

    // Within one cycle the last word on a key counts.
    commit(
        tenant("acme"),
        vec![
            checkpoint("web", "a", None),
            checkpoint("web", "b", Some("x")),
            checkpoint("web", "b", None),
            checkpoint("web", "c", None),
            checkpoint("web", "c", Some("3")),
        ],
    )
    .await?;
    assert_eq!(
        store.checkpoints(&tenant("acme"), &source("web")).await?,
        [checkpoint("web", "c", Some("3"))]
    );
    assert_eq!(
        store.checkpoints(&tenant("other"), &source("web")).await?,
        [checkpoint("web", "a", Some("theirs"))]
    );
    assert_eq!(
        store.checkpoints(&tenant("acme"), &source("db")).await?,
        [checkpoint("db", "a", Some("db"))]
    );
    Ok(())
}

async fn progress_follows_the_scores(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let cycle = cycle_of_texts(&tenant("acme"), ["one", "two", "three"]);
    store.commit_cycle(&cycle).await?;
    assert_eq!(store.cycle_progress(&cycle.id).await?, Some((3, 3)));
    let outcomes = vec![
        scored(&cycle.entries[0].id, "NORMAL", 0.9),
        quarantined(&cycle.entries[1].id, "odd"),
    ];
    store.record_scores(&scores(None, 1, outcomes)).await?;
    assert_eq!(store.cycle_progress(&cycle.id).await?, Some((3, 1)));
    assert_eq!(store.cycle_progress(&CycleId::generate()).await?, None);
    Ok(())
}

async fn a_large_cycle_is_stored_whole(harness: Harness) -> anyhow::Result<()> {
    let cycle = cycle_of_texts(
        &tenant("acme"),
        (0..5_003).map(|number| format!("request {number} took {number} ms")),
    );
    harness.store.commit_cycle(&cycle).await?;
    let batches = waiting_batches(harness.store.as_ref()).await?;
    assert_eq!(batches.len(), 51);
    let mut texts = Vec::new();
    for batch in &batches {
        texts.extend(harness.store.batch_texts(batch).await?);
    }
    let expected: Vec<_> = cycle
        .entries
        .iter()
        .map(|entry| (entry.id.clone(), entry.text.clone()))
        .collect();
    let found: Vec<_> = texts.into_iter().map(|text| (text.id, text.text)).collect();
    assert_eq!(found, expected);
    Ok(())
}
