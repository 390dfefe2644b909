//! Detections: lists, single ones, the feed for watchers.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{DETECTION_COLUMNS, Reader, detection, detection_from, visible_tenants};
use super::session::{Outcome, Session};
use crate::{DetectionFeedItem, DetectionFilter, DetectionKey, StoreError};
use turnstone_types::{Detection, DetectionId, TenantId};

impl PostgresStore {
    pub(super) async fn read_detections(
        &self,
        tenant: &TenantId,
        filter: &DetectionFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<Detection>, StoreError> {
        if self.matches_none(tenant, filter).await? {
            return Ok(Vec::new());
        }
        let mut conditions = Conditions::default();
        conditions.filter_detections(filter);
        conditions.after_key(
            "(detected_at, id)",
            after.map(|key| (key.detected_at, key.id.as_str())),
        );
        let limit = conditions.parameter(i64::from(limit));
        let newest_first = format!("ORDER BY detected_at DESC, id DESC LIMIT {limit}");
        // One ordered index walk for each tenant, merged: `tenant_id = ANY(…)` would sort all that both have.
        let mut branches = Vec::new();
        for tenant in visible_tenants(tenant) {
            let tenant = conditions.parameter(tenant);
            let condition = conditions.sql();
            branches.push(format!(
                "(SELECT {DETECTION_COLUMNS} FROM detections WHERE tenant_id = {tenant} AND {condition} {newest_first})"
            ));
        }
        let sql = format!(
            "SELECT {DETECTION_COLUMNS} FROM ({}) AS d {newest_first}",
            branches.join(" UNION ALL ")
        );
        let rows = self.read("list_detections", &sql, &conditions).await?;
        rows.iter().map(|row| detection("list_detections", row)).collect()
    }

    /// Whether the totals say that nothing can match conditions of which each alone matches much: no index would tell before all its
    /// rows were looked at.
    async fn matches_none(&self, tenant: &TenantId, filter: &DetectionFilter) -> Result<bool, StoreError> {
        let counted = match (filter.suppressed, filter.unacknowledged) {
            (Some(true), _) => Some("suppressed_count > 0"),
            (_, Some(true)) => Some("open_count > 0"),
            (_, Some(false)) => Some("detection_count > open_count"),
            _ => None,
        };
        let asked = [
            filter.label.is_some(),
            filter.source_id.is_some(),
            filter.severity.is_some(),
            counted.is_some(),
        ];
        if asked.into_iter().filter(|is_asked| *is_asked).count() < 2 {
            return Ok(false);
        }
        let mut conditions = Conditions::default();
        let tenants = conditions.parameter(visible_tenants(tenant));
        conditions.compare_optional(
            "anomaly_label =",
            filter.label.as_ref().map(|label| label.as_str()),
        );
        conditions.compare_optional(
            "source_id =",
            filter.source_id.as_ref().map(|source| source.as_str()),
        );
        conditions.compare_optional("severity =", filter.severity.map(|severity| severity.as_str()));
        conditions.require(counted.unwrap_or("detection_count > 0"));
        let sql = format!(
            "SELECT FROM detection_totals WHERE tenant_id = ANY({tenants}) AND {} LIMIT 1",
            conditions.sql()
        );
        Ok(self.read("list_detections", &sql, &conditions).await?.is_empty())
    }

    pub(super) async fn read_detection(
        &self,
        tenant: &TenantId,
        id: &DetectionId,
    ) -> Result<Option<Detection>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.compare("id =", id.as_str());
        let tenants = conditions.parameter(visible_tenants(tenant));
        let sql = format!(
            "SELECT {DETECTION_COLUMNS} FROM detections WHERE {} AND tenant_id = ANY({tenants})",
            conditions.sql()
        );
        let rows = self.read("detection", &sql, &conditions).await?;
        rows.first().map(|row| detection("detection", row)).transpose()
    }

    pub(super) async fn read_detections_after(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<DetectionFeedItem>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.compare("sequence >", after);
        let limit = conditions.parameter(i64::from(limit));
        let sql = format!(
            "SELECT sequence, {DETECTION_COLUMNS} FROM detections WHERE {} ORDER BY sequence LIMIT {limit}",
            conditions.sql()
        );
        let rows = self.read("detections_after", &sql, &conditions).await?;
        let item = |row| {
            let mut reader = Reader::new("detections_after", row);
            Ok(DetectionFeedItem {
                sequence: reader.take()?,
                detection: detection_from(&mut reader)?,
            })
        };
        rows.iter().map(item).collect()
    }

    pub(super) async fn read_last_sequence(&self) -> Result<i64, StoreError> {
        let sql = "SELECT COALESCE(max(sequence), 0) FROM detections";
        let rows = self
            .read("last_detection_sequence", sql, &Conditions::default())
            .await?;
        rows.first()
            .map_or(Ok(0), |row| Reader::new("last_detection_sequence", row).take())
    }
}

/// Gives detections that came without it what is made of their texts: `take` asks for the ids and texts of at most `$1` and locks them,
/// `put` takes the ids and what was made of each. Answers how many.
pub(super) async fn complete_detections(
    session: Session<'_>,
    take: &str,
    put: &str,
    limit: u32,
    make: impl Fn(&str) -> String,
) -> Outcome<u64> {
    let rows = session.query(take, &[&i64::from(limit)]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let (mut ids, mut made) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in &rows {
        let mut reader = Reader::new(session.operation(), row);
        ids.push(reader.take::<&str>()?);
        made.push(make(reader.take()?));
    }
    session.execute(put, &[&ids, &made]).await
}
