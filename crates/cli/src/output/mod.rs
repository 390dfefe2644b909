//! What the commands print: safe for terminals, plain when piped.

mod answer;
mod escape;
mod json;
mod progress;
mod rows;

pub use answer::{AnswerEnd, AnswerPrinter};
pub use escape::escape_controls;
pub use json::{print_json, safe_json};
pub use progress::Progress;
pub use rows::{
    DetectionRow, RowPrinter, cell, cut, grouped, instant, severity_name, source_cell, to_the_second,
};
