//! The dialect layer: the `Store` trait of domain verbs, its SQLite and Postgres implementations, their migrations.
//! Nobody outside this crate asks which database it is; differences are facts that [`Capabilities`] declares.

mod address;
mod batch_plan;
mod checks;
mod connect;
mod error;
mod instant;
mod migrations;
mod model;
mod query_syntax;
mod store;
mod stored;
mod text_index;

pub mod import;
pub mod postgres;
pub mod sqlite;

pub use address::StoreAddress;
pub use connect::{ConnectOptions, connect};
pub use error::{StoreError, StoreErrorKind};
pub use model::{
    AcknowledgeRequest, Capabilities, ContextRequest, DetectionFeedItem, DetectionFilter, DetectionKey,
    DetectionSelection, EntryKey, EntrySearch, ImportChunk, ImportOutcome, LabelCount, OutboxBody,
    OutboxEvent, RecordOutcome, RecordScores, SourceSummary, StatsSummary, SweepOutcome, SweepRequest,
    TimelineEvent,
};
pub use query_syntax::{QueryError, SearchQuery, SearchTerm};
pub use store::{ReadStore, Store, WriteStore};
