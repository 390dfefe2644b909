//! WordPiece tokenizers of BERT and its kin from vocab.txt.

use super::class::{CLASS, Class, SEPARATOR, UNKNOWN};
use super::component;
use super::settings::Settings;
use serde_json::{Map, json};
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

/// Builds the tokenizer; its special tokens are added by the caller.
pub(super) fn build(vocabulary: &[u8], class: &Class, settings: &Settings) -> Result<Tokenizer, String> {
    let text = std::str::from_utf8(vocabulary).map_err(|error| error.to_string())?;
    let mut words = Map::new();
    for (id, word) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
        // A word that occurs twice has its last id, as in transformers.
        words.insert(word.strip_suffix('\r').unwrap_or(word).to_owned(), json!(id));
    }
    let unknown = settings.special_token(class, UNKNOWN);
    for role in [UNKNOWN, SEPARATOR, CLASS] {
        let token = settings.special_token(class, role);
        if !words.contains_key(token) {
            return Err(format!("it lacks the special token {token:?}"));
        }
    }
    let model: WordPiece = component(&json!({
        "type": "WordPiece",
        "unk_token": unknown,
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": words,
    }))?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::new(
        true,
        settings.tokenize_chinese_chars.unwrap_or(true),
        settings.strip_accents,
        settings.do_lower_case.unwrap_or(true),
    )));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let (start, end) = (
        settings.special_token(class, CLASS),
        settings.special_token(class, SEPARATOR),
    );
    super::enclose(&mut tokenizer, start, end)?;
    Ok(tokenizer)
}
