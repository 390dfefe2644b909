//! One reader of a generation: all frames in order, each with its id.

use super::id::FrameId;
use super::record::{Progress, Record};
use crate::frame::Frame;
use futures::Stream;
use std::sync::Arc;
use tokio::sync::watch;

/// Reads the frames of a generation. Dropping it says that nobody reads here any more.
#[derive(Debug)]
pub struct FrameReader {
    record: Arc<Record>,
    progress: watch::Receiver<Progress>,
    /// Frames read.
    position: u64,
}

impl FrameReader {
    pub(super) fn new(record: Arc<Record>, position: u64) -> Self {
        record.add_reader();
        Self {
            progress: record.watch(),
            record,
            position,
        }
    }

    /// A generation that was over before it was asked for: these frames, then an error should the last be missing.
    pub fn of_frames(frames: impl IntoIterator<Item = Frame>) -> Self {
        let record = Arc::new(Record::new(super::id::random()));
        for frame in frames {
            record.push(frame);
        }
        record.push(Frame::Error(crate::frame::ErrorFrame {
            reason: "the explanation is not complete: ask again".to_owned(),
            retryable: true,
        }));
        Self::new(record, 0)
    }

    /// The next frame; waits for it. `None` behind Done or Error. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<(FrameId, Arc<Frame>)> {
        let position = self.position;
        // The sender lives in the record, so this fails never.
        let waited = self
            .progress
            .wait_for(|progress| progress.is_over || progress.frame_count > position)
            .await;
        drop(waited);
        let frame = self.record.frame(position)?;
        self.position += 1;
        Some((
            FrameId {
                flight: self.record.id(),
                number: self.position,
            },
            frame,
        ))
    }

    /// The frames as a stream.
    pub fn into_stream(self) -> impl Stream<Item = (FrameId, Arc<Frame>)> + Send {
        futures::stream::unfold(self, |mut reader| async move {
            let next = reader.next().await?;
            Some((next, reader))
        })
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        self.record.remove_reader();
    }
}
