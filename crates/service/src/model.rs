//! Which model folder a configuration means, and where the bundled one lies.

use crate::config::Config;
use std::path::{Path, PathBuf};

/// Name of the bundled model, usable wherever a model folder is.
pub const BUNDLED_MODEL: &str = "turnstone-mini";

/// What to do when the configuration names no model at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnset {
    /// Score nothing, as the original pipeline did.
    Skip,
    /// Take the bundled model.
    Bundled,
}

/// The model folder to load, or `None` where scoring is to be skipped.
pub fn model_folder(config: &Config, when_unset: WhenUnset) -> anyhow::Result<Option<PathBuf>> {
    let name = match (&config.anomaly.model, when_unset) {
        (None, WhenUnset::Skip) => return Ok(None),
        (None, WhenUnset::Bundled) => BUNDLED_MODEL,
        (Some(name), _) if name.is_empty() => return Ok(None),
        (Some(name), _) => name,
    };
    resolve_model(name).map(Some)
}

/// The folder behind a model name: the folder of that name, or the bundled model.
pub fn resolve_model(name: &str) -> anyhow::Result<PathBuf> {
    let folder = PathBuf::from(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    if name != BUNDLED_MODEL {
        // The classifier says why a name that is no folder cannot be loaded.
        return Ok(folder);
    }
    let executable = std::env::current_exe().ok();
    let beside_executable = executable
        .as_deref()
        .into_iter()
        .flat_map(Path::ancestors)
        .skip(1)
        .take(4);
    let places: Vec<PathBuf> = beside_executable
        .flat_map(|folder| [folder.join("share/turnstone/models"), folder.join("models")])
        .chain([
            PathBuf::from("models"),
            PathBuf::from("/usr/share/turnstone/models"),
        ])
        .map(|folder| folder.join(BUNDLED_MODEL))
        .collect();
    places
        .iter()
        .find(|place| place.join("config.json").is_file())
        .cloned()
        .ok_or_else(|| {
            let looked: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
            anyhow::anyhow!(
                "the bundled model {BUNDLED_MODEL} is not there; looked in {}; name a model folder instead",
                looked.join(", ")
            )
        })
}
