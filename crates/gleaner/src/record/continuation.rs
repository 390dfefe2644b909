//! Which line goes on with the record before it: traces of Java, Python, Rust and Go, and indented text after a dated
//! line. Decides on one line at a time, with what the lines before it said.

use crate::parse::{Format, Header};

/// What kind of trace a record is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// None.
    None,
    /// Java and other JVM languages: an exception and its frames.
    Java,
    /// Python: frames; the first line that is not indented names the exception.
    PythonFrames,
    /// Python: the exception has been named; only a chained traceback goes on.
    PythonNamed,
    /// Rust: the message of the panic is on the next line.
    RustMessage,
    /// Rust: notes and backtrace.
    Rust,
    /// Go: goroutines.
    Go,
}

/// The trace that a record's first line begins.
pub(crate) fn trace_begun_by(text: &str) -> Trace {
    match text.as_bytes().first() {
        Some(b'T') if is_python_head(text) => Trace::PythonFrames,
        Some(b'E') if text.starts_with("Exception in thread ") => Trace::Java,
        Some(b't') if text.starts_with("thread '") && text.contains(" panicked at ") => rust_trace(text),
        Some(b'p') if text.starts_with("panic: ") => Trace::Go,
        Some(b'f') if text.starts_with("fatal error: ") => Trace::Go,
        Some(b'g') if is_goroutine_head(text) => Trace::Go,
        Some(first) if first.is_ascii_alphabetic() && is_exception_name(text) => Trace::Java,
        _ => Trace::None,
    }
}

/// Whether `text` goes on with a record in `trace`, and if so in which trace the record then is.
pub(crate) fn continues(
    trace: Trace,
    is_dated: bool,
    lines: usize,
    text: &str,
    header: &Header,
) -> Option<Trace> {
    // Whatever says when it happened, or is a structured record, starts anew.
    if header.time.is_some() || matches!(header.format, Format::JsonLines | Format::Logfmt) {
        return None;
    }
    if text.starts_with([' ', '\t']) {
        let inner = text.trim_ascii_start();
        if trace == Trace::None && is_java_frame(inner) {
            return Some(Trace::Java);
        }
        let next = if trace == Trace::RustMessage {
            Trace::Rust
        } else {
            trace
        };
        return (is_dated || trace != Trace::None).then_some(next);
    }
    if text.starts_with("Caused by: ") || text.starts_with("Suppressed: ") || is_omitted_frames(text) {
        return Some(Trace::Java);
    }
    match trace {
        Trace::None => {
            if !is_dated {
                return None;
            }
            if is_python_head(text) {
                return Some(Trace::PythonFrames);
            }
            if is_goroutine_head(text) {
                return Some(Trace::Go);
            }
            if lines == 1 && is_exception_name(text) {
                return Some(Trace::Java);
            }
            let closes_bracket = lines > 1 && text.len() <= 4 && text.starts_with(['}', ')', ']']);
            closes_bracket.then_some(Trace::None)
        }
        Trace::Java => None,
        Trace::PythonFrames => {
            let name_end = text.find(':').unwrap_or(text.len());
            let is_name = text[..name_end]
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
            is_name.then_some(Trace::PythonNamed)
        }
        Trace::PythonNamed => {
            if is_python_head(text) {
                return Some(Trace::PythonFrames);
            }
            let is_chained = text.starts_with("During handling of the above exception")
                || text.starts_with("The above exception was the direct cause");
            is_chained.then_some(Trace::PythonNamed)
        }
        Trace::RustMessage => Some(Trace::Rust),
        Trace::Rust => (text.starts_with("note: ") || text == "stack backtrace:").then_some(Trace::Rust),
        Trace::Go => is_go_frame(text).then_some(Trace::Go),
    }
}

fn is_python_head(text: &str) -> bool {
    text.starts_with("Traceback (most recent call last):")
}

/// `thread 'main' panicked at src/main.rs:2:5:` has its message on the next line; before Rust 1.73 it stood within.
fn rust_trace(text: &str) -> Trace {
    if text.ends_with(':') {
        Trace::RustMessage
    } else {
        Trace::Rust
    }
}

/// `at com.example.Shop.open(Shop.java:12)`, without its indentation.
fn is_java_frame(inner: &str) -> bool {
    inner.starts_with("at ") || is_omitted_frames(inner) || inner.starts_with("Caused by: ")
}

/// `... 12 more`
fn is_omitted_frames(text: &str) -> bool {
    text.strip_prefix("... ")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `goroutine 17 [running]:`
fn is_goroutine_head(text: &str) -> bool {
    text.strip_prefix("goroutine ")
        .and_then(|rest| rest.split_once(" ["))
        .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn is_go_frame(text: &str) -> bool {
    is_goroutine_head(text)
        || text.starts_with("created by ")
        || text.starts_with("[signal ")
        || text.starts_with("panic: ")
        || text.starts_with("exit status ")
        || text.starts_with("...additional frames elided...")
        || (text.ends_with(')') && text.contains('(') && !text[..text.find('(').unwrap_or(0)].contains(' '))
}

/// `com.example.ShopException: message` or the name alone.
fn is_exception_name(text: &str) -> bool {
    let name_end = text
        .bytes()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$')));
    let name = &text[..name_end.unwrap_or(text.len())];
    let ends_well = text[name.len()..].is_empty() || text[name.len()..].starts_with(':');
    ends_well
        && name.contains('.')
        && ["Exception", "Error", "Throwable", "Failure"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}
