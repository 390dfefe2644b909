//! What a model answered: which lines it names, which of them it was given, and its sections. The text may be anything; it is
//! kept whole up to a limit and is never markup.

mod citations;
mod sections;

#[cfg(test)]
mod tests;

use crate::frame::{CitationFrame, ContextFrame, DoneFrame};
use citations::{Mention, Scanner};
use std::collections::BTreeSet;
use turnstone_types::EntryId;

/// Bytes of an answer that are kept. A model is told to stay far below.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Different lines that are kept of those which an answer names.
const CITED_MAX: usize = 1_000;

/// Citations that are reported. A model that writes `L1-L60` over and over makes sixty of each six bytes, and they are kept for
/// all who read.
const CITATIONS_MAX: usize = 2_000;

/// An answer in its sections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// What happened; the whole text where the model wrote no heading.
    pub what_happened: String,
    /// Likely cause; empty where the model left it out.
    pub likely_cause: String,
    /// Evidence; empty where the model left it out.
    pub evidence: String,
    /// What to check next; empty where the model left it out.
    pub next_steps: String,
    /// Lines named that the model was given, as `L7`, in the order of their numbers.
    pub cited: Vec<String>,
    /// Lines named that it was not given.
    pub invented: Vec<String>,
    /// Whether text was dropped because there was too much of it.
    pub truncated: bool,
}

impl Answer {
    /// The last frame of an explanation. `model` is `None` for the summary without one.
    pub fn into_done(self, model: Option<String>, seconds: f64, token_count: u32) -> DoneFrame {
        DoneFrame {
            what_happened: self.what_happened,
            likely_cause: self.likely_cause,
            evidence: self.evidence,
            next_steps: self.next_steps,
            model,
            seconds,
            token_count,
            cached: false,
        }
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        [
            &self.what_happened,
            &self.likely_cause,
            &self.evidence,
            &self.next_steps,
        ]
        .iter()
        .all(|section| section.trim().is_empty())
    }
}

/// Reads an answer as it arrives. However the text is cut into pieces, the citations and the answer are the same.
#[derive(Debug, Clone)]
pub struct AnswerParser {
    /// Entries by the number of their line, from 1.
    entries: Vec<EntryId>,
    scanner: Scanner,
    text: String,
    cited: BTreeSet<u32>,
    invented: BTreeSet<u32>,
    /// Citations that were reported.
    reported: usize,
    truncated: bool,
}

impl AnswerParser {
    /// A parser for an answer that rests on these lines.
    pub fn new(context: &ContextFrame) -> Self {
        Self {
            entries: context.lines.iter().map(|line| line.entry_id.clone()).collect(),
            scanner: Scanner::default(),
            text: String::new(),
            cited: BTreeSet::new(),
            invented: BTreeSet::new(),
            reported: 0,
            truncated: false,
        }
    }

    /// Takes the next piece and returns the citations that it completes, of all pieces together at most 2,000. Whether `L7` is
    /// complete shows only behind it.
    pub fn push(&mut self, piece: &str) -> Vec<CitationFrame> {
        let room = ANSWER_BYTES_MAX - self.text.len();
        let mut taken = piece;
        if self.truncated {
            taken = "";
        } else if piece.len() > room {
            let mut end = room;
            while !piece.is_char_boundary(end) {
                end -= 1;
            }
            taken = &piece[..end];
            self.truncated = true;
        }
        self.text.push_str(taken);
        let mut mentions = Vec::new();
        for c in taken.chars() {
            self.scanner.step(c, &mut mentions);
        }
        self.frames(&mentions)
    }

    /// Ends the answer. The citations are those that the end of the text completes.
    pub fn finish(mut self) -> (Vec<CitationFrame>, Answer) {
        let mut mentions = Vec::new();
        self.scanner.finish(&mut mentions);
        let frames = self.frames(&mentions);
        let references =
            |numbers: &BTreeSet<u32>| numbers.iter().map(|number| format!("L{number}")).collect();
        let mut answer = sections::split(&self.text);
        answer.cited = references(&self.cited);
        answer.invented = references(&self.invented);
        answer.truncated = self.truncated;
        (frames, answer)
    }

    fn entry(&self, number: u32) -> Option<&EntryId> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.entries.get(index)
    }

    fn frames(&mut self, mentions: &[Mention]) -> Vec<CitationFrame> {
        let mut frames = Vec::new();
        for mention in mentions {
            self.frame(mention.from, &mut frames);
            let Some(to) = mention.to else { continue };
            // Of a range, the lines between its ends count only where they exist: a model may write L1-L900000.
            let known = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            for number in mention.from.saturating_add(1)..to.min(known.saturating_add(1)) {
                self.frame(number, &mut frames);
            }
            if to != mention.from {
                self.frame(to, &mut frames);
            }
        }
        frames
    }

    fn frame(&mut self, number: u32, frames: &mut Vec<CitationFrame>) {
        let entry_id = self.entry(number).cloned();
        let kept = if entry_id.is_some() {
            &mut self.cited
        } else {
            &mut self.invented
        };
        if kept.len() < CITED_MAX {
            kept.insert(number);
        }
        if self.reported < CITATIONS_MAX {
            self.reported += 1;
            frames.push(CitationFrame {
                reference: format!("L{number}"),
                entry_id,
            });
        }
    }
}
