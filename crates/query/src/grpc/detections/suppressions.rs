//! Suppressions: made, listed, removed.

use super::DetectionApi;
use super::acknowledge::NOTES_CHARS_MAX;
use crate::grpc::convert::suppression_to_proto;
use crate::grpc::page::{page_of, page_rows};
use crate::grpc::page_token::{PageKey, PageScope};
use crate::grpc::request::{fingerprint, id, label_filter, person, prose, required_instant, source_filter};
use crate::status::store_status;
use jiff::Timestamp;
use tonic::Status;
use turnstone_proto::{ErrorCode, invalid_field, v1};
use turnstone_store::{NewSuppression, Suppression, SuppressionKey};
use turnstone_types::{SuppressionId, TenantId, to_microsecond_precision};

impl DetectionApi {
    pub(super) async fn suppress(
        &self,
        tenant: TenantId,
        request: v1::CreateSuppressionRequest,
    ) -> Result<v1::Suppression, Status> {
        let Some(wanted) = request.suppression else {
            return Err(invalid_field("suppression", "is missing"));
        };
        let now = Timestamp::now();
        let rule = rule(tenant, wanted, now)?;
        let id = self
            .store
            .add_suppression(&rule)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(suppression_to_proto(Suppression { id, rule }))
    }

    pub(super) async fn suppressions(
        &self,
        tenant: &TenantId,
        request: &v1::ListSuppressionsRequest,
    ) -> Result<v1::ListSuppressionsResponse, Status> {
        let rows_max = page_rows(request.page_size)?;
        let scope = PageScope::new("ListSuppressions", tenant, &[]);
        let after = match scope.mark::<PageKey>(&request.page_token)? {
            Some(key) => Some(SuppressionKey {
                created_at: key.instant,
                id: id("page_token", &key.id, SuppressionId::new)?,
            }),
            None => None,
        };
        let rows = self
            .store
            .list_suppressions(tenant, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let (suppressions, next_page_token) = page_of(
            &scope,
            rows_max,
            rows,
            |row| PageKey::new(row.rule.at, &row.id),
            suppression_to_proto,
        );
        Ok(v1::ListSuppressionsResponse {
            suppressions,
            next_page_token,
        })
    }

    pub(super) async fn unsuppress(
        &self,
        tenant: &TenantId,
        request: &v1::DeleteSuppressionRequest,
    ) -> Result<v1::DeleteSuppressionResponse, Status> {
        let suppression_id = id("id", &request.id, SuppressionId::new)?;
        let removed = self
            .store
            .remove_suppression(tenant, &suppression_id)
            .await
            .map_err(|error| store_status(&error))?;
        if !removed {
            return Err(ErrorCode::NotFound.status(format!(
                "there is no suppression {suppression_id} for this tenant"
            )));
        }
        Ok(v1::DeleteSuppressionResponse {})
    }
}

/// What the caller says, without the fields that the server sets.
fn rule(tenant: TenantId, wanted: v1::Suppression, now: Timestamp) -> Result<NewSuppression, Status> {
    prose("suppression.reason", &wanted.reason, NOTES_CHARS_MAX)?;
    person("suppression.created_by", &wanted.created_by)?;
    let expires_at = required_instant("suppression.expire_time", wanted.expire_time.as_ref())?;
    if expires_at <= now {
        return Err(invalid_field(
            "suppression.expire_time",
            format!("{expires_at} is not in the future"),
        ));
    }
    Ok(NewSuppression {
        tenant,
        fingerprint: fingerprint("suppression.fingerprint", &wanted.fingerprint)?,
        source_id: source_filter("suppression.source_id", &wanted.source_id)?,
        label: label_filter("suppression.anomaly_label", &wanted.anomaly_label)?,
        // As the store keeps them, so that the answer is what a list shows later.
        expires_at: to_microsecond_precision(expires_at),
        reason: wanted.reason,
        by: wanted.created_by,
        at: to_microsecond_precision(now),
    })
}
