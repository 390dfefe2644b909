//! The bundled model against transformers: outputs stored by the model's training code, on mixed lines.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use turnstone_classifier::{Classifier, LoadOptions};

const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Case {
    text: String,
    label: String,
    score: f64,
    logits: Vec<f64>,
    probabilities: Vec<f64>,
    /// On the first case: versions, and the beginning of the SHA-256 of the weights.
    made_with: Option<String>,
}

pub fn bundled_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/turnstone-mini")
}

#[test]
fn the_bundled_model_answers_as_transformers_does() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mini.jsonl");
    let golden = fs::read_to_string(golden).unwrap();
    let cases: Vec<Case> = golden
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let weights = fs::read(bundled_model().join("model.safetensors")).unwrap();
    let digest: String = Sha256::digest(weights)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let made_with = cases[0].made_with.as_deref().unwrap();
    let of_weights = made_with.split("sha256 ").nth(1).unwrap();
    assert!(
        of_weights.len() >= 16 && digest.starts_with(of_weights),
        "made from other weights ({made_with}); make it again"
    );

    let classifier = Classifier::load(&bundled_model(), &LoadOptions::default()).unwrap();
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let logits = classifier.logits(&texts);
    let probabilities = classifier.probabilities(&texts);
    let predictions = classifier.classify(&texts);
    let close = |found: &[f32], expected: &[f64], tolerance: f64| {
        found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(found, expected)| (f64::from(*found) - expected).abs() <= tolerance)
    };
    for (index, case) in cases.iter().enumerate() {
        let (logits, probabilities) = (
            logits[index].as_ref().unwrap(),
            probabilities[index].as_ref().unwrap(),
        );
        let prediction = predictions[index].as_ref().unwrap();
        let text = &case.text;
        assert!(
            close(probabilities, &case.probabilities, TOLERANCE),
            "{text:?}: {probabilities:?}"
        );
        // Logits are not bounded by 1 as probabilities are, so the same relative error is a few times as large.
        assert!(
            close(logits, &case.logits, 10.0 * TOLERANCE),
            "{text:?}: {logits:?} is not {:?}",
            case.logits
        );
        assert_eq!(&*prediction.raw_label, case.label, "{text:?}");
        assert!((prediction.score - case.score).abs() <= TOLERANCE, "{text:?}");
    }
}
