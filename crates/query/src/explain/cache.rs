//! Keeps finished explanations in the store, as JSON.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use turnstone_explain::frame::{ContextFrame, DoneFrame};
use turnstone_explain::traits::{CacheError, ExplanationCache, ExplanationKey, StoredExplanation};
use turnstone_store::Store;
use turnstone_types::Timestamp;

/// The explanations that a store keeps.
pub(crate) struct StoreCache(pub Arc<dyn Store>);

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    context: ContextFrame,
    done: DoneFrame,
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CacheError {
    CacheError(error.into())
}

fn key_of(key: &ExplanationKey) -> turnstone_store::ExplanationKey {
    turnstone_store::ExplanationKey {
        entry_id: key.entry_id.clone(),
        model: key.model.clone(),
        prompt_version: key.prompt_version,
        context_hash: key.context_hash.clone(),
    }
}

#[async_trait]
impl ExplanationCache for StoreCache {
    async fn get(&self, key: &ExplanationKey) -> Result<Option<StoredExplanation>, CacheError> {
        let kept = self
            .0
            .explanation(&key.tenant, &key_of(key))
            .await
            .map_err(failed)?;
        let Some(kept) = kept else { return Ok(None) };
        let Kept { context, done } = serde_json::from_str(&kept.body).map_err(failed)?;
        Ok(Some(StoredExplanation { context, done }))
    }

    async fn put(&self, key: &ExplanationKey, explanation: &StoredExplanation) -> Result<(), CacheError> {
        let kept = Kept {
            context: explanation.context.clone(),
            done: explanation.done.clone(),
        };
        let kept = turnstone_store::StoredExplanation {
            body: serde_json::to_string(&kept).map_err(failed)?,
            created_at: Timestamp::now(),
        };
        // False: the entry was deleted meanwhile, and with it the need.
        self.0
            .put_explanation(&key.tenant, &key_of(key), &kept)
            .await
            .map_err(failed)?;
        Ok(())
    }
}
