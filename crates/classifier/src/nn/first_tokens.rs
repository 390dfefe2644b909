//! Attention of each row's first token alone, for a last layer whose head reads no other.
//!
//! The key of a token is K·h and its score q·(K·h) = (Kᵀ·q)·h, so the key product moves from every token to the one query;
//! the context Σ p·(V·h) = V·(Σ p·h) moves the value product likewise. What is left for every token is two products with
//! as many numbers as there are heads, instead of two with the width of the model. The key's bias adds the same to all
//! scores of a query, which softmax takes away again; the weights sum to 1, so the value's bias is added once.

use super::{Bias, Linear, LinearWeights};
use crate::error::LoadError;
use crate::layout::Layout;
use tch::{Device, Kind, TchError, Tensor};

/// Attention whose queries are first tokens.
pub(crate) struct FirstTokenAttention {
    query: Linear,
    /// `[heads, head size, size]`.
    key: Tensor,
    /// `[heads, size, head size]`.
    value: Tensor,
    /// `[size]`.
    value_bias: Option<Tensor>,
    heads: i64,
    /// What scores are multiplied by.
    scale: f64,
    /// Precision of all but the query's product: f32 on a CPU, where it costs little, and the model's own on a GPU.
    kind: Kind,
}

impl FirstTokenAttention {
    /// From the three products of a layer.
    pub fn new(
        query: LinearWeights,
        key: &LinearWeights,
        value: &LinearWeights,
        heads: usize,
    ) -> Result<Self, LoadError> {
        let (outputs, size) = key.weight.size2()?;
        let heads = heads as i64;
        let head_size = outputs / heads;
        let kind = match key.weight.device() {
            Device::Cpu => Kind::Float,
            _ => key.weight.kind(),
        };
        let by_head = |weight: &Tensor| weight.f_to_kind(kind)?.f_view([heads, head_size, size]);
        let value_bias = value.bias.as_ref();
        Ok(Self {
            query: query.ready()?,
            key: by_head(&key.weight.f_contiguous()?)?,
            value: by_head(&value.weight.f_contiguous()?)?
                .f_transpose(1, 2)?
                .f_contiguous()?,
            value_bias: value_bias.map(|bias| bias.f_to_kind(kind)).transpose()?,
            heads,
            scale: 1.0 / (head_size as f64).sqrt(),
            kind,
        })
    }

    /// The context of each row's first token, `[rows, size]`.
    pub fn forward(
        &self,
        hidden: &Tensor,
        layout: &Layout,
        bias: Option<Bias<'_>>,
    ) -> Result<Tensor, TchError> {
        let model_kind = hidden.kind();
        let asked = self
            .query
            .forward(&layout.first_tokens(hidden)?)?
            .f_to_kind(self.kind)?;
        let (rows, width) = asked.size2()?;
        let by_head = asked
            .f_view([rows, self.heads, width / self.heads])?
            .f_transpose(0, 1)?;
        // [rows, heads, size]
        let asked = by_head
            .f_bmm(&self.key)?
            .f_transpose(0, 1)?
            .f_mul_scalar(self.scale)?;
        let hidden = hidden.f_to_kind(self.kind)?;
        let size = hidden.size2()?.1;
        let means = layout.for_each_run(|run| {
            let tokens = run.of(&hidden)?.f_view([run.rows, run.tokens, size])?;
            let asked = asked.f_narrow(0, run.first_row, run.rows)?;
            let mut scores = asked.f_bmm(&tokens.f_transpose(1, 2)?)?;
            if let Some(bias) = bias {
                let bias = bias(run)?.f_narrow(-2, 0, 1)?.f_squeeze_dim(-2)?;
                scores = scores.f_add(&bias)?;
            }
            if let Some(mask) = &run.mask {
                let padding = mask.f_squeeze_dim(1)?.f_logical_not()?;
                scores = scores.f_masked_fill(&padding, f64::NEG_INFINITY)?;
            }
            scores.f_softmax(-1, self.kind)?.f_bmm(&tokens)
        })?;
        let context = means.f_transpose(0, 1)?.f_bmm(&self.value)?;
        let context = context.f_transpose(0, 1)?.f_reshape([rows, width])?;
        let context = match &self.value_bias {
            Some(bias) => context.f_add(bias)?,
            None => context,
        };
        context.f_to_kind(model_kind)
    }
}
