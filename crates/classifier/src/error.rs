//! What can go wrong: at load, with one row, with the engine. Says what, where and what to do about it.

use std::path::{Path, PathBuf};
use tch::TchError;

/// Why a model cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The name given is not a folder.
    #[error(
        "model {path:?} is no folder; models are read from a local folder in HuggingFace layout (config.json, \
         tokenizer.json, model.safetensors) and never fetched{}",
        download_hint(path)
    )]
    NotAFolder {
        /// What was given.
        path: PathBuf,
    },
    /// A file of the model is not there.
    #[error("{path:?} is missing{hint}")]
    MissingFile {
        /// The file.
        path: PathBuf,
        /// What to do about it, starting with punctuation; may be empty.
        hint: String,
    },
    /// Only a pickle is there.
    #[error(
        "{path:?} is a Python pickle, which can run any code when it is opened, so it is not read; convert it once with: \
         {command}"
    )]
    Pickle {
        /// The pickle.
        path: PathBuf,
        /// The shell command that writes model.safetensors beside it.
        command: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path:?}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path:?} is not valid: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The model needs something that this build does not do.
    #[error("{path:?}: {reason}")]
    Unsupported {
        /// The file that asks for it.
        path: PathBuf,
        /// What, and what is supported instead.
        reason: String,
    },
    /// Tensors that the architecture needs are not in the file.
    #[error("{path:?} lacks {names}, which {architecture} needs")]
    MissingTensors {
        /// The weights file.
        path: PathBuf,
        /// Their names, for people.
        names: String,
        /// Who needs them.
        architecture: &'static str,
    },
    /// Tensors that the architecture has no place for: the file holds another model than config.json says.
    #[error(
        "{path:?} holds {names}, which {architecture} has no place for; is config.json of another model?"
    )]
    UnexpectedTensors {
        /// The weights file.
        path: PathBuf,
        /// Their names, for people.
        names: String,
        /// Who has no place for them.
        architecture: &'static str,
    },
    /// A tensor has another shape than config.json says.
    #[error("{path:?}: tensor {name:?} has the shape {found:?}, but config.json calls for {expected:?}")]
    Shape {
        /// The weights file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// The device cannot be used.
    #[error("device {device}: {reason}")]
    Device {
        /// The device asked for.
        device: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// libtorch refused while the model was put together.
    #[error("libtorch failed while loading the model: {reason}")]
    Torch {
        /// Its message, first line.
        reason: String,
    },
    /// The engine's thread could not be started or ended before the model was ready.
    #[error("the classifier thread failed while loading the model: {reason}")]
    Thread {
        /// Why.
        reason: String,
    },
}

impl From<TchError> for LoadError {
    fn from(error: TchError) -> Self {
        Self::Torch {
            reason: first_line(&error),
        }
    }
}

/// Why one row has no prediction. The other rows of the call are not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The text cannot be turned into tokens.
    #[error("the text cannot be tokenised: {reason}")]
    Tokenise {
        /// Why.
        reason: String,
    },
    /// The row alone needs more memory than the device has, although other rows fit.
    #[error("out of memory on the device with this row alone ({tokens} tokens)")]
    OutOfMemory {
        /// Length of the row.
        tokens: usize,
    },
    /// libtorch fails on this row, although other rows work.
    #[error("the model failed on this row: {reason}")]
    Forward {
        /// Why.
        reason: String,
    },
    /// The model answered NaN or infinity.
    #[error("the model answered a number that is not finite")]
    NotFinite,
    /// The device fails whatever it is given, so the row is not at fault and may be tried again elsewhere or later.
    #[error("the device fails on every row: {reason}")]
    Device {
        /// Why.
        reason: String,
    },
}

impl RowError {
    /// Whether the same row may succeed later or elsewhere. A row with any other error should be set aside.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Device { .. })
    }
}

/// Why the engine gave no answer at all. The rows of the call are not at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine's thread is gone.
    #[error("the classifier has stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
    /// A fault of ours before the model, which no single row can be blamed for.
    #[error("the texts of the call could not be prepared: {reason}")]
    Internal {
        /// What happened.
        reason: String,
    },
    /// The device fails on every row.
    #[error("the classifier's device fails: {reason}")]
    Device {
        /// Why.
        reason: String,
    },
}

impl EngineError {
    /// Whether the same call may succeed later or on another worker: always, since no row caused it.
    pub fn is_retryable(&self) -> bool {
        true
    }
}

/// The first line of a libtorch error: what follows is a C++ stack trace.
pub(crate) fn first_line(error: &TchError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// How to get a model that was named as on the HuggingFace hub, `ORGANISATION/NAME` or `NAME`.
fn download_hint(path: &Path) -> String {
    let name = path.to_string_lossy();
    let is_word = |word: &str| {
        let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        !word.is_empty() && !word.starts_with(['.', '-']) && word.chars().all(allowed)
    };
    let is_hub_name = name.split('/').count() <= 2 && name.split('/').all(is_word);
    if path.exists() || !is_hub_name {
        return String::new();
    }
    let dir = name.rsplit('/').next().unwrap_or_default();
    format!(
        "; if you mean that model of the HuggingFace hub, run `hf download {name} --local-dir models/{dir}` and name \
         models/{dir}"
    )
}

/// A path as one argument of a shell command.
pub(crate) fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Lists names for an error message: all of a few, the first five of many.
pub(crate) fn list_names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const NAMES_MAX: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names
        .iter()
        .take(NAMES_MAX)
        .map(|name| format!("{name:?}"))
        .collect();
    let noun = if names.len() == 1 { "tensor" } else { "tensors" };
    match names.len().saturating_sub(NAMES_MAX) {
        0 => format!("{noun} {}", shown.join(", ")),
        more => format!("{noun} {} and {more} more", shown.join(", ")),
    }
}
