//! One answer on its way to one caller: frames as they come, heartbeats while none does, and always an end.

use super::wire;
use futures::{FutureExt, Stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use turnstone_explain::flight::{FrameId, FrameReader};
use turnstone_explain::frame::Frame;
use turnstone_proto::v1::ExplanationFrame;

const SHUTTING_DOWN: &str = "the service is shutting down: ask again in a moment";

/// Frames for one caller. When it is dropped nobody reads here any more, and its place is free.
pub(crate) struct ExplanationStream {
    reader: FrameReader,
    /// Read already, to find out whether there is one.
    first: Option<(FrameId, Arc<Frame>)>,
    repeats_its_end: bool,
    has_ids: bool,
    heartbeat_interval: Duration,
    stop: CancellationToken,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl ExplanationStream {
    pub(super) fn new(
        reader: FrameReader,
        heartbeat_interval: Duration,
        stop: CancellationToken,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            reader,
            first: None,
            repeats_its_end: false,
            has_ids: true,
            heartbeat_interval,
            stop,
            is_over: false,
            _place: place,
        }
    }

    /// Goes on behind a frame. Where that was the last one, `again` has to read it once more: every stream has an end.
    pub(super) fn resumed(mut self, again: impl FnOnce() -> Option<FrameReader>) -> Self {
        match self.reader.next().now_or_never() {
            Some(None) => {
                self.repeats_its_end = true;
                if let Some(reader) = again() {
                    self.reader = reader;
                }
            }
            Some(first) => self.first = first,
            None => {}
        }
        self
    }

    /// For answers that cannot be resumed.
    pub(super) fn without_ids(mut self) -> Self {
        self.has_ids = false;
        self
    }

    /// Whether the caller has read the last frame before, which then comes once more.
    pub fn repeats_its_end(&self) -> bool {
        self.repeats_its_end
    }

    /// The frames. The last one is done or error.
    pub fn into_frames(self) -> impl Stream<Item = ExplanationFrame> + Send {
        futures::stream::unfold(self, |mut stream| async move {
            let frame = stream.next().await?;
            Some((frame, stream))
        })
    }

    async fn next(&mut self) -> Option<ExplanationFrame> {
        if self.is_over {
            return None;
        }
        let read = match self.first.take() {
            Some(first) => Some(first),
            None => tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    self.is_over = true;
                    return Some(wire::ended(SHUTTING_DOWN));
                }
                read = self.reader.next() => read,
                () = tokio::time::sleep(self.heartbeat_interval) => return Some(wire::heartbeat()),
            },
        };
        let (id, frame) = read?;
        self.is_over = matches!(*frame, Frame::Done(_) | Frame::Error(_));
        Some(wire::frame(self.has_ids.then_some(id), &frame))
    }
}
