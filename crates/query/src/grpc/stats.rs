//! `StatsService`: counts and source health.

use crate::grpc::request::tenant_of;
use crate::status::store_status;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use turnstone_proto::v1::stats_service_server::StatsService;
use turnstone_proto::{ErrorCode, timestamp_to_proto, v1};
use turnstone_store::{SourceSummary, StatsSummary, Store};

/// The service over a store.
#[derive(Clone)]
pub(crate) struct StatsApi {
    pub store: Arc<dyn Store>,
}

#[tonic::async_trait]
impl StatsService for StatsApi {
    async fn get_stats_summary(
        &self,
        request: Request<v1::GetStatsSummaryRequest>,
    ) -> Result<Response<v1::StatsSummary>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let summary = self
            .store
            .stats_summary(&tenant)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(Response::new(summary_to_proto(summary)))
    }

    async fn get_timeline(
        &self,
        _: Request<v1::GetTimelineRequest>,
    ) -> Result<Response<v1::Timeline>, Status> {
        Err(ErrorCode::Unimplemented.status("not built yet"))
    }

    async fn list_sources(
        &self,
        request: Request<v1::ListSourcesRequest>,
    ) -> Result<Response<v1::ListSourcesResponse>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let sources = self
            .store
            .sources(&tenant)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(Response::new(v1::ListSourcesResponse {
            sources: sources.into_iter().map(source_to_proto).collect(),
        }))
    }
}

fn summary_to_proto(summary: StatsSummary) -> v1::StatsSummary {
    v1::StatsSummary {
        entry_count: count(summary.entries),
        unscored_entry_count: count(summary.unscored_entries),
        oldest_unscored_time: summary.oldest_unscored_at.map(timestamp_to_proto),
        quarantined_entry_count: count(summary.quarantined_entries),
        labels: summary
            .labels
            .into_iter()
            .map(|label| v1::LabelCount {
                anomaly_label: label.label.into(),
                severity: v1::Severity::from(label.severity).into(),
                open_count: count(label.open),
                acknowledged_count: count(label.acknowledged),
                detections: None,
            })
            .collect(),
        timeline_events: summary
            .timeline_events
            .into_iter()
            .map(|event| v1::TimelineEvent {
                entry_id: event.entry_id.into(),
                source_id: event.source_id.into(),
                timestamp: Some(timestamp_to_proto(event.timestamp)),
                anomaly_label: event.label.into(),
                severity: v1::Severity::from(event.severity).into(),
                text: event.text,
            })
            .collect(),
        ..v1::StatsSummary::default()
    }
}

fn source_to_proto(source: SourceSummary) -> v1::Source {
    v1::Source {
        tenant_id: source.tenant.into(),
        source_id: source.source_id.into(),
        kind: source.kind,
        entry_count: count(source.entries),
        byte_count: count(source.bytes),
        undated_entry_count: count(source.undated_entries),
        repaired_line_count: count(source.repaired_lines),
        truncated_line_count: count(source.truncated_lines),
        last_entry_time: source.last_entry_at.map(timestamp_to_proto),
        last_gleaned_time: source.last_gleaned_at.map(timestamp_to_proto),
        fault: source.fault.unwrap_or_default(),
        ..v1::Source::default()
    }
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
