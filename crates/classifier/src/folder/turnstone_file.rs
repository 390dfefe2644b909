//! turnstone.json: what a model folder says that HuggingFace's files have no place for.

use super::read_optional_json;
use crate::error::LoadError;
use crate::options::{Normalise, UnknownNormalise};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use turnstone_types::TEMPLATE_VERSION;

/// The file as it is written. Every key may be left out, as may the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Version of this file's own layout; 1 where it is left out.
    format: Option<u64>,
    /// The scorer's name, where it is not the folder's.
    name: Option<String>,
    /// What was done to the texts that the model was trained with: `raw` where it is left out.
    normalise: Option<String>,
    /// Version of the template rule; goes with `template`.
    template_version: Option<u32>,
}

/// The file, checked.
#[derive(Debug)]
pub(super) struct TurnstoneFile {
    pub path: PathBuf,
    pub name: Option<String>,
    pub normalise: Normalise,
}

impl TurnstoneFile {
    /// Reads the file of a model folder.
    pub fn read(dir: &Path) -> Result<Self, LoadError> {
        let path = dir.join("turnstone.json");
        let content: Content = read_optional_json(&path)?;
        let unsupported = |reason: String| LoadError::Unsupported {
            path: path.clone(),
            reason,
        };
        if let Some(format) = content.format.filter(|format| *format != 1) {
            return Err(unsupported(format!(
                "the file has format {format}; this version reads format 1"
            )));
        }
        let normalise = match content.normalise.as_deref().map(str::parse).transpose() {
            Ok(rule) => rule.unwrap_or_default(),
            Err(error @ UnknownNormalise(_)) => return Err(unsupported(error.to_string())),
        };
        match content.template_version {
            Some(version) if version != TEMPLATE_VERSION => {
                return Err(unsupported(format!(
                    "the model was trained for templates of version {version}, but this version makes templates of version \
                     {TEMPLATE_VERSION}; train it again with those"
                )));
            }
            None if normalise == Normalise::Template => {
                return Err(unsupported(format!(
                    "normalise is \"template\" without a template_version; say which version the model was trained for \
                     (this version makes {TEMPLATE_VERSION})"
                )));
            }
            _ => {}
        }
        Ok(Self {
            name: content.name,
            normalise,
            path,
        })
    }
}
