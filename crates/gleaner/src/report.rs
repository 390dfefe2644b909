//! How well the lines of a file are understood: `turnstone scan --explain-parsing FILE`.

use crate::batch::BatchBuilder;
use crate::config::{SourceConfig, SourceKind};
use crate::error::GleanError;
use crate::parse::{Format, LineParser};
use crate::record::Assembler;
use crate::source::{Budget, SourceState};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Read;
use turnstone_types::{Severity, Timestamp, TimestampBasis, truncate_chars};

/// Undated lines that a report shows.
const EXAMPLES_MAX: usize = 10;

/// Characters of an example that are shown.
const EXAMPLE_CHARS_MAX: usize = 200;

/// What [`explain_parsing`] found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ParsingReport {
    /// Lines with something on them.
    pub lines: u64,
    /// Entries that the lines make.
    pub entries: u64,
    /// Lines that state their time, or go on with a record whose first line does.
    pub timed_lines: u64,
    /// Entries that state their time.
    pub timed_entries: u64,
    /// Lines of nothing but white space.
    pub empty_lines: u64,
    /// Lines with bytes that were replaced.
    pub repaired_lines: u64,
    /// Lines cut at the length limit.
    pub truncated_lines: u64,
    /// The earliest time stated.
    pub first_at: Option<Timestamp>,
    /// The latest time stated.
    pub last_at: Option<Timestamp>,
    /// Formats by number of lines, most first. All lines of a record count for the format of its first.
    pub formats: Vec<FormatShare>,
    /// Entries by stated severity, most severe last.
    pub severities: BTreeMap<Severity, u64>,
    /// The first entries without a time.
    pub undated_examples: Vec<UndatedLine>,
}

impl ParsingReport {
    /// Share of the lines that have a time of their own or of their record, 0 to 1; 1 for no lines.
    pub fn timed_share(&self) -> f64 {
        if self.lines == 0 {
            1.0
        } else {
            self.timed_lines as f64 / self.lines as f64
        }
    }
}

/// One format and how many lines are written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FormatShare {
    /// The format.
    pub format: Format,
    /// Lines.
    pub lines: u64,
}

/// A line without a time, where it stands and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndatedLine {
    /// Number of the line, from 1, empty lines included.
    pub line: u64,
    /// Its first characters, as they came: escape them before printing.
    pub text: String,
}

/// Reads a text to its end and reports what was understood, by the settings of `config`. `now` decides the year of times
/// that state none. Memory is bounded whatever the reader yields.
pub fn explain_parsing(
    mut reader: impl Read,
    config: &SourceConfig,
    now: Timestamp,
) -> Result<ParsingReport, GleanError> {
    let parser = LineParser::new(config.zone()?, now);
    let mut assembler = Assembler::new(parser, config.line_bytes_max, config.multiline, 0, false);
    let mut tally = Tally::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = match reader.read(&mut buffer) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(GleanError::Stream {
                    source_id: config.source_id.clone(),
                    error,
                });
            }
        };
        let budget = Budget {
            entries_max: usize::MAX,
            bytes_max: u64::MAX,
        };
        let mut batch = BatchBuilder::new(&config.source_id, SourceKind::Stdin, budget).with_facts();
        if bytes == 0 {
            assembler.flush(&mut batch);
            tally.add(batch);
            return Ok(tally.report());
        }
        assembler.feed(&buffer[..bytes], &mut batch);
        tally.add(batch);
    }
}

#[derive(Default)]
struct Tally {
    report: ParsingReport,
    formats: BTreeMap<Format, u64>,
}

impl Tally {
    fn add(&mut self, batch: BatchBuilder) {
        let report = &mut self.report;
        report.empty_lines += batch.empty_lines;
        let facts = batch.facts.clone().unwrap_or_default();
        let gleaned = batch.finish(Vec::new(), None, false, SourceState::More);
        report.repaired_lines += gleaned.delta.repaired_lines;
        report.truncated_lines += gleaned.delta.truncated_lines;
        report.entries += gleaned.delta.entries;
        for (entry, fact) in gleaned.entries.iter().zip(facts) {
            report.lines += fact.lines;
            *self.formats.entry(fact.format).or_default() += fact.lines;
            if let Some(severity) = entry.severity {
                *report.severities.entry(severity).or_default() += 1;
            }
            if entry.timestamp_basis == TimestampBasis::Parsed {
                report.timed_entries += 1;
                report.timed_lines += fact.lines;
                report.first_at = Some(
                    report
                        .first_at
                        .map_or(entry.timestamp, |first| first.min(entry.timestamp)),
                );
                report.last_at = report.last_at.max(Some(entry.timestamp));
            } else if report.undated_examples.len() < EXAMPLES_MAX {
                let text = truncate_chars(&entry.text, EXAMPLE_CHARS_MAX).to_owned();
                report.undated_examples.push(UndatedLine {
                    line: fact.first_line,
                    text,
                });
            }
        }
    }

    fn report(mut self) -> ParsingReport {
        self.report.formats = self
            .formats
            .into_iter()
            .map(|(format, lines)| FormatShare { format, lines })
            .collect();
        self.report
            .formats
            .sort_by_key(|share| std::cmp::Reverse(share.lines));
        self.report
    }
}
