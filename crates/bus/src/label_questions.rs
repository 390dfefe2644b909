//! Questions about labels, over core NATS beside the streams: a query service asks, one scorer of the group answers. Nothing of
//! it is stored: a question that is lost is asked again by whoever wants to know. Does not know what the answers mean.

use crate::Bus;
use crate::error::{BusError, with_sources};
use crate::publish::{HEADER_TRACE_PARENT, is_trace_parent};
use async_nats::{HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use prost::Message as _;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use turnstone_proto::v1;
use turnstone_proto::v1::explain_label_failure::Kind;

/// Where questions go. In none of the streams' subjects, so no stream keeps one.
pub const SUBJECT_EXPLAIN_LABEL: &str = "turnstone.explain_label";
/// One member of it gets each question.
pub const QUEUE_GROUP_SCORERS: &str = "scorers";

/// Longest wait for a connection before a question is given up: a person waits.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long the server may take at the end to say that no more questions come, and to take the last answers.
const DRAIN_WAIT_MAX: Duration = Duration::from_millis(500);
/// How long the answers in hand may take once the questions are to end.
const END_WAIT_MAX: Duration = Duration::from_secs(5);

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there to answer.
    #[error("no scorer answers")]
    NoResponders,
    /// Somebody took the question and did not answer in time.
    #[error("no answer within {} ms", waited.as_millis())]
    TimedOut {
        /// How long was waited.
        waited: Duration,
    },
    /// The question could not be sent.
    #[error(transparent)]
    Unavailable(BusError),
    /// The answer is none: another version, or somebody else on this subject.
    #[error("the answer cannot be read: {reason}")]
    Unreadable {
        /// Why not.
        reason: String,
    },
}

/// A question that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelQuestion {
    /// What is asked. Not checked: anybody on the bus may have sent it.
    pub query: v1::ExplainLabelQuery,
    /// W3C `traceparent` of whoever asks.
    pub trace_parent: Option<String>,
}

/// Limits of answering.
#[derive(Debug, Clone, Copy)]
pub struct AnswerLimits {
    /// Questions that are worked on at the same time; more are answered BUSY at once.
    pub in_hand_max: usize,
    /// Longest work on one, after which it is answered BUSY. Nobody waits that long; it keeps the place from being lost.
    pub answer_time_max: Duration,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self {
            in_hand_max: 2,
            answer_time_max: Duration::from_secs(30),
        }
    }
}

impl Bus {
    /// Asks the scorers which words made a label, and waits up to `time_max` in all. Tried once: a question is cheap to ask
    /// again, and whoever asks knows whether it still matters. A scorer that cannot tell says so in the reply.
    pub async fn ask_explain_label(
        &self,
        query: &v1::ExplainLabelQuery,
        trace_parent: Option<&str>,
        time_max: Duration,
    ) -> Result<v1::ExplainLabelReply, AskError> {
        let operation = "ask about a label";
        let started = Instant::now();
        let asked = async {
            self.wait_connected_until(operation, started + time_max.min(CONNECT_WAIT_MAX))
                .await
                .map_err(AskError::Unavailable)?;
            let mut headers = HeaderMap::new();
            if let Some(trace_parent) = trace_parent.filter(|text| is_trace_parent(text)) {
                headers.insert(HEADER_TRACE_PARENT, trace_parent);
            }
            let request = Request::new()
                .headers(headers)
                .payload(query.encode_to_vec().into())
                .timeout(Some(time_max.saturating_sub(started.elapsed())));
            let answer = self.shared.client.send_request(SUBJECT_EXPLAIN_LABEL, request);
            let message = answer.await.map_err(|error| match error.kind() {
                RequestErrorKind::NoResponders => AskError::NoResponders,
                RequestErrorKind::TimedOut => AskError::TimedOut {
                    waited: started.elapsed(),
                },
                _ => AskError::Unavailable(BusError::unavailable(operation, with_sources(&error))),
            })?;
            v1::ExplainLabelReply::decode(message.payload).map_err(|error| AskError::Unreadable {
                reason: error.to_string(),
            })
        };
        let asked = asked.await;
        let outcome = match &asked {
            Ok(_) => "answered",
            Err(AskError::NoResponders) => "no_responders",
            Err(AskError::TimedOut { .. }) => "timed_out",
            Err(AskError::Unavailable(_)) => "unavailable",
            Err(AskError::Unreadable { .. }) => "unreadable",
        };
        metrics::counter!("turnstone_bus_label_questions_total", "outcome" => outcome).increment(1);
        asked
    }

    /// Answers questions about labels until `stop`, as one of the group `scorers`. Lost connections come back by themselves,
    /// with the subscription; this may also begin before there is a connection.
    ///
    /// At the stop no further question is taken, so that askers are told at once that nobody is there, and those in hand are
    /// finished, for a few seconds at most. `answer` may be dropped at any await when its time is over.
    pub async fn answer_explain_label<F, R>(
        &self,
        limits: AnswerLimits,
        stop: impl Future<Output = ()>,
        answer: F,
    ) -> Result<(), BusError>
    where
        F: Fn(LabelQuestion) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = v1::ExplainLabelReply> + Send + 'static,
    {
        let operation = "answer questions about labels";
        let mut questions = self
            .shared
            .client
            .queue_subscribe(SUBJECT_EXPLAIN_LABEL, QUEUE_GROUP_SCORERS.to_owned())
            .await
            .map_err(|error| BusError::unavailable(operation, with_sources(&error)))?;
        let mut stop = pin!(stop);
        let mut in_hand: JoinSet<()> = JoinSet::new();
        let outcome = loop {
            while in_hand.try_join_next().is_some() {}
            let message = tokio::select! {
                biased;
                () = &mut stop => break Ok(()),
                message = questions.next() => message,
            };
            // The subscription outlives every connection; it ends with the client.
            let Some(message) = message else {
                break Err(BusError::unavailable(
                    operation,
                    "the connection was closed for good",
                ));
            };
            let Some(reply_to) = message.reply.clone() else {
                continue;
            };
            while in_hand.try_join_next().is_some() {}
            let (bus, busy) = (self.clone(), in_hand.len() >= limits.in_hand_max.max(1));
            if busy {
                let reason = "the scorer has as many questions in hand as it takes; ask again shortly";
                bus.reply(reply_to, &failure(Kind::Busy, reason)).await;
                continue;
            }
            let answer = answer.clone();
            in_hand.spawn(async move {
                let reply = answered(&message, answer, limits.answer_time_max).await;
                bus.reply(reply_to, &reply).await;
            });
        };
        // From here on the group has one member less. What the server sent us until then still arrives, and is another's to answer.
        let _ = questions.drain().await;
        let drained = Instant::now() + DRAIN_WAIT_MAX;
        while let Ok(Some(message)) = timeout_at(drained, questions.next()).await {
            if let Some(reply_to) = message.reply {
                let reason = "the scorer is stopping; ask again";
                self.reply(reply_to, &failure(Kind::Busy, reason)).await;
            }
        }
        let finish = async {
            while in_hand.join_next().await.is_some() {}
            // The replies are in the client's buffer, and whoever stops us may end the process next. Without a connection
            // there is nobody to send them to.
            let _ = timeout(DRAIN_WAIT_MAX, self.shared.client.flush()).await;
        };
        if timeout(END_WAIT_MAX, finish).await.is_err() {
            tracing::debug!("questions about labels were left without an answer");
        }
        outcome
    }

    async fn reply(&self, to: async_nats::Subject, reply: &v1::ExplainLabelReply) {
        let body: Bytes = reply.encode_to_vec().into();
        // Whoever asked will ask again; there is nothing to undo.
        if let Err(error) = self.shared.client.publish(to, body).await {
            tracing::debug!(%error, "cannot answer a question about a label");
        }
    }
}

/// The reply to one question, whatever happens while it is worked on.
async fn answered<F, R>(message: &Message, answer: F, time_max: Duration) -> v1::ExplainLabelReply
where
    F: Fn(LabelQuestion) -> R,
    R: Future<Output = v1::ExplainLabelReply>,
{
    let query = match v1::ExplainLabelQuery::decode(message.payload.clone()) {
        Ok(query) => query,
        Err(error) => return failure(Kind::Internal, &format!("the question cannot be read: {error}")),
    };
    let trace_parent = message
        .headers
        .as_ref()
        .and_then(|headers| headers.get(HEADER_TRACE_PARENT))
        .map(|value| value.as_str())
        .filter(|text| is_trace_parent(text))
        .map(str::to_owned);
    // Unwind safety: what the answer was made of is dropped with it.
    let work = AssertUnwindSafe(async { answer(LabelQuestion { query, trace_parent }).await }).catch_unwind();
    match timeout(time_max, work).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => failure(Kind::Internal, "the scorer failed; its log says more"),
        Err(_) => failure(
            Kind::Busy,
            &format!("the scorer had no time for it within {} s", time_max.as_secs()),
        ),
    }
}

fn failure(kind: Kind, reason: &str) -> v1::ExplainLabelReply {
    v1::ExplainLabelReply {
        result: Some(v1::explain_label_reply::Result::Failure(
            v1::ExplainLabelFailure {
                kind: kind.into(),
                reason: reason.to_owned(),
            },
        )),
    }
}
