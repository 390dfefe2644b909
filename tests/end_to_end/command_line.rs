//! The `turnstone` command as people and scripts use it: exit codes, formats, and what hostile text cannot do.

mod arguments;
mod bench_query;
mod classify;
mod detections;
mod eval;
mod hostile_text;
mod import;
mod original;
mod token;
