//! Lists of detections by each filter, by those that go together, and by those that match little.

use super::*;

pub(super) fn add(cases: &mut Cases) {
    type F = DetectionFilter;
    let none = F::default;
    cases.list("no filter", move |_, _| none());
    cases.list("unacknowledged", move |_, _| open(none()));
    cases.list("acknowledged", move |_, _| F {
        unacknowledged: Some(false),
        ..none()
    });
    cases.list("label", move |_, round| F {
        label: label(round),
        ..none()
    });
    cases.list("rare label", move |_, _| F {
        label: hardware(),
        ..none()
    });
    cases.list("severity", move |_, round| F {
        severity: severity(round),
        ..none()
    });
    cases.list("source", move |_, round| F {
        source_id: source(round),
        ..none()
    });
    cases.list("scorer", move |_, _| F {
        scorer: Some(SECOND_SCORER.into()),
        ..none()
    });
    cases.list("score at least 0.99", move |_, _| F {
        score_min: Some(0.99),
        ..none()
    });
    cases.list("score that hardly any has", move |_, _| F {
        score_min: Some(0.999_999_999),
        ..none()
    });
    cases.list("time window of an hour", move |world, round| {
        window(world, round, none())
    });
    cases.list("fingerprint", move |world, round| F {
        fingerprint: some_fingerprint(world, round),
        ..none()
    });
    cases.list("verdict", move |_, round| F {
        verdict: verdict(round),
        ..none()
    });
    cases.list("suppressed", move |_, _| F {
        suppressed: Some(true),
        ..none()
    });
    cases.list("text: word of one group", move |world, round| F {
        text: query(
            &world
                .corpus
                .tail_word(round as usize * 97 % world.corpus.groups()),
        ),
        ..none()
    });
    cases.list("text: word of every second detection", move |_, _| F {
        text: query(COMMON_WORD),
        ..none()
    });
    cases.list(
        "text: word of a third of all lines and no detection",
        move |_, _| F {
            text: query(USUAL_WORD),
            ..none()
        },
    );
    cases.list("text: word that is nowhere", move |_, _| F {
        text: query("nonesuch"),
        ..none()
    });
    cases.list("text, unacknowledged, label", move |_, round| F {
        text: query("reset"),
        label: label(round),
        ..open(none())
    });
    cases.list("one group", of_group);
    cases.list("one group, unacknowledged", move |world, round| {
        open(of_group(world, round))
    });
    cases.list("unacknowledged, severity", move |_, round| F {
        severity: severity(round),
        ..open(none())
    });
    cases.list("unacknowledged, label", move |_, round| F {
        label: label(round),
        ..open(none())
    });
    cases.list("unacknowledged, rare label", move |_, _| F {
        label: hardware(),
        ..open(none())
    });
    cases.list("unacknowledged, source", move |_, round| F {
        source_id: source(round),
        ..open(none())
    });
    cases.list("unacknowledged, scorer", move |_, _| F {
        scorer: Some(SECOND_SCORER.into()),
        ..open(none())
    });
    cases.list("unacknowledged, time window", move |world, round| {
        open(window(world, round, none()))
    });
    cases.list("unacknowledged, score", move |_, _| F {
        score_min: Some(0.99),
        ..open(none())
    });
    cases.list("unacknowledged, label, source", move |_, round| F {
        label: label(round),
        source_id: source(round + 1),
        ..open(none())
    });
    cases.list("label, source", move |_, round| F {
        label: label(round),
        source_id: source(round),
        ..none()
    });
    cases.list("label, source that has none of it", move |_, _| F {
        label: hardware(),
        source_id: source(0),
        ..none()
    });
    cases.list("label, severity of another label", move |_, _| F {
        label: label(0),
        severity: severity(0),
        ..none()
    });
    cases.list("severity, scorer", move |_, round| F {
        severity: severity(round),
        scorer: Some(SECOND_SCORER.into()),
        ..none()
    });
    cases.list("verdict, label", move |_, round| F {
        verdict: verdict(round),
        label: label(round),
        ..none()
    });
    cases.list("verdict, source", move |_, round| F {
        verdict: verdict(round),
        source_id: source(round),
        ..none()
    });
    cases.list("fingerprint, verdict", move |world, round| F {
        fingerprint: some_fingerprint(world, round),
        verdict: verdict(round),
        suppressed: Some(false),
        ..none()
    });
    cases.list_from("deep page", move |_, _| none(), deep);
    cases.list_from("deep page, unacknowledged", move |_, _| open(none()), deep);
    cases.list_from(
        "deep page, acknowledged",
        move |_, _| F {
            unacknowledged: Some(false),
            ..none()
        },
        deep,
    );
    cases.list_from(
        "deep page, label",
        move |_, round| F {
            label: label(round),
            ..none()
        },
        deep,
    );
    cases.list_from(
        "deep page, source, severity",
        move |_, round| F {
            source_id: source(round),
            severity: severity(round),
            ..none()
        },
        deep,
    );
    cases.add(
        "list",
        "verdicts, as training data",
        LIST_AIM,
        |world, round| async move {
            let after = deep(&world, round).filter(|_| round % 2 == 0);
            Ok(world
                .store
                .verdicts(&world.tenant, after.as_ref(), PAGE)
                .await?
                .len())
        },
    );
    cases.add("list", "one detection", LIST_AIM, |world, round| async move {
        let id = &world.detection(round).id;
        Ok(usize::from(
            world.store.detection(&world.tenant, id).await?.is_some(),
        ))
    });
    cases.add("list", "feed after a sequence", LIST_AIM, |world, _| async move {
        let last = world.store.last_detection_sequence().await?;
        Ok(world
            .store
            .detections_after(last - i64::from(PAGE), PAGE)
            .await?
            .len())
    });
}

fn window(world: &World, round: u64, filter: DetectionFilter) -> DetectionFilter {
    let from = world.instant(round);
    DetectionFilter {
        detected_from: Some(from),
        detected_until: Some(from + Duration::from_secs(3_600)),
        ..filter
    }
}

fn of_group(world: &World, round: u64) -> DetectionFilter {
    let detection = world.detection(round);
    DetectionFilter {
        source_id: Some(detection.source_id.clone()),
        label: Some(detection.label.clone()),
        fingerprint: detection.fingerprint.clone(),
        ..DetectionFilter::default()
    }
}
