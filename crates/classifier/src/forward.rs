//! One batch through the network: tokens in, logits out, with one copy each way.

use crate::batching::Logits;
use crate::device::compute_alone;
use crate::family::{SequenceClassifier, TokenBatch};
use crate::layout::{Layout, Run};
use crate::tokens::TokenRow;
use tch::{Device, Kind, TchError, Tensor};

/// Lengths that rows are padded to on a GPU, so that few shapes occur and each was warmed up; longer rows keep theirs.
pub(crate) const PADDED_LENGTHS: &[usize] = &[
    16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512,
];

/// A network on its device.
pub(crate) struct Network {
    model: Box<dyn SequenceClassifier>,
    device: Device,
    classes: usize,
    tokens_max: usize,
}

// SAFETY: a forward pass only reads the model, whose tensors nobody changes after they are loaded, and libtorch's operations
// may read a tensor from many threads at once; implementations of SequenceClassifier keep no state between calls.
unsafe impl Sync for Network {}

impl Network {
    /// Takes a model whose tensors are on `device`, with the longest row that it can take.
    pub fn new(
        model: Box<dyn SequenceClassifier>,
        device: Device,
        classes: usize,
        tokens_max: usize,
    ) -> Self {
        Self {
            model,
            device,
            classes,
            tokens_max,
        }
    }

    /// Whether it runs on the processor.
    pub fn is_on_cpu(&self) -> bool {
        self.device == Device::Cpu
    }

    /// Raw scores of the classes of each row, in order. Rows of equal length should be neighbours.
    pub fn forward(&self, rows: &[&TokenRow]) -> Result<Vec<Logits>, TchError> {
        // Set here and not once, since the setting belongs to the thread.
        let _no_gradients = tch::no_grad_guard();
        let batch = if self.device == Device::Cpu {
            compute_alone();
            packed(rows)?
        } else {
            padded(rows, self.device, self.tokens_max)?
        };
        let logits = self
            .model
            .logits(&batch)?
            .f_to_kind(Kind::Float)?
            .f_to_device(Device::Cpu)?
            .f_contiguous()?;
        let (answered, classes) = logits.size2()?;
        let (answered, classes) = (answered as usize, classes as usize);
        if classes != self.classes {
            return Err(TchError::Shape(format!(
                "{classes} logits for {} classes",
                self.classes
            )));
        }
        let mut numbers = vec![0_f32; answered * classes];
        logits.f_copy_data(&mut numbers, answered * classes)?;
        Ok(numbers.chunks_exact(classes).map(<[f32]>::to_vec).collect())
    }
}

/// The length that a row of `tokens` is padded to on a GPU. Never beyond `tokens_max`, where tables of positions end.
pub(crate) fn padded_length(tokens: usize, tokens_max: usize) -> usize {
    let longer = PADDED_LENGTHS.iter().find(|length| **length >= tokens);
    longer.copied().unwrap_or(tokens).min(tokens_max).max(tokens)
}

/// Rows one after the other; neighbours of equal length make a run. No token is padding.
fn packed(rows: &[&TokenRow]) -> Result<TokenBatch, TchError> {
    let tokens = rows.iter().map(|row| row.len()).sum();
    let mut ids = Vec::with_capacity(tokens);
    let mut positions = Vec::with_capacity(tokens);
    let mut first_tokens = Vec::with_capacity(rows.len());
    let mut runs: Vec<Run> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let first_token = ids.len() as i64;
        match runs.last_mut() {
            Some(run) if run.tokens == row.len() as i64 => run.rows += 1,
            _ => runs.push(Run {
                first_row: index as i64,
                rows: 1,
                first_token,
                tokens: row.len() as i64,
                mask: None,
            }),
        }
        first_tokens.push(first_token);
        ids.extend(row.ids.iter().map(|id| i64::from(*id)));
        positions.extend(0..row.len() as i64);
    }
    let type_ids = if one_segment(rows) {
        None
    } else {
        let type_ids = rows.iter().flat_map(|row| &row.type_ids);
        let type_ids: Vec<i64> = type_ids.map(|type_id| i64::from(*type_id)).collect();
        Some(Tensor::f_from_slice(&type_ids)?)
    };
    Ok(TokenBatch {
        ids: Tensor::f_from_slice(&ids)?,
        type_ids,
        positions: Tensor::f_from_slice(&positions)?,
        layout: Layout {
            runs,
            first_token_of_rows: Tensor::f_from_slice(&first_tokens)?,
        },
    })
}

/// One run of rows that are padded to the same length. All numbers travel to the device in one copy from pinned memory.
fn padded(rows: &[&TokenRow], device: Device, tokens_max: usize) -> Result<TokenBatch, TchError> {
    let longest = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let longest = padded_length(longest, tokens_max);
    let area = rows.len() * longest;
    let one_segment = one_segment(rows);
    let columns = if one_segment { 1 } else { 2 };
    // The ids, the segments unless all are 0, the lengths. Nothing attends to padding, so any id will do for it.
    let mut numbers = vec![0_i64; columns * area + rows.len()];
    let (tokens, lengths) = numbers.split_at_mut(columns * area);
    for (index, row) in rows.iter().enumerate() {
        let at = index * longest;
        for (number, id) in tokens[at..].iter_mut().zip(&row.ids) {
            *number = i64::from(*id);
        }
        if !one_segment {
            for (number, type_id) in tokens[area + at..].iter_mut().zip(&row.type_ids) {
                *number = i64::from(*type_id);
            }
        }
        lengths[index] = row.len() as i64;
    }
    let numbers = Tensor::f_from_slice(&numbers)?
        .f_pin_memory(device)?
        .f_to_device_(device, Kind::Int64, true, false)?;
    let (rows_count, longest, area) = (rows.len() as i64, longest as i64, area as i64);
    let lengths = numbers.f_narrow(0, columns as i64 * area, rows_count)?;
    let positions = Tensor::f_arange(longest, (Kind::Int64, device))?;
    let present = positions.f_unsqueeze(0)?.f_lt_tensor(&lengths.f_unsqueeze(1)?)?;
    let type_ids = if one_segment {
        None
    } else {
        Some(numbers.f_narrow(0, area, area)?)
    };
    Ok(TokenBatch {
        ids: numbers.f_narrow(0, 0, area)?,
        type_ids,
        positions: positions
            .f_unsqueeze(0)?
            .f_expand([rows_count, longest], false)?
            .f_reshape([area])?,
        layout: Layout {
            runs: vec![Run {
                first_row: 0,
                rows: rows_count,
                first_token: 0,
                tokens: longest,
                mask: Some(present.f_view([rows_count, 1, 1, longest])?),
            }],
            first_token_of_rows: Tensor::f_arange_start_step(
                0,
                area.max(1),
                longest.max(1),
                (Kind::Int64, device),
            )?,
        },
    })
}

fn one_segment(rows: &[&TokenRow]) -> bool {
    rows.iter()
        .all(|row| row.type_ids.iter().all(|type_id| *type_id == 0))
}
