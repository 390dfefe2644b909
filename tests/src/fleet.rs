//! A fleet: a Postgres database, a nats-server, one configuration file, and the separate programs around them.

use crate::{Nats, Service, Sql, program};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Mutex;
use turnstone_testkit::{PostgresCluster, temp_dir, wait_for};

/// The cluster that all tests of this process share, each with a database of its own. It is removed when the process ends.
pub fn shared_postgres() -> anyhow::Result<&'static PostgresCluster> {
    static CLUSTER: OnceLock<Result<PostgresCluster, String>> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| PostgresCluster::start().map_err(|error| format!("{error:#}")));
    cluster.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// What a fleet gleans, and how it differs from the others.
#[derive(Debug, Clone, Default)]
pub struct FleetOptions {
    sources: Vec<(String, String, PathBuf)>,
    settings: BTreeMap<String, String>,
}

impl FleetOptions {
    /// Adds a source of files.
    pub fn source(self, source_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.source_of("", source_id, path)
    }

    /// Adds a source of files whose lines belong to a tenant.
    pub fn source_of(mut self, tenant: &str, source_id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.sources
            .push((tenant.to_owned(), source_id.into(), path.into()));
        self
    }

    /// Sets a key of the configuration, dotted, to a TOML value.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.insert(key.to_owned(), value.to_string());
        self
    }

    fn text(&self) -> String {
        let settings = self
            .settings
            .iter()
            .map(|(key, value)| format!("{key} = {value}\n"));
        let sources = self.sources.iter().map(|(tenant, source_id, path)| {
            format!(
                "[[sources]]
tenant = {tenant:?}
source_id = {source_id:?}
kind = \"files\"
paths = [{path:?}]
"
            )
        });
        settings.chain(sources).collect()
    }
}

const SCORED_ENTRIES: &str =
    "SELECT coalesce(sum(entry_count), 0)::text FROM score_batches WHERE done_at IS NOT NULL";

/// A database, a queue and a configuration; the programs are started one by one.
pub struct Fleet {
    /// The queue.
    pub nats: Nats,
    database_url: String,
    config: PathBuf,
    folder: TempDir,
}

impl Fleet {
    /// Starts a queue and makes a database in the shared cluster.
    pub async fn start(options: FleetOptions) -> anyhow::Result<Self> {
        Self::start_on(shared_postgres()?, options).await
    }

    /// Starts a queue and makes a database in `cluster`.
    pub async fn start_on(cluster: &PostgresCluster, options: FleetOptions) -> anyhow::Result<Self> {
        let folder = temp_dir()?;
        let nats_folder = folder.path().join("nats");
        std::fs::create_dir(&nats_folder)?;
        let nats = Nats::start(&nats_folder).await?;
        let database_url = cluster.fresh_database().await?;
        let mut all = FleetOptions::default()
            .set("database.url", format!("{database_url:?}"))
            .set("nats.url", format!("{:?}", nats.url()))
            .set("server.listen", "\"127.0.0.1:0\"")
            .set("health.listen", "\"127.0.0.1:0\"")
            .set("telemetry.log_format", "\"json\"")
            .set("anomaly.model", "\"turnstone-mini\"")
            // Two scorers share the machine: with as many threads as cores each, they would mostly wait for each other.
            .set("anomaly.threads", 1)
            .set("ingest.cycle_interval_ms", 100)
            .set("ingest.poll_interval_ms", 100);
        all.sources = options.sources;
        all.settings.extend(options.settings);
        let config = folder.path().join("fleet.toml");
        std::fs::write(&config, all.text()).context("write the configuration")?;
        Ok(Self {
            nats,
            database_url,
            config,
            folder,
        })
    }

    /// The configuration file of all its programs.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// A folder for what a test needs besides.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of its database.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// A connection to its database.
    pub async fn sql(&self) -> anyhow::Result<Sql> {
        Sql::connect(&self.database_url).await
    }

    /// Starts an ingest and waits until it is ready.
    pub async fn ingest(&self) -> anyhow::Result<Service> {
        self.service("turnstone-ingest").await
    }

    /// Starts a scorer and waits until it is ready.
    pub async fn scorer(&self) -> anyhow::Result<Service> {
        self.service("turnstone-scorer").await
    }

    /// Starts a query service and waits until it is ready.
    pub async fn query(&self) -> anyhow::Result<Service> {
        self.service("turnstone-query").await
    }

    async fn service(&self, name: &'static str) -> anyhow::Result<Service> {
        let child = program(name)?.arg("--config").arg(&self.config).spawn()?;
        let mut service = Service::started(name, child).await?;
        service.ready().await?;
        Ok(service)
    }

    /// Waits until at least `entries` entries are in batches that were scored; fails at once when one of `services` ends.
    pub async fn wait_for_scored(
        &self,
        entries: u64,
        services: &mut [&mut Service],
        limit: Duration,
    ) -> anyhow::Result<()> {
        // Kept between the questions, since making one costs the machine more than the answer; made anew when it breaks, since the
        // database may have been restarted.
        let state = Mutex::new((services, None));
        let waiting = wait_for(limit, || async {
            let (services, connection) = &mut *state.lock().await;
            if let Some(error) = services
                .iter_mut()
                .find_map(|service| service.still_running().err())
            {
                return Ok(Err(error));
            }
            let sql = match connection.take() {
                Some(sql) => sql,
                None => self.sql().await?,
            };
            let scored = sql.count(SCORED_ENTRIES).await?;
            *connection = Some(sql);
            anyhow::ensure!(scored >= entries, "{scored} of {entries} entries are scored");
            Ok(Ok(()))
        });
        let outcome = waiting.await.and_then(|ended| ended);
        let (services, _) = state.into_inner();
        let logs: Vec<String> = services.iter().map(|service| service.log()).collect();
        outcome.with_context(|| logs.join("\n"))
    }
}
