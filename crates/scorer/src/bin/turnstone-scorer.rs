//! The scorer as a service of its own.

use std::process::ExitCode;
use turnstone_scorer::{BatchScorer, Worker, end_engine, load_engine, worker_options};
use turnstone_service::model::{WhenUnset, model_folder};
use turnstone_service::{Program, ServiceContext, backends};

fn main() -> ExitCode {
    turnstone_service::threads::let_idle_threads_sleep();
    Program {
        name: "turnstone-scorer",
        about: "Scores the batches on the queue with a text-classification model and writes scores and detections",
        conditions: &["model", "store", "queue"],
        has_own_port: false,
    }
    .run(run)
}

async fn run(context: ServiceContext) -> anyhow::Result<()> {
    let ServiceContext {
        config,
        stop,
        readiness,
        ..
    } = context;
    let Some(folder) = model_folder(&config, WhenUnset::Skip)? else {
        tracing::warn!(
            "skipped: no model is configured (anomaly.model, TURNSTONE_ANOMALY_MODEL), nothing is scored"
        );
        for condition in ["model", "store", "queue"] {
            readiness.set(condition, true);
        }
        stop.cancelled().await;
        return Ok(());
    };
    let engine = load_engine(&config, folder).await?;
    readiness.set("model", true);
    let address = backends::store_address(&config, config.data_dir.as_ref())?;
    let store = backends::open_store(&config, &address).await?;
    readiness.set("store", true);
    let bus = backends::connect_bus(&config).await?;
    let queue = bus.score_queue(&backends::score_queue_options(&config)).await?;
    readiness.set("queue", true);
    let outcome = Worker::new(
        BatchScorer::new(store, engine.clone()).with_quiet_seconds(config.scorer.quiet_seconds),
        queue,
        worker_options(&config),
    )
    .run(stop)
    .await;
    end_engine(engine).await;
    outcome
}
