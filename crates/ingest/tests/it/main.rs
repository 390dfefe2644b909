//! The glean loop on real files and a real SQLite store.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use turnstone_gleaner::{OpenOptions, SourceConfig};
use turnstone_ingest::{CycleLimits, CycleReport, GleanTotals, Gleaner};
use turnstone_store::{ConnectOptions, EntrySearch, OutboxBody, Store, StoreAddress};
use turnstone_types::{SourceId, TenantId};

struct Fixture {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = StoreAddress::Sqlite(folder.path().join("turnstone.db"));
        let store = turnstone_store::connect(&address, &ConnectOptions::default())
            .await
            .unwrap();
        store.migrate().await.unwrap();
        Self { folder, store }
    }

    fn log(&self, name: &str, lines: std::ops::Range<usize>) -> PathBuf {
        let path = self.folder.path().join(name);
        let text: String = lines
            .map(|line| format!("2026-11-18T10:00:00Z INFO {name} line {line}\n"))
            .collect();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn source(name: &str, path: &Path) -> SourceConfig {
        SourceConfig::for_path(SourceId::new(name).unwrap(), path)
    }

    async fn glean_once(
        &self,
        sources: &[SourceConfig],
        limits: CycleLimits,
    ) -> (GleanTotals, Vec<CycleReport>) {
        let gleaner = Gleaner::open(
            Arc::clone(&self.store),
            sources,
            &TenantId::shared(),
            limits,
            OpenOptions::once(),
        )
        .await
        .unwrap();
        let mut reports = Vec::new();
        let stop = CancellationToken::new();
        let totals = gleaner
            .run(&stop, |cycle| reports.push(cycle.clone()))
            .await
            .unwrap();
        (totals, reports)
    }

    async fn texts(&self, tenant: &TenantId) -> BTreeSet<String> {
        let entries = self
            .store
            .search_entries(tenant, &EntrySearch::default(), None, 1_000)
            .await
            .unwrap();
        entries.into_iter().map(|entry| entry.text).collect()
    }
}

fn limits(entries_max: usize) -> CycleLimits {
    CycleLimits {
        entries_max,
        bytes_max: 1 << 20,
        interval: Duration::from_secs(3_600),
        batch_entries_max: 4,
    }
}

#[tokio::test]
async fn a_cycle_closes_on_size_and_at_the_end_of_input() {
    let fixture = Fixture::new().await;
    let log = fixture.log("app.log", 0..25);
    let (totals, reports) = fixture
        .glean_once(&[Fixture::source("app", &log)], limits(10))
        .await;
    assert_eq!((totals.entries, totals.cycles), (25, 3));
    assert_eq!(
        reports.iter().map(|cycle| cycle.entries).collect::<Vec<_>>(),
        [10, 10, 5]
    );
    assert_eq!(fixture.texts(&TenantId::shared()).await.len(), 25);
}

#[tokio::test]
async fn every_entry_of_a_cycle_is_covered_by_one_batch_in_the_outbox() {
    let fixture = Fixture::new().await;
    let logs = [fixture.log("a.log", 0..7), fixture.log("b.log", 0..6)];
    let sources = [Fixture::source("a", &logs[0]), Fixture::source("b", &logs[1])];
    fixture.glean_once(&sources, limits(100)).await;
    let (mut cycles, mut covered) = (0, BTreeSet::new());
    for event in fixture.store.pending_events(100).await.unwrap() {
        match event.body {
            OutboxBody::Cycle(cycle) => {
                cycles += 1;
                assert_eq!(cycle.entry_count, 13);
            }
            OutboxBody::Batch(batch) => {
                assert!(batch.entry_count <= 4);
                for entry in fixture.store.batch_texts(&batch).await.unwrap() {
                    assert!(covered.insert(entry.text), "an entry is in two batches");
                }
            }
        }
    }
    assert_eq!(cycles, 1);
    assert_eq!(covered, fixture.texts(&TenantId::shared()).await);
}

#[tokio::test]
async fn sources_of_two_tenants_make_two_cycles() {
    let fixture = Fixture::new().await;
    let (ours, theirs) = (fixture.log("ours.log", 0..3), fixture.log("theirs.log", 0..2));
    let acme = TenantId::new("acme").unwrap();
    let mut secret = Fixture::source("theirs", &theirs);
    secret.tenant = Some(acme.clone());
    let (totals, _) = fixture
        .glean_once(&[Fixture::source("ours", &ours), secret], limits(100))
        .await;
    assert_eq!(totals.cycles, 2);
    assert_eq!(fixture.texts(&TenantId::shared()).await.len(), 3);
    assert_eq!(fixture.texts(&acme).await.len(), 5);
}

#[tokio::test]
async fn a_follower_goes_on_where_it_was_stopped_and_commits_what_it_had_read() {
    let fixture = Fixture::new().await;
    let log = fixture.log("app.log", 0..5);
    // The interval never closes a cycle here: what is committed was committed by the stop.
    for (lines, expected) in [(5, 5), (9, 4), (10, 1)] {
        fixture.log("app.log", 0..lines);
        let options = OpenOptions {
            poll_interval: Duration::from_millis(5),
            record_quiet: Duration::ZERO,
            ..OpenOptions::default()
        };
        let source = Fixture::source("app", &log);
        let gleaner = Gleaner::open(
            Arc::clone(&fixture.store),
            &[source],
            &TenantId::shared(),
            limits(expected),
            options,
        )
        .await
        .unwrap();
        let stop = CancellationToken::new();
        let enough = stop.clone();
        let mut seen = 0;
        let run = gleaner.run(&stop, |cycle| {
            seen += cycle.entries;
            if seen >= expected as u64 {
                enough.cancel();
            }
        });
        let totals = tokio::time::timeout(Duration::from_secs(60), run)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(totals.entries, expected as u64, "with {lines} lines");
    }
    assert_eq!(fixture.texts(&TenantId::shared()).await.len(), 10);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_does_not_hold_up_the_others() {
    let fixture = Fixture::new().await;
    let log = fixture.log("app.log", 0..3);
    let folder = fixture.folder.path().join("a-folder");
    std::fs::create_dir(&folder).unwrap();
    let options = OpenOptions {
        poll_interval: Duration::from_millis(5),
        ..OpenOptions::default()
    };
    let sources = [Fixture::source("broken", &folder), Fixture::source("app", &log)];
    let gleaner = Gleaner::open(
        Arc::clone(&fixture.store),
        &sources,
        &TenantId::shared(),
        limits(3),
        options,
    )
    .await
    .unwrap();
    let stop = CancellationToken::new();
    let enough = stop.clone();
    let mut entries = 0;
    let run = gleaner.run(&stop, |cycle| {
        entries += cycle.entries;
        if entries == 3 {
            enough.cancel();
        }
    });
    tokio::time::timeout(Duration::from_secs(60), run)
        .await
        .unwrap()
        .unwrap();
    let sources = fixture.store.sources(&TenantId::shared()).await.unwrap();
    let fault = sources
        .iter()
        .find(|source| source.source_id.as_str() == "broken")
        .and_then(|source| source.fault.clone());
    assert!(
        fault.is_some_and(|fault| fault.contains("a-folder")),
        "{sources:?}"
    );
}
