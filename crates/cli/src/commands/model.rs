//! `turnstone model check`.

use crate::arguments::{Model, ModelChoice, Shared};
use crate::connection::load_config;
use crate::output::{escape_controls, grouped};
use std::io::Write;
use std::time::Instant;
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
    let info = engine.info();
    let mut out = std::io::stdout().lock();
    writeln!(out, "name          {}", escape_controls(&info.name))?;
    writeln!(out, "architecture  {}", info.architecture)?;
    writeln!(out, "parameters    {}", grouped(info.parameters))?;
    writeln!(out, "tokens        at most {}", info.tokens_max)?;
    writeln!(out, "device        {} ({})", info.device, info.dtype)?;
    writeln!(out, "content       {}", info.content_hash)?;
    writeln!(
        out,
        "loaded        in {:.2} s, warm-up included",
        loaded.as_secs_f64()
    )?;
    writeln!(
        out,
        "\n{:<24} {:<20} {:<8} DETECTED",
        "MODEL'S LABEL", "LABEL", "SEVERITY"
    )?;
    for label in &info.labels {
        let detected = match (label.meaning.anomalous, label.known) {
            (true, _) => "from the threshold on",
            (false, true) => "never",
            (false, false) => "never: unknown label; map it in [labels] of the configuration",
        };
        let (raw, name) = (
            escape_controls(&label.raw),
            escape_controls(label.meaning.label.as_str()),
        );
        writeln!(
            out,
            "{raw:<24} {name:<20} {:<8} {detected}",
            label.meaning.severity
        )?;
    }
    if let Some(outcome) = outcomes.into_iter().next() {
        let prediction = outcome?;
        writeln!(out, "\nsample        {SAMPLE_LINE}")?;
        writeln!(
            out,
            "answer        {} with {:.3} in {:.1} ms",
            escape_controls(&prediction.raw_label),
            prediction.score,
            answered.as_secs_f64() * 1_000.0
        )?;
    }
    Ok(())
}
