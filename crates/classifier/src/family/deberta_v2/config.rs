//! What DeBERTa-v2 reads of config.json, with transformers' defaults.

use super::super::encoder::check_sizes;
use super::positions::RelativePositions;
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::{Activation, LayerNormShape};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct DebertaConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    #[serde(default = "default_max_position_embeddings")]
    pub max_position_embeddings: usize,
    /// 0: there are no segments.
    #[serde(default)]
    pub type_vocab_size: usize,
    #[serde(default = "default_layer_norm_eps")]
    pub layer_norm_eps: f64,
    #[serde(default = "default_act")]
    hidden_act: String,
    #[serde(default = "default_act")]
    pooler_hidden_act: String,
    #[serde(default)]
    relative_attention: bool,
    /// Below 1: `max_position_embeddings`.
    #[serde(default)]
    max_relative_positions: i64,
    /// Below 1: none.
    #[serde(default)]
    position_buckets: i64,
    #[serde(default = "default_true")]
    pub position_biased_input: bool,
    #[serde(default)]
    pos_att_type: Option<PositionAttention>,
    #[serde(default)]
    pub share_att_key: bool,
    #[serde(default)]
    norm_rel_ebd: Option<String>,
    #[serde(default)]
    embedding_size: Option<usize>,
    #[serde(default)]
    attention_head_size: Option<usize>,
    #[serde(default)]
    pooler_hidden_size: Option<usize>,
    /// Below 1: no convolution.
    #[serde(default)]
    conv_kernel_size: i64,
    #[serde(default = "default_conv_groups")]
    conv_groups: usize,
    #[serde(default = "default_conv_act")]
    conv_act: String,
}

/// `"p2c|c2p"` or `["p2c", "c2p"]`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PositionAttention {
    Joined(String),
    List(Vec<String>),
}

/// The convolution beside the first layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    pub kernel_size: usize,
    pub groups: usize,
    pub activation: Activation,
}

/// The parts of the configuration that are checked and read on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub hidden_act: Activation,
    pub pooler_act: Activation,
    /// `None` without relative attention.
    pub relative: Option<RelativePositions>,
    pub convolution: Option<Convolution>,
}

fn default_max_position_embeddings() -> usize {
    512
}

fn default_layer_norm_eps() -> f64 {
    1e-7
}

fn default_act() -> String {
    "gelu".to_owned()
}

fn default_true() -> bool {
    true
}

fn default_conv_groups() -> usize {
    1
}

fn default_conv_act() -> String {
    "tanh".to_owned()
}

impl DebertaConfig {
    /// Refuses what contradicts itself or would load but compute something else than transformers does.
    pub fn check(&self, folder: &ModelFolder) -> Result<Settings, LoadError> {
        let hidden = self.hidden_size;
        check_sizes(
            folder,
            ("hidden_size", hidden),
            ("num_attention_heads", self.num_attention_heads),
            &[
                ("vocab_size", self.vocab_size),
                ("num_hidden_layers", self.num_hidden_layers),
                ("intermediate_size", self.intermediate_size),
                ("max_position_embeddings", self.max_position_embeddings),
                ("embedding_size", self.embedding_size()),
                ("conv_groups", self.conv_groups),
            ],
        )?;
        let derived = [
            (
                "attention_head_size",
                self.attention_head_size,
                hidden / self.num_attention_heads,
            ),
            ("pooler_hidden_size", self.pooler_hidden_size, hidden),
        ];
        for (name, given, fitting) in derived {
            if let Some(given) = given.filter(|given| *given != fitting) {
                return Err(folder.unsupported(format!(
                    "{name} {given} is not supported; {fitting}, which follows from hidden_size, is"
                )));
            }
        }
        Ok(Settings {
            hidden_act: Activation::named(folder, "hidden_act", &self.hidden_act)?,
            pooler_act: Activation::named(folder, "pooler_hidden_act", &self.pooler_hidden_act)?,
            relative: self.relative(folder)?,
            convolution: self.convolution(folder)?,
        })
    }

    fn relative(&self, folder: &ModelFolder) -> Result<Option<RelativePositions>, LoadError> {
        if !self.relative_attention {
            return Ok(None);
        }
        let max = if self.max_relative_positions < 1 {
            i64::try_from(self.max_position_embeddings).unwrap_or(i64::MAX)
        } else {
            self.max_relative_positions
        };
        let buckets = Some(self.position_buckets).filter(|buckets| *buckets > 0);
        // The buckets grow with the logarithm of max - 1 over half their number, which must be over 0.
        if let Some(buckets) = buckets.filter(|buckets| *buckets < 2 || max - 1 <= buckets / 2) {
            return Err(folder.unsupported(format!(
                "position_buckets {buckets} is not supported with max_relative_positions {max}; at least 2 and at most twice \
                 the positions are"
            )));
        }
        Ok(Some(RelativePositions { max, buckets }))
    }

    fn convolution(&self, folder: &ModelFolder) -> Result<Option<Convolution>, LoadError> {
        let Some(kernel_size) = usize::try_from(self.conv_kernel_size)
            .ok()
            .filter(|size| *size > 0)
        else {
            return Ok(None);
        };
        if kernel_size.is_multiple_of(2) {
            return Err(folder.unsupported(format!(
                "conv_kernel_size {kernel_size} is not supported; odd sizes, which leave a row its length, are"
            )));
        }
        if !self.hidden_size.is_multiple_of(self.conv_groups) {
            return Err(folder.invalid_config(format!(
                "hidden_size {} is no multiple of conv_groups {}",
                self.hidden_size, self.conv_groups
            )));
        }
        Ok(Some(Convolution {
            kernel_size,
            groups: self.conv_groups,
            activation: Activation::named(folder, "conv_act", &self.conv_act)?,
        }))
    }

    /// Size of the rows of the embedding tables.
    pub fn embedding_size(&self) -> usize {
        self.embedding_size.unwrap_or(self.hidden_size)
    }

    /// Whether content is compared with positions, and positions with content.
    pub fn position_attention(&self) -> (bool, bool) {
        let has = |name: &str| match &self.pos_att_type {
            None => false,
            Some(PositionAttention::Joined(names)) => {
                names.to_lowercase().split('|').any(|other| other.trim() == name)
            }
            Some(PositionAttention::List(names)) => names.iter().any(|other| other == name),
        };
        (has("c2p"), has("p2c"))
    }

    /// Whether the relative embeddings are normalised.
    pub fn norms_relative_embeddings(&self) -> bool {
        self.norm_rel_ebd.as_ref().is_some_and(|names| {
            let names = names.to_lowercase();
            names.split('|').any(|name| name.trim() == "layer_norm")
        })
    }

    /// The model's layer norms.
    pub fn norm(&self) -> LayerNormShape {
        LayerNormShape {
            size: self.hidden_size,
            eps: self.layer_norm_eps,
        }
    }
}
