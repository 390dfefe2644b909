//! The scorers' end of the work queue: a durable pull consumer that all of them share.
//!
//! async-nats' own batches give each pull an inbox of its own and close it at the end. What the server sends in that moment,
//! or what a cancelled pull had received, is then lost until `ack_wait` has passed and costs the batch an attempt. Here one
//! inbox lives as long as the queue: whatever arrives is kept and handed out by the next pull.

use crate::delivery::Delivery;
use crate::error::{self, BusError, with_sources};
use crate::{Bus, CONSUMER_SCORER, STREAM_SCORE, streams};
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{StatusCode, Subscriber};
use futures::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Shortest time that a pull request lives: the server refuses to answer faster than it can.
const WAIT_MIN: Duration = Duration::from_millis(20);
/// The server shows this often that a waiting pull request is still known to it.
const HEARTBEAT_MAX: Duration = Duration::from_secs(1);
/// How long a pull that has something waits for the next message of the same request.
const LINGER: Duration = Duration::from_millis(50);
/// How long after the end of a request its last word may take to arrive.
const GRACE: Duration = Duration::from_millis(500);

/// What the shared consumer of the scorers is set to; the last process to start decides.
#[derive(Debug, Clone)]
pub struct ScoreQueueOptions {
    /// How long a delivery belongs to a worker that does not extend it.
    pub ack_wait: Duration,
    /// Deliveries of a batch, after which a worker gives it up instead of trying again; see [`Delivery::is_exhausted`].
    pub deliveries_max: u64,
    /// Batches that all workers together may hold.
    pub ack_pending_max: i64,
}

impl Default for ScoreQueueOptions {
    fn default() -> Self {
        Self {
            ack_wait: Duration::from_secs(30),
            deliveries_max: 5,
            ack_pending_max: 10_000,
        }
    }
}

/// Where a worker gets its batches.
#[derive(Debug)]
pub struct ScoreQueue {
    bus: Bus,
    options: ScoreQueueOptions,
    inbox: Mutex<Inbox>,
}

/// Everything that outlives one pull, so that a pull may be cancelled at any await without losing a delivery.
#[derive(Debug)]
struct Inbox {
    subscriber: Subscriber,
    subject_prefix: String,
    requests: u64,
    open: Option<OpenRequest>,
    received: VecDeque<Received>,
    closed: bool,
}

#[derive(Debug)]
struct Received {
    message: async_nats::Message,
    arrived: Instant,
}

/// The pull request that the server still serves, as far as we know.
#[derive(Debug)]
struct OpenRequest {
    subject: String,
    remaining: usize,
    heartbeat: Duration,
    heard: Instant,
    expires: Instant,
}

/// What a message from the server means for the pull that waits.
enum Heard {
    /// A delivery, a sign of life, or something about a request that is over.
    Nothing,
    /// The request ended as such requests do.
    Ended,
    /// The request was turned away for now; ask again shortly.
    Busy,
    /// Nobody serves the consumer: it is gone, or JetStream is still starting.
    Missing,
    /// The server cannot make sense of the request.
    Refused(String),
}

impl Bus {
    /// Opens the score queue: makes the stream and the shared consumer where they are missing.
    pub async fn score_queue(&self, options: &ScoreQueueOptions) -> Result<ScoreQueue, BusError> {
        ensure_consumer(self, options).await?;
        let subject_prefix = self.shared.client.new_inbox();
        let subscriber = self
            .shared
            .client
            .subscribe(format!("{subject_prefix}.*"))
            .await
            .map_err(|error| BusError::unavailable("open the score queue", with_sources(&error)))?;
        let inbox = Inbox {
            subscriber,
            subject_prefix,
            requests: 0,
            open: None,
            received: VecDeque::new(),
            closed: false,
        };
        Ok(ScoreQueue {
            bus: self.clone(),
            options: options.clone(),
            inbox: Mutex::new(inbox),
        })
    }
}

impl ScoreQueue {
    /// Waits up to `wait` for batches and returns as soon as there are any: at most `deliveries_max`, and none when none
    /// came. Makes the consumer again where the server lost it. An error says that the server cannot be asked at present:
    /// it is retryable, and the queue stays usable.
    ///
    /// May be cancelled at any time: what had arrived by then is kept for the next pull, or goes back with
    /// [`ScoreQueue::close`]. Two pulls at once on one queue take turns.
    pub async fn pull(&self, deliveries_max: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        if deliveries_max == 0 {
            return Ok(Vec::new());
        }
        let deadline = Instant::now() + wait.max(WAIT_MIN);
        let mut inbox = self.inbox.lock().await;
        let inbox = &mut *inbox;
        let mut pause = Duration::from_millis(20);
        loop {
            if inbox.closed {
                return Err(BusError::Invalid {
                    what: "pull: this score queue is closed".to_owned(),
                });
            }
            let heard = match inbox.subscriber.next().now_or_never() {
                Some(message) => inbox.take_in(message),
                None if inbox.is_enough(deliveries_max) => return Ok(self.hand_out(inbox, deliveries_max)),
                None if inbox.open.is_none() && Instant::now() >= deadline => return Ok(Vec::new()),
                None if inbox.open.is_none() => {
                    self.bus.wait_connected_until("pull", deadline).await?;
                    self.request(inbox, deliveries_max, deadline).await?;
                    Heard::Nothing
                }
                None => match inbox.listen(deadline).await {
                    Some(heard) => heard,
                    None => return Ok(Vec::new()),
                },
            };
            let failure = match heard {
                Heard::Nothing | Heard::Ended => continue,
                Heard::Busy => None,
                Heard::Missing => ensure_consumer(&self.bus, &self.options).await.err(),
                Heard::Refused(reason) => {
                    return Err(BusError::Server {
                        operation: "pull",
                        reason,
                        passing: false,
                    });
                }
            };
            if failure.as_ref().is_some_and(|error| !error.is_retryable()) || Instant::now() >= deadline {
                return failure.map_or(Ok(Vec::new()), Err);
            }
            sleep_until((Instant::now() + pause).min(deadline)).await;
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }

    /// Ends this end of the queue: asks for nothing more, and hands back at once what had arrived and was not handed out.
    /// Returns how many batches went back. Deliveries that were handed out stay with their holders.
    pub async fn close(&self) -> usize {
        let mut inbox = self.inbox.lock().await;
        inbox.closed = true;
        // The server stops serving a request whose inbox has no subscriber. What it sent until then still arrives here.
        let _ = inbox.subscriber.drain().await;
        let deadline = Instant::now() + GRACE;
        while let Ok(Some(message)) = timeout_at(deadline, inbox.subscriber.next()).await {
            inbox.take_in(Some(message));
        }
        let mut handed_back = 0;
        while let Some(received) = inbox.received.pop_front() {
            let Some(delivery) = self.delivery(received.message) else {
                continue;
            };
            // A batch that cannot be handed back comes again after `ack_wait`.
            match delivery.retry_after(Duration::ZERO).await {
                Ok(()) => handed_back += 1,
                Err(error) => tracing::debug!(%error, "cannot hand a batch back"),
            }
        }
        handed_back
    }

    /// Asks for up to `deliveries_max` batches. With `no_wait` *and* `expires` the server serves the request once: it sends
    /// what there is, or waits for the first, and then ends the request.
    async fn request(
        &self,
        inbox: &mut Inbox,
        deliveries_max: usize,
        deadline: Instant,
    ) -> Result<(), BusError> {
        let now = Instant::now();
        let lifetime = deadline.saturating_duration_since(now).max(WAIT_MIN);
        // The server refuses a heartbeat of more than half the lifetime.
        let heartbeat = (lifetime / 2).min(HEARTBEAT_MAX);
        inbox.requests += 1;
        let subject = format!("{}.{}", inbox.subject_prefix, inbox.requests);
        let body = serde_json::json!({
            "batch": deliveries_max,
            "no_wait": true,
            "expires": u64::try_from(lifetime.as_nanos()).unwrap_or(u64::MAX),
            "idle_heartbeat": u64::try_from(heartbeat.as_nanos()).unwrap_or(u64::MAX),
        });
        let api = format!("$JS.API.CONSUMER.MSG.NEXT.{STREAM_SCORE}.{CONSUMER_SCORER}");
        self.bus
            .shared
            .client
            .publish_with_reply(api, subject.clone(), body.to_string().into())
            .await
            .map_err(|error| BusError::unavailable("pull", with_sources(&error)))?;
        inbox.open = Some(OpenRequest {
            subject,
            remaining: deliveries_max,
            heartbeat,
            heard: now,
            expires: now + lifetime,
        });
        Ok(())
    }

    fn hand_out(&self, inbox: &mut Inbox, deliveries_max: usize) -> Vec<Delivery> {
        let now = Instant::now();
        let mut deliveries = Vec::new();
        while deliveries.len() < deliveries_max
            && let Some(received) = inbox.received.pop_front()
        {
            // Left over from a cancelled pull for so long that the server gives it, or gave it, to somebody else.
            if now.duration_since(received.arrived) >= self.options.ack_wait {
                metrics::counter!("turnstone_bus_delivery_total", "outcome" => "expired").increment(1);
                continue;
            }
            let Some(delivery) = self.delivery(received.message) else {
                continue;
            };
            metrics::counter!("turnstone_bus_pull_total").increment(1);
            if delivery.attempt > 1 {
                metrics::counter!("turnstone_bus_redelivery_total").increment(1);
            }
            deliveries.push(delivery);
        }
        deliveries
    }

    fn delivery(&self, message: async_nats::Message) -> Option<Delivery> {
        let message = jetstream::Message {
            message,
            context: self.bus.shared.context.clone(),
        };
        Delivery::new(&self.bus, message, &self.options)
    }
}

impl Inbox {
    /// Whether to stop waiting: as many as asked for, or some and the server has no more.
    fn is_enough(&self, deliveries_max: usize) -> bool {
        match self.received.back() {
            None => false,
            Some(last) => {
                self.received.len() >= deliveries_max
                    || self.open.is_none()
                    || last.arrived.elapsed() >= LINGER
            }
        }
    }

    /// Waits for the next message, but no longer than there is reason to. `None` says that the time of this pull is over and
    /// that the open request, made by a cancelled pull that had more time, is left to the next one.
    async fn listen(&mut self, deadline: Instant) -> Option<Heard> {
        let Some(open) = &self.open else {
            return Some(Heard::Nothing);
        };
        // Two heartbeats missed, and some allowance for a busy machine: the server does not know this request any more.
        let silent = open.heard + open.heartbeat * 2 + GRACE;
        // The last word on a request of this pull comes just after its deadline.
        let over = silent.min(open.expires + GRACE);
        let mut until = if open.expires > deadline {
            over.min(deadline)
        } else {
            over
        };
        if let Some(last) = self.received.back() {
            until = until.min(last.arrived + LINGER);
        }
        match timeout_at(until, self.subscriber.next()).await {
            Ok(message) => Some(self.take_in(message)),
            Err(_) if !self.received.is_empty() => Some(Heard::Nothing),
            Err(_) if Instant::now() < over => None,
            Err(_) => {
                self.open = None;
                Some(Heard::Busy)
            }
        }
    }

    fn take_in(&mut self, message: Option<async_nats::Message>) -> Heard {
        let Some(message) = message else {
            // The client ended the subscription, which only closing does.
            self.closed = true;
            return Heard::Nothing;
        };
        let now = Instant::now();
        let Some(status) = message.status.filter(|status| *status != StatusCode::OK) else {
            self.received.push_back(Received {
                message,
                arrived: now,
            });
            if let Some(open) = &mut self.open {
                open.heard = now;
                open.remaining = open.remaining.saturating_sub(1);
                if open.remaining == 0 {
                    self.open = None;
                }
            }
            return Heard::Nothing;
        };
        let Some(open) = self
            .open
            .as_mut()
            .filter(|open| open.subject == message.subject.as_str())
        else {
            return Heard::Nothing;
        };
        if status == StatusCode::IDLE_HEARTBEAT {
            open.heard = now;
            return Heard::Nothing;
        }
        let is_over = now >= open.expires || !self.received.is_empty();
        self.open = None;
        let description = message.description.unwrap_or_default();
        match status.as_u16() {
            404 | 408 if is_over => Heard::Ended,
            // "Requests Pending": others wait for the few that there are.
            404 | 408 => Heard::Busy,
            503 => Heard::Missing,
            // The consumer was deleted, its leader moved, the server shuts down, or the workers hold as many as they may.
            // Making sure of the consumer is right for the first and harmless for the others.
            409 => Heard::Missing,
            _ => Heard::Refused(format!("{status} {description}")),
        }
    }
}

/// Makes the shared consumer, or sets it to `options`, and its stream first where that is missing.
async fn ensure_consumer(bus: &Bus, options: &ScoreQueueOptions) -> Result<(), BusError> {
    bus.wait_connected("open the score queue").await?;
    for remade in [false, true] {
        let noticed = Instant::now();
        let made: Result<PullConsumer, ConsumerError> = bus
            .shared
            .context
            .create_consumer_on_stream(streams::scorer_consumer(options), STREAM_SCORE)
            .await;
        let Err(error) = made else { return Ok(()) };
        match error.kind() {
            ConsumerErrorKind::JetStream(answer)
                if answer.error_code() == ErrorCode::STREAM_NOT_FOUND && !remade =>
            {
                bus.remake_streams(noticed).await?;
            }
            kind => return Err(from_consumer(&kind, &error)),
        }
    }
    Err(BusError::unavailable(
        "open the score queue",
        format_args!("stream {STREAM_SCORE} was made and is missing again"),
    ))
}

fn from_consumer(kind: &ConsumerErrorKind, error: &ConsumerError) -> BusError {
    let operation = "open the score queue";
    match kind {
        ConsumerErrorKind::TimedOut => BusError::timed_out(operation),
        ConsumerErrorKind::JetStream(answer) => match error::from_server(operation, answer) {
            BusError::Server {
                reason,
                passing: false,
                ..
            } => BusError::Mismatch {
                name: CONSUMER_SCORER,
                reason,
            },
            other => other,
        },
        _ => BusError::unavailable(operation, with_sources(error)),
    }
}
