//! The classifier: loads a model folder and turns texts into predictions, on the caller's thread.

use crate::answer::{Predictor, RowOutcome};
use crate::batching::{self, BatchLimits, Logits, RowCost, Wanted};
use crate::device;
use crate::error::{LoadError, RowError};
use crate::folder::ModelFolder;
use crate::forward::Network;
use crate::loading::{self, LoadedModel};
use crate::model_info::{ModelInfo, ModelLabel};
use crate::options::LoadOptions;
use crate::precision;
use crate::prepare::TextPreparer;
use crate::tokens::{TextTokenizer, TokenRow};
use crate::warm_up::{prove, warm_up};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A line that any model can classify: it warms the model up and tells a bad row from a bad device.
const PROBE_TEXT: &str = "Jan  1 00:00:00 host service[1]: started";

/// A loaded model. It may be moved to another thread but not shared; [`crate::Engine`] serves many callers.
pub struct Classifier {
    network: Network,
    texts: Arc<TextPreparer>,
    probe: TokenRow,
    limits: BatchLimits,
    info: ModelInfo,
}

impl Classifier {
    /// Loads the model of a folder in HuggingFace layout, and runs one line through it to see that it works; see
    /// [`Classifier::warm_up`] for more.
    ///
    /// Blocks for as long as that takes: seconds for a large model.
    pub fn load(model_dir: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        let folder = ModelFolder::open(model_dir)?;
        let (dtype, dtype_reason) = precision::choose(options.device, options.dtype, folder.width())?;
        let (device, kind) = device::prepare(options.device, dtype)?;
        let threads = device::threads(device, options.threads);
        if device == tch::Device::Cpu {
            device::compute_alone();
        }

        let _no_gradients = tch::no_grad_guard();
        let LoadedModel {
            architecture,
            model,
            head,
            stored_dtype,
            content_hash,
        } = loading::load(&folder, device, kind)?;
        let tokenizer = TextTokenizer::load(&folder, model.tokens_max, model.vocabulary_size)?;
        let normalise = options.normalise.unwrap_or(folder.normalise);
        let labels = ModelLabel::look_up(folder.raw_labels(model.classes)?, &options.label_map);
        let info = ModelInfo {
            name: folder.name.clone(),
            architecture,
            parameters: model.parameters,
            labels,
            tokens_max: model.tokens_max,
            device: options.device.to_string(),
            dtype: dtype.to_string(),
            dtype_reason,
            normalise: normalise.versioned(),
            content_hash,
            warm_up_time: Duration::ZERO,
            stored_dtype,
            tokenizer: folder.tokenizer.kind.to_string(),
            scores: head.to_string(),
        };
        let predictor = Predictor::new(&info.labels, head, options.threshold);
        let texts = Arc::new(TextPreparer::new(tokenizer, normalise, predictor));
        let probe = texts.encode(PROBE_TEXT).map_err(|error| LoadError::Invalid {
            path: folder.tokenizer.path.clone(),
            reason: format!("a plain log line fails: {error}"),
        })?;
        let mut classifier = Self {
            network: Network::new(model.model, device, model.classes, model.tokens_max),
            texts,
            probe,
            limits: BatchLimits::new(
                options.batch_rows_max,
                options.batch_tokens(),
                if device == tch::Device::Cpu {
                    RowCost::Packed
                } else {
                    RowCost::Padded {
                        row_tokens_max: model.tokens_max,
                    }
                },
                threads,
            ),
            info,
        };
        let started = Instant::now();
        prove(&classifier.network, &classifier.probe)?;
        classifier.info.warm_up_time = started.elapsed();
        classifier.info.log();
        tracing::info!(threads, "batches run at once");
        Ok(classifier)
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Runs rows of all kinds of lengths, so that no later call pays for what is set up at first use. An engine is not ready
    /// before it.
    pub fn warm_up(&mut self) -> Result<(), LoadError> {
        let started = Instant::now();
        warm_up(&self.network, &self.limits, &self.probe, self.info.tokens_max)?;
        self.info.warm_up_time += started.elapsed();
        Ok(())
    }

    /// What prepares its texts.
    pub(crate) fn preparer(&self) -> &Arc<TextPreparer> {
        &self.texts
    }

    /// Classifies texts: one outcome per text, in their order. A text that fails takes no other with it.
    ///
    /// Rows are batched by length up to the limits of [`LoadOptions`], so any number of texts may be given at once. Every
    /// text goes through the model: it is [`crate::Engine`] that folds equal ones and keeps answers.
    pub fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        let predictor = self.texts.predictor();
        let logits = self.logits(texts).into_iter();
        logits
            .map(|logits| logits.map(|logits| predictor.predict(&logits)))
            .collect()
    }

    /// The probability of every class, by class index, for each text in their order.
    pub fn probabilities(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, RowError>> {
        let predictor = self.texts.predictor();
        let logits = self.logits(texts).into_iter();
        logits
            .map(|logits| logits.map(|logits| predictor.probabilities(&logits)))
            .collect()
    }

    /// The raw scores of the classes, before softmax, for each text in their order.
    pub fn logits(&self, texts: &[&str]) -> Vec<Result<Vec<f32>, RowError>> {
        let encoded: Vec<Result<TokenRow, RowError>> =
            texts.iter().map(|text| self.texts.encode(text)).collect();
        let rows: Vec<&TokenRow> = encoded.iter().filter_map(|row| row.as_ref().ok()).collect();
        let mut answers = self.logits_of_rows(&rows, &|| true).into_iter();
        let lost = || {
            Err(RowError::Forward {
                reason: "the row has no answer".to_owned(),
            })
        };
        // Every row that has tokens is answered, in their order, so each of those takes the next answer.
        encoded
            .iter()
            .map(|row| {
                row.as_ref()
                    .map_err(Clone::clone)
                    .and_then(|_| answers.next().unwrap_or_else(lost))
            })
            .collect()
    }

    /// The logits of rows, in their order, as long as they are `wanted`.
    pub(crate) fn logits_of_rows(
        &self,
        rows: &[&TokenRow],
        wanted: &Wanted<'_>,
    ) -> Vec<Result<Logits, RowError>> {
        batching::run(
            rows,
            &self.limits,
            &self.probe,
            &|batch| self.network.forward(batch),
            wanted,
        )
    }
}
