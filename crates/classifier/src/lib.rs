//! HuggingFace text classification on libtorch: loads a model folder and gives log lines a label. The only crate that
//! knows libtorch (tch) and tokenizers; what a label means is turnstone-types' business, where scores go the scorer's.
//!
//! - [`Classifier`] runs on the caller's thread.
//! - [`Engine`] runs a classifier on a thread of its own, for async callers, and prepares texts ahead of it.
//! - [`Engine::explain_label`] says which words of a text carry its label.
//! - [`ScoreCache`] keeps what the engines of a process have answered.

mod answer;
mod attribution;
mod batching;
mod cache;
mod classifier;
mod device;
mod engine;
mod error;
mod family;
mod folder;
mod forward;
mod head;
mod layout;
mod loading;
mod model_info;
mod nn;
mod normalise;
mod options;
mod pool;
mod precision;
mod prepare;
mod stats;
mod tokenizer_files;
mod tokens;
mod torchscript;
mod warm_up;
mod weights;

pub use answer::{Prediction, RowOutcome};
pub use attribution::{
    ATTRIBUTED_ROWS_MAX, ATTRIBUTED_SPANS_MAX, ExplainLabelError, LabelAttribution, WordWeight,
};
pub use cache::ScoreCache;
pub use classifier::Classifier;
pub use engine::{Classify, Engine, EngineOptions};
pub use error::{EngineError, LoadError, RowError};
pub use model_info::{ModelInfo, ModelLabel};
pub use options::{
    DeviceChoice, Dtype, LoadOptions, Normalise, UnknownDevice, UnknownDtype, UnknownNormalise,
};
pub use stats::ClassifyStats;
