//! `turnstone bench classify`: what a model does a second on the lines of a file, and beside it, in the same run and in turn, what
//! the Python programs do that people would use instead. Figures of different runs or machines say little; ratios of one run do.

mod measure;
mod peers;
mod report;
mod sweep;

use crate::arguments::{BenchClassify, ReportFormat, Shared};
use crate::commands::{apply_model_choice, note, quiet_logs, stop_on_signal};
use crate::connection::load_config;
use crate::output::print_json;
use anyhow::Context;
use measure::{Ours, Settings};
use peers::Peers;
use report::Report;
use std::path::Path;
use turnstone_service::model::{WhenUnset, model_folder};

/// Runs the command.
pub async fn run(shared: &Shared, command: &BenchClassify) -> anyhow::Result<()> {
    let mut config = load_config(shared)?;
    let _telemetry = quiet_logs(&config)?;
    apply_model_choice(&mut config, &command.model)?;
    let folder = model_folder(&config, WhenUnset::Bundled)?
        .context("no model: anomaly.model is empty; name one with --model DIR")?;
    let texts = read_lines(&command.file, command.limit.map(|limit| limit as usize))?;
    config.anomaly.threads = match (command.threads, config.anomaly.threads) {
        (Some(threads), _) => threads,
        // Both sides get the same number, so it must be known.
        (None, 0) => std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        (None, configured) => configured,
    };
    if let Some(rule) = command.normalise {
        config.anomaly.normalise = rule.to_string();
    }
    if command.no_cache {
        config.anomaly.cache_bytes = 0;
    }
    let settings = Settings::new(&config, folder, command)?;
    if cfg!(debug_assertions) {
        note("this is a debug build; build with --release before believing a figure");
    }
    let stop = stop_on_signal()?;
    tokio::select! {
        () = stop.cancelled() => anyhow::bail!("stopped"),
        outcome = async {
            if command.sweep {
                sweep::run(shared, command, &settings, &texts).await
            } else {
                compare(command, &settings, &texts).await
            }
        } => outcome,
    }
}

/// One table: ours, and the peers where they are asked for.
async fn compare(command: &BenchClassify, settings: &Settings, texts: &[String]) -> anyhow::Result<()> {
    let mut ours = Ours::start(settings.clone()).await?;
    let outcome = rounds(command, settings, texts, &mut ours).await;
    ours.end().await;
    let report = outcome?;
    let mut out = std::io::stdout().lock();
    match command.format {
        ReportFormat::Table => report.print(&mut out),
        ReportFormat::Json => print_json(&mut out, &report),
    }
}

async fn rounds(
    command: &BenchClassify,
    settings: &Settings,
    texts: &[String],
    ours: &mut Ours,
) -> anyhow::Result<Report> {
    let mut report = Report::new(ours.info(), settings, texts);
    let mut peers = None;
    if let Some(python) = &command.against_python {
        let chosen = spread(texts.len(), command.peer_lines.map(|lines| lines as usize));
        let lines: Vec<&str> = chosen.iter().map(|row| texts[*row].as_str()).collect();
        note("preparing the Python programs: load, export, choose batch sizes");
        let started = Peers::start(python, settings, &lines, command.peers.as_deref()).await?;
        let labels: Vec<&str> = ours
            .info()
            .labels
            .iter()
            .map(|label| label.raw.as_str())
            .collect();
        anyhow::ensure!(
            labels == started.labels(),
            "the model's labels are {labels:?} here and {:?} in Python, so the answers cannot be compared",
            started.labels()
        );
        peers = Some((started, chosen));
    }
    let mut answers = Vec::new();
    for round in 1..=command.passes {
        let (pass, latest) = ours.pass(texts).await?;
        note(&format!(
            "pass {round}: ours, {:.0} lines/s",
            pass.lines_per_second
        ));
        report.add_pass(pass);
        answers = latest;
        if let Some((peers, _)) = &mut peers {
            for name in peers.names() {
                let seconds = peers.pass(&name).await?;
                note(&format!(
                    "pass {round}: {name}, {:.0} lines/s",
                    peers.lines() as f64 / seconds
                ));
                report.add_peer_pass(&name, seconds);
            }
        }
    }
    report.finish(&answers);
    if let Some((mut peers, chosen)) = peers {
        let answers: Vec<measure::Answer> = chosen.iter().map(|row| answers[*row]).collect();
        report.add_peers(&mut peers, &answers).await?;
        peers.end().await;
    }
    Ok(report)
}

/// The lines of a file, as `turnstone classify` reads them.
fn read_lines(file: &Path, limit: Option<usize>) -> anyhow::Result<Vec<String>> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last line feed is a line only where there is something.
    lines.pop_if(|line| line.is_empty());
    anyhow::ensure!(!lines.is_empty(), "{} has no lines", file.display());
    let text = |row: usize| {
        let end = lines[row]
            .iter()
            .rposition(|byte| *byte != b'\r')
            .map_or(0, |last| last + 1);
        String::from_utf8_lossy(&lines[row][..end]).into_owned()
    };
    Ok(spread(lines.len(), limit).into_iter().map(text).collect())
}

/// At most `limit` indexes below `count`, spread evenly and in order.
fn spread(count: usize, limit: Option<usize>) -> Vec<usize> {
    let wanted = limit.unwrap_or(count).min(count);
    (0..wanted).map(|index| index * count / wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_classify_reads_them() {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), b"a\r\n\nb\xff\x85\rc\r\r\nlast").expect("write");
        let lines = read_lines(file.path(), None).expect("read");
        assert_eq!(lines, ["a", "", "b\u{fffd}\u{fffd}\rc", "last"]);
        assert_eq!(
            read_lines(file.path(), Some(2)).expect("read"),
            ["a", "b\u{fffd}\u{fffd}\rc"]
        );
        std::fs::write(file.path(), b"").expect("write");
        let error = read_lines(file.path(), None).expect_err("empty").to_string();
        assert!(error.ends_with("has no lines"), "{error}");
    }

    #[test]
    fn a_limit_takes_lines_from_all_over_the_file() {
        assert_eq!(spread(10, Some(3)), [0, 3, 6]);
        assert_eq!(spread(3, Some(10)), [0, 1, 2]);
        assert_eq!(spread(3, None), [0, 1, 2]);
    }
}
