//! `StatsService`: counts and source health; the timeline is in [`super::timeline`].

use crate::grpc::convert::{count, tally_to_proto};
use crate::grpc::request::tenant_of;
use crate::status::store_status;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use turnstone_proto::v1::stats_service_server::StatsService;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_store::{
    DetectionTally, SourceHealth, SourceSummary, StatsBreakdown, StatsSummary, Store, TimelineEvent,
};
use turnstone_types::{Severity, SourceId};

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
        let counted = futures::try_join!(
            self.store.stats_summary(&tenant),
            self.store.stats_breakdown(&tenant, Timestamp::now()),
        );
        let (summary, breakdown) = counted.map_err(|error| store_status(&error))?;
        Ok(Response::new(summary_to_proto(summary, breakdown)))
    }

    async fn get_timeline(
        &self,
        request: Request<v1::GetTimelineRequest>,
    ) -> Result<Response<v1::Timeline>, Status> {
        let tenant = tenant_of(request.metadata())?;
        self.timeline(&tenant, request.get_ref()).await.map(Response::new)
    }

    async fn list_sources(
        &self,
        request: Request<v1::ListSourcesRequest>,
    ) -> Result<Response<v1::ListSourcesResponse>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let read = futures::try_join!(
            self.store.sources(&tenant),
            self.store.source_health(&tenant, Timestamp::now()),
        );
        let (sources, health) = read.map_err(|error| store_status(&error))?;
        let mut health: BTreeMap<_, SourceHealth> = health
            .into_iter()
            .map(|health| ((health.tenant.clone(), health.source_id.clone()), health))
            .collect();
        let sources = sources.into_iter().map(|source| {
            // One that came between the two reads has no health yet.
            let health = health.remove(&(source.tenant.clone(), source.source_id.clone()));
            source_to_proto(source, health)
        });
        Ok(Response::new(v1::ListSourcesResponse {
            sources: sources.collect(),
        }))
    }
}

fn summary_to_proto(summary: StatsSummary, breakdown: StatsBreakdown) -> v1::StatsSummary {
    let StatsBreakdown {
        entries_by_severity,
        entries_by_source,
        all,
        by_severity,
        by_label,
        by_source,
        hours,
    } = breakdown;
    let by_label: BTreeMap<_, DetectionTally> = by_label.into_iter().collect();
    v1::StatsSummary {
        entry_count: count(summary.entries),
        unscored_entry_count: count(summary.unscored_entries),
        oldest_unscored_time: summary.oldest_unscored_at.map(timestamp_to_proto),
        quarantined_entry_count: count(summary.quarantined_entries),
        labels: summary
            .labels
            .into_iter()
            .map(|label| v1::LabelCount {
                detections: by_label.get(&label.label).map(tally_to_proto),
                anomaly_label: label.label.into(),
                severity: v1::Severity::from(label.severity).into(),
                open_count: count(label.open),
                acknowledged_count: count(label.acknowledged),
            })
            .collect(),
        timeline_events: summary.timeline_events.into_iter().map(event_to_proto).collect(),
        detections: Some(tally_to_proto(&all)),
        severities: severities_to_proto(&entries_by_severity, by_severity),
        sources: sources_to_proto(entries_by_source, by_source),
        hours: hours
            .into_iter()
            .map(|hour| v1::HourStats {
                start_time: Some(timestamp_to_proto(hour.start)),
                entry_count: count(hour.entries),
                detection_count: count(hour.detections),
            })
            .collect(),
    }
}

/// Entries and detections by severity, in rising order, those of no severity last.
fn severities_to_proto(
    entries: &[(Option<Severity>, u64)],
    detections: Vec<(Severity, DetectionTally)>,
) -> Vec<v1::SeverityStats> {
    let detections: BTreeMap<Severity, DetectionTally> = detections.into_iter().collect();
    let of_entries = |severity| {
        let found = entries.iter().find(|(stated, _)| *stated == severity);
        found.map(|(_, entries)| *entries)
    };
    let stated = Severity::ALL.into_iter().map(Some).chain([None]);
    stated
        .filter_map(|severity| {
            let tally = severity.and_then(|severity| detections.get(&severity));
            let entries = of_entries(severity);
            (entries.is_some() || tally.is_some()).then(|| v1::SeverityStats {
                severity: severity.map_or(v1::Severity::Unspecified, Into::into).into(),
                entry_count: count(entries.unwrap_or(0)),
                detections: Some(tally_to_proto(tally.unwrap_or(&DetectionTally::default()))),
            })
        })
        .collect()
}

/// Entries and detections by source, in order of its name.
fn sources_to_proto(
    entries: Vec<(SourceId, u64)>,
    detections: Vec<(SourceId, DetectionTally)>,
) -> Vec<v1::SourceStats> {
    let mut sources: BTreeMap<SourceId, (u64, DetectionTally)> = BTreeMap::new();
    for (source_id, entries) in entries {
        sources.entry(source_id).or_default().0 = entries;
    }
    for (source_id, tally) in detections {
        sources.entry(source_id).or_default().1 = tally;
    }
    sources
        .into_iter()
        .map(|(source_id, (entries, tally))| v1::SourceStats {
            source_id: source_id.into(),
            entry_count: count(entries),
            detections: Some(tally_to_proto(&tally)),
        })
        .collect()
}

fn event_to_proto(event: TimelineEvent) -> v1::TimelineEvent {
    v1::TimelineEvent {
        entry_id: event.entry_id.into(),
        source_id: event.source_id.into(),
        timestamp: Some(timestamp_to_proto(event.timestamp)),
        anomaly_label: event.label.into(),
        severity: v1::Severity::from(event.severity).into(),
        text: event.text,
    }
}

fn source_to_proto(source: SourceSummary, health: Option<SourceHealth>) -> v1::Source {
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
        lines_per_second: health.as_ref().map_or(0.0, |health| health.lines_per_second),
        usual_lines_per_second: health.as_ref().and_then(|health| health.usual_lines_per_second),
        error_share: health.as_ref().and_then(|health| health.error_share),
        undated_share: health.as_ref().and_then(|health| health.undated_share),
    }
}
