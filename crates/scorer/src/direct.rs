//! Scoring without a queue: what `turnstone score` does, as the original pipeline did.

use crate::batch::{BatchScorer, ScoreError};
use tokio_util::sync::CancellationToken;
use turnstone_store::{RecordOutcome, SweepRequest};
use turnstone_types::{TenantId, Timestamp};

/// Open batches asked for at a time.
const BATCHES_PER_READ: u32 = 64;

/// What a run scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DirectOutcome {
    /// Entries that had no score before.
    pub scored: u64,
    /// Entries set aside.
    pub quarantined: u64,
    /// New detections.
    pub detections: u64,
    /// Whether it was stopped before all was done.
    pub stopped: bool,
}

impl DirectOutcome {
    fn add(&mut self, recorded: RecordOutcome) {
        self.scored += recorded.newly_scored;
        self.quarantined += recorded.newly_quarantined;
        self.detections += recorded.new_detections;
    }
}

/// Scores every unscored entry of the tenant and of the shared one, newest first, until none is left or `stop`. Safe to run
/// again, and beside workers: whoever comes second finds the entries scored. `progress` hears the totals after each batch.
pub async fn score_unscored(
    scorer: &BatchScorer,
    tenant: &TenantId,
    batch_entries_max: u32,
    stop: &CancellationToken,
    mut progress: impl FnMut(&DirectOutcome),
) -> Result<DirectOutcome, ScoreError> {
    let mut outcome = DirectOutcome::default();
    // Entries that a person's own SQL put in, or took the score from, have no batch yet.
    let adopt = SweepRequest {
        // No batch was sent before the epoch: nothing is sent again, only orphans are adopted.
        sent_before: Timestamp::UNIX_EPOCH,
        now: Timestamp::now(),
        limit: u32::MAX,
        adopt_orphans: true,
        batch_entries_max,
    };
    scorer.store().sweep(&adopt).await?;
    loop {
        let batches = scorer.store().open_batches(tenant, BATCHES_PER_READ).await?;
        if batches.is_empty() {
            return Ok(outcome);
        }
        for batch in &batches {
            if stop.is_cancelled() {
                return Ok(DirectOutcome {
                    stopped: true,
                    ..outcome
                });
            }
            outcome.add(scorer.score(batch).await?);
            progress(&outcome);
        }
    }
}
