//! Parameters and answers of the `Store` verbs.

mod acknowledgements;
mod counts;
mod explanations;
mod groups;

pub use acknowledgements::{
    AcknowledgeRequest, Acknowledged, DetectionSelection, GroupUntil, NewSuppression, Suppression,
    SuppressionKey, Undone,
};
pub use counts::{
    DetectionTally, HourCount, SourceHealth, StatsBreakdown, TIMELINE_BUCKETS_MAX, TimelineBucket,
    TimelineRequest,
};
pub use explanations::{ExplanationKey, JudgedDetection, StoredExplanation};
pub use groups::{DetectionGroup, GroupFilter, GroupKey};

use turnstone_types::{
    BatchId, CycleEvent, CycleId, Detection, DetectionId, Entry, EntryId, Fingerprint, Label, ScoreBatch,
    ScoredEntry, Severity, SourceId, TenantId, Timestamp, Verdict,
};

/// Facts that a backend declares instead of being asked which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Smallest difference between two stored instants, in microseconds.
    pub time_precision_us: u32,
    /// Whether several processes may write at the same time.
    pub concurrent_writers: bool,
    /// Whether full-text indexing happens after the commit, by [`crate::WriteStore::index_pending_text`].
    pub deferred_text_index: bool,
}

/// An event whose outbox row waits to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEvent {
    /// Message id for the queue's duplicate window; unique for each intended delivery.
    pub message_id: String,
    /// W3C `traceparent` of the span that made it.
    pub trace_parent: Option<String>,
    /// What is published.
    pub body: OutboxBody,
}

/// What an outbox row stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum OutboxBody {
    /// The end of a glean cycle.
    Cycle(CycleEvent),
    /// Work for a scorer.
    Batch(ScoreBatch),
}

/// The scores of one batch, to be written in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordScores {
    /// The batch that this completes, if the work came as one.
    pub batch_id: Option<BatchId>,
    /// Lower-case name of the model.
    pub scorer: String,
    /// When the scores were made: `anomaly_scored_at` and `detected_at`.
    pub scored_at: Timestamp,
    /// For so many seconds after a group was acknowledged, what recurs in it is acknowledged as it comes, under the same
    /// operation. 0: a group opens again as soon as it recurs.
    pub quiet_seconds: u32,
    /// One outcome for each entry. Entries that do not exist are passed over.
    pub outcomes: Vec<ScoredEntry>,
}

/// What recording changed; a repeat of the same batch answers zeros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordOutcome {
    /// Entries that had no score before and have one now.
    pub newly_scored: u64,
    /// Entries newly set aside.
    pub newly_quarantined: u64,
    /// Detections that are new.
    pub new_detections: u64,
}

/// Asks the sweeper to send again what stays unscored.
#[derive(Debug, Clone)]
pub struct SweepRequest {
    /// Batches sent (or made) before this instant and still not done are sent again.
    pub sent_before: Timestamp,
    /// The instant of the sweep.
    pub now: Timestamp,
    /// At most this many batches.
    pub limit: u32,
    /// Also look through the entries for unscored ones that no open batch covers (imported or changed by hand)
    /// and make batches of them. Reads the whole table where there is no index for it.
    pub adopt_orphans: bool,
    /// Entries an adopted batch may hold.
    pub batch_entries_max: u32,
}

/// What the sweeper put into the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepOutcome {
    /// Batches to be sent again.
    pub resent_batches: u64,
    /// New batches made of orphans.
    pub adopted_batches: u64,
}

/// Which detections. Text fields compare exactly; `None` does not filter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DetectionFilter {
    /// Only those not acknowledged (`Some(true)`), only those acknowledged (`Some(false)`).
    pub unacknowledged: Option<bool>,
    /// Normalised label.
    pub label: Option<Label>,
    /// Lower-case name of the model.
    pub scorer: Option<String>,
    /// Severity.
    pub severity: Option<Severity>,
    /// Source.
    pub source_id: Option<SourceId>,
    /// Detected at or after.
    pub detected_from: Option<Timestamp>,
    /// Detected before.
    pub detected_until: Option<Timestamp>,
    /// Score at or over.
    pub score_min: Option<f64>,
    /// Fingerprint of the text. With source and label: the detections of one group.
    pub fingerprint: Option<Fingerprint>,
    /// Verdict.
    pub verdict: Option<Verdict>,
    /// Only those that a suppression acknowledged (`Some(true)`), only the others (`Some(false)`).
    pub suppressed: Option<bool>,
    /// Full-text query on the text of the detection. What scorers write is found at once; what was imported or put in by hand, after
    /// [`crate::WriteStore::index_pending_text`].
    pub text: Option<crate::SearchQuery>,
}

/// Position in a list of detections, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectionKey {
    /// `detected_at` of the last row seen.
    pub detected_at: Timestamp,
    /// Its id.
    pub id: DetectionId,
}

/// A detection with its place in the order of commits, for watchers.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionFeedItem {
    /// Grows with each detection. Values may be missing for good and may become visible out of order:
    /// two writers commit in any order. [`crate::ReadStore::detections_after`] says how to follow it.
    pub sequence: i64,
    /// The detection.
    pub detection: Detection,
}

/// Position in a list of entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryKey {
    /// Time of the last row seen.
    pub timestamp: Timestamp,
    /// Its id.
    pub id: EntryId,
}

/// A search for entries, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntrySearch {
    /// Full-text query; `None` matches every entry.
    pub query: Option<crate::SearchQuery>,
    /// Source.
    pub source_id: Option<SourceId>,
    /// The line's own severity.
    pub severity: Option<Severity>,
    /// Normalised label of its score.
    pub label: Option<Label>,
    /// Score at or over.
    pub score_min: Option<f64>,
    /// Score at or under.
    pub score_max: Option<f64>,
    /// Stored at this instant or before. Fixed on the first page, it keeps the later ones free of lines that arrive meanwhile, however
    /// old these are.
    pub ingested_until: Option<Timestamp>,
    /// Time at or after.
    pub time_from: Option<Timestamp>,
    /// Time before.
    pub time_until: Option<Timestamp>,
}

/// Asks for the entries around one entry in the same tenant and source.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextRequest {
    /// The entry in the middle.
    pub entry_id: EntryId,
    /// How far to look back and ahead, in whole seconds. With `u32::MAX` only the numbers of entries are a limit.
    pub window_seconds: u32,
    /// At most this many entries before it, nearest first when cut.
    pub before_max: u32,
    /// At most this many entries after it, nearest first when cut.
    pub after_max: u32,
}

/// Detections by label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelCount {
    /// Normalised label.
    pub label: Label,
    /// Severity.
    pub severity: Severity,
    /// Not acknowledged.
    pub open: u64,
    /// Acknowledged.
    pub acknowledged: u64,
}

/// Something for the dashboard's timeline: a recent detection.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEvent {
    /// The entry, which can be explained.
    pub entry_id: EntryId,
    /// Where it comes from.
    pub source_id: SourceId,
    /// Time of the entry, or of the detection where the entry has none.
    pub timestamp: Timestamp,
    /// Normalised label.
    pub label: Label,
    /// Severity.
    pub severity: Severity,
    /// Start of its text.
    pub text: String,
}

/// Counts for the dashboard.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StatsSummary {
    /// Entries stored.
    pub entries: u64,
    /// Entries that wait for a scorer.
    pub unscored_entries: u64,
    /// When the oldest unscored entry was stored.
    pub oldest_unscored_at: Option<Timestamp>,
    /// Entries set aside.
    pub quarantined_entries: u64,
    /// Detections by label.
    pub labels: Vec<LabelCount>,
    /// The newest critical detections not acknowledged, newest first, at most 20.
    pub timeline_events: Vec<TimelineEvent>,
}

/// One source and its health.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSummary {
    /// Whose.
    pub tenant: TenantId,
    /// Name.
    pub source_id: SourceId,
    /// Kind as in the configuration.
    pub kind: String,
    /// Entries in all.
    pub entries: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Entries without a time of their own.
    pub undated_entries: u64,
    /// Lines with bytes that were replaced.
    pub repaired_lines: u64,
    /// Lines cut at the length limit.
    pub truncated_lines: u64,
    /// Time of the newest entry.
    pub last_entry_at: Option<Timestamp>,
    /// When a cycle last brought something from it.
    pub last_gleaned_at: Option<Timestamp>,
    /// What is wrong with it at present.
    pub fault: Option<String>,
}

/// Rows brought in from another database, to be written in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportChunk {
    /// The cycle that the import makes its new rows part of: another for each chunk. Batches are ranges of ids within a cycle,
    /// and ids of another system come in any order. No cycle is stored where no entry is new.
    pub cycle_id: CycleId,
    /// The tenant of all rows of this chunk.
    pub tenant: TenantId,
    /// Entries with their ids and scores. One whose id is there already is passed over.
    pub entries: Vec<Entry>,
    /// Detections with their ids, acknowledgements and notes. One whose id, or whose entry and scorer, is there already is passed over.
    pub detections: Vec<Detection>,
    /// Entries a score batch, made of the unscored ones, may hold.
    pub batch_entries_max: u32,
    /// The instant of the import.
    pub at: Timestamp,
}

/// What an import added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOutcome {
    /// Entries that were not there before.
    pub new_entries: u64,
    /// Detections that were not there before.
    pub new_detections: u64,
}
