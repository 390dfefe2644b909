//! Batches that were given up: how they are kept, listed and put back on the queue.

use crate::error::{self, BusError, with_sources};
use crate::publish::{HEADER_TRACE_PARENT, Outgoing};
use crate::{Bus, Delivery, STREAM_DEAD, STREAM_SCORE, streams};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use prost::Message;
use turnstone_proto::{timestamp_from_proto, timestamp_to_proto, v1};
use turnstone_types::{ScoreBatch, Timestamp, truncate_chars};

const REASON_CHARS_MAX: usize = 4_000;
const SUBJECTS_DEAD: &str = "turnstone.dead.*";

/// A batch that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it within the dead-letter stream; see [`Bus::replay_dead`].
    pub sequence: u64,
    /// The subject it was published on.
    pub subject: String,
    /// Why it was given up. May quote what others wrote: escape it where it is shown.
    pub reason: String,
    /// How often it had been delivered.
    pub deliveries: u64,
    /// When it was given up.
    pub dead_at: Timestamp,
    /// The batch; `None` where the message was none.
    pub batch: Option<ScoreBatch>,
}

/// Which dead letters to put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplaySelection {
    /// All that there are when the call begins.
    All,
    /// These sequences; those that are not there are passed over.
    Sequences(Vec<u64>),
}

/// The dead letter of a delivery. Its message id comes from the delivered message alone, so that burying twice keeps one.
pub(crate) fn of(delivery: &Delivery, reason: &str) -> Outgoing {
    let letter = v1::DeadLetter {
        body: delivery.raw_body.to_vec(),
        subject: delivery.subject.clone(),
        reason: truncate_chars(reason, REASON_CHARS_MAX).to_owned(),
        delivery_count: i32::try_from(delivery.attempt).unwrap_or(i32::MAX),
        dead_time: Some(timestamp_to_proto(Timestamp::now())),
    };
    Outgoing {
        stream: STREAM_DEAD,
        subject: streams::dead_subject(&delivery.subject),
        body: letter.encode_to_vec().into(),
        message_id: format!("dead:{}", delivery.identity),
        trace_parent: delivery.trace_parent.clone(),
    }
}

impl Bus {
    /// The oldest `limit` dead letters, oldest first.
    pub async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        self.dead_letters_after(0, limit).await
    }

    /// The oldest `limit` dead letters with a sequence over `after`, oldest first; for reading on from the last one seen.
    pub async fn dead_letters_after(&self, after: u64, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
        let stream = self.dead_stream().await?;
        let mut letters = Vec::new();
        let mut next = after.saturating_add(1);
        while letters.len() < limit {
            let Some(message) = read_from(&stream, next).await? else {
                break;
            };
            next = message.sequence + 1;
            letters.push(decode(&message));
        }
        Ok(letters)
    }

    /// Puts dead letters back on the score queue and takes them out of the dead-letter stream, one by one: published under a
    /// new message id, confirmed, then deleted. Interrupted in between, a repeat within `duplicate_window` stores no second
    /// copy. Returns how many were put back; an error leaves the rest where they are.
    pub async fn replay_dead(&self, selection: &ReplaySelection) -> Result<u64, BusError> {
        let stream = self.dead_stream().await?;
        let mut replayed = 0;
        match selection {
            ReplaySelection::Sequences(sequences) => {
                for sequence in sequences {
                    match read_from(&stream, *sequence).await? {
                        Some(message) if message.sequence == *sequence => {
                            replayed += self.replay_one(&stream, &message).await?;
                        }
                        _ => {}
                    }
                }
            }
            ReplaySelection::All => {
                // A batch that is put back may fail and be buried again before this loop ends: only what was there at the
                // start is put back, or the two would chase each other.
                let last = match stream.get_info().await {
                    Ok(info) => info.state.last_sequence,
                    Err(error) => return Err(error::from_request("replay dead letters", &error)),
                };
                let mut next = 1;
                while let Some(message) = read_from(&stream, next)
                    .await?
                    .filter(|message| message.sequence <= last)
                {
                    next = message.sequence + 1;
                    replayed += self.replay_one(&stream, &message).await?;
                }
            }
        }
        Ok(replayed)
    }

    async fn replay_one(&self, stream: &Stream<()>, message: &StreamMessage) -> Result<u64, BusError> {
        let letter = v1::DeadLetter::decode(message.payload.clone()).map_err(|error| BusError::Invalid {
            what: format!("dead letter {} cannot be read: {error}", message.sequence),
        })?;
        if !streams::is_score_subject(&letter.subject) {
            let what = format!(
                "dead letter {} names the subject {:?}, which is no score queue",
                message.sequence, letter.subject
            );
            return Err(BusError::Invalid { what });
        }
        let outgoing = Outgoing {
            stream: STREAM_SCORE,
            subject: letter.subject,
            body: letter.body.into(),
            // New, since the server may still remember the batch's own id, and the same when this call is repeated.
            message_id: format!(
                "replay:{}@{}",
                message.sequence,
                message.time.unix_timestamp_nanos()
            ),
            trace_parent: message
                .headers
                .get(HEADER_TRACE_PARENT)
                .map(|value| value.as_str().to_owned()),
        };
        self.publish(&outgoing).await?;
        if let Err(error) = stream.delete_message(message.sequence).await {
            // The server has one code for "no such message" and for "could not delete", so it is asked which it was.
            let still_there = read_from(stream, message.sequence)
                .await?
                .is_some_and(|at| at.sequence == message.sequence);
            if still_there {
                return Err(BusError::unavailable("delete dead letter", with_sources(&error)));
            }
            // Somebody else replayed it at the same time: one copy is on the queue, and they count it.
            return Ok(0);
        }
        metrics::counter!("turnstone_bus_replay_total").increment(1);
        Ok(1)
    }

    async fn dead_stream(&self) -> Result<Stream<()>, BusError> {
        self.wait_connected("read dead letters").await?;
        let stream = self.shared.context.get_stream_no_info(STREAM_DEAD).await;
        stream.map_err(|error| BusError::unavailable("read dead letters", with_sources(&error)))
    }
}

/// The first dead letter at or after `sequence`. A stream that is not there holds none.
async fn read_from(stream: &Stream<()>, sequence: u64) -> Result<Option<StreamMessage>, BusError> {
    let operation = "read dead letters";
    let request = stream
        .raw_message_builder()
        .sequence(sequence.max(1))
        .next_by_subject(SUBJECTS_DEAD);
    match request.send().await {
        Ok(message) => Ok(Some(message)),
        Err(error) => match error.kind() {
            RawMessageErrorKind::NoMessageFound => Ok(None),
            RawMessageErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            RawMessageErrorKind::JetStream(answer) => Err(error::from_server(operation, &answer)),
            _ => Err(BusError::unavailable(operation, with_sources(&error))),
        },
    }
}

/// A letter that cannot be read is listed all the same: hiding it would hide that something is wrong.
fn decode(message: &StreamMessage) -> DeadLetter {
    let arrived_at =
        Timestamp::from_nanosecond(message.time.unix_timestamp_nanos()).unwrap_or(Timestamp::UNIX_EPOCH);
    match v1::DeadLetter::decode(message.payload.clone()) {
        Ok(letter) => DeadLetter {
            sequence: message.sequence,
            batch: v1::ScoreBatch::decode(letter.body.as_slice())
                .ok()
                .and_then(|batch| ScoreBatch::try_from(batch).ok()),
            subject: letter.subject,
            reason: letter.reason,
            deliveries: u64::try_from(letter.delivery_count).unwrap_or(0),
            dead_at: letter
                .dead_time
                .and_then(|time| timestamp_from_proto(&time).ok())
                .unwrap_or(arrived_at),
        },
        Err(error) => DeadLetter {
            sequence: message.sequence,
            subject: message.subject.to_string(),
            reason: format!("this dead letter itself cannot be read: {error}"),
            deliveries: 0,
            dead_at: arrived_at,
            batch: None,
        },
    }
}
