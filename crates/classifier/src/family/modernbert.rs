//! ModernBertForSequenceClassification, equal to transformers' (v4 and v5) in inference.

mod attention;
mod config;
mod rotary;

use self::attention::{RotaryAttention, Window};
use self::config::{ModernBertConfig, Pooling, Settings};
use self::rotary::{RotaryTable, Rotation};
use super::{FamilyModel, PIPELINE_TOKENS_MAX, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::layout::Layout;
use crate::nn::{LayerNorm, Linear, LinearWeights, Queries, lookup};
use crate::weights::{NameTable, Weights};
use tch::{TchError, Tensor};

/// The head of pre-training, which some checkpoints still carry.
const NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["decoder.*"],
};

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    let config: ModernBertConfig = folder.family_config()?;
    let settings = config.check(folder)?;
    weights.use_names(&NAMES);
    let hidden = config.hidden_size;
    let classes = weights.outputs_of("classifier");
    let tokens_max = config.max_position_embeddings.min(PIPELINE_TOKENS_MAX);

    let words = weights.take(
        "model.embeddings.tok_embeddings.weight",
        &[config.vocab_size, hidden],
    )?;
    let embeddings_norm = norm(&mut weights, "model.embeddings.norm", &config)?;
    let layers = (0..config.num_hidden_layers)
        .map(|index| Layer::take(&mut weights, index, &config, &settings))
        .collect::<Result<Vec<Layer>, LoadError>>()?;
    let final_norm = norm(&mut weights, "model.final_norm", &config)?;
    let dense = product(
        &mut weights,
        "head.dense",
        [hidden, hidden],
        config.classifier_bias,
    )?
    .ready_with(settings.classifier_act)?;
    let head_norm = norm(&mut weights, "head.norm", &config)?;
    let classifier = Linear::take(&mut weights, "classifier", hidden, classes)?;
    let device = weights.device();
    let parameters = weights.finish()?;

    let longest = tokens_max as i64;
    let head_size = (hidden / config.num_attention_heads) as i64;
    let rotary = |base| RotaryTable::new(base, head_size, longest, words.kind(), device);
    let reach = i64::try_from(config.local_attention / 2).unwrap_or(i64::MAX - 1);
    let model = ModernBert {
        global_rotary: rotary(settings.global_base)?,
        local_rotary: rotary(settings.local_base)?,
        window: Window::new(reach, longest, words.kind(), device)?,
        words,
        embeddings_norm,
        layers,
        final_norm,
        pooling: settings.pooling,
        dense,
        head_norm,
        classifier,
    };
    Ok(FamilyModel {
        model: Box::new(model),
        classes,
        tokens_max,
        vocabulary_size: config.vocab_size,
        parameters,
    })
}

/// A product from and to the sizes given, with or without a bias.
fn product(
    weights: &mut Weights<'_>,
    name: &str,
    [inputs, outputs]: [usize; 2],
    bias: bool,
) -> Result<LinearWeights, LoadError> {
    if bias {
        LinearWeights::take(weights, name, inputs, outputs)
    } else {
        LinearWeights::take_without_bias(weights, name, inputs, outputs)
    }
}

fn norm(weights: &mut Weights<'_>, name: &str, config: &ModernBertConfig) -> Result<LayerNorm, LoadError> {
    if config.norm_bias {
        LayerNorm::take(weights, name, config.norm())
    } else {
        LayerNorm::take_without_bias(weights, name, config.norm())
    }
}

struct ModernBert {
    words: Tensor,
    embeddings_norm: LayerNorm,
    global_rotary: RotaryTable,
    local_rotary: RotaryTable,
    window: Window,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    pooling: Pooling,
    dense: Linear,
    head_norm: LayerNorm,
    classifier: Linear,
}

impl SequenceClassifier for ModernBert {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let layout = &batch.layout;
        let global = self.global_rotary.at(&batch.positions)?;
        let local = self.local_rotary.at(&batch.positions)?;
        let mut hidden = self.embeddings_norm.forward(&lookup(&self.words, &batch.ids)?)?;
        for layer in &self.layers {
            hidden = if layer.local {
                layer.forward(&hidden, layout, &local, Some(&self.window))?
            } else {
                layer.forward(&hidden, layout, &global, None)?
            };
        }
        let normed = self.final_norm.forward(&hidden)?;
        let pooled = match self.pooling {
            Pooling::FirstToken => normed,
            Pooling::Mean => means(&normed, layout)?,
        };
        let pooled = self.head_norm.forward(&self.dense.forward(&pooled)?)?;
        self.classifier.forward(&pooled)
    }
}

/// The mean over each row's tokens, `[rows, size]`.
fn means(hidden: &Tensor, layout: &Layout) -> Result<Tensor, TchError> {
    let size = hidden.size2()?.1;
    let tokens = [1_i64];
    layout.for_each_run(|run| {
        let rows = run.of(hidden)?.f_view([run.rows, run.tokens, size])?;
        let Some(mask) = &run.mask else {
            return rows.f_mean_dim(tokens.as_slice(), false, None);
        };
        let present = mask.f_view([run.rows, run.tokens, 1])?;
        let sums = rows
            .f_masked_fill(&present.f_logical_not()?, 0.0)?
            .f_sum_dim_intlist(tokens.as_slice(), false, None)?;
        sums.f_div(&present.f_sum_dim_intlist(tokens.as_slice(), false, None)?)
    })
}

struct Layer {
    /// The first layer has none: what it gets is normed already.
    attention_norm: Option<LayerNorm>,
    attention: RotaryAttention,
    attention_output: Linear,
    mlp_norm: LayerNorm,
    /// The two halves of the gated product; the first goes through the activation.
    input: Linear,
    gate: Linear,
    output: Linear,
    /// Whether tokens see their neighbours only.
    local: bool,
    /// First tokens in the last layer, where the head reads no other.
    queries: Queries,
}

impl Layer {
    fn take(
        weights: &mut Weights<'_>,
        index: usize,
        config: &ModernBertConfig,
        settings: &Settings,
    ) -> Result<Self, LoadError> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("model.layers.{index}.{part}");
        let last = index + 1 == config.num_hidden_layers;
        let queries = if last && settings.pooling == Pooling::FirstToken {
            Queries::FirstToken
        } else {
            Queries::AllTokens
        };
        let attention_norm = if index == 0 {
            None
        } else {
            Some(norm(weights, &name("attn_norm"), config)?)
        };
        let (attention_bias, mlp_bias) = (config.attention_bias, config.mlp_bias);
        let joined = product(
            weights,
            &name("attn.Wqkv"),
            [hidden, hidden.saturating_mul(3)],
            attention_bias,
        )?;
        let attention_output = product(weights, &name("attn.Wo"), [hidden, hidden], attention_bias)?;
        let mlp_norm = norm(weights, &name("mlp_norm"), config)?;
        let gated = product(
            weights,
            &name("mlp.Wi"),
            [hidden, wide.saturating_mul(2)],
            mlp_bias,
        )?;
        let output = product(weights, &name("mlp.Wo"), [wide, hidden], mlp_bias)?;
        Ok(Self {
            attention_norm,
            attention: RotaryAttention::new(joined, config.num_attention_heads, queries)?,
            attention_output: attention_output.ready()?,
            mlp_norm,
            input: gated.outputs(0, wide)?.ready_with(settings.hidden_act)?,
            gate: gated.outputs(wide, wide)?.ready()?,
            output: output.ready()?,
            local: config.is_local(index),
            queries,
        })
    }

    fn forward(
        &self,
        hidden: &Tensor,
        layout: &Layout,
        rotation: &Rotation,
        window: Option<&Window>,
    ) -> Result<Tensor, TchError> {
        let normed = match &self.attention_norm {
            Some(norm) => norm.forward(hidden)?,
            None => hidden.shallow_clone(),
        };
        let context = self.attention.forward(&normed, layout, rotation, window)?;
        let residual = match self.queries {
            Queries::AllTokens => hidden.shallow_clone(),
            Queries::FirstToken => layout.first_tokens(hidden)?,
        };
        let attended = self.attention_output.forward_plus(&context, &residual)?;
        let normed = self.mlp_norm.forward(&attended)?;
        let inner = self.input.forward(&normed)?.f_mul(&self.gate.forward(&normed)?)?;
        self.output.forward_plus(&inner, &attended)
    }
}
