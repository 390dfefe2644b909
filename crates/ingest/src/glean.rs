//! The glean loop: asks the sources in turn, fills cycles, commits them. Reading stops by itself while the store is behind,
//! since the next batch is only asked for after the commit.

use crate::cycle::{CycleLimits, PendingCycle};
use anyhow::Context;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use turnstone_gleaner::{Gleaned, OpenOptions, Source, SourceConfig, SourceState, open_source};
use turnstone_store::Store;
use turnstone_types::{CycleId, NewCycle, SourceId, TenantId};

/// First and longest delay between two tries to commit.
const COMMIT_RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How long a source that broke is left alone before it is opened again.
const REOPEN_DELAY: Duration = Duration::from_secs(5);

/// What one committed cycle brought.
#[derive(Debug, Clone)]
pub struct CycleReport {
    /// The cycle.
    pub cycle_id: CycleId,
    /// Entries committed.
    pub entries: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Entries by source, where there are any.
    pub sources: Vec<(SourceId, u64)>,
    /// From the first line to the commit.
    pub duration: Duration,
}

/// Sums over all cycles of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GleanTotals {
    /// Cycles committed.
    pub cycles: u64,
    /// Entries committed.
    pub entries: u64,
    /// Bytes read.
    pub bytes: u64,
}

struct OpenedSource {
    tenant: TenantId,
    config: SourceConfig,
    source: Option<Box<dyn Source>>,
    reopen_at: Instant,
    ended: bool,
}

/// Gleans a set of sources into a store.
pub struct Gleaner {
    store: Arc<dyn Store>,
    limits: CycleLimits,
    open_options: OpenOptions,
    sources: Vec<OpenedSource>,
    pending: BTreeMap<TenantId, PendingCycle>,
    committed: Arc<Notify>,
    totals: GleanTotals,
}

impl Gleaner {
    /// Opens every source where its committed checkpoints say.
    pub async fn open(
        store: Arc<dyn Store>,
        sources: &[SourceConfig],
        tenant_default: &TenantId,
        limits: CycleLimits,
        open_options: OpenOptions,
    ) -> anyhow::Result<Self> {
        let mut gleaner = Self {
            store,
            limits,
            open_options,
            sources: Vec::new(),
            pending: BTreeMap::new(),
            committed: Arc::new(Notify::new()),
            totals: GleanTotals::default(),
        };
        for config in sources {
            let tenant = config.tenant.clone().unwrap_or_else(|| tenant_default.clone());
            let source = open_one(&gleaner.store, &tenant, config, gleaner.open_options).await?;
            gleaner.sources.push(OpenedSource {
                tenant,
                config: config.clone(),
                source: Some(source),
                reopen_at: Instant::now(),
                ended: false,
            });
        }
        Ok(gleaner)
    }

    /// Told after each commit: there is something to publish and to index.
    pub fn committed(&self) -> Arc<Notify> {
        Arc::clone(&self.committed)
    }

    /// Gleans until every source has ended or `stop`; commits what was read in both cases. `on_cycle` hears of each commit.
    pub async fn run(
        mut self,
        stop: &CancellationToken,
        mut on_cycle: impl FnMut(&CycleReport),
    ) -> anyhow::Result<GleanTotals> {
        loop {
            let mut more = false;
            for index in 0..self.sources.len() {
                if stop.is_cancelled() {
                    break;
                }
                more |= self.ask(index, stop, &mut on_cycle).await?;
            }
            let ended = self.sources.iter().all(|source| source.ended);
            let closing = ended || stop.is_cancelled();
            let now = Instant::now();
            let due: Vec<TenantId> = self
                .pending
                .iter()
                .filter(|(_, cycle)| closing || cycle.closes_at(&self.limits) <= now)
                .map(|(tenant, _)| tenant.clone())
                .collect();
            for tenant in due {
                self.commit(&tenant, stop, &mut on_cycle).await?;
            }
            if closing {
                return Ok(self.totals);
            }
            if !more {
                self.wait(stop).await;
            }
        }
    }

    /// Takes one batch of a source. Returns whether the source has more at once.
    async fn ask(
        &mut self,
        index: usize,
        stop: &CancellationToken,
        on_cycle: &mut impl FnMut(&CycleReport),
    ) -> anyhow::Result<bool> {
        let tenant = self.sources[index].tenant.clone();
        if !self.reopen(index).await {
            return Ok(false);
        }
        let budget = match self.pending.get(&tenant) {
            Some(cycle) => cycle.budget(&self.limits),
            None => PendingCycle::open(tenant.clone()).budget(&self.limits),
        };
        let opened = &mut self.sources[index];
        let Some(source) = opened.source.as_mut() else {
            return Ok(false);
        };
        match source.next_batch(budget).await {
            Ok(gleaned) => {
                let state = gleaned.state;
                opened.ended = state == SourceState::Ended;
                count(&opened.config.source_id, &gleaned);
                if !gleaned.is_idle() {
                    self.pending
                        .entry(tenant.clone())
                        .or_insert_with(|| PendingCycle::open(tenant.clone()))
                        .absorb(gleaned);
                }
                if self
                    .pending
                    .get(&tenant)
                    .is_some_and(|cycle| cycle.is_full(&self.limits))
                {
                    self.commit(&tenant, stop, on_cycle).await?;
                }
                Ok(state == SourceState::More)
            }
            Err(error) => {
                metrics::counter!("turnstone_ingest_source_errors_total").increment(1);
                opened.source = None;
                if error.is_retryable() {
                    tracing::warn!(%error, "source broke, opened again shortly");
                    opened.reopen_at = Instant::now() + REOPEN_DELAY;
                } else {
                    tracing::error!(%error, "source is given up; the others go on");
                    opened.ended = true;
                }
                // What it handed out before is still in memory; committed now, so that opening again starts after it.
                self.commit(&tenant, stop, on_cycle).await?;
                Ok(false)
            }
        }
    }

    /// Makes sure that a source is open, where it is time for it.
    async fn reopen(&mut self, index: usize) -> bool {
        let opened = &self.sources[index];
        if opened.ended {
            return false;
        }
        if opened.source.is_some() {
            return true;
        }
        if opened.reopen_at > Instant::now() {
            return false;
        }
        let (tenant, config) = (opened.tenant.clone(), opened.config.clone());
        match open_one(&self.store, &tenant, &config, self.open_options).await {
            Ok(source) => {
                self.sources[index].source = Some(source);
                true
            }
            Err(error) => {
                tracing::warn!(source_id = %config.source_id, error = format!("{error:#}"), "source cannot be opened, trying again");
                self.sources[index].reopen_at = Instant::now() + REOPEN_DELAY;
                false
            }
        }
    }

    /// Commits the pending cycle of a tenant, trying again for as long as trying can help. When stopped meanwhile the cycle is
    /// given up: its checkpoints are not committed either, so the next start reads the same lines.
    async fn commit(
        &mut self,
        tenant: &TenantId,
        stop: &CancellationToken,
        on_cycle: &mut impl FnMut(&CycleReport),
    ) -> anyhow::Result<()> {
        let Some(pending) = self.pending.remove(tenant) else {
            return Ok(());
        };
        let span = tracing::info_span!("glean_cycle", tenant = %tenant, cycle_id = tracing::field::Empty);
        let cycle = pending.close(&self.limits, turnstone_service::telemetry::trace_parent(&span));
        span.record("cycle_id", cycle.id.as_str());
        let mut delay = COMMIT_RETRY_DELAYS.0;
        loop {
            match self.store.commit_cycle(&cycle).await {
                Ok(_) => break,
                Err(error) if error.is_retryable() => {
                    metrics::counter!("turnstone_ingest_commit_retries_total").increment(1);
                    tracing::warn!(%error, delay_ms = delay.as_millis(), "cycle cannot be committed yet, reading waits");
                    tokio::select! {
                        () = stop.cancelled() => {
                            tracing::warn!(entries = cycle.entries.len(), "stopped before the cycle was committed; its lines are read again at the next start");
                            return Ok(());
                        }
                        () = tokio::time::sleep(delay) => {}
                    }
                    delay = (delay * 2).min(COMMIT_RETRY_DELAYS.1);
                }
                Err(error) => return Err(error).context("commit a glean cycle"),
            }
        }
        self.committed.notify_waiters();
        self.committed.notify_one();
        let report = report(&cycle);
        self.totals.cycles += 1;
        self.totals.entries += report.entries;
        self.totals.bytes += report.bytes;
        metrics::counter!("turnstone_ingest_cycles_total").increment(1);
        metrics::counter!("turnstone_ingest_entries_total").increment(report.entries);
        metrics::counter!("turnstone_ingest_bytes_total").increment(report.bytes);
        metrics::histogram!("turnstone_ingest_cycle_seconds").record(report.duration.as_secs_f64());
        tracing::debug!(cycle_id = %report.cycle_id, entries = report.entries, bytes = report.bytes, "cycle committed");
        on_cycle(&report);
        Ok(())
    }

    /// Waits until a source may have more, a cycle is due, a source may be opened again, or `stop`.
    async fn wait(&mut self, stop: &CancellationToken) {
        let cycle_due = self
            .pending
            .values()
            .map(|cycle| cycle.closes_at(&self.limits))
            .min();
        let reopen_due = self
            .sources
            .iter()
            .filter(|source| source.source.is_none() && !source.ended)
            .map(|source| source.reopen_at)
            .min();
        let due = cycle_due.into_iter().chain(reopen_due).min();
        let waits: Vec<_> = self
            .sources
            .iter_mut()
            .filter(|source| !source.ended)
            .filter_map(|source| source.source.as_mut())
            .map(|source| source.wait_for_more())
            .collect();
        let any_source = async {
            if waits.is_empty() {
                std::future::pending::<()>().await;
            } else {
                futures::future::select_all(waits).await;
            }
        };
        let deadline = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = deadline => {}
            () = any_source => {}
        }
    }
}

/// Opens a source where its committed checkpoints say.
async fn open_one(
    store: &Arc<dyn Store>,
    tenant: &TenantId,
    config: &SourceConfig,
    options: OpenOptions,
) -> anyhow::Result<Box<dyn Source>> {
    let checkpoints = store
        .checkpoints(tenant, &config.source_id)
        .await
        .with_context(|| format!("read the checkpoints of source {}", config.source_id))?;
    Ok(open_source(config, checkpoints, options)?)
}

fn count(source_id: &SourceId, gleaned: &Gleaned) {
    metrics::counter!("turnstone_ingest_lines_passed_over_total", "reason" => "empty")
        .increment(gleaned.empty_lines);
    metrics::counter!("turnstone_ingest_bytes_cut_total").increment(gleaned.cut_bytes);
    if gleaned.fault_changed
        && let Some(fault) = &gleaned.delta.fault
    {
        tracing::warn!(%source_id, fault, "source has a fault; what can be read is read");
    }
}

fn report(cycle: &NewCycle) -> CycleReport {
    let sources = cycle.sources.iter().filter(|source| source.entries > 0);
    CycleReport {
        cycle_id: cycle.id.clone(),
        entries: cycle.entries.len() as u64,
        bytes: cycle.sources.iter().map(|source| source.bytes).sum(),
        sources: sources
            .map(|source| (source.source_id.clone(), source.entries))
            .collect(),
        duration: cycle
            .started_at
            .duration_until(turnstone_types::Timestamp::now())
            .unsigned_abs(),
    }
}
