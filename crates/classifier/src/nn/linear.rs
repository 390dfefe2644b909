//! Linear layers. A model is put together from [`LinearWeights`], which can be joined and cut, and runs [`Linear`]s.

use super::onednn::{After, PackedWeight};
use super::{Activation, LayerNorm, State};
use crate::error::LoadError;
use crate::weights::Weights;
use tch::{Device, Kind, TchError, Tensor};

/// The numbers of a linear layer, as the file has them.
pub(crate) struct LinearWeights {
    /// `[outputs, inputs]`.
    pub weight: Tensor,
    /// `[outputs]`.
    pub bias: Option<Tensor>,
}

impl LinearWeights {
    /// Takes `PREFIX.weight` and `PREFIX.bias`.
    pub fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, LoadError> {
        let mut layer = Self::take_without_bias(weights, prefix, inputs, outputs)?;
        layer.bias = Some(weights.take(&format!("{prefix}.bias"), &[outputs])?);
        Ok(layer)
    }

    /// Takes `PREFIX.weight` of a layer without bias.
    pub fn take_without_bias(
        weights: &mut Weights<'_>,
        prefix: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            weight: weights.take(&format!("{prefix}.weight"), &[outputs, inputs])?,
            bias: None,
        })
    }

    /// One layer with the outputs of all `parts`, which have the same inputs, and all a bias or none.
    pub fn join(parts: &[&Self]) -> Result<Self, TchError> {
        let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
        let biases: Vec<&Tensor> = parts.iter().filter_map(|part| part.bias.as_ref()).collect();
        Ok(Self {
            weight: Tensor::f_cat(&weights, 0)?,
            bias: if biases.is_empty() {
                None
            } else {
                Some(Tensor::f_cat(&biases, 0)?)
            },
        })
    }

    /// A layer with some of the outputs.
    pub fn outputs(&self, start: usize, length: usize) -> Result<Self, TchError> {
        let (start, length) = (start as i64, length as i64);
        let bias = self.bias.as_ref();
        Ok(Self {
            weight: self.weight.f_narrow(0, start, length)?,
            bias: bias.map(|bias| bias.f_narrow(0, start, length)).transpose()?,
        })
    }

    /// The layer, ready to run.
    pub fn ready(self) -> Result<Linear, LoadError> {
        Linear::new(self, None)
    }

    /// The layer followed by an activation, ready to run.
    pub fn ready_with(self, activation: Activation) -> Result<Linear, LoadError> {
        Linear::new(self, Some(activation))
    }
}

/// A linear layer, perhaps with an activation after it.
pub(crate) struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
    activation: Option<Activation>,
    kind: Kind,
}

enum Weight {
    /// On a CPU, where oneDNN can: [`crate::nn::onednn`].
    Packed(PackedWeight),
    /// `[outputs, inputs]`.
    Plain(Tensor),
}

impl Linear {
    fn new(weights: LinearWeights, activation: Option<Activation>) -> Result<Self, LoadError> {
        let LinearWeights { weight, bias } = weights;
        // oneDNN sums a bias in the weight's precision, as libtorch's own linear does.
        let packed = if weight.device() == Device::Cpu {
            PackedWeight::new(&weight.f_contiguous()?).ok()
        } else {
            None
        };
        Ok(Self {
            kind: weight.kind(),
            weight: packed.map_or_else(|| Weight::Plain(weight), Weight::Packed),
            bias: bias.map(|bias| bias.f_contiguous()).transpose()?,
            activation,
        })
    }

    /// `PREFIX.weight` and `PREFIX.bias`, ready to run.
    pub fn take(
        weights: &mut Weights<'_>,
        prefix: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, LoadError> {
        LinearWeights::take(weights, prefix, inputs, outputs)?.ready()
    }

    /// `[tokens, inputs]` to `[tokens, outputs]`, in the precision of the weights, whatever that of the input is.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor, TchError> {
        // Without a copy where it is the same.
        let input = &input.f_to_kind(self.kind)?;
        match &self.weight {
            Weight::Packed(weight) => {
                let after = self.activation.map_or(After::Nothing, Activation::fused);
                weight.linear(input, self.bias.as_ref(), after)
            }
            Weight::Plain(weight) => {
                let output = input.f_linear(weight, self.bias.as_ref())?;
                match self.activation {
                    Some(activation) => activation.forward(&output),
                    None => Ok(output),
                }
            }
        }
    }

    /// The norm of this layer's answer plus `residual`, which has its shape.
    pub fn forward_norm(
        &self,
        input: &Tensor,
        residual: &Tensor,
        norm: &LayerNorm,
    ) -> Result<State, TchError> {
        match &self.weight {
            Weight::Packed(_) if residual.kind() == self.kind => {
                Ok(State::of(norm.forward(&self.forward_plus(input, residual)?)?))
            }
            _ => norm.forward_sum(&self.forward(input)?, residual),
        }
    }

    /// As [`Linear::forward`], plus `residual` of the result's shape, in the finer precision of the two.
    pub fn forward_plus(&self, input: &Tensor, residual: &Tensor) -> Result<Tensor, TchError> {
        match (&self.weight, self.activation) {
            (Weight::Packed(weight), None) if residual.kind() == self.kind => {
                weight.linear_plus(&input.f_to_kind(self.kind)?, self.bias.as_ref(), residual)
            }
            _ => self.forward(input)?.f_add(residual),
        }
    }
}
