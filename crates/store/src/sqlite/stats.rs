//! Counts for the dashboard, sources and cycles.

use super::conditions::Conditions;
use super::connection::Connections;
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::StoreError;
use crate::model::{LabelCount, SourceSummary, StatsSummary, TimelineEvent};
use turnstone_types::{CycleId, Label, TenantId};

/// `ReadStore::stats_summary`.
pub(super) async fn summary(
    connections: &Connections,
    tenant: &TenantId,
) -> Result<StatsSummary, StoreError> {
    const OPERATION: &str = "stats_summary";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let counts = sqlx::query(
        "SELECT
            (SELECT COALESCE(SUM(entry_count), 0) FROM entry_counts WHERE tenant_id IN (?1, '') AND bucket_seconds = 0)
                + (SELECT COUNT(*) FROM log_entries WHERE tenant_id IN (?1, '') AND cycle_id = 'manual'),
            waiting.entries, waiting.oldest,
            (SELECT COUNT(*) FROM log_entries WHERE tenant_id IN (?1, '') AND quarantine_reason IS NOT NULL)
         FROM (SELECT COUNT(*) AS entries, MIN(ingest_time) AS oldest FROM log_entries INDEXED BY log_entries_unscored
             WHERE tenant_id IN (?1, '') AND anomaly_scored_at IS NULL) AS waiting",
    )
    .bind(tenant.as_str())
    .fetch_one(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    let labels = sqlx::query(
        "SELECT anomaly_label, severity, SUM(open_count), SUM(detection_count) - SUM(open_count) FROM detection_totals
         WHERE tenant_id IN (?1, '') GROUP BY anomaly_label, severity HAVING SUM(detection_count) > 0
         ORDER BY anomaly_label, severity",
    )
    .bind(tenant.as_str())
    .fetch_all(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    // Each branch walks the index in order and the union merges them.
    let mut conditions = Conditions::default();
    conditions.require("acknowledged = 0 AND severity = 'CRITICAL'");
    let branches = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT entry_id, source_id, COALESCE(timestamp_iso, detected_at), anomaly_label, severity, substr(text, 1, 200),
                 detected_at AS detected_at, id AS id FROM detections WHERE tenant_id = {tenant} AND {condition}"
        )
    });
    let sql = format!("{branches} ORDER BY detected_at DESC, id DESC LIMIT 20");
    let timeline = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;

    let mut reader = Reader::new(OPERATION, &counts);
    let label_count = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(LabelCount {
            label: Label::new(reader.take::<&str>()?),
            severity: reader.take_severity()?,
            open: reader.take_count()?,
            acknowledged: reader.take_count()?,
        })
    };
    let timeline_event = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(TimelineEvent {
            entry_id: reader.take_checked()?,
            source_id: reader.take_checked()?,
            timestamp: reader.take_instant()?,
            label: Label::new(reader.take::<&str>()?),
            severity: reader.take_severity()?,
            text: reader.take()?,
        })
    };
    Ok(StatsSummary {
        entries: reader.take_count()?,
        unscored_entries: reader.take_count()?,
        oldest_unscored_at: reader.take_optional_instant()?,
        quarantined_entries: reader.take_count()?,
        labels: labels
            .iter()
            .map(label_count)
            .collect::<Result<_, StoreError>>()?,
        timeline_events: timeline
            .iter()
            .map(timeline_event)
            .collect::<Result<_, StoreError>>()?,
    })
}

/// `ReadStore::sources`.
pub(super) async fn sources(
    connections: &Connections,
    tenant: &TenantId,
) -> Result<Vec<SourceSummary>, StoreError> {
    const OPERATION: &str = "sources";
    let rows = sqlx::query(
        "SELECT tenant_id, source_id, kind, entries, bytes, undated_entries, repaired_lines, truncated_lines,
                last_entry_at, last_gleaned_at, fault
         FROM sources WHERE tenant_id IN (?1, '') ORDER BY source_id, tenant_id",
    )
    .bind(tenant.as_str())
    .fetch_all(connections.readers())
    .await
    .map_err(|error| map(OPERATION, error))?;
    let source = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(SourceSummary {
            tenant: reader.take_checked::<TenantId>()?,
            source_id: reader.take_checked()?,
            kind: reader.take()?,
            entries: reader.take_count()?,
            bytes: reader.take_count()?,
            undated_entries: reader.take_count()?,
            repaired_lines: reader.take_count()?,
            truncated_lines: reader.take_count()?,
            last_entry_at: reader.take_optional_instant()?,
            last_gleaned_at: reader.take_optional_instant()?,
            fault: reader.take()?,
        })
    };
    rows.iter().map(source).collect()
}

/// `ReadStore::cycle_progress`.
pub(super) async fn cycle_progress(
    connections: &Connections,
    cycle_id: &CycleId,
) -> Result<Option<(u64, u64)>, StoreError> {
    const OPERATION: &str = "cycle_progress";
    let row = sqlx::query(
        "SELECT entry_count, (
             SELECT COUNT(*) FROM log_entries AS e
             WHERE e.tenant_id = c.tenant_id AND e.cycle_id = c.id AND e.anomaly_scored_at IS NULL)
         FROM glean_cycles AS c WHERE id = ?1",
    )
    .bind(cycle_id.as_str())
    .fetch_optional(connections.readers())
    .await
    .map_err(|error| map(OPERATION, error))?;
    let progress = |row| {
        let mut reader = Reader::new(OPERATION, &row);
        Ok((reader.take_count()?, reader.take_count()?))
    };
    row.map(progress).transpose()
}
