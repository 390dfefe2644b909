//! ElectraForSequenceClassification, equal to transformers' in inference: BERT's encoder behind embeddings of a width of their
//! own.

use super::bert::BertConfig;
use super::embeddings::Embeddings;
use super::encoder::{BERT_NAMES, Encoder, Head, HeadNames};
use super::{FamilyModel, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::{Activation, Linear};
use crate::weights::{NameTable, Weights};
use serde::Deserialize;
use tch::{TchError, Tensor};

/// What ELECTRA's config.json has beside BERT's keys.
#[derive(Debug, Deserialize)]
struct ElectraConfig {
    #[serde(default = "default_embedding_size")]
    embedding_size: usize,
}

fn default_embedding_size() -> usize {
    128
}

/// Heads of pre-training.
const TENSOR_NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &[
        "discriminator_predictions.*",
        "generator_predictions.*",
        "generator_lm_head.*",
    ],
};

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    weights.use_names(&TENSOR_NAMES);
    let config: BertConfig = folder.family_config()?;
    let ElectraConfig { embedding_size } = folder.family_config()?;
    let shape = config.check(folder)?;
    if embedding_size == 0 {
        return Err(folder.invalid_config("embedding_size must not be 0"));
    }
    let hidden = config.hidden_size;
    let embeddings = config.embeddings(embedding_size);
    let embeddings = Embeddings::take(&mut weights, "electra.embeddings", embeddings)?;
    let projection = if embedding_size == hidden {
        None
    } else {
        let name = "electra.embeddings_project";
        Some(Linear::take(&mut weights, name, embedding_size, hidden)?)
    };
    let encoder = Encoder::take(
        &mut weights,
        "electra.encoder.layer",
        &BERT_NAMES,
        shape,
        config.num_hidden_layers,
    )?;
    let names = HeadNames {
        dense: "classifier.dense",
        classifier: "classifier.out_proj",
    };
    // The head's activation is fixed, whatever the layers have.
    let head = Head::take(&mut weights, &names, hidden, Activation::GeluErf)?;
    let classes = head.classes();
    Ok(FamilyModel {
        model: Box::new(Electra {
            embeddings,
            projection,
            encoder,
            head,
        }),
        classes,
        tokens_max: config.max_position_embeddings,
        vocabulary_size: config.vocab_size,
        parameters: weights.finish()?,
    })
}

struct Electra {
    embeddings: Embeddings,
    projection: Option<Linear>,
    encoder: Encoder,
    head: Head,
}

impl SequenceClassifier for Electra {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let mut embedded = self.embeddings.forward(batch)?;
        if let Some(projection) = &self.projection {
            embedded = projection.forward(&embedded)?;
        }
        self.head
            .forward(&self.encoder.first_tokens(embedded, batch, None)?)
    }
}
