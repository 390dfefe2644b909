//! What goes over the wire: the question as JSON, and what of an answer's chunks matters. Servers differ in what they
//! leave out or send as null, so everything read here is optional.

use super::{AnswerEnd, FinishReason, LlmOptions};
use crate::prompt::{Message, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What this server was found to insist on. Starts as what most understand.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `max_completion_tokens` in place of `max_tokens`: OpenAI's newer models.
    pub(super) uses_completion_tokens: bool,
    /// No temperature but the model's own.
    pub(super) refuses_temperature: bool,
    /// No `stream_options`; then the tokens are not counted.
    pub(super) refuses_stream_options: bool,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: Vec<RequestMessage<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
struct RequestMessage<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The body of a question.
pub(super) fn request_body(options: &LlmOptions, dialect: Dialect, messages: &[Message]) -> Vec<u8> {
    let request = Request {
        model: &options.model,
        messages: messages.iter().map(request_message).collect(),
        stream: true,
        stream_options: (!dialect.refuses_stream_options).then_some(StreamOptions { include_usage: true }),
        temperature: options.temperature.filter(|_| !dialect.refuses_temperature),
        max_tokens: (!dialect.uses_completion_tokens).then_some(options.max_tokens),
        max_completion_tokens: dialect.uses_completion_tokens.then_some(options.max_tokens),
    };
    // Strings and numbers only: it cannot fail, and an empty body would be refused by the server.
    serde_json::to_vec(&request).unwrap_or_default()
}

fn request_message(message: &Message) -> RequestMessage<'_> {
    RequestMessage {
        role: match message.role {
            Role::System => "system",
            Role::User => "user",
        },
        content: &message.content,
    }
}

#[derive(Deserialize)]
struct RawChunk {
    choices: Option<Vec<RawChoice>>,
    usage: Option<RawUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct RawChoice {
    delta: Option<RawPart>,
    /// In place of `delta` where the server does not stream.
    message: Option<RawPart>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct RawPart {
    content: Option<Value>,
    reasoning_content: Option<Value>,
    reasoning: Option<Value>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct RawUsage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

/// What one chunk of an answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Text of the answer; may be empty.
    pub(super) text: String,
    /// Whether the model thought aloud in a field of its own: no text, but a sign of life.
    pub(super) is_thinking: bool,
    /// Finish reason and counts, as far as this chunk has them.
    pub(super) finish: Option<FinishReason>,
    pub(super) prompt_tokens: Option<u32>,
    pub(super) answer_tokens: Option<u32>,
    /// What the server reported as an error.
    pub(super) error: Option<String>,
}

impl Chunk {
    /// Reads a chunk, or a whole answer of a server that does not stream.
    pub(super) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let raw: RawChunk = serde_json::from_str(json)?;
        let is_completion = raw.choices.is_some() || raw.usage.is_some() || raw.error.is_some();
        if !is_completion {
            return Err(serde::de::Error::missing_field("choices"));
        }
        let mut chunk = Self {
            prompt_tokens: raw.usage.as_ref().and_then(|usage| usage.prompt_tokens),
            answer_tokens: raw.usage.as_ref().and_then(|usage| usage.completion_tokens),
            error: raw
                .error
                .as_ref()
                .filter(|error| !error.is_null())
                .map(error_message),
            ..Self::default()
        };
        // One answer was asked for; a server that sends several has the first one read.
        let Some(choice) = raw.choices.into_iter().flatten().next() else {
            return Ok(chunk);
        };
        chunk.finish = choice
            .finish_reason
            .as_deref()
            .filter(|reason| !reason.is_empty())
            .map(finish_reason);
        if let Some(part) = choice.delta.or(choice.message) {
            chunk.text = part.content.as_ref().map(plain_text).unwrap_or_default();
            chunk.text.push_str(part.refusal.as_deref().unwrap_or_default());
            let thoughts = [&part.reasoning_content, &part.reasoning];
            chunk.is_thinking = thoughts
                .into_iter()
                .flatten()
                .any(|thought| thought.as_str() != Some(""));
        }
        Ok(chunk)
    }

    /// Adds what this chunk says about the end.
    pub(super) fn add_to(&self, end: &mut AnswerEnd) {
        if let Some(finish) = self.finish {
            end.finish = finish;
        }
        end.prompt_tokens = self.prompt_tokens.or(end.prompt_tokens);
        end.answer_tokens = self.answer_tokens.or(end.answer_tokens);
    }
}

fn finish_reason(name: &str) -> FinishReason {
    match name {
        "stop" | "eos" | "end_turn" => FinishReason::Stop,
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" => FinishReason::Filtered,
        _ => FinishReason::Other,
    }
}

/// Content is a string, or a list of parts of which those of text count.
fn plain_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| part["type"] == "text");
            texts.filter_map(|part| part["text"].as_str()).collect()
        }
        _ => String::new(),
    }
}

/// The words of an error, whatever its form: `{"message": …}`, a string, or else its JSON.
pub(super) fn error_message(error: &Value) -> String {
    let worded = error.as_str().or_else(|| error["message"].as_str());
    worded.map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(dialect: Dialect) -> Value {
        let options = LlmOptions::new("http://localhost/v1", "m");
        let message = |role, text: &str| Message {
            role,
            content: text.to_owned(),
        };
        let messages = [
            message(Role::System, "be brief"),
            message(Role::User, "why \"x\"?"),
        ];
        serde_json::from_slice(&request_body(&options, dialect, &messages)).unwrap()
    }

    #[test]
    fn a_question_is_what_the_api_describes() {
        let wanted = serde_json::json!({
            "model": "m",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "why \"x\"?"}],
            "stream": true,
            "stream_options": {"include_usage": true},
            "temperature": 0.2,
            "max_tokens": 700,
        });
        assert_eq!(body(Dialect::default()), wanted);
    }

    #[test]
    fn a_dialect_leaves_out_what_the_server_refuses() {
        let wanted = serde_json::json!({
            "model": "m",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "why \"x\"?"}],
            "stream": true,
            "max_completion_tokens": 700,
        });
        let dialect = Dialect {
            uses_completion_tokens: true,
            refuses_temperature: true,
            refuses_stream_options: true,
        };
        assert_eq!(body(dialect), wanted);
    }

    #[test]
    fn chunks_of_many_servers_are_read() {
        let text = |json: &str| Chunk::parse(json).unwrap().text;
        assert_eq!(text(r#"{"choices":[{"delta":{"content":"a"}}]}"#), "a");
        assert_eq!(
            text(r#"{"choices":[{"delta":{"role":"assistant","content":null}}],"usage":null}"#),
            ""
        );
        assert_eq!(
            text(r#"{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}"#),
            "whole"
        );
        assert_eq!(
            text(
                r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"b"}]}}]}"#
            ),
            "b"
        );
        assert_eq!(
            text(r#"{"choices":[{"delta":{"refusal":"I will not"}}]}"#),
            "I will not"
        );

        let thinking = Chunk::parse(r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#).unwrap();
        assert!(thinking.is_thinking && thinking.text.is_empty());
        let not_thinking = Chunk::parse(r#"{"choices":[{"delta":{"content":"x","reasoning":""}}]}"#).unwrap();
        assert!(!not_thinking.is_thinking);

        let last =
            Chunk::parse(r#"{"choices":[],"usage":{"prompt_tokens":31,"completion_tokens":5},"timings":{}}"#)
                .unwrap();
        assert_eq!((last.prompt_tokens, last.answer_tokens), (Some(31), Some(5)));
        let cut = Chunk::parse(r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#).unwrap();
        assert_eq!(cut.finish, Some(FinishReason::Length));
    }

    #[test]
    fn an_error_in_the_stream_is_read_in_any_form() {
        let error = |json: &str| Chunk::parse(json).unwrap().error;
        assert_eq!(
            error(r#"{"error":{"message":"out of memory","code":500}}"#).as_deref(),
            Some("out of memory")
        );
        assert_eq!(error(r#"{"error":"busy"}"#).as_deref(), Some("busy"));
        assert_eq!(error(r#"{"error":{"code":7}}"#).as_deref(), Some(r#"{"code":7}"#));
        assert_eq!(error(r#"{"error":null,"choices":[]}"#), None);
    }

    #[test]
    fn what_is_no_completion_is_an_error() {
        for json in [
            "{}",
            "[]",
            "null",
            "3",
            "oops",
            r#"{"choices":3}"#,
            r#"{"status":"ok"}"#,
        ] {
            assert!(Chunk::parse(json).is_err(), "{json}");
        }
    }
}
