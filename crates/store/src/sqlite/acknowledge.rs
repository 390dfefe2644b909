//! Acknowledging detections as one operation, undoing it, opening them again.

use super::conditions::Conditions;
use super::connection::{Connections, Tx, commit};
use super::error::map;
use super::executor::on;
use super::index_choice::Choice;
use super::rows::Reader;
use crate::StoreError;
use crate::checks::{check_acknowledgement, latest_by_group};
use crate::instant::to_text;
use crate::model::{
    AcknowledgeRequest, Acknowledged, DetectionFilter, DetectionSelection, GroupUntil, Undone,
};
use serde_json::json;
use turnstone_types::{AcknowledgementId, DetectionId, TenantId, Timestamp, Verdict};

/// The groups of a selection as rows.
const GIVEN_GROUPS: &str = "(SELECT value ->> 0 AS tenant_id, value ->> 1 AS source_id, value ->> 2 AS anomaly_label, \
     value ->> 3 AS fingerprint, value ->> 4 AS acknowledged_until FROM json_each({groups}))";

/// The groups of an operation stand where the newest operation left them that is not undone.
const UPDATE_GROUPS: &str = "UPDATE detection_groups SET (acknowledged_at, acknowledged_until, acknowledgement_id) = ( \
         SELECT n.acknowledged_at, n.acknowledged_until, n.acknowledgement_id \
         FROM acknowledged_groups AS n CROSS JOIN acknowledgements AS k ON k.id = n.acknowledgement_id \
         WHERE n.tenant_id = detection_groups.tenant_id AND n.fingerprint = detection_groups.fingerprint \
             AND n.source_id = detection_groups.source_id AND n.anomaly_label = detection_groups.anomaly_label AND k.undone_at IS NULL \
         ORDER BY n.acknowledged_at DESC, n.acknowledgement_id DESC LIMIT 1) \
     WHERE (tenant_id, source_id, anomaly_label, fingerprint) IN ( \
         SELECT tenant_id, source_id, anomaly_label, fingerprint FROM acknowledged_groups WHERE acknowledgement_id = ?1)";

/// `ReadStore::acknowledge`.
pub(super) async fn acknowledge(
    connections: &Connections,
    request: &AcknowledgeRequest,
) -> Result<Acknowledged, StoreError> {
    const OPERATION: &str = "acknowledge";
    check_acknowledgement(request)?;
    if request.dry_run {
        let mut transaction = connections.begin_read(OPERATION).await?;
        let (conditions, chosen) = chosen(OPERATION, &mut transaction, request).await?;
        let sql = format!("SELECT COUNT(*) {chosen}");
        let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
        let count = rows
            .first()
            .map_or(Ok(0), |row| Reader::new(OPERATION, row).take_count())?;
        return Ok(Acknowledged {
            count,
            operation_id: None,
        });
    }
    let operation_id = AcknowledgementId::generate();
    let at = to_text(request.at);
    let verdict = request.verdict.map(Verdict::as_str);
    let mut transaction = connections.begin_write(OPERATION).await?;
    let (mut conditions, chosen) = chosen(OPERATION, &mut transaction, request).await?;
    let placeholder = conditions.parameter(operation_id.as_str().to_owned());
    let record = format!(
        "INSERT INTO acknowledged_detections (acknowledgement_id, detection_id, previous_acknowledged, previous_acknowledged_at,
             previous_notes, previous_verdict, previous_acknowledgement_id, previous_suppressed)
         SELECT {placeholder}, detections.id, acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed {chosen}"
    );
    let count = conditions.execute(OPERATION, &mut transaction, record).await?;
    sqlx::query(
        "UPDATE detections SET acknowledged = 1, acknowledged_at = ?2, notes = ?3, verdict = ?4, acknowledgement_id = ?1, suppressed = 0
         WHERE id IN (SELECT detection_id FROM acknowledged_detections WHERE acknowledgement_id = ?1)",
    )
    .bind(operation_id.as_str())
    .bind(&at)
    .bind(&request.notes)
    .bind(verdict)
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    let mut groups_found = 0;
    if let DetectionSelection::Groups(groups) = &request.selection {
        let sql = format!(
            "INSERT INTO acknowledged_groups (acknowledgement_id, tenant_id, source_id, anomaly_label, fingerprint, acknowledged_at,
                 acknowledged_until)
             SELECT ?1, tenant_id, source_id, anomaly_label, fingerprint, ?2, given.acknowledged_until
             FROM {} AS given CROSS JOIN detection_groups USING (tenant_id, source_id, anomaly_label, fingerprint)
             WHERE tenant_id IN (?4, '')",
            GIVEN_GROUPS.replace("{groups}", "?3")
        );
        groups_found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(operation_id.as_str())
            .bind(&at)
            .bind(groups_as_json(groups))
            .bind(request.tenant.as_str())
            .execute(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?
            .rows_affected();
    }
    if count == 0 && groups_found == 0 {
        return Ok(Acknowledged {
            count,
            operation_id: None,
        });
    }
    sqlx::query(
        "INSERT INTO acknowledgements (id, tenant_id, acknowledged_at, acknowledged_by, verdict, notes, detection_count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(operation_id.as_str())
    .bind(request.tenant.as_str())
    .bind(&at)
    .bind(&request.by)
    .bind(verdict)
    .bind(&request.notes)
    .bind(super::cycle::stored_count(count))
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    if groups_found > 0 {
        update_groups(OPERATION, &mut transaction, &operation_id).await?;
    }
    commit(OPERATION, transaction).await?;
    Ok(Acknowledged {
        count,
        operation_id: Some(operation_id),
    })
}

/// `ReadStore::undo_acknowledge`.
pub(super) async fn undo(
    connections: &Connections,
    tenant: &TenantId,
    operation_id: &AcknowledgementId,
    at: Timestamp,
) -> Result<Option<Undone>, StoreError> {
    const OPERATION: &str = "undo_acknowledge";
    let mut transaction = connections.begin_write(OPERATION).await?;
    let row = sqlx::query(
        "SELECT undone_at IS NOT NULL, restored_count, left_alone_count FROM acknowledgements WHERE id = ?1 AND tenant_id = ?2",
    )
    .bind(operation_id.as_str())
    .bind(tenant.as_str())
    .fetch_optional(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut reader = Reader::new(OPERATION, &row);
    if reader.take()? {
        return Ok(Some(Undone {
            restored: reader.take_count()?,
            left_alone: reader.take_count()?,
        }));
    }
    let restored = sqlx::query(
        "UPDATE detections SET acknowledged = p.previous_acknowledged, acknowledged_at = p.previous_acknowledged_at,
             notes = p.previous_notes, verdict = p.previous_verdict, acknowledgement_id = p.previous_acknowledgement_id,
             suppressed = p.previous_suppressed
         FROM acknowledged_detections AS p
         WHERE p.acknowledgement_id = ?1 AND detections.id = p.detection_id AND detections.acknowledgement_id = ?1
             AND detections.acknowledged <> 0",
    )
    .bind(operation_id.as_str())
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?
    .rows_affected();
    let recorded = sqlx::query("DELETE FROM acknowledged_detections WHERE acknowledgement_id = ?1")
        .bind(operation_id.as_str())
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?
        .rows_affected();
    let left_alone = recorded.saturating_sub(restored);
    sqlx::query("UPDATE acknowledgements SET undone_at = ?2, restored_count = ?3, left_alone_count = ?4 WHERE id = ?1")
        .bind(operation_id.as_str())
        .bind(to_text(at))
        .bind(super::cycle::stored_count(restored))
        .bind(super::cycle::stored_count(left_alone))
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    update_groups(OPERATION, &mut transaction, operation_id).await?;
    commit(OPERATION, transaction).await?;
    Ok(Some(Undone { restored, left_alone }))
}

/// `ReadStore::unacknowledge`.
pub(super) async fn unacknowledge(
    connections: &Connections,
    tenant: &TenantId,
    selection: &DetectionSelection,
) -> Result<u64, StoreError> {
    const OPERATION: &str = "unacknowledge";
    let mut transaction = connections.begin_write(OPERATION).await?;
    let mut conditions = Conditions::default();
    conditions.require("acknowledged <> 0");
    select(&mut conditions, selection);
    let index = index_of(OPERATION, &mut transaction, tenant, selection, false).await?;
    let tenant = conditions.parameter(tenant.as_str().to_owned());
    let sql = format!(
        "UPDATE detections {index} SET acknowledged = 0, acknowledged_at = NULL, notes = '', verdict = NULL, acknowledgement_id = NULL,
             suppressed = 0 WHERE tenant_id IN ({tenant}, '') AND {}",
        conditions.sql()
    );
    let changed = conditions.execute(OPERATION, &mut transaction, sql).await?;
    commit(OPERATION, transaction).await?;
    Ok(changed)
}

/// FROM and WHERE of the detections that a request is for.
async fn chosen(
    operation: &'static str,
    transaction: &mut Tx,
    request: &AcknowledgeRequest,
) -> Result<(Conditions, String), StoreError> {
    let mut conditions = Conditions::default();
    if !matches!(request.selection, DetectionSelection::Ids(_)) {
        conditions.require("acknowledged = 0");
    }
    select(&mut conditions, &request.selection);
    let index = index_of(operation, transaction, &request.tenant, &request.selection, true).await?;
    let tenant = conditions.parameter(request.tenant.as_str().to_owned());
    let chosen = format!(
        "FROM detections {index} WHERE tenant_id IN ({tenant}, '') AND {}",
        conditions.sql()
    );
    Ok((conditions, chosen))
}

/// The index that a filter goes by; others are looked up by their ids.
async fn index_of(
    operation: &'static str,
    transaction: &mut Tx,
    tenant: &TenantId,
    selection: &DetectionSelection,
    unacknowledged: bool,
) -> Result<&'static str, StoreError> {
    let DetectionSelection::Filter(filter) = selection else {
        return Ok("");
    };
    let filter = DetectionFilter {
        unacknowledged: Some(unacknowledged),
        ..filter.clone()
    };
    let choice = Choice::of(operation, transaction, tenant, &filter).await?;
    Ok(choice.clause())
}

fn select(conditions: &mut Conditions, selection: &DetectionSelection) {
    match selection {
        DetectionSelection::Ids(ids) => {
            let ids = json!(ids.iter().map(DetectionId::as_str).collect::<Vec<_>>()).to_string();
            let ids = conditions.parameter(ids);
            conditions.require(format!("id IN (SELECT value FROM json_each({ids}))"));
        }
        DetectionSelection::Filter(filter) => {
            conditions.filter_detections(filter);
        }
        DetectionSelection::Groups(groups) => {
            let groups = conditions.parameter(groups_as_json(groups));
            conditions.require(format!(
                "id IN (SELECT d.id FROM {} AS given CROSS JOIN detections AS d
                 WHERE d.tenant_id = given.tenant_id AND d.fingerprint = given.fingerprint AND d.source_id = given.source_id
                     AND d.anomaly_label = given.anomaly_label AND d.detected_at <= given.acknowledged_until)",
                GIVEN_GROUPS.replace("{groups}", &groups)
            ));
        }
    }
}

fn groups_as_json(groups: &[GroupUntil]) -> String {
    let rows: Vec<_> = latest_by_group(groups)
        .into_iter()
        .map(|(key, until)| {
            json!([
                key.tenant.as_str(),
                key.source_id.as_str(),
                key.label.as_str(),
                key.fingerprint.as_str(),
                to_text(until)
            ])
        })
        .collect();
    serde_json::Value::Array(rows).to_string()
}

async fn update_groups(
    operation: &'static str,
    transaction: &mut Tx,
    operation_id: &AcknowledgementId,
) -> Result<(), StoreError> {
    sqlx::query(UPDATE_GROUPS)
        .bind(operation_id.as_str())
        .execute(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    Ok(())
}
