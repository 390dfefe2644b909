//! RobertaForSequenceClassification, and under the same names and with the same network XLM-RoBERTa's and CamemBERT's; equal to
//! transformers' in inference.

use super::bert::BertConfig;
use super::embeddings::Embeddings;
use super::encoder::{BERT_NAMES, Encoder, Head, HeadNames};
use super::{FamilyModel, SequenceClassifier, TokenBatch};
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::Activation;
use crate::weights::{NameTable, Weights};
use serde::Deserialize;
use tch::{TchError, Tensor};

/// What RoBERTa's config.json has beside BERT's keys.
#[derive(Debug, Deserialize)]
struct RobertaConfig {
    /// Places are counted from the one after it.
    #[serde(default = "default_pad_token_id")]
    pad_token_id: usize,
}

fn default_pad_token_id() -> usize {
    1
}

/// Heads of pre-training, and the pooler that this classifier has no use for.
const TENSOR_NAMES: NameTable = NameTable {
    renamed: &[],
    ignored: &["lm_head.*", "roberta.pooler.*"],
};

/// Puts the model together.
pub(super) fn load(folder: &ModelFolder, mut weights: Weights<'_>) -> Result<FamilyModel, LoadError> {
    weights.use_names(&TENSOR_NAMES);
    let config: BertConfig = folder.family_config()?;
    let RobertaConfig { pad_token_id } = folder.family_config()?;
    let shape = config.check(folder)?;
    let tokens_max = config
        .max_position_embeddings
        .saturating_sub(pad_token_id)
        .saturating_sub(1);
    if tokens_max == 0 {
        return Err(folder.invalid_config(format!(
            "max_position_embeddings {} leaves no place after pad_token_id {pad_token_id}",
            config.max_position_embeddings
        )));
    }
    let embeddings = config.embeddings(config.hidden_size);
    let embeddings = Embeddings::take(&mut weights, "roberta.embeddings", embeddings)?;
    let encoder = Encoder::take(
        &mut weights,
        "roberta.encoder.layer",
        &BERT_NAMES,
        shape,
        config.num_hidden_layers,
    )?;
    let names = HeadNames {
        dense: "classifier.dense",
        classifier: "classifier.out_proj",
    };
    let head = Head::take(&mut weights, &names, config.hidden_size, Activation::Tanh)?;
    let classes = head.classes();
    Ok(FamilyModel {
        model: Box::new(Roberta {
            embeddings,
            padding_id: pad_token_id as i64,
            encoder,
            head,
        }),
        classes,
        tokens_max,
        vocabulary_size: config.vocab_size,
        parameters: weights.finish()?,
    })
}

struct Roberta {
    embeddings: Embeddings,
    padding_id: i64,
    encoder: Encoder,
    head: Head,
}

impl SequenceClassifier for Roberta {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        let embedded = self.embeddings.forward_after_padding(batch, self.padding_id)?;
        self.head
            .forward(&self.encoder.first_tokens(embedded, batch, None)?)
    }
}
