//! Cycles of plain entries and scores for them.

use turnstone_store::postgres::PostgresStore;
use turnstone_store::{ConnectOptions, RecordScores, WriteStore};
use turnstone_types::{
    CycleId, EntryId, EntryOutcome, LabelMap, NewCycle, NewEntry, ScoreBatch, ScoredEntry, Severity,
    SourceDelta, SourceId, TenantId, TextOfEntry, Timestamp, TimestampBasis,
};

pub fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub async fn open(url: &str) -> PostgresStore {
    let options = ConnectOptions {
        connections_max: 4,
        ..ConnectOptions::default()
    };
    PostgresStore::open(&url::Url::parse(url).unwrap(), &options)
        .await
        .unwrap()
}

pub fn source(place: usize) -> SourceId {
    SourceId::new(format!("source-{place}")).unwrap()
}

/// A cycle of `count` entries of three sources, in batches of `batch_entries_max`.
pub fn cycle(tenant: &TenantId, count: usize, batch_entries_max: u32) -> NewCycle {
    let entry = |place: usize| NewEntry {
        id: EntryId::generate(),
        source_id: source(place % 3),
        text: format!(
            "sshd[{place}]: Failed password for user{} from 10.0.{}.7 port {place}",
            place % 997,
            place % 251
        ),
        timestamp: instant(place as i64),
        timestamp_basis: TimestampBasis::Parsed,
        severity: place.is_multiple_of(7).then_some(Severity::Error),
    };
    let sources = (0..3).map(|place| SourceDelta {
        source_id: source(place),
        kind: "files".to_owned(),
        entries: count as u64 / 3,
        bytes: 1,
        undated_entries: 0,
        repaired_lines: 0,
        truncated_lines: 0,
        last_entry_at: None,
        fault: None,
    });
    NewCycle {
        id: CycleId::generate(),
        tenant: tenant.clone(),
        started_at: instant(0),
        closed_at: instant(1),
        entries: (0..count).map(entry).collect(),
        checkpoints: Vec::new(),
        sources: sources.collect(),
        batch_entries_max,
        trace_parent: None,
    }
}

/// Scores for the texts of a batch; every 20th becomes a detection.
pub fn scores(batch: Option<&ScoreBatch>, texts: &[TextOfEntry]) -> RecordScores {
    let outcome = |(place, text): (usize, &TextOfEntry)| {
        let detected = place.is_multiple_of(20);
        let meaning = LabelMap::default().meaning(if detected { "SYSTEM_FAILURE" } else { "NORMAL" });
        ScoredEntry {
            id: text.id.clone(),
            outcome: EntryOutcome::Scored {
                meaning,
                score: 0.9,
                detected,
            },
        }
    };
    RecordScores {
        batch_id: batch.map(|batch| batch.id.clone()),
        scorer: "test".to_owned(),
        scored_at: instant(2),
        quiet_seconds: 0,
        outcomes: texts.iter().enumerate().map(outcome).collect(),
    }
}

/// Scores every open batch of the shared tenant.
pub async fn score_all(store: &PostgresStore) {
    for batch in store.open_batches(&TenantId::shared(), 10_000).await.unwrap() {
        let texts = store.batch_texts(&batch).await.unwrap();
        store.record_scores(&scores(Some(&batch), &texts)).await.unwrap();
    }
}
