//! The SQLite dialect over sqlx: one file, one writer at a time, readers beside it, several processes.
//! Each file below holds the verbs of one area; the traits only pass on to them.

mod acknowledge;
mod bulk;
mod conditions;
mod connection;
mod counts;
mod cycle;
mod detections;
mod entries;
mod entry_rows;
mod error;
mod executor;
mod explanations;
mod groups;
mod import_rows;
mod index_choice;
mod migrate;
mod outbox;
mod rows;
mod scores;
mod stats;
mod suppressions;
mod text;

use crate::model::*;
use crate::{Capabilities, ConnectOptions, ReadStore, StoreError, WriteStore};
use async_trait::async_trait;
use connection::Connections;
pub(crate) use error::map as map_driver_error;
use std::path::Path;
use turnstone_types::{
    AcknowledgementId, BatchId, CycleId, Detection, DetectionId, Entry, EntryId, NewCycle, ScoreBatch,
    SourceCheckpoint, SourceId, SuppressionId, TenantId, TextOfEntry, Timestamp,
};

type Result<T> = std::result::Result<T, StoreError>;

/// A store in a SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    connections: Connections,
}

impl SqliteStore {
    /// Prepares a store on the file at `path`. The file is opened by the first verb; only `migrate` makes it.
    pub async fn open(path: &Path, options: &ConnectOptions) -> Result<Self> {
        Ok(Self {
            connections: Connections::new(path, options),
        })
    }
}

#[async_trait]
impl WriteStore for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            time_precision_us: 1,
            concurrent_writers: false,
            deferred_text_index: false,
        }
    }

    async fn migrate(&self) -> Result<()> {
        migrate::migrate(&self.connections).await
    }

    async fn check_ready(&self) -> Result<()> {
        migrate::check_ready(&self.connections).await
    }

    async fn commit_cycle(&self, cycle: &NewCycle) -> Result<bool> {
        cycle::commit_cycle(&self.connections, cycle).await
    }

    async fn checkpoints(&self, tenant: &TenantId, source_id: &SourceId) -> Result<Vec<SourceCheckpoint>> {
        cycle::checkpoints(&self.connections, tenant, source_id).await
    }

    async fn pending_events(&self, limit: u32) -> Result<Vec<OutboxEvent>> {
        outbox::pending_events(&self.connections, limit).await
    }

    async fn mark_published(&self, message_ids: &[String], at: Timestamp) -> Result<()> {
        outbox::mark_published(&self.connections, message_ids, at).await
    }

    async fn sweep(&self, request: &SweepRequest) -> Result<SweepOutcome> {
        outbox::sweep(&self.connections, request).await
    }

    async fn prune_outbox(&self, before: Timestamp) -> Result<u64> {
        outbox::prune_outbox(&self.connections, before).await
    }

    async fn batch_texts(&self, batch: &ScoreBatch) -> Result<Vec<TextOfEntry>> {
        scores::batch_texts(&self.connections, batch).await
    }

    async fn open_batches(&self, tenant: &TenantId, limit: u32) -> Result<Vec<ScoreBatch>> {
        scores::open_batches(&self.connections, tenant, limit).await
    }

    async fn record_scores(&self, scores: &RecordScores) -> Result<RecordOutcome> {
        scores::record_scores(&self.connections, scores).await
    }

    async fn mark_batch_dead(&self, batch_id: &BatchId, reason: Option<&str>) -> Result<()> {
        scores::mark_batch_dead(&self.connections, batch_id, reason).await
    }

    async fn index_pending_text(&self, entries_max: u32) -> Result<u64> {
        text::index_pending(&self.connections, entries_max).await
    }

    async fn fingerprint_pending(&self, limit: u32) -> Result<u64> {
        groups::fingerprint_pending(&self.connections, limit).await
    }

    async fn prune_counts(&self, before: Timestamp) -> Result<u64> {
        counts::prune(&self.connections, before).await
    }

    /// Nothing: the statements are written so that their plans need no statistics.
    async fn refresh_statistics(&self) -> Result<()> {
        Ok(())
    }

    async fn import(&self, chunk: &ImportChunk) -> Result<ImportOutcome> {
        import_rows::import(&self.connections, chunk).await
    }
}

#[async_trait]
impl ReadStore for SqliteStore {
    async fn list_detections(
        &self,
        tenant: &TenantId,
        filter: &DetectionFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<Detection>> {
        detections::list(&self.connections, tenant, filter, after, limit).await
    }

    async fn detection(&self, tenant: &TenantId, id: &DetectionId) -> Result<Option<Detection>> {
        detections::get(&self.connections, tenant, id).await
    }

    async fn list_detection_groups(
        &self,
        tenant: &TenantId,
        filter: &GroupFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<DetectionGroup>> {
        groups::list(&self.connections, tenant, filter, after, limit).await
    }

    async fn acknowledge(&self, request: &AcknowledgeRequest) -> Result<Acknowledged> {
        acknowledge::acknowledge(&self.connections, request).await
    }

    async fn undo_acknowledge(
        &self,
        tenant: &TenantId,
        operation_id: &AcknowledgementId,
        at: Timestamp,
    ) -> Result<Option<Undone>> {
        acknowledge::undo(&self.connections, tenant, operation_id, at).await
    }

    async fn add_suppression(&self, suppression: &NewSuppression) -> Result<SuppressionId> {
        suppressions::add(&self.connections, suppression).await
    }

    async fn list_suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&SuppressionKey>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        suppressions::list(&self.connections, tenant, after, limit).await
    }

    async fn remove_suppression(&self, tenant: &TenantId, id: &SuppressionId) -> Result<bool> {
        suppressions::remove(&self.connections, tenant, id).await
    }

    async fn unacknowledge(&self, tenant: &TenantId, selection: &DetectionSelection) -> Result<u64> {
        acknowledge::unacknowledge(&self.connections, tenant, selection).await
    }

    async fn detections_after(&self, after: i64, limit: u32) -> Result<Vec<DetectionFeedItem>> {
        detections::after(&self.connections, after, limit).await
    }

    async fn last_detection_sequence(&self) -> Result<i64> {
        detections::last_sequence("last_detection_sequence", self.connections.readers()).await
    }

    async fn entry(&self, tenant: &TenantId, id: &EntryId) -> Result<Option<Entry>> {
        entries::get(&self.connections, tenant, id).await
    }

    async fn search_entries(
        &self,
        tenant: &TenantId,
        search: &EntrySearch,
        after: Option<&EntryKey>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        entries::search(&self.connections, tenant, search, after, limit).await
    }

    async fn entry_context(&self, tenant: &TenantId, request: &ContextRequest) -> Result<Option<Vec<Entry>>> {
        entries::context(&self.connections, tenant, request).await
    }

    async fn explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
    ) -> Result<Option<StoredExplanation>> {
        explanations::get(&self.connections, tenant, key).await
    }

    async fn put_explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
        explanation: &StoredExplanation,
    ) -> Result<bool> {
        explanations::put(&self.connections, tenant, key, explanation).await
    }

    async fn verdicts(
        &self,
        tenant: &TenantId,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<JudgedDetection>> {
        explanations::verdicts(&self.connections, tenant, after, limit).await
    }

    async fn timeline(&self, tenant: &TenantId, request: &TimelineRequest) -> Result<Vec<TimelineBucket>> {
        counts::timeline(&self.connections, tenant, request).await
    }

    async fn stats_breakdown(&self, tenant: &TenantId, now: Timestamp) -> Result<StatsBreakdown> {
        counts::breakdown(&self.connections, tenant, now).await
    }

    async fn source_health(&self, tenant: &TenantId, now: Timestamp) -> Result<Vec<SourceHealth>> {
        counts::health(&self.connections, tenant, now).await
    }

    async fn stats_summary(&self, tenant: &TenantId) -> Result<StatsSummary> {
        stats::summary(&self.connections, tenant).await
    }

    async fn sources(&self, tenant: &TenantId) -> Result<Vec<SourceSummary>> {
        stats::sources(&self.connections, tenant).await
    }

    async fn cycle_progress(&self, cycle_id: &CycleId) -> Result<Option<(u64, u64)>> {
        stats::cycle_progress(&self.connections, cycle_id).await
    }
}
