//! Scoring a batch on a real SQLite store, with a classifier that fails where the test wants it to: a real model cannot be
//! made to fail on one line. The real model is tested in turnstone-classifier and end to end.
#![allow(clippy::unwrap_used)]

mod label_explainer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use turnstone_classifier::{
    Classify, Engine, EngineOptions, LoadOptions, ModelInfo, Normalise, Prediction, RowError, RowOutcome,
    ScoreCache,
};
use turnstone_scorer::{BatchScorer, DirectOutcome, ScoreError, end_engine, score_unscored};
use turnstone_store::{
    AcknowledgeRequest, ConnectOptions, DetectionFilter, DetectionSelection, EntrySearch, GroupFilter,
    GroupUntil, Store, StoreAddress,
};
use turnstone_types::{
    CycleId, Detection, EntryId, LabelMap, NewCycle, NewEntry, ScoreBatch, ScoreState, SourceId, TenantId,
    Timestamp, TimestampBasis,
};

/// Calls a line by the words in it.
struct Wordy {
    info: ModelInfo,
    device_broken: Arc<AtomicBool>,
}

impl Classify for Wordy {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        texts.iter().map(|text| self.one(text)).collect()
    }
}

impl Wordy {
    fn one(&self, text: &str) -> RowOutcome {
        if self.device_broken.load(Ordering::Relaxed) {
            return Err(RowError::Device {
                reason: "it is gone".into(),
            });
        }
        if text.contains("poison") {
            return Err(RowError::NotFinite);
        }
        let (raw, score) = match text {
            _ if text.contains("faintly bad") => ("SYSTEM_FAILURE", 0.6),
            _ if text.contains("bad") => ("SYSTEM_FAILURE", 0.9),
            _ => ("NORMAL", 0.99),
        };
        let meaning = LabelMap::default().meaning(raw);
        let detected = meaning.anomalous && score >= 0.75;
        Ok(Prediction {
            class: usize::from(raw == "NORMAL"),
            raw_label: raw.into(),
            meaning,
            score,
            detected,
        })
    }
}

struct Fixture {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    scorer: BatchScorer,
    engine: Engine,
    device_broken: Arc<AtomicBool>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = StoreAddress::Sqlite(folder.path().join("turnstone.db"));
        let store = turnstone_store::connect(&address, &ConnectOptions::default())
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let device_broken = Arc::new(AtomicBool::new(false));
        let info = ModelInfo {
            name: "wordy".into(),
            architecture: "Wordy".into(),
            parameters: 0,
            labels: Vec::new(),
            tokens_max: 512,
            device: "cpu".into(),
            dtype: "f32".into(),
            normalise: "raw".into(),
            stored_dtype: "f32".into(),
            tokenizer: String::new(),
            scores: "softmax".into(),
            warm_up_time: Duration::ZERO,
            dtype_reason: String::new(),
            content_hash: String::new(),
        };
        let model = Wordy {
            info,
            device_broken: Arc::clone(&device_broken),
        };
        let engine = Engine::start_with(move || Ok(model), EngineOptions::default()).unwrap();
        let scorer = BatchScorer::new(Arc::clone(&store), engine.clone());
        Self {
            _folder: folder,
            store,
            scorer,
            engine,
            device_broken,
        }
    }

    async fn commit(&self, tenant: &TenantId, texts: &[&str]) {
        let entry = |text: &&str| NewEntry {
            id: EntryId::generate(),
            source_id: SourceId::new("app").unwrap(),
            text: (*text).to_owned(),
            timestamp: Timestamp::now(),
            timestamp_basis: TimestampBasis::Parsed,
            severity: None,
        };
        let cycle = NewCycle {
            id: CycleId::generate(),
            tenant: tenant.clone(),
            started_at: Timestamp::now(),
            closed_at: Timestamp::now(),
            entries: texts.iter().map(entry).collect(),
            checkpoints: Vec::new(),
            sources: Vec::new(),
            batch_entries_max: 2,
            trace_parent: None,
        };
        assert!(self.store.commit_cycle(&cycle).await.unwrap());
    }

    async fn open(&self) -> Vec<ScoreBatch> {
        self.store.open_batches(&TenantId::shared(), 100).await.unwrap()
    }

    async fn detections(&self) -> Vec<Detection> {
        let all = DetectionFilter::default();
        self.store
            .list_detections(&TenantId::shared(), &all, None, 100)
            .await
            .unwrap()
    }

    async fn score_all(&self, tenant: &TenantId) -> Result<DirectOutcome, ScoreError> {
        score_unscored(&self.scorer, tenant, 2, &CancellationToken::new(), |_| {}).await
    }

    async fn close(self) {
        drop(self.scorer);
        end_engine(self.engine).await;
    }
}

#[tokio::test]
async fn scores_detections_and_quarantine_of_one_batch() {
    let fixture = Fixture::new().await;
    fixture.commit(&TenantId::shared(), &["bad disk", "poison"]).await;
    let batch = fixture.open().await.remove(0);
    let recorded = fixture.scorer.score(&batch).await.unwrap();
    assert_eq!(
        (
            recorded.newly_scored,
            recorded.newly_quarantined,
            recorded.new_detections
        ),
        (1, 1, 1)
    );
    let detections = fixture.detections().await;
    assert_eq!(
        (detections[0].text.as_str(), detections[0].scorer.as_str()),
        ("bad disk", "wordy")
    );
    let entries = fixture
        .store
        .search_entries(&TenantId::shared(), &EntrySearch::default(), None, 10)
        .await
        .unwrap();
    let poisoned = entries.iter().find(|entry| entry.text == "poison").unwrap();
    assert!(matches!(&poisoned.score, ScoreState::Quarantined { reason, .. } if reason.contains("finite")));
    assert!(fixture.open().await.is_empty());
    fixture.close().await;
}

#[tokio::test]
async fn the_same_batch_twice_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.commit(&TenantId::shared(), &["bad disk", "fine"]).await;
    let batch = fixture.open().await.remove(0);
    fixture.scorer.score(&batch).await.unwrap();
    let before = fixture.detections().await;
    let again = fixture.scorer.score(&batch).await.unwrap();
    assert_eq!((again.newly_scored, again.new_detections), (0, 0));
    assert_eq!(fixture.detections().await, before);
    fixture.close().await;
}

#[tokio::test]
async fn a_broken_device_sets_no_line_aside() {
    let fixture = Fixture::new().await;
    fixture.commit(&TenantId::shared(), &["bad disk", "fine"]).await;
    fixture.device_broken.store(true, Ordering::Relaxed);
    let batch = fixture.open().await.remove(0);
    let error = fixture.scorer.score(&batch).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(fixture.open().await.len(), 1);
    fixture.device_broken.store(false, Ordering::Relaxed);
    assert_eq!(fixture.scorer.score(&batch).await.unwrap().newly_scored, 2);
    fixture.close().await;
}

#[tokio::test]
async fn without_a_queue_all_of_the_tenant_and_the_shared_one_is_scored_and_nothing_of_others() {
    let fixture = Fixture::new().await;
    let (acme, other) = (TenantId::new("acme").unwrap(), TenantId::new("other").unwrap());
    fixture
        .commit(&TenantId::shared(), &["bad disk", "fine", "faintly bad"])
        .await;
    fixture.commit(&acme, &["bad login", "poison", "fine"]).await;
    fixture.commit(&other, &["bad secret"]).await;
    let outcome = fixture.score_all(&acme).await.unwrap();
    assert_eq!(
        (
            outcome.scored,
            outcome.quarantined,
            outcome.detections,
            outcome.stopped
        ),
        (5, 1, 2, false)
    );
    assert_eq!(fixture.score_all(&acme).await.unwrap(), DirectOutcome::default());
    assert_eq!(fixture.store.open_batches(&other, 10).await.unwrap().len(), 1);
    fixture.close().await;
}

#[tokio::test]
async fn what_the_model_sees_of_a_line_is_not_what_is_stored() {
    let mut fixture = Fixture::new().await;
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/turnstone-mini");
    let load = LoadOptions {
        normalise: Some(Normalise::Template),
        ..LoadOptions::default()
    };
    let options = EngineOptions {
        cache: ScoreCache::new(1 << 20),
        ..EngineOptions::default()
    };
    let start = move || Engine::start(&model, load, options);
    let engine = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
    assert!(engine.info().normalise.starts_with("template-"));
    fixture.scorer = BatchScorer::new(Arc::clone(&fixture.store), engine.clone());
    let lines = [
        "Jan  1 00:00:01 web sshd[4242]: Failed password for root from 203.0.113.9 port 51122 ssh2",
        "Mar 17 23:59:59 web sshd[17]: Failed password for root from 198.51.100.77 port 4711 ssh2",
        "Mar 18 00:00:00 web sshd[18]: Failed password for root from 198.51.100.78 port 4712 ssh2",
    ];
    fixture.commit(&TenantId::shared(), &lines).await;
    assert_eq!(fixture.score_all(&TenantId::shared()).await.unwrap().scored, 3);
    let entries = fixture
        .store
        .search_entries(&TenantId::shared(), &EntrySearch::default(), None, 10)
        .await
        .unwrap();
    let mut stored: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    stored.sort_unstable();
    assert_eq!(stored, lines);
    // Batches are of two lines: the first is folded, the second finds its line in the cache.
    let stats = engine.stats();
    assert_eq!((stats.rows, stats.folded, stats.cache_hits), (3, 1, 1));
    drop(engine);
    fixture.close().await;
}

#[tokio::test]
async fn stopped_means_what_is_left_stays_open() {
    let fixture = Fixture::new().await;
    fixture
        .commit(&TenantId::shared(), &["a", "b", "c", "d", "e", "f"])
        .await;
    let stop = CancellationToken::new();
    let after_first = stop.clone();
    let outcome = score_unscored(&fixture.scorer, &TenantId::shared(), 2, &stop, |_| {
        after_first.cancel();
    })
    .await
    .unwrap();
    assert!(outcome.stopped);
    assert_eq!((outcome.scored, fixture.open().await.len()), (2, 2));
    fixture.close().await;
}

#[tokio::test]
async fn what_recurs_within_the_quiet_time_comes_acknowledged() {
    for (quiet_seconds, stays_closed) in [(3_600, true), (0, false)] {
        let mut fixture = Fixture::new().await;
        fixture.scorer = fixture.scorer.with_quiet_seconds(quiet_seconds);
        let shared = TenantId::shared();
        fixture.commit(&shared, &["bad disk 1"]).await;
        fixture.score_all(&shared).await.unwrap();
        let group = fixture
            .store
            .list_detection_groups(&shared, &GroupFilter::default(), None, 10)
            .await
            .unwrap()
            .remove(0);
        let selection = DetectionSelection::Groups(vec![GroupUntil {
            key: group.key,
            until: group.last_seen,
        }]);
        let request = AcknowledgeRequest::new(shared.clone(), selection, Timestamp::now());
        assert_eq!(fixture.store.acknowledge(&request).await.unwrap().count, 1);
        fixture.commit(&shared, &["bad disk 2"]).await;
        fixture.score_all(&shared).await.unwrap();
        let detections = fixture.detections().await;
        assert_eq!(detections[0].text, "bad disk 2");
        assert_eq!(
            detections[0].acknowledged, stays_closed,
            "quiet for {quiet_seconds} s"
        );
        fixture.close().await;
    }
}
