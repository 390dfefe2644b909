//! Lists and follows detections.

use super::conditions::Conditions;
use super::connection::{Connections, Tx};
use super::error::map;
use super::executor::on;
use super::index_choice::{BY_SEQUENCE, Choice};
use super::rows::{DETECTION_COLUMNS, Reader, detection, detection_from};
use crate::model::{DetectionFeedItem, DetectionFilter, DetectionKey};
use crate::{SearchQuery, StoreError};
use sqlx::{AssertSqlSafe, Executor, Sqlite};
use turnstone_types::{Detection, DetectionId, TenantId};

/// Detections whose texts are read to find words that many hold, before all that the text index has of them are gone through.
const READ_MAX: i64 = 1_000;

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
    let conditions = conditions(filter, after);
    fetch(&mut transaction, tenant, conditions, index, limit).await
}

fn conditions(filter: &DetectionFilter, after: Option<&DetectionKey>) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.filter_detections(filter);
    conditions.after_key(
        "(detected_at, id)",
        after.map(|key| (key.detected_at, key.id.as_str())),
    );
    conditions
}

/// What meets the conditions, newest first, by an index.
async fn fetch(
    transaction: &mut Tx,
    tenant: &TenantId,
    mut conditions: Conditions,
    index: &str,
    limit: u32,
) -> Result<Vec<Detection>, StoreError> {
    const OPERATION: &str = "list_detections";
    // Each branch walks an index in order and the union merges them, where IN would sort all rows of both tenants.
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT {DETECTION_COLUMNS} FROM detections {index} WHERE tenant_id = {tenant} AND {condition}"
        )
    });
    let limit = conditions.parameter(limit);
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT {limit}");
    let rows = conditions.fetch_all(OPERATION, transaction, sql).await?;
    rows.iter().map(|row| detection(OPERATION, row)).collect()
}

/// The newest detections that hold words which many hold, by reading the texts of the newest. None where more than [`READ_MAX`] of
/// these would have to be read.
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
    let mut candidates = conditions(&filter, after);
    // Of most candidates nothing but the text is needed, and reading a whole row takes three times as long.
    let sql = candidates.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT sequence, text, detected_at, id FROM detections {index} WHERE tenant_id = {tenant} AND {condition}"
        )
    });
    let read_max = candidates.parameter(READ_MAX);
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT {read_max}");
    let (mut found, mut read) = (Vec::<i64>::new(), 0);
    candidates
        .fetch_while(OPERATION, transaction, sql, |row| {
            read += 1;
            let mut reader = Reader::new(OPERATION, row);
            let sequence = reader.take()?;
            if query.matches(reader.take()?) {
                found.push(sequence);
            }
            Ok(found.len() < limit as usize)
        })
        .await?;
    if found.len() < limit as usize && read >= READ_MAX {
        return Ok(None);
    }
    let mut conditions = Conditions::default();
    let sequences = conditions.parameter(serde_json::json!(found).to_string());
    conditions.require(format!("sequence IN (SELECT value FROM json_each({sequences}))"));
    fetch(transaction, tenant, conditions, BY_SEQUENCE, limit)
        .await
        .map(Some)
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

/// `ReadStore::last_detection_sequence`, and for a writer: after what its transaction adds detections.
pub(super) async fn last_sequence<'e>(
    operation: &'static str,
    executor: impl Executor<'e, Database = Sqlite>,
) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT COALESCE(MAX(sequence), 0) FROM detections")
        .fetch_one(executor)
        .await
        .map_err(|error| map(operation, error))
}
