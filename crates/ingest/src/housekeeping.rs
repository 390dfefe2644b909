//! What keeps a running system whole: sends again what stays unscored, indexes text off the hot path, prunes the outbox.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use turnstone_store::{Store, StoreError, SweepRequest};
use turnstone_types::Timestamp;

/// Entries indexed in one round.
const TEXT_ENTRIES_PER_ROUND: u32 = 10_000;
/// Detections of an older schema that get their fingerprint in one round.
const FINGERPRINTS_PER_ROUND: u32 = 2_000;
/// How long counts by minute are kept: rates of sources and timelines in steps of less than an hour are made of them.
const MINUTES_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// Batches sent again in one sweep.
const BATCHES_PER_SWEEP: u32 = 10_000;
/// How often to look for unscored entries that no batch covers: reads the whole table on a store without an index for it.
const ADOPT_INTERVAL: Duration = Duration::from_secs(3_600);
/// How long published outbox rows are kept, for people who look into what happened.
const OUTBOX_KEPT: Duration = Duration::from_secs(3_600);

/// Intervals of the housekeeper.
#[derive(Debug, Clone, Copy)]
pub struct HousekeepingOptions {
    /// How often to sweep.
    pub sweep_interval: Duration,
    /// A batch that is not scored this long after it was sent is sent again.
    pub score_deadline: Duration,
    /// Entries an adopted batch may hold.
    pub batch_entries_max: u32,
}

/// Does the recurring work of a store.
pub struct Housekeeper {
    store: Arc<dyn Store>,
    options: HousekeepingOptions,
    committed: Arc<Notify>,
}

impl Housekeeper {
    /// Makes a housekeeper that is woken by `committed`.
    pub fn new(store: Arc<dyn Store>, options: HousekeepingOptions, committed: Arc<Notify>) -> Self {
        Self {
            store,
            options,
            committed,
        }
    }

    /// Works until `stop`. Failures are logged and tried again at the next turn: nothing of this is needed for a line to be kept.
    pub async fn run(self, stop: CancellationToken) {
        let mut sweep_at = Instant::now();
        let mut adopt_at = Instant::now();
        while !stop.is_cancelled() {
            if let Err(error) = self.index_text(&stop).await {
                tracing::warn!(%error, "text index is behind; search finds the rest more slowly");
            }
            if let Err(error) = self.fingerprint(&stop).await {
                tracing::warn!(%error, "some detections are in no group yet, tried again at the next turn");
            }
            let now = Instant::now();
            if now >= sweep_at {
                let adopt_orphans = now >= adopt_at;
                match self.sweep(adopt_orphans).await {
                    Ok(()) if adopt_orphans => adopt_at = now + ADOPT_INTERVAL,
                    Ok(()) => {}
                    Err(error) => tracing::warn!(%error, "sweep failed, tried again at the next turn"),
                }
                sweep_at = now + self.options.sweep_interval;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.committed.notified() => {}
                () = tokio::time::sleep(sweep_at.saturating_duration_since(Instant::now())) => {}
            }
        }
    }

    async fn index_text(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        while !stop.is_cancelled() && self.store.index_pending_text(TEXT_ENTRIES_PER_ROUND).await? > 0 {}
        Ok(())
    }

    async fn fingerprint(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        while !stop.is_cancelled() && self.store.fingerprint_pending(FINGERPRINTS_PER_ROUND).await? > 0 {}
        Ok(())
    }

    async fn sweep(&self, adopt_orphans: bool) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let request = SweepRequest {
            sent_before: now - self.options.score_deadline,
            now,
            limit: BATCHES_PER_SWEEP,
            adopt_orphans,
            batch_entries_max: self.options.batch_entries_max,
        };
        let swept = self.store.sweep(&request).await?;
        if swept.resent_batches + swept.adopted_batches > 0 {
            tracing::info!(
                resent = swept.resent_batches,
                adopted = swept.adopted_batches,
                "unscored batches go to the queue again"
            );
            metrics::counter!("turnstone_ingest_batches_resent_total").increment(swept.resent_batches);
            self.committed.notify_waiters();
        }
        self.store.prune_outbox(now - OUTBOX_KEPT).await?;
        self.store.prune_counts(now - MINUTES_KEPT).await?;
        Ok(())
    }
}
