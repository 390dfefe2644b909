//! Runs a new model on rows of all kinds of lengths before it is said to be ready, so that no caller pays for what libtorch and
//! the kernels set up at their first use, and a batch that is too large for the device is found out now.

use crate::batching::{self, BatchLimits};
use crate::error::{LoadError, RowError, first_line};
use crate::forward::{Network, PADDED_LENGTHS};
use crate::tokens::TokenRow;
use std::time::{Duration, Instant};

/// Lengths that stand for all on a CPU, where every length is a shape of its own and none is special.
const LENGTHS_ON_CPU: &[usize] = &[16, 32, 64, 128, 256, 512];
/// Longest that this may take on a CPU, where a command may be about few lines, and on a GPU, where each length counts.
const TIME_MAX_ON_CPU: Duration = Duration::from_secs(1);
const TIME_MAX_ON_GPU: Duration = Duration::from_secs(30);

/// Runs one line, twice: the first pass finds out whether the model works, and libtorch sets itself up in both.
pub(crate) fn prove(network: &Network, probe: &TokenRow) -> Result<(), LoadError> {
    for _ in 0..2 {
        network.forward(&[probe]).map_err(|error| LoadError::Torch {
            reason: first_line(&error),
        })?;
    }
    Ok(())
}

/// Warms the network up for rows of up to `tokens_max` tokens, each length with a batch as full as it gets. What would take
/// longer than the time there is, is left out.
pub(crate) fn warm_up(
    network: &Network,
    limits: &BatchLimits,
    probe: &TokenRow,
    tokens_max: usize,
) -> Result<(), LoadError> {
    let started = Instant::now();
    let (lengths, time_max) = if network.is_on_cpu() {
        (LENGTHS_ON_CPU, TIME_MAX_ON_CPU)
    } else {
        (PADDED_LENGTHS, TIME_MAX_ON_GPU)
    };
    let mut lengths: Vec<usize> = lengths
        .iter()
        .copied()
        .filter(|length| *length < tokens_max)
        .collect();
    lengths.push(tokens_max);
    let mut warmed = Vec::with_capacity(lengths.len());
    for length in lengths {
        let row = row_of(probe, length);
        let rows = vec![&row; (limits.tokens_max() / length).max(1)];
        let tokens = length * rows.len();
        let before = Instant::now();
        for answer in batching::run(&rows, limits, probe, &|batch| network.forward(batch), &|| true) {
            match answer {
                // A text that is no text may well have an answer that is no number.
                Ok(_) | Err(RowError::NotFinite) => {}
                // Smaller rows will do; whoever has such a long one is told then.
                Err(RowError::OutOfMemory { tokens }) => {
                    tracing::warn!(tokens, "rows of this length are too much for the device's memory");
                    return Ok(());
                }
                Err(error) => {
                    return Err(LoadError::Torch {
                        reason: format!("a row of {length} tokens: {error}"),
                    });
                }
            }
        }
        warmed.push(length);
        let per_token = before.elapsed().as_secs_f64() / tokens as f64;
        // The next batch has about as many tokens, or one row of twice as many.
        let next = Duration::from_secs_f64(per_token * limits.tokens_max().max(2 * length) as f64);
        if started.elapsed() + next > time_max {
            break;
        }
    }
    tracing::info!(
        seconds = started.elapsed().as_secs_f64(),
        lengths = ?warmed,
        batch_tokens_max = limits.tokens_max(),
        "model is warm"
    );
    Ok(())
}

/// A row of `tokens` tokens: the probe's, those between the first and the last as often as needed.
fn row_of(probe: &TokenRow, tokens: usize) -> TokenRow {
    let stretch = |column: &[u32]| -> Vec<u32> {
        let [first, inner @ .., last] = column else {
            return column.repeat(tokens);
        };
        let inner = if inner.is_empty() { &[*first] } else { inner };
        let mut column = vec![*first];
        column.extend(inner.iter().cycle().take(tokens.saturating_sub(2)));
        column.push(*last);
        column.truncate(tokens);
        column
    };
    TokenRow {
        ids: stretch(&probe.ids),
        type_ids: stretch(&probe.type_ids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_length_asked_for_and_only_tokens_of_the_probe() {
        let row = |ids: &[u32]| TokenRow {
            ids: ids.to_vec(),
            type_ids: vec![0; ids.len()],
        };
        let stretched = |ids: &[u32], tokens| row_of(&row(ids), tokens).ids;
        assert_eq!(stretched(&[2, 7, 8, 3], 7), [2, 7, 8, 7, 8, 7, 3]);
        assert_eq!(stretched(&[2, 7, 8, 3], 2), [2, 3]);
        assert_eq!(stretched(&[2, 7, 8, 3], 1), [2]);
        assert_eq!(stretched(&[2, 3], 4), [2, 2, 2, 3]);
        assert_eq!(stretched(&[5], 3), [5, 5, 5]);
        assert_eq!(row_of(&row(&[2, 7, 3]), 40).type_ids.len(), 40);
    }
}
