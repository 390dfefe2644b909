//! The query service as a process of its own.

use std::process::ExitCode;
use turnstone_bus::Bus;
use turnstone_query::{QueryOptions, QueryParts, QueryService, explainer};
use turnstone_service::{Program, ServiceContext, backends};

fn main() -> ExitCode {
    Program {
        name: "turnstone-query",
        about: "Serves detections, entries and stats over gRPC, gRPC-web and HTTP on one port",
        conditions: &[],
        has_own_port: true,
    }
    .run(run)
}

async fn run(context: ServiceContext) -> anyhow::Result<()> {
    let ServiceContext {
        config,
        stop,
        readiness,
        metrics,
    } = context;
    let options = QueryOptions::from_config(&config).map_err(anyhow::Error::msg)?;
    let address = backends::store_address(&config, config.data_dir.as_ref())?;
    let store = backends::open_store(&config, &address).await?;
    // For questions to scorers only, so its absence keeps nobody from asking the database: it connects in the background for as
    // long as that takes, and readiness knows nothing of it.
    let bus = match backends::bus_options(&config) {
        Some(options) => Some(Bus::connect_in_background(&options).await?),
        None => None,
    };
    let bound = QueryService::bind(
        options,
        QueryParts {
            readiness,
            metrics: Some(metrics),
            explainer: explainer(&config, &store).map_err(anyhow::Error::msg)?,
            bus,
            ..QueryParts::new(store)
        },
    )
    .await?;
    tracing::info!(address = %bound.local_addr(), "listening");
    bound.serve(stop).await?;
    Ok(())
}
