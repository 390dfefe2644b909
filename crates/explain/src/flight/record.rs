//! The frames of one generation and who reads them. Frames are kept until the generation is forgotten, so that a slow
//! reader holds up nobody; a generation is bounded by what its model may write.

use crate::frame::Frame;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use tokio::sync::watch;

/// The frames of one generation.
#[derive(Debug)]
pub(super) struct Record {
    id: u64,
    frames: RwLock<Vec<Arc<Frame>>>,
    /// How many frames there are, and whether the last is among them: what readers wait for.
    progress: watch::Sender<Progress>,
    readers: watch::Sender<usize>,
    is_over: AtomicBool,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Progress {
    pub(super) frame_count: u64,
    pub(super) is_over: bool,
}

impl Record {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            frames: RwLock::default(),
            progress: watch::Sender::default(),
            readers: watch::Sender::default(),
            is_over: AtomicBool::new(false),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn frame_count(&self) -> u64 {
        self.progress.borrow().frame_count
    }

    /// Appends a frame. Behind the last one, nothing is.
    pub(super) fn push(&self, frame: Frame) {
        let is_last = matches!(frame, Frame::Done(_) | Frame::Error(_));
        // Inside, so that frame and count change together for whoever waits.
        self.progress.send_if_modified(|progress| {
            if progress.is_over {
                return false;
            }
            let mut frames = self
                .frames
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            frames.push(Arc::new(frame));
            *progress = Progress {
                frame_count: frames.len() as u64,
                is_over: is_last,
            };
            self.is_over.store(is_last, Ordering::Release);
            true
        });
    }

    /// The frame behind `number` frames.
    pub(super) fn frame(&self, number: u64) -> Option<Arc<Frame>> {
        let frames = self
            .frames
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        frames.get(usize::try_from(number).ok()?).cloned()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn add_reader(&self) {
        self.readers.send_modify(|count| *count += 1);
    }

    pub(super) fn remove_reader(&self) {
        self.readers.send_modify(|count| *count -= 1);
    }

    pub(super) fn reader_count(&self) -> usize {
        *self.readers.borrow()
    }

    pub(super) async fn wait_until_unread(&self) {
        // Fails only when the sender is gone, which this value owns.
        let _ = self.readers.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// Where a generation puts its frames. The first Done or Error is the last frame; what comes behind it is dropped.
#[derive(Debug, Clone)]
pub struct FrameSender {
    record: Arc<Record>,
}

impl FrameSender {
    pub(super) fn new(record: Arc<Record>) -> Self {
        Self { record }
    }

    /// Appends a frame. Never waits.
    pub fn send(&self, frame: Frame) {
        self.record.push(frame);
    }

    /// Whether the last frame is sent.
    pub fn is_over(&self) -> bool {
        self.record.is_over()
    }
}
