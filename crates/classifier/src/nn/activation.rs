//! Activation functions by the names that config.json uses.

use super::onednn::After;
use crate::error::LoadError;
use crate::folder::ModelFolder;
use tch::{TchError, Tensor};

/// A function between two linear layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// transformers' `gelu`: exact, by the error function.
    GeluErf,
    /// transformers' `gelu_new`, `gelu_fast` and `gelu_pytorch_tanh`: the approximation by tanh.
    GeluTanh,
    /// The larger of x and 0.
    Relu,
    /// x times its own logistic function, also called swish.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// The function that `key` of config.json names.
    pub fn named(folder: &ModelFolder, key: &str, name: &str) -> Result<Self, LoadError> {
        match name {
            "gelu" | "gelu_python" => Ok(Self::GeluErf),
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Self::GeluTanh),
            "relu" => Ok(Self::Relu),
            "silu" | "swish" => Ok(Self::Silu),
            "tanh" => Ok(Self::Tanh),
            other => Err(folder.unsupported(format!(
                "{key} {other:?} is not supported; gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu, silu, swish and tanh are"
            ))),
        }
    }

    /// Applies the function to every number.
    pub fn forward(self, input: &Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::GeluErf => input.f_gelu("none"),
            Self::GeluTanh => input.f_gelu("tanh"),
            Self::Relu => input.f_relu(),
            Self::Silu => input.f_silu(),
            Self::Tanh => input.f_tanh(),
        }
    }

    /// The same function inside oneDNN's linear layer.
    pub fn fused(self) -> After {
        match self {
            Self::GeluErf => After::GeluErf,
            Self::GeluTanh => After::GeluTanh,
            Self::Relu => After::Relu,
            Self::Silu => After::Silu,
            Self::Tanh => After::Tanh,
        }
    }
}
