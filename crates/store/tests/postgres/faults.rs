//! Restarts, kills and collisions: nothing is half written, nothing is written twice, the next call works.

use crate::fixtures::{cycle, instant, open, score_all, scores};
use std::time::Duration;
use turnstone_store::{DetectionFilter, EntrySearch, ReadStore, StoreErrorKind, SweepRequest, WriteStore};
use turnstone_testkit::{PostgresCluster, wait_for};
use turnstone_types::{EntryOutcome, NewCycle, TenantId};

const LIMIT: Duration = Duration::from_secs(30);

async fn scalar(url: &str, query: &str) -> anyhow::Result<i64> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    let value = client.query_one(query, &[]).await?.get(0);
    drop(client);
    driver.await??;
    Ok(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_survives_a_restart_between_calls() {
    let cluster = PostgresCluster::start().unwrap();
    let store = open(&cluster.fresh_database().await.unwrap()).await;
    let tenant = &TenantId::shared();
    store.migrate().await.unwrap();
    let first = cycle(tenant, 10, 5);
    store.commit_cycle(&first).await.unwrap();
    let batch = store.open_batches(tenant, 1).await.unwrap().remove(0);
    let texts = store.batch_texts(&batch).await.unwrap();

    // Fills the pool, so that each restart leaves several dead connections behind.
    macro_rules! after_restart {
        ($($call:expr),+ $(,)?) => {$(
            futures::future::join_all((0..4).map(|_| store.check_ready())).await;
            cluster.stop().unwrap();
            cluster.start_again().unwrap();
            $call.await.unwrap_or_else(|error| panic!("{}: {error}", stringify!($call)));
        )+};
    }
    let sweep = SweepRequest {
        sent_before: instant(9),
        now: instant(10),
        limit: 9,
        adopt_orphans: true,
        batch_entries_max: 5,
    };
    after_restart!(
        store.commit_cycle(&cycle(tenant, 10, 5)),
        store.record_scores(&scores(Some(&batch), &texts)),
        store.batch_texts(&batch),
        store.sweep(&sweep),
        store.index_pending_text(100),
        store.search_entries(
            tenant,
            &EntrySearch {
                query: Some("failed".parse().unwrap()),
                ..EntrySearch::default()
            },
            None,
            10
        ),
        store.list_detections(tenant, &DetectionFilter::default(), None, 10),
        store.stats_summary(tenant),
        store.migrate(),
        store.check_ready(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_unavailable_and_not_waited_for_forever() {
    let cluster = PostgresCluster::start().unwrap();
    let store = open(&cluster.fresh_database().await.unwrap()).await;
    store.migrate().await.unwrap();
    cluster.stop().unwrap();
    let error = tokio::time::timeout(LIMIT, store.check_ready())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable());
    cluster.start_again().unwrap();
    store.check_ready().await.unwrap();
}

/// Kills the server while `write` waits for a lock that another session holds on `table`, in the middle of its transaction.
async fn kill_while_waiting_for(
    cluster: &PostgresCluster,
    url: &str,
    table: &str,
    write: impl Future<Output = Result<(), StoreErrorKind>> + Send,
) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(&format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE"))
        .await
        .unwrap();
    let kill = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        wait_for(LIMIT, || async {
            anyhow::ensure!(scalar(url, waiting).await? > 0, "nobody waits");
            Ok(())
        })
        .await
        .unwrap();
        cluster.kill9().unwrap();
    };
    let (written, ()) = tokio::join!(write, kill);
    assert_eq!(
        written,
        Err(StoreErrorKind::Unavailable),
        "a write must not claim success while the server is dead"
    );
    cluster.start_again().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_cut_off_by_a_kill_leaves_nothing() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    let store = open(&url).await;
    store.migrate().await.unwrap();
    let whole = cycle(&TenantId::shared(), 3_000, 100);
    // Batches are written after the entries have been loaded.
    kill_while_waiting_for(&cluster, &url, "score_batches", async {
        store
            .commit_cycle(&whole)
            .await
            .map(drop)
            .map_err(|error| error.kind)
    })
    .await;
    for table in [
        "log_entries",
        "glean_cycles",
        "sources",
        "score_batches",
        "outbox",
    ] {
        assert_eq!(
            scalar(&url, &format!("SELECT count(*) FROM {table}"))
                .await
                .unwrap(),
            0,
            "{table}"
        );
    }
    assert!(store.commit_cycle(&whole).await.unwrap());
    assert!(!store.commit_cycle(&whole).await.unwrap());
    assert_eq!(
        scalar(&url, "SELECT count(*) FROM log_entries").await.unwrap(),
        3_000
    );
    assert_eq!(scalar(&url, "SELECT count(*) FROM outbox").await.unwrap(), 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_cut_off_by_a_kill_leave_nothing() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    let store = open(&url).await;
    store.migrate().await.unwrap();
    store
        .commit_cycle(&cycle(&TenantId::shared(), 200, 200))
        .await
        .unwrap();
    let batch = store
        .open_batches(&TenantId::shared(), 1)
        .await
        .unwrap()
        .remove(0);
    let scored = scores(Some(&batch), &store.batch_texts(&batch).await.unwrap());
    // Detections are written after the scores.
    kill_while_waiting_for(&cluster, &url, "detections", async {
        store
            .record_scores(&scored)
            .await
            .map(drop)
            .map_err(|error| error.kind)
    })
    .await;
    assert_eq!(
        scalar(
            &url,
            "SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NOT NULL"
        )
        .await
        .unwrap(),
        0
    );
    assert_eq!(store.batch_texts(&batch).await.unwrap().len(), 200);
    let recorded = store.record_scores(&scored).await.unwrap();
    assert_eq!((recorded.newly_scored, recorded.new_detections), (200, 10));
    assert!(
        store
            .open_batches(&TenantId::shared(), 1)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_with_overlapping_scores_do_not_stop_each_other() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    let stores = futures::future::join_all((0..4).map(|_| open(&url))).await;
    stores[0].migrate().await.unwrap();
    for round in 0..10 {
        stores[0]
            .commit_cycle(&cycle(&TenantId::shared(), 400, 100))
            .await
            .unwrap();
        let mut texts = Vec::new();
        for batch in stores[0].open_batches(&TenantId::shared(), 10).await.unwrap() {
            texts.extend(stores[0].batch_texts(&batch).await.unwrap());
        }
        let work = stores.iter().enumerate().map(|(worker, store)| {
            // Each has most of the entries, in an order of its own, and closes no batch.
            let mut own = scores(None, &texts[worker * 30..texts.len() - worker * 20]);
            if worker % 2 == 1 {
                own.outcomes.reverse();
            }
            async move { store.record_scores(&own).await }
        });
        let recorded = futures::future::join_all(work).await;
        let newly_scored: u64 = recorded
            .iter()
            .map(|recorded| recorded.as_ref().unwrap().newly_scored)
            .sum();
        assert_eq!(
            newly_scored, 400,
            "round {round}: each entry is scored by exactly one of them"
        );
        score_all(&stores[0]).await;
    }
    let twice = "SELECT count(*) FROM (SELECT entry_id FROM detections GROUP BY entry_id HAVING count(*) > 1) AS twice";
    assert_eq!(scalar(&url, twice).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    let store = open(&url).await;
    store.migrate().await.unwrap();
    let committed: NewCycle = cycle(&TenantId::shared(), 2, 2);
    store.commit_cycle(&committed).await.unwrap();
    let batch = store
        .open_batches(&TenantId::shared(), 1)
        .await
        .unwrap()
        .remove(0);
    let scored = scores(Some(&batch), &store.batch_texts(&batch).await.unwrap());
    let (first, second) = (committed.entries[0].id.as_str(), committed.entries[1].id.as_str());

    // The other side locks the second entry, lets the store lock the first, and then asks for that one too. The server ends
    // whichever side notices the deadlock; where it is ours, the store must try again and succeed.
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    // Long, so that the store's side notices first.
    client
        .batch_execute("SET deadlock_timeout = '60s'; BEGIN")
        .await
        .unwrap();
    client
        .execute("SELECT 1 FROM log_entries WHERE id = $1 FOR UPDATE", &[&second])
        .await
        .unwrap();
    let other_side = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE log_entries%'";
        wait_for(LIMIT, || async {
            anyhow::ensure!(scalar(&url, waiting).await? > 0, "the store does not wait");
            Ok(())
        })
        .await
        .unwrap();
        client
            .execute("SELECT 1 FROM log_entries WHERE id = $1 FOR UPDATE", &[&first])
            .await
            .unwrap();
        client.batch_execute("COMMIT").await.unwrap();
    };
    let (recorded, ()) = tokio::join!(store.record_scores(&scored), other_side);
    assert_eq!(recorded.unwrap().newly_scored, 2);
    assert!(
        cluster.log().contains("deadlock detected"),
        "the case must have made a deadlock"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn indexers_share_the_work() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    let stores = futures::future::join_all((0..3).map(|_| open(&url))).await;
    stores[0].migrate().await.unwrap();
    for _ in 0..12 {
        stores[0]
            .commit_cycle(&cycle(&TenantId::shared(), 100, 100))
            .await
            .unwrap();
    }
    // Small steps, so that cycles are indexed in pieces.
    let indexed = futures::future::join_all(stores.iter().map(|store| async move {
        let mut indexed = 0;
        loop {
            match store.index_pending_text(30).await.unwrap() {
                0 => return indexed,
                more => indexed += more,
            }
        }
    }))
    .await;
    // One that found the last cycle taken may have stopped early; what it left, the others did.
    assert_eq!(indexed.iter().sum::<u64>(), 1_200);
    assert_eq!(
        scalar(&url, "SELECT count(*) FROM entry_text_index")
            .await
            .unwrap(),
        1_200
    );
    assert_eq!(
        scalar(
            &url,
            "SELECT count(*) FROM glean_cycles WHERE text_indexed_at IS NULL"
        )
        .await
        .unwrap(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_address_is_said_without_its_password() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    let cases = [
        (url.replace("/test_", "/no_such_"), StoreErrorKind::NotFound),
        (format!("{url}?sslmode=require"), StoreErrorKind::Invalid),
        (
            url.replace("127.0.0.1:", "127.0.0.1:1")
                .replace("postgres@", "postgres:hunter2@"),
            StoreErrorKind::Unavailable,
        ),
    ];
    for (address, kind) in cases {
        let Ok(address) = url::Url::parse(&address) else {
            continue;
        };
        let options = turnstone_store::ConnectOptions::default();
        let store = turnstone_store::postgres::PostgresStore::open(&address, &options)
            .await
            .unwrap();
        let error = store.check_ready().await.unwrap_err();
        assert_eq!(error.kind, kind, "{address}: {error}");
        assert!(!format!("{error:?} {error} {store:?}").contains("hunter2"));
    }
    for refused in [
        "?sslmode=maybe",
        "?sslmode=verify-full&sslrootcert=/nowhere",
        "?connect_timeout=soon",
    ] {
        let address = url::Url::parse(&format!("{url}{refused}")).unwrap();
        let error = turnstone_store::postgres::PostgresStore::open(&address, &Default::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{refused}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_its_own_can_be_named_in_the_address() {
    let cluster = PostgresCluster::start().unwrap();
    let url = cluster.fresh_database().await.unwrap();
    cluster
        .execute("test_0", "CREATE SCHEMA one; CREATE SCHEMA two")
        .await
        .unwrap();
    for schema in ["one", "two"] {
        let store = open(&format!("{url}?options=-c%20search_path%3D{schema}")).await;
        store.migrate().await.unwrap();
        let committed = cycle(&TenantId::shared(), 5, 5);
        store.commit_cycle(&committed).await.unwrap();
        let all = store
            .search_entries(&TenantId::shared(), &EntrySearch::default(), None, 10)
            .await
            .unwrap();
        assert_eq!(all.len(), 5);
        // The triggers find their tables as well.
        cluster
            .execute(
                "test_0",
                &format!("UPDATE {schema}.log_entries SET text = 'changed'"),
            )
            .await
            .unwrap();
        assert_eq!(store.index_pending_text(100).await.unwrap(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_other_outcomes_changes_nothing() {
    let cluster = PostgresCluster::start().unwrap();
    let store = open(&cluster.fresh_database().await.unwrap()).await;
    store.migrate().await.unwrap();
    store
        .commit_cycle(&cycle(&TenantId::shared(), 40, 40))
        .await
        .unwrap();
    let batch = store
        .open_batches(&TenantId::shared(), 1)
        .await
        .unwrap()
        .remove(0);
    let mut scored = scores(Some(&batch), &store.batch_texts(&batch).await.unwrap());
    store.record_scores(&scored).await.unwrap();
    for outcome in &mut scored.outcomes {
        outcome.outcome = EntryOutcome::Quarantined {
            reason: "too late".to_owned(),
        };
    }
    assert_eq!(
        store.record_scores(&scored).await.unwrap(),
        turnstone_store::RecordOutcome::default()
    );
}
