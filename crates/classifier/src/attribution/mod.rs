//! Which words of a text carry its label: what a word is worth is what the label's probability loses when it goes, as the mean over
//! what else of the text is there (its Shapley value, sampled as by Štrumbelj and Kononenko, "Explaining prediction models and
//! individual predictions with feature contributions", 2014). Asks the engine like any other caller; which texts are asked
//! about is the business of `sampling`, what a word is that of `words`.
//!
//! Not from the whole text alone (plain leave-one-out): lines say the same thing several times, so of a clear one no single
//! word is missed. `Failed password for invalid user …` loses 0.000 with any of its words, while `invalid` alone makes 0.88.

mod sampling;
mod words;

use crate::answer::{Judgement, Prediction};
use crate::engine::Engine;
use crate::error::{EngineError, RowError};
use sampling::Plan;
use std::ops::Range;

pub use sampling::{ATTRIBUTED_ROWS_MAX, ATTRIBUTED_SPANS_MAX};

/// What each word of a text does for its label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelAttribution {
    /// The answer to the whole text, the same as [`Engine::classify`] gives.
    pub prediction: Prediction,
    /// In the order of the text, without overlaps.
    pub words: Vec<WordWeight>,
    /// Words behind what the model sees of the text.
    pub left_out_words: usize,
}

/// What a word does for the label. Where there are more than [`ATTRIBUTED_SPANS_MAX`] words, neighbours are one.
#[derive(Debug, Clone, PartialEq)]
pub struct WordWeight {
    /// Bytes of the text that was given, at ends of characters, within its first
    /// [`turnstone_types::SCORED_TEXT_CHARS_MAX`] characters.
    pub range: Range<usize>,
    /// What the label's probability loses when the word goes: -1 to 1, less than zero where the word speaks against the label,
    /// and exactly zero where the model never sees it (a date that the template drops). All weights together are the
    /// probability of the whole text less that of the text without any of its words. Of a model of regression, what its
    /// output loses, in whatever unit that has.
    pub weight: f64,
}

/// Why there is no attribution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainLabelError {
    /// The model has no answer to this text.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The engine has no answer to anything.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Says which words of a text carry the label that the model gives it.
    ///
    /// The text and parts of it are one call of at most [`ATTRIBUTED_ROWS_MAX`] rows, which waits its turn like those of
    /// [`Engine::classify`]. The same text has the same weights, but for rounding, whatever was asked before: the parts are
    /// always the same, and answers are neither taken from the cache nor kept in it.
    pub async fn explain_label(&self, text: &str) -> Result<LabelAttribution, ExplainLabelError> {
        let mut plan = Plan::of(text, self.rule());
        let texts = std::mem::take(&mut plan.texts);
        let judgements = self.judge(texts).await?;
        let judgements = judgements
            .into_iter()
            .collect::<Result<Vec<Judgement>, RowError>>()?;
        let missing = || EngineError::Internal {
            reason: "a row of the call has no answer".to_owned(),
        };
        let prediction = judgements.first().ok_or_else(missing)?.prediction.clone();
        let probability = |row: &Judgement| row.probabilities.get(prediction.class).copied().map(f64::from);
        let probabilities: Option<Vec<f64>> = judgements.iter().map(probability).collect();
        let words = plan
            .weigh(&probabilities.ok_or_else(missing)?)
            .ok_or_else(missing)?;
        Ok(LabelAttribution {
            prediction,
            words,
            left_out_words: plan.left_out_words,
        })
    }
}
