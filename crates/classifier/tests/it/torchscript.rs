//! TorchScript files beside a config.json of another architecture (`tests/golden/torchscript/make.py`).

use crate::tiny_model::TinyModel;
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use turnstone_classifier::{Classifier, Dtype, LoadError, LoadOptions};

const TEXTS: [&str; 4] = ["a b", "", "ab", "z 9 a b c"];

#[derive(Deserialize)]
struct Expected {
    logits: Vec<Vec<f32>>,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/torchscript")
        .join(name)
}

/// A folder whose config.json names an unknown class, with one of the modules under a name.
fn folder(module: &str, name: &str, problem_type: Option<&str>) -> (TempDir, PathBuf) {
    let mut model = TinyModel::new(1);
    model.config["architectures"] = json!(["BagForSequenceClassification"]);
    model.config["model_type"] = json!("bag");
    model.config["id2label"] = json!({"0": "NORMAL", "1": "ERROR", "2": "WARN"});
    model.config["problem_type"] = json!(problem_type);
    let (parent, dir) = model.write();
    fs::remove_file(dir.join("model.safetensors")).unwrap();
    fs::copy(golden(module), dir.join(name)).unwrap();
    (parent, dir)
}

fn refusal_of(dir: &Path) -> (LoadError, String) {
    let Err(error) = Classifier::load(dir, &LoadOptions::default()) else {
        panic!("{dir:?} was loaded")
    };
    let message = error.to_string();
    (error, message)
}

#[test]
fn a_module_answers_as_in_python_whatever_it_wraps_its_logits_in() {
    let expected: Expected = serde_json::from_slice(&fs::read(golden("expected.json")).unwrap()).unwrap();
    for (module, name) in [
        ("tensor.torchscript", "model.torchscript"),
        ("tuple.torchscript", "model.ts"),
        ("dictionary.torchscript", "model.pt"),
    ] {
        let (_folder, dir) = folder(module, name, None);
        let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
        let info = classifier.info();
        assert_eq!(info.architecture, "BagForSequenceClassification (TorchScript)");
        assert_eq!(info.parameters, 80 * 8 + 8 * 3 + 3);
        let logits = classifier.logits(&TEXTS);
        assert_eq!(logits.len(), expected.logits.len());
        for (found, expected) in logits.into_iter().zip(&expected.logits) {
            let found = found.unwrap();
            let close = found
                .iter()
                .zip(expected)
                .all(|(found, expected)| (found - expected).abs() < 1e-5);
            assert!(
                found.len() == 3 && close,
                "{module}: {found:?} is not {expected:?}"
            );
        }
    }
}

#[test]
fn a_module_of_several_labels_has_sigmoid_scores() {
    let (_folder, dir) = folder(
        "tensor.torchscript",
        "model.torchscript",
        Some("multi_label_classification"),
    );
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    let logits = classifier.logits(&TEXTS);
    for (logits, scores) in logits.into_iter().zip(classifier.probabilities(&TEXTS)) {
        for (logit, score) in logits.unwrap().into_iter().zip(scores.unwrap()) {
            assert!((score - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-6);
        }
    }
}

#[test]
fn a_module_runs_in_bf16_too() {
    let (_folder, dir) = folder("tensor.torchscript", "model.torchscript", None);
    let options = LoadOptions {
        dtype: Dtype::Bf16,
        ..LoadOptions::default()
    };
    let narrow = Classifier::load(&dir, &options).unwrap().probabilities(&TEXTS);
    let wide = Classifier::load(&dir, &LoadOptions::default())
        .unwrap()
        .probabilities(&TEXTS);
    for (narrow, wide) in narrow.into_iter().zip(wide) {
        let (narrow, wide) = (narrow.unwrap(), wide.unwrap());
        assert!(
            narrow.iter().zip(&wide).all(|(a, b)| (a - b).abs() < 2e-2),
            "{narrow:?} {wide:?}"
        );
    }
}

#[test]
fn files_that_are_no_classifiers_are_refused() {
    let (_folder, dir) = folder("no-logits.torchscript", "model.torchscript", None);
    let (error, message) = refusal_of(&dir);
    assert!(matches!(error, LoadError::Invalid { .. }), "{message}");
    assert!(
        message.contains("model.torchscript") && message.contains("[rows, classes]"),
        "{message}"
    );
    for content in ["", "PK\u{3}\u{4} no archive", "just text"] {
        fs::write(dir.join("model.torchscript"), content).unwrap();
        let (error, message) = refusal_of(&dir);
        assert!(matches!(error, LoadError::Invalid { .. }), "{message}");
        assert!(message.contains("no TorchScript file"), "{message}");
    }
}

#[test]
fn without_a_file_the_way_out_is_named_and_a_family_never_takes_it() {
    let (_folder, dir) = folder("tensor.torchscript", "elsewhere.torchscript", None);
    let (_, message) = refusal_of(&dir);
    for part in [
        "BagForSequenceClassification",
        "model.torchscript",
        "torch.jit.trace",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let (_bert_folder, bert) = TinyModel::new(1).write();
    fs::write(bert.join("model.torchscript"), "never read").unwrap();
    let classifier = Classifier::load(&bert, &LoadOptions::default()).unwrap();
    assert_eq!(classifier.info().architecture, "BertForSequenceClassification");
}
