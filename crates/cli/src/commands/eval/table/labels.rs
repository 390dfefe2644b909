//! Figures by label, and which labels are taken for which.

use super::LABEL_COLUMNS;
use crate::commands::eval::figures::{ClassFigures, Figures};
use crate::output::{cell, cut, grouped};
use std::io::Write;

/// Precision, recall and F1 of each label, and their means.
pub fn print(out: &mut impl Write, figures: &Figures) -> anyhow::Result<()> {
    if figures.per_class.is_empty() {
        return Ok(writeln!(out)?);
    }
    writeln!(
        out,
        "\n{:<LABEL_COLUMNS$} {:>10} {:>9} {:>6} {:>6}",
        "LABEL", "LINES", "PRECISION", "RECALL", "F1"
    )?;
    for (name, class) in &figures.per_class {
        let ClassFigures {
            lines,
            precision,
            recall,
            f1,
        } = class;
        writeln!(
            out,
            "{} {:>10} {precision:>9.3} {recall:>6.3} {f1:>6.3}",
            cell(name, LABEL_COLUMNS),
            grouped(*lines)
        )?;
    }
    if let (Some(recall), Some(f1)) = (figures.macro_recall, figures.macro_f1) {
        writeln!(
            out,
            "{:<LABEL_COLUMNS$} {:>10} {:>9} {recall:>6.3} {f1:>6.3}",
            "macro average", "", ""
        )?;
    }
    Ok(())
}

/// Labels of lines down, answers across; columns named by the first word where that tells them apart.
pub fn confusion(out: &mut impl Write, figures: &Figures) -> anyhow::Result<()> {
    // In the order of the rows, then the answers that no line has as its label.
    let mut answers: Vec<&str> = figures.confusion.iter().map(|(name, _)| name.as_str()).collect();
    for (got, _) in figures.confusion.iter().flat_map(|(_, row)| row) {
        if !answers.contains(&got.as_str()) {
            answers.push(got);
        }
    }
    let first_word = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let mut words: Vec<String> = answers.iter().map(|name| first_word(name)).collect();
    words.sort_unstable();
    words.dedup();
    let heads: Vec<String> = answers
        .iter()
        .map(|name| {
            let head = if words.len() == answers.len() {
                first_word(name)
            } else {
                (*name).to_owned()
            };
            cut(&head, LABEL_COLUMNS)
        })
        .collect();
    write!(out, "\n{:<LABEL_COLUMNS$}", "LABEL \\ ANSWER")?;
    let width = |head: &String| console::measure_text_width(head).max(6);
    for head in &heads {
        write!(
            out,
            " {}{head}",
            " ".repeat(width(head) - console::measure_text_width(head))
        )?;
    }
    writeln!(out)?;
    for (label, row) in &figures.confusion {
        write!(out, "{}", cell(label, LABEL_COLUMNS))?;
        for (answer, head) in answers.iter().zip(&heads) {
            let lines = row.iter().find(|(got, _)| got == answer);
            let lines = lines.map_or_else(|| ".".to_owned(), |(_, lines)| grouped(*lines));
            write!(out, " {lines:>width$}", width = width(head))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
