//! Counts by time: written with what they count, read for timelines, breakdowns and the health of sources.
//! Those of detections are kept by triggers.

use super::conditions::Conditions;
use super::connection::{Connections, Tx, commit};
use super::cycle::stored_count;
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::StoreError;
use crate::counts::{self, BreakdownRows, HealthRow, MinuteCount};
use crate::instant::to_text;
use crate::model::{DetectionTally, SourceHealth, StatsBreakdown, TimelineBucket, TimelineRequest};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use turnstone_types::{TenantId, Timestamp};

/// Adds entries to the counts.
pub(super) async fn add_entries(
    operation: &'static str,
    transaction: &mut Tx,
    tenant: &TenantId,
    counts: &[MinuteCount<'_>],
) -> Result<(), StoreError> {
    if counts.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = counts
        .iter()
        .map(|count| {
            json!([
                to_text(count.minute),
                count.source_id,
                count.severity,
                stored_count(count.entries),
                stored_count(count.undated)
            ])
        })
        .collect();
    sqlx::query(
        "INSERT INTO entry_counts (tenant_id, bucket_seconds, bucket_start, source_id, severity, entry_count, undated_count)
         SELECT ?1, seconds,
             CASE seconds WHEN 0 THEN '1970-01-01T00:00:00.000000Z' WHEN 60 THEN value ->> 0
                 ELSE substr(value ->> 0, 1, 13) || ':00:00.000000Z' END,
             value ->> 1, value ->> 2, value ->> 3, value ->> 4
         FROM json_each(?2) CROSS JOIN (SELECT 0 AS seconds UNION ALL SELECT 60 UNION ALL SELECT 3600) WHERE true
         ON CONFLICT (tenant_id, bucket_seconds, bucket_start, source_id, severity) DO UPDATE SET
             entry_count = entry_count + excluded.entry_count, undated_count = undated_count + excluded.undated_count",
    )
    .bind(tenant.as_str())
    .bind(serde_json::Value::Array(rows).to_string())
    .execute(on(transaction))
    .await
    .map_err(|error| map(operation, error))?;
    Ok(())
}

/// `WriteStore::prune_counts`.
pub(super) async fn prune(connections: &Connections, before: Timestamp) -> Result<u64, StoreError> {
    const OPERATION: &str = "prune_counts";
    let mut transaction = connections.begin_write(OPERATION).await?;
    let mut deleted = 0;
    for sql in [
        "DELETE FROM entry_counts WHERE bucket_seconds = 60 AND bucket_start < ?",
        "DELETE FROM detection_counts WHERE bucket_seconds = 60 AND bucket_start < ?",
    ] {
        deleted += sqlx::query(sql)
            .bind(to_text(before))
            .execute(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?
            .rows_affected();
    }
    commit(OPERATION, transaction).await?;
    Ok(deleted)
}

/// `ReadStore::timeline`.
pub(super) async fn timeline(
    connections: &Connections,
    tenant: &TenantId,
    request: &TimelineRequest,
) -> Result<Vec<TimelineBucket>, StoreError> {
    const OPERATION: &str = "timeline";
    let span = counts::timeline_span(request)?;
    let mut transaction = connections.begin_read(OPERATION).await?;
    let mut found = Vec::new();
    for (table, count) in [
        ("entry_counts", "entry_count"),
        ("detection_counts", "detection_count"),
    ] {
        let mut conditions = Conditions::default();
        conditions.compare_optional("bucket_seconds =", Some(span.kept_seconds));
        conditions.compare_optional("bucket_start >=", Some(to_text(span.from)));
        conditions.compare_optional("bucket_start <", Some(to_text(span.until)));
        conditions.compare_optional(
            "source_id =",
            request
                .source_id
                .as_ref()
                .map(|source| source.as_str().to_owned()),
        );
        let tenant = conditions.parameter(tenant.as_str().to_owned());
        let bucket = conditions.parameter(request.bucket_seconds);
        let sql = format!(
            "SELECT CAST(strftime('%s', bucket_start) AS INTEGER) / {bucket} * {bucket}, severity, SUM({count}) FROM {table}
             WHERE tenant_id IN ({tenant}, '') AND {} GROUP BY 1, 2",
            conditions.sql()
        );
        let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
        let row = |row: &SqliteRow| {
            let mut reader = Reader::new(OPERATION, row);
            Ok((reader.take()?, reader.take()?, reader.take_count()?))
        };
        found.push(rows.iter().map(row).collect::<Result<Vec<_>, StoreError>>()?);
    }
    let detections = found.pop().unwrap_or_default();
    Ok(counts::timeline(found.pop().unwrap_or_default(), detections))
}

/// `ReadStore::stats_breakdown`.
pub(super) async fn breakdown(
    connections: &Connections,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<StatsBreakdown, StoreError> {
    const OPERATION: &str = "stats_breakdown";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let first_hour = to_text(counts::first_hour(now));
    let mut query = async |sql: &'static str| {
        sqlx::query(sql)
            .bind(tenant.as_str())
            .bind(&first_hour)
            .fetch_all(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))
    };
    let hour = |row: &SqliteRow| {
        let mut reader = Reader::new(OPERATION, row);
        Ok((reader.take()?, reader.take_count()?))
    };
    let mut rows = BreakdownRows::default();
    for row in &query(
        "SELECT source_id, severity, SUM(entry_count) FROM entry_counts
         WHERE tenant_id IN (?1, '') AND bucket_seconds = 0 AND ?2 IS NOT NULL GROUP BY source_id, severity",
    )
    .await?
    {
        let mut reader = Reader::new(OPERATION, row);
        rows.entries
            .push((reader.take_checked()?, reader.take()?, reader.take_count()?));
    }
    for row in &query(
        "SELECT source_id, anomaly_label, severity, SUM(detection_count), SUM(open_count), SUM(suppressed_count), SUM(true_positives),
             SUM(false_positives), SUM(expected)
         FROM detection_totals WHERE tenant_id IN (?1, '') AND ?2 IS NOT NULL GROUP BY source_id, anomaly_label, severity
         HAVING SUM(detection_count) > 0",
    )
    .await?
    {
        let mut reader = Reader::new(OPERATION, row);
        rows.detections.push((
            reader.take_checked()?,
            reader.take()?,
            reader.take_severity()?,
            DetectionTally {
                detections: reader.take_count()?,
                open: reader.take_count()?,
                suppressed: reader.take_count()?,
                true_positives: reader.take_count()?,
                false_positives: reader.take_count()?,
                expected: reader.take_count()?,
            },
        ));
    }
    let entry_hours = query(
        "SELECT CAST(strftime('%s', bucket_start) AS INTEGER), SUM(entry_count) FROM entry_counts
         WHERE tenant_id IN (?1, '') AND bucket_seconds = 3600 AND bucket_start >= ?2 GROUP BY bucket_start",
    )
    .await?;
    rows.entry_hours = entry_hours.iter().map(hour).collect::<Result<_, StoreError>>()?;
    let detection_hours = query(
        "SELECT CAST(strftime('%s', bucket_start) AS INTEGER), SUM(detection_count) FROM detection_counts
         WHERE tenant_id IN (?1, '') AND bucket_seconds = 3600 AND bucket_start >= ?2 GROUP BY bucket_start",
    )
    .await?;
    rows.detection_hours = detection_hours
        .iter()
        .map(hour)
        .collect::<Result<_, StoreError>>()?;
    Ok(counts::breakdown(rows, now))
}

/// `ReadStore::source_health`.
pub(super) async fn health(
    connections: &Connections,
    tenant: &TenantId,
    now: Timestamp,
) -> Result<Vec<SourceHealth>, StoreError> {
    const OPERATION: &str = "source_health";
    let spans = counts::health_spans(now);
    let same_hours = json!(spans.same_hours().map(to_text)).to_string();
    let rows = sqlx::query(
        "WITH m AS (
             SELECT tenant_id, source_id, SUM(entry_count) FILTER (WHERE bucket_start >= ?2) AS recent, SUM(entry_count) AS entries,
                 SUM(entry_count) FILTER (WHERE severity IN ('ERROR', 'CRITICAL')) AS errors, SUM(undated_count) AS undated
             FROM entry_counts WHERE tenant_id IN (?1, '') AND bucket_seconds = 60 AND bucket_start >= ?3 AND bucket_start <= ?7
             GROUP BY tenant_id, source_id),
         h AS (
             SELECT tenant_id, source_id, SUM(entry_count) FILTER (WHERE bucket_start IN (SELECT value FROM json_each(?6))) AS same_hours,
                 SUM(entry_count) AS entries, MIN(bucket_start) AS first_hour
             FROM entry_counts WHERE tenant_id IN (?1, '') AND bucket_seconds = 3600 AND bucket_start >= ?4 AND bucket_start < ?5
             GROUP BY tenant_id, source_id)
         SELECT s.tenant_id, s.source_id, COALESCE(m.recent, 0), COALESCE(m.entries, 0), COALESCE(m.errors, 0), COALESCE(m.undated, 0),
             COALESCE(h.same_hours, 0), COALESCE(h.entries, 0), h.first_hour
         FROM sources AS s LEFT JOIN m USING (tenant_id, source_id) LEFT JOIN h ON h.tenant_id = s.tenant_id AND h.source_id = s.source_id
         WHERE s.tenant_id IN (?1, '') ORDER BY s.source_id, s.tenant_id",
    )
    .bind(tenant.as_str())
    .bind(to_text(spans.recent_from))
    .bind(to_text(spans.hour_from))
    .bind(to_text(spans.usual_from))
    .bind(to_text(spans.usual_until))
    .bind(same_hours)
    .bind(to_text(now))
    .fetch_all(connections.readers())
    .await
    .map_err(|error| map(OPERATION, error))?;
    let health = |row: &SqliteRow| {
        let mut reader = Reader::new(OPERATION, row);
        let row = HealthRow {
            tenant: reader.take_checked::<TenantId>()?,
            source_id: reader.take_checked()?,
            recent: reader.take_count()?,
            hour: reader.take_count()?,
            errors: reader.take_count()?,
            undated: reader.take_count()?,
            same_hours: reader.take_count()?,
            all_hours: reader.take_count()?,
            first_hour: reader.take_optional_instant()?,
        };
        Ok(counts::health(row, &spans))
    };
    rows.iter().map(health).collect()
}
