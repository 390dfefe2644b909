//! The shape of the cost: lines a second against line length, batch budget, threads and repeats, as Markdown for the documents.

use super::measure::{Ours, Settings};
use super::report::median;
use crate::arguments::{BenchClassify, Shared};
use crate::commands::note;
use anyhow::Context;
use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write;
use std::process::Stdio;
use turnstone_classifier::DeviceChoice;
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, truncate_chars};

/// Characters of a line.
const LENGTHS: [usize; 5] = [32, 64, 128, 256, CLASSIFIED_TEXT_CHARS_MAX];
/// Tokens of a batch.
const BUDGETS_CPU: [usize; 6] = [256, 512, 1_024, 2_048, 4_096, 8_192];
const BUDGETS_GPU: [usize; 6] = [2_048, 8_192, 16_384, 32_768, 65_536, 131_072];
/// Lines in a hundred that stood in the file before.
const REPEATS: [usize; 5] = [0, 50, 90, 99, 100];

/// Prints the tables.
pub async fn run(
    shared: &Shared,
    command: &BenchClassify,
    settings: &Settings,
    texts: &[String],
) -> anyhow::Result<()> {
    let passes = command.passes;
    let mut out = std::io::stdout();
    let mut ours = Ours::start(settings.clone()).await?;
    let info = ours.info();
    writeln!(
        out,
        "`{}`, {} {}, {} threads, {} lines, median of {passes} passes\n",
        info.name,
        info.device,
        info.dtype,
        settings.threads,
        texts.len()
    )?;
    table(&mut out, "characters a line")?;
    for length in LENGTHS {
        let lines = of_length(texts, length);
        row(&mut out, length, rate(&mut ours, &lines, passes).await?)?;
    }
    table(&mut out, "repeated lines in a hundred")?;
    for repeats in REPEATS {
        let lines = with_repeats(texts, repeats);
        row(&mut out, repeats, rate(&mut ours, &lines, passes).await?)?;
    }
    ours.end().await;

    table(&mut out, "tokens a batch")?;
    let budgets = match settings.load.device {
        DeviceChoice::Cpu => BUDGETS_CPU,
        DeviceChoice::Cuda(_) => BUDGETS_GPU,
    };
    for budget in budgets {
        let mut settings = settings.clone();
        settings.load.batch_tokens_max = Some(budget);
        let mut ours = Ours::start(settings).await?;
        row(&mut out, budget, rate(&mut ours, texts, passes).await?)?;
        ours.end().await;
    }

    table(&mut out, "threads")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = 1;
    while threads <= cores {
        row(
            &mut out,
            threads,
            of_own_process(shared, command, settings, threads).await?,
        )?;
        threads *= 2;
    }
    Ok(())
}

fn table(out: &mut impl Write, what: &str) -> anyhow::Result<()> {
    note(&format!("measuring lines a second against {what}"));
    writeln!(out, "| {what} | lines/s |\n| ---: | ---: |")?;
    Ok(())
}

fn row(out: &mut impl Write, value: usize, rate: f64) -> anyhow::Result<()> {
    writeln!(out, "| {value} | {rate:.0} |")?;
    Ok(())
}

/// Median lines a second.
async fn rate(ours: &mut Ours, texts: &[String], passes: u32) -> anyhow::Result<f64> {
    let mut rates = Vec::new();
    for _ in 0..passes {
        rates.push(ours.pass(texts).await?.0.lines_per_second);
    }
    Ok(median(rates.into_iter()))
}

/// As many texts of just so many characters: the lines one after the other, each text beginning with another line.
fn of_length(texts: &[String], characters: usize) -> Vec<String> {
    let from = |start: usize| {
        let mut text = String::new();
        let mut left = characters;
        for line in texts.iter().cycle().skip(start).take(characters.max(texts.len())) {
            let part: String = line.chars().chain([' ']).take(left).collect();
            left -= part.chars().count();
            text.push_str(&part);
            if left == 0 {
                break;
            }
        }
        text
    };
    (0..texts.len()).map(from).collect()
}

/// As many lines, of which `repeats` in a hundred are one of the others again, at even distances. Where the file has too few
/// lines that differ, more are repeats.
fn with_repeats(texts: &[String], repeats: usize) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut distinct: Vec<&String> = texts
        .iter()
        .filter(|text| seen.insert(truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX)))
        .collect();
    let wanted = (texts.len() * (100 - repeats) / 100).max(1);
    distinct.truncate(wanted);
    (0..texts.len())
        .map(|row| distinct[row % distinct.len()].clone())
        .collect()
}

/// The number of threads is a matter of the whole process, so every value gets one of its own: this program again.
async fn of_own_process(
    shared: &Shared,
    command: &BenchClassify,
    settings: &Settings,
    threads: usize,
) -> anyhow::Result<f64> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut flag = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    if let Some(config) = &shared.config {
        flag("--config", config.into());
    }
    flag("--model", (&settings.folder).into());
    flag("--device", settings.load.device.to_string().into());
    flag("--dtype", settings.load.dtype.to_string().into());
    flag("--passes", command.passes.to_string().into());
    flag("--threads", threads.to_string().into());
    flag("--call-lines", settings.call_lines.to_string().into());
    flag("--format", "json".into());
    if let Some(limit) = command.limit {
        flag("--limit", limit.to_string().into());
    }
    if let Some(tokens) = settings.load.batch_tokens_max {
        flag("--batch-tokens", tokens.to_string().into());
    }
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .args(["bench", "classify"])
        .args(arguments)
        .arg("--")
        .arg(&command.file)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    anyhow::ensure!(output.status.success(), "the bench with {threads} threads failed");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    report["lines_per_second"]
        .as_f64()
        .context("the bench's report has no lines_per_second")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn texts_have_the_length_asked_for_and_differ() {
        let made = of_length(&texts(&["ab", "ü", "cdefgh"]), 5);
        assert_eq!(made, ["ab ü ", "ü cde", "cdefg"]);
    }

    #[test]
    fn empty_lines_alone_still_make_texts() {
        assert_eq!(of_length(&texts(&[""]), 3), ["   "]);
    }

    #[test]
    fn repeats_keep_the_number_of_lines() {
        let lines = texts(&["a", "b", "b", "c"]);
        assert_eq!(with_repeats(&lines, 0), ["a", "b", "c", "a"]);
        assert_eq!(with_repeats(&lines, 50), ["a", "b", "a", "b"]);
        assert_eq!(with_repeats(&lines, 100), ["a", "a", "a", "a"]);
    }
}
