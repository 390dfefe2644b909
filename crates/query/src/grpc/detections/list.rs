//! Detections one by one, and by group.

use super::DetectionApi;
use crate::grpc::convert::group_to_proto;
use crate::grpc::filters::{detection_filter, group_filter};
use crate::grpc::page::{page_of, page_rows};
use crate::grpc::page_token::{PageKey, PageScope};
use crate::grpc::request::id;
use crate::status::store_status;
use prost::Message;
use tonic::Status;
use turnstone_proto::{ErrorCode, v1};
use turnstone_store::DetectionKey;
use turnstone_types::{DetectionId, TenantId};

impl DetectionApi {
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        request: &v1::ListDetectionsRequest,
    ) -> Result<v1::ListDetectionsResponse, Status> {
        let rows_max = page_rows(request.page_size)?;
        let filter = detection_filter(request.filter.as_ref())?;
        let scope = scope("ListDetections", tenant, request);
        let after = detection_key(&scope, &request.page_token)?;
        let rows = self
            .store
            .list_detections(tenant, &filter, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let (detections, next_page_token) = page_of(
            &scope,
            rows_max,
            rows,
            |row| PageKey::new(row.detected_at, &row.id),
            v1::Detection::from,
        );
        Ok(v1::ListDetectionsResponse {
            detections,
            next_page_token,
            groups: Vec::new(),
        })
    }

    pub(super) async fn list_groups(
        &self,
        tenant: &TenantId,
        request: &v1::ListDetectionsRequest,
    ) -> Result<v1::ListDetectionsResponse, Status> {
        let rows_max = page_rows(request.page_size)?;
        let filter = group_filter(request.filter.as_ref())?;
        // A name of its own: a token of the plain list must not go on in this one.
        let scope = scope("ListDetections collapsed", tenant, request);
        let after = detection_key(&scope, &request.page_token)?;
        let rows = self
            .store
            .list_detection_groups(tenant, &filter, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let (groups, next_page_token) = page_of(
            &scope,
            rows_max,
            rows,
            |group| PageKey::new(group.last_seen, &group.newest.id),
            group_to_proto,
        );
        Ok(v1::ListDetectionsResponse {
            detections: Vec::new(),
            next_page_token,
            groups,
        })
    }

    pub(super) async fn get(
        &self,
        tenant: &TenantId,
        request: &v1::GetDetectionRequest,
    ) -> Result<v1::Detection, Status> {
        let detection_id = id("id", &request.id, DetectionId::new)?;
        let detection = self
            .store
            .detection(tenant, &detection_id)
            .await
            .map_err(|error| store_status(&error))?;
        detection.map(Into::into).ok_or_else(|| {
            ErrorCode::NotFound.status(format!("there is no detection {detection_id} for this tenant"))
        })
    }
}

fn scope(list: &'static str, tenant: &TenantId, request: &v1::ListDetectionsRequest) -> PageScope {
    // An absent filter and an empty one are the same.
    let filter = request.filter.as_ref().map(Message::encode_to_vec);
    PageScope::new(list, tenant, &filter.unwrap_or_default())
}

/// The place in a list of detections or groups that a token stands for.
pub(super) fn detection_key(scope: &PageScope, page_token: &str) -> Result<Option<DetectionKey>, Status> {
    let Some(key) = scope.mark::<PageKey>(page_token)? else {
        return Ok(None);
    };
    Ok(Some(DetectionKey {
        detected_at: key.instant,
        id: id("page_token", &key.id, DetectionId::new)?,
    }))
}
