//! The frame of a service binary: arguments, configuration, telemetry, signals, health, exit code.
//! A binary gives its name and one async function; everything before and after that function is here.

use crate::config::Config;
use crate::health::{self, Readiness};
use crate::shutdown::Shutdown;
use crate::telemetry::Telemetry;
use anyhow::Context;
use clap::{Parser, Subcommand};
use metrics_exporter_prometheus::PrometheusHandle;
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Exit code of a run that failed.
pub const EXIT_FAILURE: u8 = 1;
/// Exit code of wrong arguments or a refused configuration.
pub const EXIT_USAGE: u8 = 2;

/// A service binary.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Name of the binary, for example `turnstone-ingest`.
    pub name: &'static str,
    /// One sentence for `--help`.
    pub about: &'static str,
    /// What must hold before the service is ready.
    pub conditions: &'static [&'static str],
    /// Whether `/healthz` and `/readyz` are on the service's own port (`server.listen`) and not on `health.listen`.
    pub has_own_port: bool,
}

/// What a service is given.
#[derive(Clone)]
pub struct ServiceContext {
    /// The configuration.
    pub config: Config,
    /// Cancelled by the first signal.
    pub stop: CancellationToken,
    /// The service says here what holds.
    pub readiness: Readiness,
    /// Renders the metrics of the process.
    pub metrics: PrometheusHandle,
}

#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file; each key can also be set by a TURNSTONE_… variable
    #[arg(long, env = "TURNSTONE_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Ask a running service whether it is ready; exit 0 if it is, 1 if not
    HealthCheck {
        /// Where its health is served; the configured address unless given
        #[arg(long, value_name = "HOST:PORT")]
        address: Option<String>,
    },
}

impl Program {
    /// Runs the service until it ends by itself or by a signal.
    pub fn run<F, R>(self, service: F) -> ExitCode
    where
        F: FnOnce(ServiceContext) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        let matches = <Arguments as clap::CommandFactory>::command()
            .name(self.name)
            .bin_name(self.name)
            .about(self.about)
            .get_matches();
        let arguments = match <Arguments as clap::FromArgMatches>::from_arg_matches(&matches) {
            Ok(arguments) => arguments,
            Err(error) => error.exit(),
        };
        let config = match Config::load(arguments.config.as_deref(), std::env::vars()) {
            Ok(config) => config,
            Err(error) => {
                report(self.name, &error.to_string());
                return ExitCode::from(EXIT_USAGE);
            }
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                report(self.name, &format!("start the async runtime: {error}"));
                return ExitCode::from(EXIT_FAILURE);
            }
        };
        let outcome = runtime.block_on(async {
            match arguments.command {
                Some(Command::HealthCheck { address }) => self.check_health(&config, address).await,
                None => self.serve(config, service).await,
            }
        });
        // Blocking work that was given up must not hold the process.
        runtime.shutdown_timeout(Duration::from_secs(2));
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                report(self.name, &format!("{error:#}"));
                ExitCode::from(EXIT_FAILURE)
            }
        }
    }

    async fn check_health(self, config: &Config, address: Option<String>) -> anyhow::Result<()> {
        let configured = if self.has_own_port {
            config.server.listen.to_string()
        } else {
            config.health.listen.clone()
        };
        let address = address.unwrap_or(configured);
        anyhow::ensure!(
            !address.is_empty(),
            "no address to ask: set health.listen or give --address HOST:PORT"
        );
        health::check(&address, Duration::from_secs(5)).await
    }

    async fn serve<F, R>(self, config: Config, service: F) -> anyhow::Result<()>
    where
        F: FnOnce(ServiceContext) -> R,
        R: Future<Output = anyhow::Result<()>>,
    {
        let telemetry = Telemetry::install(&config.telemetry, self.name, "info")?;
        let stop = Shutdown::listen().context("watch for signals")?.token();
        let readiness = Readiness::waiting_for(self.conditions);
        if !self.has_own_port && !config.health.listen.is_empty() {
            let listen = config.health.listen.parse().with_context(|| {
                format!(
                    "health.listen {:?} is no address; write for example \"127.0.0.1:7401\"",
                    config.health.listen
                )
            })?;
            let (address, _) =
                health::serve(listen, readiness.clone(), telemetry.metrics.clone(), stop.clone()).await?;
            tracing::info!(%address, "health served");
        }
        tracing::info!(
            service = self.name,
            version = env!("CARGO_PKG_VERSION"),
            "starting"
        );
        let outcome = service(ServiceContext {
            config,
            stop,
            readiness,
            metrics: telemetry.metrics.clone(),
        })
        .await;
        if outcome.is_ok() {
            tracing::info!(service = self.name, "stopped");
        }
        telemetry.flush();
        outcome
    }
}

#[allow(clippy::print_stderr)] // The one place that speaks to the person before, or after, there is a log.
fn report(name: &str, message: &str) {
    eprintln!("{name}: {message}");
}
