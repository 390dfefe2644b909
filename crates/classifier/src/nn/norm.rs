//! Layer normalisation.

use super::{State, cpu};
use crate::error::LoadError;
use crate::weights::Weights;
use tch::{TchError, Tensor};

/// What a layer norm needs to know beside its tensors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerNormShape {
    /// Numbers that are normalised together.
    pub size: usize,
    /// Added to the variance.
    pub eps: f64,
}

/// Layer normalisation over the last dimension.
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Option<Tensor>,
    shape: LayerNormShape,
}

impl LayerNorm {
    /// Takes `PREFIX.weight` and `PREFIX.bias`.
    pub fn take(weights: &mut Weights<'_>, prefix: &str, shape: LayerNormShape) -> Result<Self, LoadError> {
        let mut norm = Self::take_without_bias(weights, prefix, shape)?;
        let bias = weights.exact(|weights| weights.take(&format!("{prefix}.bias"), &[shape.size]))?;
        norm.bias = Some(bias);
        Ok(norm)
    }

    /// Takes `PREFIX.weight` of a norm without bias.
    pub fn take_without_bias(
        weights: &mut Weights<'_>,
        prefix: &str,
        shape: LayerNormShape,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            weight: weights.exact(|weights| weights.take(&format!("{prefix}.weight"), &[shape.size]))?,
            bias: None,
            shape,
        })
    }

    /// Normalises `product + residual`.
    pub fn forward_sum(&self, product: &Tensor, residual: &Tensor) -> Result<State, TchError> {
        if let Some(bias) = &self.bias
            && let Some((exact, rounded)) =
                cpu::sum_norm(product, residual, &self.weight, bias, self.shape.eps)?
        {
            return Ok(State { exact, rounded });
        }
        Ok(State::of(self.forward(&product.f_add(residual)?)?))
    }

    /// Normalises.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        input.f_layer_norm(
            [self.shape.size as i64],
            Some(&self.weight),
            self.bias.as_ref(),
            self.shape.eps,
            true,
        )
    }
}
