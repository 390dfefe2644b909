//! Reads tensors by name out of a memory-mapped safetensors file, onto the device and in the precision asked for, and
//! keeps account of what was missing and what nobody asked for.

use crate::error::{LoadError, list_names};
use memmap2::Mmap;
use safetensors::{Dtype as FileDtype, SafeTensors};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

/// Missing tensors after which looking for more is pointless.
const MISSING_TENSORS_MAX: usize = 100;

/// The mapped bytes of a weights file.
pub(crate) struct WeightsFile {
    path: PathBuf,
    bytes: Mmap,
}

impl WeightsFile {
    /// Maps the file.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let read_error = |source| LoadError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read_error)?;
        // SAFETY: a map of a file is sound as long as nobody shortens or rewrites the file meanwhile, which no program can
        // rule out. Every tensor is copied out while loading and the map is dropped at its end, so the time is short.
        let bytes = unsafe { Mmap::map(&file) }.map_err(read_error)?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// The whole file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Opens the file's tensors for reading by name.
    ///
    /// `architecture` is whom errors speak of.
    pub fn tensors(
        &self,
        architecture: &'static str,
        device: Device,
        kind: Kind,
    ) -> Result<Weights<'_>, LoadError> {
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(|error| LoadError::Invalid {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        let names = tensors
            .names()
            .into_iter()
            .map(|name| (modern_name(name).into_owned(), name.to_owned()));
        let unread = names.collect();
        Ok(Weights {
            path: &self.path,
            architecture,
            tensors,
            unread,
            missing: Vec::new(),
            parameters: 0,
            device,
            kind,
        })
    }
}

/// The tensors of one file. Take each with [`Weights::take`], then call [`Weights::finish`].
pub(crate) struct Weights<'file> {
    path: &'file Path,
    architecture: &'static str,
    tensors: SafeTensors<'file>,
    /// Names as architectures call them, with the names as the file spells them.
    unread: BTreeMap<String, String>,
    missing: Vec<String>,
    parameters: u64,
    device: Device,
    kind: Kind,
}

impl Weights<'_> {
    /// Where the tensors go.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The shape of a tensor in the file, or `None` where there is no such tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let stored = self.unread.get(name)?;
        self.tensors.tensor(stored).ok().map(|view| view.shape().to_vec())
    }

    /// Copies one tensor out. A missing one is remembered for [`Weights::finish`] and zeros stand in for it, so that one
    /// error names all of them.
    pub fn take(&mut self, name: &str, expected: &[usize]) -> Result<Tensor, LoadError> {
        let Some(stored) = self.unread.remove(name) else {
            self.missing.push(name.to_owned());
            if self.missing.len() >= MISSING_TENSORS_MAX {
                return Err(self.missing_error());
            }
            let shape: Vec<i64> = expected.iter().map(|size| *size as i64).collect();
            // One zero seen many times: it takes no memory, however large the model that config.json speaks of.
            let zero = Tensor::f_zeros([1], (self.kind, self.device))?;
            return Ok(zero.f_expand(shape, false)?);
        };
        let invalid = |reason: String| LoadError::Invalid {
            path: self.path.to_owned(),
            reason,
        };
        let view = self
            .tensors
            .tensor(&stored)
            .map_err(|error| invalid(format!("tensor {name:?}: {error}")))?;
        if view.shape() != expected {
            return Err(LoadError::Shape {
                path: self.path.to_owned(),
                name: name.to_owned(),
                found: view.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let file_kind = match view.dtype() {
            FileDtype::F32 => Kind::Float,
            FileDtype::F16 => Kind::Half,
            FileDtype::BF16 => Kind::BFloat16,
            other => {
                return Err(invalid(format!(
                    "tensor {name:?} is of type {other:?}; F32, F16 and BF16 are supported"
                )));
            }
        };
        self.parameters += view.shape().iter().product::<usize>() as u64;
        let shape: Vec<i64> = expected.iter().map(|size| *size as i64).collect();
        let on_cpu = Tensor::f_from_data_size(view.data(), &shape, file_kind)?;
        Ok(on_cpu.f_to_device(self.device)?.f_to_kind(self.kind)?)
    }

    /// Numbers read so far.
    pub fn parameters(&self) -> u64 {
        self.parameters
    }

    /// Checks that everything asked for was there and that nothing of weight was left over.
    pub fn finish(self) -> Result<(), LoadError> {
        if !self.missing.is_empty() {
            return Err(self.missing_error());
        }
        let unexpected: Vec<&str> = self
            .unread
            .values()
            .map(String::as_str)
            .filter(|name| !is_known_leftover(name))
            .collect();
        if !unexpected.is_empty() {
            let names = list_names(unexpected);
            let architecture = self.architecture;
            return Err(LoadError::UnexpectedTensors {
                path: self.path.to_owned(),
                names,
                architecture,
            });
        }
        Ok(())
    }

    fn missing_error(&self) -> LoadError {
        LoadError::MissingTensors {
            path: self.path.to_owned(),
            names: list_names(self.missing.iter().map(String::as_str)),
            architecture: self.architecture,
        }
    }
}

/// Files made from early TensorFlow checkpoints call a layer norm's weight gamma and its bias beta.
fn modern_name(stored: &str) -> Cow<'_, str> {
    if let Some(prefix) = stored.strip_suffix("LayerNorm.gamma") {
        Cow::Owned(format!("{prefix}LayerNorm.weight"))
    } else if let Some(prefix) = stored.strip_suffix("LayerNorm.beta") {
        Cow::Owned(format!("{prefix}LayerNorm.bias"))
    } else {
        Cow::Borrowed(stored)
    }
}

/// Buffers that old versions of transformers saved although they hold only 0, 1, 2, …: transformers ignores them too.
fn is_known_leftover(name: &str) -> bool {
    name.ends_with("embeddings.position_ids") || name.ends_with("embeddings.token_type_ids")
}
