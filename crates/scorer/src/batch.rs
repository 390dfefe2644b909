//! One batch: read texts, classify, write. Knows nothing of the queue.

use std::sync::Arc;
use std::time::Instant;
use turnstone_classifier::{Engine, EngineError, RowError};
use turnstone_store::{RecordOutcome, RecordScores, Store, StoreError};
use turnstone_types::{EntryOutcome, ScoreBatch, ScoredEntry, Timestamp};

/// Why a batch could not be scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine failed as a whole; single lines that fail are quarantined instead.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ScoreError {
    /// Whether the same batch can succeed later or elsewhere. A broken engine is no fault of the batch.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Engine(_) => true,
        }
    }
}

/// Scores batches with one engine into one store. Cheap to clone.
#[derive(Clone)]
pub struct BatchScorer {
    store: Arc<dyn Store>,
    engine: Engine,
    quiet_seconds: u32,
}

impl BatchScorer {
    /// Joins a store and an engine, without a quiet time.
    pub fn new(store: Arc<dyn Store>, engine: Engine) -> Self {
        Self {
            store,
            engine,
            quiet_seconds: 0,
        }
    }

    /// For so many seconds after a group of detections was acknowledged, what recurs in it comes acknowledged.
    pub fn with_quiet_seconds(self, quiet_seconds: u32) -> Self {
        Self {
            quiet_seconds,
            ..self
        }
    }

    /// The store that scores are written to.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Whether the engine still answers.
    pub fn engine_is_healthy(&self) -> bool {
        self.engine.is_healthy()
    }

    /// Scores what is unscored of `batch` and closes it. A batch that was scored before changes nothing.
    pub async fn score(&self, batch: &ScoreBatch) -> Result<RecordOutcome, ScoreError> {
        let started = Instant::now();
        let entries = self.store.batch_texts(batch).await?;
        let (ids, texts): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.id, entry.text)).unzip();
        let rows = texts.len();
        let answers = if texts.is_empty() {
            Vec::new()
        } else {
            self.engine.classify(texts).await?
        };
        if let Some(RowError::Device { reason }) = answers
            .iter()
            .find_map(|answer| answer.as_ref().err().filter(|error| error.is_retryable()))
        {
            // The device is at fault and not these lines: nothing is set aside, the whole batch is tried again.
            return Err(EngineError::Device {
                reason: reason.clone(),
            }
            .into());
        }
        let outcomes = ids
            .into_iter()
            .zip(answers)
            .map(|(id, answer)| {
                let outcome = match answer {
                    Ok(prediction) => EntryOutcome::Scored {
                        meaning: prediction.meaning,
                        score: prediction.score,
                        detected: prediction.detected,
                    },
                    Err(error) => {
                        tracing::warn!(entry_id = %id, %error, "line cannot be scored, set aside");
                        EntryOutcome::Quarantined {
                            reason: error.to_string(),
                        }
                    }
                };
                ScoredEntry { id, outcome }
            })
            .collect();
        let scores = RecordScores {
            batch_id: Some(batch.id.clone()),
            scorer: self.engine.info().name.clone(),
            scored_at: Timestamp::now(),
            quiet_seconds: self.quiet_seconds,
            outcomes,
        };
        let recorded = self.store.record_scores(&scores).await?;
        metrics::counter!("turnstone_scorer_entries_total", "outcome" => "scored")
            .increment(recorded.newly_scored);
        metrics::counter!("turnstone_scorer_entries_total", "outcome" => "quarantined")
            .increment(recorded.newly_quarantined);
        metrics::counter!("turnstone_scorer_detections_total").increment(recorded.new_detections);
        metrics::histogram!("turnstone_scorer_batch_seconds").record(started.elapsed().as_secs_f64());
        tracing::debug!(batch_id = %batch.id, rows, detections = recorded.new_detections, seconds = started.elapsed().as_secs_f64(), "batch scored");
        Ok(recorded)
    }
}
