//! Where the model is and how long it may take. Reading these from a configuration is the caller's.

use secrecy::SecretString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where the model is and how it is asked.
///
/// `Debug` shows no key, nor the query of the address, which may hold one.
#[derive(Clone)]
pub struct LlmOptions {
    /// Where the API begins, for example `http://127.0.0.1:11434/v1`; `/chat/completions` is added unless it ends so.
    pub base_url: String,
    /// Name of the model, as the server knows it.
    pub model: String,
    /// Sent as `Authorization: Bearer`; servers on one's own machine mostly want none.
    pub api_key: Option<SecretString>,
    /// 0 is the most sober; `None` leaves it to the server, as some models insist on their own.
    pub temperature: Option<f32>,
    /// Tokens that an answer may have.
    pub max_tokens: u32,
    /// Tokens that fit into the model, question and answer together.
    pub context_tokens: u32,
    /// PEM file of root certificates to trust instead of the system's, for a server with a certificate of one's own.
    pub root_certificates: Option<PathBuf>,
    /// How long each step may take.
    pub limits: LlmLimits,
}

impl fmt::Debug for LlmOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands in front of an @ may be a password; such an address is refused, but it may be shown before.
        let shown = match self.base_url.split(['?', '#']).next() {
            Some(address) if !address.contains('@') => address,
            _ => "[hidden]",
        };
        f.debug_struct("LlmOptions")
            .field("base_url", &shown)
            .field("model", &self.model)
            .field("has_api_key", &self.api_key.is_some())
            .field("temperature", &self.temperature)
            .field("max_tokens", &self.max_tokens)
            .field("context_tokens", &self.context_tokens)
            .field("root_certificates", &self.root_certificates)
            .field("limits", &self.limits)
            .finish()
    }
}

impl LlmOptions {
    /// Options with the defaults for a model: sober (0.2), 700 tokens of answer, 4,096 of context, no key.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            temperature: Some(0.2),
            max_tokens: 700,
            context_tokens: 4_096,
            root_certificates: None,
            limits: LlmLimits::default(),
        }
    }
}

/// How long each step of an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LlmLimits {
    /// Finding the server, connecting, TLS.
    pub connect: Duration,
    /// From the question to the first piece of the answer, thinking included. A server that is still loading the model is
    /// waited for within it. On a processor a long question alone takes a minute.
    pub first_token: Duration,
    /// From one piece to the next. Comments that keep a connection open are no pieces.
    pub between_tokens: Duration,
    /// From the question to the end of the answer.
    pub whole: Duration,
}

impl Default for LlmLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(120),
            between_tokens: Duration::from_secs(30),
            whole: Duration::from_secs(300),
        }
    }
}
