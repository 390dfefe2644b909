//! What the commands print: safe for terminals, plain when piped.

mod answer;
mod escape;
mod groups;
mod json;
mod marks;
mod progress;
mod rows;
mod sparkline;

pub use answer::{AnswerEnd, AnswerPrinter};
pub use escape::escape_controls;
pub use json::{print_json, safe_json};
pub use progress::Progress;
pub use rows::{
    DetectionRow, EntryRow, RowPrinter, cell, cut, grouped, instant, severity_name, source_cell,
    to_the_second,
};
pub use sparkline::sparkline;
