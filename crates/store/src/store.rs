//! The verbs of the store. Every write is safe to repeat; every read is scoped to a tenant and the shared tenant.

use crate::model::*;
use crate::{Capabilities, EntryFacts, RANKED_MATCHES_MAX, RankedEntry, StoreError};
use async_trait::async_trait;
use turnstone_types::{
    AcknowledgementId, BatchId, CycleId, Detection, DetectionId, Entry, EntryId, NewCycle, ScoreBatch,
    SourceCheckpoint, SourceId, SuppressionId, TenantId, TextOfEntry, Timestamp,
};

type Result<T> = std::result::Result<T, StoreError>;

/// A whole store.
pub trait Store: ReadStore + WriteStore {}

impl<T: ReadStore + WriteStore> Store for T {}

/// What ingest and scorers need.
#[async_trait]
pub trait WriteStore: Send + Sync {
    /// Facts about this backend.
    fn capabilities(&self) -> Capabilities;

    /// Brings the schema up to this version of the program. Safe to call from several processes at once.
    async fn migrate(&self) -> Result<()>;

    /// Fails unless the database answers and its schema is the one this program was built for.
    async fn check_ready(&self) -> Result<()>;

    /// Commits a cycle in ONE transaction: entries, checkpoints, source counters, cycle, score batches, outbox
    /// (one event for the cycle unless it has no entries, one for each batch). Returns false, having changed nothing,
    /// where a cycle of this id is already there.
    async fn commit_cycle(&self, cycle: &NewCycle) -> Result<bool>;

    /// The checkpoints of one source.
    async fn checkpoints(&self, tenant: &TenantId, source_id: &SourceId) -> Result<Vec<SourceCheckpoint>>;

    /// Outbox events that wait to be published, oldest first.
    async fn pending_events(&self, limit: u32) -> Result<Vec<OutboxEvent>>;

    /// Marks events as published, after the queue has confirmed them. For a batch this starts its deadline.
    async fn mark_published(&self, message_ids: &[String], at: Timestamp) -> Result<()>;

    /// Puts batches that are not done by their deadline into the outbox again, under new message ids, unless an event of
    /// theirs still waits there; and, when asked, makes batches of unscored entries that no open batch covers
    /// (a dead one covers its entries still).
    async fn sweep(&self, request: &SweepRequest) -> Result<SweepOutcome>;

    /// Deletes published outbox rows older than `before`; returns how many.
    async fn prune_outbox(&self, before: Timestamp) -> Result<u64>;

    /// Texts of the entries of a batch that are still unscored, in order of id; empty when all are done.
    async fn batch_texts(&self, batch: &ScoreBatch) -> Result<Vec<TextOfEntry>>;

    /// Batches not done (nor dead) of the tenant and of the shared tenant, newest cycle first: what a scorer without a queue works on.
    async fn open_batches(&self, tenant: &TenantId, limit: u32) -> Result<Vec<ScoreBatch>>;

    /// Writes scores, quarantined entries and detections and closes the batch, in ONE transaction, by sets and not by row.
    /// Only entries without a score are written, and only they become detections, so that an entry's label and its detection
    /// agree; a detection exists once for each (entry, scorer). Of two outcomes for one entry the first counts. The batch is
    /// closed when none of its entries waits any more. A score that is not finite is refused and nothing is written.
    /// A detection that a suppression is for comes acknowledged with the verdict `expected`, marked as suppressed; one within the
    /// quiet time of its group comes acknowledged by the operation that acknowledged the group.
    async fn record_scores(&self, scores: &RecordScores) -> Result<RecordOutcome>;

    /// Notes that a batch can never work, or (`None`) opens it again; a dead batch is not swept.
    async fn mark_batch_dead(&self, batch_id: &BatchId, reason: Option<&str>) -> Result<()>;

    /// Indexes for full-text search what was committed and is not indexed yet, about `rows_max` entries and detections; returns how
    /// many. Search finds unindexed entries too, only slower; detections are filtered by text once they are indexed, as those of scorers
    /// are from the start. Zero means nothing is left.
    async fn index_pending_text(&self, rows_max: u32) -> Result<u64>;

    /// Computes the fingerprints of at most `limit` detections that have none (from an older schema, or put in by hand); their groups
    /// grow in the same transaction. Returns how many; zero means nothing is left.
    async fn fingerprint_pending(&self, limit: u32) -> Result<u64>;

    /// Deletes the counts by minute of before an instant; those by hour and of ever stay. Returns how many rows. Keep seven days:
    /// timelines in steps of less than an hour and the rates of sources are made of them.
    async fn prune_counts(&self, before: Timestamp) -> Result<u64>;

    /// Brings the database's own statistics up to date and clears dead rows away, after much was written at once. Never needed for right
    /// answers, and servers that do so by themselves (Postgres, within minutes) only do it sooner.
    async fn refresh_statistics(&self) -> Result<()>;

    /// Writes imported rows in ONE transaction, passing over what is there already, and makes score batches (with their outbox
    /// events) of the new unscored entries. The new entries are a cycle with its event. Source counters grow by what is new.
    async fn import(&self, chunk: &ImportChunk) -> Result<ImportOutcome>;
}

/// What query services need. `tenant` sees its own rows and those of the shared tenant.
#[async_trait]
pub trait ReadStore: Send + Sync {
    /// Detections, newest first (`detected_at`, then id, descending), after `after`, at most `limit`.
    async fn list_detections(
        &self,
        tenant: &TenantId,
        filter: &DetectionFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<Detection>>;

    /// One detection.
    async fn detection(&self, tenant: &TenantId, id: &DetectionId) -> Result<Option<Detection>>;

    /// Groups, the one with the newest detection first (`last_seen`, then id of the newest detection, descending), after `after`,
    /// at most `limit`. A group that recurs while one reads page after page moves to the front: it may be missed on a later page
    /// and never comes twice. [`Self::list_detections`] with source, label and fingerprint lists the detections of one.
    async fn list_detection_groups(
        &self,
        tenant: &TenantId,
        filter: &GroupFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<DetectionGroup>>;

    /// Acknowledges as one operation, in one transaction and by sets. A detection that is acknowledged already takes the new note,
    /// verdict and time when named by id, as in the original, and is left alone by a filter and by groups. A group keeps the moment
    /// up to which it was acknowledged, and what recurs in it later is open, but for the quiet time of [`RecordScores`].
    async fn acknowledge(&self, request: &AcknowledgeRequest) -> Result<Acknowledged>;

    /// Undoes an operation as a whole: what it acknowledged gets its state from before back (open, or the note, verdict and time of
    /// an earlier operation), recurrences within its quiet time open, its groups are acknowledged up to where they were. Detections
    /// changed since by something else are left alone. `None` where this tenant has made no such operation.
    async fn undo_acknowledge(
        &self,
        tenant: &TenantId,
        operation_id: &AcknowledgementId,
        at: Timestamp,
    ) -> Result<Option<Undone>>;

    /// Adds a suppression. It works on detections made from now on.
    async fn add_suppression(&self, suppression: &NewSuppression) -> Result<SuppressionId>;

    /// Suppressions of the tenant and of the shared one, newest first, expired ones included.
    async fn list_suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&SuppressionKey>,
        limit: u32,
    ) -> Result<Vec<Suppression>>;

    /// Removes a suppression of the tenant or of the shared one; false where there is none. What it suppressed stays acknowledged.
    async fn remove_suppression(&self, tenant: &TenantId, id: &SuppressionId) -> Result<bool>;

    /// Opens acknowledged detections again (clears time, note and verdict); returns the number of rows that changed.
    async fn unacknowledge(&self, tenant: &TenantId, selection: &DetectionSelection) -> Result<u64>;

    /// Detections of ALL tenants with a sequence over `after`, in rising order, for watchers within this process, which filter by
    /// tenant themselves and leave out suppressed ones, which are among them so that the sequence has no gaps. Rows may become visible out of order, so a follower keeps asking from the lowest gap for some time.
    async fn detections_after(&self, after: i64, limit: u32) -> Result<Vec<DetectionFeedItem>>;

    /// The highest sequence of the detection feed, 0 when there is none.
    async fn last_detection_sequence(&self) -> Result<i64>;

    /// One entry.
    async fn entry(&self, tenant: &TenantId, id: &EntryId) -> Result<Option<Entry>>;

    /// Entries, newest first (`timestamp_iso`, then id, descending).
    async fn search_entries(
        &self,
        tenant: &TenantId,
        search: &EntrySearch,
        after: Option<&EntryKey>,
        limit: u32,
    ) -> Result<Vec<Entry>>;

    /// Entries by relevance to the search's text query, best first, of equals the newest first, from a place on, at most `limit`.
    /// Ranked are the newest [`RANKED_MATCHES_MAX`] matches by BM25, so that the time does not grow with the matches; without a
    /// text query all are equal. Pages fit together where `ingested_until` is set to the same instant.
    async fn search_entries_by_relevance(
        &self,
        tenant: &TenantId,
        search: &EntrySearch,
        from_place: u32,
        limit: u32,
    ) -> Result<Vec<RankedEntry>> {
        let newest = self
            .search_entries(tenant, search, None, RANKED_MATCHES_MAX)
            .await?;
        let ranked = match &search.query {
            Some(query) => crate::relevance::rank(query, newest),
            None => newest
                .into_iter()
                .map(|entry| RankedEntry {
                    entry,
                    relevance: 0.0,
                })
                .collect(),
        };
        Ok(ranked
            .into_iter()
            .skip(from_place as usize)
            .take(limit as usize)
            .collect())
    }

    /// What is known of an entry without a model. `window_seconds` is how far around it something counts as new. `None` where the
    /// entry does not exist for this tenant.
    async fn entry_facts(
        &self,
        tenant: &TenantId,
        entry_id: &EntryId,
        window_seconds: u32,
    ) -> Result<Option<EntryFacts>> {
        crate::facts::entry_facts(self, tenant, entry_id, window_seconds).await
    }

    /// The explanation of an entry that was kept under this key.
    async fn explanation(&self, tenant: &TenantId, key: &ExplanationKey)
    -> Result<Option<StoredExplanation>>;

    /// Keeps an explanation, in place of one under the same key, until its entry is deleted. False where the entry does not exist for
    /// this tenant.
    async fn put_explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
        explanation: &StoredExplanation,
    ) -> Result<bool>;

    /// Detections that people have judged, newest first (`detected_at`, then id, descending): training data.
    async fn verdicts(
        &self,
        tenant: &TenantId,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<JudgedDetection>>;

    /// What came in over time, without empty buckets.
    async fn timeline(&self, tenant: &TenantId, request: &TimelineRequest) -> Result<Vec<TimelineBucket>>;

    /// Counts by severity, label, source and hour. Reads kept counts only.
    async fn stats_breakdown(&self, tenant: &TenantId, now: Timestamp) -> Result<StatsBreakdown>;

    /// How lines come from each of [`Self::sources`] at present, by name. Reads kept counts only.
    async fn source_health(&self, tenant: &TenantId, now: Timestamp) -> Result<Vec<SourceHealth>>;

    /// Entries of the same tenant and source around one, in order of time then id, the entry itself included.
    /// `None` where the entry does not exist for this tenant.
    async fn entry_context(&self, tenant: &TenantId, request: &ContextRequest) -> Result<Option<Vec<Entry>>>;

    /// Counts for the dashboard.
    async fn stats_summary(&self, tenant: &TenantId) -> Result<StatsSummary>;

    /// Sources that have ever brought an entry or a fault, by name.
    async fn sources(&self, tenant: &TenantId) -> Result<Vec<SourceSummary>>;

    /// How a cycle stands: entries committed and entries that still wait for a score; `None` where there is none.
    async fn cycle_progress(&self, cycle_id: &CycleId) -> Result<Option<(u64, u64)>>;
}
