//! DebertaV2ForSequenceClassification (checkpoints of v2 and v3), equal to transformers' in inference.

mod attention;
mod config;
mod positions;

use self::attention::DisentangledAttention;
use self::config::{Convolution, DebertaConfig, Settings};
use super::encoder::{AfterAttention, BERT_NAMES, Head, HeadNames, LayerShape};
use super::{FamilyModel, PIPELINE_TOKENS_MAX, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::layout::Layout;
use crate::nn::{LayerNorm, Linear, LinearWeights, Queries, lookup};
use crate::weights::{NameTable, Weights};
use tch::{TchError, Tensor};

/// Heads of pre-training that some checkpoints still carry.
const NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["lm_predictions.*", "mask_predictions.*", "cls.*"],
};

/// Where places are not in the embeddings, some files keep the table of them although nothing uses it, and transformers
/// passes over it.
const NAMES_WITHOUT_POSITIONS: NameTable = NameTable {
    renamed: &[],
    ignored: &[
        "lm_predictions.*",
        "mask_predictions.*",
        "cls.*",
        POSITION_EMBEDDINGS,
    ],
};

const POSITION_EMBEDDINGS: &str = "deberta.embeddings.position_embeddings.weight";

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    let config: DebertaConfig = folder.family_config()?;
    let settings = config.check(folder)?;
    weights.use_names(if config.position_biased_input {
        &NAMES
    } else {
        &NAMES_WITHOUT_POSITIONS
    });
    let tokens_max = config.max_position_embeddings.min(PIPELINE_TOKENS_MAX);

    let embeddings = Embeddings::take(&mut weights, &config)?;
    let relative = take_relative_embeddings(&mut weights, &config, &settings, tokens_max)?;
    let convolution = settings
        .convolution
        .map(|convolution| ConvolutionLayer::take(&mut weights, &config, convolution))
        .transpose()?;
    let layers = (0..config.num_hidden_layers)
        .map(|index| {
            // The head reads the first token only, so the last layer computes no other, unless the convolution must be
            // added to its output.
            let last = index + 1 == config.num_hidden_layers;
            let queries = if last && (index > 0 || convolution.is_none()) {
                Queries::FirstToken
            } else {
                Queries::AllTokens
            };
            Layer::take(
                &mut weights,
                index,
                &config,
                &settings,
                relative.as_ref(),
                queries,
            )
        })
        .collect::<Result<Vec<Layer>, LoadError>>()?;
    let names = HeadNames {
        dense: "pooler.dense",
        classifier: "classifier",
    };
    let head = Head::take(&mut weights, &names, config.hidden_size, settings.pooler_act)?;
    let classes = head.classes();
    let model = Deberta {
        embeddings,
        convolution,
        layers,
        head,
    };
    Ok(FamilyModel {
        model: Box::new(model),
        classes,
        tokens_max,
        vocabulary_size: config.vocab_size,
        parameters: weights.finish()?,
    })
}

/// The relative embeddings by distance, from the smallest to the largest of a row of `longest` tokens,
/// `[2 * longest - 1, size]`.
fn take_relative_embeddings(
    weights: &mut Weights<'_>,
    config: &DebertaConfig,
    settings: &Settings,
    longest: usize,
) -> Result<Option<Tensor>, LoadError> {
    // transformers makes this norm even where there is nothing to normalise.
    let norm = if config.norms_relative_embeddings() {
        Some(LayerNorm::take(
            weights,
            "deberta.encoder.LayerNorm",
            config.norm(),
        )?)
    } else {
        None
    };
    let Some(positions) = settings.relative else {
        return Ok(None);
    };
    let span = usize::try_from(positions.span()).unwrap_or(usize::MAX);
    let table = weights.take(
        "deberta.encoder.rel_embeddings.weight",
        &[span.saturating_mul(2), config.hidden_size],
    )?;
    let rows = positions
        .table_rows(longest as i64)?
        .f_to_device(weights.device())?;
    let embeddings = table.f_index_select(0, &rows)?;
    Ok(Some(match norm {
        Some(norm) => norm.forward(&embeddings)?,
        None => embeddings,
    }))
}

struct Deberta {
    embeddings: Embeddings,
    convolution: Option<ConvolutionLayer>,
    layers: Vec<Layer>,
    head: Head,
}

impl SequenceClassifier for Deberta {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let embedded = self.embeddings.forward(batch)?;
        let mut hidden = embedded.shallow_clone();
        let mut queries = Queries::AllTokens;
        for (index, layer) in self.layers.iter().enumerate() {
            hidden = layer.forward(&hidden, &batch.layout)?;
            queries = layer.queries;
            if let Some(convolution) = self.convolution.as_ref().filter(|_| index == 0) {
                hidden = convolution.forward(&embedded, &hidden, &batch.layout)?;
            }
        }
        if queries == Queries::AllTokens {
            hidden = batch.layout.first_tokens(&hidden)?;
        }
        self.head.forward(&hidden)
    }
}

struct Embeddings {
    words: Tensor,
    positions: Option<Tensor>,
    types: Option<Tensor>,
    projection: Option<Linear>,
    norm: LayerNorm,
}

impl Embeddings {
    fn take(weights: &mut Weights<'_>, config: &DebertaConfig) -> Result<Self, LoadError> {
        let (hidden, size) = (config.hidden_size, config.embedding_size());
        let words = weights.take(
            "deberta.embeddings.word_embeddings.weight",
            &[config.vocab_size, size],
        )?;
        let positions = if config.position_biased_input {
            Some(weights.take(POSITION_EMBEDDINGS, &[config.max_position_embeddings, size])?)
        } else {
            None
        };
        let types = if config.type_vocab_size > 0 {
            let name = "deberta.embeddings.token_type_embeddings.weight";
            Some(weights.take(name, &[config.type_vocab_size, size])?)
        } else {
            None
        };
        let projection = if size == hidden {
            None
        } else {
            let name = "deberta.embeddings.embed_proj";
            Some(LinearWeights::take_without_bias(weights, name, size, hidden)?.ready()?)
        };
        Ok(Self {
            words,
            positions,
            types,
            projection,
            norm: LayerNorm::take(weights, "deberta.embeddings.LayerNorm", config.norm())?,
        })
    }

    fn forward(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let mut embedded = lookup(&self.words, &batch.ids)?;
        if let Some(positions) = &self.positions {
            embedded = embedded.f_add(&lookup(positions, &batch.positions)?)?;
        }
        if let Some(types) = &self.types {
            embedded = embedded.f_add(&match &batch.type_ids {
                Some(type_ids) => lookup(types, type_ids)?,
                None => types.f_select(0, 0)?,
            })?;
        }
        if let Some(projection) = &self.projection {
            embedded = projection.forward(&embedded)?;
        }
        self.norm.forward(&embedded)
    }
}

/// A convolution over the embeddings of neighbouring tokens, added to the first layer's output.
struct ConvolutionLayer {
    weight: Tensor,
    bias: Tensor,
    settings: Convolution,
    norm: LayerNorm,
}

impl ConvolutionLayer {
    fn take(
        weights: &mut Weights<'_>,
        config: &DebertaConfig,
        settings: Convolution,
    ) -> Result<Self, LoadError> {
        let hidden = config.hidden_size;
        Ok(Self {
            weight: weights.take(
                "deberta.encoder.conv.conv.weight",
                &[hidden, hidden / settings.groups, settings.kernel_size],
            )?,
            bias: weights.take("deberta.encoder.conv.conv.bias", &[hidden])?,
            settings,
            norm: LayerNorm::take(weights, "deberta.encoder.conv.LayerNorm", config.norm())?,
        })
    }

    fn forward(&self, embedded: &Tensor, hidden: &Tensor, layout: &Layout) -> Result<Tensor, TchError> {
        let size = embedded.size2()?.1;
        let convolved = layout.for_each_run(|run| {
            let mut rows = run.of(embedded)?.f_view([run.rows, run.tokens, size])?;
            if let Some(mask) = &run.mask {
                // Padding counts as what lies beyond a row's ends.
                let padding = mask.f_logical_not()?.f_view([run.rows, run.tokens, 1])?;
                rows = rows.f_masked_fill(&padding, 0.0)?;
            }
            rows.f_transpose(1, 2)?
                .f_conv1d(
                    &self.weight,
                    Some(&self.bias),
                    1,
                    (self.settings.kernel_size as i64 - 1) / 2,
                    1,
                    self.settings.groups as i64,
                )?
                .f_transpose(1, 2)?
                .f_reshape([run.rows * run.tokens, size])
        })?;
        let convolved = self.settings.activation.forward(&convolved)?;
        self.norm.forward(&hidden.f_add(&convolved)?)
    }
}

struct Layer {
    attention: DisentangledAttention,
    after: AfterAttention,
    queries: Queries,
}

impl Layer {
    fn take(
        weights: &mut Weights<'_>,
        index: usize,
        config: &DebertaConfig,
        settings: &Settings,
        relative: Option<&Tensor>,
        queries: Queries,
    ) -> Result<Self, LoadError> {
        let prefix = format!("deberta.encoder.layer.{index}");
        let attention = format!("{prefix}.attention.self");
        let shape = LayerShape {
            hidden: config.hidden_size,
            heads: config.num_attention_heads,
            intermediate: config.intermediate_size,
            eps: config.layer_norm_eps,
            activation: settings.hidden_act,
        };
        Ok(Self {
            attention: DisentangledAttention::take(weights, &attention, config, relative, queries)?,
            after: AfterAttention::take(weights, &prefix, &BERT_NAMES, shape)?,
            queries,
        })
    }

    fn forward(&self, hidden: &Tensor, layout: &Layout) -> Result<Tensor, TchError> {
        let context = self.attention.forward(hidden, layout)?;
        let next = self.after.forward(&context, hidden, layout, self.queries)?;
        Ok(next.exact)
    }
}
