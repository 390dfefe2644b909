//! Odd values come back as they went in, or are refused before anything is written.

use crate::backends::Harness;
use crate::fixtures::*;
use jiff::Timestamp;
use turnstone_store::StoreErrorKind;
use turnstone_types::{EntryId, NewEntry, ScoreState, Severity, SourceId, TimestampBasis};

crate::cases![
    odd_texts_come_back,
    a_nul_is_refused,
    instants_keep_the_microsecond,
    instants_at_the_ends_of_time,
    scores_come_back_exactly,
    scores_that_are_no_numbers_are_refused,
    odd_names_come_back,
    every_field_comes_back,
];

async fn odd_texts_come_back(harness: Harness) -> anyhow::Result<()> {
    let long = "0123456789abcdef".repeat(64 * 1024);
    let many_tokens = "word ".repeat(200_000);
    let texts = [
        "",
        " ",
        "'",
        "\"",
        "\\",
        "''; DROP TABLE log_entries; --",
        "%_%",
        "$1 ?1 :name",
        "a\tb\r\nc\u{1b}[31mred\u{7f}",
        "日本語 Ünïcödé ß",
        "👩‍👩‍👧‍👦 🔥",
        "\u{202e}right to left",
        "\u{feff}bom",
        "e\u{301}",
        "\u{fffd}\u{10ffff}",
        "{\"json\": [1, null]}",
        "NULL",
        "\\N",
        "\\.",
        &long,
        &many_tokens,
    ];
    let cycle = cycle_of_texts(&tenant("acme"), texts);
    harness.store.commit_cycle(&cycle).await?;
    for (entry, text) in cycle.entries.iter().zip(texts) {
        let stored = harness.store.entry(&tenant("acme"), &entry.id).await?.unwrap();
        assert!(
            stored.text == text,
            "{:?} came back as {:?}",
            head(text),
            head(&stored.text)
        );
    }
    let batch = &waiting_batches(harness.store.as_ref()).await?[0];
    for (text, original) in harness.store.batch_texts(batch).await?.iter().zip(texts) {
        assert_eq!(
            text.text,
            turnstone_types::truncate_chars(original, turnstone_types::SCORED_TEXT_CHARS_MAX)
        );
    }
    // Detections keep the start of the text, by characters.
    let outcomes = cycle
        .entries
        .iter()
        .map(|entry| scored(&entry.id, "SYSTEM_FAILURE", 0.9))
        .collect();
    harness.store.record_scores(&scores(None, 1, outcomes)).await?;
    let detections = harness
        .store
        .list_detections(&tenant("acme"), &Default::default(), None, 100)
        .await?;
    assert_eq!(detections.len(), texts.len());
    for (entry, text) in cycle.entries.iter().zip(texts) {
        let detection = detections
            .iter()
            .find(|detection| detection.entry_id == entry.id)
            .unwrap();
        assert_eq!(detection.text, turnstone_types::truncate_chars(text, 2_000));
    }
    Ok(())
}

fn head(text: &str) -> &str {
    turnstone_types::truncate_chars(text, 40)
}

async fn a_nul_is_refused(harness: Harness) -> anyhow::Result<()> {
    let cycle = cycle_of_texts(&tenant("acme"), ["fine", "a\0b"]);
    let error = harness.store.commit_cycle(&cycle).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Invalid);
    assert!(
        error.to_string().contains(cycle.entries[1].id.as_str()),
        "{error} must name the entry"
    );
    assert_eq!(harness.store.stats_summary(&tenant("acme")).await?.entries, 0);
    Ok(())
}

async fn stored_time(harness: &Harness, timestamp: Timestamp) -> anyhow::Result<Timestamp> {
    let entry = NewEntry {
        timestamp,
        ..entry("x", 0)
    };
    let id = entry.id.clone();
    harness
        .store
        .commit_cycle(&cycle(&tenant("acme"), vec![entry]))
        .await?;
    Ok(harness
        .store
        .entry(&tenant("acme"), &id)
        .await?
        .unwrap()
        .timestamp)
}

async fn instants_keep_the_microsecond(harness: Harness) -> anyhow::Result<()> {
    assert_eq!(harness.store.capabilities().time_precision_us, 1);
    for (nanosecond, expected) in [
        (1_700_000_000_123_456_789, 1_700_000_000_123_456_000),
        (1_700_000_000_000_001_000, 1_700_000_000_000_001_000),
        (1_700_000_000_999_999_999, 1_700_000_000_999_999_000),
        (0, 0),
        (-1_000, -1_000),
    ] {
        let stored = stored_time(&harness, Timestamp::from_nanosecond(nanosecond)?).await?;
        assert_eq!(stored.as_nanosecond(), expected);
    }
    Ok(())
}

async fn instants_at_the_ends_of_time(harness: Harness) -> anyhow::Result<()> {
    for text in [
        "0001-01-01T00:00:00Z",
        "0999-12-31T23:59:59.999999Z",
        "9999-12-30T21:59:59.999999Z",
    ] {
        let instant: Timestamp = text.parse()?;
        assert_eq!(stored_time(&harness, instant).await?, instant);
    }
    let before: Timestamp = "-000001-06-01T00:00:00Z".parse()?;
    let refused = NewEntry {
        timestamp: before,
        ..entry("x", 0)
    };
    let error = harness
        .store
        .commit_cycle(&cycle(&tenant("acme"), vec![refused]))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Invalid, "{error}");
    let in_order: Vec<_> = harness
        .store
        .search_entries(&tenant("acme"), &Default::default(), None, 10)
        .await?
        .into_iter()
        .map(|entry| entry.timestamp)
        .collect();
    assert!(in_order.len() == 3 && in_order.is_sorted_by(|one, other| one > other));
    Ok(())
}

async fn scores_come_back_exactly(harness: Harness) -> anyhow::Result<()> {
    let odd = [
        0.0,
        -0.0,
        1.0,
        0.1 + 0.2,
        f64::MIN_POSITIVE,
        5e-324,
        1.0 - f64::EPSILON,
        0.999_999_940_395_355_2,
        1e300,
        -1.5,
    ];
    let cycle = cycle_of_texts(&tenant("acme"), odd.map(|score| score.to_string()));
    harness.store.commit_cycle(&cycle).await?;
    let outcomes = cycle
        .entries
        .iter()
        .zip(odd)
        .map(|(entry, score)| scored(&entry.id, "ERROR", score))
        .collect();
    harness.store.record_scores(&scores(None, 1, outcomes)).await?;
    let detections = harness
        .store
        .list_detections(&tenant("acme"), &Default::default(), None, 100)
        .await?;
    for (entry, score) in cycle.entries.iter().zip(odd) {
        let stored = harness.store.entry(&tenant("acme"), &entry.id).await?.unwrap();
        let ScoreState::Scored(stored) = stored.score else {
            panic!("{score} is not stored")
        };
        // -0 comes back as 0, which equals it; the bits of everything else are kept.
        assert_eq!(stored.score.to_bits(), (score + 0.0).to_bits(), "{score}");
        let detection = detections
            .iter()
            .find(|detection| detection.entry_id == entry.id)
            .unwrap();
        assert_eq!(detection.score.to_bits(), (score + 0.0).to_bits(), "{score}");
    }
    Ok(())
}

async fn scores_that_are_no_numbers_are_refused(harness: Harness) -> anyhow::Result<()> {
    let cycle = cycle_of_texts(&tenant("acme"), ["one", "two"]);
    harness.store.commit_cycle(&cycle).await?;
    for refused in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let outcomes = vec![
            scored(&cycle.entries[0].id, "ERROR", 0.9),
            scored(&cycle.entries[1].id, "ERROR", refused),
        ];
        let error = harness
            .store
            .record_scores(&scores(None, 1, outcomes))
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{error}");
    }
    assert_eq!(
        harness
            .store
            .stats_summary(&tenant("acme"))
            .await?
            .unscored_entries,
        2
    );
    Ok(())
}

async fn odd_names_come_back(harness: Harness) -> anyhow::Result<()> {
    let names = [
        "web-1/nginx",
        "with space",
        "quote'\"",
        "%_",
        "日本",
        "\u{202e}x",
        &"long".repeat(50),
    ];
    let entries = names.map(|name| NewEntry {
        source_id: SourceId::new(name).unwrap(),
        ..entry("x", 0)
    });
    let ids = entries.clone().map(|entry| entry.id);
    harness
        .store
        .commit_cycle(&cycle(&tenant("acme"), entries.to_vec()))
        .await?;
    for (id, name) in ids.iter().zip(names) {
        assert_eq!(
            harness
                .store
                .entry(&tenant("acme"), id)
                .await?
                .unwrap()
                .source_id
                .as_str(),
            name
        );
    }
    let mut expected: Vec<&str> = names.to_vec();
    // Names sort by bytes, whatever the database's language is.
    expected.sort_unstable();
    let sources = harness.store.sources(&tenant("acme")).await?;
    assert_eq!(
        sources
            .iter()
            .map(|source| source.source_id.as_str())
            .collect::<Vec<_>>(),
        expected
    );
    Ok(())
}

async fn every_field_comes_back(harness: Harness) -> anyhow::Result<()> {
    let bases = [
        TimestampBasis::Parsed,
        TimestampBasis::Inherited,
        TimestampBasis::Ingest,
    ];
    let mut severities: Vec<Option<Severity>> = Severity::ALL.map(Some).to_vec();
    severities.push(None);
    let entries: Vec<NewEntry> = severities
        .into_iter()
        .zip(bases.into_iter().cycle())
        .map(|(severity, timestamp_basis)| NewEntry {
            severity,
            timestamp_basis,
            ..entry("x", 7)
        })
        .collect();
    let cycle = cycle(&tenant("acme"), entries);
    harness.store.commit_cycle(&cycle).await?;
    for new in &cycle.entries {
        let stored = harness.store.entry(&tenant("acme"), &new.id).await?.unwrap();
        let back = NewEntry {
            id: stored.id,
            source_id: stored.source_id,
            text: stored.text,
            timestamp: stored.timestamp,
            timestamp_basis: stored.timestamp_basis,
            severity: stored.severity,
        };
        assert_eq!(&back, new);
        assert_eq!(
            (stored.tenant, stored.cycle_id, stored.ingest_time),
            (tenant("acme"), cycle.id.clone(), cycle.closed_at)
        );
        assert_eq!(stored.score, ScoreState::Unscored);
    }
    assert!(
        harness
            .store
            .entry(&tenant("acme"), &EntryId::new("missing")?)
            .await?
            .is_none()
    );
    Ok(())
}
