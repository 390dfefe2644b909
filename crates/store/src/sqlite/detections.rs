//! Lists and follows detections.

use super::conditions::Conditions;
use super::connection::{Connections, Tx};
use super::error::map;
use super::executor::on;
use super::index_choice::Choice;
use super::rows::{DETECTION_COLUMNS, Reader, detection, detection_from};
use crate::model::{DetectionFeedItem, DetectionFilter, DetectionKey};
use crate::{SearchQuery, StoreError};
use sqlx::AssertSqlSafe;
use turnstone_types::{Detection, DetectionId, TenantId};

/// Detections whose lines are read to find words that are in many lines, before the text index is asked.
const READ_MAX: i64 = 2_000;

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
    let choice = Choice::of(OPERATION, &mut transaction, tenant, filter).await?;
    if choice == Choice::Nothing {
        return Ok(Vec::new());
    }
    let index = choice.clause();
    if let Some(query) = filter.text.as_ref().filter(|_| choice.is_in_order()) {
        let found = newest_matching(&mut transaction, (tenant, filter, after), query, index, limit).await?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let mut conditions = conditions(&mut transaction, filter, after).await?;
    // Each branch walks an index in order and the union merges them, where IN would sort all rows of both tenants.
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT {DETECTION_COLUMNS} FROM detections {index} WHERE tenant_id = {tenant} AND {condition}"
        )
    });
    let limit = conditions.parameter(limit);
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT {limit}");
    let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
    rows.iter().map(|row| detection(OPERATION, row)).collect()
}

async fn conditions(
    transaction: &mut Tx,
    filter: &DetectionFilter,
    after: Option<&DetectionKey>,
) -> Result<Conditions, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .filter_detections("list_detections", transaction, filter)
        .await?;
    conditions.after_key(
        "(detected_at, id)",
        after.map(|key| (key.detected_at, key.id.as_str())),
    );
    Ok(conditions)
}

/// The newest detections whose lines hold words that are in many lines, by reading the lines of the newest detections. None where more
/// than [`READ_MAX`] of these would have to be read.
async fn newest_matching(
    transaction: &mut Tx,
    (tenant, filter, after): (&TenantId, &DetectionFilter, Option<&DetectionKey>),
    query: &SearchQuery,
    index: &str,
    limit: u32,
) -> Result<Option<Vec<Detection>>, StoreError> {
    const OPERATION: &str = "list_detections";
    let filter = DetectionFilter {
        text: None,
        ..filter.clone()
    };
    let mut conditions = conditions(transaction, &filter, after).await?;
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT {DETECTION_COLUMNS}, (SELECT e.text FROM log_entries AS e WHERE e.id = detections.entry_id) AS line
             FROM detections {index} WHERE tenant_id = {tenant} AND {condition}"
        )
    });
    let read_max = conditions.parameter(READ_MAX);
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT {read_max}");
    let (mut found, mut read) = (Vec::new(), 0);
    conditions
        .fetch_while(OPERATION, transaction, sql, |row| {
            read += 1;
            let mut reader = Reader::new(OPERATION, row);
            let candidate = detection_from(&mut reader)?;
            if reader
                .take::<Option<&str>>()?
                .is_some_and(|line| query.matches(line))
            {
                found.push(candidate);
            }
            Ok(found.len() < limit as usize)
        })
        .await?;
    let is_complete = found.len() >= limit as usize || read < READ_MAX;
    Ok(is_complete.then_some(found))
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
