//! Explanations of log lines and answers to questions about them: what a language model is given, what leaves the process,
//! what comes back, and the evidence summary that needs no model. Knows no database and no wire format.

pub mod answer;
pub mod context;
pub mod flight;
pub mod frame;
pub mod generate;
pub mod injection;
pub mod input;
pub mod llm;
pub mod prompt;
pub mod redaction;
pub mod summary;
pub mod traits;
