//! Opens the store and the queue that a configuration names.

use crate::config::Config;
use anyhow::Context;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use turnstone_bus::{Bus, BusError, BusOptions, Credentials, ScoreQueueOptions};
use turnstone_store::{ConnectOptions, Store, StoreAddress, StoreError};

/// Name of the embedded database in the data folder.
pub const EMBEDDED_DATABASE_FILE: &str = "turnstone.db";
/// Longest that a service waits at its start for a server that does not answer yet.
const START_WAIT_MAX: Duration = Duration::from_secs(60);

/// The address of the store: the configured one, or the embedded file in `data_dir`.
pub fn store_address(config: &Config, data_dir: &Path) -> anyhow::Result<StoreAddress> {
    match config.database.url.non_empty() {
        Some(url) => StoreAddress::parse(url).context("database.url"),
        None => Ok(StoreAddress::Sqlite(data_dir.join(EMBEDDED_DATABASE_FILE))),
    }
}

/// Opens the store at `address` and brings its schema up to date, waiting a minute for a server that is still starting.
pub async fn open_store(config: &Config, address: &StoreAddress) -> anyhow::Result<Arc<dyn Store>> {
    let options = ConnectOptions {
        connections_max: config.database.connections_max,
        wait_max: Duration::from_secs(config.database.wait_seconds_max),
    };
    let attempt = || async {
        let store = turnstone_store::connect(address, &options).await?;
        store.migrate().await?;
        store.check_ready().await?;
        Ok(store)
    };
    let opened = retry_at_start("the database", attempt, StoreError::is_retryable).await;
    opened.with_context(|| format!("open database {address}"))
}

/// Tries until it succeeds, fails for a reason that stays, or the time for a start is over: in a fleet everything starts at
/// once, and the servers are not always first.
async fn retry_at_start<T, E, F>(
    what: &str,
    attempt: impl Fn() -> F,
    is_retryable: impl Fn(&E) -> bool,
) -> Result<T, E>
where
    E: std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    let mut delay = Duration::from_millis(200);
    loop {
        match attempt().await {
            Err(error) if is_retryable(&error) && started.elapsed() < START_WAIT_MAX => {
                tracing::warn!(%error, "{what} does not answer yet, trying again");
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(Duration::from_secs(5));
            }
            outcome => return outcome,
        }
    }
}

/// How to reach the configured queue, or `None` where none is configured.
pub fn bus_options(config: &Config) -> Option<BusOptions> {
    let url = config.nats.url.non_empty()?;
    Some(BusOptions {
        address: url.to_owned(),
        credentials: credentials(config),
        replicas: config.nats.replicas as usize,
        ..BusOptions::default()
    })
}

fn credentials(config: &Config) -> Option<Credentials> {
    if !config.nats.credentials_file.is_empty() {
        return Some(Credentials::File(config.nats.credentials_file.clone().into()));
    }
    config
        .nats
        .token
        .non_empty()
        .map(|token| Credentials::Token(token.to_owned().into()))
}

/// The consumer's settings as the configuration asks for them.
pub fn score_queue_options(config: &Config) -> ScoreQueueOptions {
    ScoreQueueOptions {
        ack_wait: Duration::from_secs(config.scorer.ack_wait_seconds),
        deliveries_max: u64::from(config.scorer.deliveries_max),
        ..ScoreQueueOptions::default()
    }
}

/// Connects to the configured queue and makes sure that its streams are there.
pub async fn connect_bus(config: &Config) -> anyhow::Result<Bus> {
    let options = bus_options(config)
        .context("no queue is configured: set nats.url (TURNSTONE_NATS_URL), or use `turnstone up`, which starts one itself")?;
    open_bus(&options).await
}

/// Connects to a queue, waiting a minute for a server that is still starting, and makes sure that its streams are there.
pub async fn open_bus(options: &BusOptions) -> anyhow::Result<Bus> {
    let attempt = || async {
        let bus = Bus::connect(options).await?;
        bus.ensure_streams().await?;
        Ok(bus)
    };
    retry_at_start("the queue", attempt, BusError::is_retryable)
        .await
        .context("connect to the queue")
}
