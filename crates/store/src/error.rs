//! What can go wrong in a store, in terms of the domain. Each dialect maps its own codes to these in its `error.rs`.

/// The sort of a store error; decides the gRPC code and whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// What was asked for is not there.
    NotFound,
    /// It collides with what is there.
    Conflict,
    /// The database cannot be reached, is locked or is shutting down; trying again can help.
    Unavailable,
    /// The data or the schema is damaged, or from another version.
    Corrupt,
    /// What was asked is not valid.
    Invalid,
    /// Anything else: a fault of ours.
    Internal,
}

/// An error of the store.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct StoreError {
    /// Its sort.
    pub kind: StoreErrorKind,
    /// The verb that failed, for example `commit_cycle`.
    pub operation: &'static str,
    /// What happened and what to do about it, for people.
    pub message: String,
    /// The driver's error.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// Makes an error without a driver's error behind it.
    pub fn new(kind: StoreErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            operation,
            message: message.into(),
            source: None,
        }
    }

    /// Whether trying again can help.
    pub fn is_retryable(&self) -> bool {
        self.kind == StoreErrorKind::Unavailable
    }
}
