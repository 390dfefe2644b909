//! One generation at a time for each key, shared by all who ask: everybody reads all frames from the first, at their own
//! pace. Whoever goes away takes nothing from the others; when the last one has gone, the generation is given up.

mod id;
mod reader;
mod record;

#[cfg(test)]
mod tests;

pub use id::{FrameId, UnknownFrameId};
pub use reader::FrameReader;
pub use record::FrameSender;

use crate::frame::{ErrorFrame, Frame};
use record::Record;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long flights are kept for those who come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightOptions {
    /// How long a generation goes on without a reader: a browser whose connection broke needs a moment to come back.
    pub linger: Duration,
    /// How long the frames of a finished generation can be resumed.
    pub keep_finished: Duration,
    /// How many finished generations are kept at most.
    pub finished_max: usize,
    /// How many generations may run side by side; more are refused.
    pub running_max: usize,
}

impl Default for FlightOptions {
    fn default() -> Self {
        Self {
            linger: Duration::from_secs(3),
            keep_finished: Duration::from_secs(60),
            finished_max: 100,
            running_max: 64,
        }
    }
}

/// The generations that run, and those that just ended. Clones share them.
#[derive(Debug)]
pub struct Flights<K> {
    shared: Arc<Shared<K>>,
}

impl<K> Clone for Flights<K> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

#[derive(Debug)]
struct Shared<K> {
    options: FlightOptions,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    /// Numbers flights; begins at random, so that an id from before a restart is not taken for one of now.
    next_id: u64,
    running: HashMap<K, Arc<Record>>,
    finished: VecDeque<(Instant, K, Arc<Record>)>,
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Flights<K> {
    /// No flights yet.
    pub fn new(options: FlightOptions) -> Self {
        let table = Table {
            next_id: id::random(),
            running: HashMap::new(),
            finished: VecDeque::new(),
        };
        Self {
            shared: Arc::new(Shared {
                options,
                table: Mutex::new(table),
            }),
        }
    }

    /// Joins the generation that runs for `key`, or starts one. All frames from the first are read.
    ///
    /// `start` is given where frames go; its future runs on the current tokio runtime. However it ends, readers get a last
    /// frame: when it returned, panicked or was dropped without one, an error.
    pub fn join<S, F>(&self, key: K, start: S) -> FrameReader
    where
        S: FnOnce(FrameSender) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut table = self.table();
        // One that has sent its last frame is about to leave the table: who asks now asks anew, above all after an error.
        if let Some(record) = table.running.get(&key).filter(|record| !record.is_over()) {
            return FrameReader::new(record.clone(), 0);
        }
        let record = Arc::new(Record::new(table.next_id));
        table.next_id = table.next_id.wrapping_add(1);
        // Counted before the driver looks, which gives up a flight without readers.
        let reader = FrameReader::new(record.clone(), 0);
        if table.running.len() >= self.shared.options.running_max {
            record.push(Frame::Error(ErrorFrame {
                reason: format!(
                    "{} explanations are being written at the moment, as many as allowed: ask again in a while",
                    table.running.len()
                ),
                retryable: true,
            }));
            return reader;
        }
        table.running.insert(key.clone(), record.clone());
        drop(table);
        let landing = Landing {
            flights: self.clone(),
            key,
            record: record.clone(),
        };
        // Made outside the lock: it is foreign code.
        let generation = start(FrameSender::new(record));
        tokio::spawn(drive(landing, generation));
        reader
    }

    /// Joins the generation that runs for `key`, if one does.
    pub fn join_running(&self, key: &K) -> Option<FrameReader> {
        let table = self.table();
        let running = table.running.get(key).filter(|record| !record.is_over());
        running.map(|record| FrameReader::new(record.clone(), 0))
    }

    /// Goes on behind a frame that was read before: in the generation that runs for `key`, or in one that ended a moment ago.
    /// `None` where that generation is gone; then ask anew, and the frames begin again with the context.
    pub fn resume(&self, key: &K, after: FrameId) -> Option<FrameReader> {
        let mut table = self.table();
        table.forget_old(&self.shared.options);
        let running = table.running.get(key);
        let finished = table
            .finished
            .iter()
            .filter(|(_, other, _)| other == key)
            .map(|(_, _, record)| record);
        let record = running
            .into_iter()
            .chain(finished)
            .find(|record| record.id() == after.flight)?;
        // A number that was never sent would skip what is still to come.
        (after.number <= record.frame_count()).then(|| FrameReader::new(record.clone(), after.number))
    }

    /// How many generations run.
    pub fn running_count(&self) -> usize {
        self.table().running.len()
    }

    fn table(&self) -> MutexGuard<'_, Table<K>> {
        // Every change below is complete before anything that could panic.
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a flight out of the running ones if nobody reads it. Under the lock under which readers join, so none comes
    /// between the look and the removal.
    fn give_up_unread(&self, key: &K, record: &Arc<Record>) -> bool {
        let mut table = self.table();
        let is_unread = record.reader_count() == 0;
        if is_unread && table.runs(key, record) {
            table.running.remove(key);
        }
        is_unread
    }
}

impl<K: Eq + Hash> Table<K> {
    /// Whether this very flight is the one that runs for `key`.
    fn runs(&self, key: &K, record: &Arc<Record>) -> bool {
        self.running
            .get(key)
            .is_some_and(|running| Arc::ptr_eq(running, record))
    }

    fn forget_old(&mut self, options: &FlightOptions) {
        while let Some((since, _, _)) = self.finished.front() {
            if self.finished.len() <= options.finished_max && since.elapsed() < options.keep_finished {
                break;
            }
            self.finished.pop_front();
        }
    }
}

async fn drive<K, F>(landing: Landing<K>, generation: F)
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    tokio::select! {
        () = generation => {}
        () = abandoned(&landing) => {}
    }
    // `landing` is dropped here, as it is when the generation panics or the runtime stops.
}

/// Ready once nobody has read the flight for `linger`; it is then out of the running ones.
async fn abandoned<K: Clone + Eq + Hash + Send + Sync + 'static>(landing: &Landing<K>) {
    loop {
        landing.record.wait_until_unread().await;
        tokio::time::sleep(landing.flights.shared.options.linger).await;
        if landing.flights.give_up_unread(&landing.key, &landing.record) {
            return;
        }
    }
}

/// Ends a flight when dropped, whatever the reason.
struct Landing<K: Clone + Eq + Hash + Send + Sync + 'static> {
    flights: Flights<K>,
    key: K,
    record: Arc<Record>,
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Drop for Landing<K> {
    fn drop(&mut self) {
        let mut table = self.flights.table();
        if table.runs(&self.key, &self.record) {
            table.running.remove(&self.key);
        }
        let reason = if std::thread::panicking() {
            "the explanation failed by a fault of this program; its log has the details"
        } else {
            "the explanation was given up before it was complete: ask again"
        };
        // Ignored where the last frame was sent.
        self.record.push(Frame::Error(ErrorFrame {
            reason: reason.to_owned(),
            retryable: true,
        }));
        table
            .finished
            .push_back((Instant::now(), self.key.clone(), self.record.clone()));
        table.forget_old(&self.flights.shared.options);
    }
}
