//! Fills an empty database with the made-up log through the store's own verbs, so that all that it keeps is true: import for what
//! comes scored, scores recorded for what came last, suppressions, groups acknowledged, and a backlog that waits.
//! Says with a checkpoint that the database is the bench's, and when it is full.

use super::corpus::{Corpus, DAYS, Finding, Plan};
use super::zipf::Mixer;
use crate::output::Progress;
use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use turnstone_store::{
    AcknowledgeRequest, DetectionSelection, GroupFilter, GroupUntil, ImportChunk, NewSuppression,
    RecordScores, Store,
};
use turnstone_types::{
    CycleId, Detection, DetectionId, Entry, EntryId, EntryOutcome, EntryScore, Label, LabelMap, NewCycle,
    ScoreBatch, ScoreState, ScoredEntry, SourceCheckpoint, SourceId, TenantId, Timestamp, TimestampBasis,
    Verdict, fingerprint,
};

/// Lines written in one transaction.
const LINES_PER_CHUNK: u64 = 20_000;
/// Lines of a score batch, as the default.
const ENTRIES_PER_BATCH: u32 = 256;
/// Lines indexed for search in one call.
const INDEXED_AT_ONCE: u32 = 20_000;
/// One line in so many is set aside.
const QUARANTINED_EVERY: u64 = 10_000;
/// Groups whose detections a suppression acknowledges as they come, and groups that are acknowledged as such.
const SUPPRESSED_GROUPS: Range<usize> = 4..12;
const ACKNOWLEDGED_GROUPS: u32 = 200;
const MARKER_SOURCE: &str = "turnstone-bench";
const MARKER_KEY: &str = "query";

/// The tenant that most lines belong to; the others are the shared tenant's.
pub fn tenant() -> anyhow::Result<TenantId> {
    Ok(TenantId::new("bench-query")?)
}

/// What the database says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Marker {
    pub plan: Plan,
    pub is_full: bool,
}

/// The marker of a database, if it is the bench's. Fails where it holds anything that the bench did not make.
pub async fn marker(store: &dyn Store) -> anyhow::Result<Option<Marker>> {
    let tenant = tenant()?;
    let checkpoints = store.checkpoints(&tenant, &SourceId::new(MARKER_SOURCE)?).await?;
    let state = checkpoints
        .into_iter()
        .find(|checkpoint| checkpoint.key == MARKER_KEY)
        .and_then(|checkpoint| checkpoint.state);
    if let Some(state) = state {
        return Ok(Some(
            serde_json::from_str(&state).context("the marker of the database cannot be read")?,
        ));
    }
    let stats = store.stats_summary(&tenant).await?;
    let is_empty = stats.entries == 0
        && stats.labels.is_empty()
        && store.sources(&tenant).await?.is_empty()
        && store.last_detection_sequence().await? == 0
        && store.pending_events(1).await?.is_empty();
    ensure!(
        is_empty,
        "the database holds something that `turnstone bench query` did not make; give an empty one, the bench fills it"
    );
    Ok(None)
}

async fn write_marker(store: &dyn Store, plan: &Plan, is_full: bool) -> anyhow::Result<()> {
    let marker = Marker {
        plan: plan.clone(),
        is_full,
    };
    let cycle = NewCycle {
        id: CycleId::generate(),
        tenant: tenant()?,
        started_at: Timestamp::now(),
        closed_at: Timestamp::now(),
        entries: Vec::new(),
        checkpoints: vec![SourceCheckpoint {
            source_id: SourceId::new(MARKER_SOURCE)?,
            key: MARKER_KEY.into(),
            state: Some(serde_json::to_string(&marker)?),
        }],
        sources: Vec::new(),
        batch_entries_max: ENTRIES_PER_BATCH,
        trace_parent: None,
    };
    store.commit_cycle(&cycle).await?;
    Ok(())
}

/// Fills the database, which must be empty.
pub async fn fill(
    store: &Arc<dyn Store>,
    corpus: &Arc<Corpus>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    write_marker(store.as_ref(), corpus.plan(), false).await?;
    let imported = Arc::new(AtomicBool::new(false));
    let indexer = tokio::spawn(index_text(Arc::clone(store), Arc::clone(&imported)));
    let filled = fill_entries(store, corpus, stop).await;
    imported.store(true, Ordering::Release);
    filled?;
    indexer.await??;
    store
        .prune_counts(corpus.end() - Duration::from_secs(7 * 86_400))
        .await?;
    acknowledge_groups(store.as_ref(), corpus).await?;
    publish(store.as_ref()).await?;
    store.refresh_statistics().await?;
    write_marker(store.as_ref(), corpus.plan(), true).await
}

async fn fill_entries(
    store: &Arc<dyn Store>,
    corpus: &Arc<Corpus>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let all = corpus.plan().entries;
    let progress = &Progress::start(Some(all), "lines written");
    import(store, corpus, 0..corpus.comes_scored(), stop, progress).await?;
    suppress(store.as_ref(), corpus).await?;
    let scored_here = corpus.comes_scored()..corpus.scored();
    let findings = import(store, corpus, scored_here, stop, progress).await?;
    score(store, findings).await?;
    import(store, corpus, corpus.scored()..all, stop, progress).await?;
    Ok(())
}

/// What is to be recorded of an entry: when, and what if it is a detection.
type Findings = HashMap<EntryId, (Timestamp, Option<Finding>)>;

/// Lines of one chunk for each tenant, and what is to be recorded of them.
struct Chunks {
    lines: u64,
    chunks: Vec<ImportChunk>,
    findings: Findings,
}

async fn import(
    store: &Arc<dyn Store>,
    corpus: &Arc<Corpus>,
    lines: Range<u64>,
    stop: &CancellationToken,
    progress: &Progress,
) -> anyhow::Result<Findings> {
    let at_once = if store.capabilities().concurrent_writers {
        2
    } else {
        1
    };
    let starts = lines.clone().step_by(LINES_PER_CHUNK as usize);
    let pieces = starts.map(|start| start..(start + LINES_PER_CHUNK).min(lines.end));
    // Made one after the other, so that ids rise with the lines; written side by side where the database has room for it.
    let made = futures::stream::iter(pieces).then(|piece| {
        let corpus = Arc::clone(corpus);
        async move { tokio::task::spawn_blocking(move || make(&corpus, piece)).await? }
    });
    let mut written = made
        .map(|chunks| async move {
            let mut chunks = chunks?;
            for chunk in std::mem::take(&mut chunks.chunks) {
                store.import(&chunk).await?;
            }
            anyhow::Ok(chunks)
        })
        .buffer_unordered(at_once)
        .boxed();
    let (mut findings, mut done) = (Findings::new(), lines.start);
    while let Some(chunks) = written.try_next().await? {
        ensure!(!stop.is_cancelled(), "stopped");
        findings.extend(chunks.findings);
        done += chunks.lines;
        progress.set(done);
    }
    Ok(findings)
}

fn make(corpus: &Corpus, lines: Range<u64>) -> anyhow::Result<Chunks> {
    let chunk = |tenant| ImportChunk {
        cycle_id: CycleId::generate(),
        tenant,
        entries: Vec::new(),
        detections: Vec::new(),
        batch_entries_max: ENTRIES_PER_BATCH,
        at: corpus.end(),
    };
    let (mut own, mut shared) = (chunk(tenant()?), chunk(TenantId::shared()));
    let mut findings = Findings::new();
    let usual = LabelMap::default().meaning("NORMAL");
    for number in lines.clone() {
        let line = corpus.line(number);
        let chunk = if line.shared { &mut shared } else { &mut own };
        let ingest_time = line.timestamp + Duration::from_secs(1);
        let scored_at = line.timestamp + Duration::from_secs(2);
        let id = EntryId::generate();
        let score = if number >= corpus.comes_scored() {
            ScoreState::Unscored
        } else if number % QUARANTINED_EVERY == 7 && line.detection.is_none() {
            ScoreState::Quarantined {
                reason: "made up".into(),
                at: scored_at,
            }
        } else {
            ScoreState::Scored(EntryScore {
                label: line
                    .detection
                    .as_ref()
                    .map_or(&usual, |found| &found.meaning)
                    .label
                    .clone(),
                score: line.detection.as_ref().map_or(0.98, |found| found.score),
                scored_at,
            })
        };
        if number >= corpus.comes_scored() {
            if number < corpus.scored() {
                findings.insert(id.clone(), (scored_at, line.detection));
            }
        } else if let Some(found) = line.detection {
            let source_id = SourceId::new(line.source)?;
            chunk.detections.push(detection(
                found,
                &id,
                source_id,
                &line.text,
                line.timestamp,
                scored_at,
                chunk.tenant.clone(),
            ));
        }
        chunk.entries.push(Entry {
            id,
            tenant: chunk.tenant.clone(),
            source_id: SourceId::new(line.source)?,
            cycle_id: chunk.cycle_id.clone(),
            text: line.text,
            timestamp: line.timestamp,
            timestamp_basis: TimestampBasis::Parsed,
            severity: line.severity,
            ingest_time,
            score,
        });
    }
    Ok(Chunks {
        lines: lines.end - lines.start,
        chunks: vec![own, shared],
        findings,
    })
}

fn detection(
    found: Finding,
    entry_id: &EntryId,
    source_id: SourceId,
    text: &str,
    timestamp: Timestamp,
    detected_at: Timestamp,
    tenant: TenantId,
) -> Detection {
    Detection {
        id: DetectionId::generate(),
        tenant,
        entry_id: entry_id.clone(),
        source_id,
        scorer: found.scorer.into(),
        label: found.meaning.label,
        score: found.score,
        severity: found.meaning.severity,
        text: text.to_owned(),
        timestamp: Some(timestamp),
        detected_at,
        acknowledged_at: found.acknowledged_after.map(|after| detected_at + after),
        acknowledged: found.acknowledged_after.is_some(),
        notes: String::new(),
        verdict: found.verdict,
        acknowledgement_id: None,
        suppressed: false,
        fingerprint: None,
    }
}

/// Indexes behind the writers, as the programs do, until these are done and nothing is left.
async fn index_text(store: Arc<dyn Store>, imported: Arc<AtomicBool>) -> anyhow::Result<()> {
    if !store.capabilities().deferred_text_index {
        return Ok(());
    }
    loop {
        let was_last = imported.load(Ordering::Acquire);
        let indexed = store.index_pending_text(INDEXED_AT_ONCE).await?;
        match (indexed, was_last) {
            (0, true) => return Ok(()),
            (0, false) => tokio::time::sleep(Duration::from_millis(200)).await,
            _ => {}
        }
    }
}

async fn suppress(store: &dyn Store, corpus: &Corpus) -> anyhow::Result<()> {
    for group in SUPPRESSED_GROUPS.filter(|group| *group < corpus.groups()) {
        let text = corpus.text_of_group(group, &mut Mixer::new(4, 0));
        let (source, _) = corpus.source_of_group(group);
        store
            .add_suppression(&NewSuppression {
                tenant: tenant()?,
                fingerprint: fingerprint(&format!("{source}[1]: {text}")),
                source_id: None,
                label: None,
                expires_at: corpus.end() + Duration::from_secs(86_400),
                reason: "known".into(),
                by: "bench".into(),
                at: corpus.end(),
            })
            .await?;
    }
    Ok(())
}

/// Records the scores of all that waits.
async fn score(store: &Arc<dyn Store>, findings: Findings) -> anyhow::Result<()> {
    let findings = Arc::new(findings);
    loop {
        let mut batches = store.open_batches(&tenant()?, 1_024).await?;
        if batches.is_empty() {
            return Ok(());
        }
        // Oldest first, as a queue hands them out.
        batches.reverse();
        futures::stream::iter(batches)
            .map(|batch| record(Arc::clone(store), batch, Arc::clone(&findings)))
            .buffered(2)
            .try_collect::<Vec<()>>()
            .await?;
    }
}

async fn record(store: Arc<dyn Store>, batch: ScoreBatch, findings: Arc<Findings>) -> anyhow::Result<()> {
    let usual = LabelMap::default().meaning("NORMAL");
    let mut scores = RecordScores {
        batch_id: Some(batch.id.clone()),
        scorer: "turnstone-mini".into(),
        scored_at: Timestamp::UNIX_EPOCH,
        quiet_seconds: 0,
        outcomes: Vec::new(),
    };
    for entry in store.batch_texts(&batch).await? {
        let Some((scored_at, found)) = findings.get(&entry.id) else {
            bail!(
                "entry {} waits for a score and was not made by this run",
                entry.id
            );
        };
        scores.scored_at = scores.scored_at.max(*scored_at);
        scores.outcomes.push(ScoredEntry {
            id: entry.id,
            outcome: EntryOutcome::Scored {
                meaning: found.as_ref().map_or(&usual, |found| &found.meaning).clone(),
                score: found.as_ref().map_or(0.98, |found| found.score),
                detected: found.is_some(),
            },
        });
    }
    store.record_scores(&scores).await?;
    Ok(())
}

/// Acknowledges some groups up to half a day before the end.
async fn acknowledge_groups(store: &dyn Store, corpus: &Corpus) -> anyhow::Result<()> {
    let tenant = tenant()?;
    let filter = GroupFilter {
        unacknowledged: Some(true),
        label: Some(Label::new("NETWORK_ANOMALY")),
        ..GroupFilter::default()
    };
    let groups = store
        .list_detection_groups(&tenant, &filter, None, ACKNOWLEDGED_GROUPS)
        .await?;
    let until = corpus.instant(1.0 - 0.5 / DAYS as f64);
    let keys = groups.into_iter().map(|group| GroupUntil {
        key: group.key,
        until,
    });
    let mut request =
        AcknowledgeRequest::new(tenant, DetectionSelection::Groups(keys.collect()), corpus.end());
    request.verdict = Some(Verdict::FalsePositive);
    request.by = "bench".into();
    store.acknowledge(&request).await?;
    Ok(())
}

/// Marks all events as published, as ingest does.
async fn publish(store: &dyn Store) -> anyhow::Result<()> {
    loop {
        let events = store.pending_events(5_000).await?;
        if events.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = events.into_iter().map(|event| event.message_id).collect();
        store.mark_published(&ids, Timestamp::now()).await?;
    }
}
