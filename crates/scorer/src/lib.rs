//! The scorer: takes score batches from the queue (or straight from the store), has the classifier label their lines, writes
//! scores and detections in one transaction and only then acknowledges. Answers query services which words made a label.

mod batch;
mod direct;
mod label_explainer;
mod worker;

pub use batch::{BatchScorer, ScoreError};
pub use direct::{DirectOutcome, score_unscored};
pub use label_explainer::{LabelExplainer, label_explanation};
pub use worker::{Worker, WorkerOptions};

use anyhow::Context;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use turnstone_classifier::{Engine, EngineOptions, LoadOptions, ScoreCache};
use turnstone_service::config::Config;

/// Calls that may be looked up or wait for the model at the same time. More than a worker has batches in flight, so that one
/// whose lines are all known is never held up by those that need the model; bounded, since each holds its texts.
const ENGINE_QUEUE_MAX: usize = 8;

/// Loads the model in `folder` as the configuration asks and warms it up. Blocks for seconds; runs on a blocking thread.
pub async fn load_engine(config: &Config, folder: std::path::PathBuf) -> anyhow::Result<Engine> {
    let options = load_options(config)?;
    let engine_options = engine_options(config);
    let shown = folder.display().to_string();
    tokio::task::spawn_blocking(move || Engine::start(&folder, options, engine_options))
        .await
        .context("load the model")?
        .with_context(|| format!("load model {shown}"))
}

/// The classifier's options as the configuration asks for them.
pub fn load_options(config: &Config) -> anyhow::Result<LoadOptions> {
    Ok(LoadOptions {
        device: config.anomaly.device.parse().context("anomaly.device")?,
        dtype: config.anomaly.dtype.parse().context("anomaly.dtype")?,
        threads: (config.anomaly.threads > 0).then_some(config.anomaly.threads as usize),
        normalise: match config.anomaly.normalise.as_str() {
            "" => None,
            rule => Some(rule.parse().context("anomaly.normalise")?),
        },
        label_map: config.label_map(),
        threshold: config.anomaly.threshold,
        ..LoadOptions::default()
    })
}

/// The engine's limits as the configuration asks for them, with the cache that all engines of the process share.
pub fn engine_options(config: &Config) -> EngineOptions {
    static CACHE: OnceLock<Option<Arc<ScoreCache>>> = OnceLock::new();
    let bytes = config.anomaly.cache_bytes;
    EngineOptions {
        queue_max: ENGINE_QUEUE_MAX,
        tokenise_threads: (config.anomaly.tokenise_threads > 0)
            .then_some(config.anomaly.tokenise_threads as usize),
        // One process has one configuration, so whoever comes first makes the cache.
        cache: CACHE.get_or_init(|| ScoreCache::new(bytes)).clone(),
    }
}

/// The worker's limits as the configuration asks for them.
pub fn worker_options(config: &Config) -> WorkerOptions {
    WorkerOptions {
        batches_in_flight_max: config.scorer.batches_in_flight_max as usize,
        grace: Duration::from_secs(config.scorer.grace_seconds),
    }
}

/// Longest wait for the engine to finish the call in hand, once nobody wants its answer any more.
const ENGINE_END_MAX: Duration = Duration::from_secs(30);

/// Ends the engine. Must come before the process ends: libtorch's own clean-up under a running call would end in an error.
pub async fn end_engine(engine: Engine) {
    if tokio::time::timeout(ENGINE_END_MAX, engine.stop()).await.is_err() {
        tracing::warn!("the classifier did not end in time");
    }
}
