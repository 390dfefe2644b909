//! A report for people: tables that fit a terminal, with what others wrote made harmless.

mod errors;
mod labels;
mod sources;

use super::figures::{Figures, TwoWay};
use super::report::{JudgedBy, Report};
use crate::output::{cut, escape_controls, grouped};
use std::io::Write;

/// Columns where the terminal does not tell.
const COLUMNS_DEFAULT: usize = 160;
/// Columns of the names of labels.
const LABEL_COLUMNS: usize = 18;
/// Columns of the name of a group in a heading.
const GROUP_COLUMNS: usize = 60;

/// The width of the terminal.
pub fn terminal_columns() -> usize {
    let terminal = console::Term::stdout();
    if terminal.is_term() {
        usize::from(terminal.size().1)
    } else {
        COLUMNS_DEFAULT
    }
}

/// Prints the report in about this many columns.
pub fn print(out: &mut impl Write, report: &Report, columns: usize) -> anyhow::Result<()> {
    head(out, report)?;
    block(out, "all", &report.all, report)?;
    for (name, figures) in &report.groups {
        // A group that is everything, or one system, stands elsewhere already.
        let repeats =
            figures.lines == report.all.lines || report.sources.iter().any(|(source, _)| source == name);
        if !repeats {
            block(out, name, figures, report)?;
        }
    }
    if !report.sources.is_empty() {
        sources::print(out, report, columns)?;
    }
    if let Some(comparison) = report.against.as_ref().filter(|_| !report.sources.is_empty()) {
        sources::compare(out, report, comparison)?;
    }
    if let Some(lines) = &report.errors {
        errors::print(out, lines, columns)?;
    }
    Ok(())
}

fn head(out: &mut impl Write, report: &Report) -> anyhow::Result<()> {
    let model = &report.model;
    writeln!(
        out,
        "model      {}",
        escape_controls(&format!(
            "{} ({}), {} {}, {}",
            model.name, model.architecture, model.device, model.dtype, model.normalise
        ))
    )?;
    writeln!(
        out,
        "lines      {}: {} of {} templates, {} sources",
        escape_controls(&report.file),
        grouped(report.all.lines),
        grouped(report.all.templates),
        grouped(report.sources.len() as u64)
    )?;
    writeln!(
        out,
        "detected   is a line with an anomalous label and a score of at least {}",
        report.threshold
    )?;
    if report.all.failed_lines > 0 {
        writeln!(
            out,
            "failed     {} lines got no answer; they count as wrong and as no detections",
            grouped(report.all.failed_lines)
        )?;
    }
    if report.judged == JudgedBy::TwoWay {
        let shared: Vec<&str> = report
            .all
            .per_class
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let shared = if shared.is_empty() {
            "no label".to_owned()
        } else {
            shared.join(", ")
        };
        writeln!(
            out,
            "labels     the model has no {}: an answer counts as right here when it is right about anomalous or not; \
             precision, recall and F1 by label are given for {}",
            escape_controls(&report.labels_missing.join(", ")),
            escape_controls(&shared)
        )?;
    }
    Ok(())
}

/// All figures of a group.
fn block(out: &mut impl Write, name: &str, figures: &Figures, report: &Report) -> anyhow::Result<()> {
    writeln!(
        out,
        "\n== {}: {} lines, {} of them anomalous; {} templates, {} of them anomalous ==",
        cut(name, GROUP_COLUMNS),
        grouped(figures.lines),
        grouped(figures.anomalous_lines),
        grouped(figures.templates),
        grouped(figures.anomalous_templates),
    )?;
    writeln!(
        out,
        "\n{:<24} {:>9} {:>6} {:>6} {:>16} {:>11}",
        "ANOMALOUS OR NOT", "PRECISION", "RECALL", "F1", "FALSE DETECTIONS", "PER MILLION"
    )?;
    for (unit, systems) in [
        ("lines", &figures.two_way),
        ("templates", &figures.two_way_templates),
    ] {
        let mut row = |what: &str, of: &TwoWay| two_way_row(out, (unit, what), figures, of);
        row("winning label", &systems.winner)?;
        row("detected", &systems.threshold)?;
        if let Some(keywords) = &systems.keywords {
            row("keywords", keywords)?;
        }
    }
    labels::print(out, figures)?;
    let right = match report.judged {
        JudgedBy::Label => "",
        JudgedBy::TwoWay => " (anomalous or not)",
    };
    write!(out, "accuracy {:.3}{right}", figures.accuracy)?;
    if let Some(error) = figures.calibration_error {
        write!(out, ", calibration error {error:.3}")?;
    }
    writeln!(out)?;
    labels::confusion(out, figures)
}

fn two_way_row(
    out: &mut impl Write,
    (unit, what): (&str, &str),
    figures: &Figures,
    of: &TwoWay,
) -> anyhow::Result<()> {
    writeln!(
        out,
        "{unit:<9} {what:<14} {:>9} {:>6} {:>6} {:>16} {:>11}",
        three(of.precision, figures.anomalous_lines > 0),
        three(of.recall, figures.anomalous_lines > 0),
        three(of.f1, figures.anomalous_lines > 0),
        percent(of.false_detection_rate, figures.normal_lines > 0),
        if figures.normal_lines > 0 {
            grouped(of.false_detections_per_million.round() as u64)
        } else {
            "-".to_owned()
        },
    )?;
    Ok(())
}

/// A figure of 0 to 1, or a dash where there is nothing that it could be of.
fn three(figure: f64, some: bool) -> String {
    if some {
        format!("{figure:.3}")
    } else {
        "-".to_owned()
    }
}

fn percent(share: f64, some: bool) -> String {
    if some {
        format!("{:.2} %", share * 100.0)
    } else {
        "-".to_owned()
    }
}

#[cfg(test)]
mod tests;
