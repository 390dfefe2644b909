//! From the logits of one row to its answer: probabilities, the winning label, and whether that is a detection.

use crate::error::RowError;
use crate::head::{self, Head};
use crate::model_info::ModelLabel;
use std::sync::Arc;
use turnstone_types::LabelMeaning;

/// The answer to one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Index of the winning class; the first of equals, as in the reference.
    pub class: usize,
    /// The winning label as the model calls it.
    pub raw_label: Arc<str>,
    /// What it stands for.
    pub meaning: LabelMeaning,
    /// Score of the winning class: a probability, 0 to 1, unless the model is one of regression.
    pub score: f64,
    /// Whether the line becomes a detection: anomalous, with a score at or over the threshold.
    pub detected: bool,
}

/// The answer to one row of a call.
pub type RowOutcome = Result<Prediction, RowError>;

/// The answer to one text, and how likely every class is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub prediction: Prediction,
    /// By class index.
    pub probabilities: Vec<f32>,
}

/// What a model's logits mean to the caller.
#[derive(Debug)]
pub(crate) struct Predictor {
    labels: Vec<(Arc<str>, LabelMeaning)>,
    head: Head,
    threshold: f64,
}

impl Predictor {
    /// Takes the labels by class index, the way from logits to scores, and the score from which an anomalous one is a detection.
    pub fn new(labels: &[ModelLabel], head: Head, threshold: f64) -> Self {
        let labels = labels
            .iter()
            .map(|label| (Arc::from(label.raw.as_str()), label.meaning.clone()));
        Self {
            labels: labels.collect(),
            head,
            threshold,
        }
    }

    /// The score of every class.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        self.head.probabilities(logits)
    }

    /// The answer of a row with these logits, one for each label and all of them finite.
    pub fn predict(&self, logits: &[f32]) -> Prediction {
        self.judge(logits).prediction
    }

    /// As [`Predictor::predict`], with the probabilities that it rests on.
    pub fn judge(&self, logits: &[f32]) -> Judgement {
        let probabilities = self.probabilities(logits);
        let class = head::winner(&probabilities);
        let score = f64::from(probabilities[class]);
        let (raw_label, meaning) = &self.labels[class];
        let prediction = Prediction {
            class,
            raw_label: Arc::clone(raw_label),
            meaning: meaning.clone(),
            score,
            detected: meaning.anomalous && score >= self.threshold,
        };
        Judgement {
            prediction,
            probabilities,
        }
    }
}
