//! `DetectionService`: hands each call to the file that answers it.

mod acknowledge;
mod list;
mod suppressions;
mod verdicts;
mod watch;

pub(crate) use watch::watch_end_status;

use crate::feed::DetectionFeed;
use crate::grpc::request::tenant_of;
use futures::stream::BoxStream;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use turnstone_proto::v1;
use turnstone_proto::v1::detection_service_server::DetectionService;
use turnstone_store::Store;
use turnstone_types::TenantId;

/// The service over a store and the feed of new detections.
#[derive(Clone)]
pub(crate) struct DetectionApi {
    pub store: Arc<dyn Store>,
    pub feed: Arc<DetectionFeed>,
}

/// Whose call it is, and what it asks.
fn open<M>(request: Request<M>) -> Result<(TenantId, M), Status> {
    let tenant = tenant_of(request.metadata())?;
    Ok((tenant, request.into_inner()))
}

#[tonic::async_trait]
impl DetectionService for DetectionApi {
    async fn list_detections(
        &self,
        request: Request<v1::ListDetectionsRequest>,
    ) -> Result<Response<v1::ListDetectionsResponse>, Status> {
        let (tenant, request) = open(request)?;
        let answer = if request.collapse {
            self.list_groups(&tenant, &request).await?
        } else {
            self.list(&tenant, &request).await?
        };
        Ok(Response::new(answer))
    }

    async fn get_detection(
        &self,
        request: Request<v1::GetDetectionRequest>,
    ) -> Result<Response<v1::Detection>, Status> {
        let (tenant, request) = open(request)?;
        self.get(&tenant, &request).await.map(Response::new)
    }

    async fn acknowledge_detections(
        &self,
        request: Request<v1::AcknowledgeDetectionsRequest>,
    ) -> Result<Response<v1::AcknowledgeDetectionsResponse>, Status> {
        let (tenant, request) = open(request)?;
        self.acknowledge(tenant, request).await.map(Response::new)
    }

    async fn undo_acknowledgement(
        &self,
        request: Request<v1::UndoAcknowledgementRequest>,
    ) -> Result<Response<v1::UndoAcknowledgementResponse>, Status> {
        let (tenant, request) = open(request)?;
        self.undo(&tenant, &request).await.map(Response::new)
    }

    async fn unacknowledge_detections(
        &self,
        request: Request<v1::UnacknowledgeDetectionsRequest>,
    ) -> Result<Response<v1::UnacknowledgeDetectionsResponse>, Status> {
        let (tenant, request) = open(request)?;
        self.unacknowledge(&tenant, &request).await.map(Response::new)
    }

    type WatchDetectionsStream = BoxStream<'static, Result<v1::WatchDetectionsResponse, Status>>;

    async fn watch_detections(
        &self,
        request: Request<v1::WatchDetectionsRequest>,
    ) -> Result<Response<Self::WatchDetectionsStream>, Status> {
        let (tenant, request) = open(request)?;
        self.watch(tenant, &request).await.map(Response::new)
    }

    async fn list_verdicts(
        &self,
        request: Request<v1::ListVerdictsRequest>,
    ) -> Result<Response<v1::ListVerdictsResponse>, Status> {
        let (tenant, request) = open(request)?;
        self.verdicts(&tenant, &request).await.map(Response::new)
    }

    async fn create_suppression(
        &self,
        request: Request<v1::CreateSuppressionRequest>,
    ) -> Result<Response<v1::Suppression>, Status> {
        let (tenant, request) = open(request)?;
        self.suppress(tenant, request).await.map(Response::new)
    }

    async fn list_suppressions(
        &self,
        request: Request<v1::ListSuppressionsRequest>,
    ) -> Result<Response<v1::ListSuppressionsResponse>, Status> {
        let (tenant, request) = open(request)?;
        self.suppressions(&tenant, &request).await.map(Response::new)
    }

    async fn delete_suppression(
        &self,
        request: Request<v1::DeleteSuppressionRequest>,
    ) -> Result<Response<v1::DeleteSuppressionResponse>, Status> {
        let (tenant, request) = open(request)?;
        self.unsuppress(&tenant, &request).await.map(Response::new)
    }
}
