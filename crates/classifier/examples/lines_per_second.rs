//! Measures a model on the lines of a file: `lines_per_second MODEL_DIR FILE [cpu|cuda] [f32|bf16|f16] [BATCH_TOKENS] [THREADS]`.
#![allow(clippy::print_stdout)]

use anyhow::Context;
use std::fs;
use std::path::Path;
use std::time::Instant;
use turnstone_classifier::{Classifier, LoadOptions};

/// Passes over the file; the fastest counts, the others tell how quiet the machine is.
const PASSES: usize = 3;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let (model, file) = argument(0)
        .zip(argument(1))
        .context("usage: lines_per_second MODEL_DIR FILE …")?;
    let number = |index: usize| argument(index).map(str::parse).transpose();
    let options = LoadOptions {
        device: argument(2).unwrap_or("cpu").parse()?,
        dtype: argument(3).unwrap_or("f32").parse()?,
        batch_tokens_max: number(4).context("read BATCH_TOKENS")?,
        threads: number(5).context("read THREADS")?,
        ..LoadOptions::default()
    };
    let bytes = fs::read(file).with_context(|| format!("read {file}"))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();

    let started = Instant::now();
    let classifier = Classifier::load(Path::new(model), &options)?;
    println!(
        "loaded {} in {:.2} s",
        classifier.info().name,
        started.elapsed().as_secs_f64()
    );
    for _ in 0..PASSES {
        let started = Instant::now();
        let outcomes = classifier.classify(&lines);
        let seconds = started.elapsed().as_secs_f64();
        let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        let detected = outcomes
            .iter()
            .flatten()
            .filter(|prediction| prediction.detected)
            .count();
        let rate = lines.len() as f64 / seconds;
        println!(
            "{rate:.0} lines/s ({} lines in {seconds:.2} s, {detected} detected, {failed} failed)",
            lines.len()
        );
    }
    Ok(())
}
