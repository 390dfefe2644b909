//! The feed of new detections: one poller for the whole process follows the store and hands each detection to the watchers
//! that want it. It polls only while somebody watches.
//!
//! A watcher has a queue of bounded length. One that does not empty it is sent away, and the others do not notice.

mod filter;
mod poller;
mod position;
mod watcher;

pub(crate) use position::FeedPosition;
pub(crate) use watcher::{WatchEvent, Watcher};

use crate::options::QueryOptions;
use poller::Poller;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use turnstone_store::{DetectionFeedItem, DetectionFilter, Store};
use turnstone_types::TenantId;
use watcher::WatcherQueue;

/// Longest wait of a new watcher for the feed to be in place.
const START_WAIT_MAX: Duration = Duration::from_secs(10);

/// What somebody wants to watch.
#[derive(Debug, Clone)]
pub(crate) struct WatchRequest {
    /// Sees its own detections and the shared ones.
    pub tenant: TenantId,
    /// Which of them.
    pub filter: DetectionFilter,
    /// Where an earlier watch ended: what came since is sent first.
    pub resume_after: Option<FeedPosition>,
}

/// Why a watch ended, or did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WatchEnd {
    /// The watcher did not read as fast as detections came.
    #[error("the watch fell behind; list what is new and watch again")]
    FellBehind,
    /// No room for another one.
    #[error("too many watchers at the same time; try again later")]
    TooManyWatchers,
    /// The store has been failing for some time.
    #[error("the store cannot be reached at present; watch again later")]
    StoreUnavailable,
    /// The service stops.
    #[error("the service is shutting down; watch again")]
    ShuttingDown,
}

impl WatchEnd {
    fn as_label(self) -> &'static str {
        match self {
            Self::FellBehind => "fell_behind",
            Self::TooManyWatchers => "too_many_watchers",
            Self::StoreUnavailable => "store_unavailable",
            Self::ShuttingDown => "shutting_down",
        }
    }
}

/// Hands new detections to watchers.
pub(crate) struct DetectionFeed {
    store: Arc<dyn Store>,
    watchers_max: usize,
    watcher_queue_max: usize,
    heartbeat_interval: Duration,
    state: Mutex<FeedState>,
    /// Watchers that stand or wait to begin; the poller rests at zero.
    demand: watch::Sender<usize>,
    /// Counts the changes that a waiting watcher must look at.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct FeedState {
    /// Everything in it has been handed out; `None` while the poller rests or has not begun.
    position: Option<FeedPosition>,
    watchers: HashMap<u64, WatcherSlot>,
    next_watcher: u64,
    closed: bool,
}

struct WatcherSlot {
    tenant: TenantId,
    filter: DetectionFilter,
    queue: Arc<WatcherQueue>,
}

/// One item on its way to watchers.
#[derive(Debug)]
pub(crate) struct FeedEvent {
    /// The detection with its sequence.
    pub item: DetectionFeedItem,
    /// The position after it.
    pub position: FeedPosition,
}

impl DetectionFeed {
    /// Starts the poller, which ends with `stop` and then ends every watch.
    pub fn start(store: Arc<dyn Store>, options: &QueryOptions, stop: CancellationToken) -> Arc<Self> {
        let feed = Arc::new(Self {
            store,
            watchers_max: options.watchers_max,
            watcher_queue_max: options.watcher_queue_max.max(1),
            heartbeat_interval: options.heartbeat_interval,
            state: Mutex::default(),
            demand: watch::Sender::new(0),
            changes: watch::Sender::new(0),
        });
        tokio::spawn(Poller::new(Arc::clone(&feed), options, stop).run());
        feed
    }

    /// Begins a watch. Every detection committed after this returns is sent to it.
    pub async fn watch(self: &Arc<Self>, request: WatchRequest) -> Result<Watcher, WatchEnd> {
        let demand = Demand::new(self)?;
        let mut changes = self.changes.subscribe();
        let deadline = tokio::time::Instant::now() + START_WAIT_MAX;
        loop {
            changes.mark_unchanged();
            if let Some((watcher_id, queue, position)) = self.try_add(&request)? {
                return Ok(Watcher::new(demand, watcher_id, queue, position, request));
            }
            // The sender lives in the feed itself, so the wait ends by a change or by its time.
            if tokio::time::timeout_at(deadline, changes.changed())
                .await
                .is_err()
            {
                return Err(WatchEnd::StoreUnavailable);
            }
        }
    }

    fn try_add(
        &self,
        request: &WatchRequest,
    ) -> Result<Option<(u64, Arc<WatcherQueue>, FeedPosition)>, WatchEnd> {
        let mut state = self.lock();
        if state.closed {
            return Err(WatchEnd::ShuttingDown);
        }
        // Taken under the lock under which items are handed out: what is in the position is old, what is not will come.
        let Some(position) = state.position.clone() else {
            return Ok(None);
        };
        let queue = Arc::new(WatcherQueue::new(self.watcher_queue_max));
        let watcher_id = state.next_watcher;
        state.next_watcher += 1;
        let slot = WatcherSlot {
            tenant: request.tenant.clone(),
            filter: request.filter.clone(),
            queue: Arc::clone(&queue),
        };
        state.watchers.insert(watcher_id, slot);
        Ok(Some((watcher_id, queue, position)))
    }

    fn remove(&self, watcher_id: u64) {
        self.lock().watchers.remove(&watcher_id);
    }

    /// The position of the feed if the queue is empty: then its watcher has everything up to there.
    fn position_if_drained(&self, queue: &WatcherQueue) -> Option<FeedPosition> {
        let state = self.lock();
        if queue.is_empty() {
            state.position.clone()
        } else {
            None
        }
    }

    /// Hands out items that the position has not seen and moves it on.
    fn publish(&self, items: &[DetectionFeedItem]) -> FeedPosition {
        let mut state = self.lock();
        let state = &mut *state;
        let position = state.position.get_or_insert_default();
        for item in items {
            if !position.take(item.sequence) {
                continue;
            }
            let event = Arc::new(FeedEvent {
                item: item.clone(),
                position: position.clone(),
            });
            state.watchers.retain(|_, slot| {
                let wanted = filter::sees(&slot.tenant, &slot.filter, &event.item.detection);
                !wanted || slot.queue.push(&event) || note_end(WatchEnd::FellBehind)
            });
        }
        position.clone()
    }

    /// Whether some watcher's queue has less room than `items`.
    fn is_crowded(&self, items: usize) -> bool {
        self.lock()
            .watchers
            .values()
            .any(|slot| slot.queue.room() < items)
    }

    fn give_up_through(&self, sequence: i64) {
        if let Some(position) = &mut self.lock().position {
            position.give_up_through(sequence);
        }
    }

    fn begin_at(&self, position: FeedPosition) {
        self.lock().position = Some(position);
        self.changes.send_modify(|count| *count += 1);
    }

    /// Forgets the position unless a watcher has come meanwhile; true if it did.
    fn rest(&self) -> bool {
        let mut state = self.lock();
        let resting = state.watchers.is_empty();
        if resting {
            state.position = None;
        }
        resting
    }

    fn end_all(&self, end: WatchEnd) {
        let mut state = self.lock();
        state.closed |= end == WatchEnd::ShuttingDown;
        for (_, slot) in state.watchers.drain() {
            slot.queue.end(end);
            note_end(end);
        }
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, FeedState> {
        // Every change under the lock leaves the state whole, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a watch that the service ended. Returns false, for the use in `retain`.
fn note_end(end: WatchEnd) -> bool {
    metrics::counter!("turnstone_query_watches_ended_total", "reason" => end.as_label()).increment(1);
    false
}

/// Keeps the poller awake and counts against the limit of watchers for as long as it lives.
struct Demand {
    feed: Arc<DetectionFeed>,
}

impl Demand {
    fn new(feed: &Arc<DetectionFeed>) -> Result<Self, WatchEnd> {
        let admitted = feed.demand.send_if_modified(|count| {
            let room = *count < feed.watchers_max;
            *count += usize::from(room);
            room
        });
        if !admitted {
            note_end(WatchEnd::TooManyWatchers);
            return Err(WatchEnd::TooManyWatchers);
        }
        metrics::gauge!("turnstone_query_watchers").increment(1.0);
        Ok(Self {
            feed: Arc::clone(feed),
        })
    }
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.feed.demand.send_modify(|count| *count -= 1);
        metrics::gauge!("turnstone_query_watchers").decrement(1.0);
    }
}
