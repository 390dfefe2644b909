//! `turnstone scan`: gleans, classifies and prints, with no server, no queue and nothing kept.

use super::{note, stop_on_signal};
use crate::arguments::{Format, Scan, Shared};
use crate::connection::load_config;
use crate::output::{DetectionRow, Progress, RowPrinter, escape_controls, grouped, print_json};
use anyhow::Context;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::sync::mpsc;
use turnstone_gleaner::{Budget, Gleaned, OpenOptions, SourceConfig, SourceState, open_source};
use turnstone_scorer::{end_engine, load_engine};
use turnstone_service::model::{WhenUnset, model_folder};
use turnstone_types::{NewEntry, Severity, SourceId, Timestamp};

/// Entries read, and classified, at a time: enough to sort by length, few enough to print, and to stop, soon.
const ENTRIES_PER_BATCH: usize = 512;
const BYTES_PER_BATCH: u64 = 8 * 1024 * 1024;
/// Batches read ahead of the classifier.
const BATCHES_AHEAD: usize = 2;

#[derive(Default)]
struct Totals {
    entries: u64,
    bytes: u64,
    sources: u64,
    unscored: u64,
    detections: BTreeMap<Severity, u64>,
    failures: u64,
}

/// Runs the command.
pub async fn run(shared: Shared, command: Scan) -> anyhow::Result<()> {
    let mut config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(&mut config, &command.model)?;
    let (paths, mut failures) = expand(&command.paths)?;
    anyhow::ensure!(!paths.is_empty(), "nothing to read: no file matches");
    if command.explain_parsing {
        return explain(&paths, command.format, failures);
    }
    let folder = model_folder(&config, WhenUnset::Bundled)?
        .context("no model: anomaly.model is empty; name one with --model DIR, or --model turnstone-mini for the bundled one")?;
    let stop = stop_on_signal()?;
    let started = Instant::now();
    let engine = load_engine(&config, folder).await?;
    let progress = Progress::start(total_bytes(&paths), "bytes");
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    let reader = tokio::spawn(read_all(paths, sender));
    let mut printer = RowPrinter::new(command.format);
    let mut totals = Totals::default();
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => break,
            next = batches.recv() => next,
        };
        match next {
            None => break,
            Some(Input::Batch(gleaned)) => {
                totals.bytes += gleaned.delta.bytes;
                if let Some(fault) = &gleaned.delta.fault
                    && gleaned.fault_changed
                {
                    progress.around(|| note(&format!("turnstone: {}", escape_controls(fault))));
                    failures += 1;
                }
                let texts = gleaned
                    .entries
                    .iter()
                    .map(|entry| entry.text.clone())
                    .collect::<Vec<_>>();
                if !texts.is_empty() {
                    let outcomes = engine.classify(texts).await?;
                    let scorer = engine.info().name.clone();
                    progress.around(|| {
                        print_batch(&mut printer, gleaned.entries, outcomes, &scorer, &mut totals)
                    })?;
                }
                progress.set(totals.bytes);
            }
            Some(Input::SourceDone) => totals.sources += 1,
            Some(Input::Failed(message)) => {
                progress.around(|| note(&format!("turnstone: {}", escape_controls(&message))));
                failures += 1;
            }
        }
    }
    drop(progress);
    reader.abort();
    end_engine(engine).await;
    totals.failures = failures;
    summarise(&totals, started.elapsed().as_secs_f64(), stop.is_cancelled());
    anyhow::ensure!(
        failures == 0,
        "{failures} of the inputs could not be read in full; the messages above say why"
    );
    Ok(())
}

enum Input {
    Batch(Gleaned),
    SourceDone,
    Failed(String),
}

async fn read_all(paths: Vec<PathBuf>, sender: mpsc::Sender<Input>) {
    for path in paths {
        if let Err(error) = read_one(&path, &sender).await
            && sender.send(Input::Failed(format!("{error:#}"))).await.is_err()
        {
            return;
        }
        // Nobody listens any more after a signal.
        if sender.send(Input::SourceDone).await.is_err() {
            return;
        }
    }
}

async fn read_one(path: &Path, sender: &mpsc::Sender<Input>) -> anyhow::Result<()> {
    let mut source = open_source(&source_config(path)?, Vec::new(), OpenOptions::once())?;
    loop {
        let gleaned = source
            .next_batch(Budget {
                entries_max: ENTRIES_PER_BATCH,
                bytes_max: BYTES_PER_BATCH,
            })
            .await?;
        let state = gleaned.state;
        if sender.send(Input::Batch(gleaned)).await.is_err() {
            return Ok(());
        }
        match state {
            SourceState::More => {}
            SourceState::CaughtUp => source.wait_for_more().await,
            SourceState::Ended => return Ok(()),
        }
    }
}

fn source_config(path: &Path) -> anyhow::Result<SourceConfig> {
    if path == Path::new("-") {
        return Ok(SourceConfig::for_stdin(SourceId::new("stdin")?));
    }
    let name: String = escape_controls(&path.to_string_lossy());
    let name = turnstone_types::truncate_chars(&name, 50).to_owned();
    Ok(SourceConfig::for_path(SourceId::new(name)?, path))
}

fn print_batch(
    printer: &mut RowPrinter,
    entries: Vec<NewEntry>,
    outcomes: Vec<turnstone_classifier::RowOutcome>,
    scorer: &str,
    totals: &mut Totals,
) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (entry, outcome) in entries.into_iter().zip(outcomes) {
        totals.entries += 1;
        match outcome {
            Ok(prediction) if prediction.detected => {
                *totals.detections.entry(prediction.meaning.severity).or_default() += 1;
                let row = DetectionRow {
                    id: None,
                    tenant_id: None,
                    entry_id: None,
                    source_id: entry.source_id.to_string(),
                    scorer: scorer.to_owned(),
                    anomaly_label: prediction.meaning.label.to_string(),
                    anomaly_score: prediction.score,
                    severity: prediction.meaning.severity.to_string(),
                    text: turnstone_types::truncate_chars(
                        &entry.text,
                        turnstone_types::DETECTION_TEXT_CHARS_MAX,
                    )
                    .to_owned(),
                    timestamp_iso: Some(entry.timestamp),
                    detected_at: None,
                    acknowledged: None,
                    acknowledged_at: None,
                    notes: None,
                    verdict: None,
                    acknowledgement_id: None,
                    suppressed: None,
                    fingerprint: None,
                };
                printer.detection(&mut out, &row)?;
            }
            Ok(_) => {}
            Err(error) => {
                totals.unscored += 1;
                note(&format!(
                    "turnstone: a line of {} cannot be scored: {error}",
                    entry.source_id
                ));
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn summarise(totals: &Totals, seconds: f64, stopped: bool) {
    let found: u64 = totals.detections.values().sum();
    let by_severity: Vec<String> = totals
        .detections
        .iter()
        .rev()
        .map(|(severity, count)| format!("{} {}", grouped(*count), severity.as_str().to_lowercase()))
        .collect();
    let by_severity = if by_severity.is_empty() {
        String::new()
    } else {
        format!(" ({})", by_severity.join(", "))
    };
    let unscored = if totals.unscored == 0 {
        String::new()
    } else {
        format!(", {} could not be scored", grouped(totals.unscored))
    };
    let stopped = if stopped { "stopped early: " } else { "" };
    let inputs = if totals.sources == 1 { "input" } else { "inputs" };
    note(&format!(
        "{stopped}{} detections{by_severity} in {} entries of {} {inputs}{unscored}, {seconds:.1} s",
        grouped(found),
        grouped(totals.entries),
        totals.sources,
    ));
}

/// Turns arguments into paths: a folder is its files, a glob what it matches. Counts arguments that match nothing.
fn expand(arguments: &[String]) -> anyhow::Result<(Vec<PathBuf>, u64)> {
    let (mut paths, mut failures) = (Vec::new(), 0);
    for argument in arguments {
        let path = Path::new(argument);
        if argument == "-" || path.is_file() {
            paths.push(path.to_owned());
        } else if path.is_dir() {
            let mut files: Vec<PathBuf> = std::fs::read_dir(path)
                .with_context(|| format!("read folder {}", path.display()))?
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .filter(|path| path.is_file())
                .collect();
            files.sort();
            paths.extend(files);
        } else if path.exists() {
            // A device or pipe: the gleaner says what it can be and what not.
            paths.push(path.to_owned());
        } else {
            let matches: Vec<PathBuf> = glob_matches(argument);
            if matches.is_empty() {
                note(&format!("turnstone: {}: no such file", escape_controls(argument)));
                failures += 1;
            }
            paths.extend(matches);
        }
    }
    Ok((paths, failures))
}

fn glob_matches(pattern: &str) -> Vec<PathBuf> {
    let matches = glob::glob(pattern).map(|paths| {
        paths
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .collect()
    });
    matches.unwrap_or_default()
}

/// Bytes of all inputs where that can be known beforehand.
fn total_bytes(paths: &[PathBuf]) -> Option<u64> {
    let size = |path: &PathBuf| {
        let is_plain = path.extension().is_none_or(|extension| extension != "gz");
        std::fs::metadata(path)
            .ok()
            .filter(|metadata| metadata.is_file() && is_plain)
            .map(|metadata| metadata.len())
    };
    paths.iter().map(size).sum()
}

fn explain(paths: &[PathBuf], format: Format, failures: u64) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let now = Timestamp::now();
    for path in paths {
        let reader: Box<dyn Read> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?)
        };
        let report = turnstone_gleaner::explain_parsing(reader, &source_config(path)?, now)?;
        let name = escape_controls(&path.to_string_lossy());
        if format == Format::Jsonl {
            let value = serde_json::json!({ "path": path.to_string_lossy(), "timed_share": report.timed_share(), "report": report });
            print_json(&mut out, &value)?;
            continue;
        }
        writeln!(out, "{name}")?;
        writeln!(
            out,
            "  {} lines make {} entries; {:.2} % of the lines have a time, {} entries state a severity",
            grouped(report.lines),
            grouped(report.entries),
            report.timed_share() * 100.0,
            grouped(report.severities.values().sum())
        )?;
        if let (Some(first), Some(last)) = (report.first_at, report.last_at) {
            writeln!(out, "  times from {first} to {last}")?;
        }
        for share in &report.formats {
            writeln!(out, "  {:>10}  {}", grouped(share.lines), share.format)?;
        }
        if report.repaired_lines + report.truncated_lines + report.empty_lines > 0 {
            writeln!(
                out,
                "  {} empty lines passed over, {} repaired, {} cut",
                grouped(report.empty_lines),
                grouped(report.repaired_lines),
                grouped(report.truncated_lines)
            )?;
        }
        for example in &report.undated_examples {
            writeln!(
                out,
                "  no time in line {}: {}",
                example.line,
                escape_controls(&example.text)
            )?;
        }
    }
    anyhow::ensure!(
        failures == 0,
        "{failures} of the inputs could not be read; the messages above say why"
    );
    Ok(())
}
