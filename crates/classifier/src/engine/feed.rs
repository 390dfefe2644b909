//! Keeps the model's thread fed: looks the texts of calls up, answers those that need no model, and has the tokens of exactly
//! one further call ready while the model is busy.

use super::call::{Asked, Call, Work, send};
use crate::batching::panic_text;
use crate::cache::ModelCache;
use crate::error::EngineError;
use crate::pool::Pool;
use crate::prepare::TextPreparer;
use crate::stats::Totals;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Instant;

/// What prepares the texts of a model, from any thread.
pub(super) struct Front {
    pub preparer: Arc<TextPreparer>,
    pub cache: Option<ModelCache>,
    pub totals: Arc<Totals>,
}

impl Front {
    /// Where answers to this call are looked up and kept.
    pub fn cache_of(&self, call: &Call) -> Option<&ModelCache> {
        self.cache.as_ref().filter(|_| call.asked() == Asked::Outcomes)
    }

    /// First half of a call: answers it where everything is known, or else passes it on.
    pub fn take(&self, mut call: Call, texts: Vec<String>, work: &mpsc::Sender<Work>) {
        if call.is_abandoned() {
            metrics::counter!("turnstone_classifier_cancelled_rows_total").increment(texts.len() as u64);
            return;
        }
        let started = Instant::now();
        // Unwind safety: nothing outlives a panic but the totals, which are counters.
        let folded = catch_unwind(AssertUnwindSafe(|| {
            let folded = self.preparer.fold(&texts, self.cache_of(&call));
            drop(texts);
            self.totals
                .looked_up(folded.rows(), folded.folded(), folded.hits());
            folded
        }));
        match folded {
            Err(panic) => call.answer(Err(internal(panic.as_ref()))),
            Ok(folded) if folded.is_complete() => {
                let answers = call.answers(folded, self.preparer.predictor());
                self.totals.prepared(started.elapsed());
                call.answer(Ok(answers));
            }
            Ok(folded) => {
                self.totals.prepared(started.elapsed());
                send(work, Work::Folded(call, folded));
            }
        }
    }
}

/// The thread between the queue and the model.
pub(super) struct Feeder {
    pub pool: Arc<Pool>,
    pub front: Option<Arc<Front>>,
    /// Has no room of its own: sending waits until the model's thread takes it.
    pub to_model: mpsc::SyncSender<Work>,
}

impl Feeder {
    /// Runs until there are no more handles, or no model's thread.
    ///
    /// It tokenises a call while the model works on the one before, and then waits with it: nothing more is tokenised before
    /// the model has taken it. So one call at most is ready and in memory beside the one in the model.
    pub fn run(self, queue: &mpsc::Receiver<Work>) {
        while let Ok(work) = queue.recv() {
            if work.call().is_abandoned() {
                metrics::counter!("turnstone_classifier_cancelled_rows_total").increment(work.rows() as u64);
                continue;
            }
            let Some(ready) = self.prepare(work) else { continue };
            if self.to_model.send(ready).is_err() {
                return;
            }
        }
    }

    /// Makes the tokens. `None` where that failed as a whole, which the caller has been told then.
    fn prepare(&self, work: Work) -> Option<Work> {
        match (work, &self.front) {
            (Work::Folded(mut call, folded), Some(front)) => {
                // Unwind safety: what was begun is dropped.
                let prepared = catch_unwind(AssertUnwindSafe(|| front.preparer.tokenise(folded, &self.pool)));
                match prepared {
                    Ok((prepared, time)) => {
                        front.totals.tokenised(time);
                        Some(Work::Prepared(call, prepared))
                    }
                    Err(panic) => {
                        call.answer(Err(internal(panic.as_ref())));
                        None
                    }
                }
            }
            (work, _) => Some(work),
        }
    }
}

fn internal(panic: &(dyn std::any::Any + Send)) -> EngineError {
    let reason = panic_text(panic);
    tracing::error!(reason, "the texts of a call could not be prepared");
    EngineError::Internal { reason }
}
