//! Multi-head self-attention over packed rows, by libtorch's fused kernel.

use super::{Linear, LinearWeights, cpu};
use crate::error::LoadError;
use crate::layout::{Layout, Run};
use tch::{TchError, Tensor};

/// Which tokens a layer answers for; all of them are attended to either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queries {
    /// Every token of every row.
    AllTokens,
    /// The first token of every row: what the last layer needs where the head reads no other. Hidden states then shrink
    /// from `[tokens, size]` to `[rows, size]`.
    FirstToken,
}

/// What a family adds to the attention scores of a run (see [`Attention::forward`]).
pub(crate) type Bias<'a> = &'a dyn Fn(&Run) -> Result<Tensor, TchError>;

/// The products of query, key and value and the attention between them; the output product is the caller's.
pub(crate) struct Attention {
    /// All three in one product.
    query_key_value: Linear,
    /// The first third and the other two thirds, where a layer may be asked for first tokens.
    query_and_key_value: Option<(Linear, Linear)>,
    heads: i64,
}

impl Attention {
    /// Joins the three products. `last` says that the layer may be asked for [`Queries::FirstToken`].
    pub fn new(
        query: LinearWeights,
        key: LinearWeights,
        value: LinearWeights,
        heads: usize,
        last: bool,
    ) -> Result<Self, LoadError> {
        let joined = LinearWeights::join(&[&query, &key, &value])?;
        let size = joined.weight.size2()?.0 as usize / 3;
        let query_and_key_value = if last {
            Some((
                joined.outputs(0, size)?.ready()?,
                joined.outputs(size, 2 * size)?.ready()?,
            ))
        } else {
            None
        };
        Ok(Self {
            query_key_value: joined.ready()?,
            query_and_key_value,
            heads: heads as i64,
        })
    }

    /// The context of every asked token, `[tokens, size]` or `[rows, size]`. `bias` gives what is added to the attention
    /// scores of a run, broadcastable to `[rows, heads, tokens, tokens]` and for all queries, where the family has such.
    ///
    /// Scores are scaled by one over the root of the head's size.
    pub fn forward(
        &self,
        hidden: &Tensor,
        layout: &Layout,
        queries: Queries,
        bias: Option<Bias<'_>>,
    ) -> Result<Tensor, TchError> {
        let first = match (queries, &self.query_and_key_value) {
            (Queries::FirstToken, Some((query, key_value))) => Some((
                query.forward(&layout.first_tokens(hidden)?)?,
                key_value.forward(hidden)?,
            )),
            (Queries::FirstToken, None) => {
                return Err(TchError::Shape(
                    "only a last layer answers for first tokens".to_owned(),
                ));
            }
            (Queries::AllTokens, _) => None,
        };
        let joined = match &first {
            Some(_) => None,
            None => Some(self.query_key_value.forward(hidden)?),
        };
        if let (Some(joined), None) = (&joined, bias)
            && let Some(context) = cpu::attention(joined, &layout.runs, self.heads)?
        {
            return Ok(context);
        }
        layout.for_each_run(|run| {
            let (query, key, value) = match (&first, &joined) {
                (Some((query, key_value)), _) => {
                    let query = query.f_narrow(0, run.first_row, run.rows)?;
                    let [query] = self.split_heads(&query, run.rows, 1)?;
                    let [key, value] = self.split_heads(&run.of(key_value)?, run.rows, run.tokens)?;
                    (query, key, value)
                }
                (None, Some(joined)) => {
                    let [query, key, value] = self.split_heads(&run.of(joined)?, run.rows, run.tokens)?;
                    (query, key, value)
                }
                (None, None) => return Err(TchError::Shape("no queries".to_owned())),
            };
            let bias = bias.map(|bias| bias(run)).transpose()?;
            let bias = match (bias, queries) {
                (Some(bias), Queries::FirstToken) => Some(bias.f_narrow(-2, 0, 1)?),
                (bias, _) => bias,
            };
            let mask = run.mask_with(bias)?;
            let context = Tensor::f_scaled_dot_product_attention(
                &query,
                &key,
                &value,
                mask.as_ref(),
                0.0,
                false,
                None,
                false,
            )?;
            let tokens = query.size4()?.2;
            let size = context.size4()?.1 * context.size4()?.3;
            context.f_transpose(1, 2)?.f_reshape([run.rows * tokens, size])
        })
    }

    /// Cuts `[rows * tokens, PARTS * size]` into parts of `[rows, heads, tokens, head size]`, without copying.
    fn split_heads<const PARTS: usize>(
        &self,
        joined: &Tensor,
        rows: i64,
        tokens: i64,
    ) -> Result<[Tensor; PARTS], TchError> {
        let width = joined.size2()?.1;
        let head_size = width / (PARTS as i64 * self.heads);
        let parts = joined
            .f_view([rows, tokens, PARTS as i64, self.heads, head_size])?
            .f_permute([2, 0, 3, 1, 4])?
            .f_unbind(0)?;
        parts
            .try_into()
            .map_err(|_| TchError::Shape("unbind answered another number of tensors".to_owned()))
    }
}
