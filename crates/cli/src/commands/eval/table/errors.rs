//! The worst wrong lines, to see where a model is weak.

use super::{GROUP_COLUMNS, LABEL_COLUMNS};
use crate::commands::eval::report::ErrorPart;
use crate::output::{cell, cut, grouped, source_cell};
use std::io::Write;

/// Columns of the name of a system.
const SOURCE_COLUMNS: usize = 20;
/// The fewest columns that text gets, whatever the terminal says.
const TEXT_COLUMNS_MIN: usize = 40;

/// Prints them by group, as they come.
pub fn print(out: &mut impl Write, lines: &[ErrorPart], columns: usize) -> anyhow::Result<()> {
    if lines.is_empty() {
        writeln!(out, "\nno line is wrong")?;
    }
    let before_text = 9 + 1 + 7 + 1 + 2 * (LABEL_COLUMNS + 1) + 6 + SOURCE_COLUMNS + 1;
    let text_columns = columns.saturating_sub(before_text).max(TEXT_COLUMNS_MIN);
    let mut group: Option<&Option<String>> = None;
    for error in lines {
        if group != Some(&error.group) {
            group = Some(&error.group);
            let name = error.group.as_deref().map_or_else(
                || "lines without a source".to_owned(),
                |group| cut(group, GROUP_COLUMNS),
            );
            writeln!(
                out,
                "\nworst wrong lines of {name}, one for each template\n{:>9} {:>7} {:<LABEL_COLUMNS$} {:<LABEL_COLUMNS$} {:>5} \
                 {:<SOURCE_COLUMNS$} TEXT",
                "LINE", "LIKE IT", "LABEL", "ANSWER", "SCORE", "SOURCE"
            )?;
        }
        // The group stands above.
        let source = error.source.as_deref().unwrap_or_default();
        let source = source.split_once('/').map_or(source, |(_, rest)| rest);
        writeln!(
            out,
            "{:>9} {:>7} {} {} {:>5.3} {} {}",
            error.line,
            grouped(error.wrong_lines),
            cell(&error.expected, LABEL_COLUMNS),
            cell(error.got.as_deref().unwrap_or("(none)"), LABEL_COLUMNS),
            error.score,
            source_cell(source, SOURCE_COLUMNS),
            cut(&error.text, text_columns)
        )?;
    }
    Ok(())
}
