//! From token rows to logits: which rows go through the model together, what happens when a batch fails, and the order of
//! the answers. Knows no model; the forward pass is a function that it is given.

use crate::error::{RowError, first_line};
use crate::forward::padded_length;
use crate::tokens::TokenRow;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tch::TchError;

/// Raw scores of the classes of one row.
pub(crate) type Logits = Vec<f32>;

/// The model: one batch of rows to their logits, in order.
pub(crate) type Forward<'a> = dyn Fn(&[&TokenRow]) -> Result<Vec<Logits>, TchError> + 'a;

/// How rows of different lengths share a batch, which decides what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowCost {
    /// Each its own tokens: they lie one after the other.
    Packed,
    /// Each as many as the longest, up to the next padded length.
    Padded,
}

/// How much goes through the model at once.
#[derive(Debug)]
pub(crate) struct BatchLimits {
    rows_max: usize,
    cost: RowCost,
    /// Tokens, with padding where there is any. Falls, and stays low, when the device runs out of memory.
    tokens_max: Cell<usize>,
}

impl BatchLimits {
    /// Limits of at least one row and one token.
    pub fn new(rows_max: usize, tokens_max: usize, cost: RowCost) -> Self {
        Self {
            rows_max: rows_max.max(1),
            cost,
            tokens_max: Cell::new(tokens_max.max(1)),
        }
    }

    /// The token budget as it is now.
    pub fn tokens_max(&self) -> usize {
        self.tokens_max.get()
    }

    /// What rows of these lengths cost together; the longest comes first.
    fn tokens(&self, lengths: impl ExactSizeIterator<Item = usize>) -> usize {
        match self.cost {
            RowCost::Packed => lengths.sum(),
            RowCost::Padded => {
                let rows = lengths.len();
                rows * padded_length(lengths.max().unwrap_or(0))
            }
        }
    }

    /// How many of these rows, the longest of which comes first, go together: at least one.
    fn rows_together(&self, lengths: impl Iterator<Item = usize>) -> usize {
        let mut tokens = 0;
        let mut padded = None;
        let fits = |length: &usize| {
            tokens += match self.cost {
                RowCost::Packed => *length,
                RowCost::Padded => *padded.get_or_insert_with(|| padded_length(*length)),
            };
            tokens <= self.tokens_max()
        };
        lengths.take(self.rows_max).take_while(fits).count().max(1)
    }

    /// Remembers that this many tokens were too many for the device.
    fn lower_below(&self, tokens: usize) {
        let lower = (tokens / 2).max(1);
        if lower < self.tokens_max.get() {
            self.tokens_max.set(lower);
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
/// row fails alone, `probe` (a row known to work) decides whether the row or the device is at fault.
pub(crate) fn run(
    rows: &[&TokenRow],
    limits: &BatchLimits,
    probe: &TokenRow,
    forward: &Forward<'_>,
) -> Vec<Result<Logits, RowError>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // Longest first: if memory runs out, it does so at once, and the smaller limit holds for all that follow.
    order.sort_by_key(|index| std::cmp::Reverse(rows[*index].len()));
    let mut run = Run {
        rows,
        limits,
        probe,
        forward,
        device_fault: None,
        answers: vec![None; rows.len()],
    };
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let count = limits.rows_together(rest.iter().map(|index| rows[*index].len()));
        let (batch, later) = rest.split_at(count);
        run.batch(batch);
        rest = later;
    }
    let never_run = || {
        Err(RowError::Forward {
            reason: "the row was never run".to_owned(),
        })
    };
    run.answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(never_run))
        .collect()
}

struct Run<'a> {
    rows: &'a [&'a TokenRow],
    limits: &'a BatchLimits,
    probe: &'a TokenRow,
    forward: &'a Forward<'a>,
    /// Set once even the probe fails: then nothing more is tried in this run.
    device_fault: Option<String>,
    answers: Vec<Option<Result<Logits, RowError>>>,
}

impl Run<'_> {
    /// Answers the rows at `indices`, which are sorted by falling length. Halves on failure, so at most twice as many
    /// forward passes as rows.
    fn batch(&mut self, indices: &[usize]) {
        if let Some(reason) = &self.device_fault {
            for index in indices {
                self.answers[*index] = Some(Err(RowError::Device {
                    reason: reason.clone(),
                }));
            }
            return;
        }
        let rows: Vec<&TokenRow> = indices.iter().map(|index| self.rows[*index]).collect();
        let failure = match self.attempt(&rows) {
            Ok(logits) => {
                for (index, logits) in indices.iter().zip(logits) {
                    self.answers[*index] = Some(check_finite(logits));
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
            self.answers[*index] = Some(Err(self.blame(rows[0], failure)));
        } else {
            let (longer, shorter) = indices.split_at(indices.len() / 2);
            self.batch(longer);
            self.batch(shorter);
        }
    }

    /// Decides why a row failed that was alone in its batch.
    fn blame(&mut self, row: &TokenRow, failure: Failure) -> RowError {
        if let Err(probe_failure) = self.attempt(&[self.probe]) {
            let reason = probe_failure.reason;
            self.device_fault = Some(reason.clone());
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
