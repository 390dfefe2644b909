//! One watch: its bounded queue, its catching up after a break, and its heartbeats.

use crate::feed::{Demand, FeedEvent, FeedPosition, WatchEnd, WatchRequest, filter};
use crate::status::chain;
use futures::{FutureExt, Stream};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior};
use turnstone_store::DetectionFeedItem;
use turnstone_types::Detection;

/// Rows asked for at once while catching up.
const PAGE_ROWS: u32 = 500;

/// What a watcher is sent.
#[derive(Debug, Clone)]
pub(crate) enum WatchEvent {
    /// A new detection.
    Detection {
        /// It.
        detection: Box<Detection>,
        /// Where a later watch can resume.
        position: FeedPosition,
    },
    /// The watch stands.
    Heartbeat {
        /// When this was said.
        at: Timestamp,
        /// Where a later watch can resume.
        position: FeedPosition,
    },
}

/// Events between the feed and one watcher.
#[derive(Debug)]
pub(super) struct WatcherQueue {
    length_max: usize,
    inner: Mutex<QueueInner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct QueueInner {
    events: VecDeque<Arc<FeedEvent>>,
    end: Option<WatchEnd>,
}

impl WatcherQueue {
    pub fn new(length_max: usize) -> Self {
        Self {
            length_max,
            inner: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    /// Adds an event. Where there is no room the queue ends instead and frees what it holds: a client that does not read may
    /// hang on for long. False then.
    pub fn push(&self, event: &Arc<FeedEvent>) -> bool {
        let mut inner = self.lock();
        let fits = inner.events.len() < self.length_max;
        if fits {
            inner.events.push_back(Arc::clone(event));
        } else {
            inner.events = VecDeque::new();
            inner.end = Some(WatchEnd::FellBehind);
        }
        drop(inner);
        self.arrived.notify_one();
        fits
    }

    /// Ends the queue after what it holds.
    pub fn end(&self, end: WatchEnd) {
        self.lock().end.get_or_insert(end);
        self.arrived.notify_one();
    }

    pub fn room(&self) -> usize {
        self.length_max - self.lock().events.len()
    }

    pub fn ended(&self) -> Option<WatchEnd> {
        self.lock().end
    }

    pub fn is_empty(&self) -> bool {
        self.lock().events.is_empty()
    }

    async fn pop(&self) -> Result<Arc<FeedEvent>, WatchEnd> {
        loop {
            {
                let mut inner = self.lock();
                if let Some(event) = inner.events.pop_front() {
                    return Ok(event);
                }
                if let Some(end) = inner.end {
                    return Err(end);
                }
            }
            // A notification that came between the look and the wait is kept as a permit.
            self.arrived.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueInner> {
        // Each change is whole by itself, so a panic elsewhere does not spoil the queue.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A standing watch. Leaves the feed when dropped.
pub(crate) struct Watcher {
    demand: Demand,
    watcher_id: u64,
    queue: Arc<WatcherQueue>,
    /// What this watcher has been sent, or had before it came.
    position: FeedPosition,
    catch_up: Option<CatchUp>,
    request: WatchRequest,
    heartbeats: Interval,
}

/// The way from where an earlier watch ended to where this one began.
struct CatchUp {
    client: FeedPosition,
    server: FeedPosition,
    asked_through: i64,
    page: VecDeque<DetectionFeedItem>,
}

impl Watcher {
    pub(super) fn new(
        demand: Demand,
        watcher_id: u64,
        queue: Arc<WatcherQueue>,
        begin: FeedPosition,
        request: WatchRequest,
    ) -> Self {
        let mut heartbeats = tokio::time::interval(demand.feed.heartbeat_interval);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watcher = Self {
            demand,
            watcher_id,
            queue,
            position: begin.clone(),
            catch_up: None,
            request,
            heartbeats,
        };
        // A position beyond the end is of another database, or of this one before it was set back: begin afresh.
        if let Some(client) = watcher
            .request
            .resume_after
            .take()
            .filter(|client| client.highest() <= begin.highest())
        {
            watcher.position = client.clone();
            watcher.catch_up = Some(CatchUp {
                asked_through: client.low_water(),
                client,
                server: begin,
                page: VecDeque::new(),
            });
        }
        watcher
    }

    /// The events, a heartbeat first, until the watch ends; its last item says why.
    pub fn into_stream(self) -> impl Stream<Item = Result<WatchEvent, WatchEnd>> + Send {
        futures::stream::unfold(Some(self), |watcher| async move {
            let mut watcher = watcher?;
            match watcher.next().await {
                Ok(event) => Some((Ok(event), Some(watcher))),
                Err(end) => Some((Err(end), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<WatchEvent, WatchEnd> {
        if let Some(mut catch_up) = self.catch_up.take() {
            // Work on the store is not cut short by a heartbeat: it would begin anew each time.
            if self.heartbeats.tick().now_or_never().is_some() {
                self.catch_up = Some(catch_up);
                return Ok(self.heartbeat());
            }
            if let Some(item) = self.next_missed(&mut catch_up).await? {
                self.catch_up = Some(catch_up);
                return Ok(WatchEvent::Detection {
                    detection: Box::new(item.detection),
                    position: self.position.clone(),
                });
            }
        }
        tokio::select! {
            biased;
            // First, so that heartbeats come even while detections never pause.
            _ = self.heartbeats.tick() => Ok(self.heartbeat()),
            event = self.queue.pop() => {
                let event = event?;
                self.position = event.position.clone();
                Ok(WatchEvent::Detection { detection: Box::new(event.item.detection.clone()), position: event.position.clone() })
            }
        }
    }

    fn heartbeat(&mut self) -> WatchEvent {
        if self.catch_up.is_none()
            && let Some(position) = self.demand.feed.position_if_drained(&self.queue)
        {
            // Detections that the filter held back count as seen, so that a resumed watch need not look at them again.
            self.position = position;
        }
        WatchEvent::Heartbeat {
            at: Timestamp::now(),
            position: self.position.clone(),
        }
    }

    /// The next detection that the client missed between its watches; `None` when it has them all.
    async fn next_missed(&mut self, catch_up: &mut CatchUp) -> Result<Option<DetectionFeedItem>, WatchEnd> {
        loop {
            if let Some(end) = self.queue.ended() {
                return Err(end);
            }
            while let Some(item) = catch_up.page.pop_front() {
                let sequence = item.sequence;
                // What the server had not seen when this watch began comes, or came, through the queue.
                if catch_up.client.contains(sequence) || !catch_up.server.contains(sequence) {
                    continue;
                }
                self.position = catch_up.client.caught_up_to(sequence, &catch_up.server);
                if filter::sees(&self.request.tenant, &self.request.filter, &item.detection) {
                    return Ok(Some(item));
                }
            }
            if catch_up.asked_through >= catch_up.server.highest() {
                self.position = catch_up
                    .client
                    .caught_up_to(catch_up.server.highest(), &catch_up.server);
                return Ok(None);
            }
            let store = &self.demand.feed.store;
            let items = store
                .detections_after(catch_up.asked_through, PAGE_ROWS)
                .await
                .map_err(|error| {
                    tracing::warn!(
                        error = chain(&error),
                        "read the detections that a resumed watch missed"
                    );
                    WatchEnd::StoreUnavailable
                })?;
            let page_is_full = items.len() == PAGE_ROWS as usize;
            let last = items.last().map_or(i64::MAX, |item| item.sequence);
            catch_up.asked_through = if page_is_full { last } else { i64::MAX };
            catch_up.page = items.into();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.demand.feed.remove(self.watcher_id);
    }
}
