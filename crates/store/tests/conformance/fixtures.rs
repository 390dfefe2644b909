//! Builders of cycles, scores and detections for the cases.

use jiff::{SignedDuration, Timestamp};
use turnstone_store::{OutboxBody, RecordScores, Store};
use turnstone_types::{
    BatchId, CycleId, Detection, DetectionId, Entry, EntryId, EntryOutcome, EntryScore, Label, LabelMap,
    NewCycle, NewEntry, ScoreBatch, ScoreState, ScoredEntry, SourceDelta, SourceId, TenantId, TimestampBasis,
};

/// An instant all cases start from.
pub fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// An instant some seconds after [`start`].
pub fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

/// An entry of source `web` at a second after [`start`].
pub fn entry(text: &str, second: i64) -> NewEntry {
    NewEntry {
        id: EntryId::generate(),
        source_id: source("web"),
        text: text.to_owned(),
        timestamp: at(second),
        timestamp_basis: TimestampBasis::Parsed,
        severity: None,
    }
}

/// A cycle of the tenant that closes at [`start`], with its entries and their source's counters.
pub fn cycle(tenant: &TenantId, entries: Vec<NewEntry>) -> NewCycle {
    let mut names: Vec<SourceId> = entries.iter().map(|entry| entry.source_id.clone()).collect();
    names.sort();
    names.dedup();
    let delta = |source_id: SourceId| {
        let of_source = || entries.iter().filter(|entry| entry.source_id == source_id);
        SourceDelta {
            kind: "files".into(),
            entries: of_source().count() as u64,
            bytes: of_source().map(|entry| entry.text.len() as u64 + 1).sum(),
            undated_entries: 0,
            repaired_lines: 0,
            truncated_lines: 0,
            last_entry_at: of_source().map(|entry| entry.timestamp).max(),
            fault: None,
            source_id: source_id.clone(),
        }
    };
    NewCycle {
        id: CycleId::generate(),
        tenant: tenant.clone(),
        started_at: at(-1),
        closed_at: start(),
        sources: names.into_iter().map(delta).collect(),
        entries,
        checkpoints: Vec::new(),
        batch_entries_max: 100,
        trace_parent: None,
    }
}

/// A cycle of texts, one a second.
pub fn cycle_of_texts<T: AsRef<str>>(tenant: &TenantId, texts: impl IntoIterator<Item = T>) -> NewCycle {
    let entries = (0..)
        .zip(texts)
        .map(|(second, text)| entry(text.as_ref(), second))
        .collect();
    cycle(tenant, entries)
}

/// The batches that wait in the outbox, in order of their entries.
pub async fn waiting_batches(store: &dyn Store) -> anyhow::Result<Vec<ScoreBatch>> {
    let events = store.pending_events(1_000).await?;
    let mut batches: Vec<ScoreBatch> = events
        .into_iter()
        .filter_map(|event| match event.body {
            OutboxBody::Batch(batch) => Some(batch),
            OutboxBody::Cycle(_) => None,
        })
        .collect();
    batches.sort_by(|one, other| one.first_entry_id.cmp(&other.first_entry_id));
    Ok(batches)
}

/// Publishes everything that waits.
pub async fn publish_all(store: &dyn Store, when: Timestamp) -> anyhow::Result<Vec<String>> {
    let ids: Vec<String> = store
        .pending_events(1_000)
        .await?
        .into_iter()
        .map(|event| event.message_id)
        .collect();
    store.mark_published(&ids, when).await?;
    Ok(ids)
}

/// An outcome with a raw label; a detection if the label is anomalous.
pub fn scored(id: &EntryId, raw_label: &str, score: f64) -> ScoredEntry {
    let meaning = LabelMap::default().meaning(raw_label);
    let detected = meaning.anomalous;
    ScoredEntry {
        id: id.clone(),
        outcome: EntryOutcome::Scored {
            meaning,
            score,
            detected,
        },
    }
}

/// An outcome that sets the entry aside.
pub fn quarantined(id: &EntryId, reason: &str) -> ScoredEntry {
    ScoredEntry {
        id: id.clone(),
        outcome: EntryOutcome::Quarantined {
            reason: reason.to_owned(),
        },
    }
}

/// Scores by scorer `model-a` at a second after [`start`].
pub fn scores(batch_id: Option<&BatchId>, second: i64, outcomes: Vec<ScoredEntry>) -> RecordScores {
    RecordScores {
        batch_id: batch_id.cloned(),
        scorer: "model-a".into(),
        scored_at: at(second),
        quiet_seconds: 0,
        outcomes,
    }
}

/// Commits texts and makes a detection of each, all at one second; returns the ids of the entries.
pub async fn detections_of_texts(
    store: &dyn Store,
    tenant: &TenantId,
    texts: &[&str],
    raw_label: &str,
    second: i64,
) -> anyhow::Result<Vec<EntryId>> {
    let cycle = cycle_of_texts(tenant, texts);
    store.commit_cycle(&cycle).await?;
    let ids: Vec<EntryId> = cycle.entries.iter().map(|entry| entry.id.clone()).collect();
    let outcomes = ids.iter().map(|id| scored(id, raw_label, 0.9)).collect();
    store.record_scores(&scores(None, second, outcomes)).await?;
    Ok(ids)
}

/// An entry as another system had it.
pub fn foreign_entry(id: &str, tenant: &TenantId, text: &str, second: i64) -> Entry {
    Entry {
        id: EntryId::new(id).unwrap(),
        tenant: tenant.clone(),
        source_id: source("old"),
        cycle_id: CycleId::generate(),
        text: text.to_owned(),
        timestamp: at(second),
        timestamp_basis: TimestampBasis::Parsed,
        severity: None,
        ingest_time: at(second + 1),
        score: ScoreState::Unscored,
    }
}

/// The same entry, scored.
pub fn with_score(mut entry: Entry, label: &str, score: f64, second: i64) -> Entry {
    entry.score = ScoreState::Scored(EntryScore {
        label: Label::new(label),
        score,
        scored_at: at(second),
    });
    entry
}

/// A detection as another system had it.
pub fn foreign_detection(id: &str, entry: &Entry, second: i64) -> Detection {
    let meaning = LabelMap::default().meaning("SYSTEM_FAILURE");
    Detection {
        id: DetectionId::new(id).unwrap(),
        tenant: entry.tenant.clone(),
        entry_id: entry.id.clone(),
        source_id: entry.source_id.clone(),
        scorer: "original".into(),
        label: meaning.label,
        score: 0.8125,
        severity: meaning.severity,
        text: entry.text.clone(),
        timestamp: Some(entry.timestamp),
        detected_at: at(second),
        acknowledged_at: None,
        acknowledged: false,
        notes: String::new(),
        verdict: None,
        acknowledgement_id: None,
        suppressed: false,
        fingerprint: Some(turnstone_types::fingerprint(&entry.text)),
    }
}
