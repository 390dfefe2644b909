//! tokenizer_config.json and the older files beside it, special_tokens_map.json and added_tokens.json: which special
//! tokens there are, and the switches of the single classes.

use super::class::{Class, MASK, ROLES};
use super::read_optional;
use crate::error::LoadError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use tokenizers::{AddedToken, Tokenizer};

/// What the files say; `None` is left to the class.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// For example `BertTokenizer` or `BertTokenizerFast`.
    pub tokenizer_class: Option<String>,
    /// `left` or `right`.
    pub truncation_side: Option<String>,
    /// `model_max_length`, where it is one: transformers writes 10³⁰ for "not known".
    pub tokens_max: Option<usize>,
    pub do_lower_case: Option<bool>,
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: Option<bool>,
    pub add_prefix_space: Option<bool>,
    pub keep_accents: Option<bool>,
    pub split_by_punct: Option<bool>,
    /// Special tokens by role.
    special_tokens: BTreeMap<String, TokenText>,
    /// Special tokens without a role, where the files list them.
    additional: Option<Vec<TokenText>>,
    /// Tokens that are added to the vocabulary, with the ids that they must get.
    added: Vec<(u32, AddedToken)>,
    /// The files, for the hash.
    pub contents: Vec<Vec<u8>>,
}

#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    tokenizer_class: Option<String>,
    truncation_side: Option<String>,
    model_max_length: Option<f64>,
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    add_prefix_space: Option<bool>,
    keep_accents: Option<bool>,
    split_by_punct: Option<bool>,
    added_tokens_decoder: Option<BTreeMap<String, TokenObject>>,
    #[serde(flatten)]
    special_tokens: SpecialTokens,
}

#[derive(Debug, Default, Deserialize)]
struct SpecialTokens {
    bos_token: Option<TokenText>,
    eos_token: Option<TokenText>,
    unk_token: Option<TokenText>,
    sep_token: Option<TokenText>,
    pad_token: Option<TokenText>,
    cls_token: Option<TokenText>,
    mask_token: Option<TokenText>,
    additional_special_tokens: Option<Vec<TokenText>>,
}

/// A token as text alone, or with its switches.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum TokenText {
    Text(String),
    Object(TokenObject),
}

#[derive(Debug, Clone, Deserialize)]
struct TokenObject {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
}

impl TokenText {
    fn content(&self) -> &str {
        match self {
            Self::Text(content) => content,
            Self::Object(object) => &object.content,
        }
    }
}

impl TokenObject {
    fn into_token(self, special: bool) -> AddedToken {
        AddedToken::from(self.content, special || self.special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized.unwrap_or(!(special || self.special)))
    }
}

impl Settings {
    /// Reads the files that are there.
    pub fn read(dir: &Path) -> Result<Self, LoadError> {
        let mut contents = Vec::new();
        let mut read = |name: &str| -> Result<Option<Vec<u8>>, LoadError> {
            let content = read_optional(&dir.join(name))?;
            contents.push(content.clone().unwrap_or_default());
            Ok(content)
        };
        let path = dir.join("tokenizer_config.json");
        let config: TokenizerConfig = parse(&path, read("tokenizer_config.json")?)?;
        let mut special = config.special_tokens;
        let mut added = Vec::new();
        if let Some(decoder) = config.added_tokens_decoder {
            for (id, token) in decoder {
                let id = id.parse().map_err(|_| LoadError::Invalid {
                    path: path.clone(),
                    reason: format!("added_tokens_decoder has the id {id:?}, which is no number"),
                })?;
                added.push((id, token.into_token(false)));
            }
        } else {
            // The files of transformers before 4.34, which later versions read only where the list above is missing.
            let map_path = dir.join("special_tokens_map.json");
            let map: SpecialTokens = parse(&map_path, read("special_tokens_map.json")?)?;
            special = map.or(special);
            let ids: BTreeMap<String, u32> =
                parse(&dir.join("added_tokens.json"), read("added_tokens.json")?)?;
            let named: Vec<&str> = special
                .all()
                .into_iter()
                .flatten()
                .map(TokenText::content)
                .collect();
            for (content, id) in ids {
                let is_special = named.contains(&content.as_str());
                added.push((id, AddedToken::from(content, is_special)));
            }
        }
        added.sort_by_key(|(id, _)| *id);
        let by_role = ROLES.iter().zip(special.all());
        let special_tokens = by_role
            .filter_map(|(role, token)| Some(((*role).to_owned(), token?.clone())))
            .collect();
        Ok(Self {
            tokenizer_class: config.tokenizer_class,
            truncation_side: config.truncation_side,
            tokens_max: config
                .model_max_length
                .filter(|length| (1.0..1e9).contains(length))
                .map(|length| length as usize),
            do_lower_case: config.do_lower_case,
            strip_accents: config.strip_accents,
            tokenize_chinese_chars: config.tokenize_chinese_chars,
            add_prefix_space: config.add_prefix_space,
            keep_accents: config.keep_accents,
            split_by_punct: config.split_by_punct,
            special_tokens,
            additional: special.additional_special_tokens,
            added,
            contents,
        })
    }

    /// The text of a class's special token; empty where it has none.
    pub fn special_token<'a>(&'a self, class: &'a Class, role: usize) -> &'a str {
        match self.special_tokens.get(ROLES[role]) {
            Some(token) => token.content(),
            None => class.special_tokens[role],
        }
    }
}

impl SpecialTokens {
    /// By [`ROLES`].
    fn all(&self) -> [Option<&TokenText>; 7] {
        [
            self.bos_token.as_ref(),
            self.eos_token.as_ref(),
            self.unk_token.as_ref(),
            self.sep_token.as_ref(),
            self.pad_token.as_ref(),
            self.cls_token.as_ref(),
            self.mask_token.as_ref(),
        ]
    }

    /// Fills what is not named here from `other`.
    fn or(self, other: Self) -> Self {
        Self {
            bos_token: self.bos_token.or(other.bos_token),
            eos_token: self.eos_token.or(other.eos_token),
            unk_token: self.unk_token.or(other.unk_token),
            sep_token: self.sep_token.or(other.sep_token),
            pad_token: self.pad_token.or(other.pad_token),
            cls_token: self.cls_token.or(other.cls_token),
            mask_token: self.mask_token.or(other.mask_token),
            additional_special_tokens: self.additional_special_tokens.or(other.additional_special_tokens),
        }
    }
}

/// Adds the special and the added tokens to a tokenizer that was built from a vocabulary, in transformers' order: first
/// those with ids, then the roles', then the rest.
pub(super) fn add_special_tokens(
    tokenizer: &mut Tokenizer,
    class: &Class,
    settings: &Settings,
) -> Result<(), String> {
    let mut done: Vec<String> = Vec::new();
    let is_special =
        |content: &str| (0..ROLES.len()).any(|role| settings.special_token(class, role) == content);
    for (id, token) in &settings.added {
        let token = AddedToken {
            special: token.special || is_special(&token.content),
            ..token.clone()
        };
        done.push(token.content.clone());
        let content = token.content.clone();
        tokenizer.add_tokens(&[token]);
        let given = tokenizer.token_to_id(&content);
        if given != Some(*id) {
            return Err(format!(
                "the added token {content:?} should have the id {id}, but the vocabulary gives it {given:?}"
            ));
        }
    }
    for (role, name) in ROLES.iter().enumerate() {
        let content = settings.special_token(class, role);
        if content.is_empty() || done.iter().any(|name| name == content) {
            continue;
        }
        done.push(content.to_owned());
        let token = match settings.special_tokens.get(*name) {
            Some(TokenText::Object(object)) => object.clone().into_token(true),
            _ => AddedToken::from(content, true)
                .lstrip(role == MASK && class.mask_strips_left)
                .normalized(class.normalized.contains(&role)),
        };
        tokenizer.add_tokens(&[token]);
    }
    let defaults = class
        .additional
        .iter()
        .map(|content| TokenText::Text((*content).to_owned()));
    let additional = settings.additional.clone().unwrap_or_else(|| defaults.collect());
    for token in additional {
        if done.iter().any(|name| name == token.content()) {
            continue;
        }
        done.push(token.content().to_owned());
        let token = match token {
            TokenText::Text(content) => AddedToken::from(content, true),
            TokenText::Object(object) => object.into_token(true),
        };
        tokenizer.add_tokens(&[token]);
    }
    Ok(())
}

fn parse<T: DeserializeOwned + Default>(path: &Path, content: Option<Vec<u8>>) -> Result<T, LoadError> {
    let Some(content) = content else {
        return Ok(T::default());
    };
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&content)
        .and_then(|object| serde_json::from_value(object.into()))
        .map_err(|error| LoadError::Invalid {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}
