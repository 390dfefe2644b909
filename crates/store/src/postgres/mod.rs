//! The Postgres dialect: deadpool-postgres underneath, one module for each part of the domain, and the traits put together here.

mod acknowledge;
mod common_words;
mod conditions;
mod connection;
mod copy;
mod counts;
mod cycles;
mod detections;
mod entries;
mod error;
mod explanations;
mod groups;
mod import_rows;
mod maintenance;
mod migrate;
mod outbox;
mod rows;
mod scores;
mod session;
mod stats;
mod suppressions;
mod text;
mod tls;

use crate::model::*;
use crate::{Capabilities, ConnectOptions, ReadStore, StoreError, WriteStore};
use async_trait::async_trait;
use conditions::Conditions;
use session::{Mode, work};
use turnstone_types::{
    AcknowledgementId, BatchId, CycleId, Detection, DetectionId, Entry, EntryId, NewCycle, ScoreBatch,
    SourceCheckpoint, SourceId, SuppressionId, TenantId, TextOfEntry, Timestamp,
};

type Result<T> = std::result::Result<T, StoreError>;

/// A store in a Postgres database (15 or later).
#[derive(Debug)]
pub struct PostgresStore {
    pool: deadpool_postgres::Pool,
}

impl PostgresStore {
    /// Opens the database at a `postgres://` URL. Connects with the first verb and not before, and again after any restart of
    /// the server. `sslmode` is libpq's: `disable`, `prefer` (the default), `require` and `verify-full`, with `sslrootcert`.
    pub async fn open(address: &url::Url, options: &ConnectOptions) -> Result<Self> {
        // Reads the system's certificates from disk, which may block.
        let (address, options) = (address.clone(), options.clone());
        let made = tokio::task::spawn_blocking(move || connection::pool(&address, &options)).await;
        let pool = made.map_err(|error| StoreError {
            kind: crate::StoreErrorKind::Internal,
            operation: "open database",
            message: error.to_string(),
            source: None,
        })??;
        Ok(Self { pool })
    }

    /// Runs one statement that only reads.
    async fn read(
        &self,
        operation: &'static str,
        sql: &str,
        conditions: &Conditions<'_>,
    ) -> Result<Vec<tokio_postgres::Row>> {
        self.run(operation, Mode::Single, |session| {
            work(async move { session.query(sql, &conditions.parameters()).await })
        })
        .await
    }
}

#[async_trait]
impl WriteStore for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            time_precision_us: 1,
            concurrent_writers: true,
            deferred_text_index: true,
        }
    }

    async fn migrate(&self) -> Result<()> {
        self.migrate_schema().await
    }

    async fn check_ready(&self) -> Result<()> {
        self.check_schema().await
    }

    async fn commit_cycle(&self, cycle: &NewCycle) -> Result<bool> {
        self.write_cycle(cycle).await
    }

    async fn checkpoints(&self, tenant: &TenantId, source_id: &SourceId) -> Result<Vec<SourceCheckpoint>> {
        self.read_checkpoints(tenant, source_id).await
    }

    async fn pending_events(&self, limit: u32) -> Result<Vec<OutboxEvent>> {
        self.read_pending_events(limit).await
    }

    async fn mark_published(&self, message_ids: &[String], at: Timestamp) -> Result<()> {
        self.write_published(message_ids, at).await
    }

    async fn sweep(&self, request: &SweepRequest) -> Result<SweepOutcome> {
        self.sweep_batches(request).await
    }

    async fn prune_outbox(&self, before: Timestamp) -> Result<u64> {
        self.delete_published(before).await
    }

    async fn batch_texts(&self, batch: &ScoreBatch) -> Result<Vec<TextOfEntry>> {
        self.read_batch_texts(batch).await
    }

    async fn open_batches(&self, tenant: &TenantId, limit: u32) -> Result<Vec<ScoreBatch>> {
        self.read_open_batches(tenant, limit).await
    }

    async fn record_scores(&self, scores: &RecordScores) -> Result<RecordOutcome> {
        self.write_scores(scores).await
    }

    async fn mark_batch_dead(&self, batch_id: &BatchId, reason: Option<&str>) -> Result<()> {
        self.write_batch_dead(batch_id, reason).await
    }

    async fn index_pending_text(&self, entries_max: u32) -> Result<u64> {
        self.index_texts(entries_max).await
    }

    async fn fingerprint_pending(&self, limit: u32) -> Result<u64> {
        self.write_fingerprints(limit).await
    }

    async fn prune_counts(&self, before: Timestamp) -> Result<u64> {
        self.delete_minutes(before).await
    }

    async fn refresh_statistics(&self) -> Result<()> {
        self.vacuum().await
    }

    async fn import(&self, chunk: &ImportChunk) -> Result<ImportOutcome> {
        self.write_import(chunk).await
    }
}

#[async_trait]
impl ReadStore for PostgresStore {
    async fn list_detections(
        &self,
        tenant: &TenantId,
        filter: &DetectionFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<Detection>> {
        self.read_detections(tenant, filter, after, limit).await
    }

    async fn detection(&self, tenant: &TenantId, id: &DetectionId) -> Result<Option<Detection>> {
        self.read_detection(tenant, id).await
    }

    async fn list_detection_groups(
        &self,
        tenant: &TenantId,
        filter: &GroupFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<DetectionGroup>> {
        self.read_groups(tenant, filter, after, limit).await
    }

    async fn acknowledge(&self, request: &AcknowledgeRequest) -> Result<Acknowledged> {
        self.write_acknowledgement(request).await
    }

    async fn undo_acknowledge(
        &self,
        tenant: &TenantId,
        operation_id: &AcknowledgementId,
        at: Timestamp,
    ) -> Result<Option<Undone>> {
        self.undo_acknowledgement(tenant, operation_id, at).await
    }

    async fn add_suppression(&self, suppression: &NewSuppression) -> Result<SuppressionId> {
        self.write_suppression(suppression).await
    }

    async fn list_suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&SuppressionKey>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        self.read_suppressions(tenant, after, limit).await
    }

    async fn remove_suppression(&self, tenant: &TenantId, id: &SuppressionId) -> Result<bool> {
        self.delete_suppression(tenant, id).await
    }

    async fn unacknowledge(&self, tenant: &TenantId, selection: &DetectionSelection) -> Result<u64> {
        self.write_unacknowledgement(tenant, selection).await
    }

    async fn detections_after(&self, after: i64, limit: u32) -> Result<Vec<DetectionFeedItem>> {
        self.read_detections_after(after, limit).await
    }

    async fn last_detection_sequence(&self) -> Result<i64> {
        self.read_last_sequence().await
    }

    async fn entry(&self, tenant: &TenantId, id: &EntryId) -> Result<Option<Entry>> {
        self.read_entry(tenant, id).await
    }

    async fn search_entries(
        &self,
        tenant: &TenantId,
        search: &EntrySearch,
        after: Option<&EntryKey>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.search(tenant, search, after, limit).await
    }

    async fn entry_context(&self, tenant: &TenantId, request: &ContextRequest) -> Result<Option<Vec<Entry>>> {
        self.read_context(tenant, request).await
    }

    async fn explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
    ) -> Result<Option<StoredExplanation>> {
        self.read_explanation(tenant, key).await
    }

    async fn put_explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
        explanation: &StoredExplanation,
    ) -> Result<bool> {
        self.write_explanation(tenant, key, explanation).await
    }

    async fn verdicts(
        &self,
        tenant: &TenantId,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<JudgedDetection>> {
        self.read_verdicts(tenant, after, limit).await
    }

    async fn timeline(&self, tenant: &TenantId, request: &TimelineRequest) -> Result<Vec<TimelineBucket>> {
        self.read_timeline(tenant, request).await
    }

    async fn stats_breakdown(&self, tenant: &TenantId, now: Timestamp) -> Result<StatsBreakdown> {
        self.read_breakdown(tenant, now).await
    }

    async fn source_health(&self, tenant: &TenantId, now: Timestamp) -> Result<Vec<SourceHealth>> {
        self.read_health(tenant, now).await
    }

    async fn stats_summary(&self, tenant: &TenantId) -> Result<StatsSummary> {
        self.read_stats(tenant).await
    }

    async fn sources(&self, tenant: &TenantId) -> Result<Vec<SourceSummary>> {
        self.read_sources(tenant).await
    }

    async fn cycle_progress(&self, cycle_id: &CycleId) -> Result<Option<(u64, u64)>> {
        self.read_cycle_progress(cycle_id).await
    }
}
