//! The attention itself, by libtorch's fused kernel, for families that make queries and keys in their own way.

use tch::{TchError, Tensor};

/// The context of each query, `[rows * queries, heads * head size]`, from queries, keys and values
/// `[rows, heads, tokens, head size]`. `mask` says with true which keys a query sees, or gives what is added to the scores;
/// it is broadcastable to `[rows, heads, queries, tokens]`. Scores are multiplied by `scale`.
pub(crate) fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    mask: Option<&Tensor>,
    scale: f64,
) -> Result<Tensor, TchError> {
    let context =
        Tensor::f_scaled_dot_product_attention(query, key, value, mask, 0.0, false, Some(scale), false)?;
    let (rows, heads, queries, head_size) = context.size4()?;
    context
        .f_transpose(1, 2)?
        .f_reshape([rows * queries, heads * head_size])
}
