//! MPNetForSequenceClassification, equal to transformers' in inference: BERT's layer with a bias by distance on the attention
//! scores, the same in every layer.

use super::bert::BertConfig;
use super::embeddings::Embeddings;
use super::encoder::{Encoder, Head, HeadNames, LayerNames};
use super::{FamilyModel, PIPELINE_TOKENS_MAX, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::layout::Run;
use crate::nn::{Activation, lookup};
use crate::weights::{NameTable, Weights};
use serde::Deserialize;
use tch::{Device, Kind, TchError, Tensor};

/// transformers counts places from the one after it, whatever config.json calls padding.
const PADDING_ID: usize = 1;

/// Buckets that distances fall into, whatever config.json says; the table may have more rows than are used.
const BUCKETS: i64 = 32;

/// Distance from which all share the last bucket.
const DISTANCE_MAX: f64 = 128.0;

const NAMES: LayerNames = LayerNames {
    query: "attention.attn.q",
    key: "attention.attn.k",
    value: "attention.attn.v",
    attention_output: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    intermediate: "intermediate.dense",
    output: "output.dense",
    output_norm: "output.LayerNorm",
};

/// What MPNet's config.json has beside BERT's keys.
#[derive(Debug, Deserialize)]
struct MpnetConfig {
    #[serde(default = "default_buckets")]
    relative_attention_num_buckets: usize,
}

fn default_buckets() -> usize {
    BUCKETS as usize
}

/// The head of pre-training, and the pooler that this classifier has no use for.
const TENSOR_NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["lm_head.*", "mpnet.pooler.*"],
};

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    weights.use_names(&TENSOR_NAMES);
    let config: BertConfig = folder.family_config()?;
    let MpnetConfig {
        relative_attention_num_buckets: buckets,
    } = folder.family_config()?;
    let shape = config.check(folder)?;
    if buckets < default_buckets() {
        return Err(folder.unsupported(format!(
            "relative_attention_num_buckets {buckets} is not supported; {BUCKETS} and more are"
        )));
    }
    let tokens_max = config.max_position_embeddings.saturating_sub(PADDING_ID + 1);
    if tokens_max == 0 {
        return Err(folder.invalid_config(format!(
            "max_position_embeddings {} leaves no place for a token",
            config.max_position_embeddings
        )));
    }
    let tokens_max = tokens_max.min(PIPELINE_TOKENS_MAX);
    let mut embeddings = config.embeddings(config.hidden_size);
    embeddings.types = None;
    let embeddings = Embeddings::take(&mut weights, "mpnet.embeddings", embeddings)?;
    let encoder = Encoder::take(
        &mut weights,
        "mpnet.encoder.layer",
        &NAMES,
        shape,
        config.num_hidden_layers,
    )?;
    let bias = weights.take(
        "mpnet.encoder.relative_attention_bias.weight",
        &[buckets, shape.heads],
    )?;
    let bias = DistanceBias::new(&bias, tokens_max as i64)?;
    let names = HeadNames {
        dense: "classifier.dense",
        classifier: "classifier.out_proj",
    };
    let head = Head::take(&mut weights, &names, config.hidden_size, Activation::Tanh)?;
    let classes = head.classes();
    Ok(FamilyModel {
        model: Box::new(Mpnet {
            embeddings,
            bias,
            encoder,
            head,
        }),
        classes,
        tokens_max,
        vocabulary_size: config.vocab_size,
        parameters: weights.finish()?,
    })
}

struct Mpnet {
    embeddings: Embeddings,
    bias: DistanceBias,
    encoder: Encoder,
    head: Head,
}

impl SequenceClassifier for Mpnet {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let embedded = self.embeddings.forward_after_padding(batch, PADDING_ID as i64)?;
        let bias = |run: &Run| self.bias.of(run);
        self.head
            .forward(&self.encoder.first_tokens(embedded, batch, Some(&bias))?)
    }
}

/// What is added to the attention score of each two tokens, by how far apart they are and on which side.
struct DistanceBias {
    /// For the longest row, `[1, heads, tokens, tokens]`; shorter rows take its corner. The layers share it, so it is made
    /// once and for all.
    longest: Tensor,
}

impl DistanceBias {
    /// `table` is `[buckets, heads]`.
    fn new(table: &Tensor, tokens: i64) -> Result<Self, TchError> {
        let places = Tensor::f_arange(tokens, (Kind::Int64, Device::Cpu))?;
        let distances = places.f_unsqueeze(1)?.f_sub(&places.f_unsqueeze(0)?)?;
        let buckets = buckets(&distances)?.f_to_device(table.device())?;
        let bias = lookup(table, &buckets)?.f_permute([2, 0, 1])?;
        Ok(Self {
            longest: bias.f_unsqueeze(0)?.f_contiguous()?,
        })
    }

    /// For the rows of a run, without copying.
    fn of(&self, run: &Run) -> Result<Tensor, TchError> {
        let queries = self.longest.f_narrow(2, 0, run.tokens)?;
        queries.f_narrow(3, 0, run.tokens)
    }
}

/// The bucket of each distance, which is that of the query less that of the key: half of them for keys before the query, half for
/// those after; of each half one by one at first, then ever wider ones, by the logarithm. transformers'
/// `relative_position_bucket`, with its operations in its order, since rounding decides at the borders.
fn buckets(distances: &Tensor) -> Result<Tensor, TchError> {
    let half = BUCKETS / 2;
    let exact = half / 2;
    let after = distances.f_lt(0)?.f_to_kind(Kind::Int64)?.f_mul_scalar(half)?;
    let apart = distances.f_abs()?;
    let wide = apart
        .f_to_kind(Kind::Float)?
        .f_div_scalar(exact)?
        .f_log()?
        .f_div_scalar((DISTANCE_MAX / exact as f64).ln())?
        .f_mul_scalar(half - exact)?
        // Of distance 0, whose logarithm is none, another bucket is taken.
        .f_clamp_min(0.0)?
        .f_to_kind(Kind::Int64)?
        .f_add_scalar(exact)?
        .f_clamp_max(half - 1)?;
    apart.f_where_self(&apart.f_lt(exact)?, &wide)?.f_add(&after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_exact_at_first_then_wider_and_end() {
        let bucket = |distance: i64| buckets(&Tensor::from(distance)).unwrap().int64_value(&[]);
        for distance in 0..8 {
            assert_eq!(bucket(distance), distance);
        }
        // The borders lie at 8 times powers of the eighth root of 16.
        assert_eq!([8, 11, 12, 15].map(bucket), [8, 8, 9, 9]);
        assert_eq!([17, 31, 65, 90, 91, 127].map(bucket), [10, 11, 14, 14, 15, 15]);
        assert_eq!([128, 511, 5000].map(bucket), [15, 15, 15]);
        assert_eq!([-1, -7, -8, -500].map(bucket), [17, 23, 24, 31]);
    }
}
