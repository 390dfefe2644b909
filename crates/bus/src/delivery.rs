//! One batch in a worker's hands: what it holds, how its deadline is extended, and the three ways in which it ends.

use crate::dead_letter;
use crate::error::{BusError, with_sources};
use crate::publish::{HEADER_TRACE_PARENT, is_trace_parent};
use crate::{Bus, ScoreQueueOptions};
use async_nats::RequestErrorKind;
use async_nats::client::Request;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::{self, AckKind};
use bytes::Bytes;
use prost::Message;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use turnstone_proto::{ConvertError, v1};
use turnstone_types::ScoreBatch;

/// Why a message is no score batch. Such a message can never work: bury it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// Not the protobuf message.
    #[error("the message is no score batch: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// The protobuf message with a value that cannot be.
    #[error("the score batch is not valid: {0}")]
    Value(#[from] ConvertError),
}

/// One delivery of a batch. Dropping it unsettled leaves the batch to the server, which delivers it again after `ack_wait`.
#[derive(Debug)]
pub struct Delivery {
    /// The batch, or why there is none.
    pub body: Result<ScoreBatch, DecodeError>,
    /// Which delivery of this message it is, from 1. Counts every delivery, also those whose worker died or handed it back.
    pub attempt: u64,
    /// W3C `traceparent` of the span that published the batch.
    pub trace_parent: Option<String>,
    pub(crate) subject: String,
    pub(crate) raw_body: Bytes,
    /// The same for every delivery of this message and different for every other message.
    pub(crate) identity: String,
    bus: Bus,
    ack_subject: String,
    ack_wait: Duration,
    deliveries_max: u64,
    /// Set once the server confirmed the end, so that ending a delivery twice is harmless.
    settled: AtomicBool,
}

impl Delivery {
    /// `None` for a message that JetStream did not deliver; nothing else is sent to the inbox of a consumer.
    pub(crate) fn new(bus: &Bus, message: jetstream::Message, options: &ScoreQueueOptions) -> Option<Self> {
        let info = message.info().ok()?;
        let attempt = u64::try_from(info.delivered).unwrap_or(1).max(1);
        // The time makes the identity differ from that of an earlier stream, whose numbers began at 1 as well.
        let place = format!(
            "{}@{}",
            info.stream_sequence,
            info.published.unix_timestamp_nanos()
        );
        let ack_subject = message.reply.as_ref()?.to_string();
        let header = |name: &str| {
            message
                .headers
                .as_ref()
                .and_then(|headers| headers.get(name))
                .map(|value| value.as_str())
        };
        let message_id = header(NATS_MESSAGE_ID.as_ref()).unwrap_or_default();
        let body = v1::ScoreBatch::decode(message.payload.clone())
            .map_err(DecodeError::from)
            .and_then(|batch| Ok(ScoreBatch::try_from(batch)?));
        Some(Self {
            body,
            attempt,
            trace_parent: header(HEADER_TRACE_PARENT)
                .filter(|text| is_trace_parent(text))
                .map(str::to_owned),
            subject: message.subject.to_string(),
            raw_body: message.payload.clone(),
            identity: format!("{message_id}:{place}"),
            bus: bus.clone(),
            ack_subject,
            ack_wait: options.ack_wait,
            deliveries_max: options.deliveries_max,
            settled: AtomicBool::new(false),
        })
    }

    /// Whether this batch has been delivered more often than `deliveries_max`: bury it without trying, since it may be what
    /// kills its workers.
    pub fn is_exhausted(&self) -> bool {
        self.attempt > self.deliveries_max
    }

    /// Whether this is the last attempt that `deliveries_max` allows: if it fails, bury the batch.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt >= self.deliveries_max
    }

    /// Extends the ack deadline every third of `ack_wait` until the guard is dropped.
    pub fn keep_alive(&self) -> KeepAlive {
        let (bus, ack_subject) = (self.bus.clone(), self.ack_subject.clone());
        let period = (self.ack_wait / 3).max(Duration::from_millis(10));
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                // The first tick is at once: the batch may have waited in this process for a while.
                ticks.tick().await;
                // Not confirmed, since the next one follows, and not sent while disconnected, since it would then queue up
                // behind others of its kind.
                if bus.is_connected()
                    && let Err(error) = bus
                        .shared
                        .client
                        .publish(ack_subject.clone(), AckKind::Progress.into())
                        .await
                {
                    tracing::debug!(%error, "cannot extend the deadline of a batch");
                }
            }
        });
        KeepAlive { task }
    }

    /// Ends the delivery: the batch is done and never comes again. Call it only after the commit. Returns when the server has
    /// confirmed; on an error the batch may come again, which the idempotent writes make harmless.
    pub async fn ack(&self) -> Result<(), BusError> {
        self.settle("ack", AckKind::Ack).await
    }

    /// Hands the batch back for a passing reason: it comes again, to any worker, after `delay` (see
    /// [`crate::redelivery_delay`]). Counts as an attempt.
    pub async fn retry_after(&self, delay: Duration) -> Result<(), BusError> {
        self.settle("retry", AckKind::Nak(Some(delay))).await
    }

    /// Gives the batch up: keeps it as a dead letter with the reason, then ends the delivery. Interrupted in between, the
    /// batch comes again and burying it again stores no second dead letter (within an hour).
    pub async fn bury(&self, reason: &str) -> Result<(), BusError> {
        if self.settled.load(Ordering::Acquire) {
            return Ok(());
        }
        self.bus.publish(&dead_letter::of(self, reason)).await?;
        self.settle("bury", AckKind::Term).await
    }

    async fn settle(&self, outcome: &'static str, kind: AckKind) -> Result<(), BusError> {
        if self.settled.load(Ordering::Acquire) {
            return Ok(());
        }
        let settled = self.confirm(outcome, kind).await;
        let label = match &settled {
            Ok(()) => {
                self.settled.store(true, Ordering::Release);
                outcome
            }
            Err(_) => "unconfirmed",
        };
        metrics::counter!("turnstone_bus_delivery_total", "outcome" => label).increment(1);
        settled
    }

    /// Sends an ack and waits for the server's answer. async-nats' own double ack takes *any* answer for a yes, also the one
    /// that says that nobody listens because the consumer is gone; a request tells the two apart.
    async fn confirm(&self, operation: &'static str, kind: AckKind) -> Result<(), BusError> {
        self.bus.wait_connected(operation).await?;
        let request = Request::new()
            .payload(kind.into())
            .timeout(Some(self.bus.shared.options.publish_timeout));
        match self
            .bus
            .shared
            .client
            .send_request(self.ack_subject.clone(), request)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => BusError::DeliveryGone { operation },
                RequestErrorKind::TimedOut => BusError::timed_out(operation),
                _ => BusError::unavailable(operation, with_sources(&error)),
            }),
        }
    }
}

/// Extends the ack deadline of a delivery for as long as it lives.
#[derive(Debug)]
#[must_use = "the deadline is extended only until this guard is dropped"]
pub struct KeepAlive {
    task: JoinHandle<()>,
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.task.abort();
    }
}
