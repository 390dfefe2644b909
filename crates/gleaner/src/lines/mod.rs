//! From bytes to lines: splitting with bounded memory, and making text that every database can store.

mod clean;
mod splitter;

pub(crate) use clean::{clean_line, without_escapes};
pub(crate) use splitter::{RawLine, Splitter};
