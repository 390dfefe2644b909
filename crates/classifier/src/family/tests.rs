//! Every golden model with its rows padded to one length, as on a GPU, against the same rows packed without padding.

use super::{TokenBatch, choose};
use crate::folder::ModelFolder;
use crate::layout::{Layout, Run};
use crate::weights::WeightFiles;
use std::fs;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// A batch of rows padded to `length`, with `filler` where there is no token.
fn padded(rows: &[Vec<i64>], length: usize, filler: i64) -> TokenBatch {
    let mut ids = Vec::new();
    let mut present = Vec::new();
    for row in rows {
        let missing = length - row.len();
        ids.extend(row.iter().copied().chain(std::iter::repeat_n(filler, missing)));
        present.extend((0..length).map(|place| i64::from(place < row.len())));
    }
    let (count, length) = (rows.len() as i64, length as i64);
    let mask = Tensor::from_slice(&present).view([count, 1, 1, length]);
    let with_padding = rows.iter().any(|row| row.len() < length as usize);
    TokenBatch {
        ids: Tensor::from_slice(&ids),
        type_ids: None,
        positions: Tensor::arange(length, (Kind::Int64, Device::Cpu)).repeat([count]),
        layout: Layout {
            runs: vec![Run {
                first_row: 0,
                rows: count,
                first_token: 0,
                tokens: length,
                mask: with_padding.then(|| mask.to_kind(Kind::Bool)),
            }],
            first_token_of_rows: Tensor::arange_start_step(
                0,
                count * length,
                length,
                (Kind::Int64, Device::Cpu),
            ),
        },
    }
}

#[test]
fn padding_changes_no_answer() {
    let _no_gradients = tch::no_grad_guard();
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families");
    let mut models = 0;
    for entry in fs::read_dir(parent).unwrap() {
        let dir = entry.unwrap().path();
        if !dir.join("config.json").is_file() {
            continue;
        }
        models += 1;
        let folder = ModelFolder::open(&dir).unwrap();
        let family = choose(&folder).unwrap();
        let weights = WeightFiles::open(&dir).unwrap();
        let weights = weights
            .tensors(family.architecture, Device::Cpu, Kind::Float)
            .unwrap();
        let loaded = (family.load)(&folder, weights).unwrap();
        let longest = loaded.tokens_max;
        // Ids that every model knows; padding's own id, 0 or 1, among them and in a row's middle.
        let rows: Vec<Vec<i64>> = [1, 2, 7, 30, longest]
            .iter()
            .map(|length| (0..*length as i64).map(|place| place * 7 % 50).collect())
            .collect();
        for filler in [0, 1, 3] {
            let together = loaded.model.logits(&padded(&rows, longest, filler)).unwrap();
            for (index, row) in rows.iter().enumerate() {
                let alone = loaded
                    .model
                    .logits(&padded(std::slice::from_ref(row), row.len(), filler))
                    .unwrap();
                let difference = (together.get(index as i64) - alone.get(0))
                    .abs()
                    .max()
                    .double_value(&[]);
                assert!(
                    difference <= 1e-5,
                    "{}: {} tokens, filler {filler}: {difference}",
                    folder.name,
                    row.len()
                );
            }
        }
    }
    assert!(models > 0, "no golden models");
}
