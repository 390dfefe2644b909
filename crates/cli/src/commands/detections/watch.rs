//! `turnstone detections watch`.

use super::wire_filter;
use crate::arguments::{Shared, WatchDetections};
use crate::commands::{note, refused, stop_on_signal};
use crate::connection::Connection;
use crate::output::{DetectionRow, RowPrinter};
use std::io::Write;
use std::time::Duration;
use turnstone_proto::v1;
use turnstone_proto::v1::watch_detections_response::Event;

/// First and longest delay before a broken watch is set up again.
const WATCH_RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Prints detections until a signal. A connection that breaks is set up again; what came meanwhile is said to be missing.
pub async fn watch(shared: &Shared, command: &WatchDetections) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let connection = Connection::open(shared, &command.target).await?;
    let mut printer = RowPrinter::new(command.format);
    let mut delay = WATCH_RETRY_DELAYS.0;
    let mut watched_before = false;
    loop {
        let request = v1::WatchDetectionsRequest {
            filter: Some(wire_filter(&command.filter, command.judged_as.verdict)),
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
