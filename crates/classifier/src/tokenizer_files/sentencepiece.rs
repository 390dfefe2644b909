//! Unigram tokenizers from the protobuf files of sentencepiece: what XLM-RoBERTa, CamemBERT, ALBERT and DeBERTa-v2 do with
//! them, as transformers' SpmConverter and its kin do it.

use super::class::{Class, Layout, SentencePieceStyle};
use super::component;
use super::settings::Settings;
use prost::Message;
use serde_json::{Value, json};
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::Precompiled;
use tokenizers::{AddedToken, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// The parts of sentencepiece's `ModelProto` that matter here.
#[derive(Clone, PartialEq, Message)]
struct ModelFile {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<Trainer>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<Normalizer>,
}

#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(string, tag = "1")]
    piece: String,
    #[prost(float, tag = "2")]
    score: f32,
    /// See [`CONTROL`]; an ordinary piece has no type at all.
    #[prost(int32, tag = "3")]
    kind: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Trainer {
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
    #[prost(int32, optional, tag = "40")]
    unknown_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Normalizer {
    #[prost(bytes = "vec", tag = "2")]
    precompiled_charsmap: Vec<u8>,
}

/// `TrainerSpec.ModelType.UNIGRAM`, also the default.
const UNIGRAM: i32 = 1;
/// `SentencePiece.Type.CONTROL`: a token such as `</s>` that no text gives.
const CONTROL: i32 = 3;
/// `SentencePiece.Type.USER_DEFINED`: a token that is cut out of the text before all else.
const USER_DEFINED: i32 = 4;

/// Builds the tokenizer; its special tokens are added by the caller.
pub(super) fn build(content: &[u8], class: &Class, settings: &Settings) -> Result<Tokenizer, String> {
    let Layout::SentencePiece { style, .. } = class.layout else {
        return Err("the class of the tokenizer has no sentencepiece model".to_owned());
    };
    let file =
        ModelFile::decode(content).map_err(|error| format!("it is no sentencepiece model: {error}"))?;
    // A file that was cut short between two pieces still decodes; these two come after all pieces.
    let (Some(trainer), Some(spec)) = (&file.trainer, &file.normalizer) else {
        return Err("it has no trainer_spec or no normalizer_spec; is it cut short?".to_owned());
    };
    let model_type = trainer.model_type.unwrap_or(UNIGRAM);
    if model_type != UNIGRAM {
        return Err(format!(
            "it is a sentencepiece model of type {model_type}; only unigram models (1) can be built, so let Python's \
             transformers write tokenizer.json"
        ));
    }
    if file.pieces.len() < 4 {
        return Err(format!("it has {} pieces only", file.pieces.len()));
    }
    let unknown_id = match style {
        SentencePieceStyle::XlmRoberta | SentencePieceStyle::Camembert => 3,
        SentencePieceStyle::Albert | SentencePieceStyle::DebertaV2 => {
            usize::try_from(trainer.unknown_id.unwrap_or(0))
                .map_err(|_| "it has no unknown token".to_owned())?
        }
    };
    let model = Unigram::from(vocabulary(&file.pieces, style), Some(unknown_id), false)
        .map_err(|error| error.to_string())?;
    let mut tokenizer = Tokenizer::new(model);
    for piece in &file.pieces {
        if piece.kind == CONTROL || piece.kind == USER_DEFINED {
            let token = AddedToken::from(piece.piece.as_str(), piece.kind == CONTROL).normalized(false);
            tokenizer.add_tokens(&[token]);
        }
    }
    let charsmap = &spec.precompiled_charsmap;
    tokenizer.with_normalizer(Some(normalizer(charsmap, style, settings)?));
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer(style, settings)?));
    let (start, end) = match style {
        SentencePieceStyle::XlmRoberta | SentencePieceStyle::Camembert => ("<s>", "</s>"),
        SentencePieceStyle::Albert | SentencePieceStyle::DebertaV2 => ("[CLS]", "[SEP]"),
    };
    super::enclose(&mut tokenizer, start, end)?;
    Ok(tokenizer)
}

/// Pieces with their scores, by id.
fn vocabulary(pieces: &[Piece], style: SentencePieceStyle) -> Vec<(String, f64)> {
    let named = |names: &[(&str, f64)]| -> Vec<(String, f64)> {
        names
            .iter()
            .map(|(name, score)| ((*name).to_owned(), *score))
            .collect()
    };
    let scored = |piece: &Piece| (piece.piece.clone(), f64::from(piece.score));
    match style {
        SentencePieceStyle::XlmRoberta => {
            let mut all = named(&[("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]);
            all.extend(pieces.iter().skip(3).map(scored));
            all.push(("<mask>".to_owned(), 0.0));
            all
        }
        SentencePieceStyle::Camembert => {
            let mut all = named(&[
                ("<s>NOTUSED", 0.0),
                ("<pad>", 0.0),
                ("</s>NOTUSED", 0.0),
                ("<unk>", 0.0),
                // So low that the one above is taken instead.
                ("<unk>NOTUSED", -100.0),
            ]);
            all.extend(pieces.iter().skip(1).map(scored));
            all.push(("<mask>".to_owned(), 0.0));
            all
        }
        SentencePieceStyle::Albert => pieces
            .iter()
            .map(|piece| {
                let (text, score) = scored(piece);
                // ALBERT splits a comma off the number before it; a bad score has the same effect.
                let bad = ends_in_digit_and_comma(&text);
                (text, if bad { score - 100.0 } else { score })
            })
            .collect(),
        SentencePieceStyle::DebertaV2 => pieces.iter().map(scored).collect(),
    }
}

fn ends_in_digit_and_comma(piece: &str) -> bool {
    let mut backwards = piece.chars().rev();
    backwards.next() == Some(',') && backwards.next().is_some_and(char::is_numeric)
}

fn normalizer(
    charsmap: &[u8],
    style: SentencePieceStyle,
    settings: &Settings,
) -> Result<NormalizerWrapper, String> {
    let precompiled = if charsmap.is_empty() {
        None
    } else {
        let precompiled =
            Precompiled::from(charsmap).map_err(|error| format!("its normalizer_spec: {error}"))?;
        Some(serde_json::to_value(precompiled).map_err(|error| error.to_string())?)
    };
    let spaces_to =
        |content: &str| json!({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": content});
    let quotes = |from: &str| json!({"type": "Replace", "pattern": {"String": from}, "content": "\""});
    let mut steps: Vec<Value> = Vec::new();
    match style {
        SentencePieceStyle::XlmRoberta | SentencePieceStyle::Camembert => {
            steps.extend(precompiled);
            steps.push(json!({"type": "Strip", "strip_left": false, "strip_right": true}));
            steps.push(spaces_to("▁"));
        }
        SentencePieceStyle::Albert => {
            steps.extend([quotes("``"), quotes("''")]);
            if !settings.keep_accents.unwrap_or(false) {
                steps.extend([json!({"type": "NFKD"}), json!({"type": "StripAccents"})]);
            }
            if settings.do_lower_case.unwrap_or(true) {
                steps.push(json!({"type": "Lowercase"}));
            }
            steps.extend(precompiled);
            steps.push(spaces_to(" "));
        }
        SentencePieceStyle::DebertaV2 => {
            if settings.do_lower_case.unwrap_or(false) {
                steps.push(json!({"type": "Lowercase"}));
            }
            steps.push(json!({"type": "Strip", "strip_left": true, "strip_right": true}));
            steps.extend(precompiled);
            steps.push(spaces_to(" "));
        }
    }
    component(&json!({"type": "Sequence", "normalizers": steps}))
}

fn pre_tokenizer(style: SentencePieceStyle, settings: &Settings) -> Result<PreTokenizerWrapper, String> {
    let mut steps = Vec::new();
    if style == SentencePieceStyle::DebertaV2 && settings.split_by_punct.unwrap_or(false) {
        steps.push(json!({"type": "Punctuation", "behavior": "Isolated"}));
    }
    steps.push(json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}));
    component(&json!({"type": "Sequence", "pretokenizers": steps}))
}
