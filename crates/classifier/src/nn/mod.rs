//! Layers that the families share. Hidden states are `[tokens, size]`: the tokens of a batch's rows one after the other,
//! so that products and norms never see padding; only attention looks at rows (see [`crate::layout::Layout`]).
//!
//! In 16 bits on a CPU only the large products and the attention between them are in 16 bits. Embeddings, sums, norms and what
//! works on one token of each row stay in f32, since their rounding would add up from layer to layer for no gain in time.

mod activation;
mod attend;
mod attention;
mod cpu;
mod first_tokens;
mod linear;
mod norm;
mod onednn;

pub(crate) use activation::Activation;
pub(crate) use attend::attend;
pub(crate) use attention::{Attention, Bias, Queries};
pub(crate) use first_tokens::FirstTokenAttention;
pub(crate) use linear::{Linear, LinearWeights};
pub(crate) use norm::{LayerNorm, LayerNormShape};

use tch::{TchError, Tensor};

/// A hidden state, `[tokens, size]`.
pub(crate) struct State {
    /// As exact as it is known.
    pub exact: Tensor,
    /// In the precision of the products that follow, where that was made along with it; else the same tensor.
    pub rounded: Tensor,
}

impl State {
    /// A state of one precision.
    pub fn of(tensor: Tensor) -> Self {
        Self {
            rounded: tensor.shallow_clone(),
            exact: tensor,
        }
    }
}

/// Rows of an embedding table, `[ids, size]`.
pub(crate) fn lookup(table: &Tensor, ids: &Tensor) -> Result<Tensor, TchError> {
    Tensor::f_embedding(table, ids, -1, false, false)
}
