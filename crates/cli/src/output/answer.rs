//! Prints an explanation: text as it is written, then the lines that it names; or its frames as JSON. What a model writes repeats
//! what attackers wrote, so all of it is made safe for the terminal.

use super::{cut, escape_controls, grouped, instant, print_json, to_the_second};
use crate::arguments::AnswerFormat;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;
use turnstone_proto::v1;
use turnstone_proto::v1::explanation_frame::Frame;

/// Columns of a line that an answer names, beside its reference, time and source.
const LINE_COLUMNS: usize = 160;

/// How an answer ended.
#[derive(Debug, PartialEq)]
pub enum AnswerEnd {
    /// It is whole; how it was made, for people.
    Done(String),
    /// It is not; why.
    Failed(String),
}

/// Prints the frames of one answer.
pub struct AnswerPrinter {
    format: AnswerFormat,
    context: v1::ExplanationContext,
    cited: Vec<v1::ExplanationCitation>,
    seen: BTreeSet<String>,
    /// Whether text was printed, and whether its last character ended a line.
    has_text: bool,
    at_line_start: bool,
}

impl AnswerPrinter {
    pub fn new(format: AnswerFormat) -> Self {
        Self {
            format,
            context: v1::ExplanationContext::default(),
            cited: Vec::new(),
            seen: BTreeSet::new(),
            has_text: false,
            at_line_start: true,
        }
    }

    /// Prints one frame; answers how the whole ended where it is the last one.
    pub fn frame(
        &mut self,
        out: &mut impl Write,
        frame: v1::ExplanationFrame,
    ) -> anyhow::Result<Option<AnswerEnd>> {
        let v1::ExplanationFrame {
            frame: Some(kind),
            id,
        } = frame
        else {
            // Of a newer server.
            return Ok(None);
        };
        if self.format == AnswerFormat::Jsonl {
            print_frame(out, &id, &kind)?;
        }
        let is_text = self.format == AnswerFormat::Text;
        match kind {
            Frame::Context(context) => {
                if is_text && self.has_text {
                    self.end_line(out)?;
                    writeln!(out, "--- the answer begins again")?;
                }
                self.cited.clear();
                self.seen.clear();
                self.has_text = false;
                self.context = context;
            }
            Frame::Token(token) if is_text => self.text(out, &token.text)?,
            Frame::Citation(citation) => {
                if self.seen.insert(citation.reference.clone()) {
                    self.cited.push(citation);
                }
            }
            Frame::Done(done) => {
                if is_text {
                    if !self.has_text {
                        self.sections(out, &done)?;
                    }
                    self.end_line(out)?;
                    self.lines(out)?;
                }
                return Ok(Some(AnswerEnd::Done(self.how_made(&done))));
            }
            Frame::Error(error) => {
                self.end_line(out)?;
                let again = if error.retryable {
                    " (asking again may help)"
                } else {
                    ""
                };
                return Ok(Some(AnswerEnd::Failed(format!(
                    "{}{again}",
                    escape_controls(&error.reason)
                ))));
            }
            Frame::Token(_) | Frame::Heartbeat(_) => {}
        }
        Ok(None)
    }

    fn text(&mut self, out: &mut impl Write, text: &str) -> anyhow::Result<()> {
        for (place, line) in text.split('\n').enumerate() {
            if place > 0 {
                writeln!(out)?;
                self.at_line_start = true;
            }
            if !line.is_empty() {
                write!(out, "{}", escape_controls(line))?;
                self.at_line_start = false;
            }
        }
        self.has_text = true;
        Ok(())
    }

    fn end_line(&mut self, out: &mut impl Write) -> anyhow::Result<()> {
        if !self.at_line_start {
            writeln!(out)?;
            self.at_line_start = true;
        }
        Ok(())
    }

    /// An answer that came as a whole: kept from earlier, or made without a model.
    fn sections(&mut self, out: &mut impl Write, done: &v1::ExplanationDone) -> anyhow::Result<()> {
        let sections = [
            ("What happened", &done.what_happened),
            ("Likely cause", &done.likely_cause),
            ("Evidence", &done.evidence),
            ("What to check next", &done.next_steps),
        ];
        for (heading, text) in sections {
            if !text.trim().is_empty() {
                let blank = if self.has_text { "\n" } else { "" };
                self.end_line(out)?;
                self.text(out, &format!("{blank}## {heading}\n{}\n", text.trim()))?;
            }
        }
        Ok(())
    }

    /// The lines that the answer names.
    fn lines(&self, out: &mut impl Write) -> anyhow::Result<()> {
        if !self.cited.is_empty() {
            writeln!(out)?;
        }
        for citation in &self.cited {
            let reference = cut(&citation.reference, 12);
            let line = self
                .context
                .lines
                .iter()
                .find(|line| line.entry_id == citation.entry_id && !citation.entry_id.is_empty());
            let Some(line) = line else {
                writeln!(out, "{reference}  there is no such line: the model made it up")?;
                continue;
            };
            let time = instant(line.timestamp.as_ref())
                .map(to_the_second)
                .unwrap_or_default();
            let times = if line.count > 1 {
                format!(" ×{}", line.count)
            } else {
                String::new()
            };
            writeln!(
                out,
                "{reference}  {time}{times}  {}  {}",
                escape_controls(&line.source_id),
                cut(&line.text, LINE_COLUMNS)
            )?;
        }
        Ok(())
    }

    /// What it rests on and how long it took.
    fn how_made(&self, done: &v1::ExplanationDone) -> String {
        let mut parts = Vec::new();
        if done.model.is_empty() {
            parts.push("no language model".to_owned());
        } else {
            parts.push(format!("model {}", cut(&done.model, 80)));
        }
        parts.push(format!("{:.1} s", done.seconds));
        if done.token_count > 0 {
            parts.push(format!(
                "{} tokens",
                grouped(u64::try_from(done.token_count).unwrap_or(0))
            ));
        }
        if done.cached {
            parts.push("kept from earlier, --refresh asks anew".to_owned());
        }
        let lines = self.context.lines.len();
        parts.push(format!("{lines} {}", if lines == 1 { "line" } else { "lines" }));
        if !self.context.left_out.is_empty() {
            parts.push(escape_controls(&self.context.left_out));
        }
        let redacted: Vec<String> = self
            .context
            .redactions
            .iter()
            .map(|redaction| format!("{} {}", redaction.count, escape_controls(&redaction.kind)))
            .collect();
        if !redacted.is_empty() {
            parts.push(format!("redacted: {}", redacted.join(", ")));
        }
        parts.join("; ")
    }
}

/// One frame as an object with its id and, under the name of its kind, its fields.
fn print_frame(out: &mut impl Write, id: &str, kind: &Frame) -> anyhow::Result<()> {
    let value = match kind {
        Frame::Context(frame) => json!({ "id": id, "context": frame }),
        Frame::Token(frame) => json!({ "id": id, "token": frame }),
        Frame::Citation(frame) => json!({ "id": id, "citation": frame }),
        Frame::Done(frame) => json!({ "id": id, "done": frame }),
        Frame::Error(frame) => json!({ "id": id, "error": frame }),
        // A sign of life, and no part of the answer.
        Frame::Heartbeat(_) => return Ok(()),
    };
    print_json(out, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Frame) -> v1::ExplanationFrame {
        v1::ExplanationFrame {
            frame: Some(kind),
            id: "a.1".into(),
        }
    }

    fn context() -> v1::ExplanationContext {
        v1::ExplanationContext {
            lines: vec![v1::ContextLine {
                reference: "L1".into(),
                entry_id: "e1".into(),
                count: 3,
                source_id: "web\u{1b}[31m".into(),
                timestamp: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
                text: "bad \u{202e}line".into(),
            }],
            ..v1::ExplanationContext::default()
        }
    }

    fn citation(reference: &str, entry_id: &str) -> Frame {
        Frame::Citation(v1::ExplanationCitation {
            reference: reference.into(),
            entry_id: entry_id.into(),
        })
    }

    fn print(format: AnswerFormat, kinds: Vec<Frame>) -> (String, Option<AnswerEnd>) {
        let (mut printer, mut out, mut end) = (AnswerPrinter::new(format), Vec::new(), None);
        for kind in kinds {
            end = printer.frame(&mut out, frame(kind)).unwrap();
        }
        (String::from_utf8(out).unwrap(), end)
    }

    fn token(text: &str) -> Frame {
        Frame::Token(v1::ExplanationToken { text: text.into() })
    }

    #[test]
    fn text_comes_as_it_is_written_and_then_the_lines() {
        let kinds = vec![
            Frame::Context(context()),
            token("It \u{1b}]0;x\u{7}bro"),
            token("ke [L1].\nSee"),
            citation("L1", "e1"),
            citation("L9", ""),
            citation("L1", "e1"),
            Frame::Done(v1::ExplanationDone {
                what_happened: "It broke".into(),
                model: "m".into(),
                token_count: 1_234,
                seconds: 1.25,
                ..v1::ExplanationDone::default()
            }),
        ];
        let (shown, end) = print(AnswerFormat::Text, kinds.clone());
        assert_eq!(
            shown,
            "It \\u{1b}]0;x\\u{7}broke [L1].\nSee\n\nL1  1970-01-01T00:00:00Z ×3  web\\u{1b}[31m  bad \\u{202e}line\n\
             L9  there is no such line: the model made it up\n"
        );
        assert_eq!(
            end,
            Some(AnswerEnd::Done("model m; 1.2 s; 1,234 tokens; 1 line".into()))
        );
        let (shown, _) = print(AnswerFormat::Jsonl, kinds);
        let values: Vec<serde_json::Value> = shown
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(values.len(), 7);
        assert_eq!(
            values[0]["context"]["lines"][0]["timestamp"],
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(
            values[2],
            json!({ "id": "a.1", "token": { "text": "ke [L1].\nSee" } })
        );
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }

    #[test]
    fn an_answer_that_came_as_a_whole_is_shown_by_its_sections() {
        let done = v1::ExplanationDone {
            what_happened: "It broke".into(),
            evidence: "- [L1] said so\n".into(),
            ..v1::ExplanationDone::default()
        };
        let (shown, end) = print(
            AnswerFormat::Text,
            vec![Frame::Context(context()), Frame::Done(done)],
        );
        assert_eq!(
            shown,
            "## What happened\nIt broke\n\n## Evidence\n- [L1] said so\n"
        );
        assert_eq!(
            end,
            Some(AnswerEnd::Done("no language model; 0.0 s; 1 line".into()))
        );
    }

    #[test]
    fn a_failure_ends_the_line_and_says_why() {
        let error = v1::ExplanationError {
            reason: "it was \u{1b}[1mcut".into(),
            retryable: true,
        };
        let (shown, end) = print(
            AnswerFormat::Text,
            vec![Frame::Context(context()), token("half"), Frame::Error(error)],
        );
        assert_eq!(shown, "half\n");
        assert_eq!(
            end,
            Some(AnswerEnd::Failed(
                "it was \\u{1b}[1mcut (asking again may help)".into()
            ))
        );
    }
}
