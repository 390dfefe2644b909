//! Explanations by what they depend on, and the verdicts of people for training.

use super::conditions::Conditions;
use super::connection::{Connections, commit};
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::checks::check_explanation;
use crate::instant::to_text;
use crate::model::{DetectionKey, ExplanationKey, JudgedDetection, StoredExplanation};
use crate::{StoreError, StoreErrorKind};
use sqlx::sqlite::SqliteRow;
use turnstone_types::{Label, TenantId, Verdict};

/// `ReadStore::explanation`.
pub(super) async fn get(
    connections: &Connections,
    tenant: &TenantId,
    key: &ExplanationKey,
) -> Result<Option<StoredExplanation>, StoreError> {
    const OPERATION: &str = "explanation";
    let row = sqlx::query(
        "SELECT body, created_at FROM explanations
         WHERE entry_id = ?1 AND model = ?2 AND prompt_version = ?3 AND context_hash = ?4 AND tenant_id IN (?5, '')",
    )
    .bind(key.entry_id.as_str())
    .bind(&key.model)
    .bind(key.prompt_version)
    .bind(&key.context_hash)
    .bind(tenant.as_str())
    .fetch_optional(connections.readers())
    .await
    .map_err(|error| map(OPERATION, error))?;
    let explanation = |row: SqliteRow| {
        let mut reader = Reader::new(OPERATION, &row);
        Ok(StoredExplanation {
            body: reader.take()?,
            created_at: reader.take_instant()?,
        })
    };
    row.map(explanation).transpose()
}

/// `ReadStore::put_explanation`. Belongs to the tenant of its entry, so that whoever sees the entry sees it.
pub(super) async fn put(
    connections: &Connections,
    tenant: &TenantId,
    key: &ExplanationKey,
    explanation: &StoredExplanation,
) -> Result<bool, StoreError> {
    const OPERATION: &str = "put_explanation";
    check_explanation(key, explanation)?;
    let mut transaction = connections.begin_write(OPERATION).await?;
    let written = sqlx::query(
        "INSERT INTO explanations (tenant_id, entry_id, model, prompt_version, context_hash, body, created_at)
         SELECT tenant_id, id, ?2, ?3, ?4, ?5, ?6 FROM log_entries WHERE id = ?1 AND tenant_id IN (?7, '')
         ON CONFLICT (entry_id, model, prompt_version, context_hash) DO UPDATE SET body = excluded.body, created_at = excluded.created_at",
    )
    .bind(key.entry_id.as_str())
    .bind(&key.model)
    .bind(key.prompt_version)
    .bind(&key.context_hash)
    .bind(&explanation.body)
    .bind(to_text(explanation.created_at))
    .bind(tenant.as_str())
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(written.rows_affected() > 0)
}

/// `ReadStore::verdicts`.
pub(super) async fn verdicts(
    connections: &Connections,
    tenant: &TenantId,
    after: Option<&DetectionKey>,
    limit: u32,
) -> Result<Vec<JudgedDetection>, StoreError> {
    const OPERATION: &str = "verdicts";
    let mut conditions = Conditions::default();
    conditions.require("suppressed = 0");
    conditions.after_key(
        "(detected_at, id)",
        after.map(|key| (key.detected_at, key.id.as_str())),
    );
    // One ordered walk for each verdict, merged: there is an index for each of them, and none more to be kept for all.
    let sql = conditions.for_each_tenant(tenant, |tenant, condition| {
        let of_verdict = |verdict| {
            format!(
                "SELECT id, source_id, text, anomaly_label, verdict, notes, detected_at, acknowledged_at
                 FROM detections INDEXED BY detections_by_verdict
                 WHERE tenant_id = {tenant} AND verdict = '{verdict}' AND {condition}"
            )
        };
        Verdict::ALL.map(of_verdict).join(" UNION ALL ")
    });
    let limit = conditions.parameter(limit);
    let sql = format!("{sql} ORDER BY detected_at DESC, id DESC LIMIT {limit}");
    let mut transaction = connections.begin_read(OPERATION).await?;
    let rows = conditions.fetch_all(OPERATION, &mut transaction, sql).await?;
    let missing = || StoreError::new(StoreErrorKind::Internal, OPERATION, "a row has no verdict");
    let judged = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok(JudgedDetection {
            id: reader.take_checked()?,
            source_id: reader.take_checked()?,
            text: reader.take()?,
            label: Label::new(reader.take::<&str>()?),
            verdict: reader.take_verdict()?.ok_or_else(missing)?,
            notes: reader.take()?,
            detected_at: reader.take_instant()?,
            judged_at: reader.take_optional_instant()?,
        })
    };
    rows.iter().map(judged).collect()
}
