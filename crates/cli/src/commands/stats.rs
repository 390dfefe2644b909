//! `turnstone stats`.

use super::refused;
use crate::arguments::{Format, Shared, Stats};
use crate::connection::Connection;
use crate::output::{escape_controls, grouped, instant, print_json, severity_name, to_the_second};
use serde::Serialize;
use std::io::Write;
use turnstone_proto::v1;
use turnstone_types::Timestamp;

#[derive(Serialize)]
struct Summary {
    entry_count: i64,
    unscored_entry_count: i64,
    oldest_unscored_time: Option<Timestamp>,
    quarantined_entry_count: i64,
    labels: Vec<LabelRow>,
    timeline_events: Vec<EventRow>,
    sources: Vec<SourceRow>,
}

#[derive(Serialize)]
struct LabelRow {
    anomaly_label: String,
    severity: String,
    open_count: i64,
    acknowledged_count: i64,
}

#[derive(Serialize)]
struct EventRow {
    entry_id: String,
    source_id: String,
    timestamp_iso: Option<Timestamp>,
    anomaly_label: String,
    severity: String,
    text: String,
}

#[derive(Serialize)]
struct SourceRow {
    source_id: String,
    kind: String,
    entry_count: i64,
    byte_count: i64,
    undated_entry_count: i64,
    repaired_line_count: i64,
    truncated_line_count: i64,
    last_entry_time: Option<Timestamp>,
    last_gleaned_time: Option<Timestamp>,
    fault: Option<String>,
}

/// Runs the command.
pub async fn run(shared: Shared, command: Stats) -> anyhow::Result<()> {
    let connection = Connection::open(&shared, &command.target).await?;
    let mut client = connection.stats();
    let stats = client
        .get_stats_summary(v1::GetStatsSummaryRequest {})
        .await
        .map_err(|status| refused(&status))?
        .into_inner();
    let sources = client
        .list_sources(v1::ListSourcesRequest {})
        .await
        .map_err(|status| refused(&status))?
        .into_inner()
        .sources;
    connection.close().await;
    let summary = summary(stats, sources);
    let mut out = std::io::stdout().lock();
    match command.format {
        Format::Jsonl => print_json(&mut out, &summary),
        Format::Table => print_table(&mut out, &summary),
    }
}

fn print_table(out: &mut impl Write, summary: &Summary) -> anyhow::Result<()> {
    let count = |number: i64| grouped(u64::try_from(number).unwrap_or(0));
    let oldest = summary
        .oldest_unscored_time
        .map(|oldest| format!(" (oldest since {})", to_the_second(oldest)))
        .unwrap_or_default();
    writeln!(out, "entries      {}", count(summary.entry_count))?;
    writeln!(
        out,
        "unscored     {}{oldest}",
        count(summary.unscored_entry_count)
    )?;
    writeln!(out, "quarantined  {}", count(summary.quarantined_entry_count))?;
    if !summary.labels.is_empty() {
        writeln!(
            out,
            "\n{:<20} {:<8} {:>12} {:>12}",
            "LABEL", "SEVERITY", "OPEN", "ACKNOWLEDGED"
        )?;
        for label in &summary.labels {
            let name = escape_controls(&label.anomaly_label);
            writeln!(
                out,
                "{name:<20} {:<8} {:>12} {:>12}",
                label.severity,
                count(label.open_count),
                count(label.acknowledged_count)
            )?;
        }
    }
    if !summary.sources.is_empty() {
        writeln!(
            out,
            "\n{:<24} {:<6} {:>12} {:>9} {:<20} FAULT",
            "SOURCE", "KIND", "ENTRIES", "UNDATED", "LAST ENTRY"
        )?;
        for source in &summary.sources {
            writeln!(
                out,
                "{:<24} {:<6} {:>12} {:>9} {:<20} {}",
                escape_controls(&source.source_id),
                escape_controls(&source.kind),
                count(source.entry_count),
                count(source.undated_entry_count),
                source.last_entry_time.map(to_the_second).unwrap_or_default(),
                escape_controls(source.fault.as_deref().unwrap_or("")),
            )?;
        }
    }
    Ok(())
}

fn summary(stats: v1::StatsSummary, sources: Vec<v1::Source>) -> Summary {
    Summary {
        entry_count: stats.entry_count,
        unscored_entry_count: stats.unscored_entry_count,
        oldest_unscored_time: instant(stats.oldest_unscored_time.as_ref()),
        quarantined_entry_count: stats.quarantined_entry_count,
        labels: stats
            .labels
            .into_iter()
            .map(|label| LabelRow {
                severity: severity_name(label.severity()),
                anomaly_label: label.anomaly_label,
                open_count: label.open_count,
                acknowledged_count: label.acknowledged_count,
            })
            .collect(),
        timeline_events: stats
            .timeline_events
            .into_iter()
            .map(|event| EventRow {
                severity: severity_name(event.severity()),
                entry_id: event.entry_id,
                source_id: event.source_id,
                timestamp_iso: instant(event.timestamp.as_ref()),
                anomaly_label: event.anomaly_label,
                text: event.text,
            })
            .collect(),
        sources: sources
            .into_iter()
            .map(|source| SourceRow {
                source_id: source.source_id,
                kind: source.kind,
                entry_count: source.entry_count,
                byte_count: source.byte_count,
                undated_entry_count: source.undated_entry_count,
                repaired_line_count: source.repaired_line_count,
                truncated_line_count: source.truncated_line_count,
                last_entry_time: instant(source.last_entry_time.as_ref()),
                last_gleaned_time: instant(source.last_gleaned_time.as_ref()),
                fault: Some(source.fault).filter(|fault| !fault.is_empty()),
            })
            .collect(),
    }
}
