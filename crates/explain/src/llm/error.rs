//! Why there is no answer, in words for a person and as a kind for a program.

use std::time::Duration;

/// Why there is no answer. Its text says what went wrong and what to do; it never holds the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct LlmError {
    kind: LlmErrorKind,
    reason: String,
    retry_after: Option<Duration>,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LlmErrorKind {
    /// The options cannot work: no address, no http, no usable certificates.
    Configuration,
    /// The host's name is unknown.
    UnknownHost,
    /// Nobody listens there.
    Refused,
    /// The network does not get there, or the connection ended before an answer began.
    Unreachable,
    /// It took longer than the limit to connect.
    ConnectTimeout,
    /// TLS failed; most often a certificate that is not trusted.
    Tls,
    /// The key is wrong, missing, or may not do this.
    Unauthorised,
    /// The server has no such model.
    ModelNotFound,
    /// The server has no chat completions at that path.
    PathNotFound,
    /// Too many questions, or the budget is used up.
    TooManyRequests,
    /// The question is longer than what fits into the model.
    ContextTooLong {
        /// Tokens that fit, question and answer together, where the server said so.
        context_tokens: Option<u32>,
        /// Tokens of the question, where the server said so.
        prompt_tokens: Option<u32>,
    },
    /// The server refused the question for another reason.
    Rejected,
    /// The server failed.
    ServerFailed,
    /// The model was still being loaded when the time for the first piece was up.
    Loading,
    /// No piece of an answer came in time.
    Silent,
    /// The whole answer took too long.
    TooSlow,
    /// The connection ended in the middle of an answer.
    Cut,
    /// What came is no chat completion.
    Garbled,
    /// The server reported an error in the middle of an answer.
    Reported,
    /// The answer ended without a word of text.
    Empty,
}

impl LlmError {
    pub(crate) fn new(kind: LlmErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            retry_after: None,
        }
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> LlmErrorKind {
        self.kind
    }

    /// When the server wants to be asked again, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same question may be answered later, with nothing changed here.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            LlmErrorKind::Refused
            | LlmErrorKind::UnknownHost
            | LlmErrorKind::Unreachable
            | LlmErrorKind::ConnectTimeout
            | LlmErrorKind::TooManyRequests
            | LlmErrorKind::ServerFailed
            | LlmErrorKind::Loading
            | LlmErrorKind::Silent
            | LlmErrorKind::TooSlow
            | LlmErrorKind::Cut
            | LlmErrorKind::Reported
            | LlmErrorKind::Empty => true,
            LlmErrorKind::Configuration
            | LlmErrorKind::Tls
            | LlmErrorKind::Unauthorised
            | LlmErrorKind::ModelNotFound
            | LlmErrorKind::PathNotFound
            | LlmErrorKind::ContextTooLong { .. }
            | LlmErrorKind::Rejected
            | LlmErrorKind::Garbled => false,
        }
    }
}
