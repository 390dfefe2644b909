//! Counts for the dashboard and the health of sources.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionSelection, LabelCount, SourceSummary, StatsSummary,
};
use turnstone_types::{Label, Severity};

crate::cases![
    an_empty_store_counts_nothing,
    counts_follow_the_rows,
    timeline_holds_recent_open_criticals,
    sources_add_up_and_show_faults
];

async fn an_empty_store_counts_nothing(harness: Harness) -> anyhow::Result<()> {
    assert_eq!(
        harness.store.stats_summary(&tenant("acme")).await?,
        StatsSummary::default()
    );
    assert!(harness.store.sources(&tenant("acme")).await?.is_empty());
    Ok(())
}

async fn counts_follow_the_rows(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut late = cycle_of_texts(&tenant("acme"), ["a", "b", "c", "d", "e"]);
    late.closed_at = at(100);
    store.commit_cycle(&late).await?;
    let mut early = cycle_of_texts(&tenant(""), ["shared"]);
    early.closed_at = at(50);
    store.commit_cycle(&early).await?;
    store
        .commit_cycle(&cycle_of_texts(&tenant("other"), ["x", "y"]))
        .await?;
    let ids: Vec<_> = late.entries.iter().map(|entry| &entry.id).collect();
    let outcomes = vec![
        scored(ids[0], "ERROR", 0.9),
        scored(ids[1], "ERROR", 0.9),
        scored(ids[2], "CRITICAL", 0.9),
        quarantined(ids[3], "odd"),
    ];
    store.record_scores(&scores(None, 200, outcomes)).await?;
    let errors = DetectionFilter {
        label: Some(Label::new("ERROR")),
        ..DetectionFilter::default()
    };
    let one = store
        .list_detections(&tenant("acme"), &errors, None, 1)
        .await?
        .remove(0)
        .id;
    let request = AcknowledgeRequest {
        tenant: tenant("acme"),
        selection: DetectionSelection::Ids(vec![one]),
        notes: String::new(),
        at: at(300),
        verdict: None,
        by: String::new(),
        dry_run: false,
    };
    store.acknowledge(&request).await?;

    let stats = store.stats_summary(&tenant("acme")).await?;
    assert_eq!(
        (stats.entries, stats.unscored_entries, stats.quarantined_entries),
        (6, 2, 1)
    );
    assert_eq!(stats.oldest_unscored_at, Some(at(50)));
    let expected = [
        LabelCount {
            label: Label::new("CRITICAL"),
            severity: Severity::Critical,
            open: 1,
            acknowledged: 0,
        },
        LabelCount {
            label: Label::new("ERROR"),
            severity: Severity::Error,
            open: 1,
            acknowledged: 1,
        },
    ];
    assert_eq!(stats.labels, expected);
    Ok(())
}

async fn timeline_holds_recent_open_criticals(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    for second in 0..25 {
        let name = if second % 2 == 0 { "acme" } else { "" };
        detections_of_texts(
            store.as_ref(),
            &tenant(name),
            &[&format!("down {second}")],
            "SYSTEM_FAILURE",
            second,
        )
        .await?;
    }
    detections_of_texts(store.as_ref(), &tenant("acme"), &["only an error"], "ERROR", 100).await?;
    detections_of_texts(
        store.as_ref(),
        &tenant("other"),
        &["theirs"],
        "SYSTEM_FAILURE",
        100,
    )
    .await?;
    let newest = store
        .list_detections(
            &tenant("acme"),
            &DetectionFilter {
                severity: Some(Severity::Critical),
                ..DetectionFilter::default()
            },
            None,
            1,
        )
        .await?;
    let request = AcknowledgeRequest {
        tenant: tenant("acme"),
        selection: DetectionSelection::Ids(vec![newest[0].id.clone()]),
        notes: String::new(),
        at: at(200),
        verdict: None,
        by: String::new(),
        dry_run: false,
    };
    store.acknowledge(&request).await?;
    let timeline = store.stats_summary(&tenant("acme")).await?.timeline_events;
    let texts: Vec<_> = timeline.iter().map(|event| event.text.clone()).collect();
    assert_eq!(
        texts,
        (4..24)
            .rev()
            .map(|second| format!("down {second}"))
            .collect::<Vec<_>>()
    );
    let event = &timeline[0];
    assert_eq!(
        (event.source_id.as_str(), event.label.as_str(), event.severity),
        ("web", "SYSTEM_FAILURE", Severity::Critical)
    );
    assert_eq!(event.timestamp, start(), "the time of the entry");
    assert!(store.entry(&tenant("acme"), &event.entry_id).await?.is_some());
    Ok(())
}

async fn sources_add_up_and_show_faults(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    let mut first = cycle_of_texts(&tenant("acme"), ["a", "bb"]);
    first.sources[0].undated_entries = 1;
    first.sources[0].repaired_lines = 2;
    first.sources[0].truncated_lines = 3;
    first.sources[0].fault = Some("permission denied".into());
    store.commit_cycle(&first).await?;
    let expected = SourceSummary {
        tenant: tenant("acme"),
        source_id: source("web"),
        kind: "files".into(),
        entries: 2,
        bytes: 5,
        undated_entries: 1,
        repaired_lines: 2,
        truncated_lines: 3,
        last_entry_at: Some(at(1)),
        last_gleaned_at: Some(start()),
        fault: Some("permission denied".into()),
    };
    assert_eq!(
        store.sources(&tenant("acme")).await?,
        std::slice::from_ref(&expected)
    );

    // Nothing new from it, but a new fault: the times stay.
    let mut faulty = cycle(&tenant("acme"), Vec::new());
    faulty.closed_at = at(60);
    faulty.sources = vec![first.sources[0].clone()];
    faulty.sources[0].fault = Some("gone".into());
    faulty.sources[0].entries = 0;
    faulty.sources[0].bytes = 0;
    faulty.sources[0].last_entry_at = None;
    store.commit_cycle(&faulty).await?;
    let now = SourceSummary {
        fault: Some("gone".into()),
        undated_entries: 2,
        repaired_lines: 4,
        truncated_lines: 6,
        ..expected
    };
    assert_eq!(store.sources(&tenant("acme")).await?, std::slice::from_ref(&now));

    // An older entry does not move the newest time back; a cycle without a fault clears it.
    let mut older = cycle(&tenant("acme"), vec![entry("ccc", -100)]);
    older.closed_at = at(120);
    store.commit_cycle(&older).await?;
    let now = SourceSummary {
        fault: None,
        entries: 3,
        bytes: 9,
        last_gleaned_at: Some(at(120)),
        ..now
    };
    assert_eq!(store.sources(&tenant("acme")).await?, [now]);

    // A source that never brought anything shows its fault.
    let mut never = cycle(&tenant(""), Vec::new());
    never.sources = vec![faulty.sources[0].clone()];
    never.sources[0].source_id = source("app");
    store.commit_cycle(&never).await?;
    let sources = store.sources(&tenant("acme")).await?;
    assert_eq!(sources.len(), 2);
    assert_eq!(
        (
            sources[0].source_id.as_str(),
            sources[0].last_entry_at,
            sources[0].last_gleaned_at
        ),
        ("app", None, None)
    );
    assert_eq!(sources[0].fault.as_deref(), Some("gone"));
    Ok(())
}
