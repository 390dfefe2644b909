//! What can go wrong with a source as a whole. A single file that cannot be read is a fault in the batch, not an error.

use std::path::PathBuf;
use turnstone_types::SourceId;

/// Why a source cannot be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GleanError {
    /// The configuration of a source cannot be used.
    #[error("source {source_id}: {problem}")]
    Config {
        /// Which source.
        source_id: SourceId,
        /// What to change.
        problem: String,
    },
    /// A stored checkpoint does not read as one. Going on would read lines twice, so nothing is read.
    #[error(
        "source {source_id}: checkpoint {key:?} cannot be read ({problem}); delete that row to read the file anew"
    )]
    Checkpoint {
        /// Which source.
        source_id: SourceId,
        /// Its key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A path that was named outright cannot be read (one-shot mode only).
    #[error("cannot read {path}: {problem}", path = path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// A stream broke.
    #[error("source {source_id}: reading failed: {error}")]
    Stream {
        /// Which source.
        source_id: SourceId,
        /// The system's answer.
        error: std::io::Error,
    },
    /// The thread that reads ended without an answer; the source must be opened again from its checkpoints.
    #[error("source {source_id}: the reading task failed: {problem}")]
    Task {
        /// Which source.
        source_id: SourceId,
        /// What happened.
        problem: String,
    },
}

impl GleanError {
    /// Whether opening the source again from its checkpoints may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Task { .. } => true,
            Self::Config { .. } | Self::Checkpoint { .. } | Self::Stream { .. } => false,
        }
    }
}
