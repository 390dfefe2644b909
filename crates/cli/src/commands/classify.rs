//! `turnstone classify`: one JSON object for each line of a file, in input order, without a database.

use super::{note, stop_on_signal};
use crate::arguments::{Classify, Normalise, Shared};
use crate::connection::load_config;
use crate::output::safe_json;
use anyhow::Context;
use serde::Serialize;
use std::io::{BufRead, BufReader, Read, Write};
use tokio::sync::mpsc;
use turnstone_scorer::{end_engine, load_engine};
use turnstone_service::model::{WhenUnset, model_folder};

/// Lines classified at a time: enough to sort by length, few enough to stop soon.
const LINES_PER_BATCH: usize = 1_024;
/// Batches read ahead of the classifier.
const BATCHES_AHEAD: usize = 2;
/// Bytes of a line that are read; the model sees 512 characters, at most 2,048 bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

#[derive(Serialize)]
struct Answer<'a> {
    line: u64,
    label: &'a str,
    raw_label: &'a str,
    score: f64,
    severity: &'a str,
}

#[derive(Serialize)]
struct Refusal {
    line: u64,
    error: String,
}

/// Runs the command.
pub async fn run(shared: Shared, command: Classify) -> anyhow::Result<()> {
    let mut config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(&mut config, &command.model)?;
    let Normalise::Raw = command.normalise;
    let folder = model_folder(&config, WhenUnset::Bundled)?
        .context("no model: anomaly.model is empty; name one with --model DIR")?;
    let reader: Box<dyn Read + Send> = if command.file == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(&command.file).with_context(|| format!("open {}", command.file))?)
    };
    let stop = stop_on_signal()?;
    let engine = load_engine(&config, folder).await?;
    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
    // A thread of its own and not a task: reading may block for ever, and nobody waits for it at the end.
    std::thread::Builder::new()
        .name("read-lines".to_owned())
        .spawn(move || read_lines(BufReader::new(reader), &sender))?;
    let mut line = 0;
    let mut refused = 0_u64;
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => break,
            next = batches.recv() => next,
        };
        let Some(texts) = next else { break };
        let outcomes = engine.classify(texts?).await?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for outcome in outcomes {
            line += 1;
            let json = match &outcome {
                Ok(prediction) => safe_json(&Answer {
                    line,
                    label: prediction.meaning.label.as_str(),
                    raw_label: &prediction.raw_label,
                    score: prediction.score,
                    severity: prediction.meaning.severity.as_str(),
                })?,
                Err(error) => {
                    refused += 1;
                    safe_json(&Refusal {
                        line,
                        error: error.to_string(),
                    })?
                }
            };
            writeln!(out, "{json}")?;
        }
        out.flush()?;
    }
    end_engine(engine).await;
    if stop.is_cancelled() {
        note(&format!("stopped after {line} lines"));
    }
    anyhow::ensure!(
        refused == 0,
        "{refused} lines could not be classified; their objects say why"
    );
    Ok(())
}

/// Reads lines in bounded memory: every line of the file is one answer, however long it is or whatever bytes it holds.
fn read_lines(mut reader: impl BufRead, sender: &mpsc::Sender<std::io::Result<Vec<String>>>) {
    let mut texts = Vec::with_capacity(LINES_PER_BATCH);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let outcome = match read {
            Ok(0) => {
                // The last batch; that nobody listens any more does not matter then.
                let _ = sender.blocking_send(Ok(texts));
                return;
            }
            Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 == LINE_BYTES_MAX => {
                skip_to_line_end(&mut reader)
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            let _ = sender.blocking_send(Err(error));
            return;
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        texts.push(String::from_utf8_lossy(&line).into_owned());
        if texts.len() == LINES_PER_BATCH {
            let full = std::mem::replace(&mut texts, Vec::with_capacity(LINES_PER_BATCH));
            if sender.blocking_send(Ok(full)).is_err() {
                return;
            }
        }
    }
}

fn skip_to_line_end(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |position| position + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_text_whatever_it_holds() {
        let long = "x".repeat(200_000);
        let input = format!("a\r\n\n{long}\nlast \u{fffd}");
        let mut bytes = input.into_bytes();
        bytes.push(0xff);
        let (sender, mut receiver) = mpsc::channel(4);
        read_lines(BufReader::new(bytes.as_slice()), &sender);
        let texts = receiver.try_recv().expect("a batch").expect("readable");
        assert_eq!(texts.len(), 4);
        assert_eq!(
            (texts[0].as_str(), texts[1].as_str(), texts[2].len()),
            ("a", "", LINE_BYTES_MAX as usize)
        );
        assert_eq!(texts[3], "last \u{fffd}\u{fffd}");
    }
}
