//! What the caller chooses when a model is loaded: device, precision, threads, limits, labels.

use std::fmt;
use std::str::FromStr;
use turnstone_types::LabelMap;

/// Tokens of a batch on a CPU, where it should stay in the caches.
pub(crate) const CPU_BATCH_TOKENS: usize = 512;

/// How to load and run a model.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Where to run it.
    pub device: DeviceChoice,
    /// Precision of weights and activations; softmax is always f32.
    pub dtype: Dtype,
    /// What is done to a text before the model sees it; `None`: what the model was trained for, by its turnstone.json.
    pub normalise: Option<Normalise>,
    /// Batches that run at once on a CPU, each on one thread; `None`: one for each core. A GPU takes one at a time.
    pub threads: Option<usize>,
    /// What the model's labels mean.
    pub label_map: LabelMap,
    /// Score at or over which an anomalous label is a detection, 0 to 1.
    pub threshold: f64,
    /// Rows that go through the model at once, at most. The tokens decide; this bounds what rows cost beside them.
    pub batch_rows_max: usize,
    /// Tokens, with padding where there is any, that go through the model at once; a single longer row still goes alone. `None`: 512
    /// on the CPU, where a batch should stay in its caches, and 32,768 on a GPU, which needs many to be busy.
    pub batch_tokens_max: Option<usize>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Cpu,
            dtype: Dtype::F32,
            normalise: None,
            threads: None,
            label_map: LabelMap::default(),
            threshold: 0.75,
            batch_rows_max: 4_096,
            batch_tokens_max: None,
        }
    }
}

impl LoadOptions {
    /// The token budget of a batch on the chosen device.
    pub(crate) fn batch_tokens(&self) -> usize {
        self.batch_tokens_max.unwrap_or(match self.device {
            DeviceChoice::Cpu => CPU_BATCH_TOKENS,
            DeviceChoice::Cuda(_) => 32_768,
        })
    }
}

/// A device by name: `cpu`, `cuda` (the first one) or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this index.
    Cuda(usize),
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown device {0:?}; use cpu, cuda or cuda:N, where N is the index of a GPU")]
pub struct UnknownDevice(pub String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;
    fn from_str(name: &str) -> Result<Self, UnknownDevice> {
        match name {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => name
                .strip_prefix("cuda:")
                .and_then(|index| index.parse::<u8>().ok())
                .map(|index| Self::Cuda(index.into()))
                .ok_or_else(|| UnknownDevice(name.to_owned())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.pad("cpu"),
            Self::Cuda(index) => f.pad(&format!("cuda:{index}")),
        }
    }
}

/// Precision of weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dtype {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats with the range of 32-bit ones.
    Bf16,
    /// IEEE 16-bit floats; GPU only.
    F16,
    /// The fastest that the device computes in itself: tried out while the model is loaded, and told in its info.
    Auto,
}

/// A text that names no precision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown dtype {0:?}; use f32, bf16, f16 or auto")]
pub struct UnknownDtype(pub String);

impl FromStr for Dtype {
    type Err = UnknownDtype;
    fn from_str(name: &str) -> Result<Self, UnknownDtype> {
        match name {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            "auto" => Ok(Self::Auto),
            _ => Err(UnknownDtype(name.to_owned())),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Auto => "auto",
        })
    }
}

/// What is done to a text before the model sees it. The stored text is never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalise {
    /// Nothing.
    #[default]
    Raw,
    /// Its template: dates, numbers, addresses, ids and paths are masked and the header with the time is dropped, by the rule
    /// of [`turnstone_types::write_template`].
    Template,
}

/// A text that names no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule {0:?} to normalise texts; use raw or template")]
pub struct UnknownNormalise(pub String);

impl FromStr for Normalise {
    type Err = UnknownNormalise;
    fn from_str(name: &str) -> Result<Self, UnknownNormalise> {
        match name {
            "raw" => Ok(Self::Raw),
            "template" => Ok(Self::Template),
            _ => Err(UnknownNormalise(name.to_owned())),
        }
    }
}

impl fmt::Display for Normalise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Raw => "raw",
            Self::Template => "template",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_dtypes_read_back_as_written() {
        for name in ["cpu", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceChoice>().expect(name).to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for name in ["f32", "bf16", "f16", "auto"] {
            assert_eq!(name.parse::<Dtype>().expect(name).to_string(), name);
        }
        for name in ["raw", "template"] {
            assert_eq!(name.parse::<Normalise>().expect(name).to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_what_is_allowed() {
        for name in [
            "", "CPU", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "cuda:999",
        ] {
            let message = name.parse::<DeviceChoice>().expect_err(name).to_string();
            assert!(message.contains("cpu, cuda or cuda:N"), "{message}");
        }
        for name in ["", "fp32", "int8"] {
            assert!(name.parse::<Dtype>().is_err(), "{name}");
            assert!(name.parse::<Normalise>().is_err(), "{name}");
        }
    }
}
