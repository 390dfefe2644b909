//! Groups, totals and what the detections say never drift apart, whatever happens to these.

use super::groups::groups;
use crate::backends::Harness;
use crate::fixtures::*;
use rand::Rng;
use rand::SeedableRng;
use std::sync::Arc;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionSelection, GroupFilter, GroupUntil, ImportChunk, Store,
};
use turnstone_types::{
    AcknowledgementId, CycleId, Label, NewEntry, ScoredEntry, TenantId, Verdict, fingerprint,
};

crate::cases![
    groups_never_drift,
    hand_made_changes_reach_the_groups,
    writers_at_once_keep_the_groups
];

/// Fails unless groups and totals are what the detections say.
pub async fn assert_no_drift(harness: &Harness, when: &str) -> anyhow::Result<()> {
    const KEPT: &str = "SELECT tenant_id, source_id, anomaly_label, fingerprint, detection_count, open_count, first_seen, last_seen, \
         newest_detection_id FROM detection_groups";
    const MADE: &str = "SELECT tenant_id, source_id, anomaly_label, fingerprint, COUNT(*), SUM(CASE WHEN acknowledged = 0 THEN 1 ELSE 0 END), \
         MIN(detected_at), MAX(detected_at), (SELECT n.id FROM detections AS n WHERE n.tenant_id = d.tenant_id AND n.source_id = d.source_id \
             AND n.anomaly_label = d.anomaly_label AND n.fingerprint = d.fingerprint ORDER BY n.detected_at DESC, n.id DESC LIMIT 1) \
         FROM detections AS d WHERE fingerprint IS NOT NULL GROUP BY tenant_id, source_id, anomaly_label, fingerprint";
    const TOTALS: &str = "SELECT tenant_id, source_id, anomaly_label, severity, detection_count, open_count, suppressed_count, \
         true_positives, false_positives, expected FROM detection_totals WHERE detection_count <> 0 OR open_count <> 0";
    const COUNTED: &str = "SELECT tenant_id, source_id, anomaly_label, severity, COUNT(*), SUM(CASE WHEN acknowledged = 0 THEN 1 ELSE 0 END), \
         SUM(CASE WHEN suppressed <> 0 THEN 1 ELSE 0 END), \
         SUM(CASE WHEN verdict = 'true_positive' AND suppressed = 0 THEN 1 ELSE 0 END), \
         SUM(CASE WHEN verdict = 'false_positive' AND suppressed = 0 THEN 1 ELSE 0 END), \
         SUM(CASE WHEN verdict = 'expected' AND suppressed = 0 THEN 1 ELSE 0 END) \
         FROM detections GROUP BY tenant_id, source_id, anomaly_label, severity";
    let missing = |one: &str, other: &str| {
        format!(
            "(SELECT COUNT(*) FROM (SELECT * FROM ({one}) AS o EXCEPT SELECT * FROM ({other}) AS p) AS missing)"
        )
    };
    let differences = [
        missing(KEPT, MADE),
        missing(MADE, KEPT),
        missing(TOTALS, COUNTED),
        missing(COUNTED, TOTALS),
    ];
    // As one number, so that it is one question: four digits, for what is kept and not so, and is so and not kept.
    let query = format!(
        "SELECT 1000 * {} + 100 * {} + 10 * {} + {}",
        differences[0], differences[1], differences[2], differences[3]
    );
    assert_eq!(harness.sql.scalar(&query).await?.as_deref(), Some("0"), "{when}");
    Ok(())
}

/// Does any of what a store can do to detections.
struct Randomly {
    random: rand::rngs::StdRng,
    operations: Vec<(TenantId, AcknowledgementId)>,
    second: i64,
}

impl Randomly {
    fn tenant(&mut self) -> TenantId {
        tenant(["acme", "", "other"][self.random.random_range(0..3)])
    }

    fn text(&mut self) -> String {
        let word = ["alpha", "beta", "gamma"][self.random.random_range(0..3)];
        format!("{word} {} failed", self.random.random_range(0..1_000))
    }

    async fn score(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        let entries: Vec<NewEntry> = (0..self.random.random_range(1..6))
            .map(|place| {
                let mut entry = entry(&self.text(), place);
                entry.source_id = source(["web", "db"][self.random.random_range(0..2)]);
                entry
            })
            .collect();
        let cycle = cycle(&self.tenant(), entries);
        store.commit_cycle(&cycle).await?;
        let outcomes: Vec<ScoredEntry> = cycle
            .entries
            .iter()
            .map(|entry| {
                scored(
                    &entry.id,
                    ["ERROR", "CRITICAL", "NORMAL"][self.random.random_range(0..3)],
                    0.9,
                )
            })
            .collect();
        let mut scores = scores(None, self.second - self.random.random_range(0..20), outcomes);
        scores.quiet_seconds = [0, 5, 50][self.random.random_range(0..3)];
        store.record_scores(&scores).await?;
        // A repeat, as after a lost acknowledgement.
        store.record_scores(&scores).await?;
        Ok(())
    }

    async fn import(&mut self, store: &dyn Store) -> anyhow::Result<()> {
        let owner = self.tenant();
        let id = format!("imported-{}", self.random.random_range(0..30));
        let entry = foreign_entry(&id, &owner, &self.text(), 1);
        let mut detection = foreign_detection(&id, &entry, self.random.random_range(0..100));
        detection.acknowledged = self.random.random();
        let chunk = ImportChunk {
            cycle_id: CycleId::generate(),
            tenant: owner,
            entries: vec![entry],
            detections: vec![detection],
            batch_entries_max: 10,
            at: at(0),
        };
        store.import(&chunk).await?;
        Ok(())
    }

    async fn selection(
        &mut self,
        store: &dyn Store,
        tenant: &TenantId,
    ) -> anyhow::Result<DetectionSelection> {
        Ok(match self.random.random_range(0..3) {
            0 => {
                let some = store
                    .list_detections(tenant, &DetectionFilter::default(), None, 30)
                    .await?;
                DetectionSelection::Ids(
                    some.into_iter()
                        .filter(|_| self.random.random_ratio(1, 3))
                        .map(|one| one.id)
                        .collect(),
                )
            }
            1 => DetectionSelection::Filter(DetectionFilter {
                label: self.random.random_bool(0.5).then(|| Label::new("ERROR")),
                fingerprint: self.random.random_bool(0.5).then(|| fingerprint(&self.text())),
                source_id: self.random.random_bool(0.3).then(|| source("web")),
                ..DetectionFilter::default()
            }),
            _ => {
                let some = store
                    .list_detection_groups(tenant, &GroupFilter::default(), None, 30)
                    .await?;
                DetectionSelection::Groups(
                    some.into_iter()
                        .filter_map(|group| {
                            let until = at(self.second - self.random.random_range(0..20));
                            self.random.random_ratio(1, 3).then_some(GroupUntil {
                                key: group.key,
                                until,
                            })
                        })
                        .collect(),
                )
            }
        })
    }

    async fn step(&mut self, store: &dyn Store) -> anyhow::Result<&'static str> {
        self.second += 3;
        let owner = self.tenant();
        Ok(match self.random.random_range(0..8) {
            0..3 => {
                self.score(store).await?;
                "scores"
            }
            3 => {
                self.import(store).await?;
                "import"
            }
            4 | 5 => {
                let verdict = [
                    None,
                    Some(Verdict::TruePositive),
                    Some(Verdict::FalsePositive),
                    Some(Verdict::Expected),
                ];
                let request = AcknowledgeRequest {
                    verdict: verdict[self.random.random_range(0..4)],
                    dry_run: self.random.random_ratio(1, 5),
                    ..AcknowledgeRequest::new(
                        owner.clone(),
                        self.selection(store, &owner).await?,
                        at(self.second),
                    )
                };
                let done = store.acknowledge(&request).await?;
                self.operations.extend(done.operation_id.map(|id| (owner, id)));
                "acknowledge"
            }
            6 => {
                let selection = self.selection(store, &owner).await?;
                store.unacknowledge(&owner, &selection).await?;
                "unacknowledge"
            }
            _ => {
                if !self.operations.is_empty() {
                    let (owner, id) =
                        self.operations[self.random.random_range(0..self.operations.len())].clone();
                    store
                        .undo_acknowledge(&owner, &id, at(self.second))
                        .await?
                        .unwrap();
                }
                "undo"
            }
        })
    }
}

async fn groups_never_drift(harness: Harness) -> anyhow::Result<()> {
    for seed in 0..3 {
        let mut randomly = Randomly {
            random: rand::rngs::StdRng::seed_from_u64(seed),
            operations: Vec::new(),
            second: 1_000 * seed as i64,
        };
        let mut history = Vec::new();
        for _ in 0..25 {
            history.push(randomly.step(harness.store.as_ref()).await?);
            assert_no_drift(&harness, &format!("seed {seed} after {history:?}")).await?;
        }
    }
    assert_ne!(
        harness
            .sql
            .scalar("SELECT COUNT(*) FROM detection_groups")
            .await?
            .as_deref(),
        Some("0")
    );
    Ok(())
}

async fn hand_made_changes_reach_the_groups(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for second in [10, 20, 30] {
        detections_of_texts(
            store,
            &tenant("acme"),
            &["job 1 failed", "disk full"],
            "ERROR",
            second,
        )
        .await?;
    }
    let newest = groups(store, &GroupFilter::default()).await?.remove(0).newest.id;
    let statements = [
        "INSERT INTO detections (id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, detected_at) \
         VALUES ('by-hand', 'entry', 'web', 'm', 'ERROR', 0.5, 'ERROR', 'job 9 failed', '2026-03-01T12:00:40.000000Z')",
        "UPDATE detections SET acknowledged = 1 WHERE text = 'disk full'",
        "UPDATE detections SET source_id = 'db', acknowledged = 0, verdict = 'expected' WHERE text = 'disk full' AND acknowledged = 1",
        "UPDATE detections SET detected_at = '2026-03-01T11:00:00.000000Z' WHERE source_id = 'db'",
        "UPDATE detections SET severity = 'CRITICAL', anomaly_label = 'CRITICAL' WHERE source_id = 'web'",
        &format!("DELETE FROM detections WHERE id = '{newest}'"),
        "DELETE FROM detections WHERE source_id = 'db'",
    ];
    for statement in statements {
        harness.sql.execute(statement).await?;
        assert_no_drift(&harness, statement).await?;
    }
    assert_eq!(store.fingerprint_pending(10).await?, 1, "the row put in by hand");
    assert_eq!(store.fingerprint_pending(10).await?, 0);
    assert_no_drift(&harness, "fingerprints").await?;
    let left = groups(store, &GroupFilter::default()).await?;
    assert_eq!((left.len(), left[0].newest.id.as_str()), (2, "by-hand"));
    Ok(())
}

async fn writers_at_once_keep_the_groups(harness: Harness) -> anyhow::Result<()> {
    let texts = ["alpha 1", "beta 1", "gamma 1", "delta 1"];
    let write = |store: Arc<dyn Store>, reversed: bool| async move {
        for second in 0..15 {
            let mut texts = texts.to_vec();
            if reversed {
                texts.reverse();
            }
            detections_of_texts(store.as_ref(), &tenant("acme"), &texts, "ERROR", second).await?;
            let all = DetectionSelection::Filter(DetectionFilter::default());
            if second % 5 == 0 {
                store
                    .acknowledge(&AcknowledgeRequest::new(tenant("acme"), all, at(second)))
                    .await?;
            }
        }
        anyhow::Ok(())
    };
    let (second, third) = (harness.reopen().await?, harness.reopen().await?);
    tokio::try_join!(
        write(harness.store.clone(), false),
        write(second, true),
        write(third, false)
    )?;
    assert_no_drift(&harness, "three writers").await?;
    let all = groups(harness.store.as_ref(), &GroupFilter::default()).await?;
    assert!(all.len() == 4 && all.iter().all(|group| group.detections == 45));
    Ok(())
}
