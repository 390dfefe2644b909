//! Search beyond words: scores, lines that arrive meanwhile, relevance, and words that are in most lines.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{EntryKey, EntrySearch, Store};

crate::cases![
    scores_are_a_range,
    pages_are_stable_while_lines_arrive,
    the_best_match_comes_first,
    common_words_are_found_newest_first,
];

async fn texts(store: &dyn Store, search: &EntrySearch) -> anyhow::Result<Vec<String>> {
    let found = store.search_entries(&tenant("acme"), search, None, 100).await?;
    Ok(found.into_iter().map(|entry| entry.text).collect())
}

async fn scores_are_a_range(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let cycle = cycle_of_texts(&tenant("acme"), ["low", "middle", "high", "unscored"]);
    store.commit_cycle(&cycle).await?;
    let outcomes = [0.25, 0.5, 0.75];
    let outcomes = outcomes
        .iter()
        .zip(&cycle.entries)
        .map(|(score, entry)| scored(&entry.id, "NORMAL", *score));
    store.record_scores(&scores(None, 5, outcomes.collect())).await?;
    let range = |score_min, score_max| EntrySearch {
        score_min,
        score_max,
        ..EntrySearch::default()
    };
    assert_eq!(texts(store, &range(None, Some(0.5))).await?, ["middle", "low"]);
    assert_eq!(texts(store, &range(Some(0.5), Some(0.5))).await?, ["middle"]);
    assert_eq!(
        texts(store, &range(Some(0.6), Some(0.5))).await?,
        Vec::<String>::new()
    );
    let by_word = EntrySearch {
        query: Some("high".parse()?),
        ..range(None, Some(0.7))
    };
    assert!(texts(store, &by_word).await?.is_empty());
    Ok(())
}

async fn pages_are_stable_while_lines_arrive(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .commit_cycle(&cycle_of_texts(
            &tenant("acme"),
            (0..10).map(|number| format!("old line {number}")),
        ))
        .await?;
    for query in [None, Some("line")] {
        let search = EntrySearch {
            query: query.map(str::parse).transpose()?,
            ingested_until: Some(start()),
            ..EntrySearch::default()
        };
        let whole = texts(store, &search).await?;
        assert_eq!(whole.len(), 10);
        let mut seen: Vec<String> = Vec::new();
        let mut after = None;
        for second in 1.. {
            let page = store
                .search_entries(&tenant("acme"), &search, after.as_ref(), 3)
                .await?;
            let Some(last) = page.last() else { break };
            after = Some(EntryKey {
                timestamp: last.timestamp,
                id: last.id.clone(),
            });
            seen.extend(page.into_iter().map(|entry| entry.text));
            // A line with an old time, which belongs on a later page, comes in now.
            let mut late = cycle_of_texts(&tenant("acme"), ["late line"]);
            late.closed_at = at(second);
            store.commit_cycle(&late).await?;
        }
        assert_eq!(seen, whole, "{query:?}");
    }
    Ok(())
}

async fn the_best_match_comes_first(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let lines = [
        "disk error on disk one: the disk is gone",
        "an error of the disk among many other words that say nothing at all about it",
        "network error",
        "disk error",
        "disk error",
    ];
    store
        .commit_cycle(&cycle_of_texts(&tenant("acme"), lines))
        .await?;
    while store.index_pending_text(100).await? > 0 {}
    let search = EntrySearch {
        query: Some("disk error -network".parse()?),
        ..EntrySearch::default()
    };
    let ranked = store
        .search_entries_by_relevance(&tenant("acme"), &search, 0, 10)
        .await?;
    let places: Vec<&str> = ranked.iter().map(|one| one.entry.text.as_str()).collect();
    assert_eq!(places.len(), 4);
    assert_eq!(places[3], lines[1], "the longest says least");
    assert!(ranked.is_sorted_by(|one, other| one.relevance >= other.relevance));
    let equals: Vec<_> = ranked
        .iter()
        .filter(|one| one.entry.text == "disk error")
        .collect();
    assert!(
        equals[0].entry.timestamp > equals[1].entry.timestamp,
        "of equals the newest first"
    );
    let page = store
        .search_entries_by_relevance(&tenant("acme"), &search, 1, 2)
        .await?;
    assert_eq!(page, ranked[1..3]);
    Ok(())
}

async fn common_words_are_found_newest_first(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    // More matches than any store sorts; one source has the word in no line.
    for part in 0..6_i64 {
        let entries = (0..5_000)
            .map(|number| {
                let second = part * 5_000 + number;
                let quiet = number % 10 == 0;
                let mut entry = entry(
                    &format!("{} number {number}", if quiet { "other" } else { "common" }),
                    second,
                );
                entry.source_id = source(if quiet {
                    "quiet"
                } else {
                    ["web", "db"][number as usize % 2]
                });
                entry
            })
            .collect();
        store
            .commit_cycle(&cycle(&tenant(["acme", ""][part as usize % 2]), entries))
            .await?;
    }
    while store.index_pending_text(20_000).await? > 0 {}
    if harness.backend.name() == "postgres" {
        harness.sql.execute("ANALYZE").await?;
    }
    store
        .commit_cycle(&cycle(
            &tenant("acme"),
            vec![entry("common but not indexed", 100)],
        ))
        .await?;
    let search = |query: &str| -> anyhow::Result<EntrySearch> {
        Ok(EntrySearch {
            query: Some(query.parse()?),
            ..EntrySearch::default()
        })
    };
    let expected: Vec<_> = store
        .search_entries(&tenant("acme"), &EntrySearch::default(), None, 30_000)
        .await?
        .into_iter()
        .filter(|entry| entry.text.contains("common"))
        .map(|entry| entry.id)
        .collect();
    assert_eq!(expected.len(), 27_001);
    let ids = async |search: &EntrySearch, after: Option<&EntryKey>, limit| -> anyhow::Result<Vec<_>> {
        let found = store
            .search_entries(&tenant("acme"), search, after, limit)
            .await?;
        Ok(found.into_iter().map(|entry| entry.id).collect())
    };
    for query in ["common", "comm*", "common -other", "\"common number\""] {
        let wanted: Vec<_> = if query.starts_with('"') {
            expected.iter().take(50).cloned().collect()
        } else {
            expected[..50].to_vec()
        };
        assert_eq!(ids(&search(query)?, None, 50).await?, wanted, "{query}");
    }
    let middle = store.entry(&tenant("acme"), &expected[13_000]).await?.unwrap();
    let after = EntryKey {
        timestamp: middle.timestamp,
        id: middle.id,
    };
    assert_eq!(
        ids(&search("common")?, Some(&after), 50).await?,
        expected[13_001..13_051]
    );
    assert_eq!(
        ids(&search("common")?, Some(&after), 20_000).await?,
        expected[13_001..],
        "to the very end"
    );
    // Where the word is not: nothing, and a rarer one beside it.
    let quiet = EntrySearch {
        source_id: Some(source("quiet")),
        ..search("common")?
    };
    assert!(ids(&quiet, None, 50).await?.is_empty());
    assert_eq!(ids(&search("common 77")?, None, 50).await?.len(), 6);
    let until = EntrySearch {
        time_until: Some(at(7)),
        ..search("common")?
    };
    assert_eq!(ids(&until, None, 50).await?.len(), 6);
    Ok(())
}
