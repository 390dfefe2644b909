//! Counts by time: timelines, breakdowns and the health of sources, all made of kept counts.

use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{
    AcknowledgeRequest, DetectionFilter, DetectionSelection, ImportChunk, StoreErrorKind,
    TIMELINE_BUCKETS_MAX, TimelineBucket, TimelineRequest,
};
use turnstone_types::{CycleId, Label, NewCycle, Severity, TimestampBasis, Verdict};

crate::cases![
    timelines_count_what_came_in,
    timelines_refuse_what_they_cannot_answer,
    a_breakdown_counts_by_everything,
    the_rate_of_a_source_is_beside_its_usual_one,
    minutes_are_pruned_and_hours_stay,
    counts_are_made_once,
];

const HOUR: i64 = 3_600;

/// A cycle that came in at a second, of `count` lines of a source with a severity.
fn lines(name: &str, count: usize, severity: Option<Severity>, second: i64) -> NewCycle {
    let entries = (0..count)
        .map(|number| {
            let mut entry = entry(&format!("line {number}"), number as i64);
            entry.source_id = source(name);
            entry.severity = severity;
            entry
        })
        .collect();
    let mut cycle = cycle(&tenant("acme"), entries);
    cycle.closed_at = at(second);
    cycle
}

fn span(from: i64, until: i64, bucket_seconds: u32) -> TimelineRequest {
    TimelineRequest {
        from: at(from),
        until: at(until),
        bucket_seconds,
        source_id: None,
    }
}

async fn timelines_count_what_came_in(harness: Harness) -> anyhow::Result<()> {
    let store = &harness.store;
    store.commit_cycle(&lines("web", 3, None, 0)).await?;
    store
        .commit_cycle(&lines("web", 2, Some(Severity::Error), 59))
        .await?;
    store
        .commit_cycle(&lines("db", 4, Some(Severity::Info), 60))
        .await?;
    store.commit_cycle(&lines("db", 5, None, HOUR)).await?;
    detections_of_texts(store.as_ref(), &tenant("acme"), &["a", "b"], "ERROR", 61).await?;
    detections_of_texts(store.as_ref(), &tenant("other"), &["theirs"], "ERROR", 61).await?;
    detections_of_texts(
        store.as_ref(),
        &tenant(""),
        &["shared"],
        "SYSTEM_FAILURE",
        2 * HOUR,
    )
    .await?;
    // The two of acme and the shared one came in at the start of the fixtures.
    let bucket =
        |second, entries: &[(Option<Severity>, u64)], detections: &[(Severity, u64)]| TimelineBucket {
            start: at(second),
            entries: entries.to_vec(),
            detections: detections.to_vec(),
        };
    let minutes = store.timeline(&tenant("acme"), &span(0, 3 * HOUR, 60)).await?;
    assert_eq!(
        minutes,
        [
            bucket(0, &[(Some(Severity::Error), 2), (None, 6)], &[]),
            bucket(60, &[(Some(Severity::Info), 4)], &[(Severity::Error, 2)]),
            bucket(HOUR, &[(None, 5)], &[]),
            bucket(2 * HOUR, &[], &[(Severity::Critical, 1)]),
        ]
    );
    let hours = store.timeline(&tenant("acme"), &span(0, 3 * HOUR, 3_600)).await?;
    assert_eq!(
        hours[0],
        bucket(
            0,
            &[(Some(Severity::Info), 4), (Some(Severity::Error), 2), (None, 6)],
            &[(Severity::Error, 2)]
        )
    );
    assert_eq!(hours.len(), 3);
    let longer = store.timeline(&tenant("acme"), &span(0, 3 * HOUR, 300)).await?;
    assert_eq!(longer[0].start, at(0));
    assert_eq!(longer.len(), 3);
    let of_db = TimelineRequest {
        source_id: Some(source("db")),
        ..span(0, 3 * HOUR, 60)
    };
    let of_db = store.timeline(&tenant("acme"), &of_db).await?;
    assert_eq!(of_db.len(), 2);
    // From the bucket of the first instant to the one of the last.
    assert_eq!(store.timeline(&tenant("acme"), &span(59, 61, 60)).await?.len(), 2);
    assert_eq!(
        store.timeline(&tenant("acme"), &span(60, 120, 60)).await?.len(),
        1
    );
    Ok(())
}

async fn timelines_refuse_what_they_cannot_answer(harness: Harness) -> anyhow::Result<()> {
    let too_many = span(0, (i64::from(TIMELINE_BUCKETS_MAX) + 1) * 60, 60);
    for request in [span(0, 60, 0), span(0, 60, 30), span(0, 60, 90), too_many] {
        let error = harness
            .store
            .timeline(&tenant("acme"), &request)
            .await
            .unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Invalid, "{error}");
    }
    assert!(
        harness
            .store
            .timeline(&tenant("acme"), &span(60, 0, 60))
            .await?
            .is_empty()
    );
    Ok(())
}

async fn a_breakdown_counts_by_everything(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    store
        .commit_cycle(&lines("db", 4, Some(Severity::Info), 0))
        .await?;
    detections_of_texts(store, &tenant("acme"), &["a", "b", "c", "d"], "ERROR", 10).await?;
    detections_of_texts(store, &tenant(""), &["e"], "SYSTEM_FAILURE", 20).await?;
    let found = store
        .list_detections(&tenant("acme"), &DetectionFilter::default(), None, 10)
        .await?;
    let say = async |place: usize, verdict| {
        let one = DetectionSelection::Ids(vec![found[place].id.clone()]);
        let request = AcknowledgeRequest {
            verdict,
            ..AcknowledgeRequest::new(tenant("acme"), one, at(30))
        };
        store.acknowledge(&request).await
    };
    say(1, Some(Verdict::FalsePositive)).await?;
    say(2, Some(Verdict::TruePositive)).await?;
    say(3, None).await?;
    let stats = store.stats_breakdown(&tenant("acme"), at(30)).await?;
    assert_eq!(stats.entries_by_severity, [(Some(Severity::Info), 4), (None, 5)]);
    assert_eq!(stats.entries_by_source, [(source("db"), 4), (source("web"), 5)]);
    assert_eq!((stats.all.detections, stats.all.open), (5, 2));
    assert_eq!(stats.all.false_positive_rate(), Some(0.5));
    let labels: Vec<_> = stats
        .by_label
        .iter()
        .map(|(label, tally)| {
            (
                label.as_str(),
                tally.detections,
                tally.open,
                tally.false_positive_rate(),
            )
        })
        .collect();
    assert_eq!(
        labels,
        [("ERROR", 4, 1, Some(0.5)), ("SYSTEM_FAILURE", 1, 1, None)]
    );
    let severities: Vec<_> = stats
        .by_severity
        .iter()
        .map(|(severity, tally)| (*severity, tally.detections))
        .collect();
    assert_eq!(severities, [(Severity::Error, 4), (Severity::Critical, 1)]);
    assert_eq!(stats.by_source, [(source("web"), stats.all)]);
    assert_eq!(stats.hours.len(), 24);
    let last = stats.hours[23];
    assert_eq!((last.start, last.entries, last.detections), (at(0), 9, 5));
    assert_eq!(stats.hours[0].start, at(-23 * HOUR));
    // An hour later it is the one before the last.
    let later = store.stats_breakdown(&tenant("acme"), at(HOUR)).await?;
    assert_eq!((later.hours[22].entries, later.hours[23].entries), (9, 0));
    assert_eq!(
        store
            .stats_breakdown(&tenant("nobody"), at(0))
            .await?
            .all
            .detections,
        1,
        "the shared one"
    );
    let by_label = store.stats_summary(&tenant("acme")).await?.labels;
    assert_eq!(
        (
            by_label[0].label.clone(),
            by_label[0].open,
            by_label[0].acknowledged
        ),
        (Label::new("ERROR"), 1, 3)
    );
    Ok(())
}

async fn the_rate_of_a_source_is_beside_its_usual_one(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    // The fixtures start at noon. The day before it was 72 lines at this hour, and 36 in the one before.
    store
        .commit_cycle(&lines("web", 72, None, -24 * HOUR + 5))
        .await?;
    store.commit_cycle(&lines("web", 36, None, -25 * HOUR)).await?;
    let mut now = lines("web", 30, Some(Severity::Error), 300);
    for undated in &mut now.entries[..6] {
        undated.timestamp_basis = TimestampBasis::Inherited;
    }
    store.commit_cycle(&now).await?;
    store.commit_cycle(&lines("web", 30, None, 0)).await?;
    let health = store.source_health(&tenant("acme"), at(600)).await?;
    assert_eq!(health.len(), 1);
    let web = &health[0];
    assert_eq!((web.tenant.as_str(), web.source_id.as_str()), ("acme", "web"));
    assert_eq!(web.lines_per_second, 30.0 / 300.0);
    assert_eq!(web.usual_lines_per_second, Some(72.0 / 3_600.0));
    assert_eq!((web.error_share, web.undated_share), (Some(0.5), Some(0.1)));
    // Silent for hours: no shares, a rate of nothing beside a usual one.
    let silent = store
        .source_health(&tenant("acme"), at(5 * HOUR))
        .await?
        .remove(0);
    assert_eq!(
        (silent.lines_per_second, silent.error_share, silent.undated_share),
        (0.0, None, None)
    );
    assert!(
        silent.usual_lines_per_second.unwrap() > 0.0,
        "of all hours, since there was none at this one"
    );
    // New: nothing is usual yet.
    store.commit_cycle(&lines("new", 1, None, 5 * HOUR)).await?;
    let new = store
        .source_health(&tenant("acme"), at(5 * HOUR + 60))
        .await?
        .remove(0);
    assert_eq!(
        (new.source_id.as_str(), new.usual_lines_per_second),
        ("new", None)
    );
    Ok(())
}

async fn minutes_are_pruned_and_hours_stay(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["a"], "ERROR", 0).await?;
    store.commit_cycle(&lines("web", 1, None, HOUR)).await?;
    assert_eq!(store.prune_counts(at(0)).await?, 0);
    assert_eq!(
        store.prune_counts(at(60)).await?,
        2,
        "a minute of entries and one of detections"
    );
    let minutes = store.timeline(&tenant("acme"), &span(0, 2 * HOUR, 60)).await?;
    assert_eq!(minutes.len(), 1);
    let hours = store.timeline(&tenant("acme"), &span(0, 2 * HOUR, 3_600)).await?;
    assert_eq!(hours.len(), 2);
    assert_eq!(
        store
            .stats_breakdown(&tenant("acme"), at(0))
            .await?
            .entries_by_severity,
        [(None, 2)]
    );
    Ok(())
}

async fn counts_are_made_once(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let cycle = lines("web", 3, None, 0);
    assert!(store.commit_cycle(&cycle).await?);
    assert!(!store.commit_cycle(&cycle).await?);
    let recorded = scores(None, 5, vec![scored(&cycle.entries[0].id, "ERROR", 0.9)]);
    store.record_scores(&recorded).await?;
    store.record_scores(&recorded).await?;
    let foreign = foreign_entry("foreign", &tenant("acme"), "old", 9);
    let detection = foreign_detection("foreign", &foreign, 9);
    for _ in 0..2 {
        let chunk = ImportChunk {
            cycle_id: CycleId::generate(),
            tenant: tenant("acme"),
            entries: vec![foreign.clone()],
            detections: vec![detection.clone()],
            batch_entries_max: 10,
            at: at(0),
        };
        store.import(&chunk).await?;
    }
    let all = store.timeline(&tenant("acme"), &span(0, 60, 60)).await?;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].entries, [(None, 4)]);
    assert_eq!(all[0].detections, [(Severity::Error, 1), (Severity::Critical, 1)]);
    assert_eq!(store.stats_summary(&tenant("acme")).await?.entries, 4);
    Ok(())
}
