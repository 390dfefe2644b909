//! `turnstone detections list|ack|unack|watch`.

use super::{note, refused, stop_on_signal};
use crate::arguments::{DetectionFilter, Detections, Format, Shared, Target};
use crate::connection::Connection;
use crate::output::{DetectionRow, RowPrinter, grouped};
use std::io::Write;
use std::time::Duration;
use turnstone_proto::v1;
use turnstone_proto::v1::watch_detections_response::Event;

/// Rows asked for at a time; the service's most.
const PAGE_ROWS: u32 = 1_000;
/// First and longest delay before a broken watch is set up again.
const WATCH_RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Runs the command.
pub async fn run(shared: Shared, command: Detections) -> anyhow::Result<()> {
    match command {
        Detections::List {
            limit,
            filter,
            format,
            target,
        } => list(&shared, limit, &filter, format, &target).await,
        Detections::Ack {
            ids,
            notes,
            all,
            filter,
            target,
        } => {
            let selection = selection(ids, &filter, all)?;
            let connection = Connection::open(&shared, &target).await?;
            let request = v1::AcknowledgeDetectionsRequest {
                selection: Some(match selection {
                    Selection::Ids(ids) => v1::acknowledge_detections_request::Selection::Ids(ids),
                    Selection::Filter(filter) => {
                        v1::acknowledge_detections_request::Selection::Filter(filter)
                    }
                }),
                notes,
                all,
                ..v1::AcknowledgeDetectionsRequest::default()
            };
            let answer = connection
                .detections()
                .acknowledge_detections(request)
                .await
                .map_err(|status| refused(&status))?
                .into_inner();
            connection.close().await;
            changed(answer.acknowledged_count, "acknowledged")
        }
        Detections::Unack {
            ids,
            all,
            filter,
            target,
        } => {
            let selection = selection(ids, &filter, all)?;
            let connection = Connection::open(&shared, &target).await?;
            let request = v1::UnacknowledgeDetectionsRequest {
                selection: Some(match selection {
                    Selection::Ids(ids) => v1::unacknowledge_detections_request::Selection::Ids(ids),
                    Selection::Filter(filter) => {
                        v1::unacknowledge_detections_request::Selection::Filter(filter)
                    }
                }),
                all,
            };
            let answer = connection
                .detections()
                .unacknowledge_detections(request)
                .await
                .map_err(|status| refused(&status))?
                .into_inner();
            connection.close().await;
            changed(answer.unacknowledged_count, "opened again")
        }
        Detections::Watch {
            filter,
            format,
            target,
        } => watch(&shared, &filter, format, &target).await,
    }
}

async fn list(
    shared: &Shared,
    limit: u32,
    filter: &DetectionFilter,
    format: Format,
    target: &Target,
) -> anyhow::Result<()> {
    let connection = Connection::open(shared, target).await?;
    let mut client = connection.detections();
    let mut printer = RowPrinter::new(format);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut left, mut page_token) = (limit, String::new());
    while left > 0 {
        let request = v1::ListDetectionsRequest {
            page_size: i32::try_from(left.min(PAGE_ROWS)).unwrap_or(i32::MAX),
            page_token,
            filter: Some(wire_filter(filter)),
            collapse: false,
        };
        let page = client
            .list_detections(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        for detection in page.detections {
            left = left.saturating_sub(1);
            printer.detection(&mut out, &detection.into())?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    out.flush()?;
    drop(out);
    if format == Format::Table && left == limit {
        note("no detections");
    }
    connection.close().await;
    Ok(())
}

/// Prints detections until a signal. A connection that breaks is set up again; what came meanwhile is said to be missing.
async fn watch(
    shared: &Shared,
    filter: &DetectionFilter,
    format: Format,
    target: &Target,
) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let connection = Connection::open(shared, target).await?;
    let mut printer = RowPrinter::new(format);
    let mut delay = WATCH_RETRY_DELAYS.0;
    let mut watched_before = false;
    loop {
        let request = v1::WatchDetectionsRequest {
            filter: Some(wire_filter(filter)),
        };
        let mut client = connection.detections();
        let outcome = tokio::select! {
            () = stop.cancelled() => break,
            outcome = client.watch_detections(request) => outcome,
        };
        let failure = match outcome {
            Ok(stream) => {
                if watched_before {
                    note("watching again; `turnstone detections list` shows what came meanwhile");
                }
                watched_before = true;
                delay = WATCH_RETRY_DELAYS.0;
                let mut stream = stream.into_inner();
                loop {
                    let next = tokio::select! {
                        () = stop.cancelled() => break None,
                        next = stream.message() => next,
                    };
                    match next {
                        Ok(Some(answer)) => {
                            if let Some(Event::Detection(detection)) = answer.event {
                                let mut out = std::io::stdout().lock();
                                printer.detection(&mut out, &DetectionRow::from(detection))?;
                                out.flush()?;
                            }
                        }
                        Ok(None) => break Some(tonic::Status::unavailable("the service ended the watch")),
                        Err(status) => break Some(status),
                    }
                }
            }
            Err(status) => Some(status),
        };
        let Some(status) = failure else { break };
        let passing = matches!(
            status.code(),
            tonic::Code::Unavailable
                | tonic::Code::ResourceExhausted
                | tonic::Code::Cancelled
                | tonic::Code::Unknown
        );
        if !passing || !watched_before {
            return Err(refused(&status));
        }
        note(&format!(
            "the watch broke ({}), trying again in {:.1} s",
            refused(&status),
            delay.as_secs_f64()
        ));
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(delay) => {}
        }
        delay = (delay * 2).min(WATCH_RETRY_DELAYS.1);
    }
    connection.close().await;
    Ok(())
}

enum Selection {
    Ids(v1::DetectionIds),
    Filter(v1::DetectionFilter),
}

fn selection(ids: Vec<String>, filter: &DetectionFilter, all: bool) -> anyhow::Result<Selection> {
    let filter = wire_filter(filter);
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

fn changed(count: i64, what: &str) -> anyhow::Result<()> {
    let count = u64::try_from(count).unwrap_or(0);
    let noun = if count == 1 { "detection" } else { "detections" };
    writeln!(std::io::stdout(), "{} {noun} {what}", grouped(count))?;
    anyhow::ensure!(count > 0, "no detection matched");
    Ok(())
}

fn wire_filter(filter: &DetectionFilter) -> v1::DetectionFilter {
    v1::DetectionFilter {
        unacknowledged: filter.unacknowledged.then_some(true),
        anomaly_label: filter.label.clone().unwrap_or_default(),
        scorer: filter.scorer.clone().unwrap_or_default(),
        severity: filter
            .severity
            .map_or(v1::Severity::Unspecified, Into::into)
            .into(),
        source_id: filter.source.clone().unwrap_or_default(),
        ..v1::DetectionFilter::default()
    }
}
