//! Answers questions about labels for the query services, which have no model: reads the entry, asks the engine, hands back numbers
//! and byte ranges. No log text leaves it; whoever asked reads the text from the database itself.

use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use turnstone_bus::{AnswerLimits, Bus, BusError, LabelQuestion};
use turnstone_classifier::{Engine, ExplainLabelError, LabelAttribution};
use turnstone_proto::v1;
use turnstone_proto::v1::explain_label_failure::Kind;
use turnstone_proto::v1::explain_label_reply::Result as Reply;
use turnstone_service::telemetry::set_trace_parent;
use turnstone_store::Store;
use turnstone_types::{EntryId, TenantId};

/// Says which words made a label, or that it has no model to say it with. Cheap to clone.
#[derive(Clone)]
pub struct LabelExplainer {
    model: Option<(Arc<dyn Store>, Engine)>,
}

impl LabelExplainer {
    /// Answers from a store and an engine.
    pub fn new(store: Arc<dyn Store>, engine: Engine) -> Self {
        Self {
            model: Some((store, engine)),
        }
    }

    /// Answers that there is no model, so that nobody waits for one.
    pub fn without_model() -> Self {
        Self { model: None }
    }

    /// Answers what is asked on the bus, a few questions at a time, until `stop`; then finishes those in hand. Begins also
    /// where the bus is not connected yet.
    pub async fn run(self, bus: &Bus, stop: CancellationToken) -> Result<(), BusError> {
        let answer = move |question| {
            let explainer = self.clone();
            async move { explainer.answer(question).await }
        };
        bus.answer_explain_label(AnswerLimits::default(), stop.cancelled(), answer)
            .await
    }

    /// Answers one question.
    pub async fn answer(&self, question: LabelQuestion) -> v1::ExplainLabelReply {
        let span = tracing::info_span!("explain_label", entry_id = question.query.entry_id);
        if let Some(trace_parent) = &question.trace_parent {
            set_trace_parent(&span, trace_parent);
        }
        let started = Instant::now();
        let result = self.explain(&question.query).instrument(span).await;
        metrics::counter!("turnstone_scorer_label_questions_total", "outcome" => outcome(&result))
            .increment(1);
        metrics::histogram!("turnstone_scorer_label_question_seconds")
            .record(started.elapsed().as_secs_f64());
        let result = match result {
            Ok(explanation) => Reply::Explanation(explanation),
            Err((kind, reason)) => Reply::Failure(v1::ExplainLabelFailure {
                kind: kind.into(),
                reason,
            }),
        };
        v1::ExplainLabelReply { result: Some(result) }
    }

    async fn explain(&self, query: &v1::ExplainLabelQuery) -> Result<v1::LabelExplanation, (Kind, String)> {
        let Some((store, engine)) = &self.model else {
            let reason = "the scorer runs without a model: set anomaly.model (TURNSTONE_ANOMALY_MODEL)";
            return Err((Kind::NoModel, reason.to_owned()));
        };
        // Anybody on the bus may ask; ids that cannot be have no entry.
        let unknown = |error: turnstone_types::IdError| (Kind::NotFound, error.to_string());
        let tenant = TenantId::new(query.tenant_id.as_str()).map_err(unknown)?;
        let entry_id = EntryId::new(query.entry_id.as_str()).map_err(unknown)?;
        let entry = store.entry(&tenant, &entry_id).await.map_err(|error| {
            // A driver's message can name hosts and SQL, so it stays here.
            tracing::warn!(%error, "read the entry of a question about its label");
            (
                Kind::Internal,
                "the scorer's database does not answer; try again".to_owned(),
            )
        })?;
        let entry = entry.ok_or_else(|| {
            let reason = format!("there is no entry {entry_id} for this tenant in the scorer's database");
            (Kind::NotFound, reason)
        })?;
        match engine.explain_label(&entry.text).await {
            Ok(attribution) => Ok(label_explanation(attribution, &engine.info().name)),
            Err(ExplainLabelError::Row(error)) if !error.is_retryable() => {
                Err((Kind::Unscorable, error.to_string()))
            }
            Err(error) => {
                tracing::warn!(%error, "explain a label");
                let reason = "the scorer's model fails; its log says more".to_owned();
                Err((Kind::Internal, reason))
            }
        }
    }
}

/// An attribution as the public interface tells it, with an empty `text`: whoever has the line fills in its start, the first
/// [`turnstone_types::SCORED_TEXT_CHARS_MAX`] characters, which hold all ranges.
pub fn label_explanation(attribution: LabelAttribution, scorer: &str) -> v1::LabelExplanation {
    let LabelAttribution {
        prediction,
        words,
        left_out_words,
    } = attribution;
    // Positions in a few thousand characters, so they fit.
    let position = |byte: usize| i32::try_from(byte).unwrap_or(i32::MAX);
    let words = words.into_iter().map(|word| v1::WordWeight {
        range: Some(v1::TextRange {
            start: position(word.range.start),
            end: position(word.range.end),
        }),
        weight: word.weight,
    });
    v1::LabelExplanation {
        anomaly_label: prediction.meaning.label.into(),
        raw_label: prediction.raw_label.to_string(),
        anomaly_score: prediction.score,
        severity: v1::Severity::from(prediction.meaning.severity).into(),
        scorer: scorer.to_owned(),
        text: String::new(),
        words: words.collect(),
        left_out_word_count: i32::try_from(left_out_words).unwrap_or(i32::MAX),
    }
}

/// Short name for metrics.
fn outcome(result: &Result<v1::LabelExplanation, (Kind, String)>) -> &'static str {
    match result {
        Ok(_) => "answered",
        Err((Kind::NotFound, _)) => "not_found",
        Err((Kind::NoModel, _)) => "no_model",
        Err((Kind::Unscorable, _)) => "unscorable",
        Err(_) => "failed",
    }
}
