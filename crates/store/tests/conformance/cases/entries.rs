//! Lists of entries without a text query, and the surroundings of one entry.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{ContextRequest, EntryKey, EntrySearch, Store};
use turnstone_types::{Entry, EntryId, Label, NewEntry, Severity};

crate::cases![
    newest_first_in_stable_pages,
    paging_while_rows_arrive,
    each_filter_holds,
    surroundings_hold_the_window,
    surroundings_are_cut_nearest_first,
    surroundings_are_of_one_source,
];

async fn list(store: &dyn Store, search: &EntrySearch) -> anyhow::Result<Vec<Entry>> {
    Ok(store.search_entries(&tenant("acme"), search, None, 1_000).await?)
}

fn key(entry: &Entry) -> EntryKey {
    EntryKey {
        timestamp: entry.timestamp,
        id: entry.id.clone(),
    }
}

async fn newest_first_in_stable_pages(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for (name, second) in [("acme", 5), ("", 5), ("acme", 1), ("", 9), ("other", 7)] {
        let mut entries: Vec<NewEntry> = (0..4)
            .map(|number| entry(&format!("{name} {number}"), second))
            .collect();
        entries[1].source_id = source("db");
        store.commit_cycle(&cycle(&tenant(name), entries)).await?;
    }
    let of_db = EntrySearch {
        source_id: Some(source("db")),
        ..EntrySearch::default()
    };
    for (search, count) in [(EntrySearch::default(), 16), (of_db, 4)] {
        let all = list(store, &search).await?;
        assert_eq!(all.len(), count);
        assert!(all.is_sorted_by(|one, other| (one.timestamp, &one.id) > (other.timestamp, &other.id)));
        for size in [1, 3, 16] {
            let mut paged: Vec<Entry> = Vec::new();
            loop {
                let after = paged.last().map(key);
                let page = store
                    .search_entries(&tenant("acme"), &search, after.as_ref(), size)
                    .await?;
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, all, "pages of {size}");
        }
    }
    Ok(())
}

async fn paging_while_rows_arrive(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .commit_cycle(&cycle_of_texts(
            &tenant("acme"),
            (0..30).map(|number| number.to_string()),
        ))
        .await?;
    let before: Vec<EntryId> = list(store, &EntrySearch::default())
        .await?
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    let (mut seen, mut after, mut second) = (Vec::new(), None, 1_000);
    loop {
        let page = store
            .search_entries(&tenant("acme"), &EntrySearch::default(), after.as_ref(), 7)
            .await?;
        let Some(last) = page.last() else { break };
        after = Some(key(last));
        seen.extend(page.into_iter().map(|entry| entry.id));
        store
            .commit_cycle(&cycle(&tenant("acme"), vec![entry("new", second)]))
            .await?;
        second += 1;
    }
    assert_eq!(seen, before);
    Ok(())
}

async fn each_filter_holds(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let mut entries = vec![entry("a", 0), entry("b", 1), entry("c", 2), entry("d", 3)];
    entries[0].severity = Some(Severity::Error);
    entries[1].severity = Some(Severity::Info);
    entries[3].source_id = source("db");
    let cycle = cycle(&tenant("acme"), entries);
    store.commit_cycle(&cycle).await?;
    let ids: Vec<_> = cycle.entries.iter().map(|entry| &entry.id).collect();
    store
        .record_scores(&scores(
            None,
            9,
            vec![scored(ids[0], "ERROR", 0.8), scored(ids[2], "NORMAL", 0.9)],
        ))
        .await?;
    let any = EntrySearch::default;
    let cases = [
        (any(), "abcd"),
        (
            EntrySearch {
                source_id: Some(source("db")),
                ..any()
            },
            "d",
        ),
        (
            EntrySearch {
                severity: Some(Severity::Error),
                ..any()
            },
            "a",
        ),
        (
            EntrySearch {
                label: Some(Label::new("normal")),
                ..any()
            },
            "c",
        ),
        (
            EntrySearch {
                score_min: Some(0.8),
                ..any()
            },
            "ac",
        ),
        (
            EntrySearch {
                score_min: Some(0.85),
                ..any()
            },
            "c",
        ),
        (
            EntrySearch {
                time_from: Some(at(2)),
                ..any()
            },
            "cd",
        ),
        (
            EntrySearch {
                time_until: Some(at(2)),
                ..any()
            },
            "ab",
        ),
        (
            EntrySearch {
                time_from: Some(at(1)),
                time_until: Some(at(3)),
                ..any()
            },
            "bc",
        ),
        (
            EntrySearch {
                query: Some("a".parse()?),
                severity: Some(Severity::Error),
                ..any()
            },
            "a",
        ),
        (
            EntrySearch {
                query: Some("a".parse()?),
                severity: Some(Severity::Info),
                ..any()
            },
            "",
        ),
        (
            EntrySearch {
                query: Some("d".parse()?),
                source_id: Some(source("db")),
                ..any()
            },
            "d",
        ),
        (
            EntrySearch {
                query: Some("a".parse()?),
                time_from: Some(at(1)),
                ..any()
            },
            "",
        ),
    ];
    for (search, expected) in cases {
        let mut found: Vec<String> = list(store, &search)
            .await?
            .into_iter()
            .map(|entry| entry.text)
            .collect();
        found.sort();
        assert_eq!(found.concat(), expected, "{search:?}");
    }
    Ok(())
}

fn around(entry_id: &EntryId) -> ContextRequest {
    ContextRequest {
        entry_id: entry_id.clone(),
        window_seconds: 300,
        before_max: 100,
        after_max: 100,
    }
}

async fn texts(harness: &Harness, request: &ContextRequest) -> anyhow::Result<String> {
    let entries = harness
        .store
        .entry_context(&tenant("acme"), request)
        .await?
        .unwrap();
    assert!(entries.is_sorted_by(|one, other| (one.timestamp, &one.id) < (other.timestamp, &other.id)));
    Ok(entries
        .into_iter()
        .map(|entry| entry.text)
        .collect::<Vec<_>>()
        .join(" "))
}

async fn surroundings_hold_the_window(harness: Harness) -> anyhow::Result<()> {
    let entries: Vec<NewEntry> = [-301, -300, -1, 0, 0, 0, 1, 300, 301]
        .map(|second| entry(&second.to_string(), second))
        .to_vec();
    let middle = entries[4].id.clone();
    harness
        .store
        .commit_cycle(&cycle(&tenant("acme"), entries))
        .await?;
    assert_eq!(texts(&harness, &around(&middle)).await?, "-300 -1 0 0 0 1 300");
    let narrow = ContextRequest {
        window_seconds: 0,
        ..around(&middle)
    };
    assert_eq!(texts(&harness, &narrow).await?, "0 0 0");
    let wide = ContextRequest {
        window_seconds: u32::MAX,
        ..around(&middle)
    };
    assert_eq!(texts(&harness, &wide).await?, "-301 -300 -1 0 0 0 1 300 301");
    Ok(())
}

async fn surroundings_are_cut_nearest_first(harness: Harness) -> anyhow::Result<()> {
    let entries: Vec<NewEntry> = (-10..=10)
        .map(|second| entry(&second.to_string(), second))
        .collect();
    let middle = entries[10].id.clone();
    harness
        .store
        .commit_cycle(&cycle(&tenant("acme"), entries))
        .await?;
    let cut = ContextRequest {
        before_max: 2,
        after_max: 3,
        ..around(&middle)
    };
    assert_eq!(texts(&harness, &cut).await?, "-2 -1 0 1 2 3");
    let alone = ContextRequest {
        before_max: 0,
        after_max: 0,
        ..around(&middle)
    };
    assert_eq!(texts(&harness, &alone).await?, "0");
    Ok(())
}

async fn surroundings_are_of_one_source(harness: Harness) -> anyhow::Result<()> {
    let mut entries = vec![
        entry("before", -1),
        entry("db", 0),
        entry("middle", 0),
        entry("after", 1),
    ];
    entries[1].source_id = source("db");
    let middle = entries[2].id.clone();
    harness
        .store
        .commit_cycle(&cycle(&tenant("acme"), entries))
        .await?;
    // The shared tenant's source of the same name is another source.
    let shared = entry("shared", 0);
    let shared_id = shared.id.clone();
    harness
        .store
        .commit_cycle(&cycle(&tenant(""), vec![shared]))
        .await?;
    assert_eq!(texts(&harness, &around(&middle)).await?, "before middle after");
    assert_eq!(texts(&harness, &around(&shared_id)).await?, "shared");
    assert!(
        harness
            .store
            .entry_context(&tenant("acme"), &around(&EntryId::generate()))
            .await?
            .is_none()
    );
    Ok(())
}
