//! Detections and entries as rows: one JSON object by column names, or one line of a table whose columns have fixed widths,
//! so that rows can be printed as they come.

use super::{escape_controls, marks, print_json};
use crate::arguments::Format;
use console::Style;
use serde::Serialize;
use std::io::Write;
use std::ops::Range;
use turnstone_proto::v1;
use turnstone_types::{Severity, Timestamp};

/// Width of a table where the terminal does not tell.
const COLUMNS_DEFAULT: usize = 160;
/// Columns of a source.
const SOURCE_COLUMNS: usize = 16;
/// The fewest columns that text gets, whatever the terminal says: a row fits into 100.
const TEXT_COLUMNS_MIN: usize = 28;
/// Columns that a row of a detection or an entry has beside its text.
const OTHER_COLUMNS: usize = 72;

/// A detection by its column names.
#[derive(Debug, Clone, Serialize)]
pub struct DetectionRow {
    /// Id; absent for detections that are not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<String>,
    pub source_id: String,
    pub scorer: String,
    pub anomaly_label: String,
    pub anomaly_score: f64,
    pub severity: String,
    pub text: String,
    pub timestamp_iso: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement_id: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Option<String>>,
}

impl From<v1::Detection> for DetectionRow {
    fn from(detection: v1::Detection) -> Self {
        let severity = severity_name(detection.severity());
        let verdict = detection.verdict().to_domain();
        let named = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: Some(detection.id),
            tenant_id: Some(detection.tenant_id),
            entry_id: Some(detection.entry_id),
            source_id: detection.source_id,
            scorer: detection.scorer,
            anomaly_label: detection.anomaly_label,
            anomaly_score: detection.anomaly_score,
            severity,
            text: detection.text,
            timestamp_iso: instant(detection.timestamp.as_ref()),
            detected_at: instant(detection.detected_at.as_ref()),
            acknowledged: Some(detection.acknowledged),
            // Null while nobody has: a stored row has all its columns.
            acknowledged_at: Some(instant(detection.acknowledged_at.as_ref())),
            notes: Some(detection.notes),
            verdict: Some(verdict.map(|verdict| verdict.to_string())),
            acknowledgement_id: Some(named(detection.acknowledgement_id)),
            suppressed: Some(detection.suppressed),
            fingerprint: Some(named(detection.fingerprint)),
        }
    }
}

/// An entry by its column names.
#[derive(Debug, Clone, Serialize)]
pub struct EntryRow {
    pub id: String,
    pub tenant_id: String,
    pub source_id: String,
    pub cycle_id: String,
    pub text: String,
    pub timestamp_iso: Option<Timestamp>,
    pub severity: Option<String>,
    pub ingest_time: Option<Timestamp>,
    pub anomaly_label: Option<String>,
    pub anomaly_score: Option<f64>,
    pub anomaly_scored_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine_reason: Option<String>,
    /// Where a search found something, in bytes of the text; absent where there was no query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlights: Option<Vec<Range<usize>>>,
    /// How well it matches, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relevance: Option<f64>,
}

impl From<v1::Entry> for EntryRow {
    fn from(entry: v1::Entry) -> Self {
        let severity = entry.severity().to_domain().map(|severity| severity.to_string());
        let scored = !entry.anomaly_label.is_empty();
        Self {
            id: entry.id,
            tenant_id: entry.tenant_id,
            source_id: entry.source_id,
            cycle_id: entry.cycle_id,
            text: entry.text,
            timestamp_iso: instant(entry.timestamp.as_ref()),
            severity,
            ingest_time: instant(entry.ingest_time.as_ref()),
            anomaly_score: scored.then_some(entry.anomaly_score),
            anomaly_label: scored.then_some(entry.anomaly_label),
            anomaly_scored_at: instant(entry.anomaly_scored_at.as_ref()),
            quarantine_reason: Some(entry.quarantine_reason).filter(|reason| !reason.is_empty()),
            highlights: None,
            relevance: None,
        }
    }
}

/// An instant off the wire; `None` where there is none.
pub fn instant(timestamp: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    timestamp.and_then(|timestamp| turnstone_proto::timestamp_from_proto(timestamp).ok())
}

/// A severity off the wire by its name; empty where it is not stated.
pub fn severity_name(severity: v1::Severity) -> String {
    severity
        .to_domain()
        .map_or_else(String::new, |severity| severity.to_string())
}

/// Prints rows in one format to standard output.
pub struct RowPrinter {
    pub(super) format: Format,
    pub(super) header_printed: bool,
    columns: usize,
    colours: bool,
}

impl RowPrinter {
    /// Decides on width and colour once: colour only on a terminal that wants it.
    pub fn new(format: Format) -> Self {
        let terminal = console::Term::stdout();
        let columns = if terminal.is_term() {
            usize::from(terminal.size().1)
        } else {
            COLUMNS_DEFAULT
        };
        Self {
            format,
            header_printed: false,
            columns,
            colours: terminal.is_term() && console::colors_enabled(),
        }
    }

    /// Prints one detection.
    pub fn detection(&mut self, out: &mut impl Write, row: &DetectionRow) -> anyhow::Result<()> {
        if self.format == Format::Jsonl {
            return print_json(out, row);
        }
        if !self.header_printed {
            self.header_printed = true;
            writeln!(
                out,
                "{:<20} {:<8} {:<18} {:>5} {:<16} TEXT",
                "TIME", "SEVERITY", "LABEL", "SCORE", "SOURCE"
            )?;
        }
        let severity = self.severity(&row.severity);
        writeln!(
            out,
            "{} {severity} {} {:>5.3} {} {}",
            time_cell(row.timestamp_iso),
            cell(&row.anomaly_label, 18),
            row.anomaly_score,
            source_cell(&row.source_id, SOURCE_COLUMNS),
            cut(&row.text, self.text_columns(OTHER_COLUMNS)),
        )?;
        if let Some(id) = &row.id {
            let mut state = String::new();
            if row.acknowledged == Some(true) {
                state.push_str(if row.suppressed == Some(true) {
                    "  suppressed"
                } else {
                    "  acknowledged"
                });
            }
            if let Some(Some(verdict)) = &row.verdict {
                state.push_str("  ");
                state.push_str(verdict);
            }
            writeln!(out, "{:<20} {}{state}", "", escape_controls(id))?;
        }
        Ok(())
    }

    /// Prints one entry.
    pub fn entry(&mut self, out: &mut impl Write, row: &EntryRow) -> anyhow::Result<()> {
        if self.format == Format::Jsonl {
            return print_json(out, row);
        }
        if !self.header_printed {
            self.header_printed = true;
            writeln!(
                out,
                "{:<20} {:<8} {:<18} {:>5} {:<16} TEXT",
                "TIME", "SEVERITY", "LABEL", "SCORE", "SOURCE"
            )?;
        }
        let score = row
            .anomaly_score
            .map_or_else(String::new, |score| format!("{score:.3}"));
        writeln!(
            out,
            "{} {} {} {score:>5} {} {}",
            time_cell(row.timestamp_iso),
            self.severity(row.severity.as_deref().unwrap_or("")),
            cell(row.anomaly_label.as_deref().unwrap_or(""), 18),
            source_cell(&row.source_id, SOURCE_COLUMNS),
            marks::marked(
                &row.text,
                row.highlights.as_deref().unwrap_or_default(),
                self.text_columns(OTHER_COLUMNS),
                self.colours
                    .then(|| Style::new().bold().underlined().force_styling(true))
                    .as_ref(),
            ),
        )?;
        Ok(())
    }

    /// Columns for text beside `other_columns`.
    pub(super) fn text_columns(&self, other_columns: usize) -> usize {
        self.columns.saturating_sub(other_columns).max(TEXT_COLUMNS_MIN)
    }

    pub(super) fn severity(&self, severity: &str) -> String {
        let padded = cell(severity, 8);
        if !self.colours {
            return padded;
        }
        let style = match severity.parse() {
            Ok(Severity::Critical) => Style::new().red().bold(),
            Ok(Severity::Error) => Style::new().red(),
            Ok(Severity::Warn) => Style::new().yellow(),
            Ok(Severity::Debug) => Style::new().dim(),
            _ => Style::new(),
        };
        style.apply_to(padded).to_string()
    }
}

/// An instant as tables show it.
pub fn to_the_second(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn time_cell(instant: Option<Timestamp>) -> String {
    instant.map_or_else(|| " ".repeat(20), |instant| cell(&to_the_second(instant), 20))
}

/// A cell of exactly `columns` columns, escaped.
pub fn cell(text: &str, columns: usize) -> String {
    console::pad_str(&cut(text, columns), columns, console::Alignment::Left, None).into_owned()
}

/// A source in a cell of exactly `columns` columns; of a long path the end, which tells files apart.
pub fn source_cell(source_id: &str, columns: usize) -> String {
    let shown = escape_controls(source_id);
    let excess = console::measure_text_width(&shown).saturating_sub(columns);
    if excess == 0 || !shown.contains('/') {
        return cell(source_id, columns);
    }
    let tail: String = shown.chars().skip(excess + 1).collect();
    console::pad_str(&format!("…{tail}"), columns, console::Alignment::Left, None).into_owned()
}

/// The start of a text, escaped, in at most `columns` columns.
pub fn cut(text: &str, columns: usize) -> String {
    // Escaping a megabyte to show a hundred columns of it would be waste.
    let start = turnstone_types::truncate_chars(text, columns + 1);
    console::truncate_str(&escape_controls(start), columns, "…").into_owned()
}

/// A whole number with its thousands apart: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_width_whatever_the_text() {
        for text in [
            "",
            "short",
            "a much longer text than fits",
            "漢字漢字漢字漢字漢字",
            "\u{1b}[31mx",
            "é\u{301}",
        ] {
            assert_eq!(console::measure_text_width(&cell(text, 10)), 10, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
