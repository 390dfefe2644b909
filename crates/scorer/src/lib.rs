//! The scorer: takes score batches from the queue (or straight from the store), has the classifier label their lines, writes
//! scores and detections in one transaction and only then acknowledges.

mod batch;
mod direct;
mod worker;

pub use batch::{BatchScorer, ScoreError};
pub use direct::{DirectOutcome, score_unscored};
pub use worker::{Worker, WorkerOptions};

use anyhow::Context;
use std::time::Duration;
use turnstone_classifier::{Engine, EngineOptions, LoadOptions};
use turnstone_service::config::Config;

/// Batches that may wait for the engine: one is worked on, one is ready, so the engine never idles and memory stays bounded.
const ENGINE_QUEUE_MAX: usize = 2;

/// Loads the model in `folder` as the configuration asks and warms it up. Blocks for seconds; runs on a blocking thread.
pub async fn load_engine(config: &Config, folder: std::path::PathBuf) -> anyhow::Result<Engine> {
    let options = load_options(config)?;
    let shown = folder.display().to_string();
    tokio::task::spawn_blocking(move || {
        Engine::start(
            &folder,
            options,
            EngineOptions {
                queue_max: ENGINE_QUEUE_MAX,
            },
        )
    })
    .await
    .context("load the model")?
    .with_context(|| format!("load model {shown}"))
}

/// The classifier's options as the configuration asks for them.
pub fn load_options(config: &Config) -> anyhow::Result<LoadOptions> {
    Ok(LoadOptions {
        device: config.anomaly.device.parse().context("anomaly.device")?,
        dtype: config.anomaly.dtype.parse().context("anomaly.dtype")?,
        intra_op_threads: (config.anomaly.threads > 0).then_some(config.anomaly.threads as usize),
        label_map: config.label_map(),
        threshold: config.anomaly.threshold,
        ..LoadOptions::default()
    })
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
