//! Ingest as a service of its own.

use std::process::ExitCode;
use turnstone_ingest::{Ingest, IngestOptions};
use turnstone_service::{Program, ServiceContext, backends};

fn main() -> ExitCode {
    Program {
        name: "turnstone-ingest",
        about: "Gleans log lines from the configured sources, stores them and publishes each glean cycle",
        conditions: &["store", "queue", "sources"],
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
    anyhow::ensure!(
        !config.sources.is_empty(),
        "no sources are configured; add a [[sources]] table to the configuration file"
    );
    let address = backends::store_address(&config, config.data_dir.as_ref())?;
    let store = backends::open_store(&config, &address).await?;
    readiness.set("store", true);
    let bus = backends::connect_bus(&config).await?;
    readiness.set("queue", true);
    let ingest = Ingest::open(&config, IngestOptions::from_config(&config), store, bus).await?;
    readiness.set("sources", true);
    let totals = ingest
        .run(stop, |cycle| {
            tracing::info!(cycle_id = %cycle.cycle_id, entries = cycle.entries, bytes = cycle.bytes, "cycle committed");
        })
        .await?;
    tracing::info!(
        cycles = totals.cycles,
        entries = totals.entries,
        bytes = totals.bytes,
        "gleaned"
    );
    Ok(())
}
