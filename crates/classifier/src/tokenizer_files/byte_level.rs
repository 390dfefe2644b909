//! Byte-level BPE tokenizers of RoBERTa from vocab.json and merges.txt.

use super::class::{CLASS, Class, SEPARATOR};
use super::component;
use super::settings::Settings;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tokenizers::Tokenizer;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

/// Builds the tokenizer; its special tokens are added by the caller.
pub(super) fn build(
    vocabulary: &[u8],
    merges: &[u8],
    class: &Class,
    settings: &Settings,
) -> Result<Tokenizer, String> {
    let vocabulary: Map<String, Value> =
        serde_json::from_slice(vocabulary).map_err(|error| error.to_string())?;
    let merges = std::str::from_utf8(merges).map_err(|error| format!("merges.txt: {error}"))?;
    // As transformers reads it: without the first line, which is a version, and what follows the last line end.
    let mut lines: Vec<&str> = merges.split('\n').skip(1).collect();
    lines.pop();
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        let mut parts = line.split_whitespace();
        match (parts.next(), parts.next(), parts.next()) {
            (Some(left), Some(right), None) => {
                if seen.insert((left, right)) {
                    pairs.push(json!([left, right]));
                }
            }
            _ => {
                return Err(format!(
                    "merges.txt, line {}: {line:?} is no pair of tokens",
                    index + 2
                ));
            }
        }
    }
    let model: BPE = component(&json!({
        "type": "BPE",
        "dropout": null,
        "unk_token": null,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "",
        "fuse_unk": false,
        "vocab": vocabulary,
        "merges": pairs,
    }))?;
    let mut tokenizer = Tokenizer::new(model);
    let add_prefix_space = settings.add_prefix_space.unwrap_or(false);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(add_prefix_space, true, true)));
    let (start, end) = (
        settings.special_token(class, CLASS),
        settings.special_token(class, SEPARATOR),
    );
    super::enclose(&mut tokenizer, start, end)?;
    Ok(tokenizer)
}
