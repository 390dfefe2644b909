//! The sections of explanations: which language model is asked, how long it may take, and what it is given.

use super::ConfigError;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The language model that writes explanations: any server with OpenAI-compatible chat completions.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmConfig {
    /// Where its API begins, for example `http://127.0.0.1:11434/v1`. Empty is no model: explanations are evidence summaries.
    pub address: String,
    /// Name of the model, as the server knows it.
    pub model: String,
    /// Sent as `Authorization: Bearer`; servers on one's own machine mostly want none.
    pub api_key: Secret,
    /// PEM file of root certificates to trust instead of the system's; empty trusts the system's.
    pub root_certificates: String,
    /// 0 is the most sober.
    pub temperature: f64,
    /// Tokens that an answer may have.
    pub max_tokens: u32,
    /// Tokens that fit into the model, question and answer together.
    pub context_tokens: u32,
    /// Longest wait for a connection, in seconds.
    pub connect_seconds: u64,
    /// Longest wait for the first piece of an answer, in seconds: the model may have to be loaded.
    pub first_token_seconds: u64,
    /// Longest wait from one piece to the next, in seconds.
    pub between_tokens_seconds: u64,
    /// Longest time from the question to the end of the answer, in seconds.
    pub whole_seconds: u64,
    /// Answers written at the same time; more are refused.
    pub generations_max: u32,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            address: String::new(),
            model: String::new(),
            api_key: Secret::default(),
            root_certificates: String::new(),
            temperature: 0.2,
            max_tokens: 700,
            context_tokens: 4_096,
            connect_seconds: 10,
            first_token_seconds: 120,
            between_tokens_seconds: 30,
            whole_seconds: 300,
            generations_max: 64,
        }
    }
}

/// What an explanation rests on, and what of it may leave the process.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExplainConfig {
    /// Seconds before and after an entry from which lines of its source are taken.
    pub window_seconds: u32,
    /// Lines at most; repeated ones count as one.
    pub lines_max: u32,
    /// Estimated tokens of all lines together, lowered to what fits into the model.
    pub tokens_max: u32,
    /// Characters of one line; the entry itself gets four times as many.
    pub line_chars_max: u32,
    /// Whether secrets are taken out before lines go to the model. Only ever false for a model on the same machine.
    pub redact_secrets: bool,
    /// Whether e-mail addresses go too.
    pub redact_email: bool,
    /// Whether IP addresses go too.
    pub redact_ip: bool,
}

impl Default for ExplainConfig {
    fn default() -> Self {
        Self {
            window_seconds: 300,
            lines_max: 60,
            tokens_max: 3_000,
            line_chars_max: 400,
            redact_secrets: true,
            redact_email: false,
            redact_ip: false,
        }
    }
}

fn invalid(key: &str, message: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        key: key.to_owned(),
        message: message.into(),
    }
}

fn in_range(key: &str, value: u64, allowed: RangeInclusive<u64>) -> Result<(), ConfigError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let message = format!("{value} is not between {} and {}", allowed.start(), allowed.end());
    Err(invalid(key, message))
}

impl LlmConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=2.0).contains(&self.temperature) {
            return Err(invalid(
                "llm.temperature",
                format!("{} is not between 0 and 2", self.temperature),
            ));
        }
        const DAY: u64 = 86_400;
        in_range("llm.max_tokens", self.max_tokens.into(), 1..=1_000_000)?;
        in_range("llm.context_tokens", self.context_tokens.into(), 1..=10_000_000)?;
        in_range("llm.connect_seconds", self.connect_seconds, 1..=DAY)?;
        in_range("llm.first_token_seconds", self.first_token_seconds, 1..=DAY)?;
        in_range("llm.between_tokens_seconds", self.between_tokens_seconds, 1..=DAY)?;
        in_range("llm.whole_seconds", self.whole_seconds, 1..=DAY)?;
        in_range("llm.generations_max", self.generations_max.into(), 1..=100_000)?;
        if self.address.is_empty() {
            return Ok(());
        }
        if self.model.trim().is_empty() {
            return Err(invalid(
                "llm.model",
                "is empty while llm.address is set; name the model as its server knows it",
            ));
        }
        let is_http = ["http://", "https://"]
            .iter()
            .any(|scheme| self.address.starts_with(scheme));
        if !is_http {
            // Not repeated: it may be a key that was put into the wrong place.
            return Err(invalid(
                "llm.address",
                "does not begin with http:// or https://; write it like http://127.0.0.1:11434/v1",
            ));
        }
        Ok(())
    }
}

impl ExplainConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        in_range("explain.window_seconds", self.window_seconds.into(), 1..=86_400)?;
        in_range("explain.lines_max", self.lines_max.into(), 1..=1_000)?;
        in_range("explain.tokens_max", self.tokens_max.into(), 100..=1_000_000)?;
        in_range("explain.line_chars_max", self.line_chars_max.into(), 40..=100_000)?;
        if !self.redact_secrets && (self.redact_email || self.redact_ip) {
            return Err(invalid(
                "explain.redact_secrets",
                "is false while explain.redact_email or explain.redact_ip is true; set it to true",
            ));
        }
        Ok(())
    }
}
