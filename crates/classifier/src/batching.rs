//! From token rows to logits: which rows go through the model together, what happens when a batch fails, and the order of
//! the answers. Knows no model; the forward pass is a function that it is given.

use crate::error::{RowError, first_line};
use crate::forward::padded_length;
use crate::tokens::TokenRow;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use tch::TchError;

/// Raw scores of the classes of one row.
pub(crate) type Logits = Vec<f32>;

/// The model: one batch of rows to their logits, in order. Called from several threads at once.
pub(crate) type Forward<'a> = dyn Fn(&[&TokenRow]) -> Result<Vec<Logits>, TchError> + Sync + 'a;

/// Whether anybody still waits for the answers. Asked before every batch, from several threads.
pub(crate) type Wanted<'a> = dyn Fn() -> bool + Sync + 'a;

/// Tokens below which it is not worth a thread to run a batch beside another.
const TOKENS_OF_A_THREAD: usize = 64;

/// How rows of different lengths share a batch, which decides what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowCost {
    /// Each its own tokens: they lie one after the other.
    Packed,
    /// Each as many as the longest, up to the next padded length; no row is longer than `row_tokens_max`.
    Padded { row_tokens_max: usize },
}

/// How much goes through the model at once.
#[derive(Debug)]
pub(crate) struct BatchLimits {
    rows_max: usize,
    cost: RowCost,
    /// Tokens, with padding where there is any. Falls, and stays low, when the device runs out of memory.
    tokens_max: AtomicUsize,
    /// Batches that run at once.
    threads: usize,
}

impl BatchLimits {
    /// Limits of at least one row, one token and one thread.
    pub fn new(rows_max: usize, tokens_max: usize, cost: RowCost, threads: usize) -> Self {
        Self {
            rows_max: rows_max.max(1),
            cost,
            tokens_max: AtomicUsize::new(tokens_max.max(1)),
            threads: threads.max(1),
        }
    }

    /// The token budget as it is now.
    pub fn tokens_max(&self) -> usize {
        self.tokens_max.load(Ordering::Relaxed)
    }

    /// What rows of these lengths cost together; the longest comes first.
    fn tokens(&self, lengths: impl ExactSizeIterator<Item = usize>) -> usize {
        match self.cost {
            RowCost::Packed => lengths.sum(),
            RowCost::Padded { row_tokens_max } => {
                let rows = lengths.len();
                rows * padded_length(lengths.max().unwrap_or(0), row_tokens_max)
            }
        }
    }

    /// How many of these rows, the longest of which comes first, go together within `tokens_max`: at least one.
    fn rows_together(&self, lengths: impl Iterator<Item = usize>, tokens_max: usize) -> usize {
        let mut tokens = 0;
        let mut padded = None;
        let fits = |length: &usize| {
            tokens += match self.cost {
                RowCost::Packed => *length,
                RowCost::Padded { row_tokens_max } => {
                    *padded.get_or_insert_with(|| padded_length(*length, row_tokens_max))
                }
            };
            tokens <= tokens_max
        };
        lengths.take(self.rows_max).take_while(fits).count().max(1)
    }

    /// Remembers that this many tokens were too many for the device.
    fn lower_below(&self, tokens: usize) {
        let lower = (tokens / 2).max(1);
        if lower < self.tokens_max.fetch_min(lower, Ordering::Relaxed) {
            metrics::counter!("turnstone_classifier_out_of_memory_total").increment(1);
            tracing::warn!(
                tokens,
                batch_tokens_max = lower,
                "out of memory on the device, making smaller batches"
            );
        }
    }
}

/// Runs rows through `forward` in batches of similar length and returns their logits in the order of `rows`.
///
/// A batch that fails, by error or panic, is halved until the failing row stands alone, so that the others succeed. Where a
/// row fails alone, `probe` (a row known to work) decides whether the row or the device is at fault. Once the answers are not
/// `wanted` any more, the rows that are left have an error for theirs.
pub(crate) fn run(
    rows: &[&TokenRow],
    limits: &BatchLimits,
    probe: &TokenRow,
    forward: &Forward<'_>,
    wanted: &Wanted<'_>,
) -> Vec<Result<Logits, RowError>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // Longest first: if memory runs out, it does so at once, and the smaller limit holds for all that follow.
    order.sort_by_key(|index| std::cmp::Reverse(rows[*index].len()));
    // Small calls are cut so that every thread has a part.
    let tokens: usize = rows.iter().map(|row| row.len()).sum();
    let share = match limits.threads {
        1 => usize::MAX,
        threads => tokens.div_ceil(threads).max(TOKENS_OF_A_THREAD),
    };
    let rest = Mutex::new(order.as_slice());
    let next = || {
        if !wanted() {
            return None;
        }
        let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
        let lengths = rest.iter().map(|index| rows[*index].len());
        let count = limits.rows_together(lengths, limits.tokens_max().min(share));
        let (batch, later) = rest.split_at_checked(count)?;
        *rest = later;
        Some(batch)
    };
    let device_fault = OnceLock::new();
    let work = || {
        let mut run = Run {
            rows,
            limits,
            probe,
            forward,
            device_fault: &device_fault,
            answers: Vec::new(),
        };
        while let Some(batch) = next() {
            run.batch(batch);
        }
        run.answers
    };
    let helpers = limits.threads.min(tokens.div_ceil(share)).saturating_sub(1);
    let never_run = || {
        Err(RowError::Forward {
            reason: "the row was never run".to_owned(),
        })
    };
    let mut answers: Vec<Result<Logits, RowError>> = rows.iter().map(|_| never_run()).collect();
    thread::scope(|scope| {
        let name = || thread::Builder::new().name("forward".to_owned());
        // Without a thread more the others do its part.
        let helpers: Vec<_> = (0..helpers)
            .filter_map(|_| name().spawn_scoped(scope, work).ok())
            .collect();
        let mine = work();
        let theirs = helpers.into_iter().filter_map(|helper| helper.join().ok());
        for (index, answer) in theirs.flatten().chain(mine) {
            answers[index] = answer;
        }
    });
    answers
}

/// What one thread does of a run.
struct Run<'a> {
    rows: &'a [&'a TokenRow],
    limits: &'a BatchLimits,
    probe: &'a TokenRow,
    forward: &'a Forward<'a>,
    /// Set once even the probe fails: then no thread tries anything more in this run.
    device_fault: &'a OnceLock<String>,
    answers: Vec<(usize, Result<Logits, RowError>)>,
}

impl Run<'_> {
    /// Answers the rows at `indices`, which are sorted by falling length. Halves on failure, so at most twice as many
    /// forward passes as rows.
    fn batch(&mut self, indices: &[usize]) {
        if let Some(reason) = self.device_fault.get() {
            for index in indices {
                let reason = reason.clone();
                self.answers.push((*index, Err(RowError::Device { reason })));
            }
            return;
        }
        let rows: Vec<&TokenRow> = indices.iter().map(|index| self.rows[*index]).collect();
        let failure = match self.attempt(&rows) {
            Ok(logits) => {
                for (index, logits) in indices.iter().zip(logits) {
                    self.answers.push((*index, check_finite(logits)));
                }
                return;
            }
            Err(failure) => failure,
        };
        if failure.out_of_memory {
            self.limits
                .lower_below(self.limits.tokens(rows.iter().map(|row| row.len())));
        }
        if let [index] = indices {
            let blamed = self.blame(rows[0], failure);
            self.answers.push((*index, Err(blamed)));
        } else {
            let (longer, shorter) = indices.split_at(indices.len() / 2);
            self.batch(longer);
            self.batch(shorter);
        }
    }

    /// Decides why a row failed that was alone in its batch.
    fn blame(&self, row: &TokenRow, failure: Failure) -> RowError {
        if let Err(probe_failure) = self.attempt(&[self.probe]) {
            let reason = probe_failure.reason;
            // Another thread may have said so already.
            let _ = self.device_fault.set(reason.clone());
            return RowError::Device { reason };
        }
        if failure.out_of_memory {
            RowError::OutOfMemory { tokens: row.len() }
        } else {
            RowError::Forward {
                reason: failure.reason,
            }
        }
    }

    fn attempt(&self, rows: &[&TokenRow]) -> Result<Vec<Logits>, Failure> {
        // Unwind safety: a forward pass changes nothing that outlives it, its tensors are freed as it unwinds.
        match catch_unwind(AssertUnwindSafe(|| (self.forward)(rows))) {
            Ok(Ok(logits)) if logits.len() == rows.len() => Ok(logits),
            Ok(Ok(logits)) => Err(Failure {
                out_of_memory: false,
                reason: format!("the model answered {} rows for {}", logits.len(), rows.len()),
            }),
            Ok(Err(error)) => Err(Failure {
                out_of_memory: is_out_of_memory(&error),
                reason: first_line(&error),
            }),
            Err(panic) => Err(Failure {
                out_of_memory: false,
                reason: panic_text(panic.as_ref()),
            }),
        }
    }
}

struct Failure {
    out_of_memory: bool,
    reason: String,
}

fn check_finite(logits: Logits) -> Result<Logits, RowError> {
    if logits.iter().all(|logit| logit.is_finite()) {
        Ok(logits)
    } else {
        Err(RowError::NotFinite)
    }
}

/// Whether libtorch ran out of memory. Its C interface passes nothing but a text on, so the text must be read; the
/// phrases are those of the CUDA and the CPU allocators of libtorch 2.x.
fn is_out_of_memory(error: &TchError) -> bool {
    let text = error.to_string();
    [
        "out of memory",
        "can't allocate memory",
        "not enough memory",
        "CUBLAS_STATUS_ALLOC_FAILED",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!(
        "panic: {}",
        text.unwrap_or("without a text")
            .lines()
            .next()
            .unwrap_or_default()
    )
}

#[cfg(test)]
mod tests;
