//! `turnstone model check`.

use crate::arguments::{Model, ModelChoice, Shared};
use crate::connection::load_config;
use crate::output::{escape_controls, grouped};
use anyhow::Context;
use std::io::Write;
use std::time::{Duration, Instant};
use turnstone_classifier::{ModelInfo, ModelLabel};
use turnstone_service::model::resolve_model;

/// Line that is classified to show that the model answers.
const SAMPLE_LINE: &str = "kernel: EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0";

/// Runs the command.
pub async fn run(shared: Shared, command: Model) -> anyhow::Result<()> {
    let Model::Check { model, device, dtype } = command;
    let mut config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(
        &mut config,
        &ModelChoice {
            model: None,
            device,
            dtype,
            threshold: None,
        },
    )?;
    let started = Instant::now();
    let engine = turnstone_scorer::load_engine(&config, resolve_model(&model)?).await?;
    let loaded = started.elapsed();
    let started = Instant::now();
    let outcomes = engine.classify(vec![SAMPLE_LINE.to_owned()]).await?;
    let answered = started.elapsed();
    // Before anything is printed: a model that fails on a plain line cannot be served.
    let outcome = outcomes.into_iter().next().context("the model gave no answer")?;
    let prediction = outcome.context("classify the sample line")?;

    let info = engine.info();
    let mut out = std::io::stdout().lock();
    for (name, value) in properties(info, loaded, config.anomaly.threshold) {
        writeln!(out, "{name:<13} {}", escape_controls(&value))?;
    }
    writeln!(out)?;
    write_labels(&mut out, &info.labels)?;
    writeln!(out, "\n{:<13} {SAMPLE_LINE}", "sample")?;
    writeln!(
        out,
        "{:<13} {} with {:.3} in {:.1} ms",
        "answer",
        escape_controls(&prediction.raw_label),
        prediction.score,
        answered.as_secs_f64() * 1_000.0
    )?;
    Ok(())
}

/// What there is to say of the model, in lines of a name and a value.
fn properties(info: &ModelInfo, loaded: Duration, threshold: f64) -> Vec<(&'static str, String)> {
    let stored = if info.stored_dtype.is_empty() {
        "TorchScript".to_owned()
    } else {
        info.stored_dtype.clone()
    };
    let normalise = match info.normalise.as_str() {
        "raw" => "raw: the text as it is".to_owned(),
        rule => format!("{rule}: dates, numbers, addresses, ids and paths are masked"),
    };
    let scores = match info.scores.as_str() {
        "softmax" => "softmax: one label a line",
        "sigmoid" => "sigmoid: the likeliest of independent labels",
        _ => "the model's output as it is (regression), no probability",
    };
    vec![
        ("name", info.name.clone()),
        ("architecture", info.architecture.clone()),
        ("parameters", grouped(info.parameters)),
        ("weights", format!("{stored} in the file, {} in use", info.dtype)),
        ("device", info.device.clone()),
        ("tokens", format!("at most {}", info.tokens_max)),
        ("tokenizer", info.tokenizer.clone()),
        ("normalise", normalise),
        ("scores", format!("{scores}; threshold {threshold}")),
        ("content", info.content_hash.clone()),
        (
            "loaded",
            format!(
                "in {:.2} s, of which {:.2} s to warm up",
                loaded.as_secs_f64(),
                info.warm_up_time.as_secs_f64()
            ),
        ),
    ]
}

/// The model's labels with what each maps to.
fn write_labels(out: &mut impl Write, labels: &[ModelLabel]) -> std::io::Result<()> {
    writeln!(
        out,
        "{:<24} {:<20} {:<8} ANOMALOUS",
        "MODEL'S LABEL", "LABEL", "SEVERITY"
    )?;
    for label in labels {
        let anomalous = match (label.meaning.anomalous, label.known) {
            (true, _) => "yes: a detection from the threshold on",
            (false, true) => "no",
            (false, false) => "no: unknown label; map it in [labels] of the configuration",
        };
        let (raw, name) = (
            escape_controls(&label.raw),
            escape_controls(label.meaning.label.as_str()),
        );
        writeln!(
            out,
            "{raw:<24} {name:<20} {:<8} {anomalous}",
            label.meaning.severity
        )?;
    }
    if !labels.iter().any(|label| label.meaning.anomalous) {
        writeln!(
            out,
            "none of the labels is anomalous, so this model never makes a detection"
        )?;
    }
    Ok(())
}
