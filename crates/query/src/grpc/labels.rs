//! `ExplanationService.ExplainLabel`: reads the entry, asks a scorer over the bus which of its words made the label, and puts the
//! two together. There is no model here, and no log text on the bus.

use crate::grpc::request::{id, tenant_of};
use crate::status::{chain, store_status};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tonic::{Request, Response, Status};
use turnstone_bus::{AskError, Bus};
use turnstone_proto::v1::explain_label_failure::Kind;
use turnstone_proto::v1::explain_label_reply::Result as Reply;
use turnstone_proto::{ErrorCode, v1};
use turnstone_service::telemetry::trace_parent;
use turnstone_store::Store;
use turnstone_types::{EntryId, SCORED_TEXT_CHARS_MAX, truncate_chars};

/// How often a busy scorer is asked: the next question may reach another.
const ASKED_MAX: u32 = 3;
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// The method over a store and a bus.
#[derive(Clone)]
pub(crate) struct LabelApi {
    pub store: Arc<dyn Store>,
    pub bus: Option<Bus>,
    pub time_max: Duration,
}

impl LabelApi {
    /// Answers a request.
    pub async fn explain(
        &self,
        request: Request<v1::ExplainLabelRequest>,
    ) -> Result<Response<v1::LabelExplanation>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let entry_id = id("entry_id", &request.get_ref().entry_id, EntryId::new)?;
        let entry = self
            .store
            .entry(&tenant, &entry_id)
            .await
            .map_err(|error| store_status(&error))?
            .ok_or_else(|| {
                ErrorCode::NotFound.status(format!("there is no entry {entry_id} for this tenant"))
            })?;
        let query = v1::ExplainLabelQuery {
            tenant_id: tenant.to_string(),
            entry_id: entry_id.to_string(),
        };
        let explanation = self.ask(&query).await?;
        Ok(Response::new(with_text(explanation, &entry.text)))
    }

    /// Asks a scorer; where that one is busy another, as far as the time allows.
    async fn ask(&self, query: &v1::ExplainLabelQuery) -> Result<v1::LabelExplanation, Status> {
        let Some(bus) = &self.bus else {
            return Err(ErrorCode::Unavailable.status(
                "no scorer can be asked: this query service has no queue; set nats.url (TURNSTONE_NATS_URL)",
            ));
        };
        let deadline = Instant::now() + self.time_max;
        let trace_parent = trace_parent(&tracing::Span::current());
        let mut asked = 0;
        loop {
            asked += 1;
            let time_left = deadline.saturating_duration_since(Instant::now());
            let reply = bus
                .ask_explain_label(query, trace_parent.as_deref(), time_left)
                .await
                .map_err(|error| self.refusal(&error))?;
            match reply.result {
                Some(Reply::Explanation(explanation)) => return Ok(explanation),
                Some(Reply::Failure(failure))
                    if failure.kind() == Kind::Busy
                        && asked < ASKED_MAX
                        && Instant::now() + BUSY_PAUSE < deadline =>
                {
                    sleep(BUSY_PAUSE).await;
                }
                Some(Reply::Failure(failure)) => return Err(failure_status(&failure)),
                None => {
                    tracing::error!("a scorer answered a question about a label with nothing");
                    return Err(
                        ErrorCode::Internal.status("the scorer's answer is empty; is it of another version?")
                    );
                }
            }
        }
    }

    fn refusal(&self, error: &AskError) -> Status {
        let seconds = self.time_max.as_secs_f64();
        match error {
            AskError::NoResponders => ErrorCode::Unavailable.status(
                "no scorer answered, for there is none on the queue: is one running? Start turnstone-scorer",
            ),
            AskError::TimedOut { .. } => ErrorCode::Unavailable.status(format!(
                "no scorer answered within {seconds} s: is one running, and does it keep up?"
            )),
            AskError::Unavailable(error) => {
                tracing::warn!(error = chain(error), "ask a scorer about a label");
                ErrorCode::Unavailable.status(
                    "no scorer answered, for the queue (NATS) cannot be reached at present: is it running?",
                )
            }
            AskError::Unreadable { reason } => {
                tracing::error!(reason, "a scorer's answer about a label cannot be read");
                ErrorCode::Internal.status("the scorer's answer cannot be read; is it of another version?")
            }
        }
    }
}

/// The status for a scorer's reason to have no answer.
fn failure_status(failure: &v1::ExplainLabelFailure) -> Status {
    let reason = &failure.reason;
    match failure.kind() {
        Kind::NotFound => {
            ErrorCode::NotFound.status(format!("{reason}; do scorer and query service use one database?"))
        }
        Kind::NoModel => ErrorCode::FailedPrecondition.status(reason),
        Kind::Unscorable => {
            ErrorCode::FailedPrecondition.status(format!("the model cannot score this line: {reason}"))
        }
        Kind::Busy => ErrorCode::Overloaded.status(reason),
        Kind::Internal | Kind::Unspecified => {
            ErrorCode::Unavailable.status(format!("the scorer could not answer: {reason}"))
        }
    }
}

/// Fills in the start of the line that the ranges are parts of. Ranges that are none of it are left out: they came over the bus.
fn with_text(mut explanation: v1::LabelExplanation, line: &str) -> v1::LabelExplanation {
    let text = truncate_chars(line, SCORED_TEXT_CHARS_MAX);
    let is_part = |word: &v1::WordWeight| {
        let range = word.range.as_ref()?;
        text.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
    };
    let told = explanation.words.len();
    explanation.words.retain(|word| is_part(word).is_some());
    if explanation.words.len() < told {
        tracing::warn!(
            words = told - explanation.words.len(),
            "a scorer named words that the line does not have"
        );
    }
    explanation.text = text.to_owned();
    explanation
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(start: i32, end: i32) -> v1::WordWeight {
        v1::WordWeight {
            range: Some(v1::TextRange { start, end }),
            weight: 0.5,
        }
    }

    #[test]
    fn ranges_that_are_no_part_of_the_text_are_left_out() {
        let explanation = v1::LabelExplanation {
            words: vec![
                word(0, 2),
                word(1, 2),
                word(3, 7),
                word(-1, 2),
                word(5, 3),
                word(3, 99),
                v1::WordWeight::default(),
            ],
            ..v1::LabelExplanation::default()
        };
        let filled = with_text(explanation, "é full");
        assert_eq!(filled.words, [word(0, 2), word(3, 7)]);
        assert_eq!(filled.text, "é full");
        let long = with_text(v1::LabelExplanation::default(), &"é".repeat(10_000));
        assert_eq!(long.text.chars().count(), SCORED_TEXT_CHARS_MAX);
    }

    #[test]
    fn every_reason_has_its_code() {
        let cases = [
            (Kind::NotFound, tonic::Code::NotFound),
            (Kind::NoModel, tonic::Code::FailedPrecondition),
            (Kind::Unscorable, tonic::Code::FailedPrecondition),
            (Kind::Busy, tonic::Code::ResourceExhausted),
            (Kind::Internal, tonic::Code::Unavailable),
            (Kind::Unspecified, tonic::Code::Unavailable),
        ];
        for (kind, code) in cases {
            let failure = v1::ExplainLabelFailure {
                kind: kind.into(),
                reason: "because".to_owned(),
            };
            let status = failure_status(&failure);
            assert_eq!(status.code(), code, "{kind:?}");
            assert!(status.message().contains("because"));
        }
    }
}
