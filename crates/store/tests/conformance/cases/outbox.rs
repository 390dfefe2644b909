//! Events from commit to publication, and what the sweeper sends again.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{OutboxBody, Store, StoreErrorKind, SweepOutcome, SweepRequest};
use turnstone_types::{BatchId, EntryId, ScoreBatch};

crate::cases![
    events_wait_oldest_first_until_published,
    marking_twice_does_not_move_the_deadline,
    an_overdue_batch_is_sent_again_under_a_new_message_id,
    a_batch_that_waits_in_the_outbox_is_not_swept,
    a_batch_that_is_done_is_not_swept,
    a_dead_batch_is_not_swept_until_it_is_opened_again,
    sweeps_are_limited,
    two_sweepers_send_once,
    published_rows_are_pruned,
    orphans_are_adopted,
    adopted_runs_do_not_reach_over_other_batches,
    entries_of_a_dead_batch_are_no_orphans,
    an_unknown_batch_cannot_be_marked_dead,
];

fn sweep_at(second: i64, sent_before: i64) -> SweepRequest {
    SweepRequest {
        sent_before: at(sent_before),
        now: at(second),
        limit: 100,
        adopt_orphans: false,
        batch_entries_max: 100,
    }
}

fn resent(resent_batches: u64) -> SweepOutcome {
    SweepOutcome {
        resent_batches,
        adopted_batches: 0,
    }
}

async fn one_batch(store: &dyn Store) -> anyhow::Result<ScoreBatch> {
    store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), ["one", "two"]))
        .await?;
    Ok(waiting_batches(store).await?.remove(0))
}

async fn message_ids(store: &dyn Store) -> anyhow::Result<Vec<String>> {
    Ok(store
        .pending_events(1_000)
        .await?
        .into_iter()
        .map(|event| event.message_id)
        .collect())
}

async fn events_wait_oldest_first_until_published(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let mut cycle_ids = Vec::new();
    // Committed against the order of time.
    for second in [30, 10, 20] {
        let mut cycle = cycle_of_texts(&tenant("acme"), ["one"]);
        cycle.closed_at = at(second);
        store.commit_cycle(&cycle).await?;
        cycle_ids.push((second, cycle.id));
    }
    cycle_ids.sort_unstable();
    let events = store.pending_events(100).await?;
    let cycles: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            OutboxBody::Cycle(cycle) => Some(cycle.cycle_id.clone()),
            OutboxBody::Batch(_) => None,
        })
        .collect();
    assert_eq!(
        cycles,
        cycle_ids.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
    );
    assert_eq!(store.pending_events(2).await?, events[..2]);

    let first: Vec<String> = events[..3].iter().map(|event| event.message_id.clone()).collect();
    store.mark_published(&first, at(40)).await?;
    assert_eq!(store.pending_events(100).await?, events[3..]);
    store.mark_published(&["unknown".into()], at(40)).await?;
    store.mark_published(&[], at(40)).await?;
    publish_all(store, at(41)).await?;
    assert!(store.pending_events(100).await?.is_empty());
    Ok(())
}

async fn marking_twice_does_not_move_the_deadline(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    one_batch(store).await?;
    let ids = publish_all(store, at(10)).await?;
    store.mark_published(&ids, at(1_000)).await?;
    assert_eq!(store.sweep(&sweep_at(100, 11)).await?, resent(1));
    Ok(())
}

async fn an_overdue_batch_is_sent_again_under_a_new_message_id(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let mut cycle = cycle_of_texts(&tenant("acme"), ["one"]);
    cycle.trace_parent = Some("00-trace".into());
    store.commit_cycle(&cycle).await?;
    let batch = waiting_batches(store).await?.remove(0);
    publish_all(store, at(10)).await?;

    assert_eq!(
        store.sweep(&sweep_at(100, 10)).await?,
        resent(0),
        "its deadline counts from publication"
    );
    assert_eq!(store.sweep(&sweep_at(100, 11)).await?, resent(1));
    let events = store.pending_events(10).await?;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].message_id, format!("{}.2", batch.id));
    assert_eq!(events[0].body, OutboxBody::Batch(batch.clone()));
    assert_eq!(events[0].trace_parent.as_deref(), Some("00-trace"));

    publish_all(store, at(110)).await?;
    assert_eq!(
        store.sweep(&sweep_at(200, 110)).await?,
        resent(0),
        "sending it again starts a new deadline"
    );
    assert_eq!(store.sweep(&sweep_at(200, 111)).await?, resent(1));
    assert_eq!(message_ids(store).await?, [format!("{}.3", batch.id)]);
    Ok(())
}

async fn a_batch_that_waits_in_the_outbox_is_not_swept(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    one_batch(store).await?;
    assert_eq!(store.sweep(&sweep_at(100, 1_000)).await?, resent(0));
    publish_all(store, at(10)).await?;
    assert_eq!(store.sweep(&sweep_at(100, 1_000)).await?, resent(1));
    assert_eq!(store.sweep(&sweep_at(100, 1_000)).await?, resent(0));
    assert_eq!(message_ids(store).await?.len(), 1);
    Ok(())
}

async fn a_batch_that_is_done_is_not_swept(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let batch = one_batch(store).await?;
    publish_all(store, at(10)).await?;
    let texts = store.batch_texts(&batch).await?;
    let half = vec![scored(&texts[0].id, "NORMAL", 0.9)];
    store.record_scores(&scores(Some(&batch.id), 11, half)).await?;
    assert_eq!(
        store.sweep(&sweep_at(100, 50)).await?,
        resent(1),
        "a batch answered in part is not done"
    );
    publish_all(store, at(100)).await?;
    let rest = vec![scored(&texts[1].id, "NORMAL", 0.9)];
    store.record_scores(&scores(Some(&batch.id), 101, rest)).await?;
    assert_eq!(store.sweep(&sweep_at(1_000, 500)).await?, resent(0));
    assert!(store.open_batches(&tenant("acme"), 10).await?.is_empty());
    Ok(())
}

async fn a_dead_batch_is_not_swept_until_it_is_opened_again(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let batch = one_batch(store).await?;
    publish_all(store, at(10)).await?;
    store
        .mark_batch_dead(&batch.id, Some("model refuses: 'odd' \"text\""))
        .await?;
    assert_eq!(store.sweep(&sweep_at(100, 50)).await?, resent(0));
    assert!(store.open_batches(&tenant("acme"), 10).await?.is_empty());
    let reason = harness
        .sql
        .scalar("SELECT dead_reason FROM score_batches")
        .await?;
    assert_eq!(reason.as_deref(), Some("model refuses: 'odd' \"text\""));

    store.mark_batch_dead(&batch.id, None).await?;
    assert_eq!(
        store.open_batches(&tenant("acme"), 10).await?,
        std::slice::from_ref(&batch)
    );
    assert_eq!(store.sweep(&sweep_at(100, 50)).await?, resent(1));
    Ok(())
}

async fn sweeps_are_limited(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let mut cycle = cycle_of_texts(&tenant("acme"), (0..50).map(|number| number.to_string()));
    cycle.batch_entries_max = 10;
    store.commit_cycle(&cycle).await?;
    publish_all(store, at(10)).await?;
    let limited = SweepRequest {
        limit: 2,
        ..sweep_at(100, 50)
    };
    assert_eq!(store.sweep(&limited).await?, resent(2));
    assert_eq!(store.sweep(&limited).await?, resent(2));
    assert_eq!(store.sweep(&limited).await?, resent(1));
    assert_eq!(store.sweep(&limited).await?, resent(0));
    Ok(())
}

async fn two_sweepers_send_once(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let other = harness.reopen().await?;
    for _ in 0..5 {
        one_batch(store).await?;
    }
    for round in 1..=5 {
        publish_all(store, at(round * 100)).await?;
        let request = sweep_at(round * 100 + 50, round * 100 + 1);
        let (one, two) = tokio::try_join!(store.sweep(&request), other.sweep(&request))?;
        assert_eq!(one.resent_batches + two.resent_batches, 5);
        assert_eq!(message_ids(store).await?.len(), 5);
    }
    Ok(())
}

async fn published_rows_are_pruned(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    one_batch(store).await?;
    publish_all(store, at(10)).await?;
    one_batch(store).await?;
    assert_eq!(store.prune_outbox(at(10)).await?, 0);
    assert_eq!(store.prune_outbox(at(11)).await?, 2);
    assert_eq!(store.prune_outbox(at(1_000)).await?, 0);
    assert_eq!(
        store.pending_events(10).await?.len(),
        2,
        "what waits is never pruned"
    );
    assert_eq!(
        store.sweep(&sweep_at(100, 50)).await?,
        resent(1),
        "a pruned event does not end its batch"
    );
    Ok(())
}

async fn insert_by_hand(harness: &Harness, tenant: &str, ids: &[String]) -> anyhow::Result<()> {
    for id in ids {
        let row = format!(
            "INSERT INTO log_entries (id, tenant_id, source_id, text) VALUES ('{id}', '{tenant}', 'hand', 'text of {id}')"
        );
        harness.sql.execute(&row).await?;
    }
    Ok(())
}

fn numbered(ids: impl IntoIterator<Item = u32>) -> Vec<String> {
    ids.into_iter().map(|id| format!("hand-{id:03}")).collect()
}

async fn orphans_are_adopted(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    one_batch(store).await?;
    publish_all(store, at(10)).await?;
    insert_by_hand(&harness, "acme", &numbered(0..7)).await?;
    insert_by_hand(&harness, "", &numbered(7..8)).await?;

    assert_eq!(
        store.sweep(&sweep_at(20, 5)).await?,
        resent(0),
        "orphans are adopted only when asked"
    );
    let adopt = SweepRequest {
        adopt_orphans: true,
        batch_entries_max: 5,
        ..sweep_at(20, 5)
    };
    assert_eq!(
        store.sweep(&adopt).await?,
        SweepOutcome {
            resent_batches: 0,
            adopted_batches: 3
        }
    );
    assert_eq!(
        store.sweep(&adopt).await?,
        resent(0),
        "adopted entries are orphans no more"
    );

    let mut found = Vec::new();
    for batch in waiting_batches(store).await? {
        let texts = store.batch_texts(&batch).await?;
        assert_eq!(texts.len(), batch.entry_count as usize);
        assert!(texts.len() <= 5);
        assert!(
            texts
                .iter()
                .all(|text| text.text == format!("text of {}", text.id))
        );
        found.extend(
            texts
                .into_iter()
                .map(|text| (batch.tenant.to_string(), text.id.to_string())),
        );
    }
    found.sort();
    let mut expected: Vec<_> = numbered(0..7)
        .into_iter()
        .map(|id| ("acme".to_owned(), id))
        .collect();
    expected.insert(0, (String::new(), "hand-007".into()));
    assert_eq!(found, expected);

    // A row whose score was cleared by hand is an orphan too: its batch is done.
    let batch = store.open_batches(&tenant("acme"), 100).await?.pop().unwrap();
    let outcomes = store
        .batch_texts(&batch)
        .await?
        .iter()
        .map(|text| scored(&text.id, "NORMAL", 0.9))
        .collect();
    store
        .record_scores(&scores(Some(&batch.id), 30, outcomes))
        .await?;
    harness
        .sql
        .execute(&format!(
            "UPDATE log_entries SET anomaly_scored_at = NULL WHERE id = '{}'",
            batch.first_entry_id
        ))
        .await?;
    assert_eq!(
        store.sweep(&adopt).await?,
        SweepOutcome {
            resent_batches: 0,
            adopted_batches: 1
        }
    );
    Ok(())
}

async fn adopted_runs_do_not_reach_over_other_batches(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let adopt = SweepRequest {
        adopt_orphans: true,
        ..sweep_at(20, 5)
    };
    insert_by_hand(&harness, "acme", &numbered(10..14)).await?;
    assert_eq!(store.sweep(&adopt).await?.adopted_batches, 1);
    insert_by_hand(&harness, "acme", &numbered([5, 6, 20, 21])).await?;
    assert_eq!(store.sweep(&adopt).await?.adopted_batches, 2);
    let mut seen = Vec::new();
    for batch in waiting_batches(store).await? {
        seen.extend(
            store
                .batch_texts(&batch)
                .await?
                .into_iter()
                .map(|text| text.id.to_string()),
        );
    }
    assert_eq!(
        seen,
        numbered([5, 6, 10, 11, 12, 13, 20, 21]),
        "every entry is in one batch and no more"
    );
    Ok(())
}

async fn entries_of_a_dead_batch_are_no_orphans(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let batch = one_batch(store).await?;
    publish_all(store, at(10)).await?;
    store.mark_batch_dead(&batch.id, Some("never works")).await?;
    let adopt = SweepRequest {
        adopt_orphans: true,
        ..sweep_at(100, 50)
    };
    assert_eq!(store.sweep(&adopt).await?, resent(0));
    Ok(())
}

async fn an_unknown_batch_cannot_be_marked_dead(harness: Harness) -> anyhow::Result<()> {
    let error = harness
        .store
        .mark_batch_dead(&BatchId::generate(), Some("why"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    let unknown = scores(
        Some(&BatchId::generate()),
        1,
        vec![scored(&EntryId::generate(), "ERROR", 0.9)],
    );
    assert_eq!(harness.store.record_scores(&unknown).await?, Default::default());
    Ok(())
}
