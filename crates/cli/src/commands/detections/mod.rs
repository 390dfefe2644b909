//! `turnstone detections`: hands each subcommand to its file; says which detections a filter means.

mod acknowledge;
mod list;
mod suppress;
mod watch;

use crate::arguments::{DetectionFilter, Detections, Shared};
use crate::output::grouped;
use turnstone_proto::v1;
use turnstone_types::Verdict;

/// Rows asked for at a time; the service's most.
const PAGE_ROWS: u32 = 1_000;

/// Runs the command.
pub async fn run(shared: Shared, command: Detections) -> anyhow::Result<()> {
    match command {
        Detections::List(list) => list::list(&shared, &list).await,
        Detections::Ack(ack) => acknowledge::acknowledge(&shared, ack).await,
        Detections::Undo(undo) => acknowledge::undo(&shared, undo).await,
        Detections::Unack(unack) => acknowledge::unacknowledge(&shared, unack).await,
        Detections::Suppress(suppress) => suppress::suppress(&shared, suppress).await,
        Detections::Suppressions(suppressions) => suppress::suppressions(&shared, suppressions).await,
        Detections::Watch(watch) => watch::watch(&shared, &watch).await,
    }
}

/// The filter as the service takes it.
fn wire_filter(filter: &DetectionFilter, verdict: Option<Verdict>) -> v1::DetectionFilter {
    v1::DetectionFilter {
        unacknowledged: filter.unacknowledged.then_some(true),
        anomaly_label: filter.label.clone().unwrap_or_default(),
        scorer: filter.scorer.clone().unwrap_or_default(),
        severity: filter
            .severity
            .map_or(v1::Severity::Unspecified, Into::into)
            .into(),
        source_id: filter.source.clone().unwrap_or_default(),
        fingerprint: filter.fingerprint.clone().map(Into::into).unwrap_or_default(),
        verdict: wire_verdict(verdict),
        suppressed: filter.suppressed,
        text: filter.text.clone().unwrap_or_default(),
        ..v1::DetectionFilter::default()
    }
}

fn wire_verdict(verdict: Option<Verdict>) -> i32 {
    verdict.map_or(v1::Verdict::Unspecified, Into::into).into()
}

/// So many detections, in words.
fn counted(count: i64) -> String {
    let count = u64::try_from(count).unwrap_or(0);
    let noun = if count == 1 { "detection" } else { "detections" };
    format!("{} {noun}", grouped(count))
}
