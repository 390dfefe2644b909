//! The way out for architectures that are no family of ours: a TorchScript file beside config.json. Deprecated in PyTorch,
//! slower than a family, and a program rather than data; so it is only looked for where config.json names another class.

use crate::error::{LoadError, first_line};
use crate::family::{FamilyModel, PIPELINE_TOKENS_MAX, SequenceClassifier, TokenBatch};
use crate::folder::ModelFolder;
use crate::layout::Run;
use crate::loading::LoadedModel;
use serde::Deserialize;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use tch::{CModule, Device, IValue, Kind, TchError, Tensor};

/// Names of the file, the first that is there counts.
const FILE_NAMES: [&str; 3] = ["model.torchscript", "model.ts", "model.pt"];

/// What is read of config.json; the rest is in the file itself.
#[derive(Debug, Deserialize)]
struct Config {
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
}

/// The TorchScript file of a folder, where there is one.
pub(crate) fn find(dir: &Path) -> Option<PathBuf> {
    FILE_NAMES
        .iter()
        .map(|name| dir.join(name))
        .find(|path| path.is_file())
}

/// Adds to the error for an unknown architecture what would make it work.
pub(crate) fn recommend(error: LoadError) -> LoadError {
    match error {
        LoadError::Unsupported { path, reason } => LoadError::Unsupported {
            path,
            reason: format!(
                "{reason}; any other architecture runs from a TorchScript file {} beside config.json, which torch.jit.trace \
                 makes (deprecated)",
                FILE_NAMES[0]
            ),
        },
        other => other,
    }
}

/// Loads the file. Its `forward(input_ids, attention_mask)`, both `[rows, tokens]` of i64, must answer `[rows, classes]`,
/// alone, as the first of a tuple or as `logits` of a dictionary.
pub(crate) fn load(
    folder: &ModelFolder,
    path: &Path,
    device: Device,
    kind: Kind,
) -> Result<LoadedModel, LoadError> {
    tracing::warn!(
        model = folder.name,
        ?path,
        "running a TorchScript file: this is deprecated, slower than a supported architecture, and the file is a program that \
         runs with all rights of this process, so use it only if you trust whoever made it"
    );
    let invalid = |reason: String| LoadError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let content = fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let config: Config = folder.family_config()?;
    let mut module = CModule::load_data_on_device(&mut content.as_slice(), device)
        .map_err(|error| invalid(format!("it is no TorchScript file: {}", first_line(&error))))?;
    module.f_set_eval()?;
    if kind != Kind::Float {
        // The only way of tch to change the precision panics where libtorch refuses.
        catch_unwind(AssertUnwindSafe(|| module.to(device, kind, false)))
            .map_err(|_| invalid(format!("its weights cannot be changed to {kind:?}")))?;
    }
    let parameters = module
        .named_parameters()?
        .iter()
        .map(|(_, tensor)| tensor.numel() as u64)
        .sum();
    let model = Module { module };
    let probe = Tensor::f_zeros([1, 4], (Kind::Int64, device))?;
    let answer = model.answer(&probe, &probe.f_ones_like()?).map_err(|error| {
        invalid(format!(
            "forward(input_ids, attention_mask) fails: {}",
            first_line(&error)
        ))
    })?;
    let [1, classes] = answer.size()[..] else {
        return Err(invalid(format!(
            "it answers one row with the shape {:?}; [rows, classes] is needed",
            answer.size()
        )));
    };
    let classes = classes as usize;
    let head = folder.head(classes)?;
    let named = folder
        .common
        .architectures
        .first()
        .or(folder.common.model_type.as_ref());
    Ok(LoadedModel {
        architecture: format!("{} (TorchScript)", named.map_or("unknown", String::as_str)),
        model: FamilyModel {
            model: Box::new(model),
            classes,
            tokens_max: config
                .max_position_embeddings
                .unwrap_or(PIPELINE_TOKENS_MAX)
                .max(1),
            // Unknown where config.json does not say; then an id that is too large fails row by row.
            vocabulary_size: config.vocab_size.unwrap_or(usize::MAX),
            parameters,
        },
        head,
        stored_dtype: String::new(),
        content_hash: folder.content_hash(std::iter::once(content.as_slice())),
    })
}

struct Module {
    module: CModule,
}

impl Module {
    /// The logits, `[rows, classes]`, of ids and mask, `[rows, tokens]`.
    fn answer(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor, TchError> {
        let inputs = [
            IValue::Tensor(ids.shallow_clone()),
            IValue::Tensor(mask.shallow_clone()),
        ];
        logits_of(self.module.forward_is(&inputs)?)
    }
}

impl SequenceClassifier for Module {
    fn logits(&self, batch: &TokenBatch) -> Result<Tensor, TchError> {
        batch.layout.for_each_run(|run: &Run| {
            let shape = [run.rows, run.tokens];
            let ids = run.of(&batch.ids)?.f_reshape(shape)?;
            let mask = match &run.mask {
                Some(present) => present.f_reshape(shape)?.f_to_kind(Kind::Int64)?,
                None => ids.f_ones_like()?,
            };
            self.answer(&ids, &mask)
        })
    }
}

/// Finds the logits in what a module answers.
fn logits_of(answer: IValue) -> Result<Tensor, TchError> {
    match answer {
        IValue::Tensor(logits) => Ok(logits),
        IValue::Tuple(parts) => match parts.into_iter().next() {
            Some(first) => logits_of(first),
            None => Err(TchError::Shape("the module answers an empty tuple".to_owned())),
        },
        IValue::GenericDict(pairs) => {
            let named = |pair: &(IValue, IValue)| matches!(&pair.0, IValue::String(name) if name == "logits");
            match pairs.into_iter().find(named) {
                Some((_, logits)) => logits_of(logits),
                None => Err(TchError::Shape(
                    "the module answers a dictionary without logits".to_owned(),
                )),
            }
        }
        _ => Err(TchError::Shape(
            "the module answers no tensor, tuple or dictionary".to_owned(),
        )),
    }
}
