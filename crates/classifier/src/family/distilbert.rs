//! DistilBertForSequenceClassification, equal to transformers' in inference. It knows no segments, and its places are a
//! table like any other even where sines filled it.

use super::embeddings::{EmbeddingShape, Embeddings};
use super::encoder::{Encoder, Head, HeadNames, LayerNames, LayerShape, check_sizes};
use super::{FamilyModel, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::Activation;
use crate::weights::{NameTable, Weights};
use serde::Deserialize;
use tch::{TchError, Tensor};

/// Of every layer norm; config.json has no key for it.
const LAYER_NORM_EPS: f64 = 1e-12;

const NAMES: LayerNames = LayerNames {
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    intermediate: "ffn.lin1",
    output: "ffn.lin2",
    output_norm: "output_layer_norm",
};

#[derive(Debug, Deserialize)]
struct DistilBertConfig {
    vocab_size: usize,
    dim: usize,
    n_layers: usize,
    n_heads: usize,
    hidden_dim: usize,
    max_position_embeddings: usize,
    #[serde(default = "default_activation")]
    activation: String,
}

fn default_activation() -> String {
    "gelu".to_owned()
}

/// The head of pre-training.
const TENSOR_NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["vocab_transform.*", "vocab_layer_norm.*", "vocab_projector.*"],
};

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    weights.use_names(&TENSOR_NAMES);
    let config: DistilBertConfig = folder.family_config()?;
    check_sizes(
        folder,
        ("dim", config.dim),
        ("n_heads", config.n_heads),
        &[
            ("vocab_size", config.vocab_size),
            ("n_layers", config.n_layers),
            ("hidden_dim", config.hidden_dim),
            ("max_position_embeddings", config.max_position_embeddings),
        ],
    )?;
    let embeddings = EmbeddingShape {
        size: config.dim,
        words: config.vocab_size,
        positions: config.max_position_embeddings,
        types: None,
        eps: LAYER_NORM_EPS,
    };
    let shape = LayerShape {
        hidden: config.dim,
        heads: config.n_heads,
        intermediate: config.hidden_dim,
        eps: LAYER_NORM_EPS,
        activation: Activation::named(folder, "activation", &config.activation)?,
    };
    let embeddings = Embeddings::take(&mut weights, "distilbert.embeddings", embeddings)?;
    let encoder = Encoder::take(
        &mut weights,
        "distilbert.transformer.layer",
        &NAMES,
        shape,
        config.n_layers,
    )?;
    let names = HeadNames {
        dense: "pre_classifier",
        classifier: "classifier",
    };
    let head = Head::take(&mut weights, &names, config.dim, Activation::Relu)?;
    let classes = head.classes();
    Ok(FamilyModel {
        model: Box::new(DistilBert {
            embeddings,
            encoder,
            head,
        }),
        classes,
        tokens_max: config.max_position_embeddings,
        vocabulary_size: config.vocab_size,
        parameters: weights.finish()?,
    })
}

struct DistilBert {
    embeddings: Embeddings,
    encoder: Encoder,
    head: Head,
}

impl SequenceClassifier for DistilBert {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let embedded = self.embeddings.forward(batch)?;
        self.head
            .forward(&self.encoder.first_tokens(embedded, batch, None)?)
    }
}
