//! Publishing with the server's acknowledgement: one message, or many with their acks in flight together.

use crate::error::{BusError, from_publish};
use crate::{Bus, STREAM_GLEAN, STREAM_SCORE, streams};
use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use prost::Message;
use tokio::time::Instant;
use turnstone_proto::v1;
use turnstone_types::{CycleEvent, ScoreBatch};

/// Header with the W3C trace context of the span that made the message.
pub(crate) const HEADER_TRACE_PARENT: &str = "traceparent";

/// Longer texts than this are no `traceparent` (55 characters in version 00).
const TRACE_PARENT_BYTES_MAX: usize = 256;

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A glean cycle was committed.
    Cycle(CycleEvent),
    /// Entries wait to be scored.
    Batch(ScoreBatch),
}

/// One message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The event.
    pub event: Event,
    /// The same for every repeat of this event, different for every other: the server keeps one of those with the same id.
    pub message_id: String,
    /// W3C `traceparent` of the span that made the event.
    pub trace_parent: Option<String>,
}

/// The server's acknowledgement: the message is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its sequence in the stream; for a duplicate, that of the first.
    pub sequence: u64,
    /// Whether the server had a message with this id already and kept that one.
    pub duplicate: bool,
}

/// A message ready to send.
pub(crate) struct Outgoing {
    pub(crate) stream: &'static str,
    pub(crate) subject: String,
    pub(crate) body: Bytes,
    pub(crate) message_id: String,
    pub(crate) trace_parent: Option<String>,
}

impl Bus {
    /// Publishes the event that ends a cycle and waits until the server has stored it.
    pub async fn publish_cycle(
        &self,
        event: &CycleEvent,
        message_id: &str,
        trace_parent: Option<&str>,
    ) -> Result<Published, BusError> {
        self.publish(&outgoing_cycle(event, message_id, trace_parent))
            .await
    }

    /// Publishes a score batch and waits until the server has stored it.
    pub async fn publish_batch(
        &self,
        batch: &ScoreBatch,
        message_id: &str,
        trace_parent: Option<&str>,
    ) -> Result<Published, BusError> {
        self.publish(&outgoing_batch(batch, message_id, trace_parent))
            .await
    }

    /// Publishes many messages, in order, with up to `publishes_in_flight_max` acks outstanding. The answers are in the order
    /// of the input. Once one message fails for a reason that holds for all (no connection, a full stream), what was not yet
    /// sent is not tried: it gets a retryable error at once.
    pub async fn publish_all(&self, publications: Vec<Publication>) -> Vec<Result<Published, BusError>> {
        let in_flight_max = self.shared.options.publishes_in_flight_max.max(1);
        let mut answers = Vec::with_capacity(publications.len());
        let mut given_up = false;
        let mut in_flight = FuturesOrdered::new();
        for publication in publications {
            // Sent one after the other and only awaited together, since that is what keeps them in order.
            while in_flight.len() >= in_flight_max
                && let Some(answer) = in_flight.next().await
            {
                given_up |= is_failure_for_all(&answer);
                answers.push(answer);
            }
            let Publication {
                event,
                message_id,
                trace_parent,
            } = publication;
            let outgoing = match &event {
                Event::Cycle(event) => outgoing_cycle(event, &message_id, trace_parent.as_deref()),
                Event::Batch(batch) => outgoing_batch(batch, &message_id, trace_parent.as_deref()),
            };
            let started = Instant::now();
            let sent = if given_up {
                Err(BusError::unavailable(
                    "publish",
                    "not sent, since a message before it failed",
                ))
            } else {
                self.send(&outgoing).await
            };
            given_up |= sent.as_ref().is_err_and(BusError::is_retryable);
            in_flight.push_back(async move {
                self.measured(&outgoing, started, self.finish(&outgoing, sent))
                    .await
            });
        }
        answers.extend(in_flight.collect::<Vec<_>>().await);
        answers
    }

    /// Publishes and waits for the ack. Makes the streams again where the server has lost them.
    pub(crate) async fn publish(&self, outgoing: &Outgoing) -> Result<Published, BusError> {
        let publish = async { self.finish(outgoing, self.send(outgoing).await).await };
        self.measured(outgoing, Instant::now(), publish).await
    }

    async fn measured(
        &self,
        outgoing: &Outgoing,
        started: Instant,
        publish: impl Future<Output = Result<Published, BusError>>,
    ) -> Result<Published, BusError> {
        let published = publish.await;
        let outcome = match &published {
            Ok(Published { duplicate: false, .. }) => "stored",
            Ok(Published { duplicate: true, .. }) => "duplicate",
            Err(error) => error.outcome(),
        };
        let subject = match outgoing.stream {
            STREAM_GLEAN => "glean",
            STREAM_SCORE => "score",
            _ => "dead",
        };
        metrics::counter!("turnstone_bus_publish_total", "subject" => subject, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("turnstone_bus_publish_seconds", "subject" => subject)
            .record(started.elapsed().as_secs_f64());
        published
    }

    /// Hands the message to the connection.
    async fn send(&self, outgoing: &Outgoing) -> Result<PublishAckFuture, BusError> {
        let headers = headers(outgoing)?;
        self.wait_connected("publish").await?;
        let (subject, body) = (outgoing.subject.clone(), outgoing.body.clone());
        let sent = self
            .shared
            .context
            .publish_with_headers(subject, headers, body)
            .await;
        sent.map_err(|error| from_publish(outgoing.stream, &error))
    }

    /// Waits for the ack of what was sent; where the stream is missing, makes it and sends once more.
    async fn finish(
        &self,
        outgoing: &Outgoing,
        sent: Result<PublishAckFuture, BusError>,
    ) -> Result<Published, BusError> {
        let noticed = Instant::now();
        let acked = match sent?.await {
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                tracing::warn!(stream = outgoing.stream, "the stream is missing, making it again");
                self.remake_streams(noticed).await?;
                self.send(outgoing).await?.await
            }
            acked => acked,
        };
        match acked {
            Ok(ack) => Ok(Published {
                sequence: ack.sequence,
                duplicate: ack.duplicate,
            }),
            Err(error) => Err(from_publish(outgoing.stream, &error)),
        }
    }
}

/// Whether what made one message fail makes those after it fail as well.
fn is_failure_for_all(answer: &Result<Published, BusError>) -> bool {
    answer.as_ref().is_err_and(BusError::is_retryable)
}

fn outgoing_cycle(event: &CycleEvent, message_id: &str, trace_parent: Option<&str>) -> Outgoing {
    Outgoing {
        stream: STREAM_GLEAN,
        subject: streams::glean_subject(&event.tenant),
        body: v1::GleanCycleEvent::from(event).encode_to_vec().into(),
        message_id: message_id.to_owned(),
        trace_parent: trace_parent.map(str::to_owned),
    }
}

fn outgoing_batch(batch: &ScoreBatch, message_id: &str, trace_parent: Option<&str>) -> Outgoing {
    Outgoing {
        stream: STREAM_SCORE,
        subject: streams::score_subject(&batch.tenant),
        body: v1::ScoreBatch::from(batch).encode_to_vec().into(),
        message_id: message_id.to_owned(),
        trace_parent: trace_parent.map(str::to_owned),
    }
}

fn headers(outgoing: &Outgoing) -> Result<HeaderMap, BusError> {
    let mut headers = HeaderMap::new();
    if outgoing.message_id.is_empty() || !fits_header(&outgoing.message_id) {
        return Err(BusError::Invalid {
            what: format!(
                "the message id {:?} cannot stand in a header",
                outgoing.message_id
            ),
        });
    }
    headers.insert(NATS_MESSAGE_ID, outgoing.message_id.as_str());
    // Tracing is a help and no part of the contract: a context that cannot be sent is left out.
    if let Some(trace_parent) = outgoing
        .trace_parent
        .as_deref()
        .filter(|text| is_trace_parent(text))
    {
        headers.insert(HEADER_TRACE_PARENT, trace_parent);
    }
    Ok(headers)
}

pub(crate) fn is_trace_parent(text: &str) -> bool {
    !text.is_empty() && text.len() <= TRACE_PARENT_BYTES_MAX && fits_header(text)
}

/// Header values end at a line break, so a text with one would forge headers.
fn fits_header(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_cannot_be_forged() {
        let outgoing = |message_id: &str, trace_parent: &str| Outgoing {
            stream: STREAM_SCORE,
            subject: "turnstone.score._".to_owned(),
            body: Bytes::new(),
            message_id: message_id.to_owned(),
            trace_parent: Some(trace_parent.to_owned()),
        };
        assert!(headers(&outgoing("a\r\nNats-Rollup: all", "")).is_err());
        assert!(headers(&outgoing("", "")).is_err());
        let kept = headers(&outgoing("a", "00-1-2-01\r\nNats-Rollup: all")).expect("valid");
        assert_eq!(kept.len(), 1);
    }
}
