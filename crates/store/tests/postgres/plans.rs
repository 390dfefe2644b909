//! No read scans a large table: the server itself writes down the plan of every statement, and they are looked through.

use crate::fixtures::{cycle, instant, open, score_all, source};
use turnstone_store::{
    AcknowledgeRequest, ContextRequest, DetectionFilter, DetectionKey, DetectionSelection, EntryKey,
    EntrySearch, ReadStore, SweepRequest, WriteStore,
};
use turnstone_testkit::{PostgresCluster, PostgresOptions};
use turnstone_types::{Label, Severity, TenantId};

/// Tables that grow with the lines gleaned. `glean_cycles`, `outbox` and `score_batches` grow by a row for hundreds of lines.
const LARGE_TABLES: [&str; 4] = [
    "log_entries",
    "detections",
    "entry_text_index",
    "detection_text_index",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_verb_scans_a_large_table() {
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
    ];
    let settings = settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let cluster = PostgresCluster::start_with(PostgresOptions {
        settings,
        ..PostgresOptions::default()
    })
    .unwrap();
    let store = open(&cluster.fresh_database().await.unwrap()).await;
    store.migrate().await.unwrap();
    let acme = TenantId::new("acme").unwrap();
    for _ in 0..5 {
        store
            .commit_cycle(&cycle(&TenantId::shared(), 10_000, 50))
            .await
            .unwrap();
        store.commit_cycle(&cycle(&acme, 1_000, 50)).await.unwrap();
    }
    score_all(&store).await;
    while store.index_pending_text(20_000).await.unwrap() > 0 {}
    let late = cycle(&acme, 300, 100);
    store.commit_cycle(&late).await.unwrap();
    // Once without statistics, as after a large import, and once with them.
    for statistics in [false, true] {
        if statistics {
            cluster.execute("test_0", "ANALYZE").await.unwrap();
        }
        let logged_before = cluster.log().len();
        // Often enough for the server to change to the plan that it keeps for all parameters.
        for _ in 0..7 {
            use_every_verb(&store, &acme, &late).await;
        }
        let log = cluster.log().split_off(logged_before);
        assert!(
            log.contains("Index Scan using log_entries"),
            "the plans must be in the log"
        );
        let plans: Vec<&str> = log.split("duration: ").collect();
        for table in LARGE_TABLES {
            let scan = format!("Seq Scan on {table}");
            let scanning = plans.iter().find(|plan| plan.contains(&scan));
            assert!(
                scanning.is_none(),
                "{scan}, statistics {statistics}:\n{}",
                scanning.unwrap()
            );
        }
    }
}

async fn use_every_verb(
    store: &turnstone_store::postgres::PostgresStore,
    tenant: &TenantId,
    late: &turnstone_types::NewCycle,
) {
    store
        .batch_texts(&store.open_batches(tenant, 10).await.unwrap()[0])
        .await
        .unwrap();
    store.cycle_progress(&late.id).await.unwrap().unwrap();
    store.stats_summary(tenant).await.unwrap();
    store.sources(tenant).await.unwrap();
    store.pending_events(10).await.unwrap();
    // Opened for the plan of recording, which finds nothing to write.
    let request = SweepRequest {
        sent_before: instant(0),
        now: instant(0),
        limit: 1,
        adopt_orphans: false,
        batch_entries_max: 1,
    };
    store.sweep(&request).await.unwrap();

    let entry = &late.entries[150];
    store.entry(tenant, &entry.id).await.unwrap().unwrap();
    let context = ContextRequest {
        entry_id: entry.id.clone(),
        window_seconds: 300,
        before_max: 50,
        after_max: 50,
    };
    assert_eq!(
        store
            .entry_context(tenant, &context)
            .await
            .unwrap()
            .unwrap()
            .len(),
        101
    );
    let key = EntryKey {
        timestamp: entry.timestamp,
        id: entry.id.clone(),
    };
    let searches = [
        EntrySearch::default(),
        EntrySearch {
            source_id: Some(source(1)),
            ..EntrySearch::default()
        },
        EntrySearch {
            severity: Some(Severity::Error),
            time_from: Some(instant(100)),
            ..EntrySearch::default()
        },
        EntrySearch {
            query: Some("user77 failed".parse().unwrap()),
            ..EntrySearch::default()
        },
        EntrySearch {
            query: Some("\"port 4711\"".parse().unwrap()),
            source_id: Some(source(1)),
            ..EntrySearch::default()
        },
    ];
    for search in &searches {
        for after in [None, Some(&key)] {
            store.search_entries(tenant, search, after, 20).await.unwrap();
        }
    }

    let filters = [
        DetectionFilter::default(),
        DetectionFilter {
            unacknowledged: Some(true),
            ..DetectionFilter::default()
        },
        DetectionFilter {
            label: Some(Label::new("SYSTEM_FAILURE")),
            ..DetectionFilter::default()
        },
    ];
    for filter in &filters {
        let page = store.list_detections(tenant, filter, None, 20).await.unwrap();
        assert_eq!(page.len(), 20);
        let key = DetectionKey {
            detected_at: page[19].detected_at,
            id: page[19].id.clone(),
        };
        store
            .list_detections(tenant, filter, Some(&key), 20)
            .await
            .unwrap();
        store.detection(tenant, &page[0].id).await.unwrap().unwrap();
        let selection = DetectionSelection::Ids(vec![page[0].id.clone()]);
        let request = AcknowledgeRequest {
            tenant: tenant.clone(),
            selection: selection.clone(),
            notes: String::new(),
            at: instant(3),
            verdict: None,
            by: String::new(),
            dry_run: false,
        };
        assert_eq!(store.acknowledge(&request).await.unwrap().count, 1);
        store.unacknowledge(tenant, &selection).await.unwrap();
    }
    store
        .detections_after(store.last_detection_sequence().await.unwrap() - 10, 20)
        .await
        .unwrap();
}
