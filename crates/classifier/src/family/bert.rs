//! BertForSequenceClassification, equal to transformers' (v4 and v5) in inference.

use super::{FamilyModel, PIPELINE_TOKENS_MAX, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::{Activation, Attention, LayerNorm, LayerNormShape, Linear, LinearWeights, Queries, lookup};
use crate::weights::Weights;
use serde::Deserialize;
use tch::{TchError, Tensor};

#[derive(Debug, Deserialize)]
struct BertConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    #[serde(default = "default_type_vocab_size")]
    type_vocab_size: usize,
    #[serde(default = "default_layer_norm_eps")]
    layer_norm_eps: f64,
    #[serde(default = "default_hidden_act")]
    hidden_act: String,
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

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    let config: BertConfig = folder.family_config()?;
    let activation = check(folder, &config)?;
    let hidden = config.hidden_size;
    // The tensors and not config.json say how many classes there are; either will do while the other is missing.
    let heads = ["classifier.weight", "classifier.bias"];
    let classes = heads
        .iter()
        .find_map(|name| weights.shape(name)?.first().copied())
        .unwrap_or(0);
    let norm = LayerNormShape {
        size: hidden,
        eps: config.layer_norm_eps,
    };

    let embeddings = Embeddings {
        words: weights.take(
            "bert.embeddings.word_embeddings.weight",
            &[config.vocab_size, hidden],
        )?,
        positions: weights.take(
            "bert.embeddings.position_embeddings.weight",
            &[config.max_position_embeddings, hidden],
        )?,
        types: weights.take(
            "bert.embeddings.token_type_embeddings.weight",
            &[config.type_vocab_size, hidden],
        )?,
        norm: LayerNorm::take(&mut weights, "bert.embeddings.LayerNorm", norm)?,
    };
    let layers = (0..config.num_hidden_layers)
        .map(|index| {
            Layer::take(
                &mut weights,
                &format!("bert.encoder.layer.{index}"),
                &config,
                activation,
                index + 1 == config.num_hidden_layers,
            )
        })
        .collect::<Result<Vec<Layer>, LoadError>>()?;
    let pooler = LinearWeights::take(&mut weights, "bert.pooler.dense", hidden, hidden)?
        .ready_with(Activation::Tanh)?;
    let classifier = Linear::take(&mut weights, "classifier", hidden, classes)?;
    let parameters = weights.parameters();
    weights.finish()?;
    folder.check_head(classes)?;
    let model = Bert {
        embeddings,
        layers,
        pooler,
        classifier,
    };
    Ok(FamilyModel {
        model: Box::new(model),
        classes,
        tokens_max: config.max_position_embeddings.min(PIPELINE_TOKENS_MAX),
        vocabulary_size: config.vocab_size,
        parameters,
    })
}

/// Refuses what would load but compute something else than transformers does.
fn check(folder: &ModelFolder, config: &BertConfig) -> Result<Activation, LoadError> {
    if let Some(other) = config
        .position_embedding_type
        .as_deref()
        .filter(|kind| *kind != "absolute")
    {
        return Err(folder.unsupported(format!(
            "position_embedding_type {other:?} is not supported; absolute is"
        )));
    }
    if config.is_decoder {
        return Err(folder.unsupported("is_decoder is not supported: the attention would be causal"));
    }
    let sizes = [
        ("vocab_size", config.vocab_size),
        ("hidden_size", config.hidden_size),
        ("num_hidden_layers", config.num_hidden_layers),
        ("num_attention_heads", config.num_attention_heads),
        ("intermediate_size", config.intermediate_size),
        ("max_position_embeddings", config.max_position_embeddings),
        ("type_vocab_size", config.type_vocab_size),
    ];
    if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
        return Err(folder.invalid_config(format!("{name} must not be 0")));
    }
    if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
        return Err(folder.invalid_config(format!(
            "hidden_size {} is no multiple of num_attention_heads {}",
            config.hidden_size, config.num_attention_heads
        )));
    }
    Activation::named(folder, "hidden_act", &config.hidden_act)
}

struct Bert {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    pooler: Linear,
    classifier: Linear,
}

impl SequenceClassifier for Bert {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let mut hidden = self.embeddings.forward(batch)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, batch)?;
        }
        self.classifier.forward(&self.pooler.forward(&hidden)?)
    }
}

struct Embeddings {
    words: Tensor,
    positions: Tensor,
    types: Tensor,
    norm: LayerNorm,
}

impl Embeddings {
    fn forward(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let words = lookup(&self.words, &batch.ids)?;
        let types = match &batch.type_ids {
            Some(type_ids) => lookup(&self.types, type_ids)?,
            None => self.types.f_select(0, 0)?,
        };
        let positions = lookup(&self.positions, &batch.positions)?;
        self.norm.forward(&words.f_add(&types)?.f_add(&positions)?)
    }
}

struct Layer {
    attention: Attention,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
    queries: Queries,
}

impl Layer {
    /// The head reads the first token only, so the last layer computes no other.
    fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        config: &BertConfig,
        activation: Activation,
        last: bool,
    ) -> Result<Self, LoadError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let norm = LayerNormShape {
            size: hidden,
            eps: config.layer_norm_eps,
        };
        let mut product = |name: &str, inputs, outputs| {
            LinearWeights::take(weights, &format!("{prefix}.{name}"), inputs, outputs)
        };
        let query = product("attention.self.query", hidden, hidden)?;
        let key = product("attention.self.key", hidden, hidden)?;
        let value = product("attention.self.value", hidden, hidden)?;
        let attention_output = product("attention.output.dense", hidden, hidden)?;
        let intermediate = product("intermediate.dense", hidden, wide)?;
        let output = product("output.dense", wide, hidden)?;
        Ok(Self {
            attention: Attention::new(query, key, value, config.num_attention_heads, last)?,
            attention_output: attention_output.ready()?,
            attention_norm: LayerNorm::take(weights, &format!("{prefix}.attention.output.LayerNorm"), norm)?,
            intermediate: intermediate.ready_with(activation)?,
            output: output.ready()?,
            output_norm: LayerNorm::take(weights, &format!("{prefix}.output.LayerNorm"), norm)?,
            queries: if last {
                Queries::FirstToken
            } else {
                Queries::AllTokens
            },
        })
    }

    fn forward(&self, hidden: &Tensor, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let context = self
            .attention
            .forward(hidden, &batch.layout, self.queries, None)?;
        let residual = match self.queries {
            Queries::AllTokens => hidden.shallow_clone(),
            Queries::FirstToken => batch.layout.first_tokens(hidden)?,
        };
        let attended = self
            .attention_norm
            .forward(&self.attention_output.forward_plus(&context, &residual)?)?;
        let inner = self.intermediate.forward(&attended)?;
        self.output_norm
            .forward(&self.output.forward_plus(&inner, &attended)?)
    }
}
