//! Follows the store's detection feed while somebody watches, across writers that commit in any order.
//!
//! Sequences become visible out of order, and some never do. So what a visible sequence leaps over is kept as a gap and asked
//! for again at each poll; after `gap_wait_max`, longer than any writing transaction, it is given up.

use crate::feed::{DetectionFeed, FeedPosition, WatchEnd};
use crate::options::QueryOptions;
use crate::status::chain;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use turnstone_store::{DetectionFeedItem, StoreError};

/// Rows asked for at once.
const PAGE_ROWS: u32 = 500;
/// Sequences below the highest that are looked at for open gaps when the poller wakes: transactions that hold them may still
/// be under way.
const LOOK_BACK: i64 = 1_000;
/// Longest pause after an error.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long a burst waits for watchers to make room, a piece at a time. Whoever is still full then is sent away.
const CROWD_WAIT_MAX: Duration = Duration::from_millis(250);
const CROWD_WAIT_STEP: Duration = Duration::from_millis(10);

pub(super) struct Poller {
    feed: Arc<DetectionFeed>,
    demand: watch::Receiver<usize>,
    stop: CancellationToken,
    poll_interval: Duration,
    gap_wait_max: Duration,
    outage_max: Duration,
    piece_items_max: usize,
    /// The highest sequence that was known at each instant, oldest first: dates the gaps below it.
    high_marks: VecDeque<(Instant, i64)>,
}

impl Poller {
    pub fn new(feed: Arc<DetectionFeed>, options: &QueryOptions, stop: CancellationToken) -> Self {
        Self {
            demand: feed.demand.subscribe(),
            feed,
            stop,
            poll_interval: options.poll_interval,
            gap_wait_max: options.gap_wait_max,
            outage_max: options.watch_outage_max,
            piece_items_max: options.watcher_queue_max.div_ceil(2).max(1),
            high_marks: VecDeque::new(),
        }
    }

    pub async fn run(mut self) {
        let stop = self.stop.clone();
        let stopped = stop.run_until_cancelled(self.follow()).await;
        debug_assert!(stopped.is_none(), "following never ends by itself");
        self.feed.end_all(WatchEnd::ShuttingDown);
    }

    async fn follow(&mut self) {
        loop {
            // The sender is a field of the feed, which this task holds.
            let _ = self.demand.wait_for(|watchers| *watchers > 0).await;
            let mut outage = Outage::default();
            while let Err(error) = self.begin().await {
                if outage.note(&error) >= self.outage_max {
                    self.feed.end_all(WatchEnd::StoreUnavailable);
                }
                tokio::time::sleep(outage.pause(self.poll_interval)).await;
            }
            self.follow_while_watched().await;
        }
    }

    async fn follow_while_watched(&mut self) {
        let mut outage = Outage::default();
        while *self.demand.borrow() > 0 || !self.feed.rest() {
            match self.poll().await {
                Ok(()) => {
                    outage.end();
                    tokio::time::sleep(self.poll_interval).await;
                }
                Err(error) => {
                    if outage.note(&error) >= self.outage_max {
                        self.feed.end_all(WatchEnd::StoreUnavailable);
                    }
                    tokio::time::sleep(outage.pause(self.poll_interval)).await;
                }
            }
        }
    }

    /// Finds the end of the feed. Everything visible by then is old; what is missing shortly below the end may be a
    /// transaction under way and is waited for.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let last = self.feed.store.last_detection_sequence().await?;
        let mut position = FeedPosition::at(last - LOOK_BACK);
        loop {
            let items = self
                .feed
                .store
                .detections_after(position.highest(), PAGE_ROWS)
                .await?;
            for item in &items {
                position.take(item.sequence);
            }
            if items.len() < PAGE_ROWS as usize {
                break;
            }
        }
        self.high_marks.clear();
        self.high_marks.push_back((Instant::now(), position.highest()));
        self.feed.begin_at(position);
        Ok(())
    }

    async fn poll(&mut self) -> Result<(), StoreError> {
        let asked_at = Instant::now();
        let Some(mut position) = self.feed.lock().position.clone() else {
            return self.begin().await;
        };
        let mut seen_through = position.low_water();
        loop {
            let items = self.feed.store.detections_after(seen_through, PAGE_ROWS).await?;
            let complete = items.len() < PAGE_ROWS as usize;
            seen_through = items.last().map_or(seen_through, |item| item.sequence);
            position = self.publish(items, position).await;
            if complete {
                break;
            }
            // Between two gaps nothing can be new.
            let next_gap = position.gaps().iter().find(|gap| gap.last > seen_through);
            seen_through = next_gap.map_or(position.highest(), |gap| (gap.first - 1).max(seen_through));
        }
        self.give_up_old_gaps(asked_at, &position);
        Ok(())
    }

    /// Hands out what is new in `items`, in pieces that every queue which is being read has room for.
    async fn publish(&self, items: Vec<DetectionFeedItem>, mut position: FeedPosition) -> FeedPosition {
        let fresh: Vec<DetectionFeedItem> = items
            .into_iter()
            .filter(|item| !position.contains(item.sequence))
            .collect();
        for piece in fresh.chunks(self.piece_items_max) {
            let deadline = Instant::now() + CROWD_WAIT_MAX;
            while self.feed.is_crowded(piece.len()) && Instant::now() < deadline {
                tokio::time::sleep(CROWD_WAIT_STEP).await;
            }
            position = self.feed.publish(piece);
        }
        position
    }

    fn give_up_old_gaps(&mut self, asked_at: Instant, position: &FeedPosition) {
        if self
            .high_marks
            .back()
            .is_none_or(|(_, highest)| *highest < position.highest())
        {
            self.high_marks.push_back((asked_at, position.highest()));
        }
        // A gap lies below the mark at which it was first seen; once that mark has aged, so has the gap.
        let mut aged_through = None;
        while let Some((marked_at, highest)) = self.high_marks.front()
            && asked_at.duration_since(*marked_at) >= self.gap_wait_max
        {
            aged_through = Some(*highest);
            self.high_marks.pop_front();
        }
        let Some(aged_through) = aged_through else { return };
        if position
            .gaps()
            .first()
            .is_some_and(|gap| gap.first <= aged_through)
        {
            tracing::debug!(aged_through, "gave up gaps in the detection feed");
            metrics::counter!("turnstone_query_feed_gaps_given_up_total").increment(1);
            self.feed.give_up_through(aged_through);
        }
    }
}

/// A run of failing calls to the store.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    failures: u32,
}

impl Outage {
    /// Notes a failure; returns how long they have been going on.
    fn note(&mut self, error: &StoreError) -> Duration {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.failures == 0 {
            tracing::warn!(error = chain(error), "follow the detection feed; trying again");
        }
        self.failures += 1;
        since.elapsed()
    }

    fn end(&mut self) {
        if let Some(since) = self.since {
            tracing::info!(
                outage_ms = since.elapsed().as_millis(),
                "the detection feed is followed again"
            );
        }
        *self = Self::default();
    }

    fn pause(&self, first: Duration) -> Duration {
        (first * 2_u32.saturating_pow(self.failures.min(16))).min(RETRY_PAUSE_MAX)
    }
}
