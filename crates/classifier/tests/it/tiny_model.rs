//! Tiny random BERT classifiers, written as model folders so that tests can bend every part of them.

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// One tensor as it is written.
#[derive(Debug, Clone)]
pub struct NamedTensor {
    pub shape: Vec<usize>,
    pub numbers: Vec<f32>,
}

/// A model that has not been written yet; every field may be changed first.
#[derive(Debug, Clone)]
pub struct TinyModel {
    pub config: Value,
    pub tensors: BTreeMap<String, NamedTensor>,
    pub tokenizer: Value,
    pub stored_as: Dtype,
}

pub const HIDDEN: usize = 12;
pub const HEADS: usize = 3;
pub const WIDE: usize = 20;
pub const LAYERS: usize = 2;
pub const CLASSES: usize = 4;
pub const POSITIONS: usize = 40;

impl TinyModel {
    /// A working model; the same seed makes the same one.
    pub fn new(seed: u64) -> Self {
        let tokenizer = letters_tokenizer();
        let vocabulary = tokenizer["model"]["vocab"].as_object().unwrap().len();
        let config = json!({
            "architectures": ["BertForSequenceClassification"],
            "model_type": "bert",
            "vocab_size": vocabulary,
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "intermediate_size": WIDE,
            "max_position_embeddings": POSITIONS,
            "type_vocab_size": 2,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
            "id2label": {"0": "NORMAL", "1": "error", "2": "CRITICAL", "3": "odd\u{1b}one"},
        });
        let mut model = Self {
            config,
            tensors: BTreeMap::new(),
            tokenizer,
            stored_as: Dtype::F32,
        };
        let mut random = Random(seed);
        let embeddings = "bert.embeddings";
        model.add(
            &format!("{embeddings}.word_embeddings.weight"),
            &[vocabulary, HIDDEN],
            &mut random,
        );
        model.add(
            &format!("{embeddings}.position_embeddings.weight"),
            &[POSITIONS, HIDDEN],
            &mut random,
        );
        model.add(
            &format!("{embeddings}.token_type_embeddings.weight"),
            &[2, HIDDEN],
            &mut random,
        );
        model.add_norm(&format!("{embeddings}.LayerNorm"), &mut random);
        for index in 0..LAYERS {
            let layer = format!("bert.encoder.layer.{index}");
            for name in [
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
            ] {
                model.add_linear(&format!("{layer}.{name}"), HIDDEN, HIDDEN, &mut random);
            }
            model.add_norm(&format!("{layer}.attention.output.LayerNorm"), &mut random);
            model.add_linear(&format!("{layer}.intermediate.dense"), HIDDEN, WIDE, &mut random);
            model.add_linear(&format!("{layer}.output.dense"), WIDE, HIDDEN, &mut random);
            model.add_norm(&format!("{layer}.output.LayerNorm"), &mut random);
        }
        model.add_linear("bert.pooler.dense", HIDDEN, HIDDEN, &mut random);
        model.add_linear("classifier", HIDDEN, CLASSES, &mut random);
        model
    }

    /// Writes the model into a folder of its own, named `Tiny-Model`.
    pub fn write(&self) -> (TempDir, std::path::PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("Tiny-Model");
        fs::create_dir(&dir).unwrap();
        self.write_to(&dir);
        (parent, dir)
    }

    fn write_to(&self, dir: &Path) {
        fs::write(dir.join("config.json"), self.config.to_string()).unwrap();
        fs::write(dir.join("tokenizer.json"), self.tokenizer.to_string()).unwrap();
        self.write_weights(&dir.join("model.safetensors"));
    }

    /// Writes the tensors alone.
    pub fn write_weights(&self, path: &Path) {
        let bytes: Vec<(&String, &NamedTensor, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name, tensor, self.encode(&tensor.numbers)))
            .collect();
        let views = bytes.iter().map(|(name, tensor, bytes)| {
            (
                name.as_str(),
                TensorView::new(self.stored_as, tensor.shape.clone(), bytes).unwrap(),
            )
        });
        fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    }

    fn encode(&self, numbers: &[f32]) -> Vec<u8> {
        match self.stored_as {
            Dtype::F32 => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            // Cutting the lower half off is one way to round to bf16.
            Dtype::BF16 => numbers
                .iter()
                .flat_map(|number| ((number.to_bits() >> 16) as u16).to_le_bytes())
                .collect(),
            // Numbers from -1 to 1 in whole 1024ths, which fit f16 exactly.
            Dtype::F16 => numbers
                .iter()
                .flat_map(|number| f16_bits(*number).to_le_bytes())
                .collect(),
            Dtype::I32 => numbers
                .iter()
                .flat_map(|number| (*number as i32).to_le_bytes())
                .collect(),
            other => panic!("the test writes no {other:?}"),
        }
    }

    fn add(&mut self, name: &str, shape: &[usize], random: &mut Random) {
        let numbers = (0..shape.iter().product()).map(|_| random.next()).collect();
        self.tensors.insert(
            name.to_owned(),
            NamedTensor {
                shape: shape.to_vec(),
                numbers,
            },
        );
    }

    fn add_linear(&mut self, name: &str, inputs: usize, outputs: usize, random: &mut Random) {
        self.add(&format!("{name}.weight"), &[outputs, inputs], random);
        self.add(&format!("{name}.bias"), &[outputs], random);
    }

    fn add_norm(&mut self, name: &str, random: &mut Random) {
        self.add(&format!("{name}.weight"), &[HIDDEN], random);
        self.add(&format!("{name}.bias"), &[HIDDEN], random);
    }
}

/// The bits of a number that f16 holds exactly and without a subnormal.
fn f16_bits(number: f32) -> u16 {
    let bits = number.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    if number == 0.0 {
        return sign;
    }
    let exponent = (bits >> 23 & 0xff) as i32 - 127 + 15;
    assert!(
        (1..31).contains(&exponent) && bits & 0x1fff == 0,
        "{number} is no f16"
    );
    sign | (exponent as u16) << 10 | (bits >> 13 & 0x3ff) as u16
}

/// Numbers from -1 to 1: splitmix64, so that the tests are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}

/// A WordPiece tokenizer of single letters and digits, with the special tokens of BERT. It carries a limit and padding of
/// its own, as many published files do, which the classifier must not follow.
fn letters_tokenizer() -> Value {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    let letters: Vec<char> = ('a'..='z').chain('0'..='9').collect();
    let mut vocabulary = serde_json::Map::new();
    let words = special.iter().map(|word| (*word).to_owned());
    let starts = letters.iter().map(char::to_string);
    let inner = letters.iter().map(|letter| format!("##{letter}"));
    for (id, word) in words.chain(starts).chain(inner).enumerate() {
        vocabulary.insert(word, json!(id));
    }
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": special.iter().enumerate().map(|(id, word)| json!({"id": id, "content": word, "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false, "special": true})).collect::<Vec<Value>>(),
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                       "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 600, "vocab": vocabulary},
    })
}
