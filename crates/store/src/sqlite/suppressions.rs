//! Suppressions: what is acknowledged as it comes. They take effect where scores are written.

use super::conditions::Conditions;
use super::connection::{Connections, commit};
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::StoreError;
use crate::checks::check_suppression;
use crate::instant::to_text;
use crate::model::{NewSuppression, Suppression, SuppressionKey};
use sqlx::sqlite::SqliteRow;
use turnstone_types::{Label, SuppressionId, TenantId};

/// `ReadStore::add_suppression`.
pub(super) async fn add(
    connections: &Connections,
    new: &NewSuppression,
) -> Result<SuppressionId, StoreError> {
    const OPERATION: &str = "add_suppression";
    check_suppression(new)?;
    let id = SuppressionId::generate();
    let mut transaction = connections.begin_write(OPERATION).await?;
    sqlx::query(
        "INSERT INTO suppressions (id, tenant_id, fingerprint, source_id, anomaly_label, expires_at, reason, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(id.as_str())
    .bind(new.tenant.as_str())
    .bind(new.fingerprint.as_str())
    .bind(new.source_id.as_ref().map(|source| source.as_str()))
    .bind(new.label.as_ref().map(Label::as_str))
    .bind(to_text(new.expires_at))
    .bind(&new.reason)
    .bind(&new.by)
    .bind(to_text(new.at))
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(id)
}

/// `ReadStore::list_suppressions`.
pub(super) async fn list(
    connections: &Connections,
    tenant: &TenantId,
    after: Option<&SuppressionKey>,
    limit: u32,
) -> Result<Vec<Suppression>, StoreError> {
    const OPERATION: &str = "list_suppressions";
    let mut conditions = Conditions::default();
    conditions.after_key(
        "(created_at, id)",
        after.map(|key| (key.created_at, key.id.as_str())),
    );
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        format!(
            "SELECT id, tenant_id, fingerprint, source_id, anomaly_label, expires_at, reason, created_by, created_at FROM suppressions
             WHERE tenant_id = {tenant} AND {condition}"
        )
    });
    let limit = conditions.parameter(limit);
    let sql = format!("{sql} ORDER BY created_at DESC, id DESC LIMIT {limit}");
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
    rows.iter().map(|row| suppression(OPERATION, row)).collect()
}

/// `ReadStore::remove_suppression`.
pub(super) async fn remove(
    connections: &Connections,
    tenant: &TenantId,
    id: &SuppressionId,
) -> Result<bool, StoreError> {
    const OPERATION: &str = "remove_suppression";
    let mut transaction = connections.begin_write(OPERATION).await?;
    let deleted = sqlx::query("DELETE FROM suppressions WHERE id = ?1 AND tenant_id IN (?2, '')")
        .bind(id.as_str())
        .bind(tenant.as_str())
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(deleted.rows_affected() > 0)
}

fn suppression(operation: &'static str, row: &SqliteRow) -> Result<Suppression, StoreError> {
    let mut reader = Reader::new(operation, row);
    Ok(Suppression {
        id: reader.take_checked()?,
        rule: NewSuppression {
            tenant: reader.take_checked::<TenantId>()?,
            fingerprint: reader.take_checked()?,
            source_id: reader.take_optional_checked()?,
            label: reader.take::<Option<&str>>()?.map(Label::new),
            expires_at: reader.take_instant()?,
            reason: reader.take()?,
            by: reader.take()?,
            at: reader.take_instant()?,
        },
    })
}
