//! Detections: lists, single ones, the feed for watchers.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{DETECTION_COLUMNS, Reader, detection, detection_from, visible_tenants};
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
