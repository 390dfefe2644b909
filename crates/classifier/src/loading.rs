//! From a model folder to a network on its device: our own families over safetensors, or a TorchScript file for any other
//! architecture.

use crate::error::LoadError;
use crate::family::{self, FamilyModel, PIPELINE_TOKENS_MAX};
use crate::folder::ModelFolder;
use crate::head::Head;
use crate::torchscript;
use crate::weights::WeightFiles;
use tch::{Device, Kind};

/// A network, and what is known of it once it is loaded.
pub(crate) struct LoadedModel {
    /// Class of the model, for people.
    pub architecture: String,
    /// The network; its `tokens_max` is the final one.
    pub model: FamilyModel,
    /// The way from its logits to scores.
    pub head: Head,
    /// Precision that the weights are stored in; empty where that is not known.
    pub stored_dtype: String,
    /// SHA-256 over all that its answers depend on.
    pub content_hash: String,
}

/// Loads the network of a folder. Gradients should be off.
pub(crate) fn load(folder: &ModelFolder, device: Device, kind: Kind) -> Result<LoadedModel, LoadError> {
    let mut loaded = match family::choose(folder) {
        Ok(family) => {
            let files = WeightFiles::open(&folder.dir)?;
            let model = (family.load)(folder, files.tensors(family.architecture, device, kind)?)?;
            LoadedModel {
                architecture: family.architecture.to_owned(),
                head: folder.head(model.classes)?,
                model,
                stored_dtype: files.stored_dtype(),
                content_hash: folder.content_hash(files.contents()),
            }
        }
        Err(error) => match torchscript::find(&folder.dir) {
            Some(path) => torchscript::load(folder, &path, device, kind)?,
            None => return Err(torchscript::recommend(error)),
        },
    };
    let allowed = folder.tokenizer.tokens_max().unwrap_or(usize::MAX);
    loaded.model.tokens_max = loaded.model.tokens_max.min(PIPELINE_TOKENS_MAX).min(allowed);
    if loaded.head == Head::Identity {
        tracing::warn!(
            model = folder.name,
            "the model is one of regression, so its scores are no probabilities; choose the threshold accordingly"
        );
    }
    Ok(loaded)
}
