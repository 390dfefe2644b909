//! Counts by time: written with what they count, read for timelines, breakdowns and the health of sources.
//! Those of detections are kept by triggers.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{Reader, storable, stored_count, visible_tenants};
use super::session::{Mode, Outcome, Session, work};
use crate::counts::{self, BreakdownRows, HOUR, HealthRow, MINUTE, MinuteCount};
use crate::{DetectionTally, SourceHealth, StatsBreakdown, StoreError, TimelineBucket, TimelineRequest};
use tokio_postgres::Row;
use turnstone_types::{TenantId, Timestamp};

/// Rows in order of their keys, so that two cycles that share sources cannot lock each other out.
const ADD_ENTRIES: &str = "INSERT INTO entry_counts AS c (tenant_id, bucket_seconds, bucket_start, source_id, severity, entry_count, \
         undated_count) \
     SELECT $1, seconds, CASE WHEN seconds = 0 THEN 'epoch' ELSE date_bin(make_interval(secs => seconds), minute, 'epoch') END, \
         source_id, severity, sum(entries), sum(undated) \
     FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::int8[], $6::int8[]) AS given (minute, source_id, severity, entries, undated) \
         CROSS JOIN (VALUES (0), (60), (3600)) AS buckets (seconds) \
     GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, source_id COLLATE \"C\", severity COLLATE \"C\" \
     ON CONFLICT (tenant_id, bucket_seconds, bucket_start, source_id, severity) DO UPDATE SET \
         entry_count = c.entry_count + excluded.entry_count, undated_count = c.undated_count + excluded.undated_count";

const PRUNE: &str = "WITH entries AS (DELETE FROM entry_counts WHERE bucket_seconds = 60 AND bucket_start < $1 RETURNING 1), \
         detections AS (DELETE FROM detection_counts WHERE bucket_seconds = 60 AND bucket_start < $1 RETURNING 1) \
     SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM detections)";

const ENTRIES_EVER: &str = "SELECT source_id, severity, sum(entry_count)::int8 FROM entry_counts \
     WHERE tenant_id = ANY($1) AND bucket_seconds = 0 AND bucket_start = 'epoch' GROUP BY source_id, severity";

const TALLIES: &str = "SELECT source_id, anomaly_label, severity, sum(detection_count)::int8, sum(open_count)::int8, \
         sum(suppressed_count)::int8, sum(true_positives)::int8, sum(false_positives)::int8, sum(expected)::int8 \
     FROM detection_totals WHERE tenant_id = ANY($1) GROUP BY source_id, anomaly_label, severity HAVING sum(detection_count) > 0";

const ENTRY_HOURS: &str = "SELECT date_part('epoch', bucket_start)::int8, sum(entry_count)::int8 FROM entry_counts \
     WHERE tenant_id = ANY($1) AND bucket_seconds = 3600 AND bucket_start >= $2 GROUP BY bucket_start";

const DETECTION_HOURS: &str = "SELECT date_part('epoch', bucket_start)::int8, sum(detection_count)::int8 FROM detection_counts \
     WHERE tenant_id = ANY($1) AND bucket_seconds = 3600 AND bucket_start >= $2 GROUP BY bucket_start";

const HEALTH: &str = "SELECT s.tenant_id, s.source_id, COALESCE(m.recent, 0), COALESCE(m.entries, 0), COALESCE(m.errors, 0), \
         COALESCE(m.undated, 0), COALESCE(h.same_hours, 0), COALESCE(h.entries, 0), h.first_hour \
     FROM sources s LEFT JOIN ( \
         SELECT tenant_id, source_id, sum(entry_count) FILTER (WHERE bucket_start >= $2)::int8 AS recent, \
             sum(entry_count)::int8 AS entries, sum(entry_count) FILTER (WHERE severity IN ('ERROR', 'CRITICAL'))::int8 AS errors, \
             sum(undated_count)::int8 AS undated \
         FROM entry_counts WHERE tenant_id = ANY($1) AND bucket_seconds = 60 AND bucket_start >= $3 AND bucket_start <= $7 \
         GROUP BY tenant_id, source_id) AS m USING (tenant_id, source_id) \
     LEFT JOIN ( \
         SELECT tenant_id, source_id, sum(entry_count) FILTER (WHERE bucket_start = ANY($6))::int8 AS same_hours, \
             sum(entry_count)::int8 AS entries, min(bucket_start) AS first_hour \
         FROM entry_counts WHERE tenant_id = ANY($1) AND bucket_seconds = 3600 AND bucket_start >= $4 AND bucket_start < $5 \
         GROUP BY tenant_id, source_id) AS h USING (tenant_id, source_id) \
     WHERE s.tenant_id = ANY($1) ORDER BY s.source_id, s.tenant_id";

/// Adds entries to the counts. Among the last statements of a transaction, since others wait for the rows.
pub(super) async fn add_entries(
    session: Session<'_>,
    tenant: &TenantId,
    counts: &[MinuteCount<'_>],
) -> Outcome<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let minutes: Vec<Timestamp> = counts.iter().map(|count| storable(count.minute)).collect();
    let sources: Vec<&str> = counts.iter().map(|count| count.source_id).collect();
    let severities: Vec<&str> = counts.iter().map(|count| count.severity).collect();
    let entries: Vec<i64> = counts.iter().map(|count| stored_count(count.entries)).collect();
    let undated: Vec<i64> = counts.iter().map(|count| stored_count(count.undated)).collect();
    session
        .execute(
            ADD_ENTRIES,
            &[
                &tenant.as_str(),
                &minutes,
                &sources,
                &severities,
                &entries,
                &undated,
            ],
        )
        .await?;
    Ok(())
}

impl PostgresStore {
    pub(super) async fn delete_minutes(&self, before: Timestamp) -> Result<u64, StoreError> {
        let row = self
            .run("prune_counts", Mode::Single, |session| {
                work(async move { session.query_one(PRUNE, &[&storable(before)]).await })
            })
            .await?;
        Reader::new("prune_counts", &row).take_count()
    }

    pub(super) async fn read_timeline(
        &self,
        tenant: &TenantId,
        request: &TimelineRequest,
    ) -> Result<Vec<TimelineBucket>, StoreError> {
        const OPERATION: &str = "timeline";
        let span = counts::timeline_span(request)?;
        let mut conditions = Conditions::default();
        let tenants = conditions.parameter(visible_tenants(tenant));
        let bucket = conditions.parameter(i64::from(request.bucket_seconds));
        conditions.compare("bucket_start >=", storable(span.from));
        conditions.compare("bucket_start <", storable(span.until));
        conditions.compare_optional(
            "source_id =",
            request.source_id.as_ref().map(|source| source.as_str()),
        );
        // One of two constants.
        let kept = if span.kept_seconds == HOUR { HOUR } else { MINUTE };
        // Not `extract`, whose decimals take as long as reading the rows.
        let sql = |table: &str, count: &str| {
            format!(
                "SELECT date_part('epoch', bucket_start)::int8 / {bucket}::int8 * {bucket}::int8, severity, sum({count})::int8 FROM {table} \
                 WHERE tenant_id = ANY({tenants}) AND bucket_seconds = {kept} AND {} GROUP BY 1, 2",
                conditions.sql()
            )
        };
        let entries_sql = &sql("entry_counts", "entry_count");
        let detections_sql = &sql("detection_counts", "detection_count");
        let conditions = &conditions;
        let (entries, detections) = self
            .run(OPERATION, Mode::Snapshot, |session| {
                work(async move {
                    let parameters = conditions.parameters();
                    Ok((
                        session.query(entries_sql, &parameters).await?,
                        session.query(detections_sql, &parameters).await?,
                    ))
                })
            })
            .await?;
        let row = |row: &Row| {
            let mut reader = Reader::new(OPERATION, row);
            Ok((reader.take()?, reader.take()?, reader.take_count()?))
        };
        let entries = entries.iter().map(row).collect::<Result<_, StoreError>>()?;
        let detections = detections.iter().map(row).collect::<Result<_, StoreError>>()?;
        Ok(counts::timeline(entries, detections))
    }

    pub(super) async fn read_breakdown(
        &self,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<StatsBreakdown, StoreError> {
        const OPERATION: &str = "stats_breakdown";
        let tenants = &visible_tenants(tenant);
        let first_hour = &storable(counts::first_hour(now));
        let (entries, tallies, entry_hours, detection_hours) = self
            .run(OPERATION, Mode::Snapshot, |session| {
                work(async move {
                    Ok((
                        session.query(ENTRIES_EVER, &[tenants]).await?,
                        session.query(TALLIES, &[tenants]).await?,
                        session.query(ENTRY_HOURS, &[tenants, first_hour]).await?,
                        session.query(DETECTION_HOURS, &[tenants, first_hour]).await?,
                    ))
                })
            })
            .await?;
        let hour = |row: &Row| {
            let mut reader = Reader::new(OPERATION, row);
            Ok((reader.take()?, reader.take_count()?))
        };
        let mut rows = BreakdownRows::default();
        for row in &entries {
            let mut reader = Reader::new(OPERATION, row);
            rows.entries
                .push((reader.take_checked()?, reader.take()?, reader.take_count()?));
        }
        for row in &tallies {
            let mut reader = Reader::new(OPERATION, row);
            rows.detections.push((
                reader.take_checked()?,
                reader.take()?,
                reader.take_severity()?,
                tally(&mut reader)?,
            ));
        }
        rows.entry_hours = entry_hours.iter().map(hour).collect::<Result<_, StoreError>>()?;
        rows.detection_hours = detection_hours
            .iter()
            .map(hour)
            .collect::<Result<_, StoreError>>()?;
        Ok(counts::breakdown(rows, now))
    }

    pub(super) async fn read_health(
        &self,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<Vec<SourceHealth>, StoreError> {
        const OPERATION: &str = "source_health";
        let spans = &counts::health_spans(now);
        let same_hours: &Vec<Timestamp> = &spans.same_hours().into_iter().map(storable).collect();
        let rows = self
            .run(OPERATION, Mode::Single, |session| {
                work(async move {
                    session
                        .query(
                            HEALTH,
                            &[
                                &visible_tenants(tenant),
                                &storable(spans.recent_from),
                                &storable(spans.hour_from),
                                &storable(spans.usual_from),
                                &storable(spans.usual_until),
                                same_hours,
                                &storable(now),
                            ],
                        )
                        .await
                })
            })
            .await?;
        let health = |row: &Row| {
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
                first_hour: reader.take()?,
            };
            Ok(counts::health(row, spans))
        };
        rows.iter().map(health).collect()
    }
}

fn tally(reader: &mut Reader<'_>) -> Result<DetectionTally, StoreError> {
    Ok(DetectionTally {
        detections: reader.take_count()?,
        open: reader.take_count()?,
        suppressed: reader.take_count()?,
        true_positives: reader.take_count()?,
        false_positives: reader.take_count()?,
        expected: reader.take_count()?,
    })
}
