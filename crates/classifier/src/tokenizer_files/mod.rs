//! From the files of a model folder to a tokenizer: tokenizer.json as it is, or what can be built from the vocabulary of a
//! slow tokenizer exactly as transformers' convert_slow_tokenizer does it. Cutting texts to length is left to `tokens`.

mod byte_level;
mod class;
mod sentencepiece;
mod settings;
mod wordpiece;

use crate::error::LoadError;
use class::{Class, Layout};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use settings::Settings;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tokenizers::{NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer};

/// What a tokenizer is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenizerKind {
    /// `tokenizer.json`.
    Fast,
    /// `vocab.txt`.
    WordPiece,
    /// `vocab.json` and `merges.txt`.
    ByteLevelBpe,
    /// A unigram model of sentencepiece.
    SentencePiece,
}

impl fmt::Display for TokenizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fast => "tokenizer.json",
            Self::WordPiece => "WordPiece from vocab.txt",
            Self::ByteLevelBpe => "byte-level BPE from vocab.json and merges.txt",
            Self::SentencePiece => "sentencepiece unigram",
        })
    }
}

/// The tokenizer's files, read.
#[derive(Debug)]
pub(crate) struct TokenizerFiles {
    /// The main file: what errors speak of.
    pub path: PathBuf,
    /// What the tokenizer is made from.
    pub kind: TokenizerKind,
    settings: Settings,
    class: Option<&'static Class>,
    /// The main file's content.
    content: Vec<u8>,
    /// `merges.txt`, where the kind has one.
    merges: Vec<u8>,
}

impl TokenizerFiles {
    /// Finds and reads the files. `model_type` of config.json tells the class of the tokenizer where
    /// tokenizer_config.json does not.
    pub fn open(dir: &Path, model_type: Option<&str>) -> Result<Self, LoadError> {
        let settings = Settings::read(dir)?;
        let class = class::find(settings.tokenizer_class.as_deref(), model_type);
        let fast = dir.join("tokenizer.json");
        if let Some(content) = read_optional(&fast)? {
            return Ok(Self {
                path: fast,
                kind: TokenizerKind::Fast,
                settings,
                class,
                content,
                merges: Vec::new(),
            });
        }
        let Some(class) = class else {
            return Err(missing(dir, &settings, model_type));
        };
        let (kind, name) = match class.layout {
            Layout::WordPiece => (TokenizerKind::WordPiece, "vocab.txt"),
            Layout::ByteLevelBpe => (TokenizerKind::ByteLevelBpe, "vocab.json"),
            Layout::SentencePiece { file, .. } => (TokenizerKind::SentencePiece, file),
        };
        let path = dir.join(name);
        let content = read_optional(&path)?;
        let merges = match kind {
            TokenizerKind::ByteLevelBpe => read_optional(&dir.join("merges.txt"))?,
            _ => Some(Vec::new()),
        };
        let (Some(content), Some(merges)) = (content, merges) else {
            return Err(missing(dir, &settings, model_type));
        };
        Ok(Self {
            path,
            kind,
            settings,
            class: Some(class),
            content,
            merges,
        })
    }

    /// Which end of a text goes when it is too long, where tokenizer_config.json says so.
    pub fn truncation_side(&self) -> Option<&str> {
        self.settings.truncation_side.as_deref()
    }

    /// Most tokens of a row that tokenizer_config.json allows, special ones included.
    pub fn tokens_max(&self) -> Option<usize> {
        self.settings.tokens_max
    }

    /// The content of every file that the tokens depend on, in an order that does not change.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        [&self.content, &self.merges]
            .into_iter()
            .chain(&self.settings.contents)
            .map(Vec::as_slice)
    }

    /// Makes the tokenizer.
    pub fn build(&self) -> Result<Tokenizer, LoadError> {
        let invalid = |reason: String| LoadError::Invalid {
            path: self.path.clone(),
            reason,
        };
        let mut tokenizer = match (self.kind, self.class) {
            (TokenizerKind::Fast, class) => {
                let mut tokenizer =
                    Tokenizer::from_bytes(&self.content).map_err(|error| invalid(error.to_string()))?;
                override_fast(&mut tokenizer, class, &self.settings);
                return Ok(tokenizer);
            }
            (_, None) => return Err(invalid("its class is not known".to_owned())),
            (TokenizerKind::WordPiece, Some(class)) => wordpiece::build(&self.content, class, &self.settings),
            (TokenizerKind::ByteLevelBpe, Some(class)) => {
                byte_level::build(&self.content, &self.merges, class, &self.settings)
            }
            (TokenizerKind::SentencePiece, Some(class)) => {
                sentencepiece::build(&self.content, class, &self.settings)
            }
        }
        .map_err(invalid)?;
        if let Some(class) = self.class {
            settings::add_special_tokens(&mut tokenizer, class, &self.settings).map_err(invalid)?;
        }
        Ok(tokenizer)
    }
}

/// transformers lets tokenizer_config.json change some settings of tokenizer.json; ours does where it says so explicitly.
fn override_fast(tokenizer: &mut Tokenizer, class: Option<&'static Class>, settings: &Settings) {
    let bert_like = class.is_some_and(|class| matches!(class.layout, Layout::WordPiece));
    if bert_like && let Some(NormalizerWrapper::BertNormalizer(normalizer)) = tokenizer.get_normalizer() {
        let mut normalizer = *normalizer;
        if let Some(lowercase) = settings.do_lower_case {
            normalizer.lowercase = lowercase;
        }
        if settings.strip_accents.is_some() {
            normalizer.strip_accents = settings.strip_accents;
        }
        if let Some(handle) = settings.tokenize_chinese_chars {
            normalizer.handle_chinese_chars = handle;
        }
        tokenizer.with_normalizer(Some(normalizer));
    }
    if let Some(add_prefix_space) = settings.add_prefix_space
        && let Some(PreTokenizerWrapper::ByteLevel(byte_level)) = tokenizer.get_pre_tokenizer()
    {
        let byte_level = byte_level.add_prefix_space(add_prefix_space);
        tokenizer.with_pre_tokenizer(Some(byte_level));
    }
}

/// The error for a folder without a tokenizer: which files were looked for, and how to make the one that always does.
fn missing(dir: &Path, settings: &Settings, model_type: Option<&str>) -> LoadError {
    let looked_for = match class::find(settings.tokenizer_class.as_deref(), model_type) {
        Some(class) => format!(
            "; {} would do as well and was not found either",
            class.layout.files()
        ),
        None => match &settings.tokenizer_class {
            Some(class) => format!("; of tokenizer class {class:?} it cannot be built from other files"),
            None => format!(
                "; for model_type {:?} it cannot be built from other files",
                model_type.unwrap_or_default()
            ),
        },
    };
    let quoted = crate::error::shell_quoted(dir);
    LoadError::MissingFile {
        path: dir.join("tokenizer.json"),
        hint: format!(
            "{looked_for}; write it once with: python3 -c 'import sys; from transformers import AutoTokenizer as T; \
             T.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[1])' {quoted}"
        ),
    }
}

/// Lets the tokenizer put `start` before and `end` behind the tokens of a text.
fn enclose(tokenizer: &mut Tokenizer, start: &str, end: &str) -> Result<(), String> {
    let id = |token: &str| {
        let id = tokenizer.token_to_id(token);
        id.ok_or_else(|| format!("it lacks the special token {token:?}"))
    };
    let special = |token: &str, id: u32| json!({"id": token, "ids": [id], "tokens": [token]});
    let one = |token: &str| json!({"SpecialToken": {"id": token, "type_id": 0}});
    let template = json!({
        "type": "TemplateProcessing",
        "single": [one(start), {"Sequence": {"id": "A", "type_id": 0}}, one(end)],
        // Pairs of texts do not occur.
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {start: special(start, id(start)?), end: special(end, id(end)?)},
    });
    let template: PostProcessorWrapper =
        serde_json::from_value(template).map_err(|error| error.to_string())?;
    tokenizer.with_post_processor(Some(template));
    Ok(())
}

/// A part of a tokenizer as tokenizer.json spells it. Through text, since some parts can only be read from borrowed text.
fn component<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())
}

/// The content of a file, or `None` where there is no such file.
fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, LoadError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LoadError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests;
