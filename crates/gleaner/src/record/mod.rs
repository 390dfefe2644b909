//! From lines to records: one line, or a stack trace with the line that it belongs to.
//!
//! A record is closed by the line that starts the next one, by the end of input, or by quiet. Until then it is held in
//! memory only: the position that a checkpoint names lies before an open record, so that a restart reads it whole.

mod continuation;

use crate::batch::{BatchBuilder, RecordFacts};
use crate::lines::{RawLine, Splitter, clean_line, without_escapes};
use crate::parse::{Header, LineParser};
use continuation::{Trace, continues, trace_begun_by};
use std::borrow::Cow;

/// Lines that one record may hold; what follows becomes a record of its own.
pub const RECORD_LINES_MAX: usize = 1_000;

/// Bytes that one record of several lines may hold; what follows becomes a record of its own.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

/// Empty lines in a row that are kept inside a record.
const BLANK_LINES_KEPT_MAX: u64 = 2;

#[derive(Debug)]
struct OpenRecord {
    text: String,
    header: Header,
    lines: usize,
    first_line: u64,
    /// Offset of its first byte in the source.
    start: u64,
    trace: Trace,
    /// Empty lines since its last line; part of the record only if it goes on.
    blank_lines: u64,
}

/// Turns the bytes of one file or stream into entries.
#[derive(Debug)]
pub(crate) struct Assembler {
    splitter: Splitter,
    parser: LineParser,
    open: Option<OpenRecord>,
    joins_lines: bool,
    next_line: LinePosition,
}

/// Where the next line begins.
#[derive(Debug, Clone, Copy)]
struct LinePosition {
    /// Offset in the source.
    offset: u64,
    /// Number of the line since reading began, from 1.
    number: u64,
}

impl Assembler {
    /// Starts at `offset`; `is_rest` tells that the beginning of the line there was handed out before.
    pub(crate) fn new(
        parser: LineParser,
        line_bytes_max: usize,
        joins_lines: bool,
        offset: u64,
        is_rest: bool,
    ) -> Self {
        Self {
            splitter: Splitter::new(line_bytes_max, is_rest),
            parser,
            open: None,
            joins_lines,
            next_line: LinePosition { offset, number: 1 },
        }
    }

    /// The offset up to which everything has been handed out: where a restart has to go on.
    pub(crate) fn closed_offset(&self) -> u64 {
        self.open
            .as_ref()
            .map_or(self.next_line.offset, |open| open.start)
    }

    /// Whether the byte at [`Self::closed_offset`] goes on with a line whose beginning was handed out.
    pub(crate) fn closed_inside_line(&self) -> bool {
        self.open.is_none() && self.splitter.is_rest()
    }

    /// The offset of the next byte to feed.
    pub(crate) fn next_offset(&self) -> u64 {
        self.next_line.offset + self.splitter.partial_bytes()
    }

    /// Whether lines are held that no batch has yet.
    pub(crate) fn holds_lines(&self) -> bool {
        self.open.is_some() || self.splitter.partial_bytes() > 0
    }

    /// Whether a line without line end is held.
    pub(crate) fn holds_partial_line(&self) -> bool {
        self.splitter.partial_bytes() > 0
    }

    /// The parser, for its state and its clock.
    pub(crate) fn parser(&self) -> &LineParser {
        &self.parser
    }

    /// The parser, to set its clock.
    pub(crate) fn parser_mut(&mut self) -> &mut LineParser {
        &mut self.parser
    }

    /// Takes bytes until they or the budget are used up and returns how many it took. Whatever it did not take must be
    /// fed again.
    pub(crate) fn feed(&mut self, bytes: &[u8], batch: &mut BatchBuilder) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && !batch.is_full() {
            let Some(line) = self.splitter.next_line(&mut rest) else {
                break;
            };
            self.next_line = take_line(
                &mut self.open,
                &mut self.parser,
                self.joins_lines,
                self.next_line,
                &line,
                batch,
            );
        }
        bytes.len() - rest.len()
    }

    /// Hands out the open record, if there is one; a line without line end stays held.
    pub(crate) fn close_record(&mut self, batch: &mut BatchBuilder) {
        close(&mut self.open, &mut self.parser, batch);
    }

    /// Hands out everything that is held, the last line without line end included.
    pub(crate) fn flush(&mut self, batch: &mut BatchBuilder) {
        if let Some(line) = self.splitter.take_partial() {
            self.next_line = take_line(
                &mut self.open,
                &mut self.parser,
                self.joins_lines,
                self.next_line,
                &line,
                batch,
            );
        }
        close(&mut self.open, &mut self.parser, batch);
    }
}

/// Adds one line and returns the position of the next. A free function, since the line borrows from the splitter.
fn take_line(
    open: &mut Option<OpenRecord>,
    parser: &mut LineParser,
    joins_lines: bool,
    position: LinePosition,
    line: &RawLine<'_>,
    batch: &mut BatchBuilder,
) -> LinePosition {
    let end = LinePosition {
        offset: position.offset + line.span_bytes,
        number: position.number + 1,
    };
    batch.count_bytes(line.span_bytes);
    let clean = clean_line(line.bytes);
    if clean.text.trim_ascii().is_empty() && line.cut_bytes == 0 {
        match open {
            // The line feed that completes a line handed out without it is no line of its own.
            _ if line.is_rest && clean.text.is_empty() => {}
            Some(record) if record.trace != Trace::None => record.blank_lines += 1,
            _ => batch.empty_lines += 1,
        }
        return end;
    }
    if clean.is_repaired {
        batch.count_repaired_line();
    }
    if line.cut_bytes > 0 {
        batch.count_truncated_line(line.cut_bytes);
    }
    if clean.has_escapes {
        batch.escape_lines += 1;
    }
    let text = clean.text;
    let header = if clean.has_escapes {
        parser.read(&without_escapes(&text))
    } else {
        parser.read(&text)
    };
    let mut trace = if joins_lines {
        trace_begun_by(&text)
    } else {
        Trace::None
    };
    if joins_lines
        && let Some(record) = open.as_mut()
        && let Some(next_trace) = continues(
            record.trace,
            record.header.time.is_some(),
            record.lines,
            &text,
            &header,
        )
    {
        let blank_lines = std::mem::take(&mut record.blank_lines);
        let kept_blank_lines = blank_lines.min(BLANK_LINES_KEPT_MAX);
        let bytes = record.text.len() + kept_blank_lines as usize + 1 + text.len();
        if record.lines < RECORD_LINES_MAX && bytes <= RECORD_BYTES_MAX {
            for _ in 0..=kept_blank_lines {
                record.text.push('\n');
            }
            record.text.push_str(&text);
            record.lines += 1;
            record.trace = next_trace;
            return end;
        }
        // The record is full: what follows is a record of its own that still knows which trace it is in.
        trace = next_trace;
    }
    close(open, parser, batch);
    let text = match text {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    };
    let record = OpenRecord {
        text,
        header,
        lines: 1,
        first_line: position.number,
        start: position.offset,
        trace,
        blank_lines: 0,
    };
    *open = Some(record);
    if !joins_lines {
        close(open, parser, batch);
    }
    end
}

fn close(open: &mut Option<OpenRecord>, parser: &mut LineParser, batch: &mut BatchBuilder) {
    if let Some(record) = open.take() {
        batch.empty_lines += record.blank_lines;
        let (timestamp, basis) = parser.date(&record.header);
        let facts = RecordFacts {
            first_line: record.first_line,
            lines: record.lines as u64,
            format: record.header.format,
        };
        batch.push(record.text, timestamp, basis, record.header.severity, facts);
    }
}

#[cfg(test)]
mod tests;
