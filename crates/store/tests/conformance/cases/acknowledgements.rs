//! Acknowledgements as operations: by ids, filter and group, counted first, undone, and the quiet time of groups.

use super::drift::assert_no_drift;
use super::groups::groups;
use crate::backends::Harness;
use crate::fixtures::*;
use turnstone_store::{
    AcknowledgeRequest, Acknowledged, DetectionFilter, DetectionSelection, GroupFilter, GroupUntil, Store,
    StoreErrorKind, Undone,
};
use turnstone_types::{AcknowledgementId, Detection, DetectionId, Verdict};

crate::cases![
    a_dry_run_only_counts,
    an_operation_is_undone_as_a_whole,
    undoing_leaves_later_changes_alone,
    undoing_in_any_order_comes_back_to_open,
    undoing_is_for_whoever_acknowledged,
    a_group_is_acknowledged_up_to_a_moment,
    a_quiet_group_stays_acknowledged,
    undoing_a_group_ends_its_quiet_time,
    many_by_filter_are_one_operation,
];

async fn all(store: &dyn Store) -> anyhow::Result<Vec<Detection>> {
    Ok(store
        .list_detections(&tenant("acme"), &DetectionFilter::default(), None, 1_000)
        .await?)
}

fn request(selection: DetectionSelection, notes: &str, verdict: Verdict, second: i64) -> AcknowledgeRequest {
    AcknowledgeRequest {
        verdict: Some(verdict),
        notes: notes.into(),
        by: "ann".into(),
        ..AcknowledgeRequest::new(tenant("acme"), selection, at(second))
    }
}

fn ids(detections: &[Detection]) -> DetectionSelection {
    DetectionSelection::Ids(detections.iter().map(|detection| detection.id.clone()).collect())
}

async fn undo(store: &dyn Store, done: &Acknowledged) -> anyhow::Result<Undone> {
    let id = done.operation_id.as_ref().unwrap();
    Ok(store
        .undo_acknowledge(&tenant("acme"), id, at(900))
        .await?
        .unwrap())
}

async fn a_dry_run_only_counts(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["a", "b", "c"], "ERROR", 1).await?;
    detections_of_texts(store, &tenant("other"), &["theirs"], "ERROR", 1).await?;
    let before = all(store).await?;
    let group = groups(store, &GroupFilter::default()).await?.remove(0);
    let selections = [
        (ids(&before[..2]), 2),
        (DetectionSelection::Filter(DetectionFilter::default()), 3),
        (
            DetectionSelection::Groups(vec![GroupUntil {
                key: group.key.clone(),
                until: at(1),
            }]),
            1,
        ),
        (
            DetectionSelection::Groups(vec![GroupUntil {
                key: group.key,
                until: at(0),
            }]),
            0,
        ),
        (DetectionSelection::Groups(Vec::new()), 0),
    ];
    for (selection, expected) in selections {
        let mut dry = request(selection, "", Verdict::Expected, 5);
        dry.dry_run = true;
        let done = store.acknowledge(&dry).await?;
        assert_eq!(
            done,
            Acknowledged {
                count: expected,
                operation_id: None
            }
        );
    }
    assert_eq!(all(store).await?, before);
    Ok(())
}

async fn an_operation_is_undone_as_a_whole(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["a", "b", "c"], "ERROR", 1).await?;
    let open = all(store).await?;
    let first = store
        .acknowledge(&request(ids(&open[..1]), "first", Verdict::TruePositive, 5))
        .await?;
    let before = all(store).await?;
    let done = store
        .acknowledge(&request(ids(&open), "second", Verdict::FalsePositive, 6))
        .await?;
    assert_eq!(done.count, 3);
    let changed = all(store).await?;
    assert!(changed.iter().all(|detection| {
        detection.acknowledged
            && detection.notes == "second"
            && detection.verdict == Some(Verdict::FalsePositive)
            && detection.acknowledged_at == Some(at(6))
            && detection.acknowledgement_id == done.operation_id
    }));
    let undone = Undone {
        restored: 3,
        left_alone: 0,
    };
    assert_eq!(undo(store, &done).await?, undone);
    assert_eq!(
        all(store).await?,
        before,
        "note, verdict and time of the first are back"
    );
    assert_eq!(undo(store, &done).await?, undone, "asked again, the same answer");
    assert_eq!(all(store).await?, before);
    assert_eq!(
        undo(store, &first).await?,
        Undone {
            restored: 1,
            left_alone: 0
        }
    );
    assert_eq!(all(store).await?, open);
    let who = "SELECT COUNT(*) FROM acknowledgements WHERE acknowledged_by = 'ann' AND undone_at IS NOT NULL";
    assert_eq!(harness.sql.scalar(who).await?.as_deref(), Some("2"));
    let nothing = store
        .acknowledge(&request(
            DetectionSelection::Ids(Vec::new()),
            "",
            Verdict::Expected,
            7,
        ))
        .await?;
    assert_eq!(
        nothing,
        Acknowledged {
            count: 0,
            operation_id: None
        }
    );
    let mut odd = request(ids(&open), "", Verdict::Expected, 7);
    odd.by = "a\0b".into();
    assert_eq!(
        store.acknowledge(&odd).await.unwrap_err().kind,
        StoreErrorKind::Invalid
    );
    Ok(())
}

async fn undoing_leaves_later_changes_alone(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["a", "b", "c"], "ERROR", 1).await?;
    let open = all(store).await?;
    let done = store
        .acknowledge(&request(ids(&open), "all", Verdict::Expected, 5))
        .await?;
    store
        .acknowledge(&request(ids(&open[..1]), "later", Verdict::TruePositive, 6))
        .await?;
    store.unacknowledge(&tenant("acme"), &ids(&open[1..2])).await?;
    assert_eq!(
        undo(store, &done).await?,
        Undone {
            restored: 1,
            left_alone: 2
        }
    );
    let now = all(store).await?;
    assert_eq!((now[0].notes.as_str(), now[0].acknowledged), ("later", true));
    assert_eq!(now[1..], open[1..]);
    assert_no_drift(&harness, "undo").await
}

async fn undoing_in_any_order_comes_back_to_open(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["a"], "ERROR", 1).await?;
    let open = all(store).await?;
    let first = store
        .acknowledge(&request(ids(&open), "first", Verdict::Expected, 5))
        .await?;
    let second = store
        .acknowledge(&request(ids(&open), "second", Verdict::Expected, 6))
        .await?;
    let left = Undone {
        restored: 0,
        left_alone: 1,
    };
    assert_eq!(
        undo(store, &first).await?,
        left,
        "the second has changed it since"
    );
    assert_eq!(all(store).await?[0].notes, "second");
    assert_eq!(
        undo(store, &second).await?,
        Undone {
            restored: 1,
            left_alone: 0
        }
    );
    assert_eq!(all(store).await?[0].notes, "first", "the state before the second");
    Ok(())
}

async fn undoing_is_for_whoever_acknowledged(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    detections_of_texts(store, &tenant("acme"), &["a"], "ERROR", 1).await?;
    let open = all(store).await?;
    let done = store
        .acknowledge(&request(ids(&open), "", Verdict::Expected, 5))
        .await?;
    let id = done.operation_id.as_ref().unwrap();
    assert_eq!(store.undo_acknowledge(&tenant("other"), id, at(6)).await?, None);
    assert_eq!(
        store
            .undo_acknowledge(&tenant("acme"), &AcknowledgementId::generate(), at(6))
            .await?,
        None
    );
    assert!(all(store).await?[0].acknowledged);
    Ok(())
}

async fn a_group_is_acknowledged_up_to_a_moment(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for second in [10, 20, 30] {
        detections_of_texts(
            store,
            &tenant("acme"),
            &["job 1 failed", "disk full"],
            "ERROR",
            second,
        )
        .await?;
    }
    let listed = groups(store, &GroupFilter::default()).await?;
    let jobs = listed
        .iter()
        .find(|group| group.newest.text == "job 1 failed")
        .unwrap()
        .key
        .clone();
    let until = |second| {
        DetectionSelection::Groups(vec![GroupUntil {
            key: jobs.clone(),
            until: at(second),
        }])
    };
    let done = store
        .acknowledge(&request(until(20), "known", Verdict::Expected, 31))
        .await?;
    assert_eq!(done.count, 2);
    let of_jobs = async || -> anyhow::Result<_> {
        let filter = GroupFilter {
            fingerprint: Some(jobs.fingerprint.clone()),
            ..GroupFilter::default()
        };
        let group = groups(store, &filter).await?.remove(0);
        Ok((group.detections, group.open, group.acknowledged_until))
    };
    assert_eq!(of_jobs().await?, (3, 1, Some(at(20))));
    let later = store
        .acknowledge(&request(until(40), "all of it", Verdict::Expected, 41))
        .await?;
    assert_eq!(later.count, 1, "the others keep their note");
    assert_eq!(of_jobs().await?, (3, 0, Some(at(40))));
    // It opens again when it recurs.
    detections_of_texts(store, &tenant("acme"), &["job 7 failed"], "ERROR", 50).await?;
    assert_eq!(of_jobs().await?, (4, 1, Some(at(40))));
    let open = GroupFilter {
        unacknowledged: Some(true),
        ..GroupFilter::default()
    };
    assert_eq!(groups(store, &open).await?.len(), 2);
    assert_eq!(
        undo(store, &later).await?,
        Undone {
            restored: 1,
            left_alone: 0
        }
    );
    assert_eq!(
        of_jobs().await?,
        (4, 2, Some(at(20))),
        "as the operation before it left it"
    );
    assert_eq!(
        undo(store, &done).await?,
        Undone {
            restored: 2,
            left_alone: 0
        }
    );
    assert_eq!(of_jobs().await?, (4, 4, None));
    // Another tenant's group is out of reach.
    let mut foreign = request(until(100), "", Verdict::Expected, 60);
    foreign.tenant = tenant("other");
    assert_eq!(
        store.acknowledge(&foreign).await?,
        Acknowledged {
            count: 0,
            operation_id: None
        }
    );
    assert_eq!(of_jobs().await?, (4, 4, None));
    assert_no_drift(&harness, "groups acknowledged").await
}

/// Makes a detection at a second with a quiet time.
async fn recur(store: &dyn Store, text: &str, second: i64, quiet_seconds: u32) -> anyhow::Result<Detection> {
    let cycle = cycle_of_texts(&tenant("acme"), [text]);
    store.commit_cycle(&cycle).await?;
    let mut scores = scores(None, second, vec![scored(&cycle.entries[0].id, "ERROR", 0.9)]);
    scores.quiet_seconds = quiet_seconds;
    store.record_scores(&scores).await?;
    let found = all(store).await?;
    Ok(found
        .into_iter()
        .find(|detection| detection.entry_id == cycle.entries[0].id)
        .unwrap())
}

async fn a_quiet_group_stays_acknowledged(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    let first = recur(store, "job 1 failed", 10, 0).await?;
    let group = groups(store, &GroupFilter::default()).await?.remove(0);
    let selection = DetectionSelection::Groups(vec![GroupUntil {
        key: group.key,
        until: at(10),
    }]);
    let done = store
        .acknowledge(&request(selection, "planned", Verdict::Expected, 100))
        .await?;
    let within = recur(store, "job 2 failed", 159, 60).await?;
    assert_eq!(
        (
            within.acknowledged,
            within.acknowledged_at,
            within.notes.as_str(),
            within.verdict
        ),
        (true, Some(at(159)), "planned", Some(Verdict::Expected))
    );
    assert_eq!(within.acknowledgement_id, done.operation_id);
    assert!(!within.suppressed);
    assert!(
        !recur(store, "job 3 failed", 160, 60).await?.acknowledged,
        "the quiet time is over"
    );
    assert!(
        !recur(store, "job 4 failed", 120, 0).await?.acknowledged,
        "no quiet time was asked for"
    );
    assert!(
        !recur(store, "disk full", 120, 60).await?.acknowledged,
        "another group"
    );
    assert_eq!(
        undo(store, &done).await?,
        Undone {
            restored: 2,
            left_alone: 0
        }
    );
    assert_eq!(
        all(store)
            .await?
            .iter()
            .filter(|detection| detection.acknowledged)
            .count(),
        0
    );
    assert_eq!(store.detection(&tenant("acme"), &first.id).await?.unwrap(), first);
    assert_no_drift(&harness, "quiet").await
}

async fn undoing_a_group_ends_its_quiet_time(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    recur(store, "job 1 failed", 10, 0).await?;
    let group = groups(store, &GroupFilter::default()).await?.remove(0);
    let selection = DetectionSelection::Groups(vec![GroupUntil {
        key: group.key,
        until: at(10),
    }]);
    let done = store
        .acknowledge(&request(selection, "oops", Verdict::Expected, 100))
        .await?;
    undo(store, &done).await?;
    assert!(!recur(store, "job 2 failed", 110, 60).await?.acknowledged);
    Ok(())
}

async fn many_by_filter_are_one_operation(harness: Harness) -> anyhow::Result<()> {
    let store = harness.store.as_ref();
    for second in 0..12 {
        let texts: Vec<String> = (0..1_000)
            .map(|number| format!("worker {} job {number} failed", second % 3))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        detections_of_texts(store, &tenant("acme"), &texts, "ERROR", second).await?;
    }
    // A connection that keeps the plan of a single row must not use it for thousands.
    let one = ids(&all(store).await?[..1]);
    for _ in 0..4 {
        let done = store
            .acknowledge(&request(one.clone(), "one", Verdict::Expected, 40))
            .await?;
        undo(store, &done).await?;
    }
    let everything = || DetectionSelection::Filter(DetectionFilter::default());
    let done = store
        .acknowledge(&request(everything(), "flood", Verdict::FalsePositive, 50))
        .await?;
    assert_eq!(done.count, 12_000);
    assert_no_drift(&harness, "many").await?;
    assert_eq!(
        undo(store, &done).await?,
        Undone {
            restored: 12_000,
            left_alone: 0
        }
    );
    assert_no_drift(&harness, "many undone").await?;
    let unknown = DetectionSelection::Ids(vec![DetectionId::new("' OR ''='")?]);
    assert_eq!(
        store
            .acknowledge(&request(unknown, "", Verdict::Expected, 60))
            .await?
            .count,
        0
    );
    Ok(())
}
