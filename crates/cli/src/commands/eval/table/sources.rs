//! The systems, one line each, and how the model does there beside the keywords.

use super::{percent, three};
use crate::commands::eval::report::{Comparison, Report};
use crate::output::{cut, escape_controls, grouped, source_cell};
use std::io::Write;

/// Columns that the name of a system gets at least and at most.
const SOURCE_COLUMNS: std::ops::RangeInclusive<usize> = 20..=40;
/// Columns of the name of a system in a sentence.
const NAME_COLUMNS: usize = 80;

/// One line for each system, below the name of its group. Precision and recall are left out where the terminal has no room for them.
pub fn print(out: &mut impl Write, report: &Report, columns: usize) -> anyhow::Result<()> {
    let keywords = report.against.is_some();
    let systems = 1 + usize::from(keywords);
    // Lines, anomalous lines, F1 of the winner; then F1 and false detections, with or without precision and recall.
    let narrow = 8 + 8 + 7 + systems * 18;
    let wide = columns >= narrow + systems * 14 + *SOURCE_COLUMNS.start();
    let used = narrow + if wide { systems * 14 } else { 0 };
    let longest = report
        .sources
        .iter()
        .map(|(name, _)| shown_columns(&indented(name).1))
        .max();
    let width = columns
        .saturating_sub(used)
        .min(longest.unwrap_or_default())
        .clamp(*SOURCE_COLUMNS.start(), *SOURCE_COLUMNS.end());
    let system_columns = if wide { 32 } else { 18 };
    write!(out, "\n{}{:>system_columns$}", " ".repeat(width + 23), "detected")?;
    if keywords {
        write!(out, "{:>system_columns$}", "keywords")?;
    }
    write!(
        out,
        "\n{:<width$} {:>7} {:>7} {:>6}",
        "SOURCE", "LINES", "ANOM.", "F1 WIN"
    )?;
    for _ in 0..systems {
        if wide {
            write!(out, " {:>6} {:>6}", "PREC.", "RECALL")?;
        }
        write!(out, " {:>6} {:>10}", "F1", "FALSE DET.")?;
    }
    writeln!(out)?;
    let mut group_before = None;
    for (name, figures) in &report.sources {
        let (group, shown) = indented(name);
        if group.is_some() && group != group_before {
            writeln!(out, "{}", cut(group.unwrap_or_default(), columns))?;
        }
        group_before = group;
        write!(
            out,
            "{} {:>7} {:>7} {:>6}",
            source_cell(&shown, width),
            grouped(figures.lines),
            grouped(figures.anomalous_lines),
            three(figures.two_way.winner.f1, figures.anomalous_lines > 0)
        )?;
        for of in [Some(figures.two_way.threshold), figures.two_way.keywords]
            .into_iter()
            .flatten()
        {
            let some = figures.anomalous_lines > 0;
            if wide {
                write!(
                    out,
                    " {:>6} {:>6}",
                    three(of.precision, some),
                    three(of.recall, some)
                )?;
            }
            let rate = percent(of.false_detection_rate, figures.normal_lines > 0);
            write!(out, " {:>6} {rate:>10}", three(of.f1, some))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// On how many systems the model is better, and all those on which it is not.
pub fn compare(out: &mut impl Write, report: &Report, comparison: &Comparison) -> anyhow::Result<()> {
    let sources = report.sources.len();
    writeln!(
        out,
        "\nthe model beside {}, by F1, or by false detections where no line is anomalous:",
        comparison.name
    )?;
    for (what, verdicts) in [
        ("winning label", &comparison.winner),
        ("detected", &comparison.threshold),
    ] {
        let [better, equal, worse] = [&verdicts.better, &verdicts.equal, &verdicts.worse].map(Vec::len);
        writeln!(
            out,
            "{what:<13}  better on {better} of {sources} sources, equal on {equal}, worse on {worse}"
        )?;
    }
    let verdicts = &comparison.threshold;
    for (verdict, names) in [("worse", &verdicts.worse), ("equal", &verdicts.equal)] {
        for name in names {
            let Some((_, figures)) = report.sources.iter().find(|(source, _)| source == name) else {
                continue;
            };
            let (model, keywords) = (figures.two_way.threshold, figures.two_way.keywords);
            let keywords = keywords.unwrap_or(model);
            let name = cut(name, NAME_COLUMNS);
            if figures.anomalous_lines > 0 {
                writeln!(
                    out,
                    "  {verdict}: {name}, F1 {:.3}, {} {:.3}",
                    model.f1, comparison.name, keywords.f1
                )?;
            } else {
                writeln!(
                    out,
                    "  {verdict}: {name}, false detections {}, {} {}",
                    percent(model.false_detection_rate, true),
                    comparison.name,
                    percent(keywords.false_detection_rate, true)
                )?;
            }
        }
    }
    Ok(())
}

/// The group of a system, where it has one, and its name below that of the group.
fn indented(name: &str) -> (Option<&str>, String) {
    match name.split_once('/') {
        Some((group, rest)) => (Some(group), format!("  {rest}")),
        None => (None, name.to_owned()),
    }
}

fn shown_columns(text: &str) -> usize {
    console::measure_text_width(&escape_controls(text))
}
