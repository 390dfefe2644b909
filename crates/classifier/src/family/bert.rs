//! BertForSequenceClassification, equal to transformers' (v4 and v5) in inference.

use super::embeddings::{EmbeddingShape, Embeddings};
use super::encoder::{BERT_NAMES, Encoder, Head, HeadNames, LayerShape, check_attention, check_sizes};
use super::{FamilyModel, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::Activation;
use crate::weights::{NameTable, Weights};
use serde::Deserialize;
use tch::{TchError, Tensor};

/// Heads of pre-training that some checkpoints still carry.
const TENSOR_NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["cls.*"],
};

/// config.json of the families that kept BERT's keys.
#[derive(Debug, Deserialize)]
pub(super) struct BertConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub max_position_embeddings: usize,
    #[serde(default = "default_type_vocab_size")]
    pub type_vocab_size: usize,
    #[serde(default = "default_layer_norm_eps")]
    pub layer_norm_eps: f64,
    #[serde(default = "default_hidden_act")]
    pub hidden_act: String,
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
}

fn default_type_vocab_size() -> usize {
    2
}

fn default_layer_norm_eps() -> f64 {
    1e-12
}

fn default_hidden_act() -> String {
    "gelu".to_owned()
}

impl BertConfig {
    /// Refuses what would load but compute something else than transformers does; else the shape of the layers.
    pub fn check(&self, folder: &ModelFolder) -> Result<LayerShape, LoadError> {
        check_attention(folder, self.position_embedding_type.as_deref(), self.is_decoder)?;
        check_sizes(
            folder,
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            &[
                ("vocab_size", self.vocab_size),
                ("num_hidden_layers", self.num_hidden_layers),
                ("intermediate_size", self.intermediate_size),
                ("max_position_embeddings", self.max_position_embeddings),
                ("type_vocab_size", self.type_vocab_size),
            ],
        )?;
        Ok(LayerShape {
            hidden: self.hidden_size,
            heads: self.num_attention_heads,
            intermediate: self.intermediate_size,
            eps: self.layer_norm_eps,
            activation: Activation::named(folder, "hidden_act", &self.hidden_act)?,
        })
    }

    /// The shape of embeddings that are `size` wide.
    pub fn embeddings(&self, size: usize) -> EmbeddingShape {
        EmbeddingShape {
            size,
            words: self.vocab_size,
            positions: self.max_position_embeddings,
            types: Some(self.type_vocab_size),
            eps: self.layer_norm_eps,
        }
    }
}

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    let config: BertConfig = folder.family_config()?;
    let shape = config.check(folder)?;
    weights.use_names(&TENSOR_NAMES);
    let embeddings = Embeddings::take(
        &mut weights,
        "bert.embeddings",
        config.embeddings(config.hidden_size),
    )?;
    let encoder = Encoder::take(
        &mut weights,
        "bert.encoder.layer",
        &BERT_NAMES,
        shape,
        config.num_hidden_layers,
    )?;
    let names = HeadNames {
        dense: "bert.pooler.dense",
        classifier: "classifier",
    };
    let head = Head::take(&mut weights, &names, config.hidden_size, Activation::Tanh)?;
    let classes = head.classes();
    Ok(FamilyModel {
        model: Box::new(Bert {
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

struct Bert {
    embeddings: Embeddings,
    encoder: Encoder,
    head: Head,
}

impl SequenceClassifier for Bert {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let embedded = self.embeddings.forward(batch)?;
        self.head
            .forward(&self.encoder.first_tokens(embedded, batch, None)?)
    }
}
