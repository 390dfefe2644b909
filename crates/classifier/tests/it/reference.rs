//! BERT again, in plain loops over f64 and written from the paper's formulas, to check libtorch's against: for the settings
//! that the bundled model does not have.

use crate::tiny_model::{CLASSES, HEADS, HIDDEN, LAYERS, TinyModel, WIDE};
use serde_json::json;
use turnstone_classifier::{Classifier, LoadOptions};

type Activation = fn(f64) -> f64;
type Matrix = Vec<Vec<f64>>;

struct Reference<'a> {
    model: &'a TinyModel,
    activation: Activation,
    eps: f64,
}

impl Reference<'_> {
    fn logits(&self, ids: &[usize]) -> Vec<f64> {
        let embeddings = "bert.embeddings";
        let words = self.rows(&format!("{embeddings}.word_embeddings.weight"));
        let positions = self.rows(&format!("{embeddings}.position_embeddings.weight"));
        let types = self.rows(&format!("{embeddings}.token_type_embeddings.weight"));
        let summed = |(position, id): (usize, &usize)| -> Vec<f64> {
            (0..HIDDEN)
                .map(|i| words[*id][i] + positions[position][i] + types[0][i])
                .collect()
        };
        let mut hidden: Matrix = ids.iter().enumerate().map(summed).collect();
        hidden = self.norm(&format!("{embeddings}.LayerNorm"), &hidden);
        for index in 0..LAYERS {
            let layer = format!("bert.encoder.layer.{index}");
            let context = self.attention(&layer, &hidden);
            let attended = add(
                &self.linear(&format!("{layer}.attention.output.dense"), &context),
                &hidden,
            );
            let attended = self.norm(&format!("{layer}.attention.output.LayerNorm"), &attended);
            let mut inner = self.linear(&format!("{layer}.intermediate.dense"), &attended);
            assert_eq!(inner[0].len(), WIDE);
            inner
                .iter_mut()
                .flatten()
                .for_each(|x| *x = (self.activation)(*x));
            let output = add(&self.linear(&format!("{layer}.output.dense"), &inner), &attended);
            hidden = self.norm(&format!("{layer}.output.LayerNorm"), &output);
        }
        let mut pooled = self.linear("bert.pooler.dense", &hidden[..1].to_vec());
        pooled.iter_mut().flatten().for_each(|x| *x = x.tanh());
        self.linear("classifier", &pooled).remove(0)
    }

    fn attention(&self, layer: &str, hidden: &Matrix) -> Matrix {
        let [query, key, value] = ["query", "key", "value"]
            .map(|name| self.linear(&format!("{layer}.attention.self.{name}"), hidden));
        let size = HIDDEN / HEADS;
        let mut context = vec![vec![0.0; HIDDEN]; hidden.len()];
        for head in 0..HEADS {
            let columns = head * size..(head + 1) * size;
            for (token, mixed) in context.iter_mut().enumerate() {
                let product =
                    |other: &Vec<f64>| columns.clone().map(|i| query[token][i] * other[i]).sum::<f64>();
                let powers: Vec<f64> = key
                    .iter()
                    .map(|other| (product(other) / (size as f64).sqrt()).exp())
                    .collect();
                let sum: f64 = powers.iter().sum();
                for i in columns.clone() {
                    mixed[i] = powers
                        .iter()
                        .zip(&value)
                        .map(|(power, other)| power / sum * other[i])
                        .sum();
                }
            }
        }
        context
    }

    fn linear(&self, name: &str, input: &Matrix) -> Matrix {
        let weight = self.rows(&format!("{name}.weight"));
        let bias = &self.model.tensors[&format!("{name}.bias")].numbers;
        let output = |row: &Vec<f64>| -> Vec<f64> {
            let products = weight
                .iter()
                .map(|w| w.iter().zip(row).map(|(w, x)| w * x).sum::<f64>());
            products
                .zip(bias)
                .map(|(product, bias)| product + f64::from(*bias))
                .collect()
        };
        input.iter().map(output).collect()
    }

    fn norm(&self, name: &str, input: &Matrix) -> Matrix {
        let weight = &self.model.tensors[&format!("{name}.weight")].numbers;
        let bias = &self.model.tensors[&format!("{name}.bias")].numbers;
        let normed = |row: &Vec<f64>| -> Vec<f64> {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
            let scale = 1.0 / (variance + self.eps).sqrt();
            (0..row.len())
                .map(|i| (row[i] - mean) * scale * f64::from(weight[i]) + f64::from(bias[i]))
                .collect()
        };
        input.iter().map(normed).collect()
    }

    fn rows(&self, name: &str) -> Matrix {
        let tensor = &self.model.tensors[name];
        let width = tensor.shape[1];
        tensor
            .numbers
            .chunks_exact(width)
            .map(|row| row.iter().map(|x| f64::from(*x)).collect())
            .collect()
    }
}

fn add(left: &Matrix, right: &Matrix) -> Matrix {
    left.iter()
        .zip(right)
        .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect())
        .collect()
}

/// The error function by its series, which converges fast for the small numbers here.
fn erf(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    // The series cancels itself out beyond 4, where the function is x or 0 to within 1e-4 of nothing.
    if x.abs() > 4.0 {
        x.max(0.0)
    } else {
        0.5 * x * (1.0 + erf(x / 2.0_f64.sqrt()))
    }
}

fn gelu_new(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

#[test]
fn every_activation_and_epsilon_agrees_with_plain_loops() {
    let settings: [(&str, Activation, f64); 4] = [
        ("gelu", gelu, 1e-12),
        ("gelu_new", gelu_new, 1e-5),
        ("relu", |x| x.max(0.0), 1e-12),
        ("relu", |x| x.max(0.0), 0.5),
    ];
    for (seed, (name, activation, eps)) in (0_u64..).zip(settings) {
        let mut model = TinyModel::new(seed);
        model.config["hidden_act"] = json!(name);
        model.config["layer_norm_eps"] = json!(eps);
        let (_folder, dir) = model.write();
        let classifier = Classifier::load(&dir, &LoadOptions::default()).unwrap();
        let found = classifier.logits(&["Cab 7"]).remove(0).unwrap();
        // [CLS] c ##a ##b 7 [SEP], by the order of the vocabulary.
        let (letter, inner) = (4, 4 + 36);
        let ids = [2, letter + 2, inner, inner + 1, letter + 26 + 7, 3];
        let expected = Reference {
            model: &model,
            activation,
            eps,
        }
        .logits(&ids);
        assert_eq!(found.len(), CLASSES);
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-4,
                "{name} {eps}: {found} is not {expected}"
            );
        }
    }
}
