//! A call on its way: who waits for it, since when, and how far it has come.

use crate::answer::{Judgement, Predictor, RowOutcome};
use crate::error::{EngineError, RowError};
use crate::prepare::{FoldedTexts, PreparedTexts};
use std::sync::mpsc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The answer of each text, from the cache where it is known.
    Outcomes,
    /// The probabilities too. Neither read from the cache nor kept in it: such texts are made up and would only drive out
    /// lines that come again.
    Judgements,
}

/// Who waits for a call.
pub(super) struct Call {
    asked: Asked,
    answer: Option<oneshot::Sender<Answer>>,
    place: Option<OwnedSemaphorePermit>,
    submitted: Instant,
}

/// The rows of a call, as it asked for them.
pub(super) enum Answers {
    Outcomes(Vec<RowOutcome>),
    Judgements(Vec<Result<Judgement, RowError>>),
}

impl Answers {
    /// Why the device is at fault, where it is. Then the whole call failed: answering part of it would set rows aside that
    /// are not at fault.
    pub fn device_fault(&self) -> Option<String> {
        fn find<T>(rows: &[Result<T, RowError>]) -> Option<String> {
            rows.iter().find_map(|row| match row {
                Err(RowError::Device { reason }) => Some(reason.clone()),
                _ => None,
            })
        }
        match self {
            Self::Outcomes(rows) => find(rows),
            Self::Judgements(rows) => find(rows),
        }
    }
}

/// What a call comes to.
pub(super) type Answer = Result<Answers, EngineError>;

impl Call {
    /// A call that holds a place, and where its answer will come.
    pub fn new(asked: Asked, place: OwnedSemaphorePermit) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        let call = Self {
            asked,
            answer: Some(answer),
            place: Some(place),
            submitted: Instant::now(),
        };
        (call, answered)
    }

    /// What it asks for.
    pub fn asked(&self) -> Asked {
        self.asked
    }

    /// What its rows come to, once all of them have their logits or an error.
    pub fn answers(&self, folded: FoldedTexts, predictor: &Predictor) -> Answers {
        match self.asked {
            Asked::Outcomes => Answers::Outcomes(folded.into_answers(|logits| predictor.predict(logits))),
            Asked::Judgements => Answers::Judgements(folded.into_answers(|logits| predictor.judge(logits))),
        }
    }

    /// Whether nobody wants the answer any more.
    pub fn is_abandoned(&self) -> bool {
        self.answer.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// When it was made.
    pub fn submitted(&self) -> Instant {
        self.submitted
    }

    /// Lets the next call in.
    pub fn free_place(&mut self) {
        self.place = None;
    }

    /// Answers. Once is enough: what comes later goes nowhere.
    pub fn answer(&mut self, answer: Answer) {
        // Who asked may have gone away meanwhile; nobody wants the answer then.
        if let Some(sender) = self.answer.take() {
            let _ = sender.send(answer);
        }
    }
}

/// A call with what was made of its texts.
pub(super) enum Work {
    /// Texts for a double.
    Texts(Call, Vec<String>),
    /// Texts that were looked up.
    Folded(Call, FoldedTexts),
    /// Texts that are ready for the model.
    Prepared(Call, PreparedTexts),
}

impl Work {
    /// The call.
    pub fn call(&self) -> &Call {
        match self {
            Self::Texts(call, _) | Self::Folded(call, _) | Self::Prepared(call, _) => call,
        }
    }

    /// Rows of the call.
    pub fn rows(&self) -> usize {
        match self {
            Self::Texts(_, texts) => texts.len(),
            Self::Folded(_, folded) => folded.rows(),
            Self::Prepared(_, prepared) => prepared.rows(),
        }
    }
}

/// Hands work on. Where nobody takes it any more it is dropped, and with it the answer: its caller then asks the state why.
pub(super) fn send(queue: &mpsc::Sender<Work>, work: Work) {
    drop(queue.send(work));
}
