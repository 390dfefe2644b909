//! Reads labelled lines in bounded memory, on a thread of its own, and refuses the first that is not as it should be.

use super::classes::Classes;
use super::judge::Row;
use super::keywords::holds_keyword;
use serde_json::{Map, Value};
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Read};
use tokio::sync::mpsc;
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, truncate_chars, write_template};

/// Lines of one call to the engine: enough to sort by length and to fold.
const LINES_PER_CALL: usize = 1_024;
/// Bytes of lines that are handed on together, so that memory is bounded for long lines too.
const PORTION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest labelled line; a longer one is refused.
const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes asked of the file at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// Characters that a message quotes of what stands in the file.
const QUOTED_CHARS_MAX: usize = 60;

/// Some labelled lines, and their texts in the same order.
#[derive(Debug, Default)]
pub struct Portion {
    pub rows: Vec<Row>,
    pub texts: Vec<String>,
}

/// A labelled file that cannot be used: a mistake in what the command was given.
#[derive(Debug, PartialEq, Eq)]
pub struct LabelledFileError {
    pub file: String,
    pub line: Option<u64>,
    pub reason: String,
}

impl fmt::Display for LabelledFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.reason),
            None => write!(f, "{}: {}", self.file, self.reason),
        }
    }
}

impl std::error::Error for LabelledFileError {}

/// Reads labelled lines of a file, named for messages, by these labels.
pub struct LabelledReader {
    pub file: String,
    pub classes: Classes,
}

impl LabelledReader {
    /// Hands out all lines in portions of at most [`LINES_PER_CALL`], until the input ends, an error ends it, or nobody listens
    /// any more. Lines of nothing but white space are passed over.
    pub fn read(&self, input: impl Read, sender: &mpsc::Sender<anyhow::Result<Portion>>) {
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, input);
        let hasher = RandomState::new();
        let (mut portion, mut bytes, mut number) = (Portion::default(), 0, 0);
        let mut line = Vec::new();
        let mut scratch = String::new();
        loop {
            let last = match self.next_line(&mut reader, &mut line, &mut number) {
                Ok(more) => !more,
                Err(error) => {
                    // That nobody listens any more does not matter then.
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            };
            if !last && !line.trim_ascii().is_empty() {
                match self.parse(&line, number, &hasher, &mut scratch) {
                    Ok((row, text)) => {
                        bytes += text.len();
                        portion.rows.push(row);
                        portion.texts.push(text);
                    }
                    Err(reason) => {
                        let _ = sender.blocking_send(Err(self.refusal(number, reason).into()));
                        return;
                    }
                }
            }
            let full = portion.rows.len() == LINES_PER_CALL || bytes >= PORTION_BYTES_MAX;
            if (full || last) && !portion.rows.is_empty() {
                bytes = 0;
                if sender.blocking_send(Ok(std::mem::take(&mut portion))).is_err() {
                    return;
                }
            }
            if last {
                return;
            }
        }
    }

    /// Reads the next line, of which it counts the number; false at the end of the input.
    fn next_line(
        &self,
        reader: &mut impl BufRead,
        line: &mut Vec<u8>,
        number: &mut u64,
    ) -> anyhow::Result<bool> {
        line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = reader
            .take(limit)
            .read_until(b'\n', line)
            .map_err(|error| anyhow::Error::new(error).context(format!("read {}", self.file)))?;
        *number += 1;
        if line.last() != Some(&b'\n') && line.len() > LINE_BYTES_MAX {
            return Err(self
                .refusal(*number, format!("longer than {LINE_BYTES_MAX} bytes"))
                .into());
        }
        Ok(read > 0)
    }

    fn refusal(&self, line: u64, reason: String) -> LabelledFileError {
        LabelledFileError {
            file: self.file.clone(),
            line: Some(line),
            reason,
        }
    }

    /// One labelled line and its text, or what is wrong with it.
    fn parse(
        &self,
        line: &[u8],
        number: u64,
        hasher: &RandomState,
        scratch: &mut String,
    ) -> Result<(Row, String), String> {
        let line = std::str::from_utf8(line)
            .map_err(|error| format!("no UTF-8 at byte {}", error.valid_up_to() + 1))?;
        let value: Value = serde_json::from_str(line).map_err(|error| not_json(&error))?;
        let Value::Object(mut object) = value else {
            return Err(format!("not a JSON object but {}", kind_of(&value)));
        };
        let text = required(&mut object, "text")?;
        let label = self.label(&required(&mut object, "label")?)?;
        let also_ok = match object.remove("also_ok") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(labels)) => labels
                .into_iter()
                .map(|label| match label {
                    Value::String(label) => self.label(&label),
                    other => Err(format!(
                        "\"also_ok\" holds {}, not names of labels",
                        kind_of(&other)
                    )),
                })
                .collect::<Result<Vec<usize>, String>>()?,
            Some(other) => {
                return Err(format!(
                    "\"also_ok\" is {}, not a list of labels",
                    kind_of(&other)
                ));
            }
        };
        let source = string(&mut object, "source")?.filter(|source| !source.is_empty());
        write_template(&text, scratch);
        let row = Row {
            line: number,
            label,
            also_ok,
            source: source.map(String::into_boxed_str),
            template: hasher.hash_one((truncate_chars(scratch, CLASSIFIED_TEXT_CHARS_MAX), label)),
            keyword: holds_keyword(&text),
        };
        Ok((row, text))
    }

    fn label(&self, name: &str) -> Result<usize, String> {
        self.classes.find(name).ok_or_else(|| {
            let known: Vec<&str> = self.classes.names().collect();
            format!(
                "unknown label {:?}; known are {}",
                truncate_chars(name, QUOTED_CHARS_MAX),
                known.join(", ")
            )
        })
    }
}

fn required(object: &mut Map<String, Value>, field: &str) -> Result<String, String> {
    string(object, field)?.ok_or_else(|| format!("no {field:?}"))
}

fn string(object: &mut Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    match object.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{field:?} is {}, not a string", kind_of(&other))),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What the parser says, without the number of a line that it counts in what it was given.
fn not_json(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = said.strip_suffix(&place).unwrap_or(&said);
    format!("not a JSON object: {reason} at column {}", error.column())
}

#[cfg(test)]
mod tests;
