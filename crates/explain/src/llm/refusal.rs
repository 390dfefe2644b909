//! What a server means when it does not answer with 200: its status and its words become a kind and a reason.

use super::wire::{Dialect, error_message};
use super::{LlmError, LlmErrorKind};
use http::StatusCode;
use serde_json::Value;
use std::time::Duration;

const SHOWN_CHARS_MAX: usize = 300;
/// A server that asks for more than a day is not taken at its word.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// An answer that is none.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) status: StatusCode,
    /// `Retry-After`, `Location`: as they came.
    pub(super) retry_after: Option<&'a str>,
    pub(super) location: Option<&'a str>,
    /// The body, as far as it was read.
    pub(super) body: &'a str,
    /// Where it was asked, for the person who reads the reason.
    pub(super) shown_url: &'a str,
    pub(super) model: &'a str,
    /// Never to be shown, even where the server repeats it.
    pub(super) api_key: Option<&'a str>,
}

impl Refusal<'_> {
    /// Whether a server says that the model is not loaded yet.
    pub(super) fn is_loading(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
            && self.message().to_ascii_lowercase().contains("loading")
    }

    /// How long the server asks to wait, where it does so in seconds. A date would need this machine's clock to be right.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.retry_after?.trim().parse().ok()?;
        Some(RETRY_AFTER_MAX.min(Duration::from_secs(seconds)))
    }

    /// How to put the question so that this server takes it, where it objected to one of our options.
    pub(super) fn dialect(&self, dialect: Dialect) -> Option<Dialect> {
        if !matches!(
            self.status,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
        ) {
            return None;
        }
        let message = self.message();
        let names = |option: &str| self.error()["param"] == option || message.contains(option);
        let mut adapted = dialect;
        if names("max_completion_tokens") && names("max_tokens") {
            adapted.uses_completion_tokens = true;
        } else if names("temperature") {
            adapted.refuses_temperature = true;
        } else if names("stream_options") {
            adapted.refuses_stream_options = true;
        }
        (adapted != dialect).then_some(adapted)
    }

    /// The error object of the body; null where the body is no JSON.
    fn error(&self) -> Value {
        let body: Value = serde_json::from_str(self.body).unwrap_or_default();
        match &body["error"] {
            // vLLM before 0.10 and some gateways have no envelope.
            Value::Null => body,
            error => error.clone(),
        }
    }

    fn message(&self) -> String {
        match self.error() {
            // Neither JSON nor a word: an HTML page of a proxy, say.
            Value::Null => String::new(),
            error => error_message(&error),
        }
    }

    /// What the server said, to be put behind a colon; empty where it said nothing.
    fn said(&self) -> String {
        let shown = shown(&self.message(), self.api_key);
        if shown.is_empty() {
            String::new()
        } else {
            format!(": {shown}")
        }
    }

    /// The kind and the reason for a person.
    pub(super) fn to_error(&self) -> LlmError {
        let (url, model, status) = (self.shown_url, shown(self.model, None), self.status.as_u16());
        let said = self.said();
        let (kind, reason) = match status {
            // Its words are left out: they like to repeat the key.
            401 | 403 if self.api_key.is_none() => (
                LlmErrorKind::Unauthorised,
                format!("{url} wants an API key ({status}): set one for the LLM"),
            ),
            401 | 403 => (
                LlmErrorKind::Unauthorised,
                format!(
                    "{url} refuses the API key ({status}): check the key, and that it may use the model {model}"
                ),
            ),
            404 if said.to_ascii_lowercase().contains("model") => (
                LlmErrorKind::ModelNotFound,
                format!(
                    "the LLM server has no model {model} (404{said}): check the model's name, or load it there first"
                ),
            ),
            404 | 405 => (
                LlmErrorKind::PathNotFound,
                format!(
                    "nothing answers chat completions at {url} ({status}): check the base URL, which mostly ends in /v1, and the model's name"
                ),
            ),
            429 => (LlmErrorKind::TooManyRequests, self.too_many()),
            300..=399 => (
                LlmErrorKind::PathNotFound,
                format!(
                    "{url} redirects to {} ({status}): put that address into the base URL",
                    shown(self.location.unwrap_or("another address"), self.api_key)
                ),
            ),
            _ => match self.context_too_long() {
                Some(kind) => (
                    kind,
                    format!(
                        "the question is longer than what fits into the model {model}{said}; lower the context size in the configuration to what the server has"
                    ),
                ),
                None if self.is_loading() => (
                    LlmErrorKind::Loading,
                    format!("the LLM server is still loading the model {model}: ask again in a while"),
                ),
                None if status >= 500 => (
                    LlmErrorKind::ServerFailed,
                    format!(
                        "the LLM server failed ({status}{said}): ask again, and look into its log if it lasts"
                    ),
                ),
                None => (
                    LlmErrorKind::Rejected,
                    format!("the LLM server refused the question ({status}{said})"),
                ),
            },
        };
        LlmError::new(kind, reason).with_retry_after(self.retry_after())
    }

    fn too_many(&self) -> String {
        let said = self.said();
        match self.retry_after() {
            Some(wait) => format!(
                "the LLM server has too much to do (429{said}): ask again in {} s",
                wait.as_secs()
            ),
            None => format!(
                "the LLM server has too much to do, or the budget is used up (429{said}): ask again later"
            ),
        }
    }

    /// Recognises the words of llama.cpp, OpenAI and vLLM for a question that is too long, with their numbers.
    fn context_too_long(&self) -> Option<LlmErrorKind> {
        if !matches!(self.status.as_u16(), 400 | 413 | 422 | 500) {
            return None;
        }
        let error = self.error();
        let message = self.message().to_ascii_lowercase();
        let is_named =
            error["type"] == "exceed_context_size_error" || error["code"] == "context_length_exceeded";
        let is_worded = [
            "context length",
            "context size",
            "context window",
            "maximum model length",
            "too many tokens",
        ];
        let is_too_long = is_named
            || self.status == StatusCode::PAYLOAD_TOO_LARGE
            || is_worded.iter().any(|words| message.contains(words));
        if !is_too_long {
            return None;
        }
        let field = |name: &str| error[name].as_u64().and_then(|number| u32::try_from(number).ok());
        let behind = |words: &str| number_behind(&message, words);
        Some(LlmErrorKind::ContextTooLong {
            context_tokens: field("n_ctx")
                .or_else(|| behind("maximum context length is"))
                .or_else(|| behind("maximum model length of")),
            prompt_tokens: field("n_prompt_tokens")
                .or_else(|| behind("your messages resulted in"))
                .or_else(|| behind("prompt contains at least"))
                .or_else(|| behind("prompt (length")),
        })
    }
}

/// The whole number right behind `words`.
fn number_behind(text: &str, words: &str) -> Option<u32> {
    let rest = text.split_once(words)?.1.trim_start();
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// Text of a server as part of a reason: one line, cut, without characters that steer a terminal, and without the key.
pub(super) fn shown(text: &str, api_key: Option<&str>) -> String {
    // A key that was read from a file has a line end, which is not sent.
    let text = match api_key.map(str::trim).filter(|key| !key.is_empty()) {
        Some(key) => text.replace(key, "[key]"),
        None => text.to_owned(),
    };
    let is_harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let line: String = text
        .chars()
        .map(|c| if is_harmless(c) { c } else { ' ' })
        .collect();
    let line = line.trim().trim_end_matches('.');
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal<'_> {
        Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            location: None,
            body,
            shown_url: "http://llm.local/v1/chat/completions",
            model: "small",
            api_key: Some("sk-very-secret"),
        }
    }

    fn kind(status: u16, body: &str) -> LlmErrorKind {
        refusal(status, body).to_error().kind()
    }

    #[test]
    fn statuses_and_words_of_real_servers_have_their_kind() {
        use LlmErrorKind::*;
        for (status, body, wanted) in [
            (
                401,
                r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
                Unauthorised,
            ),
            (403, "<html>forbidden</html>", Unauthorised),
            (
                404,
                r#"{"error":{"message":"model \"small\" not found, try pulling it first"}}"#,
                ModelNotFound,
            ),
            (
                404,
                r#"{"object":"error","message":"The model `small` does not exist.","code":404}"#,
                ModelNotFound,
            ),
            (
                404,
                r#"{"error":{"message":"File Not Found","type":"not_found_error","code":404}}"#,
                PathNotFound,
            ),
            (404, "404 page not found", PathNotFound),
            (405, "", PathNotFound),
            (301, "", PathNotFound),
            (
                429,
                r#"{"error":{"message":"Rate limit reached"}}"#,
                TooManyRequests,
            ),
            (500, "oops", ServerFailed),
            (502, "<html>bad gateway</html>", ServerFailed),
            (
                503,
                r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#,
                Loading,
            ),
            (
                503,
                r#"{"error":"Model small is currently loading","estimated_time":20.0}"#,
                Loading,
            ),
            (503, "", ServerFailed),
            (
                400,
                r#"{"error":{"message":"messages must not be empty"}}"#,
                Rejected,
            ),
            (418, "", Rejected),
        ] {
            assert_eq!(kind(status, body), wanted, "{status} {body}");
        }
    }

    #[test]
    fn a_question_that_is_too_long_is_told_with_its_numbers() {
        let too_long = |context_tokens, prompt_tokens| LlmErrorKind::ContextTooLong {
            context_tokens,
            prompt_tokens,
        };
        for (status, body, wanted) in [
            (
                400,
                r#"{"error":{"code":400,"message":"request (9031 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9031,"n_ctx":2048}}"#,
                too_long(Some(2048), Some(9031)),
            ),
            (
                400,
                r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","code":"context_length_exceeded"}}"#,
                too_long(Some(8192), Some(9000)),
            ),
            (
                400,
                r#"{"object":"error","message":"This model's maximum context length is 2048 tokens. However, you requested 3000 tokens (2300 in the messages, 700 in the completion).","code":400}"#,
                too_long(Some(2048), None),
            ),
            (
                400,
                r#"{"error":{"message":"The decoder prompt (length 3000) is longer than the maximum model length of 2048."}}"#,
                too_long(Some(2048), Some(3000)),
            ),
            (413, "", too_long(None, None)),
        ] {
            assert_eq!(kind(status, body), wanted, "{body}");
        }
        assert_eq!(
            kind(400, r#"{"error":{"message":"the context is wrong"}}"#),
            LlmErrorKind::Rejected
        );
    }

    #[test]
    fn the_key_is_never_in_a_reason() {
        for status in [400, 401, 403, 404, 429, 500, 503] {
            let body = r#"{"error":{"message":"model key sk-very-secret is bad\u001b[31m"}}"#;
            let reason = refusal(status, body).to_error().to_string();
            assert!(!reason.contains("very-secret"), "{reason}");
            assert!(!reason.contains('\u{1b}'), "{reason}");
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let body = serde_json::json!({"error": "é".repeat(5_000)}).to_string();
        assert!(refusal(400, &body).to_error().to_string().chars().count() < 400);
    }

    #[test]
    fn retry_after_is_told() {
        let mut busy = refusal(429, "");
        busy.retry_after = Some("17");
        assert_eq!(busy.to_error().retry_after(), Some(Duration::from_secs(17)));
        assert!(busy.to_error().to_string().contains("in 17 s"));
        busy.retry_after = Some("18446744073709551615");
        assert_eq!(busy.to_error().retry_after(), Some(RETRY_AFTER_MAX));
        busy.retry_after = Some("Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(busy.to_error().retry_after(), None);
    }

    #[test]
    fn options_that_a_server_refuses_are_left_out_once() {
        let plain = Dialect::default();
        let tokens = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}"#;
        let adapted = refusal(400, tokens).dialect(plain).unwrap();
        assert!(adapted.uses_completion_tokens);
        assert_eq!(refusal(400, tokens).dialect(adapted), None);
        let temperature = r#"{"error":{"message":"Unsupported value","param":"temperature"}}"#;
        assert!(
            refusal(400, temperature)
                .dialect(plain)
                .unwrap()
                .refuses_temperature
        );
        let stream = r#"{"detail":"stream_options: extra fields not permitted"}"#;
        assert!(
            refusal(422, stream)
                .dialect(plain)
                .unwrap()
                .refuses_stream_options
        );
        assert_eq!(refusal(400, r#"{"error":{"message":"no"}}"#).dialect(plain), None);
        assert_eq!(refusal(500, tokens).dialect(plain), None);
    }
}
