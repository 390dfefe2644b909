//! What can go wrong with the embedded server.

use std::path::PathBuf;

/// A failure of the embedded server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// There is no nats-server program.
    #[error(
        "no nats-server program in {looked_in}; run `make setup`, install nats-server, name it in the configuration, or give the address of a running server"
    )]
    NoProgram {
        /// Where it was looked for.
        looked_in: String,
    },
    /// Another server uses the folder.
    #[error("the folder {store_dir} is in use by another nats server (started by process {holder}); stop that one or choose another folder", store_dir = .store_dir.display())]
    InUse {
        /// The folder.
        store_dir: PathBuf,
        /// Process id of who started that server, as far as it is known.
        holder: String,
    },
    /// The server did not start.
    #[error("the nats server does not start: {reason}\n{log}")]
    Start {
        /// What happened.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server does not answer.
    #[error("the nats server is not well: {reason}")]
    Unhealthy {
        /// What happened.
        reason: String,
    },
    /// The operating system refused.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl EmbeddedError {
    /// Whether the same call can succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::InUse { .. } | Self::Unhealthy { .. } => true,
            Self::NoProgram { .. } | Self::Start { .. } | Self::Io { .. } => false,
        }
    }
}
