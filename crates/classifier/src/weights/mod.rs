//! Reads tensors by name out of memory-mapped safetensors files, onto the device and in the precision asked for, and
//! keeps account of what was missing and what nobody asked for. Which files there are is `files`' business, how the
//! names in them differ from those a family uses is `names`'.

mod files;
mod names;

pub(crate) use files::WeightFiles;
pub(crate) use names::NameTable;

use crate::error::{LoadError, list_names};
use safetensors::tensor::TensorView;
use safetensors::{Dtype as FileDtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Missing tensors after which looking for more is pointless.
const MISSING_TENSORS_MAX: usize = 100;

/// The tensors of a model. A family calls [`Weights::use_names`] first, takes each tensor with [`Weights::take`], then
/// calls [`Weights::finish`].
pub(crate) struct Weights<'files> {
    /// The weights file, or the index of several: what errors about absent and superfluous tensors speak of.
    path: &'files Path,
    architecture: &'static str,
    shards: Vec<(&'files Path, SafeTensors<'files>)>,
    /// What has not been taken yet, by the name that families use.
    unread: BTreeMap<String, StoredTensor>,
    ignored: &'static [&'static str],
    missing: Vec<String>,
    parameters: u64,
    device: Device,
    kind: Kind,
}

/// Where one tensor lies.
#[derive(Debug, Clone)]
struct StoredTensor {
    /// Its name as the file spells it.
    name: String,
    /// Index of its file in `Weights::shards`.
    shard: usize,
}

impl Weights<'_> {
    /// Where the tensors go.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Renames the tensors of the files to what the family calls them, and notes which may be left over. To be called
    /// once, before the first tensor is asked for.
    pub fn use_names(&mut self, table: &NameTable) {
        self.ignored = table.ignored;
        let unread = std::mem::take(&mut self.unread);
        self.unread = unread
            .into_iter()
            .map(|(name, stored)| (table.rename(&name).into_owned(), stored))
            .collect();
    }

    /// The shape of a tensor that was not taken yet, or `None` where there is no such tensor.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let stored = self.unread.get(name)?;
        let view = self.shards[stored.shard].1.tensor(&stored.name).ok()?;
        Some(view.shape().to_vec())
    }

    /// Outputs of a linear layer that was not taken yet, by its tensors; 0 where it has none. Weight or bias: either will do
    /// while the other is missing.
    pub fn outputs_of(&self, layer: &str) -> usize {
        let shapes = ["weight", "bias"].map(|part| self.shape(&format!("{layer}.{part}")));
        let outputs = shapes.iter().flatten().find_map(|shape| shape.first().copied());
        outputs.unwrap_or(0)
    }

    /// Lets `take` read in f32 on a CPU, whatever the precision of the rest: for tensors that cost little time and whose
    /// rounding would be felt in every answer.
    pub fn exact<T>(&mut self, take: impl FnOnce(&mut Self) -> Result<T, LoadError>) -> Result<T, LoadError> {
        let chosen = self.kind;
        if self.device == Device::Cpu {
            self.kind = Kind::Float;
        }
        let taken = take(self);
        self.kind = chosen;
        taken
    }

    /// Copies one tensor out, straight from the mapped file to the device. A missing one is remembered for
    /// [`Weights::finish`] and zeros stand in for it, so that one error names all of them; one of another shape is an
    /// error at once.
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
        let (path, tensors) = &self.shards[stored.shard];
        let invalid = |reason: String| LoadError::Invalid {
            path: (*path).to_owned(),
            reason,
        };
        let view = tensors
            .tensor(&stored.name)
            .map_err(|error| invalid(format!("tensor {name:?}: {error}")))?;
        if view.shape() != expected {
            return Err(LoadError::Shape {
                path: (*path).to_owned(),
                name: name.to_owned(),
                found: view.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let stored_as = match view.dtype() {
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
        copy_out(&view, stored_as, self.device(), self.kind)
    }

    /// Checks that everything asked for was there and that nothing of weight was left over. Returns how many numbers were read.
    pub fn finish(self) -> Result<u64, LoadError> {
        if !self.missing.is_empty() {
            return Err(self.missing_error());
        }
        let unexpected: Vec<&str> = self
            .unread
            .iter()
            .filter(|(name, _)| !names::may_be_left_over(name, self.ignored))
            .map(|(_, stored)| stored.name.as_str())
            .collect();
        if !unexpected.is_empty() {
            return Err(LoadError::UnexpectedTensors {
                path: self.path.to_owned(),
                names: list_names(unexpected),
                architecture: self.architecture,
            });
        }
        Ok(self.parameters)
    }

    fn missing_error(&self) -> LoadError {
        LoadError::MissingTensors {
            path: self.path.to_owned(),
            names: list_names(self.missing.iter().map(String::as_str)),
            architecture: self.architecture,
        }
    }
}

/// Copies a tensor of the file once: on the CPU it is converted on the way, to a GPU it goes as it is and is converted
/// there, so that fewer bytes cross where the file holds 16 bits and no second copy is made in the host's memory.
fn copy_out(view: &TensorView<'_>, stored_as: Kind, device: Device, kind: Kind) -> Result<Tensor, LoadError> {
    let shape: Vec<i64> = view.shape().iter().map(|size| *size as i64).collect();
    let bytes = view.data();
    if bytes.is_empty() {
        return Ok(Tensor::f_zeros(&shape, (kind, device))?);
    }
    let aligned = (bytes.as_ptr() as usize).is_multiple_of(stored_as.elt_size_in_bytes());
    let mapped = if aligned {
        let mut strides = vec![1_i64; shape.len()];
        for index in (1..shape.len()).rev() {
            strides[index - 1] = strides[index] * shape[index];
        }
        // SAFETY: safetensors has checked that `bytes` holds exactly `shape` numbers of this kind, and they are aligned. The
        // tensor that views them is only read, copied below (`copy` is true), and gone before this function returns, while
        // `view` borrows the map.
        unsafe { Tensor::f_from_blob(bytes.as_ptr(), &shape, &strides, stored_as, Device::Cpu) }?
    } else {
        // Some old writers do not pad the header.
        Tensor::f_from_data_size(bytes, &shape, stored_as)?
    };
    if device == Device::Cpu {
        Ok(mapped.f_to_device_(device, kind, false, true)?)
    } else {
        Ok(mapped
            .f_to_device_(device, stored_as, false, true)?
            .f_to_kind(kind)?)
    }
}
