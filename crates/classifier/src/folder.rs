//! A model folder: which files it has, config.json and turnstone.json as far as every family needs them, its labels.
//! What the single families read of config.json lies with them.

mod turnstone_file;

use crate::error::LoadError;
use crate::head::Head;
use crate::options::Normalise;
use crate::tokenizer_files::TokenizerFiles;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use turnstone_file::TurnstoneFile;

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
    /// The tokenizer's files.
    pub tokenizer: TokenizerFiles,
    /// What was done to the texts that the model was trained with.
    pub normalise: Normalise,
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
    /// What the classes are to each other; see [`crate::head::Head`].
    #[serde(default)]
    pub problem_type: Option<String>,
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
        let tokenizer = TokenizerFiles::open(dir, common.model_type.as_deref())?;
        let turnstone = TurnstoneFile::read(dir)?;
        let name = match turnstone.name {
            Some(name) => name,
            None => folder_name(dir)?,
        };
        let name = name.to_lowercase();
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(LoadError::Invalid {
                path: turnstone.path,
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
            tokenizer,
            normalise: turnstone.normalise,
            dir: dir.to_owned(),
        })
    }

    /// Size of the hidden states, as far as config.json names it in one of the usual ways.
    pub fn width(&self) -> usize {
        const USUAL: usize = 768;
        let named = ["hidden_size", "dim"].map(|key| self.config[key].as_u64());
        // Only for a trial of the precision: an absurd number is refused elsewhere.
        let width = named.into_iter().flatten().next().unwrap_or(USUAL as u64);
        usize::try_from(width).unwrap_or(USUAL).clamp(1, 8_192)
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

    /// The way from the logits of `classes` classes to scores, as transformers' pipeline chooses it.
    pub fn head(&self, classes: usize) -> Result<Head, LoadError> {
        Head::choose(self.common.problem_type.as_deref(), classes).map_err(|reason| self.unsupported(reason))
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
        self.tokenizer.contents().for_each(&mut add);
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
