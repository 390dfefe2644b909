//! What can go wrong on the bus, and whether trying again can help.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{
    CreateStreamError, CreateStreamErrorKind, PublishError, PublishErrorKind, RequestErrorKind,
};

/// A failure of the bus. [`BusError::is_retryable`] says whether the same call can succeed later.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// What the caller asked for cannot be.
    #[error("{what}")]
    Invalid {
        /// What is wrong and what to do.
        what: String,
    },
    /// The first connect failed.
    #[error(
        "no NATS server answers at {address}: {reason}; start one there, correct the address, or leave it out to use the embedded server"
    )]
    Connect {
        /// The addresses, without user and password.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The server refused the credentials.
    #[error(
        "the NATS server at {address} refuses these credentials; set the token, user and password or credentials file that it expects"
    )]
    Refused {
        /// The addresses, without user and password.
        address: String,
    },
    /// The server cannot be reached at present or did not answer in time. What was sent may or may not have arrived.
    #[error("{operation}: the NATS server does not answer: {reason}")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// What happened.
        reason: String,
    },
    /// A stream has no room: slow down and try again.
    #[error(
        "stream {stream} takes no more messages: {reason}; it has room again when workers catch up, or raise its byte limit"
    )]
    Overloaded {
        /// Which stream.
        stream: &'static str,
        /// What the server said.
        reason: String,
    },
    /// The server has no JetStream.
    #[error(
        "the NATS server has JetStream switched off: start it with `jetstream` in its configuration or with -js"
    )]
    NoJetStream,
    /// A stream or consumer is there with settings that cannot be changed into ours.
    #[error(
        "{name} exists with settings that do not fit: {reason}; remove it with the nats tool, or use another NATS account"
    )]
    Mismatch {
        /// Stream or consumer.
        name: &'static str,
        /// What the server said.
        reason: String,
    },
    /// The delivery is no longer ours to settle: its consumer is gone. The batch comes again if it still waits.
    #[error("{operation}: the delivery is gone from the server")]
    DeliveryGone {
        /// What was being done.
        operation: &'static str,
    },
    /// The server answered with an error.
    #[error("{operation}: the NATS server says: {reason}")]
    Server {
        /// What was being done.
        operation: &'static str,
        /// What it said.
        reason: String,
        /// Whether the server calls it a passing fault (its code is 500 or over).
        passing: bool,
    },
}

impl BusError {
    /// Whether the same call can succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Unavailable { .. } | Self::Overloaded { .. } => true,
            Self::Server { passing, .. } => *passing,
            Self::Invalid { .. }
            | Self::Refused { .. }
            | Self::NoJetStream
            | Self::Mismatch { .. }
            | Self::DeliveryGone { .. } => false,
        }
    }

    pub(crate) fn unavailable(operation: &'static str, reason: impl ToString) -> Self {
        Self::Unavailable {
            operation,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn timed_out(operation: &'static str) -> Self {
        Self::unavailable(operation, "timed out")
    }

    /// Short name for metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Connect { .. } | Self::Unavailable { .. } => "unavailable",
            Self::Refused { .. } => "refused",
            Self::Overloaded { .. } => "overloaded",
            Self::NoJetStream => "no_jetstream",
            Self::Mismatch { .. } => "mismatch",
            Self::DeliveryGone { .. } => "gone",
            Self::Server { .. } => "server",
        }
    }
}

/// A publish that failed for another reason than a missing stream.
pub(crate) fn from_publish(stream: &'static str, error: &PublishError) -> BusError {
    let operation = "publish";
    match error.kind() {
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe | PublishErrorKind::MaxAckPending => {
            BusError::unavailable(operation, error)
        }
        PublishErrorKind::StreamNotFound => {
            BusError::unavailable(operation, format_args!("no stream {stream}"))
        }
        PublishErrorKind::MaxPayloadExceeded => BusError::Invalid {
            what: format!("publish: {}", with_sources(error)),
        },
        _ => match server_error(error) {
            // The server gives this one code for a stream at its limit with `discard: new` and for a disk that is full: in
            // both cases a message is refused now and accepted later, so both are overload.
            Some(answer) if is_out_of_room(answer.error_code()) => BusError::Overloaded {
                stream,
                reason: answer.to_string(),
            },
            Some(answer) => from_server(operation, answer),
            None => BusError::unavailable(operation, with_sources(error)),
        },
    }
}

/// An answer of the JetStream API that is an error.
pub(crate) fn from_server(operation: &'static str, answer: &async_nats::jetstream::Error) -> BusError {
    match answer.error_code() {
        ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
            BusError::NoJetStream
        }
        _ => BusError::Server {
            operation,
            reason: answer.to_string(),
            passing: answer.code() >= 500,
        },
    }
}

pub(crate) fn from_create_stream(name: &'static str, error: &CreateStreamError) -> BusError {
    let operation = "make stream";
    match error.kind() {
        CreateStreamErrorKind::TimedOut => BusError::timed_out(operation),
        // Nobody listens on the API subject: JetStream is off, or the server is still starting it. A server that has it off
        // also says so in its INFO, which the first connect checks.
        CreateStreamErrorKind::JetStreamUnavailable => {
            BusError::unavailable(operation, "JetStream does not answer")
        }
        CreateStreamErrorKind::JetStream(answer) => match from_server(operation, &answer) {
            BusError::Server {
                reason,
                passing: false,
                ..
            } => BusError::Mismatch { name, reason },
            other => other,
        },
        _ => BusError::unavailable(operation, with_sources(error)),
    }
}

pub(crate) fn from_request(
    operation: &'static str,
    error: &async_nats::jetstream::context::RequestError,
) -> BusError {
    match error.kind() {
        RequestErrorKind::TimedOut => BusError::timed_out(operation),
        RequestErrorKind::NoResponders => BusError::unavailable(operation, "JetStream does not answer"),
        _ => match server_error(error) {
            Some(answer) => from_server(operation, answer),
            None => BusError::unavailable(operation, with_sources(error)),
        },
    }
}

fn is_out_of_room(code: ErrorCode) -> bool {
    [ErrorCode::STREAM_STORE_FAILED, ErrorCode::INSUFFICIENT_RESOURCES].contains(&code)
}

/// The JetStream answer among the sources of an error.
pub(crate) fn server_error<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a async_nats::jetstream::Error> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(answer) = error.downcast_ref::<async_nats::jetstream::Error>() {
            return Some(answer);
        }
        current = error.source();
    }
    None
}

/// An error with its sources in one line, since async-nats puts the interesting part into the source.
pub(crate) fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut current = error.source();
    while let Some(source) = current {
        let source_text = source.to_string();
        if !text.contains(&source_text) {
            text = format!("{text}: {source_text}");
        }
        current = source.source();
    }
    text
}
