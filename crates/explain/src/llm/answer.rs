//! An answer as it arrives: pieces of text, then how it ended. Every wait has a limit; nothing is read ahead of whoever asks.

use super::connect::Connection;
use super::refusal::shown;
use super::sse::SseReader;
use super::thinking::ThinkingFilter;
use super::wire::Chunk;
use super::{LlmError, LlmErrorKind, LlmLimits};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How long the token counts may take that come behind the last piece.
const COUNTS_LIMIT: Duration = Duration::from_secs(2);
/// A whole answer of a server that does not stream.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Longest tokens of usual vocabularies are some 16 bytes; a server that sends more than this for each token that was
/// asked for does not know the limit.
const BYTES_PER_TOKEN_MAX: usize = 32;

/// Why an answer ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// The limit of tokens was reached: the answer is cut.
    Length,
    /// The provider's filter stopped it.
    Filtered,
    /// For a reason of the server's own, or none given.
    #[default]
    Other,
}

/// How an answer ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct AnswerEnd {
    /// Why.
    pub finish: FinishReason,
    /// Tokens of the question, as the server counted them.
    pub prompt_tokens: Option<u32>,
    /// Tokens of the answer, thinking included, as the server counted them.
    pub answer_tokens: Option<u32>,
}

/// An answer as it arrives. Dropping it closes the connection, on which servers stop generating.
#[derive(Debug)]
pub struct AnswerStream {
    body: Incoming,
    _connection: Connection,
    form: Form,
    clock: Clock,
    filter: ThinkingFilter,
    ready: VecDeque<String>,
    end: AnswerEnd,
    state: State,
    text_bytes: usize,
    text_bytes_max: usize,
    /// Text was dropped since there was more than `text_bytes_max`.
    is_full: bool,
    has_seen_event: bool,
    /// Never to be shown.
    api_key: Option<SecretString>,
}

#[derive(Debug)]
enum Form {
    Events(SseReader),
    /// One JSON object, from a server that does not stream.
    Whole(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Going,
    /// The last piece is there; token counts may follow.
    Finished(Instant),
    Over,
    Failed(LlmError),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) asked: Instant,
    pub(super) last_piece: Option<Instant>,
    pub(super) limits: LlmLimits,
}

impl Clock {
    /// Until when the next piece has to come, and why it is too late then.
    pub(super) fn deadline(&self) -> (Instant, LlmError) {
        let seconds = |limit: Duration| limit.as_secs_f32();
        let whole = later(self.asked, self.limits.whole);
        let (piece, reason) = match self.last_piece {
            None => (
                later(self.asked, self.limits.first_token),
                format!(
                    "the LLM did not begin to answer within {} s: it may be busy, or too slow for its time limit",
                    seconds(self.limits.first_token)
                ),
            ),
            Some(last) => (
                later(last, self.limits.between_tokens),
                format!(
                    "the LLM fell silent in the middle of its answer for {} s",
                    seconds(self.limits.between_tokens)
                ),
            ),
        };
        if piece <= whole {
            (piece, LlmError::new(LlmErrorKind::Silent, reason))
        } else {
            let reason = format!(
                "the LLM did not finish within {} s: allow it more time, or fewer tokens",
                seconds(self.limits.whole)
            );
            (whole, LlmError::new(LlmErrorKind::TooSlow, reason))
        }
    }
}

/// An instant that is `by` later; for a limit that means "never", one that nobody will see.
pub(super) fn later(instant: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);
    instant + by.min(FAR)
}

impl AnswerStream {
    pub(super) fn new(
        response: http::Response<Incoming>,
        connection: Connection,
        clock: Clock,
        max_tokens: u32,
        api_key: Option<SecretString>,
    ) -> Result<Self, LlmError> {
        let header = |name| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_ascii_lowercase()
        };
        let content_type = header(http::header::CONTENT_TYPE);
        if !matches!(header(http::header::CONTENT_ENCODING).as_str(), "" | "identity") {
            let reason = "the LLM server compressed its answer, which it was not asked to: turn that off there, or in the proxy before it";
            return Err(LlmError::new(LlmErrorKind::Garbled, reason));
        }
        let form = if content_type.contains("json") && !content_type.contains("ndjson") {
            Form::Whole(Vec::new())
        } else if content_type.starts_with("text/html") {
            let reason = "the LLM's base URL leads to a web page and not to an API: it mostly ends in /v1";
            return Err(LlmError::new(LlmErrorKind::Garbled, reason));
        } else {
            Form::Events(SseReader::default())
        };
        Ok(Self {
            body: response.into_body(),
            _connection: connection,
            form,
            clock,
            filter: ThinkingFilter::default(),
            ready: VecDeque::new(),
            end: AnswerEnd::default(),
            state: State::Going,
            text_bytes: 0,
            text_bytes_max: (max_tokens as usize)
                .saturating_mul(BYTES_PER_TOKEN_MAX)
                .max(4_096),
            is_full: false,
            has_seen_event: false,
            api_key,
        })
    }

    /// The next piece of text, never empty; `None` at the end. After an error the same error again.
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Result<Option<String>, LlmError> {
        loop {
            if let Some(text) = self.ready.pop_front() {
                return Ok(Some(text));
            }
            match &self.state {
                State::Over => return Ok(None),
                State::Failed(error) => return Err(error.clone()),
                State::Going | State::Finished(_) => {}
            }
            if let Err(error) = self.read_more().await {
                self.state = State::Failed(error);
            }
        }
    }

    /// How it ended, as far as is known; complete once [`AnswerStream::next`] has returned `None`.
    pub fn end(&self) -> AnswerEnd {
        self.end
    }

    async fn read_more(&mut self) -> Result<(), LlmError> {
        let (deadline, too_late) = match self.state {
            State::Finished(at) => (at + COUNTS_LIMIT, None),
            _ => {
                let (deadline, error) = self.clock.deadline();
                (deadline, Some(error))
            }
        };
        let frame = match (
            tokio::time::timeout_at(deadline, self.body.frame()).await,
            too_late,
        ) {
            (Ok(frame), _) => frame,
            (Err(_), Some(error)) => return Err(error),
            // All text is there; only the counts are missing.
            (Err(_), None) => return self.finish_stream(),
        };
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.take_bytes(data),
                Err(_trailers) => Ok(()),
            },
            Some(Err(_)) if matches!(self.state, State::Finished(_)) => self.finish_stream(),
            Some(Err(error)) => Err(cut(&format!(": {error}"))),
            None => self.take_end(),
        }
    }

    fn take_bytes(&mut self, data: Bytes) -> Result<(), LlmError> {
        match &mut self.form {
            Form::Whole(body) => {
                if body.len() + data.len() > BODY_BYTES_MAX {
                    return Err(garbled(format!("more than {} MiB", BODY_BYTES_MAX >> 20)));
                }
                body.extend_from_slice(&data);
                Ok(())
            }
            Form::Events(reader) => {
                let mut events = Vec::new();
                let fed = reader.feed(&data, &mut events);
                self.take_events(events)?;
                fed.map_err(|_| garbled("an endless line".to_owned()))
            }
        }
    }

    fn take_end(&mut self) -> Result<(), LlmError> {
        match &mut self.form {
            Form::Whole(body) => {
                let body = std::mem::take(body);
                let body = String::from_utf8_lossy(&body);
                let chunk = Chunk::parse(&body).map_err(|_| self.no_completion(&body))?;
                self.take_chunk(&chunk)?;
                self.finish_stream()
            }
            Form::Events(reader) => {
                let mut events = Vec::new();
                let fed = reader.finish(&mut events);
                self.take_events(events)?;
                fed.map_err(|_| garbled("an endless line".to_owned()))?;
                match self.state {
                    State::Finished(_) => self.finish_stream(),
                    State::Going if self.has_seen_event => Err(cut("")),
                    State::Going => Err(garbled("nothing that can be read".to_owned())),
                    State::Over | State::Failed(_) => Ok(()),
                }
            }
        }
    }

    fn take_events(&mut self, events: Vec<String>) -> Result<(), LlmError> {
        for event in events {
            self.has_seen_event = true;
            if self.state == State::Over {
                return Ok(());
            }
            if let Ok(chunk) = Chunk::parse(&event) {
                self.take_chunk(&chunk)?;
                continue;
            }
            // Some servers leave out the blank line between events.
            for line in event.lines().map(str::trim).filter(|line| !line.is_empty()) {
                if line == "[DONE]" {
                    self.finish_stream()?;
                    break;
                }
                let chunk = Chunk::parse(line).map_err(|_| self.no_completion(&event))?;
                self.take_chunk(&chunk)?;
            }
        }
        Ok(())
    }

    fn take_chunk(&mut self, chunk: &Chunk) -> Result<(), LlmError> {
        if let Some(message) = &chunk.error {
            let said = self.shown(message);
            let reason = format!("the LLM server gave up in the middle of the answer: {said}");
            return Err(LlmError::new(LlmErrorKind::Reported, reason));
        }
        chunk.add_to(&mut self.end);
        if chunk.is_thinking || !chunk.text.is_empty() {
            self.clock.last_piece = Some(Instant::now());
        }
        if !chunk.text.is_empty() {
            let text = self.filter.feed(&chunk.text);
            self.push_text(text);
        }
        if self.is_full {
            self.end.finish = FinishReason::Length;
            return self.finish_stream();
        }
        if chunk.finish.is_some() && self.state == State::Going {
            self.state = State::Finished(Instant::now());
        }
        Ok(())
    }

    fn push_text(&mut self, mut text: String) {
        let room = self.text_bytes_max - self.text_bytes;
        if text.len() > room {
            self.is_full = true;
            text.truncate(text.floor_char_boundary(room));
        }
        if !text.is_empty() {
            self.text_bytes += text.len();
            self.ready.push_back(text);
        }
    }

    /// The answer is complete, unless there is none.
    fn finish_stream(&mut self) -> Result<(), LlmError> {
        let held_back = self.filter.finish();
        self.push_text(held_back);
        if self.text_bytes == 0 {
            let why = match (self.end.finish, self.clock.last_piece) {
                (FinishReason::Length, Some(_)) => "it used up its tokens for thinking; allow it more",
                (FinishReason::Length, None) => "the limit of tokens left no room; allow it more",
                (FinishReason::Filtered, _) => "the provider's filter stopped it",
                _ => "it ended at once; ask again, or use another model",
            };
            return Err(LlmError::new(
                LlmErrorKind::Empty,
                format!("the LLM answered without a word: {why}"),
            ));
        }
        self.state = State::Over;
        Ok(())
    }

    fn no_completion(&self, text: &str) -> LlmError {
        // Cut behind the look for the key, or half a key would show.
        let said = self.shown(text);
        garbled(format!("\"{}\"", turnstone_types::truncate_chars(&said, 80)))
    }

    fn shown(&self, text: &str) -> String {
        shown(text, self.api_key.as_ref().map(|key| key.expose_secret()))
    }
}

fn cut(why: &str) -> LlmError {
    let reason = format!(
        "the connection to the LLM ended in the middle of the answer{why}: its server may have stopped or crashed"
    );
    LlmError::new(LlmErrorKind::Cut, reason)
}

fn garbled(what: String) -> LlmError {
    let reason = format!(
        "the LLM server sent {what} where a piece of a chat completion was due: does the base URL lead to an OpenAI-compatible API?"
    );
    LlmError::new(LlmErrorKind::Garbled, reason)
}
