//! What an explanation sends to whoever asked for it, in order: context, tokens and citations, then done or error.

use serde::{Deserialize, Serialize};
use turnstone_types::{EntryId, SourceId, Timestamp};

/// One piece of an answer. A stream of them never ends without [`Frame::Done`] or [`Frame::Error`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Frame {
    /// What the answer rests on; always first. A second one takes its place, before any text: the lines did not fit into the
    /// model, and fewer were asked about.
    Context(ContextFrame),
    /// A piece of text, as it arrives.
    Token(TokenFrame),
    /// A line that the text just named.
    Citation(CitationFrame),
    /// The whole answer. Last.
    Done(DoneFrame),
    /// Why there is no answer. Last.
    Error(ErrorFrame),
}

/// The lines that the answer rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContextFrame {
    /// The lines given, in the order of the context.
    pub lines: Vec<CitableLine>,
    /// Start of the window.
    pub time_from: Option<Timestamp>,
    /// End of the window.
    pub time_until: Option<Timestamp>,
    /// Entries of the window that did not fit, or that repeat a line.
    pub left_out_count: u32,
    /// What was left out, in words; empty when nothing was.
    pub left_out: String,
    /// How many values of each kind were redacted, by kind.
    pub redacted: Vec<(String, u32)>,
}

/// A line that an answer can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitableLine {
    /// What the model calls it: `L1`, `L2`, …
    pub reference: String,
    /// The entry; of a folded line the first.
    pub entry_id: EntryId,
    /// Entries that this line stands for, itself included.
    pub count: u32,
    /// Where it comes from.
    pub source_id: SourceId,
    /// Its time.
    pub timestamp: Timestamp,
    /// The start of the line as it is stored, for people: not redacted, unlike what a model is given. Written by whoever writes
    /// logs: do not trust it.
    pub text: String,
}

/// A piece of text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFrame {
    /// Never empty. Written by a model that read what attackers wrote: plain text, not markup.
    pub text: String,
}

/// A line that the text named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitationFrame {
    /// As the model wrote it, for example `L7`.
    pub reference: String,
    /// The entry; `None` where the model named a line that it was not given.
    pub entry_id: Option<EntryId>,
}

/// The whole answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DoneFrame {
    /// Empty where the model left the section out.
    pub what_happened: String,
    /// Empty where the model left the section out.
    pub likely_cause: String,
    /// With references to lines.
    pub evidence: String,
    /// What to check next.
    pub next_steps: String,
    /// The model that answered; `None` for the evidence summary, which needs none.
    pub model: Option<String>,
    /// Time from the question to the end of the answer.
    pub seconds: f64,
    /// Tokens of the answer, as the server counted them; 0 where it did not.
    pub token_count: u32,
    /// Whether it was kept from an earlier question.
    pub cached: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// For a person: what went wrong and what to do.
    pub reason: String,
    /// Whether asking again may help.
    pub retryable: bool,
}
