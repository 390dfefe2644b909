//! Groups of detections, and fingerprints of detections that came without. The groups themselves are kept by triggers.

use super::conditions::Conditions;
use super::connection::{Connections, commit};
use super::error::map;
use super::executor::on;
use super::index_choice::is_rare_text;
use super::rows::{DETECTION_COLUMNS, Reader, detection_from};
use crate::instant::to_text;
use crate::model::{DetectionGroup, DetectionKey, GroupFilter, GroupKey};
use crate::{StoreError, StoreErrorKind};
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use turnstone_types::{Severity, TenantId, fingerprint};

/// `ReadStore::list_detection_groups`.
pub(super) async fn list(
    connections: &Connections,
    tenant: &TenantId,
    filter: &GroupFilter,
    after: Option<&DetectionKey>,
    limit: u32,
) -> Result<Vec<DetectionGroup>, StoreError> {
    const OPERATION: &str = "list_detection_groups";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let mut conditions = Conditions::default();
    // Of the columns that this names, the groups have none.
    conditions.filter_detections(&filter.of_newest());
    if let Some(query) = &filter.text {
        let is_rare = is_rare_text(OPERATION, &mut transaction, query).await?;
        let matches = conditions.matches(query);
        conditions.require(if is_rare {
            // The index of the groups has the id: of those that do not match, no detection is read.
            format!(
                "g.newest_detection_id IN (SELECT d.id FROM detections AS d WHERE d.sequence IN {matches})"
            )
        } else {
            // The plus keeps the matches from being looked up for each group.
            format!("+sequence IN {matches}")
        });
    }
    if let Some(unacknowledged) = filter.unacknowledged {
        conditions.require(if unacknowledged {
            "g.open_count > 0"
        } else {
            "g.open_count = 0"
        });
    }
    let text = |text: Option<&str>| text.map(str::to_owned);
    conditions.compare_optional(
        "g.anomaly_label =",
        text(filter.label.as_ref().map(|label| label.as_str())),
    );
    conditions.compare_optional("g.severity =", filter.severity.map(Severity::as_str));
    conditions.compare_optional(
        "g.source_id =",
        text(filter.source_id.as_ref().map(|source| source.as_str())),
    );
    conditions.compare_optional(
        "g.fingerprint =",
        text(
            filter
                .fingerprint
                .as_ref()
                .map(|fingerprint| fingerprint.as_str()),
        ),
    );
    conditions.compare_optional("g.first_seen >=", filter.first_seen_from.map(to_text));
    conditions.compare_optional("g.first_seen <", filter.first_seen_until.map(to_text));
    conditions.compare_optional("g.last_seen >=", filter.seen_from.map(to_text));
    conditions.compare_optional("g.last_seen <", filter.seen_until.map(to_text));
    conditions.after_key(
        "(g.last_seen, g.newest_detection_id)",
        after.map(|key| (key.detected_at, key.id.as_str())),
    );
    let index = if filter.fingerprint.is_some() {
        "detection_groups_by_fingerprint"
    } else if filter.first_seen_from.is_some() {
        "detection_groups_by_first_seen"
    } else if filter.unacknowledged == Some(true) {
        "detection_groups_open"
    } else {
        "detection_groups_newest_first"
    };
    // The groups lead, so that each branch walks their index in order.
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT g.detection_count, g.open_count, g.severity AS group_severity, g.first_seen, g.last_seen AS last_seen,
                 g.acknowledged_until, g.newest_detection_id AS newest_detection_id, detections.*
             FROM detection_groups AS g INDEXED BY {index} CROSS JOIN (SELECT {DETECTION_COLUMNS}, sequence FROM detections) AS detections
                 ON detections.id = g.newest_detection_id
             WHERE g.tenant_id = {tenant} AND {condition}"
        )
    });
    let limit = conditions.parameter(limit);
    let sql = format!("{sql} ORDER BY last_seen DESC, newest_detection_id DESC LIMIT {limit}");
    let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
    rows.iter().map(|row| group(OPERATION, row)).collect()
}

fn group(operation: &'static str, row: &SqliteRow) -> Result<DetectionGroup, StoreError> {
    let mut reader = Reader::new(operation, row);
    let (detections, open) = (reader.take_count()?, reader.take_count()?);
    let severity = reader.take_severity()?;
    let (first_seen, last_seen) = (reader.take_instant()?, reader.take_instant()?);
    let acknowledged_until = reader.take_optional_instant()?;
    let _: &str = reader.take()?;
    let newest = detection_from(&mut reader)?;
    let Some(fingerprint) = newest.fingerprint.clone() else {
        return Err(StoreError::new(
            StoreErrorKind::Corrupt,
            operation,
            format!("detection {} is in a group and has no fingerprint", newest.id),
        ));
    };
    Ok(DetectionGroup {
        key: GroupKey {
            tenant: newest.tenant.clone(),
            source_id: newest.source_id.clone(),
            label: newest.label.clone(),
            fingerprint,
        },
        detections,
        open,
        severity,
        first_seen,
        last_seen,
        acknowledged_until,
        newest,
    })
}

/// `WriteStore::fingerprint_pending`.
pub(super) async fn fingerprint_pending(connections: &Connections, limit: u32) -> Result<u64, StoreError> {
    const OPERATION: &str = "fingerprint_pending";
    // A look by a reader first: nearly always there is nothing to do, and the write lock has other takers.
    let pending = sqlx::query("SELECT 1 FROM detections WHERE fingerprint IS NULL LIMIT 1")
        .fetch_optional(connections.readers())
        .await
        .map_err(|error| map(OPERATION, error))?;
    if pending.is_none() {
        return Ok(0);
    }
    let mut transaction = connections.begin_write(OPERATION).await?;
    let rows = sqlx::query("SELECT id, text FROM detections WHERE fingerprint IS NULL ORDER BY id LIMIT ?")
        .bind(limit)
        .fetch_all(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    let pair = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(json!([
            reader.take::<&str>()?,
            fingerprint(reader.take()?).as_str()
        ]))
    };
    let pairs: Vec<_> = rows.iter().map(pair).collect::<Result<_, StoreError>>()?;
    let changed = sqlx::query(
        "UPDATE detections SET fingerprint = given.value ->> 1 FROM json_each(?) AS given
         WHERE detections.id = given.value ->> 0 AND fingerprint IS NULL",
    )
    .bind(serde_json::Value::Array(pairs).to_string())
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(changed.rows_affected())
}
