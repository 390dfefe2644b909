//! What `turnstone up` tells the person in front of it: where it listens, a line for each cycle, the first detections.

use crate::arguments::Format;
use crate::output::{DetectionRow, RowPrinter, escape_controls, grouped};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use turnstone_classifier::ModelInfo;
use turnstone_ingest::CycleReport;
use turnstone_proto::v1;
use turnstone_store::{DetectionFilter, StatsSummary, Store};
use turnstone_types::TenantId;

/// Detections shown of an earlier run, and of this one.
const EARLIER_SHOWN: u32 = 5;
const FIRST_SHOWN: usize = 20;
/// How often to look for new detections to show.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How often to say how far scoring is, where it has moved.
const SAY_INTERVAL: Duration = Duration::from_secs(10);
/// Detections read at a look.
const LOOK_ROWS: u32 = 256;

/// Prints to standard output; a reader that went away does not stop the services.
#[derive(Clone)]
pub struct Report(Arc<Mutex<State>>);

struct State {
    printer: RowPrinter,
    cycles: u64,
    entries: u64,
}

impl Report {
    /// Nothing printed yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            printer: RowPrinter::new(Format::Table),
            cycles: 0,
            entries: 0,
        })))
    }

    /// Says where everything is and what is there from earlier runs.
    pub async fn opened(
        &self,
        database: &turnstone_store::StoreAddress,
        address: SocketAddr,
        store: &Arc<dyn Store>,
        tenant: &TenantId,
    ) -> anyhow::Result<()> {
        let stats = store.stats_summary(tenant).await?;
        let (open, acknowledged) = stats.labels.iter().fold((0, 0), |(open, acknowledged), label| {
            (open + label.open, acknowledged + label.acknowledged)
        });
        self.line(&format!(
            "Turnstone listens on http://{address} (gRPC, gRPC-web and HTTP)"
        ));
        self.line(&format!(
            "database {database}: {} entries, {} detections ({} acknowledged)",
            grouped(stats.entries),
            grouped(open + acknowledged),
            grouped(acknowledged)
        ));
        if open > 0 {
            let filter = DetectionFilter {
                unacknowledged: Some(true),
                ..DetectionFilter::default()
            };
            let detections = store
                .list_detections(tenant, &filter, None, EARLIER_SHOWN)
                .await?;
            self.line(&format!(
                "newest of {} detections from earlier runs that nobody has acknowledged:",
                grouped(open)
            ));
            for detection in detections {
                self.row(detection);
            }
        }
        Ok(())
    }

    /// Says which model runs, and which of its labels can never become a detection.
    pub fn model(&self, info: &ModelInfo) {
        let name = escape_controls(&info.name);
        self.line(&format!(
            "model {name}: {}, {} parameters, {} on {}",
            info.architecture,
            grouped(info.parameters),
            info.dtype,
            info.device
        ));
    }

    /// Says that nothing is scored.
    pub fn no_model(&self) {
        self.line("scoring skipped: anomaly.model is empty");
    }

    /// Says that nothing is gleaned.
    pub fn no_sources(&self) {
        self.line("no sources are configured: add a [[sources]] table to a configuration file and name it with --config");
    }

    /// One line for a cycle.
    pub fn cycle(&self, cycle: &CycleReport) {
        // Checkpoints alone are no news.
        if cycle.entries == 0 {
            return;
        }
        let mut state = self.lock();
        state.cycles += 1;
        state.entries += cycle.entries;
        let sources: Vec<String> = cycle
            .sources
            .iter()
            .map(|(source_id, entries)| format!("{source_id} {}", grouped(*entries)))
            .collect();
        let shown = sources.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
        let more = sources.len().saturating_sub(6);
        let more = if more > 0 {
            format!(", {more} more")
        } else {
            String::new()
        };
        print(&format!(
            "cycle {}: {} entries in {:.2} s ({}{more})",
            state.cycles,
            grouped(cycle.entries),
            cycle.duration.as_secs_f64(),
            escape_controls(&shown)
        ));
    }

    /// Prints the first new detections of this run as they are made, and every few seconds how far scoring is, until `stop`.
    pub async fn follow_scoring(self, store: Arc<dyn Store>, tenant: TenantId, stop: CancellationToken) {
        let Ok(mut sequence) = store.last_detection_sequence().await else {
            return;
        };
        let (mut shown, mut said) = (0, String::new());
        let mut say_at = Instant::now() + SAY_INTERVAL;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
            // A store that does not answer now is reported by those who need it more.
            if shown < FIRST_SHOWN
                && let Ok(items) = store.detections_after(sequence, LOOK_ROWS).await
            {
                for item in items {
                    sequence = sequence.max(item.sequence);
                    let visible = item.detection.tenant.is_shared() || item.detection.tenant == tenant;
                    if visible && shown < FIRST_SHOWN {
                        shown += 1;
                        self.row(item.detection);
                    }
                }
            }
            if Instant::now() < say_at {
                continue;
            }
            say_at = Instant::now() + SAY_INTERVAL;
            if let Ok(stats) = store.stats_summary(&tenant).await {
                let line = scoring_line(&stats);
                if line != said && stats.entries > 0 {
                    self.line(&line);
                    said = line;
                }
            }
        }
    }

    /// The last line.
    pub fn closed(&self, cleanly: bool) {
        let state = self.lock();
        let how = if cleanly {
            "stopped"
        } else {
            "stopped after a failure"
        };
        print(&format!(
            "{how}: {} entries in {} cycles",
            grouped(state.entries),
            grouped(state.cycles)
        ));
    }

    fn row(&self, detection: turnstone_types::Detection) {
        let mut row = DetectionRow::from(v1::Detection::from(detection));
        // The id is for the list; here it would double the lines.
        row.id = None;
        let _ = self.lock().printer.detection(&mut std::io::stdout().lock(), &row);
    }

    fn line(&self, line: &str) {
        let _state = self.lock();
        print(line);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Counters and a printer: valid whatever a panicking holder did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn scoring_line(stats: &StatsSummary) -> String {
    let detections: u64 = stats
        .labels
        .iter()
        .map(|label| label.open + label.acknowledged)
        .sum();
    let scored = stats.entries.saturating_sub(stats.unscored_entries);
    let scored = match stats.unscored_entries {
        0 => format!("all {} entries scored", grouped(stats.entries)),
        _ => format!("{} of {} entries scored", grouped(scored), grouped(stats.entries)),
    };
    format!(
        "{scored}, {} detections; `turnstone detections list` shows them",
        grouped(detections)
    )
}

fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
