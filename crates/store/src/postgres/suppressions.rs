//! Suppressions: what is acknowledged as it comes. They take effect where scores are written.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{Reader, storable, visible_tenants};
use super::session::{Mode, work};
use crate::checks::check_suppression;
use crate::{NewSuppression, StoreError, Suppression, SuppressionKey};
use tokio_postgres::Row;
use turnstone_types::{Label, SuppressionId, TenantId};

/// May run twice, after a connection that was lost with the answer.
const INSERT: &str = "INSERT INTO suppressions (id, tenant_id, fingerprint, source_id, anomaly_label, expires_at, reason, created_by, \
     created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";

impl PostgresStore {
    pub(super) async fn write_suppression(&self, new: &NewSuppression) -> Result<SuppressionId, StoreError> {
        check_suppression(new)?;
        let id = SuppressionId::generate();
        let key = id.as_str();
        self.run("add_suppression", Mode::Single, |session| {
            work(async move {
                session
                    .execute(
                        INSERT,
                        &[
                            &key,
                            &new.tenant.as_str(),
                            &new.fingerprint.as_str(),
                            &new.source_id.as_ref().map(|source| source.as_str()),
                            &new.label.as_ref().map(Label::as_str),
                            &storable(new.expires_at),
                            &new.reason,
                            &new.by,
                            &storable(new.at),
                        ],
                    )
                    .await
            })
        })
        .await?;
        Ok(id)
    }

    pub(super) async fn read_suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&SuppressionKey>,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.after_key(
            "(created_at, id)",
            after.map(|key| (key.created_at, key.id.as_str())),
        );
        let tenants = conditions.parameter(visible_tenants(tenant));
        let limit = conditions.parameter(i64::from(limit));
        let sql = format!(
            "SELECT id, tenant_id, fingerprint, source_id, anomaly_label, expires_at, reason, created_by, created_at FROM suppressions \
             WHERE tenant_id = ANY({tenants}) AND {} ORDER BY created_at DESC, id DESC LIMIT {limit}",
            conditions.sql()
        );
        let rows = self.read("list_suppressions", &sql, &conditions).await?;
        rows.iter().map(suppression).collect()
    }

    pub(super) async fn delete_suppression(
        &self,
        tenant: &TenantId,
        id: &SuppressionId,
    ) -> Result<bool, StoreError> {
        let deleted = self
            .run("remove_suppression", Mode::Single, |session| {
                work(async move {
                    let sql = "DELETE FROM suppressions WHERE id = $1 AND tenant_id = ANY($2)";
                    session
                        .execute(sql, &[&id.as_str(), &visible_tenants(tenant)])
                        .await
                })
            })
            .await?;
        Ok(deleted > 0)
    }
}

fn suppression(row: &Row) -> Result<Suppression, StoreError> {
    let mut reader = Reader::new("list_suppressions", row);
    Ok(Suppression {
        id: reader.take_checked()?,
        rule: NewSuppression {
            tenant: reader.take_checked::<TenantId>()?,
            fingerprint: reader.take_checked()?,
            source_id: reader.take_optional_checked()?,
            label: reader.take::<Option<&str>>()?.map(Label::new),
            expires_at: reader.take()?,
            reason: reader.take()?,
            by: reader.take()?,
            at: reader.take()?,
        },
    })
}
