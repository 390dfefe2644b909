//! The safetensors files of a model: one, or the shards that an index lists; memory-mapped, and never outside the model's
//! folder by name.

use super::{StoredTensor, Weights, names};
use crate::error::{LoadError, shell_quoted};
use memmap2::Mmap;
use safetensors::SafeTensors;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use tch::{Device, Kind};

/// The mapped weights of a model.
pub(crate) struct WeightFiles {
    /// The single file, or the index.
    path: PathBuf,
    files: Vec<MappedFile>,
    /// Where there is an index: the place in `files` of each tensor's file, by the tensor's name.
    index: Option<BTreeMap<String, usize>>,
}

struct MappedFile {
    path: PathBuf,
    bytes: Mmap,
}

/// model.safetensors.index.json. Its `metadata` is for people.
#[derive(Deserialize)]
struct Index {
    /// File by tensor name.
    weight_map: BTreeMap<String, String>,
}

impl WeightFiles {
    /// Finds and maps the weights of a model folder: `model.safetensors`, or else the shards of
    /// `model.safetensors.index.json`. A pickle alone is refused with the command that converts it.
    pub fn open(dir: &Path) -> Result<Self, LoadError> {
        let single = dir.join("model.safetensors");
        if single.is_file() {
            let files = vec![MappedFile::open(single.clone(), "")?];
            return Ok(Self {
                path: single,
                files,
                index: None,
            });
        }
        let index = dir.join("model.safetensors.index.json");
        if index.is_file() {
            return Self::open_shards(dir, index);
        }
        for name in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
            let pickle = dir.join(name);
            if pickle.is_file() {
                return Err(LoadError::Pickle {
                    path: pickle,
                    command: conversion_command(dir),
                });
            }
        }
        Err(LoadError::MissingFile {
            path: single,
            hint: "; model.safetensors.index.json with its shards will do as well".to_owned(),
        })
    }

    fn open_shards(dir: &Path, path: PathBuf) -> Result<Self, LoadError> {
        let invalid = |reason: String| LoadError::Invalid {
            path: path.clone(),
            reason,
        };
        let text = fs::read(&path).map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?;
        let index: Index = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
        if index.weight_map.is_empty() {
            return Err(invalid("its weight_map names no tensor".to_owned()));
        }
        let names: BTreeSet<&str> = index.weight_map.values().map(String::as_str).collect();
        let mut files = Vec::with_capacity(names.len());
        for name in &names {
            // A model is data from strangers: it must not make us open files elsewhere.
            let mut components = Path::new(name).components();
            let is_plain = matches!(
                (components.next(), components.next()),
                (Some(Component::Normal(only)), None) if only.to_str() == Some(name)
            );
            if !is_plain {
                return Err(invalid(format!(
                    "its weight_map names the file {name:?}; only plain file names of the same folder are read"
                )));
            }
            files.push(MappedFile::open(
                dir.join(name),
                ", although model.safetensors.index.json names it",
            )?);
        }
        let places: BTreeMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(place, name)| (*name, place))
            .collect();
        let by_tensor = index
            .weight_map
            .iter()
            .map(|(tensor, file)| (tensor.clone(), places[file.as_str()]))
            .collect();
        Ok(Self {
            path: path.clone(),
            files,
            index: Some(by_tensor),
        })
    }

    /// The bytes of every file, in an order that does not change.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.files.iter().map(|file| &file.bytes[..])
    }

    /// The precision in which most numbers are stored, as safetensors calls it in lower case: `f32`, `f16`, `bf16`.
    pub fn stored_dtype(&self) -> String {
        let mut bytes_by_dtype: BTreeMap<String, usize> = BTreeMap::new();
        for file in &self.files {
            // A file that cannot be read is reported by whoever reads its tensors.
            for (_, view) in SafeTensors::deserialize(&file.bytes)
                .iter()
                .flat_map(SafeTensors::iter)
            {
                *bytes_by_dtype
                    .entry(format!("{:?}", view.dtype()).to_lowercase())
                    .or_default() += view.data().len();
            }
        }
        let most = bytes_by_dtype.into_iter().max_by_key(|(_, bytes)| *bytes);
        most.map_or_else(String::new, |(dtype, _)| dtype)
    }

    /// Opens the tensors for reading by name. `architecture` is whom errors speak of.
    pub fn tensors(
        &self,
        architecture: &'static str,
        device: Device,
        kind: Kind,
    ) -> Result<Weights<'_>, LoadError> {
        let mut shards = Vec::with_capacity(self.files.len());
        let mut unread = BTreeMap::new();
        for (shard, file) in self.files.iter().enumerate() {
            let invalid = |reason: String| LoadError::Invalid {
                path: file.path.clone(),
                reason,
            };
            let tensors =
                SafeTensors::deserialize(&file.bytes).map_err(|error| invalid(error.to_string()))?;
            for name in tensors.names() {
                if let Some(index) = &self.index
                    && index.get(name) != Some(&shard)
                {
                    let listed = self.path.display();
                    return Err(invalid(format!(
                        "it holds tensor {name:?}, which {listed} does not place there"
                    )));
                }
                let stored = StoredTensor {
                    name: name.to_owned(),
                    shard,
                };
                let modern = names::modern_name(name).into_owned();
                if let Some(other) = unread.insert(modern, stored) {
                    return Err(invalid(format!(
                        "it holds both {name:?} and {:?}, which are the same tensor",
                        other.name
                    )));
                }
            }
            shards.push((file.path.as_path(), tensors));
        }
        for (name, shard) in self.index.iter().flatten() {
            let (path, tensors) = &shards[*shard];
            if tensors.tensor(name).is_err() {
                return Err(LoadError::Invalid {
                    path: self.path.clone(),
                    reason: format!("it places tensor {name:?} in {path:?}, which does not hold it"),
                });
            }
        }
        Ok(Weights {
            path: &self.path,
            architecture,
            shards,
            unread,
            ignored: &[],
            missing: Vec::new(),
            parameters: 0,
            device,
            kind,
        })
    }
}

impl MappedFile {
    /// Maps a file; `hint` tells whoever misses it why it is wanted.
    fn open(path: PathBuf, hint: &str) -> Result<Self, LoadError> {
        let map = || -> io::Result<Mmap> {
            let file = File::open(&path)?;
            // SAFETY: a map of a file is sound as long as nobody shortens or rewrites the file meanwhile, which no program
            // can rule out. Every tensor is copied out while loading and the map is dropped at its end, so the time is short.
            unsafe { Mmap::map(&file) }
        };
        match map() {
            Ok(bytes) => Ok(Self { path, bytes }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LoadError::MissingFile {
                path,
                hint: hint.to_owned(),
            }),
            Err(source) => Err(LoadError::Read { path, source }),
        }
    }
}

/// The shell command that turns a folder's pickles into safetensors.
fn conversion_command(dir: &Path) -> String {
    let quoted = shell_quoted(dir);
    format!(
        "python3 -c 'import sys; from transformers import AutoModelForSequenceClassification as M; \
         M.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[1], safe_serialization=True)' {quoted}"
    )
}
