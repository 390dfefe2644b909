//! What is known of a loaded model, for people and for the score's origin; and the log lines about its labels.

use std::time::Duration;
use turnstone_types::{LabelMap, LabelMeaning};

/// A loaded model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// The scorer's name, lower case: `name` of turnstone.json, or else the folder's name.
    pub name: String,
    /// Class of the model as in config.json, for example `BertForSequenceClassification`; with `(TorchScript)` behind it
    /// where a TorchScript file is run.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Labels by class index.
    pub labels: Vec<ModelLabel>,
    /// Longest row in tokens, special ones included; longer texts are cut.
    pub tokens_max: usize,
    /// Where it runs, for example `cpu` or `cuda:0`.
    pub device: String,
    /// Precision, for example `f32`.
    pub dtype: String,
    /// What is done to a text before the model sees it, with the version of the rule: `raw`, or for example `template-1`.
    pub normalise: String,
    /// Precision that the weights are stored in, for example `f32`; empty for TorchScript.
    pub stored_dtype: String,
    /// What the tokenizer was made from, for people.
    pub tokenizer: String,
    /// How scores are made from the model's outputs: `softmax`, `sigmoid` or `none`.
    pub scores: String,
    /// How long the passes took that warm the model up.
    pub warm_up_time: Duration,
    /// Why it is that precision, where `auto` was asked for; empty where it was named.
    pub dtype_reason: String,
    /// SHA-256 in hexadecimal over config, tokenizer and weights: two models with the same hash answer the same.
    pub content_hash: String,
}

/// One label of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLabel {
    /// As the model calls it.
    pub raw: String,
    /// What it stands for.
    pub meaning: LabelMeaning,
    /// Whether the label map, or the default rule, knows it by name. An unknown label never becomes a detection.
    pub known: bool,
}

impl ModelLabel {
    /// Looks the labels up.
    pub(crate) fn look_up(raw_labels: Vec<String>, map: &LabelMap) -> Vec<Self> {
        let look_up = |raw: String| Self {
            meaning: map.meaning(&raw),
            known: map.knows(&raw),
            raw,
        };
        raw_labels.into_iter().map(look_up).collect()
    }

    /// `"LABEL_0" -> LABEL_0 WARN`, with `anomalous` where it is. Quoted, since the label comes out of the model's files.
    fn describe(&self) -> String {
        let anomalous = if self.meaning.anomalous { " anomalous" } else { "" };
        format!(
            "{:?} -> {:?} {}{anomalous}",
            self.raw,
            self.meaning.label.as_str(),
            self.meaning.severity
        )
    }
}

impl ModelInfo {
    /// Logs what was loaded, and warns where labels are unknown or no label can ever become a detection.
    pub(crate) fn log(&self) {
        let describe = |labels: &mut dyn Iterator<Item = &ModelLabel>| -> String {
            labels
                .map(ModelLabel::describe)
                .collect::<Vec<String>>()
                .join(", ")
        };
        tracing::info!(
            model = self.name,
            architecture = self.architecture,
            parameters = self.parameters,
            device = self.device,
            dtype = self.dtype,
            normalise = self.normalise,
            stored_dtype = self.stored_dtype,
            tokenizer = self.tokenizer,
            scores = self.scores,
            dtype_reason = self.dtype_reason,
            tokens_max = self.tokens_max,
            labels = describe(&mut self.labels.iter()),
            "model loaded"
        );
        let unknown = describe(&mut self.labels.iter().filter(|label| !label.known));
        if !unknown.is_empty() {
            tracing::warn!(
                model = self.name,
                labels = unknown,
                "the label map does not know these labels of the model, so lines with them never become detections; give \
                 them a meaning under [labels] in the configuration"
            );
        }
        if !self.labels.iter().any(|label| label.meaning.anomalous) {
            tracing::warn!(
                model = self.name,
                "none of the model's labels is anomalous, so there will be no detections"
            );
        }
    }
}
