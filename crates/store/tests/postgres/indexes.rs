//! Every verb on detections, groups and counts has the index it needs: with sequential scans made dear, the server's own plans must hold
//! none over a large table, and no walk through a whole index either.

use crate::fixtures::{cycle, instant, open, score_all, source};
use turnstone_store::postgres::PostgresStore;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionSelection, EntrySearch, GroupFilter, GroupUntil, ReadStore,
    TimelineRequest, WriteStore,
};
use turnstone_testkit::{PostgresCluster, PostgresOptions};
use turnstone_types::{Label, Severity, TenantId, Verdict};

const LARGE_TABLES: [&str; 4] = [
    "log_entries",
    "detections",
    "entry_text_index",
    "detection_text_index",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_has_its_index() {
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
        ("enable_seqscan", "off"),
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
    for _ in 0..3 {
        store
            .commit_cycle(&cycle(&TenantId::shared(), 10_000, 50))
            .await
            .unwrap();
    }
    score_all(&store).await;
    while store.index_pending_text(20_000).await.unwrap() > 0 {}
    // Also merges what waits in the text indexes, whose scan the planner counts.
    cluster.execute("test_0", "VACUUM (ANALYZE)").await.unwrap();
    let logged_before = cluster.log().len();
    for _ in 0..7 {
        use_the_verbs(&store, &TenantId::new("acme").unwrap()).await;
    }
    let log = cluster.log().split_off(logged_before);
    assert!(
        log.contains("using detections_by_group"),
        "the plans must be in the log"
    );
    for plan in log.split("duration: ") {
        if let Some(fault) = fault(plan) {
            panic!("{fault}:\n{plan}");
        }
    }
}

/// A node of a plan that reads more than it looks for.
fn fault(plan: &str) -> Option<&str> {
    let mut lines = plan.lines().peekable();
    while let Some(line) = lines.next() {
        let is_on = |table: &str| line.contains(&format!(" on {table} "));
        if !LARGE_TABLES.into_iter().any(is_on) {
            continue;
        }
        let walks = line.contains("Index Scan") || line.contains("Index Only Scan");
        // A partial index holds what is looked for and nothing else.
        let is_bounded = line.contains("detections_without_fingerprint")
            || lines.peek().is_some_and(|next| next.contains("Index Cond"));
        if line.contains("Seq Scan") || (walks && !is_bounded) {
            return Some(line);
        }
    }
    None
}

async fn use_the_verbs(store: &PostgresStore, tenant: &TenantId) {
    let any = DetectionFilter::default;
    let newest = store
        .list_detections(tenant, &any(), None, 1)
        .await
        .unwrap()
        .remove(0);
    let filters = [
        DetectionFilter {
            fingerprint: newest.fingerprint.clone(),
            ..any()
        },
        DetectionFilter {
            fingerprint: newest.fingerprint.clone(),
            source_id: Some(source(0)),
            label: Some(Label::new("SYSTEM_FAILURE")),
            ..any()
        },
        DetectionFilter {
            source_id: Some(source(1)),
            ..any()
        },
        DetectionFilter {
            severity: Some(Severity::Critical),
            ..any()
        },
        DetectionFilter {
            scorer: Some("nobody".into()),
            ..any()
        },
        DetectionFilter {
            verdict: Some(Verdict::Expected),
            ..any()
        },
        DetectionFilter {
            suppressed: Some(true),
            ..any()
        },
        DetectionFilter {
            text: Some("user77".parse().unwrap()),
            ..any()
        },
        DetectionFilter {
            text: Some("failed".parse().unwrap()),
            unacknowledged: Some(true),
            ..any()
        },
    ];
    for filter in &filters {
        store.list_detections(tenant, filter, None, 20).await.unwrap();
    }
    let groups = store
        .list_detection_groups(tenant, &GroupFilter::default(), None, 20)
        .await
        .unwrap();
    assert!(groups.len() >= 3, "one message in three sources");
    let group_filters = [
        GroupFilter {
            unacknowledged: Some(true),
            ..GroupFilter::default()
        },
        GroupFilter {
            scorer: Some("test".into()),
            ..GroupFilter::default()
        },
        GroupFilter {
            fingerprint: newest.fingerprint.clone(),
            ..GroupFilter::default()
        },
    ];
    for filter in &group_filters {
        store
            .list_detection_groups(tenant, filter, None, 20)
            .await
            .unwrap();
    }
    let selections = [
        DetectionSelection::Ids(vec![newest.id.clone()]),
        DetectionSelection::Filter(filters[1].clone()),
        DetectionSelection::Filter(filters[7].clone()),
        DetectionSelection::Groups(vec![GroupUntil {
            key: groups[0].key.clone(),
            until: instant(10),
        }]),
    ];
    for selection in selections {
        let request = AcknowledgeRequest {
            verdict: Some(Verdict::Expected),
            ..AcknowledgeRequest::new(tenant.clone(), selection.clone(), instant(20))
        };
        let mut dry = request.clone();
        dry.dry_run = true;
        let counted = store.acknowledge(&dry).await.unwrap().count;
        let done = store.acknowledge(&request).await.unwrap();
        assert_eq!(counted, done.count);
        store.verdicts(tenant, None, 20).await.unwrap();
        if let Some(id) = done.operation_id {
            assert_eq!(
                store
                    .undo_acknowledge(tenant, &id, instant(21))
                    .await
                    .unwrap()
                    .unwrap()
                    .restored,
                done.count
            );
        }
        assert_eq!(store.unacknowledge(tenant, &selection).await.unwrap(), 0);
    }
    assert_eq!(store.fingerprint_pending(10).await.unwrap(), 0);
    let request = TimelineRequest {
        from: instant(-3_600),
        until: instant(3_600),
        bucket_seconds: 60,
        source_id: None,
    };
    assert!(!store.timeline(tenant, &request).await.unwrap().is_empty());
    store.stats_breakdown(tenant, instant(0)).await.unwrap();
    store.source_health(tenant, instant(0)).await.unwrap();
    store.stats_summary(tenant).await.unwrap();
    store
        .entry_facts(tenant, &newest.entry_id, 300)
        .await
        .unwrap()
        .unwrap();
    // A word that is everywhere: by time. One that is rare: by the index.
    for query in ["failed password", "user77"] {
        let search = EntrySearch {
            query: Some(query.parse().unwrap()),
            ..EntrySearch::default()
        };
        assert_eq!(
            store
                .search_entries(tenant, &search, None, 20)
                .await
                .unwrap()
                .len(),
            20
        );
    }
}
