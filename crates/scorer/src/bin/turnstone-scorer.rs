//! The scorer as a service of its own.

use std::process::ExitCode;
use std::sync::Arc;
use turnstone_bus::Bus;
use turnstone_scorer::{BatchScorer, LabelExplainer, Worker, end_engine, load_engine, worker_options};
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
        if let Some(options) = backends::bus_options(&config) {
            // There is nothing to score, so a queue that is down is no reason to end; it is asked for as long as it takes.
            let bus = Bus::connect_in_background(&options).await?;
            LabelExplainer::without_model().run(&bus, stop.clone()).await?;
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
    let worker = Worker::new(
        BatchScorer::new(Arc::clone(&store), engine.clone()).with_quiet_seconds(config.scorer.quiet_seconds),
        queue,
        worker_options(&config),
    );
    let explainer = LabelExplainer::new(store, engine.clone());
    // Questions are answered as long as the worker works, and no longer: it ends by itself when the model is broken.
    let working = stop.child_token();
    let work = async {
        let outcome = worker.run(working.clone()).await;
        working.cancel();
        outcome
    };
    let (outcome, answered) = tokio::join!(work, explainer.run(&bus, working.clone()));
    if let Err(error) = answered {
        tracing::warn!(%error, "questions about labels were not answered");
    }
    end_engine(engine).await;
    outcome
}
