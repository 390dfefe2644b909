//! Every way in which a folder can be no model: each error says what, where and what to do.

use crate::tiny_model::{NamedTensor, TinyModel};
use safetensors::Dtype as FileDtype;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use turnstone_classifier::{Classifier, DeviceChoice, Dtype, LoadError, LoadOptions};

fn refusal_of(dir: &Path) -> (LoadError, String) {
    let Err(error) = Classifier::load(dir, &LoadOptions::default()) else {
        panic!("{dir:?} was loaded")
    };
    let message = error.to_string();
    (error, message)
}

/// Writes a working model, lets `spoil` spoil the folder, and returns the refusal.
fn refusal_after(spoil: impl FnOnce(&Path)) -> (LoadError, String) {
    let (_folder, dir) = TinyModel::new(1).write();
    spoil(&dir);
    refusal_of(&dir)
}

/// Lets `change` change a working model, writes it, and returns the refusal.
fn refusal_with(change: impl FnOnce(&mut TinyModel)) -> (LoadError, String) {
    let mut model = TinyModel::new(1);
    change(&mut model);
    let (_folder, dir) = model.write();
    refusal_of(&dir)
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn a_name_is_no_folder() {
    let (error, message) = refusal_of(Path::new("some-org/some-model"));
    assert!(matches!(error, LoadError::NotAFolder { .. }));
    assert_says(
        &message,
        &[
            "some-org/some-model",
            "no folder",
            "download",
            "hf download some-org/some-model --local-dir",
        ],
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(refusal_of(file.path()).0, LoadError::NotAFolder { .. }));
}

#[test]
fn missing_files_are_named() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let (error, message) = refusal_after(|dir| fs::remove_file(dir.join(name)).unwrap());
        assert!(matches!(error, LoadError::MissingFile { .. }), "{message}");
        assert_says(&message, &[name, "missing"]);
    }
}

#[test]
fn a_pickle_is_refused_with_the_command_that_converts_it() {
    let (error, message) = refusal_after(|dir| {
        fs::rename(dir.join("model.safetensors"), dir.join("pytorch_model.bin")).unwrap();
    });
    assert!(matches!(error, LoadError::Pickle { .. }));
    assert_says(
        &message,
        &[
            "pytorch_model.bin",
            "pickle",
            "python3 -c",
            "save_pretrained",
            "Tiny-Model",
        ],
    );
}

#[test]
fn files_that_are_not_what_they_should_be() {
    for name in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "turnstone.json",
        "tokenizer_config.json",
    ] {
        for content in ["", "{", "[]", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{7f}"] {
            let (error, message) = refusal_after(|dir| fs::write(dir.join(name), content).unwrap());
            assert!(
                matches!(error, LoadError::Invalid { .. }),
                "{name} {content:?}: {message}"
            );
            assert_says(&message, &[name]);
        }
    }
    let (_, message) = refusal_after(|dir| {
        let bytes = fs::read(dir.join("model.safetensors")).unwrap();
        fs::write(dir.join("model.safetensors"), &bytes[..bytes.len() - 4]).unwrap();
    });
    assert_says(&message, &["model.safetensors"]);
}

#[test]
fn other_architectures_are_refused_with_what_is_supported() {
    for (key, value) in [
        ("architectures", json!(["BertModel"])),
        ("architectures", json!(["GPT2LMHeadModel", "X"])),
    ] {
        let (error, message) = refusal_with(|model| model.config[key] = value.clone());
        assert!(matches!(error, LoadError::Unsupported { .. }), "{message}");
        assert_says(
            &message,
            &[
                "config.json",
                value[0].as_str().unwrap(),
                "BertForSequenceClassification",
            ],
        );
    }
    let (_, message) = refusal_with(|model| {
        model.config["architectures"] = json!([]);
        model.config["model_type"] = json!("gpt2");
    });
    assert_says(&message, &["gpt2", "BertForSequenceClassification"]);
}

#[test]
fn settings_that_would_compute_something_else_are_refused() {
    let cases: [(&str, Value, &str); 8] = [
        ("hidden_act", json!("mish"), "silu"),
        ("position_embedding_type", json!("relative_key"), "relative_key"),
        ("is_decoder", json!(true), "is_decoder"),
        ("problem_type", json!("ranking"), "ranking"),
        ("num_attention_heads", json!(5), "num_attention_heads"),
        ("num_attention_heads", json!(0), "num_attention_heads"),
        ("hidden_size", json!("wide"), "config.json"),
        ("vocab_size", Value::Null, "config.json"),
    ];
    for (key, value, part) in cases {
        let (_, message) = refusal_with(|model| model.config[key] = value.clone());
        assert_says(&message, &["config.json", part]);
    }
}

#[test]
fn labels_must_fit_the_classes() {
    let (_, message) = refusal_with(|model| model.config["id2label"] = json!({"0": "A", "1": "B"}));
    assert_says(&message, &["id2label", "2 classes", "has 4"]);
    let (_, message) =
        refusal_with(|model| model.config["id2label"] = json!({"0": "A", "1": "B", "2": "C", "seven": "D"}));
    assert_says(&message, &["id2label", "class 3"]);
}

#[test]
fn tensors_are_named_when_missing_unexpected_or_misshapen() {
    let gone = [
        "bert.encoder.layer.1.output.dense.bias",
        "bert.pooler.dense.weight",
    ];
    let (error, message) =
        refusal_with(|model| gone.iter().for_each(|name| drop(model.tensors.remove(*name))));
    assert!(matches!(error, LoadError::MissingTensors { .. }));
    assert_says(
        &message,
        &[
            "model.safetensors",
            gone[0],
            gone[1],
            "BertForSequenceClassification",
        ],
    );

    let (error, message) = refusal_with(|model| drop(model.tensors.remove("classifier.weight")));
    assert!(matches!(error, LoadError::MissingTensors { .. }), "{message}");
    assert_says(&message, &["classifier.weight"]);

    let (error, message) = refusal_with(|model| {
        let extra = NamedTensor {
            shape: vec![1],
            numbers: vec![0.0],
        };
        model
            .tensors
            .insert("bert.encoder.layer.2.output.dense.bias".to_owned(), extra);
    });
    assert!(matches!(error, LoadError::UnexpectedTensors { .. }));
    assert_says(
        &message,
        &["model.safetensors", "bert.encoder.layer.2.output.dense.bias"],
    );

    let (error, message) = refusal_with(|model| model.config["intermediate_size"] = json!(24));
    assert!(matches!(error, LoadError::Shape { .. }));
    assert_says(&message, &["intermediate.dense.weight", "[20, 12]", "[24, 12]"]);
}

#[test]
fn a_config_of_absurd_size_is_an_error_and_not_a_crash() {
    for key in [
        "num_hidden_layers",
        "hidden_size",
        "vocab_size",
        "max_position_embeddings",
    ] {
        let (_, message) = refusal_with(|model| {
            model.config[key] = json!(300_000_000_000_u64);
            model.config["num_attention_heads"] = json!(1);
        });
        assert_says(&message, &["model.safetensors"]);
    }
    let (error, _) = refusal_with(|model| {
        model.tensors.retain(|name, _| name == "classifier.bias");
        model.config["vocab_size"] = json!(300_000_000_000_u64);
    });
    assert!(matches!(error, LoadError::MissingTensors { .. }));
}

#[test]
fn tensors_of_other_types_are_refused() {
    let (_, message) = refusal_with(|model| model.stored_as = FileDtype::I32);
    assert_says(
        &message,
        &["bert.embeddings.word_embeddings.weight", "I32", "BF16"],
    );
}

#[test]
fn the_tokenizer_of_another_model_is_refused() {
    let (_, message) = refusal_with(|model| {
        model.tokenizer["model"]["vocab"]["zebra"] = json!(5_000);
    });
    assert_says(&message, &["tokenizer.json", "5000", "another model"]);
}

#[test]
fn turnstone_json_asks_for_nothing_unknown() {
    for (content, part) in [
        (r#"{"normalise": "template"}"#, "template_version"),
        (r#"{"normalise": "template", "template_version": 2}"#, "version 2"),
        (
            r#"{"normalise": "template", "template_version": "1"}"#,
            "not valid",
        ),
        (r#"{"normalise": "lower"}"#, "lower"),
        (r#"{"normalise": 3}"#, "not valid"),
        (r#"{"format": 2}"#, "format 2"),
        (r#"{"nmae": "x"}"#, "nmae"),
        (r#"{"name": ""}"#, "scorer's name"),
        (r#"{"name": "a\u001b[31m"}"#, "scorer's name"),
    ] {
        let (_, message) = refusal_after(|dir| fs::write(dir.join("turnstone.json"), content).unwrap());
        assert_says(&message, &["turnstone.json", part]);
    }
}

#[test]
fn devices_that_are_not_there_are_refused() {
    let (_folder, dir) = TinyModel::new(1).write();
    // An index that no machine has, so that the test says the same with and without GPUs.
    let options = LoadOptions {
        device: DeviceChoice::Cuda(200),
        ..LoadOptions::default()
    };
    let Err(error) = Classifier::load(&dir, &options) else {
        panic!("loaded on GPU 200")
    };
    assert!(matches!(error, LoadError::Device { .. }), "{error}");
    assert_says(&error.to_string(), &["cuda:200"]);
    let options = LoadOptions {
        dtype: Dtype::F16,
        ..LoadOptions::default()
    };
    let Err(error) = Classifier::load(&dir, &options) else {
        panic!("loaded f16 on the cpu")
    };
    assert_says(&error.to_string(), &["cpu", "f16", "bf16"]);
}
