//! Lists, acknowledges and follows detections.

use super::connection::{Connections, commit, on};
use super::error::map;
use super::rows::{DETECTION_COLUMNS, Reader, detection, detection_from};
use crate::StoreError;
use crate::checks::check_acknowledgement;
use crate::instant::{AFTER_ALL, BEFORE_ALL, to_text};
use crate::model::{
    AcknowledgeRequest, DetectionFeedItem, DetectionFilter, DetectionKey, DetectionSelection,
};
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, query::Query};
use turnstone_types::{Detection, DetectionId, TenantId};

/// The conditions of a filter over parameters 2 to 8; the tenant is parameter 1.
const FILTER: &str = "(?2 IS NULL OR anomaly_label = ?2) AND (?3 IS NULL OR scorer = ?3) AND (?4 IS NULL OR severity = ?4) \
     AND (?5 IS NULL OR source_id = ?5) AND detected_at >= ?6 AND detected_at < ?7 AND (?8 IS NULL OR anomaly_score >= ?8)";

/// Written out and not bound, so that the partial index of open detections serves it.
fn acknowledged_condition(unacknowledged: Option<bool>) -> &'static str {
    match unacknowledged {
        None => "true",
        Some(true) => "acknowledged = 0",
        Some(false) => "acknowledged <> 0",
    }
}

fn bind_filter<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    tenant: &TenantId,
    filter: &DetectionFilter,
) -> Query<'q, Sqlite, SqliteArguments> {
    let from = filter
        .detected_from
        .map_or_else(|| BEFORE_ALL.to_owned(), to_text);
    let until = filter
        .detected_until
        .map_or_else(|| AFTER_ALL.to_owned(), to_text);
    query
        .bind(tenant.as_str().to_owned())
        .bind(filter.label.as_ref().map(|label| label.as_str().to_owned()))
        .bind(filter.scorer.clone())
        .bind(filter.severity.map(|severity| severity.as_str()))
        .bind(filter.source_id.as_ref().map(|source| source.as_str().to_owned()))
        .bind(from)
        .bind(until)
        .bind(filter.score_min)
}

/// `ReadStore::list_detections`.
pub(super) async fn list(
    connections: &Connections,
    tenant: &TenantId,
    filter: &DetectionFilter,
    after: Option<&DetectionKey>,
    limit: u32,
) -> Result<Vec<Detection>, StoreError> {
    const OPERATION: &str = "list_detections";
    let condition = acknowledged_condition(filter.unacknowledged);
    let branch = |tenant: &str| {
        format!(
            "SELECT {DETECTION_COLUMNS} FROM detections
             WHERE tenant_id = {tenant} AND {condition} AND {FILTER} AND (detected_at, id) < (?9, ?10)"
        )
    };
    // Each branch walks the index in order and the union merges them, where IN would sort all rows of both tenants.
    let mut sql = branch("?1");
    if !tenant.is_shared() {
        sql = format!("{sql} UNION ALL {}", branch("''"));
    }
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT ?11");
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = bind_filter(sqlx::query(AssertSqlSafe(sql)), tenant, filter)
        .bind(after.map_or_else(|| AFTER_ALL.to_owned(), |key| to_text(key.detected_at)))
        .bind(after.map_or("", |key| key.id.as_str()))
        .bind(limit)
        .fetch_all(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
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

fn ids_as_json(ids: &[DetectionId]) -> String {
    serde_json::json!(ids.iter().map(DetectionId::as_str).collect::<Vec<_>>()).to_string()
}

/// `ReadStore::acknowledge`. By id, a detection that is acknowledged already takes the new note; a filter leaves it alone.
pub(super) async fn acknowledge(
    connections: &Connections,
    request: &AcknowledgeRequest,
) -> Result<u64, StoreError> {
    check_acknowledgement(request)?;
    let condition = match &request.selection {
        DetectionSelection::Ids(_) => "true",
        DetectionSelection::Filter(_) => "acknowledged = 0",
    };
    let change = Change {
        operation: "acknowledge",
        set: "acknowledged = 1, acknowledged_at = ?9, notes = ?10",
        condition,
        at: Some(to_text(request.at)),
        notes: &request.notes,
    };
    change
        .apply(connections, &request.tenant, &request.selection)
        .await
}

/// `ReadStore::unacknowledge`.
pub(super) async fn unacknowledge(
    connections: &Connections,
    tenant: &TenantId,
    selection: &DetectionSelection,
) -> Result<u64, StoreError> {
    let change = Change {
        operation: "unacknowledge",
        set: "acknowledged = 0, acknowledged_at = ?9, notes = ?10",
        condition: "acknowledged <> 0",
        at: None,
        notes: "",
    };
    change.apply(connections, tenant, selection).await
}

/// A change of acknowledgement. The texts are constants of this file, never input.
struct Change<'a> {
    operation: &'static str,
    set: &'static str,
    condition: &'static str,
    at: Option<String>,
    notes: &'a str,
}

impl Change<'_> {
    async fn apply(
        &self,
        connections: &Connections,
        tenant: &TenantId,
        selection: &DetectionSelection,
    ) -> Result<u64, StoreError> {
        let any = DetectionFilter::default();
        let (filter, which, ids) = match selection {
            DetectionSelection::Ids(ids) => (
                &any,
                "id IN (SELECT value FROM json_each(?11))",
                Some(ids_as_json(ids)),
            ),
            DetectionSelection::Filter(filter) => {
                (filter, acknowledged_condition(filter.unacknowledged), None)
            }
        };
        let sql = format!(
            "UPDATE detections SET {} WHERE tenant_id IN (?1, '') AND {} AND {which} AND {FILTER}",
            self.set, self.condition
        );
        let mut transaction = connections.begin_write(self.operation).await?;
        let changed = bind_filter(sqlx::query(AssertSqlSafe(sql)), tenant, filter)
            .bind(self.at.as_deref())
            .bind(self.notes)
            .bind(ids)
            .execute(on(&mut transaction))
            .await
            .map_err(|error| map(self.operation, error))?;
        commit(self.operation, transaction).await?;
        Ok(changed.rows_affected())
    }
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
