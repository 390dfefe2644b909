//! Acknowledging by ids, by filter and by group; undoing it; opening again.

use super::DetectionApi;
use crate::grpc::convert::count;
use crate::grpc::filters::{detection_filter, verdict_filter};
use crate::grpc::request::{fingerprint, id, label_filter, person, prose, required_instant};
use crate::status::store_status;
use jiff::Timestamp;
use tonic::Status;
use turnstone_proto::{ErrorCode, invalid_field, v1};
use turnstone_store::{AcknowledgeRequest, DetectionFilter, DetectionSelection, GroupKey, GroupUntil};
use turnstone_types::{AcknowledgementId, DetectionId, SourceId, TenantId};

pub(super) const NOTES_CHARS_MAX: usize = 4_000;
const SELECTED_IDS_MAX: usize = 10_000;
const SELECTED_GROUPS_MAX: usize = 1_000;

impl DetectionApi {
    pub(super) async fn acknowledge(
        &self,
        tenant: TenantId,
        request: v1::AcknowledgeDetectionsRequest,
    ) -> Result<v1::AcknowledgeDetectionsResponse, Status> {
        use v1::acknowledge_detections_request::Selection;
        prose("notes", &request.notes, NOTES_CHARS_MAX)?;
        person("acknowledged_by", &request.acknowledged_by)?;
        let verdict = verdict_filter("verdict", request.verdict)?;
        let selection = match &request.selection {
            None => return Err(no_selection("ids, by filter or by groups")),
            Some(Selection::Ids(ids)) => select_ids(ids, request.all)?,
            Some(Selection::Filter(filter)) => select_by_filter(filter, request.all)?,
            Some(Selection::Groups(groups)) => select_groups(&tenant, groups, request.all)?,
        };
        let acknowledge = AcknowledgeRequest {
            tenant,
            selection,
            verdict,
            notes: request.notes,
            by: request.acknowledged_by,
            at: Timestamp::now(),
            dry_run: request.dry_run,
        };
        let changed = self
            .store
            .acknowledge(&acknowledge)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(v1::AcknowledgeDetectionsResponse {
            acknowledged_count: count(changed.count),
            acknowledgement_id: changed.operation_id.map(Into::into).unwrap_or_default(),
        })
    }

    pub(super) async fn undo(
        &self,
        tenant: &TenantId,
        request: &v1::UndoAcknowledgementRequest,
    ) -> Result<v1::UndoAcknowledgementResponse, Status> {
        let operation_id = id(
            "acknowledgement_id",
            &request.acknowledgement_id,
            AcknowledgementId::new,
        )?;
        let undone = self
            .store
            .undo_acknowledge(tenant, &operation_id, Timestamp::now())
            .await
            .map_err(|error| store_status(&error))?;
        let undone = undone.ok_or_else(|| {
            ErrorCode::NotFound.status(format!("this tenant has made no acknowledgement {operation_id}"))
        })?;
        Ok(v1::UndoAcknowledgementResponse {
            restored_count: count(undone.restored),
            left_alone_count: count(undone.left_alone),
        })
    }

    pub(super) async fn unacknowledge(
        &self,
        tenant: &TenantId,
        request: &v1::UnacknowledgeDetectionsRequest,
    ) -> Result<v1::UnacknowledgeDetectionsResponse, Status> {
        use v1::unacknowledge_detections_request::Selection;
        let selection = match &request.selection {
            None => return Err(no_selection("ids or by filter")),
            Some(Selection::Ids(ids)) => select_ids(ids, request.all)?,
            Some(Selection::Filter(filter)) => select_by_filter(filter, request.all)?,
        };
        let changed = self
            .store
            .unacknowledge(tenant, &selection)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(v1::UnacknowledgeDetectionsResponse {
            unacknowledged_count: count(changed),
        })
    }
}

fn no_selection(ways: &str) -> Status {
    invalid_field("selection", format!("is missing; name the detections by {ways}"))
}

fn only_with_a_filter(all: bool) -> Result<(), Status> {
    if all {
        return Err(invalid_field(
            "all",
            "goes with an empty filter, not with ids or groups",
        ));
    }
    Ok(())
}

/// Refuses an empty list and one that is too long.
fn check_length(field: &str, what: &str, length: usize, length_max: usize) -> Result<(), Status> {
    if length == 0 || length > length_max {
        return Err(invalid_field(
            field,
            format!("holds {length} {what}; give 1 to {length_max}"),
        ));
    }
    Ok(())
}

fn select_ids(ids: &v1::DetectionIds, all: bool) -> Result<DetectionSelection, Status> {
    only_with_a_filter(all)?;
    check_length("ids.ids", "ids", ids.ids.len(), SELECTED_IDS_MAX)?;
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

fn select_groups(
    tenant: &TenantId,
    groups: &v1::DetectionGroupSelectors,
    all: bool,
) -> Result<DetectionSelection, Status> {
    only_with_a_filter(all)?;
    check_length(
        "groups.groups",
        "groups",
        groups.groups.len(),
        SELECTED_GROUPS_MAX,
    )?;
    let taken: Result<Vec<GroupUntil>, Status> = groups
        .groups
        .iter()
        .enumerate()
        .map(|(index, group)| group_until(tenant, index, group))
        .collect();
    Ok(DetectionSelection::Groups(taken?))
}

fn group_until(
    tenant: &TenantId,
    index: usize,
    group: &v1::DetectionGroupSelector,
) -> Result<GroupUntil, Status> {
    let field = |name: &str| format!("groups.groups[{index}].{name}");
    let owner = id(&field("tenant_id"), &group.tenant_id, TenantId::new)?;
    // Another tenant's would match nothing, and whoever asks should hear of it.
    if !owner.is_shared() && owner != *tenant {
        return Err(invalid_field(
            field("tenant_id"),
            "is neither the tenant that asks nor the shared one",
        ));
    }
    let label = label_filter(&field("anomaly_label"), &group.anomaly_label)?
        .ok_or_else(|| invalid_field(field("anomaly_label"), "is missing"))?;
    let key = GroupKey {
        tenant: owner,
        source_id: id(&field("source_id"), &group.source_id, SourceId::new)?,
        label,
        fingerprint: fingerprint(&field("fingerprint"), &group.fingerprint)?,
    };
    let until = required_instant(&field("until_time"), group.until_time.as_ref())?;
    Ok(GroupUntil { key, until })
}
