//! A model folder: which files it has, config.json and turnstone.json as far as every family needs them, its labels.
//! What the single families read of config.json lies with them.

use crate::error::LoadError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that holds a model, with its small files read.
#[derive(Debug)]
pub(crate) struct ModelFolder {
    /// Name of the model, lower case: the scorer's name.
    pub name: String,
    /// Path of config.json, for errors.
    pub config_path: PathBuf,
    /// config.json.
    pub config: Value,
    /// What every family reads of config.json.
    pub common: CommonConfig,
    /// Path of tokenizer.json.
    pub tokenizer_path: PathBuf,
    /// tokenizer.json.
    pub tokenizer_json: Vec<u8>,
    /// Which end of a text goes when it is too long, where tokenizer_config.json says so.
    pub truncation_side: Option<String>,
    /// The folder itself.
    pub dir: PathBuf,
}

/// The part of config.json that every family shares.
#[derive(Debug, Deserialize)]
pub(crate) struct CommonConfig {
    /// Classes that the weights were saved from.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// Family, for example `bert`.
    #[serde(default)]
    pub model_type: Option<String>,
    /// Raw labels by class index as text.
    #[serde(default)]
    id2label: Option<BTreeMap<String, String>>,
    /// `single_label_classification`, or what this engine does not do.
    #[serde(default)]
    problem_type: Option<String>,
}

/// turnstone.json, which a model folder may hold; it says what HuggingFace's files have no place for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnstoneFile {
    /// Version of this file's own layout; 1 where it is left out.
    format: Option<u64>,
    /// The scorer's name, where it is not the folder's.
    name: Option<String>,
    /// What the text must go through before the tokenizer.
    normalise: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    truncation_side: Option<String>,
}

impl ModelFolder {
    /// Reads the folder's small files and finds the large one.
    pub fn open(dir: &Path) -> Result<Self, LoadError> {
        if !dir.is_dir() {
            return Err(LoadError::NotAFolder { path: dir.to_owned() });
        }
        let config_path = dir.join("config.json");
        let config = read_json_object(&config_path)?;
        let common: CommonConfig =
            serde_json::from_value(config.clone()).map_err(|error| LoadError::Invalid {
                path: config_path.clone(),
                reason: error.to_string(),
            })?;
        let tokenizer_path = dir.join("tokenizer.json");
        let tokenizer_json = read_file(
            &tokenizer_path,
            "; a fast tokenizer is needed, which `AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)` of Python's \
             transformers writes",
        )?;
        let tokenizer_config: TokenizerConfig = read_optional_json(&dir.join("tokenizer_config.json"))?;
        let turnstone_path = dir.join("turnstone.json");
        let turnstone: TurnstoneFile = read_optional_json(&turnstone_path)?;
        if let Some(format) = turnstone.format.filter(|format| *format != 1) {
            let reason = format!("the file has format {format}; this version reads format 1");
            return Err(LoadError::Unsupported {
                path: turnstone_path,
                reason,
            });
        }
        if let Some(rule) = turnstone.normalise.as_deref().filter(|rule| *rule != "raw") {
            return Err(LoadError::Unsupported {
                path: turnstone_path,
                reason: format!(
                    "the model wants its texts normalised by the rule {rule:?}; this version does \"raw\" only"
                ),
            });
        }
        let name = match turnstone.name {
            Some(name) => name,
            None => folder_name(dir)?,
        };
        let name = name.to_lowercase();
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(LoadError::Invalid {
                path: turnstone_path,
                reason: format!(
                    "{name:?} cannot be a scorer's name; use 1 to 200 bytes without control characters"
                ),
            });
        }
        Ok(Self {
            name,
            config_path,
            config,
            common,
            tokenizer_path,
            tokenizer_json,
            truncation_side: tokenizer_config.truncation_side,
            dir: dir.to_owned(),
        })
    }

    /// Reads a family's part of config.json.
    pub fn family_config<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        serde_json::from_value(self.config.clone()).map_err(|error| self.invalid_config(error.to_string()))
    }

    /// The error for a config.json that contradicts itself.
    pub fn invalid_config(&self, reason: impl Into<String>) -> LoadError {
        LoadError::Invalid {
            path: self.config_path.clone(),
            reason: reason.into(),
        }
    }

    /// The error for a config.json that asks for what is not there.
    pub fn unsupported(&self, reason: impl Into<String>) -> LoadError {
        LoadError::Unsupported {
            path: self.config_path.clone(),
            reason: reason.into(),
        }
    }

    /// Checks that the head is one that softmax and a winning class fit, as transformers' pipeline decides it.
    pub fn check_head(&self, classes: usize) -> Result<(), LoadError> {
        match self.common.problem_type.as_deref() {
            None | Some("single_label_classification") => {}
            Some(problem_type) => {
                return Err(self.unsupported(format!(
                    "problem_type {problem_type:?} is not supported yet; single_label_classification is"
                )));
            }
        }
        if classes < 2 {
            return Err(self.unsupported(
                "the classifier has a single output, which means a sigmoid and is not supported yet; two or more classes are",
            ));
        }
        Ok(())
    }

    /// The raw label of each of `classes` classes: id2label, or `LABEL_n` where config.json has none.
    pub fn raw_labels(&self, classes: usize) -> Result<Vec<String>, LoadError> {
        let Some(id2label) = &self.common.id2label else {
            return Ok((0..classes).map(|index| format!("LABEL_{index}")).collect());
        };
        if id2label.len() != classes {
            return Err(self.invalid_config(format!(
                "id2label names {} classes, but the classifier has {classes}",
                id2label.len()
            )));
        }
        (0..classes)
            .map(|index| {
                let label = id2label.get(&index.to_string());
                label
                    .cloned()
                    .ok_or_else(|| self.invalid_config(format!("id2label has no label for class {index}")))
            })
            .collect()
    }

    /// SHA-256, in hexadecimal, over everything that the model's answers depend on: config, tokenizer and `weights`.
    pub fn content_hash<'a>(&self, weights: impl Iterator<Item = &'a [u8]>) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            // The length first, so that bytes cannot move from one part to the next unnoticed.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        };
        add(self.config.to_string().as_bytes());
        add(self.truncation_side.as_deref().unwrap_or_default().as_bytes());
        add(&self.tokenizer_json);
        weights.for_each(&mut add);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The name of the folder itself, also for `.` and links.
fn folder_name(dir: &Path) -> Result<String, LoadError> {
    let real = if dir.file_name().is_some() {
        Ok(dir.to_owned())
    } else {
        dir.canonicalize()
    };
    let real = real.map_err(|source| LoadError::Read {
        path: dir.to_owned(),
        source,
    })?;
    Ok(real
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned())
}

fn read_file(path: &Path, hint: &str) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => LoadError::MissingFile {
            path: path.to_owned(),
            hint: hint.to_owned(),
        },
        _ => LoadError::Read {
            path: path.to_owned(),
            source,
        },
    })
}

fn read_json_object(path: &Path) -> Result<Value, LoadError> {
    let invalid = |reason: String| LoadError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let value: Value =
        serde_json::from_slice(&read_file(path, "")?).map_err(|error| invalid(error.to_string()))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(invalid("it holds no JSON object".to_owned()))
    }
}

fn read_optional_json<T: DeserializeOwned + Default>(path: &Path) -> Result<T, LoadError> {
    if !path.exists() {
        return Ok(T::default());
    }
    serde_json::from_value(read_json_object(path)?).map_err(|error| LoadError::Invalid {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
