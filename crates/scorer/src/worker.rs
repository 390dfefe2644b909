//! The worker loop on the queue: never holds more than it can work on, acknowledges only after the commit, hands back what
//! failed for a passing reason, and stops without losing anything.

use crate::batch::BatchScorer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use turnstone_bus::{BusError, Delivery, ScoreQueue, redelivery_delay};
use turnstone_service::telemetry::set_trace_parent;
use turnstone_store::StoreErrorKind;
use turnstone_types::ScoreBatch;

/// Longest that one pull waits for work before it asks again.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// First and longest delay after the queue could not be asked.
const PULL_RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Limits of a worker.
#[derive(Debug, Clone, Copy)]
pub struct WorkerOptions {
    /// Batches held at the same time.
    pub batches_in_flight_max: usize,
    /// Time for the work in hand to finish after the stop.
    pub grace: Duration,
}

/// A worker: one engine on one queue.
pub struct Worker {
    scorer: BatchScorer,
    queue: ScoreQueue,
    options: WorkerOptions,
}

impl Worker {
    /// Makes a worker; [`Worker::run`] starts it.
    pub fn new(scorer: BatchScorer, queue: ScoreQueue, options: WorkerOptions) -> Self {
        Self {
            scorer,
            queue,
            options,
        }
    }

    /// Works until `stop`, then finishes what it holds within the grace time. Fails when the engine is broken, since then
    /// every batch would fail: whoever supervises the process starts it afresh, and other workers get the batches.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let slots = Arc::new(Semaphore::new(self.options.batches_in_flight_max));
        let mut in_hand: JoinSet<()> = JoinSet::new();
        let mut pull_delay = PULL_RETRY_DELAYS.0;
        let outcome = loop {
            while in_hand.try_join_next().is_some() {}
            if !self.scorer.engine_is_healthy() {
                break Err(anyhow::anyhow!(
                    "the classifier engine has ended; see the log for why, and start again"
                ));
            }
            let first_slot = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                slot = Arc::clone(&slots).acquire_owned() => match slot {
                    Ok(slot) => slot,
                    Err(_) => break Ok(()),
                },
            };
            // Only this loop takes permits, and tasks only give them back, so what is free now stays free until we take it:
            // the pull can never bring more than there is room for.
            let mut free_slots = vec![first_slot];
            while let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
                free_slots.push(slot);
            }
            let pulled = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                pulled = self.queue.pull(free_slots.len(), PULL_WAIT) => pulled,
            };
            match pulled {
                Ok(deliveries) => {
                    pull_delay = PULL_RETRY_DELAYS.0;
                    for delivery in deliveries {
                        let slot = free_slots.pop();
                        let scorer = self.scorer.clone();
                        let stop = stop.clone();
                        in_hand.spawn(async move {
                            let span = delivery_span(&delivery);
                            Box::pin(handle(scorer, delivery, stop)).instrument(span).await;
                            drop(slot);
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, delay_ms = pull_delay.as_millis(), "cannot ask the queue, trying again");
                    tokio::select! {
                        () = stop.cancelled() => break Ok(()),
                        () = tokio::time::sleep(pull_delay) => {}
                    }
                    pull_delay = (pull_delay * 2).min(PULL_RETRY_DELAYS.1);
                }
            }
        };
        // What the server sent while the last pull was given up goes back to it at once, for others.
        self.queue.close().await;
        let finished = tokio::time::timeout(self.options.grace, async {
            while in_hand.join_next().await.is_some() {}
        })
        .await;
        if finished.is_err() {
            // Nothing is lost: what is not acknowledged is delivered again, to whoever works then.
            tracing::warn!(
                batches = in_hand.len(),
                "work in hand did not finish within the grace time, left to others"
            );
            in_hand.shutdown().await;
        }
        outcome
    }
}

fn delivery_span(delivery: &Delivery) -> tracing::Span {
    let batch = delivery.body.as_ref().ok();
    let span = tracing::info_span!(
        "score_batch",
        batch_id = batch.map(|batch| batch.id.as_str()),
        cycle_id = batch.map(|batch| batch.cycle_id.as_str()),
        attempt = delivery.attempt
    );
    if let Some(trace_parent) = &delivery.trace_parent {
        set_trace_parent(&span, trace_parent);
    }
    span
}

/// Takes one delivery to its end: acknowledged, handed back or buried. If even that fails the queue delivers it again.
async fn handle(scorer: BatchScorer, delivery: Delivery, stop: CancellationToken) {
    let batch = match &delivery.body {
        Ok(batch) => batch.clone(),
        Err(error) => {
            let reason = format!("cannot be read: {error}");
            finish("bury", delivery.bury(&reason).await);
            return;
        }
    };
    if stop.is_cancelled() {
        finish("hand back", delivery.retry_after(Duration::ZERO).await);
        return;
    }
    if delivery.is_exhausted() {
        let reason = format!("delivered {} times without success", delivery.attempt - 1);
        bury(&scorer, &batch, delivery, &reason).await;
        return;
    }
    // Lives as long as the work: the queue hears from us and does not give the batch to another worker.
    let keep_alive = delivery.keep_alive();
    let scored = scorer.score(&batch).await;
    drop(keep_alive);
    match scored {
        Ok(_) => finish("acknowledge", delivery.ack().await),
        Err(error) if error.is_retryable() => {
            let delay = redelivery_delay(delivery.attempt);
            tracing::warn!(%error, delay_ms = delay.as_millis(), "batch failed for now, handed back");
            finish("hand back", delivery.retry_after(delay).await);
        }
        Err(error) => bury(&scorer, &batch, delivery, &error.to_string()).await,
    }
}

async fn bury(scorer: &BatchScorer, batch: &ScoreBatch, delivery: Delivery, reason: &str) {
    tracing::error!(
        reason,
        "batch goes to the dead letters; list and replay them with `turnstone bus dead`"
    );
    // Marked first: a batch that is dead in the store is not swept, so a crash in between leaves it on the queue, not lost.
    match scorer.store().mark_batch_dead(&batch.id, Some(reason)).await {
        // A batch that the store does not know (published by hand, or its database was replaced) has nothing to mark.
        Ok(()) => {}
        Err(error) if error.kind == StoreErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(%error, "mark batch as dead");
            finish(
                "hand back",
                delivery.retry_after(redelivery_delay(delivery.attempt)).await,
            );
            return;
        }
    }
    finish("bury", delivery.bury(reason).await);
}

fn finish(action: &'static str, outcome: Result<(), BusError>) {
    let result = if outcome.is_ok() { "ok" } else { "failed" };
    metrics::counter!("turnstone_scorer_deliveries_total", "action" => action, "outcome" => result)
        .increment(1);
    if let Err(error) = outcome {
        tracing::warn!(%error, action, "the queue did not confirm; the batch will come again, which is harmless");
    }
}
