//! JetStream streams, subjects, the delivery contract, dead letters, and the NATS server that Turnstone starts itself.
//! The only user of async-nats. What a batch means and when it is done is the business of ingest and scorer.
//!
//! # The delivery contract
//!
//! The database is the truth; messages carry references only. Losing a message, or seeing one twice, costs time and never
//! a line, and everything here leans on that:
//!
//! * **Publishing** returns after the server has stored the message. An error means *unknown*: publish it again under the
//!   same message id, and within [`BusOptions::duplicate_window`] the server keeps one copy.
//! * **A delivery** belongs to its worker for [`ScoreQueueOptions::ack_wait`], which [`Delivery::keep_alive`] extends. It
//!   ends with exactly one of [`Delivery::ack`] (after the commit), [`Delivery::retry_after`] or [`Delivery::bury`]. Each of
//!   them returns after the server confirmed it; an error means *unknown* and the batch may come again.
//! * **The server never gives up** on a batch: it delivers without limit, and the worker decides by
//!   [`Delivery::attempt`] when a batch has been tried often enough, so that no batch vanishes without a dead letter.
//! * **Questions** ([`Bus::ask_explain_label`]) go over core NATS and are kept nowhere. Whoever asks is told whether nobody is
//!   there, nobody answered in time, or the server cannot be reached.
//! * **Lost streams come back**: every call that meets a missing stream or consumer makes it again and goes on.

mod backoff;
mod bus;
mod dead_letter;
mod delivery;
pub mod embedded;
mod error;
mod label_questions;
mod options;
mod publish;
mod queue;
mod streams;

pub use backoff::redelivery_delay;
pub use bus::{Backlog, Bus};
pub use dead_letter::{DeadLetter, ReplaySelection};
pub use delivery::{DecodeError, Delivery, KeepAlive};
pub use error::BusError;
pub use label_questions::{
    AnswerLimits, AskError, LabelQuestion, QUEUE_GROUP_SCORERS, SUBJECT_EXPLAIN_LABEL,
};
pub use options::{BusOptions, Credentials, StreamLimits, TlsOptions};
pub use publish::{Event, Publication, Published};
pub use queue::{ScoreQueue, ScoreQueueOptions};
pub use streams::{CONSUMER_SCORER, STREAM_DEAD, STREAM_GLEAN, STREAM_SCORE};
