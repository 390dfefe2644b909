//! Multi-head self-attention over packed rows, by libtorch's fused kernel.

use super::{FirstTokenAttention, Linear, LinearWeights, attend, cpu};
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
    /// Where the layer may be asked for first tokens.
    first_tokens: Option<FirstTokenAttention>,
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
        let query_key_value = LinearWeights::join(&[&query, &key, &value])?.ready()?;
        let first_tokens = if last {
            Some(FirstTokenAttention::new(query, &key, &value, heads)?)
        } else {
            None
        };
        Ok(Self {
            query_key_value,
            first_tokens,
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
        if queries == Queries::FirstToken {
            let Some(first_tokens) = &self.first_tokens else {
                return Err(TchError::Shape(
                    "only a last layer answers for first tokens".to_owned(),
                ));
            };
            return first_tokens.forward(hidden, layout, bias);
        }
        let joined = self.query_key_value.forward(hidden)?;
        if bias.is_none()
            && let Some(context) = cpu::attention(&joined, &layout.runs, self.heads)?
        {
            return Ok(context);
        }
        let width = joined.size2()?.1;
        let head_size = width / 3 / self.heads;
        layout.for_each_run(|run| {
            // [3, rows, heads, tokens, head size], without copying
            let parts = run
                .of(&joined)?
                .f_view([run.rows, run.tokens, 3, self.heads, head_size])?
                .f_permute([2, 0, 3, 1, 4])?;
            let mask = run.mask_with(bias.map(|bias| bias(run)).transpose()?)?;
            let scale = 1.0 / (head_size as f64).sqrt();
            attend(
                &parts.f_get(0)?,
                &parts.f_get(1)?,
                &parts.f_get(2)?,
                mask.as_ref(),
                scale,
            )
        })
    }
}
