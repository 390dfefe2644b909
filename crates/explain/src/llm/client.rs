//! Puts a question: waits for a server that still loads its model, adapts to what it insists on, reads refusals.

use super::answer::{AnswerStream, Clock, later};
use super::connect::Endpoint;
use super::refusal::Refusal;
use super::wire::{Dialect, request_body};
use super::{LlmError, LlmErrorKind, LlmOptions};
use crate::prompt::Message;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, USER_AGENT,
};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use secrecy::ExposeSecret;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(4);
/// A refusal is a few hundred bytes of JSON; a proxy's page may be longer and is of no use.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
const REFUSAL_LIMIT: Duration = Duration::from_secs(5);
/// How often a server is asked that answers 503 without saying that it is loading.
const UNAVAILABLE_ATTEMPTS: u32 = 3;

/// Asks one model. Cheap to share; keeps no connection.
pub struct LlmClient {
    options: LlmOptions,
    endpoint: Endpoint,
    headers: HeaderMap,
    /// What the server was found to insist on; learned once, kept.
    dialect: Mutex<Dialect>,
}

impl std::fmt::Debug for LlmClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LlmClient")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What became of one attempt that brought no answer.
enum Attempt {
    Failed(LlmError),
    /// The server is not ready; it may be soon.
    NotReady(LlmError),
    /// The server objects to an option of ours.
    Adapt(Dialect),
}

impl LlmClient {
    /// Checks the options; connects to nothing yet.
    pub fn new(options: LlmOptions) -> Result<Self, LlmError> {
        let endpoint = Endpoint::new(&options)?;
        let headers = headers(&options, &endpoint)?;
        Ok(Self {
            options,
            endpoint,
            headers,
            dialect: Mutex::default(),
        })
    }

    /// Name of the model that answers.
    pub fn model(&self) -> &str {
        &self.options.model
    }

    /// How it asks.
    pub fn options(&self) -> &LlmOptions {
        &self.options
    }

    /// Puts a question and returns once the server begins to answer. Needs a tokio runtime.
    pub async fn ask(&self, messages: &[Message]) -> Result<AnswerStream, LlmError> {
        let clock = Clock {
            asked: Instant::now(),
            last_piece: None,
            limits: self.options.limits,
        };
        let (deadline, _) = clock.deadline();
        let mut backoff = FIRST_BACKOFF;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.ask_once(messages, clock).await {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Failed(error)) => return Err(error),
                // Each adaption takes an option away, so there is an end to it.
                Err(Attempt::Adapt(dialect)) => {
                    *self.dialect.lock().unwrap_or_else(PoisonError::into_inner) = dialect;
                }
                Err(Attempt::NotReady(error)) => {
                    let wait = error.retry_after().unwrap_or_default().max(backoff);
                    let is_hopeless =
                        error.kind() != LlmErrorKind::Loading && attempts >= UNAVAILABLE_ATTEMPTS;
                    if is_hopeless || later(Instant::now(), wait) >= deadline {
                        return Err(error);
                    }
                    tokio::time::sleep(wait).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    async fn ask_once(&self, messages: &[Message], clock: Clock) -> Result<AnswerStream, Attempt> {
        let (deadline, too_late) = clock.deadline();
        let left = deadline.saturating_duration_since(Instant::now());
        let connected = self.endpoint.connect(self.options.limits.connect.min(left)).await;
        let (mut sender, connection) = connected.map_err(Attempt::Failed)?;
        let dialect = *self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        let body = request_body(&self.options, dialect, messages);
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        // Checked when the client was made.
        *request.uri_mut() = self
            .endpoint
            .target
            .parse()
            .map_err(|_| Attempt::Failed(too_late.clone()))?;
        *request.headers_mut() = self.headers.clone();
        let response = tokio::time::timeout_at(deadline, sender.send_request(request)).await;
        let response = response
            .map_err(|_| Attempt::Failed(too_late))?
            .map_err(|error| Attempt::Failed(self.request_error(&error)))?;
        if response.status().is_success() {
            let answer = AnswerStream::new(
                response,
                connection,
                clock,
                self.options.max_tokens,
                self.options.api_key.clone(),
            );
            return answer.map_err(Attempt::Failed);
        }
        Err(self.refused(response, dialect).await)
    }

    async fn refused(&self, response: Response<Incoming>, dialect: Dialect) -> Attempt {
        let (parts, body) = response.into_parts();
        let reading = Limited::new(body, REFUSAL_BYTES_MAX).collect();
        // The status says enough where the body does not come.
        let body = match tokio::time::timeout(REFUSAL_LIMIT, reading).await {
            Ok(Ok(body)) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            _ => String::new(),
        };
        let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let refusal = Refusal {
            status: parts.status,
            retry_after: header(RETRY_AFTER),
            location: header(LOCATION),
            body: &body,
            shown_url: &self.endpoint.shown_url,
            model: &self.options.model,
            api_key: self.options.api_key.as_ref().map(|key| key.expose_secret()),
        };
        if let Some(adapted) = refusal.dialect(dialect) {
            Attempt::Adapt(adapted)
        } else if parts.status == http::StatusCode::SERVICE_UNAVAILABLE {
            Attempt::NotReady(refusal.to_error())
        } else {
            Attempt::Failed(refusal.to_error())
        }
    }

    fn request_error(&self, error: &hyper::Error) -> LlmError {
        let url = &self.endpoint.shown_url;
        if error.is_parse() {
            let reason =
                format!("{url} does not speak HTTP: check the base URL, and whether it should be https");
            LlmError::new(LlmErrorKind::Garbled, reason)
        } else {
            let reason = format!(
                "{url} closed the connection before it answered: its server may have stopped or crashed"
            );
            LlmError::new(LlmErrorKind::Unreachable, reason)
        }
    }
}

fn headers(options: &LlmOptions, endpoint: &Endpoint) -> Result<HeaderMap, LlmError> {
    let invalid = |what: &str| {
        LlmError::new(
            LlmErrorKind::Configuration,
            format!("the LLM's {what} holds characters that HTTP cannot carry"),
        )
    };
    endpoint
        .target
        .parse::<http::Uri>()
        .map_err(|_| invalid("base URL"))?;
    let mut headers = HeaderMap::new();
    headers.insert(
        HOST,
        HeaderValue::from_str(&endpoint.authority).map_err(|_| invalid("base URL"))?,
    );
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("text/event-stream, application/json"),
    );
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("turnstone/", env!("CARGO_PKG_VERSION"))),
    );
    if let Some(key) = &options.api_key {
        let value = format!("Bearer {}", key.expose_secret().trim());
        let mut value = HeaderValue::from_str(&value).map_err(|_| invalid("API key"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}
