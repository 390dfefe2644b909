//! Explanations by what they depend on, and the verdicts of people for training.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{Reader, storable, visible_tenants};
use super::session::{Mode, work};
use crate::checks::check_explanation;
use crate::{DetectionKey, ExplanationKey, JudgedDetection, StoreError, StoreErrorKind, StoredExplanation};
use tokio_postgres::Row;
use turnstone_types::{Label, TenantId, Timestamp, Verdict};

const READ: &str = "SELECT body, created_at FROM explanations WHERE entry_id = $1 AND model = $2 AND prompt_version = $3 \
     AND context_hash = $4 AND tenant_id = ANY($5)";

/// Belongs to the tenant of its entry, so that whoever sees the entry sees it.
const WRITE: &str = "INSERT INTO explanations (tenant_id, entry_id, model, prompt_version, context_hash, body, created_at) \
     SELECT tenant_id, id, $2, $3, $4, $5, $6 FROM log_entries WHERE id = $1 AND tenant_id = ANY($7) \
     ON CONFLICT (entry_id, model, prompt_version, context_hash) DO UPDATE SET body = excluded.body, created_at = excluded.created_at";

impl PostgresStore {
    pub(super) async fn read_explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
    ) -> Result<Option<StoredExplanation>, StoreError> {
        const OPERATION: &str = "explanation";
        let row = self
            .run(OPERATION, Mode::Single, |session| {
                work(async move {
                    session
                        .query_optional(
                            READ,
                            &[
                                &key.entry_id.as_str(),
                                &key.model,
                                &i32::try_from(key.prompt_version).unwrap_or(i32::MAX),
                                &key.context_hash,
                                &visible_tenants(tenant),
                            ],
                        )
                        .await
                })
            })
            .await?;
        let explanation = |row: &Row| {
            let mut reader = Reader::new(OPERATION, row);
            Ok(StoredExplanation {
                body: reader.take()?,
                created_at: reader.take()?,
            })
        };
        row.as_ref().map(explanation).transpose()
    }

    pub(super) async fn write_explanation(
        &self,
        tenant: &TenantId,
        key: &ExplanationKey,
        explanation: &StoredExplanation,
    ) -> Result<bool, StoreError> {
        check_explanation(key, explanation)?;
        let written = self
            .run("put_explanation", Mode::Single, |session| {
                work(async move {
                    session
                        .execute(
                            WRITE,
                            &[
                                &key.entry_id.as_str(),
                                &key.model,
                                &i32::try_from(key.prompt_version).unwrap_or(i32::MAX),
                                &key.context_hash,
                                &explanation.body,
                                &storable(explanation.created_at),
                                &visible_tenants(tenant),
                            ],
                        )
                        .await
                })
            })
            .await?;
        Ok(written > 0)
    }

    pub(super) async fn read_verdicts(
        &self,
        tenant: &TenantId,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<JudgedDetection>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.require("suppressed = 0");
        conditions.after_key(
            "(detected_at, id)",
            after.map(|key| (key.detected_at, key.id.as_str())),
        );
        let limit = conditions.parameter(i64::from(limit));
        // One ordered walk for each verdict, merged: there is an index for each of them, and none more to be kept for all.
        let mut branches = Vec::new();
        for tenant in visible_tenants(tenant) {
            let tenant = conditions.parameter(tenant);
            for verdict in Verdict::ALL {
                branches.push(format!(
                    "(SELECT id, source_id, text, anomaly_label, verdict, notes, detected_at, acknowledged_at FROM detections \
                     WHERE tenant_id = {tenant} AND verdict = '{verdict}' AND {} ORDER BY detected_at DESC, id DESC LIMIT {limit})",
                    conditions.sql()
                ));
            }
        }
        let sql = format!(
            "SELECT * FROM ({}) AS found ORDER BY detected_at DESC, id DESC LIMIT {limit}",
            branches.join(" UNION ALL ")
        );
        let rows = self.read("verdicts", &sql, &conditions).await?;
        rows.iter().map(judged).collect()
    }
}

fn judged(row: &Row) -> Result<JudgedDetection, StoreError> {
    let mut reader = Reader::new("verdicts", row);
    let missing = || StoreError::new(StoreErrorKind::Internal, "verdicts", "a row has no verdict");
    Ok(JudgedDetection {
        id: reader.take_checked()?,
        source_id: reader.take_checked()?,
        text: reader.take()?,
        label: Label::new(reader.take::<&str>()?),
        verdict: reader.take_verdict()?.ok_or_else(missing)?,
        notes: reader.take()?,
        detected_at: reader.take::<Timestamp>()?,
        judged_at: reader.take()?,
    })
}
