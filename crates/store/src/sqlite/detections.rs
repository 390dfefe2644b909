//! Lists and follows detections.

use super::conditions::Conditions;
use super::connection::{Connections, on};
use super::error::map;
use super::rows::{DETECTION_COLUMNS, Reader, detection, detection_from};
use crate::StoreError;
use crate::model::{DetectionFeedItem, DetectionFilter, DetectionKey};
use sqlx::AssertSqlSafe;
use turnstone_types::{Detection, DetectionId, TenantId};

/// `ReadStore::list_detections`.
pub(super) async fn list(
    connections: &Connections,
    tenant: &TenantId,
    filter: &DetectionFilter,
    after: Option<&DetectionKey>,
    limit: u32,
) -> Result<Vec<Detection>, StoreError> {
    const OPERATION: &str = "list_detections";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let mut conditions = Conditions::default();
    conditions
        .filter_detections(OPERATION, &mut transaction, filter)
        .await?;
    conditions.after_key(
        "(detected_at, id)",
        after.map(|key| (key.detected_at, key.id.as_str())),
    );
    // Each branch walks an index in order and the union merges them, where IN would sort all rows of both tenants.
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!("SELECT {DETECTION_COLUMNS} FROM detections WHERE tenant_id = {tenant} AND {condition}")
    });
    let limit = conditions.parameter(limit);
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT {limit}");
    let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
    rows.iter().map(|row| detection(OPERATION, row)).collect()
}

/// `ReadStore::detection`.
pub(super) async fn get(
    connections: &Connections,
    tenant: &TenantId,
    id: &DetectionId,
) -> Result<Option<Detection>, StoreError> {
    const OPERATION: &str = "detection";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT {DETECTION_COLUMNS} FROM detections WHERE id = ?1 AND tenant_id IN (?2, '')"
    )))
    .bind(id.as_str())
    .bind(tenant.as_str())
    .fetch_optional(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    row.map(|row| detection(OPERATION, &row)).transpose()
}

/// `ReadStore::detections_after`.
pub(super) async fn after(
    connections: &Connections,
    after: i64,
    limit: u32,
) -> Result<Vec<DetectionFeedItem>, StoreError> {
    const OPERATION: &str = "detections_after";
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT sequence, {DETECTION_COLUMNS} FROM detections WHERE sequence > ? ORDER BY sequence LIMIT ?"
    )))
    .bind(after)
    .bind(limit)
    .fetch_all(connections.readers())
    .await
    .map_err(|error| map(OPERATION, error))?;
    let item = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(DetectionFeedItem {
            sequence: reader.take()?,
            detection: detection_from(&mut reader)?,
        })
    };
    rows.iter().map(item).collect()
}

/// `ReadStore::last_detection_sequence`.
pub(super) async fn last_sequence(connections: &Connections) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT COALESCE(MAX(sequence), 0) FROM detections")
        .fetch_one(connections.readers())
        .await
        .map_err(|error| map("last_detection_sequence", error))
}
