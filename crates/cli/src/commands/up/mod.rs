//! `turnstone up`: the same services that run apart in a fleet, in one process, with an embedded database and queue where none is
//! configured.

mod embedded_queue;
mod report;

pub use embedded_queue::EmbeddedQueue;

use crate::arguments::{Shared, Up};
use crate::connection::{load_config, tenant};
use anyhow::Context;
use report::Report;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use turnstone_bus::BusOptions;
use turnstone_bus::embedded::{EmbeddedOptions, NatsServer, program_candidates};
use turnstone_ingest::{Ingest, IngestOptions};
use turnstone_query::{QueryOptions, QueryParts, QueryService, explainer};
use turnstone_scorer::{BatchScorer, LabelExplainer, Worker, end_engine, load_engine, worker_options};
use turnstone_service::model::{WhenUnset, model_folder};
use turnstone_service::telemetry::Telemetry;
use turnstone_service::{Config, Secret, backends};

/// Folder of the embedded queue in the data folder.
const EMBEDDED_QUEUE_FOLDER: &str = "nats";

/// Runs the command.
pub async fn run(shared: Shared, command: Up) -> anyhow::Result<()> {
    let mut config = load_config(&shared)?;
    config.tenant = tenant(&shared, &config)?;
    super::apply_model_choice(&mut config, &command.model)?;
    if let Some(listen) = command.listen {
        config.server.listen = listen;
    }
    let telemetry = Telemetry::install(&config.telemetry, "turnstone", "warn")?;
    let stop = super::stop_on_signal()?;
    let data_dir = super::data_dir(command.data_dir.as_deref(), &config)?;
    let outcome = run_all(&config, &data_dir, &telemetry, &stop).await;
    telemetry.flush();
    outcome
}

async fn run_all(
    config: &Config,
    data_dir: &Path,
    telemetry: &Telemetry,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let report = Report::new();
    // What a mistake in the configuration can break comes first: nothing is started, or written, for nothing.
    let model = model_folder(config, WhenUnset::Bundled)?;
    let query = QueryOptions::from_config(config).map_err(anyhow::Error::msg)?;
    make_data_dir(data_dir)?;
    let queue = Queue::open(config, data_dir).await?;
    let address = backends::store_address(config, data_dir)?;
    let store = backends::open_store(config, &address).await?;
    let bus = backends::open_bus(&queue.options).await?;
    let parts = QueryParts {
        metrics: Some(telemetry.metrics.clone()),
        bus: Some(bus.clone()),
        explainer: explainer(config, &store).map_err(anyhow::Error::msg)?,
        ..QueryParts::new(Arc::clone(&store))
    };
    let bound = QueryService::bind(query, parts).await?;
    report
        .opened(&address, bound.local_addr(), &store, &config.tenant)
        .await?;
    let engine = match model {
        Some(folder) => {
            let engine = load_engine(config, folder).await?;
            report.model(engine.info());
            Some(engine)
        }
        None => {
            report.no_model();
            None
        }
    };
    if config.sources.is_empty() {
        report.no_sources();
    }
    let ingest = Ingest::open(
        config,
        IngestOptions::from_config(config),
        Arc::clone(&store),
        bus.clone(),
    )
    .await?;

    // One that fails stops the others; each then ends as it does on a signal, and nothing that was read is lost.
    let parts_stop = stop.child_token();
    let mut parts: JoinSet<(&'static str, anyhow::Result<()>)> = JoinSet::new();
    let follower = tokio::spawn(report.clone().follow_scoring(
        Arc::clone(&store),
        config.tenant.clone(),
        parts_stop.clone(),
    ));
    {
        let (stop, report) = (parts_stop.clone(), report.clone());
        parts.spawn(async move {
            (
                "ingest",
                ingest.run(stop, |cycle| report.cycle(cycle)).await.map(drop),
            )
        });
    }
    {
        let stop = parts_stop.clone();
        parts.spawn(async move { ("query", bound.serve(stop).await.map_err(Into::into)) });
    }
    {
        let (bus, stop) = (bus.clone(), parts_stop.clone());
        let explainer = match &engine {
            Some(engine) => LabelExplainer::new(Arc::clone(&store), engine.clone()),
            None => LabelExplainer::without_model(),
        };
        parts.spawn(async move { ("labels", explainer.run(&bus, stop).await.map_err(Into::into)) });
    }
    if let Some(engine) = engine {
        let score_queue = bus
            .score_queue(&backends::score_queue_options(config))
            .await
            .context("bind to the queue")?;
        let worker = Worker::new(
            BatchScorer::new(Arc::clone(&store), engine.clone())
                .with_quiet_seconds(config.scorer.quiet_seconds),
            score_queue,
            worker_options(config),
        );
        let stop = parts_stop.clone();
        parts.spawn(async move {
            let outcome = worker.run(stop).await;
            end_engine(engine).await;
            ("scorer", outcome)
        });
    }
    let mut failure = None;
    while let Some(ended) = parts.join_next().await {
        let (part, outcome) = ended.context("a part of the process panicked")?;
        if !stop.is_cancelled() && failure.is_none() {
            failure = Some(
                outcome
                    .err()
                    .unwrap_or_else(|| anyhow::anyhow!("ended by itself"))
                    .context(part),
            );
            parts_stop.cancel();
        } else if let Err(error) = outcome {
            tracing::error!(part, error = format!("{error:#}"), "did not end cleanly");
        }
    }
    // Only prints; that it is cut short loses nothing.
    let _ = follower.await;
    // Before its server ends, so that losing the connection is no news.
    drop(bus);
    queue.close().await;
    report.closed(failure.is_none());
    failure.map_or(Ok(()), Err)
}

/// The configured queue, or a server of our own.
struct Queue {
    options: BusOptions,
    server: Option<NatsServer>,
}

impl Queue {
    async fn open(config: &Config, data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(options) = backends::bus_options(config) {
            return Ok(Self {
                options,
                server: None,
            });
        }
        let executable = std::env::current_exe().ok();
        let current = std::env::current_dir().ok();
        let search_path = std::env::var_os("PATH");
        // The one that `make setup` fetched first: a system's own may be older than our streams need.
        let mut candidates = program_candidates(None, executable.as_deref(), current.as_deref());
        candidates.extend(program_candidates(search_path.as_deref(), None, None));
        let server = NatsServer::start(EmbeddedOptions {
            program: std::env::var_os("TURNSTONE_NATS_SERVER").map(PathBuf::from),
            program_candidates: candidates,
            ..EmbeddedOptions::new(data_dir.join(EMBEDDED_QUEUE_FOLDER))
        })
        .await
        .with_context(|| {
            format!(
                "start the embedded queue in {}",
                data_dir.join(EMBEDDED_QUEUE_FOLDER).display()
            )
        })?;
        let secret = EmbeddedQueue {
            address: server.address().to_owned(),
            token: Secret::new(server.token().expose_secret()),
        };
        secret
            .write(data_dir)
            .context("note where the embedded queue is")?;
        Ok(Self {
            options: server.bus_options(),
            server: Some(server),
        })
    }

    async fn close(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

fn make_data_dir(data_dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    // Logs often hold what others should not read.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("make the data folder {}", data_dir.display()))
}
