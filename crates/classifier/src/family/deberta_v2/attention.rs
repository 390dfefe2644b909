//! Disentangled attention: scores of content to content, content to position and position to content.

use super::DebertaConfig;
use crate::error::LoadError;
use crate::layout::{Layout, Run};
use crate::nn::{Linear, LinearWeights, Queries, attend};
use crate::weights::Weights;
use tch::{TchError, Tensor};

/// The products of query, key and value and the attention between them; the output product is the caller's.
///
/// What positions are compared with are weights alone, so each layer keeps them projected, for every distance in the longest
/// row. A shorter row needs a part of that, and needs no gathering: the scores of a token with all distances, `[tokens,
/// 2 * tokens - 1]`, hold those with all tokens, `[tokens, tokens]`, in other strides.
pub(super) struct DisentangledAttention {
    products: Products,
    heads: i64,
    /// What scores are multiplied by.
    scale: f64,
    /// Keys by distance (place of the query less that of the key), from the largest to the smallest, scaled,
    /// `[heads, 2 * longest - 1, head size]`; `None` where content is not compared with positions.
    position_keys: Option<Tensor>,
    /// Queries by distance, from the smallest to the largest, scaled, of the same shape.
    position_queries: Option<Tensor>,
}

enum Products {
    /// Query, key and value of every token.
    AllTokens(Linear),
    /// The query of first tokens; key and value of every token.
    FirstToken(Linear, Linear),
}

impl DisentangledAttention {
    /// Takes the tensors under `prefix`. `relative` are the relative embeddings by distance, from the smallest to the
    /// largest, `[2 * longest - 1, size]`; `None` without relative attention. The layer answers for `queries`.
    pub fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        config: &DebertaConfig,
        relative: Option<&Tensor>,
        queries: Queries,
    ) -> Result<Self, LoadError> {
        let size = config.hidden_size;
        let heads = config.num_attention_heads;
        let (content_to_position, position_to_content) = config.position_attention();
        let terms = 1 + usize::from(content_to_position) + usize::from(position_to_content);
        let scale = 1.0 / ((size / heads * terms) as f64).sqrt();
        let mut product = |name: &str| LinearWeights::take(weights, &format!("{prefix}.{name}"), size, size);
        let query = product("query_proj")?;
        let key = product("key_proj")?;
        let value = product("value_proj")?;
        let by_head = |relative: &Tensor, product: &LinearWeights| {
            relative
                .f_linear(&product.weight, product.bias.as_ref())?
                .f_mul_scalar(scale)?
                .f_view([-1, heads as i64, (size / heads) as i64])?
                .f_transpose(0, 1)
        };
        let mut position_keys = None;
        let mut position_queries = None;
        if let Some(relative) = relative {
            if content_to_position {
                let keys = if config.share_att_key {
                    by_head(relative, &key)?
                } else {
                    by_head(relative, &product("pos_key_proj")?)?
                };
                position_keys = Some(keys.f_flip([1])?.f_contiguous()?);
            }
            if position_to_content {
                let by_distance = if config.share_att_key {
                    by_head(relative, &query)?
                } else {
                    by_head(relative, &product("pos_query_proj")?)?
                };
                position_queries = Some(by_distance.f_contiguous()?);
            }
        }
        let joined = LinearWeights::join(&[&query, &key, &value])?;
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
            scale,
            position_keys,
            position_queries,
        })
    }

    /// The context of every asked token, `[tokens, size]` or `[rows, size]`.
    pub fn forward(&self, hidden: &Tensor, layout: &Layout) -> Result<Tensor, TchError> {
        match &self.products {
            Products::AllTokens(query_key_value) => {
                let joined = query_key_value.forward(hidden)?;
                layout.for_each_run(|run| self.all_tokens(&joined, run))
            }
            Products::FirstToken(query, key_value) => {
                let query = query.forward(&layout.first_tokens(hidden)?)?;
                let key_value = key_value.forward(hidden)?;
                layout.for_each_run(|run| self.first_token(&query, &key_value, run))
            }
        }
    }

    fn all_tokens(&self, joined: &Tensor, run: &Run) -> Result<Tensor, TchError> {
        let [query, key, value] = self.split_heads(&run.of(joined)?)?;
        let (rows, tokens) = (run.rows, run.tokens);
        let distances = 2 * tokens - 1;
        // The score of token t with distance number n lies at t * distances + n. With distances from the largest to the
        // smallest, that of query i with key j is number tokens - 1 - (i - j) of i; with distances from the smallest to the
        // largest, it is number tokens - 1 + (i - j) of j.
        let between_tokens = |scores: &Tensor, [of_query, of_key]: [i64; 2]| {
            let row = tokens * distances;
            scores.f_as_strided(
                [rows, self.heads, tokens, tokens],
                [row, rows * row, of_query, of_key],
                tokens - 1,
            )
        };
        let content_to_position = match &self.position_keys {
            Some(keys) => {
                let scores = query.f_bmm(&middle(keys, tokens)?.f_transpose(1, 2)?)?;
                Some(between_tokens(&scores, [distances - 1, 1])?)
            }
            None => None,
        };
        let position_to_content = match &self.position_queries {
            Some(queries) => {
                let scores = key.f_bmm(&middle(queries, tokens)?.f_transpose(1, 2)?)?;
                Some(between_tokens(&scores, [1, distances - 1])?)
            }
            None => None,
        };
        let [query, key, value] = [query, key, value].map(|part| by_row(&part, rows, tokens));
        let mask = run.mask_with(sum(content_to_position, position_to_content)?)?;
        attend(&query?, &key?, &value?, mask.as_ref(), self.scale)
    }

    fn first_token(&self, query: &Tensor, key_value: &Tensor, run: &Run) -> Result<Tensor, TchError> {
        let (rows, tokens) = (run.rows, run.tokens);
        let [query] = self.split_heads(&query.f_narrow(0, run.first_row, rows)?)?;
        let [key, value] = self.split_heads(&run.of(key_value)?)?;
        // The distance to key j is -j, so the keys of positions are asked from the middle on, and the queries of positions
        // from the middle back.
        let content_to_position = match &self.position_keys {
            Some(keys) => {
                let keys = keys.f_narrow(1, keys.size3()?.1 / 2, tokens)?;
                let scores = query.f_bmm(&keys.f_transpose(1, 2)?)?;
                Some(scores.f_transpose(0, 1)?.f_unsqueeze(2)?)
            }
            None => None,
        };
        let key = by_row(&key, rows, tokens)?;
        let position_to_content = match &self.position_queries {
            Some(queries) => {
                let queries = queries
                    .f_narrow(1, queries.size3()?.1 / 2 + 1 - tokens, tokens)?
                    .f_flip([1])?;
                let products = key.f_mul(&queries)?;
                Some(
                    products
                        .f_sum_dim_intlist([-1_i64].as_slice(), false, None)?
                        .f_unsqueeze(2)?,
                )
            }
            None => None,
        };
        let mask = run.mask_with(sum(content_to_position, position_to_content)?)?;
        let (query, value) = (by_row(&query, rows, 1)?, by_row(&value, rows, tokens)?);
        attend(&query, &key, &value, mask.as_ref(), self.scale)
    }

    /// Cuts `[tokens, PARTS * size]` into parts of `[heads, tokens, head size]`, without copying.
    fn split_heads<const PARTS: usize>(&self, joined: &Tensor) -> Result<[Tensor; PARTS], TchError> {
        let (tokens, width) = joined.size2()?;
        let head_size = width / (PARTS as i64 * self.heads);
        joined
            .f_view([tokens, PARTS as i64, self.heads, head_size])?
            .f_permute([1, 2, 0, 3])?
            .f_unbind(0)?
            .try_into()
            .map_err(|_| TchError::Shape("unbind answered another number of tensors".to_owned()))
    }
}

/// The distances within a row of `tokens`, of a table for the longest row.
fn middle(table: &Tensor, tokens: i64) -> Result<Tensor, TchError> {
    let middle = table.size3()?.1 / 2;
    table.f_narrow(1, middle + 1 - tokens, 2 * tokens - 1)
}

/// `[heads, rows * tokens, head size]` as `[rows, heads, tokens, head size]`, without copying.
fn by_row(part: &Tensor, rows: i64, tokens: i64) -> Result<Tensor, TchError> {
    part.f_unflatten(1, [rows, tokens])?.f_transpose(0, 1)
}

fn sum(left: Option<Tensor>, right: Option<Tensor>) -> Result<Option<Tensor>, TchError> {
    match (left, right) {
        (Some(left), Some(right)) => Ok(Some(left.f_add(&right)?)),
        // Attention takes masks whose last dimension lies together.
        (left, right) => left.or(right).map(|only| only.f_contiguous()).transpose(),
    }
}
