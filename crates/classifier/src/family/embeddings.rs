//! Embeddings of BERT and its descendants: the sum of words, places and, in some families, segments, normalised.

use super::TokenBatch;
use crate::error::LoadError;
use crate::nn::{LayerNorm, LayerNormShape, lookup};
use crate::weights::Weights;
use tch::{Kind, TchError, Tensor};

/// Sizes of the tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct EmbeddingShape {
    /// Numbers a token.
    pub size: usize,
    /// Rows of the table of words.
    pub words: usize,
    /// Rows of the table of places.
    pub positions: usize,
    /// Rows of the table of segments, where the family has one.
    pub types: Option<usize>,
    /// Added to the variance in the layer norm.
    pub eps: f64,
}

/// The tables and the norm after them.
pub(super) struct Embeddings {
    words: Tensor,
    positions: Tensor,
    types: Option<Tensor>,
    norm: LayerNorm,
}

impl Embeddings {
    /// Takes the tensors under `prefix`, which all families call the same.
    pub fn take(weights: &mut Weights<'_>, prefix: &str, shape: EmbeddingShape) -> Result<Self, LoadError> {
        let mut table = |name: &str, rows| {
            weights.exact(|weights| weights.take(&format!("{prefix}.{name}.weight"), &[rows, shape.size]))
        };
        let words = table("word_embeddings", shape.words)?;
        let positions = table("position_embeddings", shape.positions)?;
        let types = shape
            .types
            .map(|rows| table("token_type_embeddings", rows))
            .transpose()?;
        let norm = LayerNormShape {
            size: shape.size,
            eps: shape.eps,
        };
        Ok(Self {
            words,
            positions,
            types,
            norm: LayerNorm::take(weights, &format!("{prefix}.LayerNorm"), norm)?,
        })
    }

    /// Places count from 0. `[tokens, size]`.
    pub fn forward(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        self.sum(batch, &batch.positions, batch.type_ids.as_ref())
    }

    /// Places count from the one after `padding_id`, as in fairseq's models: see [`positions_after_padding`]. All tokens
    /// are of segment 0, since the tokenizers of these families name none. `[tokens, size]`.
    pub fn forward_after_padding(&self, batch: &TokenBatch, padding_id: i64) -> Result<Tensor, TchError> {
        let last = self.positions.size2()?.0 - 1;
        self.sum(batch, &positions_after_padding(batch, padding_id, last)?, None)
    }

    fn sum(
        &self,
        batch: &TokenBatch,
        positions: &Tensor,
        type_ids: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let mut sum = lookup(&self.words, &batch.ids)?;
        if let Some(types) = &self.types {
            sum = sum.f_add(&match type_ids {
                Some(type_ids) => lookup(types, type_ids)?,
                None => types.f_select(0, 0)?,
            })?;
        }
        self.norm
            .forward(&sum.f_add(&lookup(&self.positions, positions)?)?)
    }
}

/// transformers' `create_position_ids_from_input_ids`: a token that is not padding is at `padding_id` plus its number among
/// such tokens of its row, counted from 1, and padding is at `padding_id`. A text may spell the token of padding out, so
/// padding can be anywhere in a row. `last` is the last place there is; only the padding of a batch could lie beyond.
fn positions_after_padding(batch: &TokenBatch, padding_id: i64, last: i64) -> Result<Tensor, TchError> {
    let counted = batch.ids.f_ne(padding_id)?.f_to_kind(Kind::Int64)?;
    let count = counted.f_cumsum(0, Kind::Int64)?;
    // What was counted before the row of each token began.
    let tokens = batch.ids.size1()?;
    let row_start = Tensor::f_arange(tokens, (Kind::Int64, batch.ids.device()))?.f_sub(&batch.positions)?;
    let before_row = count.f_sub(&counted)?.f_index_select(0, &row_start)?;
    count
        .f_sub(&before_row)?
        .f_mul(&counted)?
        .f_add_scalar(padding_id)?
        .f_clamp_max(last)
}
