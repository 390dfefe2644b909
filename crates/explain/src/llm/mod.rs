//! A client of OpenAI-compatible chat completions: asks, streams the answer, and says in plain words why there is none.
//! Knows no prompt and no log line. One connection for each question; answers are long and rare, a pool would gain nothing.

mod answer;
mod client;
mod connect;
mod error;
mod options;
mod refusal;
mod sse;
mod thinking;
mod wire;

#[cfg(test)]
mod tests;

pub use answer::{AnswerEnd, AnswerStream, FinishReason};
pub use client::LlmClient;
pub use error::{LlmError, LlmErrorKind};
pub use options::{LlmLimits, LlmOptions};
