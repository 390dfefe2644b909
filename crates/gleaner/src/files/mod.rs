//! Files as a source: found by paths and globs, known by content and inode, followed through growth, rotation and loss.
//!
//! What a file is does not depend on its name. A file that is known by device and inode goes on where it was, if its
//! first bytes and the bytes before that position are still the ones that were read there. Otherwise it is new, unless
//! its content is that of a file that was lost: then it is a copy (copytruncate), a move or a `.gz` of it and goes on
//! where that one was left. So nothing is read twice and nothing is passed over, whichever way a file is rotated.

mod checkpoint;
mod content;
mod discovery;
mod follower;
mod identity;
mod look;
mod once;
mod tracked;

use crate::batch::BatchBuilder;
use crate::config::{SourceConfig, SourceKind};
use crate::error::GleanError;
use crate::source::{Budget, Gleaned, OpenOptions, ReadMode, Source};
use async_trait::async_trait;
use follower::Follower;
use once::OnceReader;
use std::sync::{Arc, Mutex, PoisonError};
use turnstone_types::{SourceCheckpoint, SourceId};

/// Reads on the blocking thread pool: file systems stall, network ones above all.
pub(crate) struct FilesSource {
    source_id: SourceId,
    options: OpenOptions,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    reader: Reader,
    /// A batch that was made while nobody waited for it any more; the next call takes it.
    ready: Option<Gleaned>,
}

enum Reader {
    Follow(Box<Follower>),
    Once(Box<OnceReader>),
}

impl FilesSource {
    pub(crate) fn open(
        config: &SourceConfig,
        checkpoints: Vec<SourceCheckpoint>,
        options: OpenOptions,
    ) -> Result<Self, GleanError> {
        let reader = match options.mode {
            ReadMode::Follow => Reader::Follow(Box::new(Follower::open(config, checkpoints, options)?)),
            ReadMode::Once => Reader::Once(Box::new(OnceReader::open(config)?)),
        };
        let shared = Arc::new(Mutex::new(Shared { reader, ready: None }));
        Ok(Self {
            source_id: config.source_id.clone(),
            options,
            shared,
        })
    }
}

#[async_trait]
impl Source for FilesSource {
    fn source_id(&self) -> &SourceId {
        &self.source_id
    }

    fn kind(&self) -> SourceKind {
        SourceKind::Files
    }

    async fn next_batch(&mut self, budget: Budget) -> Result<Gleaned, GleanError> {
        let shared = Arc::clone(&self.shared);
        let source_id = self.source_id.clone();
        let reading = tokio::task::spawn_blocking(move || {
            // A panic while reading leaves positions that cannot be trusted, so a poisoned lock is an error below.
            let mut shared = shared.lock().map_err(|_| "an earlier read panicked".to_owned())?;
            if shared.ready.is_none() {
                let batch = BatchBuilder::new(&source_id, SourceKind::Files, budget);
                let gleaned = match &mut shared.reader {
                    Reader::Follow(follower) => follower.next_batch(batch),
                    Reader::Once(once) => once.next_batch(batch),
                };
                shared.ready = Some(gleaned);
            }
            Ok::<(), String>(())
        });
        let outcome = reading.await.unwrap_or_else(|error| Err(error.to_string()));
        outcome.map_err(|problem| GleanError::Task {
            source_id: self.source_id.clone(),
            problem,
        })?;
        // Taken only here, where it is certain to be handed out: nothing is lost if the caller stops waiting above.
        let ready = self
            .shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ready
            .take();
        ready.ok_or_else(|| GleanError::Task {
            source_id: self.source_id.clone(),
            problem: "the batch was taken by somebody else".to_owned(),
        })
    }

    async fn wait_for_more(&mut self) {
        tokio::time::sleep(self.options.poll_interval).await;
    }
}

#[cfg(test)]
mod tests;
