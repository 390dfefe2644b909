//! What a loaded classifier answers: the same in any batch, for texts of any length, with labels mapped.

use crate::golden::bundled_model;
use crate::tiny_model::{CLASSES, POSITIONS, TinyModel};
use safetensors::Dtype as FileDtype;
use serde_json::json;
use std::fs;
use turnstone_classifier::{Classifier, Dtype, LoadOptions};
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, Label, LabelMeaning, Severity, truncate_chars};

const TEXTS: [&str; 12] = [
    "",
    " ",
    "a",
    "kernel: Out of memory: Killed process 4242 (java) total-vm:8123456kB",
    "Failed password for invalid user admin from 203.0.113.9 port 51122 ssh2",
    "GET /healthz 200 0.3ms",
    "\u{1b}[31mred\u{1b}[0m \u{0} \u{202e}gnp",
    "Überlauf im Puffer größer als 512 Zeichen – 日本語のログ 🚨",
    "[CLS] [SEP] [PAD] [MASK]",
    "nginx: upstream timed out (110: Connection timed out) while reading response header from upstream",
    "x",
    "systemd[1]: Started Session 12 of user root.",
];

fn assert_close(left: &[f32], right: &[f32], tolerance: f32, context: &str) {
    assert_eq!(left.len(), right.len(), "{context}");
    for (left, right) in left.iter().zip(right) {
        assert!(
            (left - right).abs() <= tolerance,
            "{context}: {left} is not {right}"
        );
    }
}

#[test]
fn a_batch_answers_as_its_rows_do_alone_and_in_any_order() {
    let long = "connection reset by peer ".repeat(30);
    let mut texts = TEXTS.to_vec();
    texts.push(&long);
    let one_by_one = LoadOptions {
        batch_rows_max: 1,
        ..LoadOptions::default()
    };
    let together = LoadOptions {
        batch_rows_max: 256,
        batch_tokens_max: Some(1 << 20),
        ..LoadOptions::default()
    };
    let alone = Classifier::load(&bundled_model(), &one_by_one).unwrap();
    let expected: Vec<Vec<f32>> = alone
        .probabilities(&texts)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    for options in [
        together,
        LoadOptions {
            batch_tokens_max: Some(64),
            ..LoadOptions::default()
        },
    ] {
        let batched = Classifier::load(&bundled_model(), &options).unwrap();
        let mut order: Vec<usize> = (0..texts.len()).collect();
        for _ in 0..3 {
            order.rotate_left(5);
            let shuffled: Vec<&str> = order.iter().map(|index| texts[*index]).collect();
            for (index, found) in order.iter().zip(batched.probabilities(&shuffled)) {
                assert_close(&found.unwrap(), &expected[*index], 1e-5, texts[*index]);
            }
        }
    }
}

#[test]
fn texts_are_cut_at_the_character_limit_and_then_at_the_token_limit() {
    let (_folder, dir) = TinyModel::new(7).write();
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    assert_eq!(classifier.info().tokens_max, POSITIONS);
    let logits = |text: &str| classifier.logits(&[text]).remove(0).unwrap();
    // Two of the tokens are special, one letter is one token.
    let fits = "z".repeat(POSITIONS - 2);
    assert_eq!(
        logits(&format!("{fits}abc")),
        logits(&fits),
        "what is past the token limit is not read"
    );
    assert_ne!(logits(&fits[1..]), logits(&fits));
    // The tokenizer file's own limit of 8 tokens is not followed, as it is not by transformers.
    assert_ne!(logits(&fits[..20]), logits(&fits[..10]));

    let bundled = Classifier::load(&bundled_model(), &LoadOptions::default()).unwrap();
    let text = "é".repeat(CLASSIFIED_TEXT_CHARS_MAX) + " kernel panic";
    let cut = truncate_chars(&text, CLASSIFIED_TEXT_CHARS_MAX);
    assert_eq!(
        bundled.logits(&[&text]),
        bundled.logits(&[cut]),
        "what is past the character limit is not read"
    );
    let dense = "!".repeat(10_000);
    assert!(bundled.classify(&[&dense])[0].is_ok());
}

#[test]
fn left_truncation_keeps_the_end() {
    let (_folder, dir) = TinyModel::new(7).write();
    fs::write(
        dir.join("tokenizer_config.json"),
        r#"{"truncation_side": "left", "model_max_length": 8}"#,
    )
    .unwrap();
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    let logits = |text: &str| classifier.logits(&[text]).remove(0).unwrap();
    let end = "b ".repeat(POSITIONS - 2);
    assert_eq!(logits(&format!("a a a {end}")), logits(&end));
}

#[test]
fn labels_are_mapped_and_the_threshold_is_inclusive() {
    let mut model = TinyModel::new(3);
    // A head that always answers class 1 with a probability that is known: logits 0, ln 3, then two far below.
    let weights = model.tensors.get_mut("classifier.weight").unwrap();
    weights.numbers.iter_mut().for_each(|number| *number = 0.0);
    model.tensors.get_mut("classifier.bias").unwrap().numbers = vec![0.0, 3.0_f32.ln(), -200.0, -200.0];
    let (_folder, dir) = model.write();

    let predict = |options: &LoadOptions| {
        Classifier::load(&dir, options)
            .unwrap()
            .classify(&["anything"])
            .remove(0)
            .unwrap()
    };
    let prediction = predict(&LoadOptions::default());
    assert_eq!((&*prediction.raw_label, prediction.class), ("error", 1));
    assert_eq!(
        (prediction.meaning.label.as_str(), prediction.meaning.severity),
        ("ERROR", Severity::Error)
    );
    assert!((prediction.score - 0.75).abs() < 1e-6);
    assert!(
        predict(&LoadOptions {
            threshold: prediction.score,
            ..LoadOptions::default()
        })
        .detected
    );
    assert!(
        !predict(&LoadOptions {
            threshold: prediction.score + 1e-9,
            ..LoadOptions::default()
        })
        .detected
    );

    let meaning = LabelMeaning {
        label: Label::new("harmless"),
        severity: Severity::Debug,
        anomalous: false,
    };
    let mut options = LoadOptions {
        threshold: 0.0,
        ..LoadOptions::default()
    };
    options.label_map.insert("ERROR", meaning.clone());
    let prediction = predict(&options);
    assert!(!prediction.detected && prediction.meaning == meaning);
}

#[test]
fn the_first_of_equal_classes_wins() {
    let mut model = TinyModel::new(3);
    model
        .tensors
        .get_mut("classifier.weight")
        .unwrap()
        .numbers
        .fill(0.0);
    model
        .tensors
        .get_mut("classifier.bias")
        .unwrap()
        .numbers
        .fill(1.0);
    let (_folder, dir) = model.write();
    let prediction = Classifier::load(&dir, &LoadOptions::default())
        .unwrap()
        .classify(&["x"])
        .remove(0)
        .unwrap();
    assert_eq!((prediction.class, prediction.score), (0, 0.25));
}

#[test]
fn extreme_logits_stay_probabilities_and_infinite_ones_are_refused() {
    let mut model = TinyModel::new(3);
    model
        .tensors
        .get_mut("classifier.weight")
        .unwrap()
        .numbers
        .fill(0.0);
    model.tensors.get_mut("classifier.bias").unwrap().numbers = vec![f32::MAX, f32::MIN, 1e30, 0.0];
    let (_folder, dir) = model.write();
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    assert_eq!(
        classifier.probabilities(&["x"])[0].as_ref().unwrap(),
        &[1.0, 0.0, 0.0, 0.0]
    );

    model.tensors.get_mut("classifier.bias").unwrap().numbers[2] = f32::INFINITY;
    let (_folder, dir) = model.write();
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    let message = classifier.classify(&["x", "y"])[1]
        .as_ref()
        .unwrap_err()
        .to_string();
    assert!(message.contains("not finite"), "{message}");
}

#[test]
fn no_texts_are_no_answers() {
    let (_folder, dir) = TinyModel::new(1).write();
    assert!(
        Classifier::load(&dir, &LoadOptions::default())
            .unwrap()
            .classify(&[])
            .is_empty()
    );
}

#[test]
fn the_info_tells_what_was_loaded() {
    let model = TinyModel::new(1);
    let (_folder, dir) = model.write();
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    let info = classifier.info();
    assert_eq!(
        (info.name.as_str(), info.architecture.as_str()),
        ("tiny-model", "BertForSequenceClassification")
    );
    assert_eq!((info.device.as_str(), info.dtype.as_str()), ("cpu", "f32"));
    let parameters: usize = model.tensors.values().map(|tensor| tensor.numbers.len()).sum();
    assert_eq!(info.parameters, parameters as u64);
    let labels: Vec<(&str, &str, bool)> = info
        .labels
        .iter()
        .map(|label| (label.raw.as_str(), label.meaning.label.as_str(), label.known))
        .collect();
    let expected = [
        ("NORMAL", "NORMAL", true),
        ("error", "ERROR", true),
        ("CRITICAL", "CRITICAL", true),
        ("odd\u{1b}one", "ODD\u{1b}ONE", false),
    ];
    assert_eq!(labels, expected);

    let hash = |model: &TinyModel| {
        let (_folder, dir) = model.write();
        Classifier::load(&dir, &LoadOptions::default())
            .unwrap()
            .info()
            .content_hash
            .clone()
    };
    assert_eq!(info.content_hash, hash(&model));
    assert_ne!(
        info.content_hash,
        hash(&TinyModel::new(2)),
        "other weights, other hash"
    );
    let mut other_config = model;
    other_config.config["layer_norm_eps"] = json!(1e-5);
    assert_ne!(
        info.content_hash,
        hash(&other_config),
        "another config, another hash"
    );
}

#[test]
fn turnstone_json_names_the_scorer() {
    let (_folder, dir) = TinyModel::new(1).write();
    fs::write(
        dir.join("turnstone.json"),
        r#"{"format": 1, "name": "Night-Watch", "normalise": "raw"}"#,
    )
    .unwrap();
    assert_eq!(
        Classifier::load(&dir, &LoadOptions::default())
            .unwrap()
            .info()
            .name,
        "night-watch"
    );
}

#[test]
fn labels_without_names_are_numbered() {
    let mut model = TinyModel::new(1);
    model.config.as_object_mut().unwrap().remove("id2label");
    model.config.as_object_mut().unwrap().remove("architectures");
    let (_folder, dir) = model.write();
    let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    let raw: Vec<&str> = classifier
        .info()
        .labels
        .iter()
        .map(|label| label.raw.as_str())
        .collect();
    assert_eq!(raw, ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"]);
}

#[test]
fn old_names_of_layer_norms_and_old_buffers_are_understood() {
    let mut model = TinyModel::new(5);
    let (_folder, dir) = model.write();
    let expected = Classifier::load(&dir, &LoadOptions::default())
        .unwrap()
        .logits(&TEXTS);
    model.tensors = model
        .tensors
        .into_iter()
        .map(|(name, tensor)| {
            let old = name
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta");
            (old, tensor)
        })
        .collect();
    let positions = crate::tiny_model::NamedTensor {
        shape: vec![1, 2],
        numbers: vec![0.0, 1.0],
    };
    model
        .tensors
        .insert("bert.embeddings.position_ids".to_owned(), positions);
    let (_folder, dir) = model.write();
    assert_eq!(
        Classifier::load(&dir, &LoadOptions::default())
            .unwrap()
            .logits(&TEXTS),
        expected
    );
}

#[test]
fn sixteen_bit_files_and_sixteen_bit_arithmetic_stay_close() {
    let mut model = TinyModel::new(9);
    // Weights that bf16 holds exactly, so that only the arithmetic differs.
    for number in model.tensors.values_mut().flat_map(|tensor| &mut tensor.numbers) {
        *number = f32::from_bits(number.to_bits() & 0xFFFF_0000);
    }
    let (_folder, dir) = model.write();
    let expected = Classifier::load(&dir, &LoadOptions::default())
        .unwrap()
        .probabilities(&TEXTS);

    model.stored_as = FileDtype::BF16;
    let (_folder, dir) = model.write();
    assert_eq!(
        Classifier::load(&dir, &LoadOptions::default())
            .unwrap()
            .probabilities(&TEXTS),
        expected
    );

    let half = LoadOptions {
        dtype: Dtype::Bf16,
        ..LoadOptions::default()
    };
    let found = Classifier::load(&dir, &half).unwrap().probabilities(&TEXTS);
    for ((found, expected), text) in found.iter().zip(&expected).zip(TEXTS) {
        let (found, expected) = (found.as_ref().unwrap(), expected.as_ref().unwrap());
        assert_eq!(found.len(), CLASSES);
        assert_close(found, expected, 0.1, text);
    }
}

#[test]
fn the_bundled_model_in_bf16_keeps_close_to_f32() {
    let exact = Classifier::load(&bundled_model(), &LoadOptions::default())
        .unwrap()
        .probabilities(&TEXTS);
    let half = LoadOptions {
        dtype: Dtype::Bf16,
        ..LoadOptions::default()
    };
    let half = Classifier::load(&bundled_model(), &half)
        .unwrap()
        .probabilities(&TEXTS);
    for ((half, exact), text) in half.iter().zip(&exact).zip(TEXTS) {
        assert_close(half.as_ref().unwrap(), exact.as_ref().unwrap(), 0.03, text);
    }
}
