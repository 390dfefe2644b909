//! The model's own thread: takes one prepared call after the other, and tells how the device is.

use super::State;
use super::call::{Answers, Asked, Work};
use super::feed::Front;
use crate::Classify;
use crate::answer::{Judgement, RowOutcome};
use crate::batching::{Logits, Wanted};
use crate::classifier::Classifier;
use crate::error::{EngineError, RowError};
use crate::model_info::ModelInfo;
use crate::prepare::TextPreparer;
use crate::stats::Totals;
use crate::tokens::TokenRow;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use tokio::sync::watch;

/// What the thread runs.
pub(super) trait Backend: 'static {
    /// What was loaded.
    fn info(&self) -> &ModelInfo;
    /// What prepares its texts; `None` where it takes them as they are.
    fn preparer(&self) -> Option<Arc<TextPreparer>>;
    /// The logits of rows, in their order, as long as they are `wanted`; only asked of one that has a preparer.
    fn logits(&self, rows: &[&TokenRow], wanted: &Wanted<'_>) -> Vec<Result<Logits, RowError>>;
    /// The answers to texts; only asked of one that has no preparer.
    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome>;
}

impl Backend for Classifier {
    fn info(&self) -> &ModelInfo {
        Self::info(self)
    }
    fn preparer(&self) -> Option<Arc<TextPreparer>> {
        Some(Arc::clone(Self::preparer(self)))
    }
    fn logits(&self, rows: &[&TokenRow], wanted: &Wanted<'_>) -> Vec<Result<Logits, RowError>> {
        self.logits_of_rows(rows, wanted)
    }
    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        Self::classify(self, texts)
    }
}

/// A double, which answers texts as it likes.
pub(super) struct Plain<C>(pub C);

impl<C: Classify + 'static> Backend for Plain<C> {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }
    fn preparer(&self) -> Option<Arc<TextPreparer>> {
        None
    }
    fn logits(&self, _: &[&TokenRow], _: &Wanted<'_>) -> Vec<Result<Logits, RowError>> {
        Vec::new()
    }
    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        self.0.classify(texts)
    }
}

/// Answers calls until all handles are gone.
pub(super) fn serve(
    backend: &impl Backend,
    front: Option<&Front>,
    calls: &mpsc::Receiver<Work>,
    totals: &Totals,
    state: &watch::Sender<State>,
) {
    let mut idle_since = Instant::now();
    while let Ok(work) = calls.recv() {
        let taken = Instant::now();
        let call = work.call();
        // Idle for want of calls is no waiting.
        totals.waited(taken.saturating_duration_since(idle_since.max(call.submitted())));
        if call.is_abandoned() {
            metrics::counter!("turnstone_classifier_cancelled_rows_total").increment(work.rows() as u64);
            continue;
        }
        let (mut call, answers) = match work {
            Work::Texts(mut call, texts) => {
                call.free_place();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let outcomes = backend.classify(&texts);
                let answers = match call.asked() {
                    Asked::Outcomes => Answers::Outcomes(outcomes),
                    Asked::Judgements => Answers::Judgements(judgements(outcomes)),
                };
                (call, answers)
            }
            Work::Prepared(mut call, mut prepared) => {
                call.free_place();
                let Some(front) = front else { continue };
                let (predictor, cache) = (front.preparer.predictor(), front.cache_of(&call));
                if let Some(cache) = cache {
                    totals.hit(prepared.look_up_again(cache));
                }
                let rows = prepared.token_rows();
                let tokens = rows.iter().map(|row| row.len()).sum();
                if cache.is_some() {
                    totals.missed(rows.len());
                }
                let logits = backend.logits(&rows, &|| !call.is_abandoned());
                totals.forwarded(tokens, taken.elapsed());
                let answers = call.answers(prepared.finish(logits, cache), predictor);
                (call, answers)
            }
            // The feeder turns it into one of the others.
            Work::Folded(..) => continue,
        };
        let outcome = match answers.device_fault() {
            Some(reason) => {
                tracing::error!(reason, "the device fails on every row");
                Err(EngineError::Device { reason })
            }
            None => Ok(answers),
        };
        let now = if outcome.is_ok() {
            State::Healthy
        } else {
            State::DeviceFault
        };
        state.send_if_modified(|state| {
            let changed = *state != now;
            *state = now;
            changed
        });
        call.answer(outcome);
        if let Some(cache) = front.and_then(|front| front.cache.as_ref()) {
            cache.report();
        }
        idle_since = Instant::now();
    }
}

/// What the answers of a double come to: it tells the probability of its own class, and the others share the rest.
fn judgements(outcomes: Vec<RowOutcome>) -> Vec<Result<Judgement, RowError>> {
    let classes = outcomes
        .iter()
        .flatten()
        .map(|prediction| prediction.class + 1)
        .max();
    let classes = classes.unwrap_or(0).max(2);
    let judge = |prediction: crate::Prediction| {
        let score = prediction.score as f32;
        let mut probabilities = vec![(1.0 - score) / (classes - 1) as f32; classes];
        probabilities[prediction.class] = score;
        Judgement {
            prediction,
            probabilities,
        }
    };
    outcomes.into_iter().map(|outcome| outcome.map(judge)).collect()
}
