//! Counts for the dashboard and the sources. Nothing here counts entries one by one, but for those of a few open batches.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{Reader, visible_tenants};
use super::session::{Mode, work};
use crate::{LabelCount, SourceSummary, StatsSummary, StoreError, TimelineEvent};
use tokio_postgres::Row;
use turnstone_types::{Label, TenantId};

const OPERATION: &str = "stats_summary";

/// Entries of open batches are looked at one by one in the oldest 50 of these and taken as unscored in the others, which is an
/// upper bound: with so much waiting, the exact figure is not worth reading it all. `OFFSET 0` keeps the planner from joining the
/// batches with the whole table instead of reading a range of ids for each.
const COUNTS: &str = "WITH open AS ( \
         SELECT b.*, row_number() OVER (ORDER BY b.created_at, b.id) AS place FROM score_batches b \
         WHERE b.done_at IS NULL AND b.tenant_id = ANY($1)), \
     looked_at AS ( \
         SELECT count(DISTINCT e.id) AS entries, min(e.ingest_time) AS oldest FROM open b CROSS JOIN LATERAL ( \
             SELECT l.id, l.ingest_time FROM log_entries l WHERE l.id BETWEEN b.first_entry_id AND b.last_entry_id \
                 AND l.cycle_id = b.cycle_id AND l.tenant_id IS NOT DISTINCT FROM b.tenant_id AND l.anomaly_scored_at IS NULL OFFSET 0) AS e \
         WHERE b.place <= 50) \
     SELECT (SELECT COALESCE(sum(entry_count), 0)::int8 FROM entry_counts \
                 WHERE tenant_id = ANY($1) AND bucket_seconds = 0 AND bucket_start = 'epoch') \
             + (SELECT count(*) FROM log_entries WHERE tenant_id = ANY($1) AND cycle_id = 'manual'), \
         looked_at.entries + (SELECT COALESCE(sum(entry_count), 0)::int8 FROM open WHERE place > 50), looked_at.oldest, \
         (SELECT count(*) FROM log_entries WHERE tenant_id = ANY($1) AND quarantine_reason IS NOT NULL) \
     FROM looked_at";

const LABELS: &str = "SELECT anomaly_label, severity, sum(open_count)::int8, (sum(detection_count) - sum(open_count))::int8 \
     FROM detection_totals WHERE tenant_id = ANY($1) GROUP BY anomaly_label, severity HAVING sum(detection_count) > 0 \
     ORDER BY anomaly_label, severity";

const TIMELINE: &str = "SELECT entry_id, source_id, COALESCE(timestamp_iso, detected_at), anomaly_label, severity, left(text, 200) \
     FROM ({branches}) AS d ORDER BY detected_at DESC, id DESC LIMIT 20";

const TIMELINE_BRANCH: &str = "(SELECT * FROM detections WHERE tenant_id = {tenant} AND acknowledged = 0 AND severity = 'CRITICAL' \
     ORDER BY detected_at DESC, id DESC LIMIT 20)";

impl PostgresStore {
    pub(super) async fn read_stats(&self, tenant: &TenantId) -> Result<StatsSummary, StoreError> {
        let tenants = &visible_tenants(tenant);
        let branches: Vec<String> = (1..=tenants.len())
            .map(|place| TIMELINE_BRANCH.replace("{tenant}", &format!("${place}")))
            .collect();
        let timeline_sql = &TIMELINE.replace("{branches}", &branches.join(" UNION ALL "));
        let (counts, labels, timeline) = self
            .run(OPERATION, Mode::Snapshot, |session| {
                work(async move {
                    let counts = session.query_one(COUNTS, &[tenants]).await?;
                    let labels = session.query(LABELS, &[tenants]).await?;
                    let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
                        tenants.iter().map(|tenant| tenant as _).collect();
                    Ok((counts, labels, session.query(timeline_sql, &parameters).await?))
                })
            })
            .await?;
        let mut reader = Reader::new(OPERATION, &counts);
        Ok(StatsSummary {
            entries: reader.take_count()?,
            unscored_entries: reader.take_count()?,
            oldest_unscored_at: reader.take()?,
            quarantined_entries: reader.take_count()?,
            labels: labels.iter().map(label_count).collect::<Result<_, _>>()?,
            timeline_events: timeline.iter().map(timeline_event).collect::<Result<_, _>>()?,
        })
    }

    pub(super) async fn read_sources(&self, tenant: &TenantId) -> Result<Vec<SourceSummary>, StoreError> {
        let mut conditions = Conditions::default();
        let tenants = conditions.parameter(visible_tenants(tenant));
        let sql = format!(
            "SELECT tenant_id, source_id, kind, entries, bytes, undated_entries, repaired_lines, truncated_lines, last_entry_at, \
                 last_gleaned_at, fault FROM sources WHERE tenant_id = ANY({tenants}) ORDER BY source_id, tenant_id"
        );
        self.read("sources", &sql, &conditions)
            .await?
            .iter()
            .map(source_summary)
            .collect()
    }
}

fn label_count(row: &Row) -> Result<LabelCount, StoreError> {
    let mut reader = Reader::new(OPERATION, row);
    Ok(LabelCount {
        label: Label::new(reader.take::<&str>()?),
        severity: reader.take_severity()?,
        open: reader.take_count()?,
        acknowledged: reader.take_count()?,
    })
}

fn timeline_event(row: &Row) -> Result<TimelineEvent, StoreError> {
    let mut reader = Reader::new(OPERATION, row);
    Ok(TimelineEvent {
        entry_id: reader.take_checked()?,
        source_id: reader.take_checked()?,
        timestamp: reader.take()?,
        label: Label::new(reader.take::<&str>()?),
        severity: reader.take_severity()?,
        text: reader.take()?,
    })
}

fn source_summary(row: &Row) -> Result<SourceSummary, StoreError> {
    let mut reader = Reader::new("sources", row);
    Ok(SourceSummary {
        tenant: reader.take_checked::<TenantId>()?,
        source_id: reader.take_checked()?,
        kind: reader.take()?,
        entries: reader.take_count()?,
        bytes: reader.take_count()?,
        undated_entries: reader.take_count()?,
        repaired_lines: reader.take_count()?,
        truncated_lines: reader.take_count()?,
        last_entry_at: reader.take()?,
        last_gleaned_at: reader.take()?,
        fault: reader.take()?,
    })
}
