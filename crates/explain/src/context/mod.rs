//! What an answer rests on: some lines, each with a short reference, redacted, folded and cut to what a model can read.
//! `select` chooses the lines, `tokens` says what they cost; how they are put to a model is for `prompt`.

mod select;
mod tokens;

#[cfg(test)]
mod tests;

pub use tokens::token_estimate;

use crate::frame::{CitableLine, ContextFrame};
use crate::input::Line;
use crate::prompt::PROMPT_VERSION;
use crate::redaction::{RedactionOptions, RedactionReport, Redactor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use turnstone_types::{Detection, EntryId, Label, Severity, SourceId, Timestamp};

/// How much a context may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextOptions {
    /// Seconds before and after the entry from which lines are taken.
    pub window_seconds: u32,
    /// Lines at most; folded lines count as one. The entry itself is always there.
    pub lines_max: usize,
    /// Estimated tokens of all lines together, at most. `prompt::lines_tokens_max` has it from the size of a model's context.
    pub tokens_max: usize,
    /// Characters of one line at most; the entry itself gets four times as many.
    pub line_chars_max: usize,
    /// What is redacted beside secrets. `None` redacts nothing: only where the text does not leave the process.
    pub redaction: Option<RedactionOptions>,
}

impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            window_seconds: 300,
            lines_max: 60,
            tokens_max: 3_000,
            line_chars_max: 400,
            redaction: Some(RedactionOptions::default()),
        }
    }
}

/// An entry to explain, with what the caller read around it.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextInput {
    /// The entry.
    pub entry: Line,
    /// Its detections.
    pub detections: Vec<Detection>,
    /// Lines around it, in any order. Those of other sources and from outside the window are passed over.
    pub lines: Vec<Line>,
    /// Lines of the window in front of those that the caller did not read: at least so many.
    pub unread_before: u64,
    /// Lines of the window behind those that the caller did not read: at least so many.
    pub unread_after: u64,
}

/// Why a line is evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceReason {
    /// Its shape is rare.
    Rare,
    /// The search for the question found it.
    Found,
    /// It is a detection.
    Detection,
}

/// A line that may help to answer a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The line.
    pub line: Line,
    /// Why it is here.
    pub reason: EvidenceReason,
    /// Higher goes in first; compared by `f64::total_cmp`.
    pub rank: f64,
}

/// What the caller found for a question.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceInput {
    /// The lines, in any order, of any source.
    pub lines: Vec<Evidence>,
    /// Start of the time that was searched.
    pub time_from: Option<Timestamp>,
    /// End of the time that was searched.
    pub time_until: Option<Timestamp>,
    /// Lines found that the caller did not read.
    pub unread: u64,
}

/// What a line does in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRole {
    /// It is to be explained.
    Target,
    /// It stands near the target.
    Near,
    /// It is evidence for a question.
    Evidence(EvidenceReason),
}

/// A line of a context, or a run of lines that differ only in their variable parts.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextLine {
    /// Its number, from 1: the model calls it `L1`.
    pub number: u32,
    /// The entry, or the first one of the run.
    pub entry_id: EntryId,
    /// The last entry of the run.
    pub last_entry_id: EntryId,
    /// Entries of the run.
    pub count: u32,
    /// Where it comes from.
    pub source_id: SourceId,
    /// Its time, or that of the first one of the run.
    pub timestamp: Timestamp,
    /// Time of the last one of the run.
    pub last_timestamp: Timestamp,
    /// Text of the first one, redacted and cut. Still written by strangers.
    pub text: String,
    /// Start of the first one as it is stored: for people, never for a model.
    pub raw_text: String,
    /// Its own severity.
    pub severity: Option<Severity>,
    /// Label and score, where it is scored.
    pub score: Option<(Label, f64)>,
    /// What it does here.
    pub role: LineRole,
}

impl ContextLine {
    /// What the model calls it.
    pub fn reference(&self) -> String {
        format!("L{}", self.number)
    }
}

/// Lines that are not in a context, or not in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Lines in front of the first one.
    pub before: u64,
    /// Lines behind the last one.
    pub after: u64,
    /// Whether there may be more in front of the first one than counted.
    pub before_is_least: bool,
    /// Whether there may be more behind the last one than counted.
    pub after_is_least: bool,
    /// Lines of lower rank; of evidence only.
    pub lower: u64,
    /// Lines that are only counted, in a line like them.
    pub folded: u64,
    /// Lines whose text was cut.
    pub cut: u64,
}

impl LeftOut {
    /// Lines whose text is not in the context.
    pub fn count(&self) -> u64 {
        self.before + self.after + self.lower + self.folded
    }

    /// In words; empty when nothing was left out.
    pub fn in_words(&self) -> String {
        let lines = |count: u64| if count == 1 { "line" } else { "lines" };
        let mut parts = Vec::new();
        for (count, is_least, which) in [
            (self.before, self.before_is_least, "earlier"),
            (self.after, self.after_is_least, "later"),
            (self.lower, false, "less relevant"),
        ] {
            if count > 0 {
                let least = if is_least { "at least " } else { "" };
                parts.push(format!("{least}{count} {which} {} left out", lines(count)));
            }
        }
        if self.folded > 0 {
            parts.push(format!(
                "{} {} like another only counted",
                self.folded,
                lines(self.folded)
            ));
        }
        if self.cut > 0 {
            parts.push(format!("{} long {} cut", self.cut, lines(self.cut)));
        }
        parts.join(", ")
    }
}

/// What was found out about the entry before.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionNote {
    /// Normalised label.
    pub label: Label,
    /// Its score, 0 to 1.
    pub score: f64,
    /// Severity of the label.
    pub severity: Severity,
}

/// The lines that an answer rests on. The same input gives the same context.
#[derive(Debug, Clone)]
pub struct Context {
    /// In the order of time.
    pub lines: Vec<ContextLine>,
    /// Index in `lines` of the line to explain.
    pub target: Option<usize>,
    /// What the classifiers said of it.
    pub detections: Vec<DetectionNote>,
    /// Start of the window.
    pub time_from: Option<Timestamp>,
    /// End of the window.
    pub time_until: Option<Timestamp>,
    /// What is not there.
    pub left_out: LeftOut,
    /// What was redacted in `lines`, and in texts given to [`Self::redact`].
    pub redacted: RedactionReport,
    redactor: Option<Redactor>,
    options: ContextOptions,
}

impl Context {
    /// The lines around an entry.
    ///
    /// Lines that follow each other and have one template are folded. From the entry outwards the nearer one goes in first,
    /// until a side has a line for which there is no room; so each side has no holes. The entry itself is never folded.
    pub fn around(input: &ContextInput, options: &ContextOptions) -> Self {
        select::around(input, options)
    }

    /// The best lines for a question, in the order of time. Lines of one source and template are folded wherever they stand.
    pub fn of_evidence(input: &EvidenceInput, options: &ContextOptions) -> Self {
        select::of_evidence(input, options)
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line to explain.
    pub fn target_line(&self) -> Option<&ContextLine> {
        self.target.and_then(|index| self.lines.get(index))
    }

    /// Redacts text that goes along with the lines, such as the question: a value has the placeholder that it has in them.
    pub fn redact(&mut self, text: &str) -> String {
        let Some(redactor) = &mut self.redactor else {
            return text.to_owned();
        };
        let (text, report) = redactor.redact_counted(text);
        self.redacted.add(&report);
        text
    }

    /// As it is told to whoever asked.
    pub fn frame(&self) -> ContextFrame {
        let citable = |line: &ContextLine| CitableLine {
            reference: line.reference(),
            entry_id: line.entry_id.clone(),
            count: line.count,
            source_id: line.source_id.clone(),
            timestamp: line.timestamp,
            text: line.raw_text.clone(),
        };
        ContextFrame {
            lines: self.lines.iter().map(citable).collect(),
            time_from: self.time_from,
            time_until: self.time_until,
            left_out_count: u32::try_from(self.left_out.count()).unwrap_or(u32::MAX),
            left_out: self.left_out.in_words(),
            redacted: self.redacted.counts(),
        }
    }

    /// SHA-256, in lower-case hexadecimal, over all that decides what the model is given: prompt version, question, options,
    /// detections, and of each line its entries, time, count and text. The question of an explanation is empty.
    pub fn hash(&self, question: &str) -> String {
        let mut hash = FieldHash::default();
        hash.field(&PROMPT_VERSION.to_le_bytes());
        hash.field(question.as_bytes());
        hash.field(format!("{:?}", self.options).as_bytes());
        hash.field(
            format!(
                "{:?}",
                (self.time_from, self.time_until, self.target, &self.left_out)
            )
            .as_bytes(),
        );
        for note in &self.detections {
            hash.field(format!("{} {:.4} {}", note.label, note.score, note.severity).as_bytes());
        }
        for line in &self.lines {
            hash.field(line.entry_id.as_str().as_bytes());
            hash.field(line.last_entry_id.as_str().as_bytes());
            hash.field(line.source_id.as_str().as_bytes());
            hash.field(&line.count.to_le_bytes());
            hash.field(&line.timestamp.as_microsecond().to_le_bytes());
            hash.field(line.text.as_bytes());
        }
        hash.finish()
    }
}

/// A hash over fields that cannot run into each other.
#[derive(Default)]
struct FieldHash(Sha256);

impl FieldHash {
    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> String {
        self.0
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
