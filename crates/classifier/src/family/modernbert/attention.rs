//! Attention with rotary positions, over whole rows or over a window of neighbours.

use super::rotary::Rotation;
use crate::error::LoadError;
use crate::layout::{Layout, Run};
use crate::nn::{Linear, LinearWeights, Queries, attend};
use tch::{Device, Kind, TchError, Tensor};

/// Added to the scores of tokens outside the window: far below any score, so that they weigh exactly 0 in f32, yet finite
/// and within f16's range, so that padding whose window holds nothing but padding makes no NaN for others to trip over.
const OUTSIDE: f64 = -30_000.0;

/// Which tokens see each other in layers that look at neighbours only.
pub(super) struct Window {
    /// Most places between a token and one that it sees.
    reach: i64,
    /// 0 where a token sees the other and [`OUTSIDE`] where not, `[longest, longest]`.
    bias: Tensor,
}

impl Window {
    /// For rows of up to `longest` tokens.
    pub fn new(reach: i64, longest: i64, kind: Kind, device: Device) -> Result<Self, TchError> {
        let places = Tensor::f_arange(longest, (Kind::Int64, device))?;
        let distances = places.f_unsqueeze(1)?.f_sub(&places.f_unsqueeze(0)?)?.f_abs()?;
        let bias = Tensor::f_zeros([longest, longest], (kind, device))?
            .f_masked_fill(&distances.f_gt(reach)?, OUTSIDE)?;
        Ok(Self { reach, bias })
    }

    /// The mask of a run, for its first tokens or for all.
    fn mask(&self, run: &Run, queries: Queries) -> Result<Option<Tensor>, TchError> {
        if run.tokens <= self.reach + 1 {
            return run.mask_with(None);
        }
        let asked = match queries {
            Queries::AllTokens => run.tokens,
            Queries::FirstToken => 1,
        };
        let bias = self.bias.f_narrow(0, 0, asked)?.f_narrow(1, 0, run.tokens)?;
        Ok(Some(match &run.mask {
            Some(mask) => bias.f_masked_fill(&mask.f_logical_not()?, OUTSIDE)?,
            None => bias,
        }))
    }
}

/// The product of query, key and value and the attention between them; the output product is the caller's.
pub(super) struct RotaryAttention {
    products: Products,
    heads: i64,
    /// What scores are multiplied by.
    scale: f64,
}

enum Products {
    /// Query, key and value of every token.
    AllTokens(Linear),
    /// The query of first tokens; key and value of every token.
    FirstToken(Linear, Linear),
}

impl RotaryAttention {
    /// `joined` are query, key and value in one product. The layer answers for `queries`.
    pub fn new(joined: LinearWeights, heads: usize, queries: Queries) -> Result<Self, LoadError> {
        let size = joined.weight.size2()?.0 as usize / 3;
        let products = match queries {
            Queries::AllTokens => Products::AllTokens(joined.ready()?),
            Queries::FirstToken => Products::FirstToken(
                joined.outputs(0, size)?.ready()?,
                joined.outputs(size, 2 * size)?.ready()?,
            ),
        };
        Ok(Self {
            products,
            heads: heads as i64,
            scale: 1.0 / ((size / heads) as f64).sqrt(),
        })
    }

    /// The context of every asked token, `[tokens, size]`, or `[rows, size]`. Without a window,
    /// all tokens of a row see each other.
    pub fn forward(
        &self,
        hidden: &Tensor,
        layout: &Layout,
        rotation: &Rotation,
        window: Option<&Window>,
    ) -> Result<Tensor, TchError> {
        match &self.products {
            Products::AllTokens(query_key_value) => {
                let joined = self.split(&query_key_value.forward(hidden)?, 3)?;
                let query_key = rotation.turn(&joined.f_narrow(1, 0, 2)?)?;
                layout.for_each_run(|run| {
                    let turned = run.of(&query_key)?;
                    let query = by_row(&turned, run.rows, 0)?;
                    let key = by_row(&turned, run.rows, 1)?;
                    let value = by_row(&run.of(&joined)?, run.rows, 2)?;
                    let mask = mask(run, window, Queries::AllTokens)?;
                    attend(&query, &key, &value, mask.as_ref(), self.scale)
                })
            }
            Products::FirstToken(query, key_value) => {
                // The first token stands at place 0, where nothing turns.
                let query = self.split(&query.forward(&layout.first_tokens(hidden)?)?, 1)?;
                let key_value = self.split(&key_value.forward(hidden)?, 2)?;
                let key = rotation.turn(&key_value.f_narrow(1, 0, 1)?)?;
                layout.for_each_run(|run| {
                    let query = query.f_narrow(0, run.first_row, run.rows)?;
                    let query = by_row(&query, run.rows, 0)?;
                    let key = by_row(&run.of(&key)?, run.rows, 0)?;
                    let value = by_row(&run.of(&key_value)?, run.rows, 1)?;
                    let mask = mask(run, window, Queries::FirstToken)?;
                    attend(&query, &key, &value, mask.as_ref(), self.scale)
                })
            }
        }
    }

    /// `[tokens, parts * size]` as `[tokens, parts, heads, head size]`, without copying.
    fn split(&self, joined: &Tensor, parts: i64) -> Result<Tensor, TchError> {
        let (tokens, width) = joined.size2()?;
        joined.f_view([tokens, parts, self.heads, width / (parts * self.heads)])
    }
}

fn mask(run: &Run, window: Option<&Window>, queries: Queries) -> Result<Option<Tensor>, TchError> {
    match window {
        Some(window) => window.mask(run, queries),
        None => run.mask_with(None),
    }
}

/// One part of a run's `[tokens, parts, heads, head size]` as `[rows, heads, tokens of a row, head size]`, without copying.
fn by_row(joined: &Tensor, rows: i64, part: i64) -> Result<Tensor, TchError> {
    let tokens = joined.size4()?.0 / rows;
    joined
        .f_select(1, part)?
        .f_unflatten(0, [rows, tokens])?
        .f_transpose(1, 2)
}
