//! The stream of new detections.

use super::DetectionApi;
use crate::feed::{WatchEnd, WatchEvent, WatchRequest};
use crate::grpc::filters::detection_filter;
use futures::StreamExt;
use futures::stream::BoxStream;
use tonic::Status;
use turnstone_proto::v1::watch_detections_response::Event;
use turnstone_proto::{ErrorCode, timestamp_to_proto, v1};
use turnstone_types::TenantId;

impl DetectionApi {
    pub(super) async fn watch(
        &self,
        tenant: TenantId,
        request: &v1::WatchDetectionsRequest,
    ) -> Result<BoxStream<'static, Result<v1::WatchDetectionsResponse, Status>>, Status> {
        let watch = WatchRequest {
            tenant,
            filter: detection_filter(request.filter.as_ref())?,
            resume_after: None,
        };
        let watcher = self.feed.watch(watch).await.map_err(watch_end_status)?;
        let events = watcher
            .into_stream()
            .map(|event| event.map(watch_response).map_err(watch_end_status));
        Ok(events.boxed())
    }
}

fn watch_response(event: WatchEvent) -> v1::WatchDetectionsResponse {
    let event = match event {
        WatchEvent::Detection { detection, .. } => Event::Detection(v1::Detection::from(*detection)),
        WatchEvent::Heartbeat { at, .. } => Event::Heartbeat(v1::WatchHeartbeat {
            time: Some(timestamp_to_proto(at)),
        }),
    };
    v1::WatchDetectionsResponse { event: Some(event) }
}

/// What a watcher is told at its end.
pub(crate) fn watch_end_status(end: WatchEnd) -> Status {
    let code = match end {
        WatchEnd::FellBehind | WatchEnd::TooManyWatchers => ErrorCode::Overloaded,
        WatchEnd::StoreUnavailable | WatchEnd::ShuttingDown => ErrorCode::Unavailable,
    };
    code.status(end.to_string())
}
