//! The encoder layer of BERT and its descendants: attention, then a wide layer, each added to its input and normalised
//! after. Families differ in what they call the tensors, which a table says.

use super::TokenBatch;
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::layout::Layout;
use crate::nn::{
    Activation, Attention, Bias, LayerNorm, LayerNormShape, Linear, LinearWeights, Queries, State,
};
use crate::weights::Weights;
use tch::{TchError, Tensor};

/// What a family calls the tensors of a layer, after the layer's own prefix.
pub(super) struct LayerNames {
    pub query: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    pub attention_output: &'static str,
    pub attention_norm: &'static str,
    pub intermediate: &'static str,
    pub output: &'static str,
    pub output_norm: &'static str,
}

/// BERT's own names, which RoBERTa and ELECTRA share.
pub(super) const BERT_NAMES: LayerNames = LayerNames {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    intermediate: "intermediate.dense",
    output: "output.dense",
    output_norm: "output.LayerNorm",
};

/// Sizes and settings that the layers of an encoder have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerShape {
    /// Width of the hidden states.
    pub hidden: usize,
    /// Attention heads; they share the width between them.
    pub heads: usize,
    /// Width inside the second half of a layer.
    pub intermediate: usize,
    /// Added to the variance in layer norms.
    pub eps: f64,
    /// Between the two products of the second half.
    pub activation: Activation,
}

impl LayerShape {
    /// The shape of the layer norms.
    pub fn norm(&self) -> LayerNormShape {
        LayerNormShape {
            size: self.hidden,
            eps: self.eps,
        }
    }
}

/// What follows the attention in a layer: its output product, then the wide products, each added to its input and normalised.
pub(super) struct AfterAttention {
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

impl AfterAttention {
    /// Takes the tensors under `prefix`.
    pub fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        names: &LayerNames,
        shape: LayerShape,
    ) -> Result<Self, LoadError> {
        let (hidden, wide) = (shape.hidden, shape.intermediate);
        let mut product = |name: &str, inputs, outputs| {
            LinearWeights::take(weights, &format!("{prefix}.{name}"), inputs, outputs)
        };
        let attention_output = product(names.attention_output, hidden, hidden)?;
        let intermediate = product(names.intermediate, hidden, wide)?;
        let output = product(names.output, wide, hidden)?;
        let mut norm = |name: &str| LayerNorm::take(weights, &format!("{prefix}.{name}"), shape.norm());
        Ok(Self {
            attention_output: attention_output.ready()?,
            attention_norm: norm(names.attention_norm)?,
            intermediate: intermediate.ready_with(shape.activation)?,
            output: output.ready()?,
            output_norm: norm(names.output_norm)?,
        })
    }

    /// The next hidden state of the tokens that `context` answers for and `hidden` is of: all, or with
    /// [`Queries::FirstToken`] the first ones.
    pub fn forward(
        &self,
        context: &Tensor,
        hidden: &Tensor,
        layout: &Layout,
        queries: Queries,
    ) -> Result<State, TchError> {
        let residual = match queries {
            Queries::AllTokens => hidden.shallow_clone(),
            Queries::FirstToken => layout.first_tokens(hidden)?,
        };
        let attended = self
            .attention_output
            .forward_norm(context, &residual, &self.attention_norm)?;
        let inner = self.intermediate.forward(&attended.rounded)?;
        self.output
            .forward_norm(&inner, &attended.exact, &self.output_norm)
    }
}

/// One layer. It computes what the last one must, where the head reads only first tokens, if it was taken as such.
pub(super) struct EncoderLayer {
    attention: Attention,
    after: AfterAttention,
}

impl EncoderLayer {
    /// Takes the tensors under `prefix`. `last` says that the layer may be asked for [`Queries::FirstToken`].
    pub fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        names: &LayerNames,
        shape: LayerShape,
        last: bool,
    ) -> Result<Self, LoadError> {
        let mut product = |name: &str| {
            LinearWeights::take(weights, &format!("{prefix}.{name}"), shape.hidden, shape.hidden)
        };
        let query = product(names.query)?;
        let key = product(names.key)?;
        let value = product(names.value)?;
        Ok(Self {
            attention: Attention::new(query, key, value, shape.heads, last)?,
            after: AfterAttention::take(weights, prefix, names, shape)?,
        })
    }

    /// The next hidden state, `[tokens, size]` or, of first tokens, `[rows, size]`.
    pub fn forward(
        &self,
        hidden: &State,
        batch: &TokenBatch,
        queries: Queries,
        bias: Option<Bias<'_>>,
    ) -> Result<State, TchError> {
        let layout = &batch.layout;
        // A last layer is in full precision, if anything is.
        let asked = match queries {
            Queries::AllTokens => &hidden.rounded,
            Queries::FirstToken => &hidden.exact,
        };
        let context = self.attention.forward(asked, layout, queries, bias)?;
        self.after.forward(&context, &hidden.exact, layout, queries)
    }
}

/// Layers one after the other, the last for first tokens only.
pub(super) struct Encoder {
    layers: Vec<EncoderLayer>,
}

impl Encoder {
    /// Takes `count` layers, `PREFIX.0` and so on.
    pub fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        names: &LayerNames,
        shape: LayerShape,
        count: usize,
    ) -> Result<Self, LoadError> {
        let layers = (0..count)
            .map(|index| {
                let prefix = format!("{prefix}.{index}");
                let take = |weights: &mut Weights<'_>, last| {
                    EncoderLayer::take(weights, &prefix, names, shape, last)
                };
                // The last layer has one token of each row to work on, so full precision costs next to nothing.
                if index + 1 == count {
                    weights.exact(|weights| take(weights, true))
                } else {
                    take(weights, false)
                }
            })
            .collect::<Result<Vec<EncoderLayer>, LoadError>>()?;
        Ok(Self { layers })
    }

    /// From embeddings, `[tokens, size]`, to the last hidden state of each row's first token, `[rows, size]`.
    pub fn first_tokens(
        &self,
        embedded: Tensor,
        batch: &TokenBatch,
        bias: Option<Bias<'_>>,
    ) -> Result<Tensor, TchError> {
        let mut hidden = State::of(embedded);
        for (index, layer) in self.layers.iter().enumerate() {
            let queries = if index + 1 == self.layers.len() {
                Queries::FirstToken
            } else {
                Queries::AllTokens
            };
            hidden = layer.forward(&hidden, batch, queries, bias)?;
        }
        Ok(hidden.exact)
    }
}

/// A dense layer with an activation and the layer that answers the logits: the head of every family here.
pub(super) struct Head {
    dense: Linear,
    classifier: Linear,
    classes: usize,
}

/// What a family calls the two layers of its head.
pub(super) struct HeadNames {
    pub dense: &'static str,
    pub classifier: &'static str,
}

impl Head {
    /// Takes the head's tensors. They, and not config.json, say how many classes there are.
    pub fn take(
        weights: &mut Weights<'_>,
        names: &HeadNames,
        hidden: usize,
        activation: Activation,
    ) -> Result<Self, LoadError> {
        let classes = weights.outputs_of(names.classifier);
        Ok(Self {
            dense: weights
                .exact(|weights| LinearWeights::take(weights, names.dense, hidden, hidden))?
                .ready_with(activation)?,
            classifier: weights.exact(|weights| Linear::take(weights, names.classifier, hidden, classes))?,
            classes,
        })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// From first tokens, `[rows, size]`, to logits, `[rows, classes]`.
    pub fn forward(&self, first_tokens: &Tensor) -> Result<Tensor, TchError> {
        self.classifier.forward(&self.dense.forward(first_tokens)?)
    }
}

/// Refuses what would load but compute something else than transformers does: the settings that the families have in common.
pub(super) fn check_attention(
    folder: &ModelFolder,
    position_embedding_type: Option<&str>,
    is_decoder: bool,
) -> Result<(), LoadError> {
    if let Some(other) = position_embedding_type.filter(|kind| *kind != "absolute") {
        return Err(folder.unsupported(format!(
            "position_embedding_type {other:?} is not supported; absolute is"
        )));
    }
    if is_decoder {
        return Err(folder.unsupported("is_decoder is not supported: the attention would be causal"));
    }
    Ok(())
}

/// Refuses a size of 0 by its name in config.json, and heads that do not divide `hidden` evenly.
pub(super) fn check_sizes(
    folder: &ModelFolder,
    hidden: (&str, usize),
    heads: (&str, usize),
    others: &[(&str, usize)],
) -> Result<(), LoadError> {
    let mut sizes = [hidden, heads].into_iter().chain(others.iter().copied());
    if let Some((name, _)) = sizes.find(|(_, size)| *size == 0) {
        return Err(folder.invalid_config(format!("{name} must not be 0")));
    }
    if !hidden.1.is_multiple_of(heads.1) {
        return Err(folder.invalid_config(format!(
            "{} {} is no multiple of {} {}",
            hidden.0, hidden.1, heads.0, heads.1
        )));
    }
    Ok(())
}
