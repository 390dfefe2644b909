//! The dialect layer: the `Store` trait of domain verbs, its SQLite and Postgres implementations, their migrations.
//! Nobody outside this crate asks which database it is; differences are facts that [`Capabilities`] declares.

mod address;
mod batch_plan;
mod checks;
mod connect;
mod counts;
mod error;
mod facts;
mod instant;
mod migrations;
mod model;
mod query_syntax;
mod relevance;
mod store;
mod stored;
mod text_index;

pub mod import;
pub mod plans;
pub mod postgres;
pub mod sqlite;

pub use address::StoreAddress;
pub use connect::{ConnectOptions, connect};
pub use error::{StoreError, StoreErrorKind};
pub use facts::{COUNTED_MAX, EntryFacts};
pub use model::{
    AcknowledgeRequest, Acknowledged, Capabilities, ContextRequest, DetectionFeedItem, DetectionFilter,
    DetectionGroup, DetectionKey, DetectionSelection, DetectionTally, EntryKey, EntrySearch, ExplanationKey,
    GroupFilter, GroupKey, GroupUntil, HourCount, ImportChunk, ImportOutcome, JudgedDetection, LabelCount,
    NewSuppression, OutboxBody, OutboxEvent, RecordOutcome, RecordScores, SourceHealth, SourceSummary,
    StatsBreakdown, StatsSummary, StoredExplanation, Suppression, SuppressionKey, SweepOutcome, SweepRequest,
    TIMELINE_BUCKETS_MAX, TimelineBucket, TimelineEvent, TimelineRequest, Undone,
};
pub use query_syntax::{QueryError, SearchQuery, SearchTerm};
pub use relevance::{RANKED_MATCHES_MAX, RankedEntry};
pub use store::{ReadStore, Store, WriteStore};
