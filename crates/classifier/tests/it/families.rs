//! Every family against transformers: tiny random models, one folder each under `golden/families`, with what transformers'
//! tokenizer, model and pipeline answer on them (made by `make.py` there).

use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use turnstone_classifier::{Classifier, Dtype, LoadOptions};

/// To transformers' logits and probabilities, in f32.
const REFERENCE_TOLERANCE: f64 = 1e-4;
/// Between the answers to a row in different company, in f32.
const COMPANY_TOLERANCE: f32 = 1e-5;
/// Between the probabilities in bf16 and in f32.
const BF16_TOLERANCE: f32 = 2e-2;

#[derive(Deserialize)]
struct Case {
    text: String,
    tokens: usize,
    logits: Vec<f64>,
    probabilities: Vec<f64>,
}

struct Golden {
    name: String,
    dir: PathBuf,
    cases: Vec<Case>,
}

impl Golden {
    fn texts(&self) -> Vec<&str> {
        self.cases.iter().map(|case| case.text.as_str()).collect()
    }

    fn load(&self, options: &LoadOptions) -> Classifier {
        Classifier::load(&self.dir, options).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

fn dir_of(name: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families");
    parent.join(name)
}

/// Every folder with a model; a family that is not loaded would fail the tests, so none is left out.
fn families() -> Vec<Golden> {
    let mut folders: Vec<PathBuf> = fs::read_dir(dir_of(""))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("cases.jsonl").is_file())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no golden models");
    folders
        .into_iter()
        .map(|dir| {
            let cases = fs::read_to_string(dir.join("cases.jsonl")).unwrap();
            let cases: Vec<Case> = cases
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert!(cases.len() >= 20, "{}: {} cases", dir.display(), cases.len());
            Golden {
                name: dir.file_name().unwrap().to_string_lossy().into_owned(),
                dir,
                cases,
            }
        })
        .collect()
}

fn answers(found: Vec<Result<Vec<f32>, turnstone_classifier::RowError>>, whose: &str) -> Vec<Vec<f32>> {
    found
        .into_iter()
        .map(|row| row.unwrap_or_else(|error| panic!("{whose}: {error}")))
        .collect()
}

fn largest_difference(found: &[Vec<f32>], expected: &[Vec<f32>]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let rows = found.iter().zip(expected);
    rows.flat_map(|(found, expected)| {
        assert_eq!(found.len(), expected.len());
        found
            .iter()
            .zip(expected)
            .map(|(found, expected)| (found - expected).abs())
    })
    .fold(0.0, f32::max)
}

#[test]
fn every_family_answers_as_transformers_does() {
    for golden in families() {
        let classifier = golden.load(&LoadOptions::default());
        let longest = golden.cases.iter().map(|case| case.tokens).max();
        assert_eq!(
            Some(classifier.info().tokens_max),
            longest,
            "{}: longest row",
            golden.name
        );
        let texts = golden.texts();
        let logits = answers(classifier.logits(&texts), &golden.name);
        let probabilities = answers(classifier.probabilities(&texts), &golden.name);
        for (index, case) in golden.cases.iter().enumerate() {
            for (what, found, expected) in [
                ("logits", &logits[index], &case.logits),
                ("probabilities", &probabilities[index], &case.probabilities),
            ] {
                let close = found.len() == expected.len()
                    && found
                        .iter()
                        .zip(expected)
                        .all(|(found, expected)| (f64::from(*found) - expected).abs() <= REFERENCE_TOLERANCE);
                assert!(
                    close,
                    "{}: {what} of {:?} ({} tokens) are {found:?}, not {expected:?}",
                    golden.name, case.text, case.tokens
                );
            }
        }
    }
}

#[test]
fn a_row_gets_the_same_answer_alone_and_in_any_batch() {
    for golden in families() {
        let texts = golden.texts();
        let classifier = golden.load(&LoadOptions::default());
        let together = answers(classifier.logits(&texts), &golden.name);
        let alone: Vec<Vec<f32>> = texts
            .iter()
            .flat_map(|text| answers(classifier.logits(&[text]), &golden.name))
            .collect();
        let difference = largest_difference(&alone, &together);
        assert!(
            difference <= COMPANY_TOLERANCE,
            "{}: alone, {difference}",
            golden.name
        );

        // Twice over and backwards, in few large batches and in many small ones: other neighbours for every row.
        let doubled: Vec<&str> = texts.iter().rev().chain(&texts).copied().collect();
        let expected: Vec<Vec<f32>> = together.iter().rev().chain(&together).cloned().collect();
        for (batch_rows_max, batch_tokens_max) in [(1000, 100_000), (3, 100_000), (1000, 130)] {
            let classifier = golden.load(&LoadOptions {
                batch_rows_max,
                batch_tokens_max: Some(batch_tokens_max),
                ..LoadOptions::default()
            });
            let found = answers(classifier.logits(&doubled), &golden.name);
            let difference = largest_difference(&found, &expected);
            assert!(
                difference <= COMPANY_TOLERANCE,
                "{}: {batch_rows_max} rows and {batch_tokens_max} tokens a batch, {difference}",
                golden.name
            );
        }
    }
}

#[test]
fn bf16_stays_close_to_f32() {
    for golden in families() {
        let texts = golden.texts();
        let f32s = golden.load(&LoadOptions::default());
        let bf16s = golden.load(&LoadOptions {
            dtype: Dtype::Bf16,
            ..LoadOptions::default()
        });
        let expected = answers(f32s.probabilities(&texts), &golden.name);
        let found = answers(bf16s.probabilities(&texts), &golden.name);
        let difference = largest_difference(&found, &expected);
        assert!(difference <= BF16_TOLERANCE, "{}: {difference}", golden.name);
        // The only layer of this one is its last, which stays in f32 on a CPU.
        let all_in_f32 = golden.name == "electra-even";
        assert_eq!(difference == 0.0, all_in_f32, "{}: {difference}", golden.name);
    }
}

/// A copy of a golden model with another config.json.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> (tempfile::TempDir, PathBuf) {
    let golden = dir_of(name);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join(name);
    fs::create_dir(&dir).unwrap();
    for file in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    ] {
        fs::copy(golden.join(file), dir.join(file)).unwrap();
    }
    let path = dir.join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(path, config.to_string()).unwrap();
    (folder, dir)
}

#[test]
fn settings_left_out_have_transformers_defaults() {
    // Keys whose values in the golden models are the defaults.
    for (name, keys) in [
        (
            "roberta",
            &["pad_token_id", "hidden_act", "position_embedding_type"] as &[&str],
        ),
        ("distilbert", &["activation"]),
        ("electra", &["hidden_act", "layer_norm_eps", "type_vocab_size"]),
        ("albert", &["hidden_act", "layer_norm_eps", "type_vocab_size"]),
        (
            "mpnet",
            &["relative_attention_num_buckets", "pad_token_id", "hidden_act"],
        ),
        ("bert", &["architectures", "hidden_act"]),
        ("camembert", &["architectures"]),
        ("xlm-roberta", &["architectures"]),
        (
            "deberta-v2",
            &[
                "architectures",
                "hidden_act",
                "layer_norm_eps",
                "pooler_hidden_act",
                "position_biased_input",
            ],
        ),
        (
            "deberta-v3",
            &["max_relative_positions", "pooler_hidden_size", "type_vocab_size"],
        ),
        (
            "modernbert",
            &[
                "architectures",
                "attention_bias",
                "classifier_activation",
                "classifier_bias",
                "classifier_pooling",
                "global_attn_every_n_layers",
                "global_rope_theta",
                "hidden_activation",
                "local_rope_theta",
                "mlp_bias",
                "norm_bias",
                "norm_eps",
            ],
        ),
    ] {
        let (_folder, dir) = changed(name, |config| {
            for key in keys {
                assert!(
                    config.as_object_mut().unwrap().remove(*key).is_some(),
                    "{name}: {key}"
                );
            }
        });
        let whole = dir_of(name);
        let texts = ["failed password for root <pad> [PAD] admin", "error"];
        let load = |dir: &Path| {
            Classifier::load(dir, &LoadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        assert_eq!(
            answers(load(&dir).logits(&texts), name),
            answers(load(&whole).logits(&texts), name),
            "{name}"
        );
    }
}

#[test]
fn settings_that_a_family_does_not_compute_are_refused_by_name() {
    for (name, key, value) in [
        ("roberta", "position_embedding_type", json!("relative_key_query")),
        ("roberta", "is_decoder", json!(true)),
        ("roberta", "pad_token_id", json!(65)),
        ("roberta", "pad_token_id", json!(u64::MAX)),
        ("xlm-roberta", "hidden_act", json!("mish")),
        ("camembert", "max_position_embeddings", json!(2)),
        ("distilbert", "n_heads", json!(0)),
        ("distilbert", "n_heads", json!(5)),
        ("distilbert", "activation", json!("mish")),
        ("electra", "position_embedding_type", json!("relative_key")),
        ("electra", "embedding_size", json!(0)),
        ("albert", "position_embedding_type", json!("relative_key")),
        ("albert", "embedding_size", json!(0)),
        ("albert", "num_hidden_groups", json!(0)),
        ("albert", "inner_group_num", json!(u64::MAX)),
        ("albert", "num_hidden_layers", json!(300_000_000_000_u64)),
        ("mpnet", "relative_attention_num_buckets", json!(16)),
        ("mpnet", "max_position_embeddings", json!(2)),
        ("deberta-v2", "attention_head_size", json!(8)),
        ("deberta-v2", "pooler_hidden_size", json!(8)),
        ("deberta-v2", "conv_kernel_size", json!(4)),
        ("deberta-v2", "conv_groups", json!(5)),
        ("deberta-v2", "conv_act", json!("mish")),
        ("deberta-v2", "embedding_size", json!(0)),
        ("deberta-v3", "pooler_hidden_act", json!("mish")),
        ("deberta-v3", "position_buckets", json!(1)),
        ("deberta-v3", "max_relative_positions", json!(9)),
        ("modernbert", "num_attention_heads", json!(4)),
        ("modernbert", "classifier_pooling", json!("max")),
        ("modernbert", "classifier_activation", json!("mish")),
        ("modernbert", "head_dim", json!(8)),
        ("modernbert", "global_attn_every_n_layers", json!(0)),
        ("modernbert", "partial_rotary_factor", json!(0.5)),
        (
            "modernbert",
            "rope_scaling",
            json!({"rope_type": "linear", "factor": 2.0}),
        ),
        (
            "modernbert",
            "rope_parameters",
            json!({"full_attention": {"rope_type": "yarn"}}),
        ),
        ("modernbert", "layer_types", json!(["full_attention"])),
        ("modernbert", "layer_types", json!(["a", "b", "c", "d", "e"])),
    ] {
        let (_folder, dir) = changed(name, |config| config[key] = value.clone());
        let Err(error) = Classifier::load(&dir, &LoadOptions::default()) else {
            panic!("{name} was loaded with {key} {value}")
        };
        let message = error.to_string();
        assert!(
            message.contains("config.json") && message.contains(key),
            "{name}, {key} {value}: {message}"
        );
    }
}

#[test]
fn tensors_of_pre_training_may_be_left_over_and_no_others() {
    for (name, leftover) in [
        ("roberta", "lm_head.dense.weight"),
        ("camembert", "roberta.pooler.dense.bias"),
        ("xlm-roberta", "roberta.embeddings.position_ids"),
        ("distilbert", "vocab_projector.bias"),
        ("electra", "discriminator_predictions.dense.bias"),
        ("albert", "predictions.decoder.bias"),
        ("mpnet", "mpnet.pooler.dense.weight"),
    ] {
        for (added, known) in [(leftover, true), ("pooler.adapter.weight", false)] {
            let (_folder, dir) = changed(name, |_| {});
            let path = dir.join("model.safetensors");
            let file = fs::read(&path).unwrap();
            let tensors = SafeTensors::deserialize(&file).unwrap();
            let number = 1_f32.to_le_bytes();
            let extra = TensorView::new(safetensors::Dtype::F32, vec![1], &number).unwrap();
            let all = tensors.tensors().into_iter().chain([(added.to_owned(), extra)]);
            let bytes = safetensors::serialize(all, None).unwrap();
            fs::write(&path, bytes).unwrap();
            let loaded = Classifier::load(&dir, &LoadOptions::default());
            match loaded {
                Ok(_) => assert!(known, "{name} was loaded with {added}"),
                Err(error) => {
                    assert!(!known, "{name}: {error}");
                    assert!(error.to_string().contains(added), "{name}: {error}");
                }
            }
        }
    }
}

#[test]
fn modernbert_takes_its_settings_as_either_version_of_transformers_writes_them() {
    let (full, sliding) = ("full_attention", "sliding_attention");
    let version_5 = |global: f64, local: f64| {
        changed("modernbert", |config| {
            let config = config.as_object_mut().unwrap();
            for (old, value) in [
                ("global_rope_theta", json!(160_000.0)),
                ("local_rope_theta", json!(10_000.0)),
                ("global_attn_every_n_layers", json!(3)),
            ] {
                assert_eq!(config.remove(old), Some(value), "{old}");
            }
            let rope = |theta: f64| json!({"rope_type": "default", "rope_theta": theta});
            let by_type = json!({full: rope(global), sliding: rope(local)});
            config.insert("rope_parameters".to_owned(), by_type);
            let types = json!([full, sliding, sliding, full, sliding]);
            config.insert("layer_types".to_owned(), types);
        })
    };
    let text = ["systemd[1]: Started Daily cleanup of temporary directories."];
    let logits = |dir: &Path| {
        let classifier = Classifier::load(dir, &LoadOptions::default()).unwrap();
        answers(classifier.logits(&text), "modernbert")
    };
    let expected = logits(&dir_of("modernbert"));
    let (_folder, dir) = version_5(160_000.0, 10_000.0);
    assert_eq!(logits(&dir), expected);
    for (global, local) in [(100.0, 10_000.0), (160_000.0, 100.0)] {
        let (_folder, dir) = version_5(global, local);
        assert_ne!(logits(&dir), expected, "{global} {local}");
    }
}
