//! Weights in several files, in other precisions and under old names: the same answers, or an error that names what is
//! wrong.

use crate::tiny_model::{NamedTensor, TinyModel};
use safetensors::Dtype as FileDtype;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use turnstone_classifier::{Classifier, LoadError, LoadOptions};

const TEXTS: [&str; 3] = ["a plain line", "disk sda1 failed", ""];

fn logits(dir: &Path) -> Vec<Vec<f32>> {
    let classifier = Classifier::load(dir, &LoadOptions::default()).unwrap();
    classifier
        .logits(&TEXTS)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

fn refusal_of(dir: &Path) -> (LoadError, String) {
    let Err(error) = Classifier::load(dir, &LoadOptions::default()) else {
        panic!("{dir:?} was loaded")
    };
    let message = error.to_string();
    (error, message)
}

/// Cuts a written model into three shards and returns its index.
fn shard(model: &TinyModel, dir: &Path) -> Value {
    fs::remove_file(dir.join("model.safetensors")).unwrap();
    let mut parts = [(); 3].map(|()| TinyModel {
        tensors: Default::default(),
        ..model.clone()
    });
    let mut weight_map = serde_json::Map::new();
    for (place, (name, tensor)) in model.tensors.iter().enumerate() {
        parts[place % 3].tensors.insert(name.clone(), tensor.clone());
        weight_map.insert(name.clone(), json!(shard_name(place % 3)));
    }
    for (place, part) in parts.iter().enumerate() {
        part.write_weights(&dir.join(shard_name(place)));
    }
    json!({"metadata": {"total_size": 1}, "weight_map": weight_map})
}

fn shard_name(place: usize) -> String {
    format!("model-0000{}-of-00003.safetensors", place + 1)
}

fn write_index(dir: &Path, index: &Value) {
    fs::write(dir.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

#[test]
fn shards_answer_as_one_file_does() {
    let model = TinyModel::new(7);
    let (_folder, dir) = model.write();
    let single = logits(&dir);
    let index = shard(&model, &dir);
    write_index(&dir, &index);
    assert_eq!(logits(&dir), single);
    let hash = || {
        Classifier::load(&dir, &LoadOptions::default())
            .unwrap()
            .info()
            .content_hash
            .clone()
    };
    let before = hash();
    // Every shard counts for the hash: one bit of the last number of each.
    for place in 0..3 {
        let path = dir.join(shard_name(place));
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        *changed.iter_mut().rev().nth(3).unwrap() ^= 1;
        fs::write(&path, changed).unwrap();
        assert_ne!(hash(), before, "shard {place}");
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(hash(), before);
}

#[test]
fn an_index_that_does_not_fit_its_shards_is_an_error_that_names_what() {
    let model = TinyModel::new(7);
    let tensor = "bert.pooler.dense.bias";
    type Spoil = fn(&Path, &mut Value);
    let cases: [(Spoil, &[&str]); 8] = [
        (
            |dir, _| fs::remove_file(dir.join(shard_name(1))).unwrap(),
            &[
                "model-00002-of-00003.safetensors",
                "missing",
                "index.json names it",
            ],
        ),
        (
            |_, index| index["weight_map"]["bert.pooler.dense.bias"] = json!("../Tiny-Model/x.safetensors"),
            &["index.json", "../Tiny-Model/x.safetensors", "plain file names"],
        ),
        (
            |_, index| index["weight_map"]["bert.pooler.dense.bias"] = json!("/etc/passwd"),
            &["/etc/passwd", "plain file names"],
        ),
        (
            |_, index| index["weight_map"]["bert.pooler.dense.bias"] = json!(""),
            &["plain file names"],
        ),
        (
            |_, index| index["weight_map"]["bert.extra"] = json!(shard_name(0)),
            &["index.json", "bert.extra", "does not hold it"],
        ),
        (
            |_, index| {
                index["weight_map"]
                    .as_object_mut()
                    .unwrap()
                    .remove("bert.pooler.dense.bias");
            },
            &["bert.pooler.dense.bias", "does not place there"],
        ),
        (
            |_, index| index["weight_map"] = json!({}),
            &["index.json", "no tensor"],
        ),
        (
            |_, index| index["weight_map"] = json!(["x"]),
            &["index.json", "not valid"],
        ),
    ];
    for (spoil, parts) in cases {
        let (_folder, dir) = model.write();
        let mut index = shard(&model, &dir);
        assert!(index["weight_map"][tensor].is_string());
        spoil(&dir, &mut index);
        write_index(&dir, &index);
        let (_, message) = refusal_of(&dir);
        for part in parts {
            assert!(message.contains(part), "{message:?} does not say {part:?}");
        }
    }
}

#[test]
fn a_tensor_that_no_shard_has_is_named() {
    let mut model = TinyModel::new(7);
    model.tensors.remove("classifier.weight");
    let (_folder, dir) = model.write();
    let index = shard(&model, &dir);
    write_index(&dir, &index);
    let (error, message) = refusal_of(&dir);
    assert!(matches!(error, LoadError::MissingTensors { .. }), "{message}");
    assert!(
        message.contains("classifier.weight") && message.contains("index.json"),
        "{message}"
    );
}

#[test]
fn pickles_in_several_files_are_refused_too() {
    let (_folder, dir) = TinyModel::new(7).write();
    fs::remove_file(dir.join("model.safetensors")).unwrap();
    fs::write(dir.join("pytorch_model.bin.index.json"), "{}").unwrap();
    let (error, message) = refusal_of(&dir);
    assert!(matches!(error, LoadError::Pickle { .. }));
    assert!(message.contains("save_pretrained"), "{message}");
}

#[test]
fn sixteen_bit_files_answer_as_their_numbers_in_32_bits() {
    for (stored_as, cut) in [
        (
            FileDtype::BF16,
            (|number| f32::from_bits(number.to_bits() & 0xffff_0000)) as fn(f32) -> f32,
        ),
        (FileDtype::F16, |number| (number * 1024.0).trunc() / 1024.0),
    ] {
        let mut model = TinyModel::new(7);
        for tensor in model.tensors.values_mut() {
            tensor
                .numbers
                .iter_mut()
                .for_each(|number| *number = cut(*number));
        }
        let (_wide_folder, wide) = model.write();
        model.stored_as = stored_as;
        let (_folder, narrow) = model.write();
        assert_eq!(logits(&narrow), logits(&wide), "{stored_as:?}");
    }
}

#[test]
fn a_file_whose_numbers_are_not_aligned_is_read_all_the_same() {
    let (_folder, dir) = TinyModel::new(7).write();
    let aligned = logits(&dir);
    let path = dir.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    // One space more at the end of the header moves every number by one byte.
    let mut moved = (header + 1).to_le_bytes().to_vec();
    moved.extend_from_slice(&bytes[8..8 + header as usize]);
    moved.push(b' ');
    moved.extend_from_slice(&bytes[8 + header as usize..]);
    fs::write(&path, moved).unwrap();
    assert_eq!(logits(&dir), aligned);
}

#[test]
fn old_layer_norm_names_are_understood_but_not_beside_the_new_ones() {
    let mut model = TinyModel::new(7);
    let (_folder, dir) = model.write();
    let modern = logits(&dir);
    let weight = model.tensors.remove("bert.embeddings.LayerNorm.weight").unwrap();
    model
        .tensors
        .insert("bert.embeddings.LayerNorm.gamma".to_owned(), weight);
    let (_old_folder, old) = model.write();
    assert_eq!(logits(&old), modern);
    let twice = NamedTensor {
        shape: vec![12],
        numbers: vec![1.0; 12],
    };
    model
        .tensors
        .insert("bert.embeddings.LayerNorm.weight".to_owned(), twice);
    let (_twice_folder, twice) = model.write();
    let (_, message) = refusal_of(&twice);
    assert!(
        message.contains("LayerNorm.gamma") && message.contains("same tensor"),
        "{message}"
    );
}

#[test]
fn heads_of_pre_training_may_be_left_over_but_no_other_tensor() {
    let mut model = TinyModel::new(7);
    let spare = NamedTensor {
        shape: vec![1],
        numbers: vec![0.0],
    };
    model
        .tensors
        .insert("cls.predictions.bias".to_owned(), spare.clone());
    model
        .tensors
        .insert("bert.embeddings.position_ids".to_owned(), spare.clone());
    let (_folder, dir) = model.write();
    logits(&dir);
    model.tensors.insert("predictions.bias".to_owned(), spare);
    let (_other_folder, other) = model.write();
    let (error, message) = refusal_of(&other);
    assert!(matches!(error, LoadError::UnexpectedTensors { .. }), "{message}");
    assert!(message.contains("tensor \"predictions.bias\""), "{message}");
}
