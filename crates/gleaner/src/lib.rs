//! Sources of log lines, and what their lines say: time, severity, multi-line records.
//! Hands out entries together with the checkpoints that stand for them; storing both is the caller's task.
//! Knows no database, no bus and no environment variable.

mod batch;
mod config;
mod error;
mod files;
mod lines;
pub mod parse;
mod record;
mod report;
mod source;
mod stream;

pub use config::{LINE_BYTES_MAX_DEFAULT, SourceConfig, SourceKind, StartAt};
pub use error::GleanError;
pub use record::{RECORD_BYTES_MAX, RECORD_LINES_MAX};
pub use report::{FormatShare, ParsingReport, UndatedLine, explain_parsing};
pub use source::{Budget, Gleaned, OpenOptions, ReadMode, Source, SourceState, open_reader, open_source};
