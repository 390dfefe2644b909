//! Publishes the outbox: every event is marked only after the queue has confirmed it, so a crash in between publishes it
//! twice under one message id, which the queue folds into one.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use turnstone_bus::{Bus, Event, Publication};
use turnstone_store::{OutboxBody, OutboxEvent, Store};
use turnstone_types::Timestamp;

/// Events published in one round.
const EVENTS_PER_ROUND: u32 = 256;
/// How often to look for events of others (imports, the sweeper of another process) without being told.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// First and longest delay after a failure.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Publishes what the outbox holds.
pub struct Publisher {
    store: Arc<dyn Store>,
    bus: Bus,
    committed: Arc<Notify>,
}

impl Publisher {
    /// Makes a publisher that is woken by `committed`.
    pub fn new(store: Arc<dyn Store>, bus: Bus, committed: Arc<Notify>) -> Self {
        Self {
            store,
            bus,
            committed,
        }
    }

    /// Publishes until `stop`, then once more what is left. A queue or store that cannot be reached delays, it loses nothing.
    pub async fn run(self, stop: CancellationToken) {
        let mut delay = RETRY_DELAYS.0;
        loop {
            match drain_outbox(self.store.as_ref(), &self.bus).await {
                Ok(_) if stop.is_cancelled() => return,
                Ok(_) => {
                    delay = RETRY_DELAYS.0;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.committed.notified() => {}
                        () = tokio::time::sleep(POLL_INTERVAL) => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        delay_ms = delay.as_millis(),
                        "events cannot be published yet, kept in the outbox"
                    );
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(delay) => {}
                    }
                    delay = (delay * 2).min(RETRY_DELAYS.1);
                }
            }
        }
    }
}

/// Publishes every event that waits; returns how many. Stops at the first round in which one could not be published.
pub async fn drain_outbox(store: &dyn Store, bus: &Bus) -> anyhow::Result<u64> {
    let mut published_count = 0;
    loop {
        let events = store.pending_events(EVENTS_PER_ROUND).await?;
        if events.is_empty() {
            return Ok(published_count);
        }
        let outcomes = bus.publish_all(events.iter().map(publication).collect()).await;
        let mut confirmed = Vec::with_capacity(events.len());
        let mut failure = None;
        for (event, outcome) in events.iter().zip(outcomes) {
            match outcome {
                Ok(_) => confirmed.push(event.message_id.clone()),
                Err(error) => failure = Some(error),
            }
        }
        store.mark_published(&confirmed, Timestamp::now()).await?;
        published_count += confirmed.len() as u64;
        if let Some(error) = failure {
            return Err(error.into());
        }
    }
}

fn publication(event: &OutboxEvent) -> Publication {
    Publication {
        event: match &event.body {
            OutboxBody::Cycle(cycle) => Event::Cycle(cycle.clone()),
            OutboxBody::Batch(batch) => Event::Batch(batch.clone()),
        },
        message_id: event.message_id.clone(),
        trace_parent: event.trace_parent.clone(),
    }
}
