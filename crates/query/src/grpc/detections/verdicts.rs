//! What people have said of detections, page by page.

use super::DetectionApi;
use super::list::detection_key;
use crate::grpc::convert::judged_to_proto;
use crate::grpc::page::{page_of, page_rows};
use crate::grpc::page_token::{PageKey, PageScope};
use crate::status::store_status;
use tonic::Status;
use turnstone_proto::v1;
use turnstone_types::TenantId;

impl DetectionApi {
    pub(super) async fn verdicts(
        &self,
        tenant: &TenantId,
        request: &v1::ListVerdictsRequest,
    ) -> Result<v1::ListVerdictsResponse, Status> {
        let rows_max = page_rows(request.page_size)?;
        let scope = PageScope::new("ListVerdicts", tenant, &[]);
        let after = detection_key(&scope, &request.page_token)?;
        let rows = self
            .store
            .verdicts(tenant, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let (verdicts, next_page_token) = page_of(
            &scope,
            rows_max,
            rows,
            |row| PageKey::new(row.detected_at, &row.id),
            judged_to_proto,
        );
        Ok(v1::ListVerdictsResponse {
            verdicts,
            next_page_token,
        })
    }
}
