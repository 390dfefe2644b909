//! The same line gets the same answer with and without the cache, folded or not, alone and in any company.

use crate::golden::bundled_model;
use crate::tiny_model::TinyModel;
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use turnstone_classifier::{
    Classifier, Dtype, Engine, EngineOptions, LoadOptions, Normalise, Prediction, RowOutcome, ScoreCache,
};
use turnstone_types::{Label, LabelMeaning, Severity};

/// Lines of many kinds and lengths; a letter in a pattern stands for one of them.
fn line(choice: u8) -> String {
    let long = "connection reset by peer ".repeat(usize::from(choice % 7) * 4);
    match choice % 9 {
        0 => String::new(),
        1 => format!("kernel: Out of memory: Killed process {choice} (java)"),
        2 => format!(
            "Jan  1 00:00:{choice:02} web sshd[{choice}]: Failed password for root from 203.0.113.{choice} port 22 ssh2"
        ),
        3 => long,
        4 => "é🚨 日本語のログ".repeat(usize::from(choice % 5)),
        5 => format!("GET /healthz 200 {choice}ms"),
        6 => format!("systemd[1]: Started Session {choice} of user root."),
        7 => "!".repeat(usize::from(choice) * 4),
        _ => format!("nginx: upstream timed out (110: Connection timed out), request {choice}"),
    }
}

/// Number of different choices of a line.
const LINES: u8 = 63;

/// What is compared, loaded once.
struct Stage {
    /// Probabilities of every line that there is, each computed alone.
    alone: HashMap<String, Vec<f32>>,
    plain: Engine,
    cached: Engine,
    tolerance: f64,
}

impl Stage {
    fn new(model: &Path, options: &LoadOptions, tolerance: f64) -> Self {
        let one_row = LoadOptions {
            batch_rows_max: 1,
            ..options.clone()
        };
        let start = |cache| {
            let engine_options = EngineOptions {
                cache,
                tokenise_threads: Some(3),
                ..EngineOptions::default()
            };
            Engine::start(model, options.clone(), engine_options).unwrap()
        };
        let classifier = Classifier::load(model, &one_row).unwrap();
        let alone = |choice| {
            let text = line(choice);
            let probabilities = classifier.probabilities(&[&text]).remove(0).unwrap();
            (text, probabilities)
        };
        Self {
            alone: (0..LINES).map(alone).collect(),
            plain: start(None),
            cached: start(ScoreCache::new(1 << 20)),
            tolerance,
        }
    }

    fn check(&self, calls: &[Vec<u8>]) {
        let calls: Vec<Vec<String>> = calls
            .iter()
            .map(|call| call.iter().copied().map(line).collect())
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let classify_all = |engine: &Engine| -> Vec<Vec<RowOutcome>> {
            let calls = calls.iter().map(|call| engine.classify(call.clone()));
            runtime
                .block_on(futures::future::join_all(calls))
                .into_iter()
                .map(Result::unwrap)
                .collect()
        };
        let (plain, cached) = (classify_all(&self.plain), classify_all(&self.cached));
        for found in [plain, cached] {
            for (call, found) in calls.iter().zip(found) {
                assert_eq!(call.len(), found.len());
                for (text, found) in call.iter().zip(found) {
                    self.assert_same(text, &found.unwrap());
                }
            }
        }
    }

    fn assert_same(&self, text: &str, found: &Prediction) {
        let expected = &self.alone[text];
        let mut sorted = expected.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let close = (f64::from(sorted[0]) - found.score).abs() <= self.tolerance;
        assert!(close, "{text:?}: {} is not {}", found.score, sorted[0]);
        if f64::from(sorted[0] - sorted[1]) > self.tolerance {
            assert_eq!(expected[found.class], sorted[0], "{text:?}");
        }
    }
}

fn bundled(normalise: Normalise) -> LoadOptions {
    LoadOptions {
        normalise: Some(normalise),
        ..LoadOptions::default()
    }
}

static RAW: LazyLock<Stage> = LazyLock::new(|| Stage::new(&bundled_model(), &bundled(Normalise::Raw), 1e-5));
static TEMPLATE: LazyLock<Stage> =
    LazyLock::new(|| Stage::new(&bundled_model(), &bundled(Normalise::Template), 1e-5));
static BF16: LazyLock<Stage> = LazyLock::new(|| {
    let options = LoadOptions {
        dtype: Dtype::Bf16,
        ..bundled(Normalise::Raw)
    };
    Stage::new(&bundled_model(), &options, 2e-3)
});

fn calls() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0..LINES, 0..24), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn raw_lines(calls in calls()) {
        RAW.check(&calls);
    }

    #[test]
    fn templates(calls in calls()) {
        TEMPLATE.check(&calls);
    }

    #[test]
    fn sixteen_bits(calls in calls()) {
        BF16.check(&calls);
    }
}

fn tiny(seed: u64) -> (tempfile::TempDir, PathBuf) {
    TinyModel::new(seed).write()
}

async fn classify(engine: &Engine, texts: &[&str]) -> Vec<Prediction> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    let outcomes = engine.classify(texts).await.unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn equal_lines_go_through_the_model_once_and_known_ones_never() {
    let (_folder, dir) = tiny(4);
    let cache = ScoreCache::new(1 << 20).unwrap();
    let options = EngineOptions {
        cache: Some(Arc::clone(&cache)),
        ..EngineOptions::default()
    };
    let engine = Engine::start(&dir, LoadOptions::default(), options.clone()).unwrap();
    assert_eq!(engine.stats().rows, 0);
    let first = classify(&engine, &["a b", "c", "a b", "a b", "c", ""]).await;
    let stats = engine.stats();
    assert_eq!((stats.rows, stats.folded, stats.cache_hits), (6, 3, 0));
    // "a b", "c" and "" with two special tokens each.
    assert_eq!(stats.tokens, 4 + 3 + 2);
    assert!(stats.forward_seconds > 0.0 && stats.tokenise_seconds > 0.0);
    assert_eq!(cache.entries(), 3);
    let second = classify(&engine, &["c", "a b", "c"]).await;
    assert_eq!(second, [first[1].clone(), first[0].clone(), first[1].clone()]);
    let stats = engine.stats();
    assert_eq!(
        (stats.rows, stats.folded, stats.cache_hits, stats.tokens),
        (9, 4, 2, 9)
    );

    // Another engine of the process with the same model profits, one with another model does not.
    let same = Engine::start(&dir, LoadOptions::default(), options.clone()).unwrap();
    assert_eq!(classify(&same, &["c"]).await, [first[1].clone()]);
    assert_eq!((same.stats().cache_hits, same.stats().tokens), (1, 0));
    let (_folder, other) = tiny(5);
    let other = Engine::start(&other, LoadOptions::default(), options).unwrap();
    assert_ne!(classify(&other, &["c"]).await[0].score, first[1].score);
    assert_eq!(other.stats().cache_hits, 0);
}

#[tokio::test]
async fn a_threshold_and_a_label_map_are_no_part_of_what_is_kept() {
    let mut model = TinyModel::new(3);
    // The class `error` always wins, with three quarters.
    model
        .tensors
        .get_mut("classifier.weight")
        .unwrap()
        .numbers
        .fill(0.0);
    model.tensors.get_mut("classifier.bias").unwrap().numbers = vec![0.0, 3.0_f32.ln(), -200.0, -200.0];
    let (_folder, dir) = model.write();
    let options = EngineOptions {
        cache: ScoreCache::new(1 << 20),
        ..EngineOptions::default()
    };
    let start = |threshold| {
        let mut load = LoadOptions {
            threshold,
            ..LoadOptions::default()
        };
        let meaning = LabelMeaning {
            label: Label::new(format!("at {threshold}")),
            severity: Severity::Error,
            anomalous: true,
        };
        load.label_map.insert("error", meaning);
        Engine::start(&dir, load, options.clone()).unwrap()
    };
    let (low, high) = (start(0.5), start(0.8));
    let found = classify(&low, &["a"]).await.remove(0);
    assert!(found.detected && found.meaning.label.as_str() == "AT 0.5");
    let found = classify(&high, &["a"]).await.remove(0);
    assert!(!found.detected && found.meaning.label.as_str() == "AT 0.8");
    assert_eq!(high.stats().cache_hits, 1);
}

#[tokio::test]
async fn a_line_that_comes_in_many_calls_at_once_goes_through_the_model_once() {
    let (_folder, dir) = tiny(4);
    let options = EngineOptions {
        cache: ScoreCache::new(1 << 20),
        queue_max: 64,
        tokenise_threads: Some(4),
    };
    let engine = Engine::start(&dir, LoadOptions::default(), options).unwrap();
    let calls = (0..40).map(|_| classify(&engine, &["a b c"]));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let stats = engine.stats();
    assert_eq!((stats.rows, stats.cache_hits, stats.tokens), (40, 39, 5));
}

#[tokio::test]
async fn answers_that_failed_are_not_kept() {
    let mut model = TinyModel::new(3);
    model.tensors.get_mut("classifier.bias").unwrap().numbers[2] = f32::INFINITY;
    let (_folder, dir) = model.write();
    let cache = ScoreCache::new(1 << 20).unwrap();
    let options = EngineOptions {
        cache: Some(Arc::clone(&cache)),
        ..EngineOptions::default()
    };
    let engine = Engine::start(&dir, LoadOptions::default(), options).unwrap();
    for _ in 0..2 {
        let outcomes = engine
            .classify(vec!["x".to_owned(), "x".to_owned()])
            .await
            .unwrap();
        assert!(outcomes.len() == 2 && outcomes.iter().all(Result::is_err));
    }
    assert_eq!((cache.entries(), engine.stats().cache_hits), (0, 0));
}
