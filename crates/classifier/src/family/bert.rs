//! BertForSequenceClassification, equal to transformers' (v4 and v5) in inference.

use super::{FamilyModel, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::weights::Weights;
use serde::Deserialize;
use tch::{Device, Kind, TchError, Tensor};

/// Tokens that the original pipeline allows a row, whatever the model could take.
const PIPELINE_TOKENS_MAX: usize = 512;

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
            )
        })
        .collect::<Result<Vec<Layer>, LoadError>>()?;
    let pooler = Linear::take(&mut weights, "bert.pooler.dense", hidden, hidden)?;
    let classifier = Linear::take(&mut weights, "classifier", hidden, classes)?;
    let (parameters, device) = (weights.parameters(), weights.device());
    weights.finish()?;
    folder.check_head(classes)?;
    let position_ids = Tensor::f_arange(config.max_position_embeddings as i64, (Kind::Int64, Device::Cpu))?;
    let model = Bert {
        embeddings,
        layers,
        pooler,
        classifier,
        position_ids: position_ids.f_to_device(device)?,
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
    match config.hidden_act.as_str() {
        "gelu" => Ok(Activation::GeluErf),
        "gelu_new" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        "relu" => Ok(Activation::Relu),
        other => Err(folder.unsupported(format!(
            "hidden_act {other:?} is not supported; gelu, gelu_new and relu are"
        ))),
    }
}

struct Bert {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    pooler: Linear,
    classifier: Linear,
    /// 0, 1, 2, … on the device.
    position_ids: Tensor,
}

impl SequenceClassifier for Bert {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let mut hidden = self.embeddings.forward(batch, &self.position_ids)?;
        for (index, layer) in self.layers.iter().enumerate() {
            // The head reads the first token only, so the last layer computes no other.
            let rows = if index + 1 == self.layers.len() {
                Queries::FirstToken
            } else {
                Queries::AllTokens
            };
            hidden = layer.forward(&hidden, batch.mask.as_ref(), rows)?;
        }
        let pooled = self.pooler.forward(&hidden.f_select(1, 0)?)?.f_tanh()?;
        self.classifier.forward(&pooled)
    }
}

struct Embeddings {
    words: Tensor,
    positions: Tensor,
    types: Tensor,
    norm: LayerNorm,
}

impl Embeddings {
    fn forward(&self, batch: &TokenBatch, position_ids: &Tensor) -> Result<Tensor, TchError> {
        let tokens = batch.ids.size2()?.1;
        let words = lookup(&self.words, &batch.ids)?;
        let types = match &batch.type_ids {
            Some(type_ids) => lookup(&self.types, type_ids)?,
            None => self.types.f_select(0, 0)?,
        };
        let positions = lookup(&self.positions, &position_ids.f_narrow(0, 0, tokens)?)?;
        self.norm.forward(&words.f_add(&types)?.f_add(&positions)?)
    }
}

fn lookup(table: &Tensor, ids: &Tensor) -> Result<Tensor, TchError> {
    Tensor::f_embedding(table, ids, -1, false, false)
}

/// Which tokens a layer answers for; all of them are attended to either way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queries {
    AllTokens,
    FirstToken,
}

struct Layer {
    /// Query, key and value in one product.
    query_key_value: Linear,
    /// The first third of it.
    query: Linear,
    /// The other two thirds.
    key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
    activation: Activation,
    heads: i64,
}

impl Layer {
    fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        config: &BertConfig,
        activation: Activation,
    ) -> Result<Self, LoadError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let norm = LayerNormShape {
            size: hidden,
            eps: config.layer_norm_eps,
        };
        let query = Linear::take(weights, &format!("{prefix}.attention.self.query"), hidden, hidden)?;
        let key = Linear::take(weights, &format!("{prefix}.attention.self.key"), hidden, hidden)?;
        let value = Linear::take(weights, &format!("{prefix}.attention.self.value"), hidden, hidden)?;
        let query_key_value = Linear {
            weight: Tensor::f_cat(&[query.weight, key.weight, value.weight], 0)?,
            bias: Tensor::f_cat(&[query.bias, key.bias, value.bias], 0)?,
        };
        Ok(Self {
            query: query_key_value.outputs(0, hidden)?,
            key_value: query_key_value.outputs(hidden, 2 * hidden)?,
            query_key_value,
            attention_output: Linear::take(
                weights,
                &format!("{prefix}.attention.output.dense"),
                hidden,
                hidden,
            )?,
            attention_norm: LayerNorm::take(weights, &format!("{prefix}.attention.output.LayerNorm"), norm)?,
            intermediate: Linear::take(weights, &format!("{prefix}.intermediate.dense"), hidden, wide)?,
            output: Linear::take(weights, &format!("{prefix}.output.dense"), wide, hidden)?,
            output_norm: LayerNorm::take(weights, &format!("{prefix}.output.LayerNorm"), norm)?,
            activation,
            heads: config.num_attention_heads as i64,
        })
    }

    fn forward(&self, hidden: &Tensor, mask: Option<&Tensor>, queries: Queries) -> Result<Tensor, TchError> {
        let (rows, tokens, size) = hidden.size3()?;
        let (residual, query, key, value) = match queries {
            Queries::AllTokens => {
                let [query, key, value] = self.split_heads(&self.query_key_value.forward(hidden)?)?;
                (hidden.shallow_clone(), query, key, value)
            }
            Queries::FirstToken => {
                let first = hidden.f_narrow(1, 0, 1)?;
                let [query] = self.split_heads(&self.query.forward(&first)?)?;
                let [key, value] = self.split_heads(&self.key_value.forward(hidden)?)?;
                (first, query, key, value)
            }
        };
        let tokens = if queries == Queries::FirstToken { 1 } else { tokens };
        // The scale is libtorch's default, one over the root of the head's size.
        let context =
            Tensor::f_scaled_dot_product_attention(&query, &key, &value, mask, 0.0, false, None, false)?;
        let context = context.f_transpose(1, 2)?.f_reshape([rows, tokens, size])?;
        let attended = self
            .attention_norm
            .forward(&self.attention_output.forward(&context)?.f_add(&residual)?)?;
        let inner = self.activation.forward(&self.intermediate.forward(&attended)?)?;
        self.output_norm
            .forward(&self.output.forward(&inner)?.f_add(&attended)?)
    }

    /// Cuts `[rows, tokens, PARTS * size]` into parts of `[rows, heads, tokens, head size]`, without copying.
    fn split_heads<const PARTS: usize>(&self, joined: &Tensor) -> Result<[Tensor; PARTS], TchError> {
        let (rows, tokens, width) = joined.size3()?;
        let head_size = width / (PARTS as i64 * self.heads);
        let parts = joined
            .f_view([rows, tokens, PARTS as i64, self.heads, head_size])?
            .f_permute([2, 0, 3, 1, 4])?;
        let parts = parts.f_unbind(0)?;
        parts
            .try_into()
            .map_err(|_| TchError::Shape("unbind answered another number of tensors".to_owned()))
    }
}

struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            weight: weights.take(&format!("{prefix}.weight"), &[outputs, inputs])?,
            bias: weights.take(&format!("{prefix}.bias"), &[outputs])?,
        })
    }

    /// A view on some of the outputs.
    fn outputs(&self, start: usize, length: usize) -> Result<Self, TchError> {
        let (start, length) = (start as i64, length as i64);
        Ok(Self {
            weight: self.weight.f_narrow(0, start, length)?,
            bias: self.bias.f_narrow(0, start, length)?,
        })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_linear(&self.weight, Some(&self.bias))
    }
}

#[derive(Clone, Copy)]
struct LayerNormShape {
    size: usize,
    eps: f64,
}

struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    shape: LayerNormShape,
}

impl LayerNorm {
    fn take(weights: &mut Weights<'_>, prefix: &str, shape: LayerNormShape) -> Result<Self, LoadError> {
        Ok(Self {
            weight: weights.take(&format!("{prefix}.weight"), &[shape.size])?,
            bias: weights.take(&format!("{prefix}.bias"), &[shape.size])?,
            shape,
        })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_layer_norm(
            [self.shape.size as i64],
            Some(&self.weight),
            Some(&self.bias),
            self.shape.eps,
            true,
        )
    }
}

#[derive(Clone, Copy)]
enum Activation {
    /// transformers' `gelu`: exact, by the error function.
    GeluErf,
    /// transformers' `gelu_new`: the approximation by tanh.
    GeluTanh,
    Relu,
}

impl Activation {
    fn forward(self, input: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::GeluErf => input.f_gelu("none"),
            Self::GeluTanh => input.f_gelu("tanh"),
            Self::Relu => input.f_relu(),
        }
    }
}
