//! The classifier: loads a model folder and turns texts into predictions, on the caller's thread.

use crate::batching::{self, BatchLimits};
use crate::device;
use crate::error::{LoadError, RowError, first_line};
use crate::folder::ModelFolder;
use crate::forward::Network;
use crate::head::{self, Head};
use crate::loading::{self, LoadedModel};
use crate::model_info::{ModelInfo, ModelLabel};
use crate::options::LoadOptions;
use crate::tokens::{TextTokenizer, TokenRow};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use turnstone_types::LabelMeaning;

/// A line that any model can classify: it warms the model up and tells a bad row from a bad device.
const PROBE_TEXT: &str = "Jan  1 00:00:00 host service[1]: started";

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

/// A loaded model. It may be moved to another thread but not shared; [`crate::Engine`] serves many callers.
pub struct Classifier {
    network: Network,
    head: Head,
    tokenizer: TextTokenizer,
    probe: TokenRow,
    limits: BatchLimits,
    threshold: f64,
    info: ModelInfo,
    raw_labels: Vec<Arc<str>>,
}

impl Classifier {
    /// Loads the model of a folder in HuggingFace layout, and runs one line through it to see that it works.
    ///
    /// Blocks for as long as that takes: seconds for a large model.
    pub fn load(model_dir: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        let folder = ModelFolder::open(model_dir)?;
        let (device, kind) = device::prepare(options.device, options.dtype)?;
        device::set_intra_op_threads(options.intra_op_threads);

        let _no_gradients = tch::no_grad_guard();
        let LoadedModel {
            architecture,
            model,
            head,
            stored_dtype,
            content_hash,
        } = loading::load(&folder, device, kind)?;
        let tokenizer = TextTokenizer::load(&folder, model.tokens_max, model.vocabulary_size)?;
        let probe = tokenizer.encode(PROBE_TEXT).map_err(|error| LoadError::Invalid {
            path: folder.tokenizer.path.clone(),
            reason: format!("a plain log line fails: {error}"),
        })?;
        let labels = ModelLabel::look_up(folder.raw_labels(model.classes)?, &options.label_map);
        let info = ModelInfo {
            name: folder.name.clone(),
            architecture,
            parameters: model.parameters,
            labels,
            tokens_max: model.tokens_max,
            device: options.device.to_string(),
            dtype: options.dtype.to_string(),
            content_hash,
            warm_up_time: Duration::ZERO,
            normalise: folder.normalise.to_string(),
            stored_dtype,
            tokenizer: folder.tokenizer.kind.to_string(),
            scores: head.to_string(),
        };
        let mut classifier = Self {
            head,
            network: Network::new(model.model, device, model.classes, model.tokens_max),
            tokenizer,
            probe,
            limits: BatchLimits::new(options.batch_rows_max, options.batch_tokens()),
            threshold: options.threshold,
            raw_labels: info
                .labels
                .iter()
                .map(|label| Arc::from(label.raw.as_str()))
                .collect(),
            info,
        };
        let started = Instant::now();
        classifier.warm_up()?;
        classifier.info.warm_up_time = started.elapsed();
        classifier.info.log();
        Ok(classifier)
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Classifies texts: one outcome per text, in their order. A text that fails takes no other with it.
    ///
    /// Rows are batched by length up to the limits of [`LoadOptions`], so any number of texts may be given at once.
    pub fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        let logits = self.logits(texts);
        logits
            .into_iter()
            .map(|logits| logits.map(|logits| self.predict(&logits)))
            .collect()
    }

    /// The probability of every class, by class index, for each text in their order.
    pub fn probabilities(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, RowError>> {
        let logits = self.logits(texts);
        logits
            .into_iter()
            .map(|logits| logits.map(|logits| self.head.probabilities(&logits)))
            .collect()
    }

    /// The raw scores of the classes, before softmax, for each text in their order.
    pub fn logits(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, RowError>> {
        let started = Instant::now();
        let encoded: Vec<Result<TokenRow, RowError>> =
            texts.iter().map(|text| self.tokenizer.encode(text)).collect();
        let tokenised = Instant::now();
        let rows: Vec<&TokenRow> = encoded.iter().filter_map(|row| row.as_ref().ok()).collect();
        let tokens: usize = rows.iter().map(|row| row.len()).sum();
        let mut answers = batching::run(&rows, &self.limits, &self.probe, &|batch| {
            self.network.forward(batch)
        })
        .into_iter();
        let forward_seconds = tokenised.elapsed().as_secs_f64();

        metrics::counter!("turnstone_classifier_rows_total").increment(texts.len() as u64);
        metrics::counter!("turnstone_classifier_tokens_total").increment(tokens as u64);
        metrics::histogram!("turnstone_classifier_tokenise_seconds")
            .record((tokenised - started).as_secs_f64());
        metrics::histogram!("turnstone_classifier_forward_seconds").record(forward_seconds);

        let lost = || {
            Err(RowError::Forward {
                reason: "the row has no answer".to_owned(),
            })
        };
        // `run` answers every row that has tokens, in their order, so each of those takes the next answer.
        encoded
            .iter()
            .map(|row| {
                row.as_ref()
                    .map_err(Clone::clone)
                    .and_then(|_| answers.next().unwrap_or_else(lost))
            })
            .collect()
    }

    fn predict(&self, logits: &[f32]) -> Prediction {
        let probabilities = self.head.probabilities(logits);
        let class = head::winner(&probabilities);
        let score = f64::from(probabilities[class]);
        let meaning = self.info.labels[class].meaning.clone();
        let detected = meaning.anomalous && score >= self.threshold;
        Prediction {
            class,
            raw_label: Arc::clone(&self.raw_labels[class]),
            meaning,
            score,
            detected,
        }
    }

    /// Runs the probe, twice: the first pass finds out whether the model works, both let libtorch set itself up.
    fn warm_up(&self) -> Result<(), LoadError> {
        for _ in 0..2 {
            self.network
                .forward(&[&self.probe])
                .map_err(|error| LoadError::Torch {
                    reason: first_line(&error),
                })?;
        }
        Ok(())
    }
}
