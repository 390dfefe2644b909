//! The three parts of ingest put together: glean, publish, keep house.

use crate::cycle::CycleLimits;
use crate::glean::{CycleReport, GleanTotals, Gleaner};
use crate::housekeeping::{Housekeeper, HousekeepingOptions};
use crate::publish::Publisher;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use turnstone_bus::Bus;
use turnstone_gleaner::OpenOptions;
use turnstone_service::Config;
use turnstone_store::Store;

/// Longest that the outbox is emptied after the stop.
const PUBLISH_GRACE: Duration = Duration::from_secs(5);

/// Everything that ingest takes from the configuration.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// When cycles close.
    pub limits: CycleLimits,
    /// How sources are read.
    pub open_options: OpenOptions,
    /// Sweeping and pruning.
    pub housekeeping: HousekeepingOptions,
    /// Whether to go on publishing and sweeping after every source has ended.
    pub stay_after_end: bool,
}

impl IngestOptions {
    /// Reads the options off a configuration.
    pub fn from_config(config: &Config) -> Self {
        Self {
            limits: CycleLimits {
                entries_max: config.ingest.cycle_entries_max as usize,
                bytes_max: config.ingest.cycle_bytes_max,
                interval: Duration::from_millis(config.ingest.cycle_interval_ms),
                batch_entries_max: config.anomaly.batch,
            },
            open_options: OpenOptions {
                poll_interval: Duration::from_millis(config.ingest.poll_interval_ms),
                ..OpenOptions::default()
            },
            housekeeping: HousekeepingOptions {
                sweep_interval: Duration::from_secs(config.ingest.sweep_interval_seconds),
                score_deadline: Duration::from_secs(config.ingest.score_deadline_seconds),
                batch_entries_max: config.anomaly.batch,
            },
            stay_after_end: true,
        }
    }
}

/// The ingest service, ready to run.
pub struct Ingest {
    gleaner: Gleaner,
    publisher: Publisher,
    housekeeper: Housekeeper,
    stay_after_end: bool,
}

impl Ingest {
    /// Opens the sources of the configuration.
    pub async fn open(
        config: &Config,
        options: IngestOptions,
        store: Arc<dyn Store>,
        bus: Bus,
    ) -> anyhow::Result<Self> {
        let gleaner = Gleaner::open(
            Arc::clone(&store),
            &config.sources,
            &config.tenant,
            options.limits,
            options.open_options,
        )
        .await?;
        let committed = gleaner.committed();
        Ok(Self {
            publisher: Publisher::new(Arc::clone(&store), bus, Arc::clone(&committed)),
            housekeeper: Housekeeper::new(store, options.housekeeping, committed),
            gleaner,
            stay_after_end: options.stay_after_end,
        })
    }

    /// Gleans and publishes until `stop`. What was read is committed, and what was committed is published, before it returns;
    /// a queue that does not answer any more finds the rest in the outbox at the next start.
    pub async fn run(
        self,
        stop: CancellationToken,
        on_cycle: impl FnMut(&CycleReport),
    ) -> anyhow::Result<GleanTotals> {
        // The others outlive the gleaner: its last cycle is published too.
        let after_glean = CancellationToken::new();
        let publisher = tokio::spawn(self.publisher.run(after_glean.clone()));
        let housekeeper = tokio::spawn(self.housekeeper.run(after_glean.clone()));
        let gleaned = self.gleaner.run(&stop, on_cycle).await;
        if gleaned.is_ok() && self.stay_after_end {
            stop.cancelled().await;
        }
        after_glean.cancel();
        let ended = async {
            let _ = publisher.await;
            let _ = housekeeper.await;
        };
        if tokio::time::timeout(PUBLISH_GRACE, ended).await.is_err() {
            tracing::warn!(
                "not everything could be published before the end; the outbox keeps it for the next start"
            );
        }
        gleaned
    }
}
