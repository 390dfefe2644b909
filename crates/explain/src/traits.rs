//! What the caller provides: where finished explanations are kept.

use crate::frame::{ContextFrame, DoneFrame};
use async_trait::async_trait;
use turnstone_types::{EntryId, TenantId};

/// What an explanation is kept under. Another model, prompt or context is another explanation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExplanationKey {
    /// Whose.
    pub tenant: TenantId,
    /// The entry explained.
    pub entry_id: EntryId,
    /// Name of the model; empty for the summary without one.
    pub model: String,
    /// Version of the prompt.
    pub prompt_version: u32,
    /// SHA-256, in lower-case hexadecimal, over what the model was given.
    pub context_hash: String,
}

/// A finished explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredExplanation {
    /// What it rests on.
    pub context: ContextFrame,
    /// The answer.
    pub done: DoneFrame,
}

/// Keeps finished explanations.
#[async_trait]
pub trait ExplanationCache: Send + Sync {
    /// The explanation kept under a key.
    async fn get(&self, key: &ExplanationKey) -> Result<Option<StoredExplanation>, CacheError>;

    /// Keeps an explanation; one that is there already is replaced.
    async fn put(&self, key: &ExplanationKey, explanation: &StoredExplanation) -> Result<(), CacheError>;
}

/// The store did not answer. The explanation goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("keep explanations: {0}")]
pub struct CacheError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
