//! `DetectionService`: listing, acknowledging, watching.

use crate::feed::{DetectionFeed, WatchEnd, WatchEvent, WatchRequest};
use crate::grpc::page::{cut_page, page_rows};
use crate::grpc::page_token::{PageKey, PageScope};
use crate::grpc::request::{detection_filter, id, prose, tenant_of};
use crate::status::store_status;
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use prost::Message;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use turnstone_proto::v1::detection_service_server::DetectionService;
use turnstone_proto::v1::watch_detections_response::Event;
use turnstone_proto::{ErrorCode, invalid_field, timestamp_to_proto, v1};
use turnstone_store::{AcknowledgeRequest, DetectionFilter, DetectionKey, DetectionSelection, Store};
use turnstone_types::DetectionId;

const NOTES_CHARS_MAX: usize = 4_000;
const SELECTED_IDS_MAX: usize = 10_000;

/// The service over a store and the feed of new detections.
#[derive(Clone)]
pub(crate) struct DetectionApi {
    pub store: Arc<dyn Store>,
    pub feed: Arc<DetectionFeed>,
}

#[tonic::async_trait]
impl DetectionService for DetectionApi {
    async fn list_detections(
        &self,
        request: Request<v1::ListDetectionsRequest>,
    ) -> Result<Response<v1::ListDetectionsResponse>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let request = request.into_inner();
        let rows_max = page_rows(request.page_size)?;
        let wire_filter = request.filter.unwrap_or_default();
        let filter = detection_filter(Some(&wire_filter))?;
        let scope = PageScope::new("ListDetections", &tenant, &wire_filter.encode_to_vec());
        let after = match scope.key(&request.page_token)? {
            Some(key) => Some(DetectionKey {
                detected_at: key.instant,
                id: id("page_token", &key.id, DetectionId::new)?,
            }),
            None => None,
        };
        let rows = self
            .store
            .list_detections(&tenant, &filter, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let keys: Vec<PageKey> = rows
            .iter()
            .map(|row| PageKey {
                instant: row.detected_at,
                id: row.id.to_string(),
            })
            .collect();
        let (detections, more) = cut_page(rows.into_iter().map(v1::Detection::from).collect(), rows_max);
        let next_page_token = if more {
            scope.token(&keys[detections.len() - 1])
        } else {
            String::new()
        };
        Ok(Response::new(v1::ListDetectionsResponse {
            detections,
            next_page_token,
            groups: Vec::new(),
        }))
    }

    async fn get_detection(
        &self,
        request: Request<v1::GetDetectionRequest>,
    ) -> Result<Response<v1::Detection>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let detection_id = id("id", &request.get_ref().id, DetectionId::new)?;
        let detection = self
            .store
            .detection(&tenant, &detection_id)
            .await
            .map_err(|error| store_status(&error))?;
        detection
            .map(|detection| Response::new(detection.into()))
            .ok_or_else(|| {
                ErrorCode::NotFound.status(format!("there is no detection {detection_id} for this tenant"))
            })
    }

    async fn acknowledge_detections(
        &self,
        request: Request<v1::AcknowledgeDetectionsRequest>,
    ) -> Result<Response<v1::AcknowledgeDetectionsResponse>, Status> {
        use v1::acknowledge_detections_request::Selection;
        let tenant = tenant_of(request.metadata())?;
        let request = request.into_inner();
        prose("notes", &request.notes, NOTES_CHARS_MAX)?;
        let selection = match &request.selection {
            None => return Err(no_selection()),
            Some(Selection::Ids(ids)) => select_ids(ids, request.all)?,
            Some(Selection::Filter(filter)) => select_by_filter(filter, request.all)?,
            Some(Selection::Groups(_)) => return Err(ErrorCode::Unimplemented.status("not built yet")),
        };
        let acknowledge = AcknowledgeRequest {
            tenant,
            selection,
            notes: request.notes,
            at: Timestamp::now(),
            verdict: None,
            by: String::new(),
            dry_run: false,
        };
        let changed = self
            .store
            .acknowledge(&acknowledge)
            .await
            .map_err(|error| store_status(&error))?;
        let acknowledged_count = i64::try_from(changed.count).unwrap_or(i64::MAX);
        Ok(Response::new(v1::AcknowledgeDetectionsResponse {
            acknowledged_count,
            acknowledgement_id: changed.operation_id.map(Into::into).unwrap_or_default(),
        }))
    }

    async fn unacknowledge_detections(
        &self,
        request: Request<v1::UnacknowledgeDetectionsRequest>,
    ) -> Result<Response<v1::UnacknowledgeDetectionsResponse>, Status> {
        use v1::unacknowledge_detections_request::Selection;
        let tenant = tenant_of(request.metadata())?;
        let request = request.into_inner();
        let selection = match &request.selection {
            None => return Err(no_selection()),
            Some(Selection::Ids(ids)) => select_ids(ids, request.all)?,
            Some(Selection::Filter(filter)) => select_by_filter(filter, request.all)?,
        };
        let changed = self
            .store
            .unacknowledge(&tenant, &selection)
            .await
            .map_err(|error| store_status(&error))?;
        let unacknowledged_count = i64::try_from(changed).unwrap_or(i64::MAX);
        Ok(Response::new(v1::UnacknowledgeDetectionsResponse {
            unacknowledged_count,
        }))
    }

    async fn undo_acknowledgement(
        &self,
        _: Request<v1::UndoAcknowledgementRequest>,
    ) -> Result<Response<v1::UndoAcknowledgementResponse>, Status> {
        Err(ErrorCode::Unimplemented.status("not built yet"))
    }

    async fn list_verdicts(
        &self,
        _: Request<v1::ListVerdictsRequest>,
    ) -> Result<Response<v1::ListVerdictsResponse>, Status> {
        Err(ErrorCode::Unimplemented.status("not built yet"))
    }

    async fn create_suppression(
        &self,
        _: Request<v1::CreateSuppressionRequest>,
    ) -> Result<Response<v1::Suppression>, Status> {
        Err(ErrorCode::Unimplemented.status("not built yet"))
    }

    async fn list_suppressions(
        &self,
        _: Request<v1::ListSuppressionsRequest>,
    ) -> Result<Response<v1::ListSuppressionsResponse>, Status> {
        Err(ErrorCode::Unimplemented.status("not built yet"))
    }

    async fn delete_suppression(
        &self,
        _: Request<v1::DeleteSuppressionRequest>,
    ) -> Result<Response<v1::DeleteSuppressionResponse>, Status> {
        Err(ErrorCode::Unimplemented.status("not built yet"))
    }

    type WatchDetectionsStream = BoxStream<'static, Result<v1::WatchDetectionsResponse, Status>>;

    async fn watch_detections(
        &self,
        request: Request<v1::WatchDetectionsRequest>,
    ) -> Result<Response<Self::WatchDetectionsStream>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let filter = detection_filter(request.get_ref().filter.as_ref())?;
        let watch = WatchRequest {
            tenant,
            filter,
            resume_after: None,
        };
        let watcher = self.feed.watch(watch).await.map_err(watch_end_status)?;
        let events = watcher
            .into_stream()
            .map(|event| event.map(watch_response).map_err(watch_end_status));
        Ok(Response::new(events.boxed()))
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

fn no_selection() -> Status {
    invalid_field("selection", "is missing; name the detections by ids or by filter")
}

fn select_ids(ids: &v1::DetectionIds, all: bool) -> Result<DetectionSelection, Status> {
    if all {
        return Err(invalid_field("all", "goes with an empty filter, not with ids"));
    }
    if ids.ids.is_empty() || ids.ids.len() > SELECTED_IDS_MAX {
        return Err(invalid_field(
            "ids.ids",
            format!("holds {} ids; give 1 to {SELECTED_IDS_MAX}", ids.ids.len()),
        ));
    }
    let taken: Result<Vec<DetectionId>, Status> = ids
        .ids
        .iter()
        .enumerate()
        .map(|(index, text)| id(&format!("ids.ids[{index}]"), text, DetectionId::new))
        .collect();
    let mut taken = taken?;
    // A repeated id must not count twice.
    taken.sort_unstable();
    taken.dedup();
    Ok(DetectionSelection::Ids(taken))
}

fn select_by_filter(filter: &v1::DetectionFilter, all: bool) -> Result<DetectionSelection, Status> {
    let filter = detection_filter(Some(filter))?;
    if filter == DetectionFilter::default() && !all {
        return Err(invalid_field(
            "all",
            "must be set where the filter is empty and everything is meant; or narrow the filter",
        ));
    }
    Ok(DetectionSelection::Filter(filter))
}
