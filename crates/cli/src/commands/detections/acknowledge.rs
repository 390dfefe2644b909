//! `turnstone detections ack`, `undo` and `unack`.

use super::{counted, wire_filter, wire_verdict};
use crate::arguments::{AckDetections, DetectionFilter, GroupName, Shared, UnackDetections, UndoDetections};
use crate::commands::refused;
use crate::connection::Connection;
use crate::output::escape_controls;
use std::io::Write;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::{Timestamp, Verdict};

/// Acknowledges, and says under which operation.
pub async fn acknowledge(shared: &Shared, command: AckDetections) -> anyhow::Result<()> {
    use v1::acknowledge_detections_request::Selection as Wire;
    let AckDetections {
        ids,
        groups,
        until,
        verdict,
        notes,
        by,
        dry_run,
        all,
        filter,
        target,
    } = command;
    let by_groups = !groups.is_empty();
    if by_groups {
        let filtered = wire_filter(&filter, None) != v1::DetectionFilter::default();
        anyhow::ensure!(!filtered && !all, "name groups or a filter, not both");
    }
    let chosen = if by_groups {
        None
    } else {
        Some(selection(ids, &filter, None, all)?)
    };
    let connection = Connection::open(shared, &target).await?;
    let selection = match chosen {
        Some(Selection::Ids(ids)) => Wire::Ids(ids),
        Some(Selection::Filter(filter)) => Wire::Filter(filter),
        None => Wire::Groups(v1::DetectionGroupSelectors {
            groups: selected_groups(&connection, &groups, until).await?,
        }),
    };
    let request = v1::AcknowledgeDetectionsRequest {
        selection: Some(selection),
        notes,
        all,
        verdict: wire_verdict(verdict),
        acknowledged_by: by,
        dry_run,
    };
    let answer = connection
        .detections()
        .acknowledge_detections(request)
        .await
        .map_err(|status| refused(&status))?
        .into_inner();
    connection.close().await;
    let mut out = std::io::stdout();
    let count = answer.acknowledged_count;
    if dry_run {
        writeln!(
            out,
            "{} would be acknowledged; nothing was changed",
            counted(count)
        )?;
    } else {
        writeln!(out, "{} acknowledged", counted(count))?;
    }
    if !answer.acknowledgement_id.is_empty() {
        let id = escape_controls(&answer.acknowledgement_id);
        writeln!(
            out,
            "operation {id}; undo it with `turnstone detections undo {id}`"
        )?;
    }
    anyhow::ensure!(count > 0, "no detection matched");
    Ok(())
}

/// The groups as they are now, each up to `until`, or up to its newest detection.
async fn selected_groups(
    connection: &Connection,
    names: &[GroupName],
    until: Option<Timestamp>,
) -> anyhow::Result<Vec<v1::DetectionGroupSelector>> {
    let mut client = connection.detections();
    let mut selected = Vec::new();
    for name in names {
        let request = v1::ListDetectionsRequest {
            filter: Some(v1::DetectionFilter {
                source_id: name.source_id.clone(),
                anomaly_label: name.label.clone(),
                fingerprint: name.fingerprint.to_string(),
                ..v1::DetectionFilter::default()
            }),
            collapse: true,
            ..v1::ListDetectionsRequest::default()
        };
        let found = client
            .list_detections(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner()
            .groups;
        anyhow::ensure!(
            !found.is_empty(),
            "there is no group {}/{}/{}; `turnstone detections list --group` shows those that are there",
            escape_controls(&name.source_id),
            escape_controls(&name.label),
            name.fingerprint
        );
        // Two where the shared tenant has the same message: both are on the screen under this name.
        selected.extend(found.into_iter().map(|group| v1::DetectionGroupSelector {
            until_time: until.map(timestamp_to_proto).or(group.last_seen_time),
            tenant_id: group.tenant_id,
            source_id: group.source_id,
            anomaly_label: group.anomaly_label,
            fingerprint: group.fingerprint,
        }));
    }
    Ok(selected)
}

/// Undoes an operation.
pub async fn undo(shared: &Shared, command: UndoDetections) -> anyhow::Result<()> {
    let connection = Connection::open(shared, &command.target).await?;
    let request = v1::UndoAcknowledgementRequest {
        acknowledgement_id: command.operation_id,
    };
    let answer = connection
        .detections()
        .undo_acknowledgement(request)
        .await
        .map_err(|status| refused(&status))?
        .into_inner();
    connection.close().await;
    let mut out = std::io::stdout();
    writeln!(out, "{} as before the operation", counted(answer.restored_count))?;
    if answer.left_alone_count > 0 {
        writeln!(
            out,
            "{} left alone: something else has changed them since",
            counted(answer.left_alone_count)
        )?;
    }
    Ok(())
}

/// Opens detections again.
pub async fn unacknowledge(shared: &Shared, command: UnackDetections) -> anyhow::Result<()> {
    use v1::unacknowledge_detections_request::Selection as Wire;
    let selection = selection(
        command.ids,
        &command.filter,
        command.judged_as.verdict,
        command.all,
    )?;
    let connection = Connection::open(shared, &command.target).await?;
    let request = v1::UnacknowledgeDetectionsRequest {
        selection: Some(match selection {
            Selection::Ids(ids) => Wire::Ids(ids),
            Selection::Filter(filter) => Wire::Filter(filter),
        }),
        all: command.all,
    };
    let answer = connection
        .detections()
        .unacknowledge_detections(request)
        .await
        .map_err(|status| refused(&status))?
        .into_inner();
    connection.close().await;
    let count = answer.unacknowledged_count;
    writeln!(std::io::stdout(), "{} opened again", counted(count))?;
    anyhow::ensure!(count > 0, "no detection matched");
    Ok(())
}

enum Selection {
    Ids(v1::DetectionIds),
    Filter(v1::DetectionFilter),
}

fn selection(
    ids: Vec<String>,
    filter: &DetectionFilter,
    verdict: Option<Verdict>,
    all: bool,
) -> anyhow::Result<Selection> {
    let filter = wire_filter(filter, verdict);
    let filtered = filter != v1::DetectionFilter::default();
    if !ids.is_empty() {
        anyhow::ensure!(!filtered && !all, "name ids or a filter, not both");
        return Ok(Selection::Ids(v1::DetectionIds { ids }));
    }
    anyhow::ensure!(
        filtered || all,
        "which detections? Name ids, a filter (--label, --source, …), or --all"
    );
    Ok(Selection::Filter(filter))
}
