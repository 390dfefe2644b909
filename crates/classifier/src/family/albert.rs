//! AlbertForSequenceClassification, equal to transformers' in inference: small embeddings, and layers that are used again and
//! again.

use super::bert::BertConfig;
use super::embeddings::Embeddings;
use super::encoder::{EncoderLayer, Head, HeadNames, LayerNames};
use super::{FamilyModel, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::{Activation, Linear, Queries, State};
use crate::weights::{NameTable, Weights};
use serde::Deserialize;
use serde_json::Value;
use tch::{TchError, Tensor};

/// Of turns, groups and layers in a group. The weights do not limit them here, since they are used again and again; published
/// models have 24 turns at most.
const LAYERS_MAX: usize = 1_000;

const NAMES: LayerNames = LayerNames {
    query: "attention.query",
    key: "attention.key",
    value: "attention.value",
    attention_output: "attention.dense",
    attention_norm: "attention.LayerNorm",
    intermediate: "ffn",
    output: "ffn_output",
    output_norm: "full_layer_layer_norm",
};

/// What ALBERT's config.json has beside BERT's keys.
#[derive(Debug, Deserialize)]
struct AlbertConfig {
    #[serde(default = "default_embedding_size")]
    embedding_size: usize,
    #[serde(default = "one")]
    num_hidden_groups: usize,
    #[serde(default = "one")]
    inner_group_num: usize,
}

fn default_embedding_size() -> usize {
    128
}

fn one() -> usize {
    1
}

/// Heads of pre-training.
const TENSOR_NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["predictions.*", "sop_classifier.*"],
};

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    weights.use_names(&TENSOR_NAMES);
    let mut config: BertConfig = folder.family_config()?;
    if folder.config.get("hidden_act").is_none_or(Value::is_null) {
        // ALBERT's default is not BERT's.
        config.hidden_act = "gelu_new".to_owned();
    }
    let albert: AlbertConfig = folder.family_config()?;
    let shape = config.check(folder)?;
    if albert.embedding_size == 0 {
        return Err(folder.invalid_config("embedding_size must not be 0"));
    }
    for (name, count) in [
        ("num_hidden_layers", config.num_hidden_layers),
        ("num_hidden_groups", albert.num_hidden_groups),
        ("inner_group_num", albert.inner_group_num),
    ] {
        if !(1..=LAYERS_MAX).contains(&count) {
            return Err(folder.invalid_config(format!("{name} {count} is not from 1 to {LAYERS_MAX}")));
        }
    }
    let embeddings = config.embeddings(albert.embedding_size);
    let embeddings = Embeddings::take(&mut weights, "albert.embeddings", embeddings)?;
    let projection = Linear::take(
        &mut weights,
        "albert.encoder.embedding_hidden_mapping_in",
        albert.embedding_size,
        config.hidden_size,
    )?;
    let steps = steps(config.num_hidden_layers, &albert);
    let last = steps.last().copied();
    let layers = (0..albert.num_hidden_groups * albert.inner_group_num)
        .map(|index| {
            let (group, inner) = (index / albert.inner_group_num, index % albert.inner_group_num);
            let prefix = format!("albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}");
            EncoderLayer::take(&mut weights, &prefix, &NAMES, shape, last == Some(index))
        })
        .collect::<Result<Vec<EncoderLayer>, LoadError>>()?;
    let names = HeadNames {
        dense: "albert.pooler",
        classifier: "classifier",
    };
    let head = Head::take(&mut weights, &names, config.hidden_size, Activation::Tanh)?;
    let classes = head.classes();
    Ok(FamilyModel {
        model: Box::new(Albert {
            embeddings,
            projection,
            layers,
            steps,
            head,
        }),
        classes,
        tokens_max: config.max_position_embeddings,
        vocabulary_size: config.vocab_size,
        parameters: weights.finish()?,
    })
}

/// Which layer is used at each step: every group takes an equal share of `count` turns, and a turn goes through all layers of
/// the group. Where groups do not divide the turns evenly, the shares are transformers', down to its use of floats.
fn steps(count: usize, albert: &AlbertConfig) -> Vec<usize> {
    let turns_per_group = count as f64 / albert.num_hidden_groups as f64;
    (0..count)
        .flat_map(|turn| {
            let group = (turn as f64 / turns_per_group) as usize;
            let group = group.min(albert.num_hidden_groups - 1);
            (0..albert.inner_group_num).map(move |inner| group * albert.inner_group_num + inner)
        })
        .collect()
}

struct Albert {
    embeddings: Embeddings,
    projection: Linear,
    layers: Vec<EncoderLayer>,
    /// Indices into `layers`.
    steps: Vec<usize>,
    head: Head,
}

impl SequenceClassifier for Albert {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let mut hidden = State::of(self.projection.forward(&self.embeddings.forward(batch)?)?);
        for (index, step) in self.steps.iter().enumerate() {
            let queries = if index + 1 == self.steps.len() {
                Queries::FirstToken
            } else {
                Queries::AllTokens
            };
            hidden = self.layers[*step].forward(&hidden, batch, queries, None)?;
        }
        self.head.forward(&hidden.exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_share_the_turns() {
        let steps = |count, num_hidden_groups, inner_group_num| {
            let config = AlbertConfig {
                embedding_size: 1,
                num_hidden_groups,
                inner_group_num,
            };
            super::steps(count, &config)
        };
        assert_eq!(steps(3, 1, 1), [0, 0, 0]);
        assert_eq!(steps(2, 1, 2), [0, 1, 0, 1]);
        assert_eq!(steps(5, 2, 1), [0, 0, 0, 1, 1]);
        assert_eq!(steps(4, 2, 2), [0, 1, 0, 1, 2, 3, 2, 3]);
    }
}
