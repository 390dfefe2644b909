//! `turnstone bench store`: rows a second through the store's own verbs, beside the raw limit of the same database for the same
//! rows in the same run. Figures of different runs, or machines, say little; the ratio says how much the dialect layer costs.

use super::raw_limit::{self, RawLimit};
use crate::arguments::Shared;
use crate::commands::{note, stop_on_signal};
use crate::connection::load_config;
use crate::output::{Progress, grouped};
use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use turnstone_service::config::ScorerConfig;
use turnstone_service::{Secret, backends};
use turnstone_store::{RecordScores, Store, StoreAddress};
use turnstone_types::{
    CycleId, EntryId, EntryOutcome, LabelMap, NewCycle, NewEntry, ScoreBatch, ScoredEntry, Severity,
    SourceDelta, SourceId, TenantId, Timestamp, TimestampBasis,
};

/// Entries of one cycle, as ingest commits them by default.
const ENTRIES_PER_CYCLE: usize = 10_000;
/// Entries of one score batch, as the default.
const ENTRIES_PER_BATCH: u32 = 256;
/// One entry in so many becomes a detection: about the share in the demo.
const DETECTION_EVERY: usize = 20;

/// Runs the command.
pub async fn run(shared: &Shared, db: &Secret, rows: u32, lines: Option<&Path>) -> anyhow::Result<()> {
    anyhow::ensure!(rows > 0, "--rows must be at least 1");
    let config = load_config(shared)?;
    let stop = stop_on_signal()?;
    let address = StoreAddress::parse(db.expose())?;
    let store = backends::open_store(&config, &address).await?;
    let tenant = TenantId::shared();
    let before = store.stats_summary(&tenant).await?.entries;
    anyhow::ensure!(
        before == 0,
        "{address} holds {before} entries already; give an empty database, the bench fills it"
    );
    let entries = make_entries(rows as usize, lines)?;
    let bytes: usize = entries.iter().map(|entry| entry.text.len()).sum();
    note(&format!(
        "{} entries, {:.0} bytes of text each on average, into {address}",
        grouped(rows.into()),
        bytes as f64 / f64::from(rows)
    ));

    let raw = raw_limit::measure(&address, &entries).await;
    let write_seconds = write(store.as_ref(), &entries, &tenant).await?;
    anyhow::ensure!(!stop.is_cancelled(), "stopped");
    let index_seconds = index_text(store.as_ref()).await?;
    anyhow::ensure!(!stop.is_cancelled(), "stopped");
    let (score_seconds, detections) = score(&store, &tenant).await?;

    let mut out = std::io::stdout().lock();
    let rate = |seconds: f64| format!("{:>12}", grouped((f64::from(rows) / seconds) as u64));
    writeln!(out, "{:<58} {:>12} {:>8}", "WHAT", "ROWS/S", "OF RAW")?;
    let ratio = |seconds: f64, raw: &Option<f64>| {
        raw.map_or_else(|| "-".to_owned(), |raw| format!("{:.2}", raw / seconds))
    };
    let (plain, indexed) = match &raw {
        Ok(RawLimit {
            program,
            plain_seconds,
            indexed_seconds,
        }) => {
            writeln!(
                out,
                "{:<58} {}",
                format!("raw: {program}, table without any index"),
                rate(*plain_seconds)
            )?;
            writeln!(
                out,
                "{:<58} {}",
                format!("raw: {program}, table with the same keys and indexes"),
                rate(*indexed_seconds)
            )?;
            (Some(*plain_seconds), Some(*indexed_seconds))
        }
        Err(error) => {
            writeln!(out, "raw limit: not measured: {error:#}")?;
            (None, None)
        }
    };
    writeln!(
        out,
        "{:<58} {} {:>8}",
        "entries committed (with checkpoints, batches, outbox)",
        rate(write_seconds),
        ratio(write_seconds, &indexed)
    )?;
    writeln!(
        out,
        "{:<58} {:>12} {:>8}",
        "  the same, of the table without any index",
        "",
        ratio(write_seconds, &plain)
    )?;
    if index_seconds > 0.001 {
        writeln!(
            out,
            "{:<58} {}",
            "entries indexed for search, off the hot path",
            rate(index_seconds)
        )?;
    }
    writeln!(
        out,
        "{:<58} {} {:>8}",
        format!("scores recorded ({} detections)", grouped(detections)),
        rate(score_seconds),
        ratio(score_seconds, &indexed)
    )?;
    Ok(())
}

async fn write(store: &dyn Store, entries: &[NewEntry], tenant: &TenantId) -> anyhow::Result<f64> {
    let progress = Progress::start(Some(entries.len() as u64), "entries committed");
    let mut spent = Duration::ZERO;
    for chunk in entries.chunks(ENTRIES_PER_CYCLE) {
        let cycle = NewCycle {
            id: CycleId::generate(),
            tenant: tenant.clone(),
            started_at: Timestamp::now(),
            closed_at: Timestamp::now(),
            entries: chunk.to_vec(),
            checkpoints: Vec::new(),
            sources: vec![delta(chunk)],
            batch_entries_max: ENTRIES_PER_BATCH,
            trace_parent: None,
        };
        let started = Instant::now();
        store.commit_cycle(&cycle).await?;
        spent += started.elapsed();
        progress.set((spent.as_millis() as u64).min(entries.len() as u64));
    }
    Ok(spent.as_secs_f64())
}

async fn index_text(store: &dyn Store) -> anyhow::Result<f64> {
    let started = Instant::now();
    while store.index_pending_text(10_000).await? > 0 {}
    Ok(started.elapsed().as_secs_f64())
}

/// Reads each batch's texts as a worker does and records scores that no model had to make, as many batches at a time as a worker
/// holds by default. Returns the seconds spent and the detections.
async fn score(store: &Arc<dyn Store>, tenant: &TenantId) -> anyhow::Result<(f64, u64)> {
    let in_flight = ScorerConfig::default().batches_in_flight_max as usize;
    let (mut spent, mut detections) = (Duration::ZERO, 0);
    loop {
        let batches = store.open_batches(tenant, 256).await?;
        if batches.is_empty() {
            return Ok((spent.as_secs_f64(), detections));
        }
        let started = Instant::now();
        // Tasks of their own, as in the worker: what the program itself computes may use every core.
        let recorded = futures::stream::iter(batches)
            .map(|batch| tokio::spawn(score_batch(Arc::clone(store), batch)))
            .buffer_unordered(in_flight);
        detections += recorded
            .map(|ended| ended?)
            .try_fold(0, |sum, new| async move { anyhow::Ok(sum + new) })
            .await?;
        spent += started.elapsed();
    }
}

async fn score_batch(store: Arc<dyn Store>, batch: ScoreBatch) -> anyhow::Result<u64> {
    let labels = LabelMap::default();
    let (normal, anomalous) = (labels.meaning("NORMAL"), labels.meaning("SYSTEM_FAILURE"));
    let outcomes = store
        .batch_texts(&batch)
        .await?
        .into_iter()
        .enumerate()
        .map(|(index, entry)| {
            let detected = index % DETECTION_EVERY == 0;
            let meaning = if detected {
                anomalous.clone()
            } else {
                normal.clone()
            };
            ScoredEntry {
                id: entry.id,
                outcome: EntryOutcome::Scored {
                    meaning,
                    score: 0.9,
                    detected,
                },
            }
        })
        .collect();
    let scores = RecordScores {
        batch_id: Some(batch.id),
        scorer: "bench".into(),
        scored_at: Timestamp::now(),
        quiet_seconds: 0,
        outcomes,
    };
    Ok(store.record_scores(&scores).await?.new_detections)
}

fn delta(chunk: &[NewEntry]) -> SourceDelta {
    SourceDelta {
        source_id: chunk[0].source_id.clone(),
        kind: "bench".into(),
        entries: chunk.len() as u64,
        bytes: chunk.iter().map(|entry| entry.text.len() as u64).sum(),
        undated_entries: 0,
        repaired_lines: 0,
        truncated_lines: 0,
        last_entry_at: chunk.last().map(|entry| entry.timestamp),
        fault: None,
    }
}

fn make_entries(rows: usize, lines: Option<&Path>) -> anyhow::Result<Vec<NewEntry>> {
    let source_id = SourceId::new("bench")?;
    let texts: Vec<String> = match lines {
        Some(path) => {
            let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
            let read = BufReader::new(file).split(b'\n').take(rows);
            read.map(|line| line.map(|line| String::from_utf8_lossy(&line).replace('\0', "\u{fffd}")))
                .collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    anyhow::ensure!(
        lines.is_none() || !texts.is_empty(),
        "the file of --lines is empty"
    );
    let start = Timestamp::now();
    let entry = |index: usize| NewEntry {
        id: EntryId::generate(),
        source_id: source_id.clone(),
        text: match texts.len() {
            0 => made_up_line(index),
            count => texts[index % count].clone(),
        },
        timestamp: turnstone_types::to_microsecond_precision(start + Duration::from_millis(index as u64)),
        timestamp_basis: TimestampBasis::Parsed,
        severity: Some(Severity::Info),
    };
    Ok((0..rows).map(entry).collect())
}

/// A line of about 140 bytes, as real ones are on average; numbers differ so that the text index has what to do.
fn made_up_line(index: usize) -> String {
    let mixed = index.wrapping_mul(2_654_435_761) % 1_000_003;
    format!(
        "2026-11-18 10:{:02}:{:02},{:03} INFO [worker-{}] org.example.shop.OrderService - order {mixed} accepted for customer {} in {} ms from 10.0.{}.{}",
        index / 60 % 60,
        index % 60,
        index % 1_000,
        index % 16,
        mixed % 9_973,
        mixed % 137,
        mixed % 200,
        index % 250
    )
}
