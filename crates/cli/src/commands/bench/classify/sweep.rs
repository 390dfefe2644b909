//! The shape of the cost: lines a second against line length, batch budget, threads and repeats, as Markdown for the documents.

use super::measure::{Ours, Pass, Settings};
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
    let texts = &distinct(texts);
    let passes = command.passes;
    let mut out = std::io::stdout();
    let mut uncached = settings.clone();
    uncached.cache_bytes = 0;
    let mut ours = Ours::start(uncached.clone()).await?;
    let info = ours.info();
    writeln!(
        out,
        "`{}`, {} {}, {}, {} threads, {} distinct lines, median of {passes} passes",
        info.name,
        info.device,
        info.dtype,
        info.normalise,
        settings.threads,
        texts.len()
    )?;
    table(&mut out, "characters a line")?;
    for length in LENGTHS {
        let lines = of_length(texts, length);
        row(&mut out, length, &measure(&mut ours, &lines, passes).await?)?;
    }
    ours.end().await;

    table(&mut out, "tokens a batch")?;
    let budgets = match settings.load.device {
        DeviceChoice::Cpu => BUDGETS_CPU,
        DeviceChoice::Cuda(_) => BUDGETS_GPU,
    };
    for budget in budgets {
        let mut settings = uncached.clone();
        settings.load.batch_tokens_max = Some(budget);
        let mut ours = Ours::start(settings).await?;
        row(&mut out, budget, &measure(&mut ours, texts, passes).await?)?;
        ours.end().await;
    }

    table(&mut out, "threads")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = 1;
    while threads <= cores {
        row(
            &mut out,
            threads,
            &of_own_process(shared, command, &uncached, texts, threads).await?,
        )?;
        threads *= 2;
    }

    table(&mut out, "repeated lines in a hundred")?;
    let mut ours = Ours::start(settings.clone()).await?;
    for repeats in REPEATS {
        let lines = with_repeats(texts, repeats);
        row(&mut out, repeats, &measure(&mut ours, &lines, passes).await?)?;
    }
    ours.end().await;
    Ok(())
}

/// Medians of the passes.
struct Figures {
    lines_per_second: f64,
    tokens_per_second: f64,
    hit_rate: f64,
}

fn table(out: &mut impl Write, what: &str) -> anyhow::Result<()> {
    note(&format!("measuring lines a second against {what}"));
    writeln!(
        out,
        "\n| {what} | lines/s | tokens/s | hit rate |\n| ---: | ---: | ---: | ---: |"
    )?;
    Ok(())
}

fn row(out: &mut impl Write, value: usize, figures: &Figures) -> anyhow::Result<()> {
    writeln!(
        out,
        "| {value} | {:.0} | {:.0} | {:.1} % |",
        figures.lines_per_second,
        figures.tokens_per_second,
        figures.hit_rate * 100.0
    )?;
    Ok(())
}

async fn measure(ours: &mut Ours, texts: &[String], count: u32) -> anyhow::Result<Figures> {
    let mut passes = Vec::new();
    for _ in 0..count {
        passes.push(ours.pass(texts).await?.0);
    }
    let of = |figure: fn(&Pass) -> f64| median(passes.iter().map(figure));
    Ok(Figures {
        lines_per_second: of(|pass| pass.lines_per_second),
        tokens_per_second: of(|pass| pass.tokens_per_second),
        hit_rate: of(|pass| pass.hit_rate),
    })
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

/// The lines that differ within the characters that a model sees: repeats are folded and would blur what is measured.
fn distinct(texts: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    texts
        .iter()
        .filter(|text| seen.insert(truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX)))
        .cloned()
        .collect()
}

/// As many lines, of which `repeats` in a hundred are one of the others again, at even distances.
fn with_repeats(distinct: &[String], repeats: usize) -> Vec<String> {
    let kept = (distinct.len() * (100 - repeats) / 100).max(1);
    (0..distinct.len())
        .map(|row| distinct[row % kept].clone())
        .collect()
}

/// The number of threads is a matter of the whole process, so every value gets one of its own: this program again.
async fn of_own_process(
    shared: &Shared,
    command: &BenchClassify,
    settings: &Settings,
    texts: &[String],
    threads: usize,
) -> anyhow::Result<Figures> {
    let mut lines = tempfile::NamedTempFile::new().context("make a temporary file")?;
    for text in texts {
        writeln!(lines, "{text}")?;
    }
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
    if let Some(rule) = settings.load.normalise {
        flag("--normalise", rule.to_string().into());
    }
    if let Some(tokens) = settings.load.batch_tokens_max {
        flag("--batch-tokens", tokens.to_string().into());
    }
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .args(["bench", "classify", "--no-cache"])
        .args(arguments)
        .arg("--")
        .arg(lines.path())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    anyhow::ensure!(output.status.success(), "the bench with {threads} threads failed");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let figure = |figure: &serde_json::Value| figure.as_f64().context("the bench's report lacks a figure");
    Ok(Figures {
        lines_per_second: figure(&report["lines_per_second"])?,
        tokens_per_second: figure(&report["tokens_per_second"])?,
        hit_rate: figure(&report["passes"][0]["hit_rate"])?,
    })
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
        let lines = distinct(&texts(&["a", "b", "b", "c", "d"]));
        assert_eq!(with_repeats(&lines, 0), ["a", "b", "c", "d"]);
        assert_eq!(with_repeats(&lines, 50), ["a", "b", "a", "b"]);
        assert_eq!(with_repeats(&lines, 100), ["a", "a", "a", "a"]);
    }
}
