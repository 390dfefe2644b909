//! Text to tokens, cut to length as transformers' text-classification pipeline does it.

use crate::error::{LoadError, RowError};
use crate::folder::ModelFolder;
use tokenizers::{Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, truncate_chars};

/// The tokens of one text, special ones included; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRow {
    /// Vocabulary ids.
    pub ids: Vec<u32>,
    /// Segment of each token.
    pub type_ids: Vec<u32>,
}

impl TokenRow {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }
}

/// A model's tokenizer.
pub(crate) struct TextTokenizer {
    tokenizer: Tokenizer,
}

impl TextTokenizer {
    /// Builds the tokenizer of a folder; texts are cut to `tokens_max` tokens, special ones included and kept.
    pub fn load(folder: &ModelFolder, tokens_max: usize, vocabulary_size: usize) -> Result<Self, LoadError> {
        let invalid = |reason: String| LoadError::Invalid {
            path: folder.tokenizer.path.clone(),
            reason,
        };
        let mut tokenizer = folder.tokenizer.build()?;
        // Checked here so that a tokenizer of another model is an error now and not one for every row later.
        let largest_id = tokenizer.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if largest_id >= vocabulary_size {
            return Err(invalid(format!(
                "it makes token ids up to {largest_id}, but the model knows ids below {vocabulary_size}; is it another model's?"
            )));
        }
        let direction = match folder.tokenizer.truncation_side() {
            Some("left") => TruncationDirection::Left,
            Some("right") => TruncationDirection::Right,
            // tokenizer.json often carries the limits it was trained with; only its direction outlives the pipeline's own.
            _ => tokenizer
                .get_truncation()
                .map_or(TruncationDirection::Right, |truncation| truncation.direction),
        };
        let truncation = TruncationParams {
            direction,
            max_length: tokens_max,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(|error| invalid(error.to_string()))?;
        // Rows are padded by batch, where the batch is made.
        tokenizer.with_padding(None);
        Ok(Self { tokenizer })
    }

    /// Makes the tokens of a text, which is cut to [`CLASSIFIED_TEXT_CHARS_MAX`] characters first.
    ///
    /// One text at a time and on the caller's thread: the tokenizers crate's batch functions would spread over a thread
    /// pool of their own, as wide as the machine, beside libtorch's threads.
    pub fn encode(&self, text: &str) -> Result<TokenRow, RowError> {
        let text = truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX);
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|error| RowError::Tokenise {
                reason: error.to_string(),
            })?;
        if encoding.is_empty() {
            return Err(RowError::Tokenise {
                reason: "no token comes out of it".to_owned(),
            });
        }
        Ok(TokenRow {
            ids: encoding.get_ids().to_vec(),
            type_ids: encoding.get_type_ids().to_vec(),
        })
    }
}
