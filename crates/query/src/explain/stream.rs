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

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Entry,
    /// Its answers cannot be resumed, so their frames have no ids.
    Question,
}

/// Frames for one caller. When it is dropped nobody reads here any more, and its place is free.
pub(crate) struct ExplanationStream {
    reader: FrameReader,
    /// Read already, to find out whether there is one.
    first: Option<(FrameId, Arc<Frame>)>,
    repeats_its_end: bool,
    heartbeat_interval: Duration,
    stop: CancellationToken,
    is_over: bool,
    subject: Subject,
    /// How it ended, for the metrics; a reader may go away at any time.
    end: &'static str,
    _place: OwnedSemaphorePermit,
}

impl ExplanationStream {
    pub(super) fn new(
        subject: Subject,
        reader: FrameReader,
        heartbeat_interval: Duration,
        stop: CancellationToken,
        place: OwnedSemaphorePermit,
    ) -> Self {
        metrics::gauge!("turnstone_query_explanation_readers").increment(1.0);
        Self {
            reader,
            first: None,
            repeats_its_end: false,
            subject,
            end: "left",
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
                    self.end = "shutting_down";
                    return Some(wire::ended(SHUTTING_DOWN));
                }
                read = self.reader.next() => read,
                () = tokio::time::sleep(self.heartbeat_interval) => return Some(wire::heartbeat()),
            },
        };
        let (id, frame) = read?;
        let end = match &*frame {
            Frame::Done(done) if done.cached => Some("kept"),
            Frame::Done(done) if done.model.is_none() => Some("without_model"),
            Frame::Done(_) => Some("answered"),
            Frame::Error(_) => Some("failed"),
            Frame::Context(_) | Frame::Token(_) | Frame::Citation(_) => None,
        };
        if let Some(end) = end {
            (self.is_over, self.end) = (true, end);
        }
        Some(wire::frame(
            (self.subject == Subject::Entry).then_some(id),
            &frame,
        ))
    }
}

impl Drop for ExplanationStream {
    fn drop(&mut self) {
        metrics::gauge!("turnstone_query_explanation_readers").decrement(1.0);
        let subject = match self.subject {
            Subject::Entry => "entry",
            Subject::Question => "question",
        };
        metrics::counter!("turnstone_query_explanations_total", "subject" => subject, "end" => self.end)
            .increment(1);
    }
}
