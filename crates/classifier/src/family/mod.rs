//! Model families: from config.json and named tensors to logits. One file per family; adding one means a file, a line in
//! `SUPPORTED` and its golden outputs.

mod albert;
mod bert;
mod deberta_v2;
mod distilbert;
mod electra;
mod embeddings;
mod encoder;
mod modernbert;
mod mpnet;
mod roberta;
#[cfg(test)]
mod tests;

use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::layout::Layout;
use crate::weights::Weights;
use tch::{TchError, Tensor};

/// Tokens that the original pipeline allows a row, whatever the model could take.
pub(crate) const PIPELINE_TOKENS_MAX: usize = 512;

/// A batch as the families take it, on the model's device. The first dimension is the tokens of all rows, as `layout` has
/// them.
pub(crate) struct TokenBatch {
    /// Vocabulary ids, `[tokens]`, i64.
    pub ids: Tensor,
    /// Segments, `[tokens]`, i64; `None` means all 0.
    pub type_ids: Option<Tensor>,
    /// Place of each token in its row, 0 for the first, `[tokens]`, i64.
    pub positions: Tensor,
    /// Where the rows are.
    pub layout: Layout,
}

/// A sequence classifier of some family. It keeps no state between calls: several threads call it at once (see
/// [`crate::forward::Network`]).
pub(crate) trait SequenceClassifier: Send {
    /// Raw scores of the classes, `[rows, classes]`, in the model's precision and on its device.
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError>;
}

/// A classifier put together from a folder, with what the rest of the engine must know of it.
pub(crate) struct FamilyModel {
    /// The model.
    pub model: Box<dyn SequenceClassifier>,
    /// Number of classes.
    pub classes: usize,
    /// Longest row that the network takes, special tokens included; more may be than will be used.
    pub tokens_max: usize,
    /// Size of the embedding table.
    pub vocabulary_size: usize,
    /// Number of parameters.
    pub parameters: u64,
}

/// One supported family.
pub(crate) struct Family {
    /// Name in config.json's `architectures`.
    pub architecture: &'static str,
    /// Name in config.json's `model_type`.
    model_type: &'static str,
    /// Puts a model of the family together.
    pub load: fn(&ModelFolder, Weights<'_>) -> Result<FamilyModel, LoadError>,
}

const SUPPORTED: &[Family] = &[
    Family {
        architecture: "BertForSequenceClassification",
        model_type: "bert",
        load: bert::load,
    },
    Family {
        architecture: "RobertaForSequenceClassification",
        model_type: "roberta",
        load: roberta::load,
    },
    Family {
        architecture: "XLMRobertaForSequenceClassification",
        model_type: "xlm-roberta",
        load: roberta::load,
    },
    Family {
        architecture: "CamembertForSequenceClassification",
        model_type: "camembert",
        load: roberta::load,
    },
    Family {
        architecture: "DistilBertForSequenceClassification",
        model_type: "distilbert",
        load: distilbert::load,
    },
    Family {
        architecture: "ElectraForSequenceClassification",
        model_type: "electra",
        load: electra::load,
    },
    Family {
        architecture: "AlbertForSequenceClassification",
        model_type: "albert",
        load: albert::load,
    },
    Family {
        architecture: "MPNetForSequenceClassification",
        model_type: "mpnet",
        load: mpnet::load,
    },
    Family {
        architecture: "DebertaV2ForSequenceClassification",
        model_type: "deberta-v2",
        load: deberta_v2::load,
    },
    Family {
        architecture: "ModernBertForSequenceClassification",
        model_type: "modernbert",
        load: modernbert::load,
    },
];

/// Chooses the family from config.json, without touching the weights.
pub(crate) fn choose(folder: &ModelFolder) -> Result<&'static Family, LoadError> {
    let architectures = &folder.common.architectures;
    let model_type = folder.common.model_type.as_deref();
    let found = SUPPORTED.iter().find(|family| {
        let named = architectures.iter().any(|name| name == family.architecture);
        // Old files name no architecture; then the tensors tell whether there is a classification head.
        named || (architectures.is_empty() && model_type == Some(family.model_type))
    });
    found.ok_or_else(|| {
        let supported: Vec<&str> = SUPPORTED.iter().map(|family| family.architecture).collect();
        let supported = supported.join(", ");
        folder.unsupported(if architectures.is_empty() {
            let model_type = model_type.unwrap_or_default();
            format!("it names no architecture and has the model_type {model_type:?}; supported: {supported}")
        } else {
            format!(
                "architecture {} is not supported; supported: {supported}",
                architectures.join(", ")
            )
        })
    })
}
