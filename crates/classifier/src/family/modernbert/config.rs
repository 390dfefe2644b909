//! What ModernBERT reads of config.json, as versions 4 and 5 of transformers write it, with their defaults.

use super::super::encoder::check_sizes;
use crate::error::LoadError;
use crate::folder::ModelFolder;
use crate::nn::{Activation, LayerNormShape};
use serde::Deserialize;
use serde_json::Value;

/// Names of the kinds of layer in version 5.
const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

#[derive(Debug, Deserialize)]
pub(super) struct ModernBertConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    #[serde(default = "default_max_position_embeddings")]
    pub max_position_embeddings: usize,
    #[serde(default = "default_norm_eps")]
    norm_eps: f64,
    #[serde(default)]
    pub norm_bias: bool,
    #[serde(default)]
    pub attention_bias: bool,
    #[serde(default)]
    pub mlp_bias: bool,
    #[serde(default)]
    pub classifier_bias: bool,
    #[serde(default = "default_act")]
    hidden_activation: String,
    #[serde(default = "default_act")]
    classifier_activation: String,
    #[serde(default = "default_pooling")]
    classifier_pooling: String,
    #[serde(default = "default_global_attn_every_n_layers")]
    global_attn_every_n_layers: usize,
    #[serde(default = "default_local_attention")]
    pub local_attention: usize,
    #[serde(default = "default_global_rope_theta")]
    global_rope_theta: f64,
    #[serde(default = "default_local_rope_theta")]
    local_rope_theta: Option<f64>,
    #[serde(default)]
    rope_scaling: Option<Value>,
    #[serde(default)]
    head_dim: Option<usize>,
    #[serde(default)]
    partial_rotary_factor: Option<f64>,
    /// Version 5: the kind of each layer, instead of `global_attn_every_n_layers`.
    #[serde(default)]
    layer_types: Option<Vec<String>>,
    /// Version 5: rotary positions by kind of layer, instead of the two bases.
    #[serde(default)]
    rope_parameters: Option<RopeByLayerType>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RopeByLayerType {
    full_attention: Option<Rope>,
    sliding_attention: Option<Rope>,
}

#[derive(Debug, Deserialize)]
struct Rope {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
    partial_rotary_factor: Option<f64>,
}

/// What of a row the head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    FirstToken,
    Mean,
}

/// The parts of the configuration that are checked and read on.
#[derive(Debug)]
pub(super) struct Settings {
    pub hidden_act: Activation,
    pub classifier_act: Activation,
    pub pooling: Pooling,
    /// Base of the rotary positions in layers that look at everything, and in those that look at neighbours.
    pub global_base: f64,
    pub local_base: f64,
}

fn default_max_position_embeddings() -> usize {
    8192
}

fn default_norm_eps() -> f64 {
    1e-5
}

fn default_act() -> String {
    "gelu".to_owned()
}

fn default_pooling() -> String {
    "cls".to_owned()
}

fn default_global_attn_every_n_layers() -> usize {
    3
}

fn default_local_attention() -> usize {
    128
}

fn default_global_rope_theta() -> f64 {
    160_000.0
}

// Null is something else than leaving it out: then the global base holds.
fn default_local_rope_theta() -> Option<f64> {
    Some(10_000.0)
}

impl ModernBertConfig {
    /// Refuses what contradicts itself or would load but compute something else than transformers does.
    pub fn check(&self, folder: &ModelFolder) -> Result<Settings, LoadError> {
        check_sizes(
            folder,
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            &[
                ("vocab_size", self.vocab_size),
                ("num_hidden_layers", self.num_hidden_layers),
                ("intermediate_size", self.intermediate_size),
                ("max_position_embeddings", self.max_position_embeddings),
                ("global_attn_every_n_layers", self.global_attn_every_n_layers),
            ],
        )?;
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        // Rotary positions turn pairs of numbers.
        if !(hidden / heads).is_multiple_of(2) {
            return Err(folder.invalid_config(format!(
                "hidden_size {hidden} gives each of num_attention_heads {heads} an odd size"
            )));
        }
        if let Some(head_dim) = self.head_dim.filter(|head_dim| *head_dim != hidden / heads) {
            return Err(folder.unsupported(format!(
                "head_dim {head_dim} is not supported; {}, which follows from hidden_size, is",
                hidden / heads
            )));
        }
        let pooling = match self.classifier_pooling.as_str() {
            "cls" => Pooling::FirstToken,
            "mean" => Pooling::Mean,
            other => {
                return Err(folder.unsupported(format!(
                    "classifier_pooling {other:?} is not supported; cls and mean are"
                )));
            }
        };
        self.check_layer_types(folder)?;
        let (global_base, local_base) = self.bases(folder)?;
        Ok(Settings {
            hidden_act: Activation::named(folder, "hidden_activation", &self.hidden_activation)?,
            classifier_act: Activation::named(folder, "classifier_activation", &self.classifier_activation)?,
            pooling,
            global_base,
            local_base,
        })
    }

    /// Whether the tokens of a layer see their neighbours only.
    pub fn is_local(&self, layer: usize) -> bool {
        match &self.layer_types {
            Some(types) => types.get(layer).is_some_and(|kind| kind == SLIDING),
            None => !layer.is_multiple_of(self.global_attn_every_n_layers),
        }
    }

    fn check_layer_types(&self, folder: &ModelFolder) -> Result<(), LoadError> {
        let Some(types) = &self.layer_types else {
            return Ok(());
        };
        if types.len() != self.num_hidden_layers {
            return Err(folder.invalid_config(format!(
                "layer_types names {} layers, but num_hidden_layers is {}",
                types.len(),
                self.num_hidden_layers
            )));
        }
        if let Some(other) = types.iter().find(|kind| *kind != FULL && *kind != SLIDING) {
            return Err(folder.unsupported(format!(
                "layer_types {other:?} is not supported; {FULL} and {SLIDING} are"
            )));
        }
        Ok(())
    }

    fn bases(&self, folder: &ModelFolder) -> Result<(f64, f64), LoadError> {
        if let Some(scaling) = &self.rope_scaling {
            let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
            if kind.and_then(Value::as_str) != Some("default") {
                return Err(folder.unsupported(format!(
                    "rope_scaling {scaling} is not supported; null, which is the default kind, is"
                )));
            }
        }
        let by_type = self.rope_parameters.as_ref();
        let full = by_type.and_then(|by_type| by_type.full_attention.as_ref());
        let sliding = by_type.and_then(|by_type| by_type.sliding_attention.as_ref());
        let kinds = [full, sliding]
            .into_iter()
            .flatten()
            .filter_map(|rope| rope.rope_type.as_deref());
        if let Some(other) = kinds.into_iter().find(|kind| *kind != "default") {
            return Err(folder.unsupported(format!(
                "rope_type {other:?} is not supported in rope_parameters; default is"
            )));
        }
        let parts = [full, sliding]
            .into_iter()
            .flatten()
            .filter_map(|rope| rope.partial_rotary_factor);
        if let Some(part) = parts.chain(self.partial_rotary_factor).find(|part| *part != 1.0) {
            return Err(folder.unsupported(format!("partial_rotary_factor {part} is not supported; 1 is")));
        }
        let global = full
            .and_then(|rope| rope.rope_theta)
            .unwrap_or(self.global_rope_theta);
        let local = sliding
            .and_then(|rope| rope.rope_theta)
            .or(self.local_rope_theta)
            .unwrap_or(global);
        Ok((global, local))
    }

    /// The model's layer norms.
    pub fn norm(&self) -> LayerNormShape {
        LayerNormShape {
            size: self.hidden_size,
            eps: self.norm_eps,
        }
    }
}
