//! Groups of detections by each filter.

use super::*;

pub(super) fn add(cases: &mut Cases) {
    type F = GroupFilter;
    let none = F::default;
    cases.groups("no filter", move |_, _| none(), |_, _| None);
    cases.groups("open", |_, _| open_groups(), |_, _| None);
    cases.groups(
        "none open",
        move |_, _| F {
            unacknowledged: Some(false),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "label",
        move |_, round| F {
            label: label(round),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "severity",
        move |_, round| F {
            severity: severity(round),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "source",
        move |_, round| F {
            source_id: source(round),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "fingerprint",
        move |world, round| F {
            fingerprint: some_fingerprint(world, round),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "scorer",
        move |_, _| F {
            scorer: Some(SECOND_SCORER.into()),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "scorer that has none",
        move |_, _| F {
            scorer: Some("nobody".into()),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "verdict",
        move |_, round| F {
            verdict: verdict(round),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "first seen in an hour",
        move |world, round| {
            let from = world.instant(round);
            F {
                first_seen_from: Some(from),
                first_seen_until: Some(from + Duration::from_secs(3_600)),
                ..none()
            }
        },
        |_, _| None,
    );
    cases.groups(
        "last seen in an hour",
        move |world, round| {
            let from = world.instant(round);
            F {
                seen_from: Some(from),
                seen_until: Some(from + Duration::from_secs(3_600)),
                ..none()
            }
        },
        |_, _| None,
    );
    cases.groups(
        "score",
        move |_, _| F {
            score_min: Some(0.999_9),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "suppressed",
        move |_, _| F {
            suppressed: Some(true),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "text: word of one group",
        move |world, round| F {
            text: query(
                &world
                    .corpus
                    .tail_word(round as usize * 97 % world.corpus.groups()),
            ),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "text: word of every second detection",
        move |_, _| F {
            text: query(COMMON_WORD),
            ..none()
        },
        |_, _| None,
    );
    cases.groups(
        "open, severity",
        |_, round| F {
            severity: severity(round),
            ..open_groups()
        },
        |_, _| None,
    );
    cases.groups(
        "open, label, source",
        |_, round| F {
            label: label(round),
            source_id: source(round + 1),
            ..open_groups()
        },
        |_, _| None,
    );
    cases.groups(
        "label, source that has none of it",
        move |_, _| F {
            label: hardware(),
            source_id: source(0),
            ..none()
        },
        |_, _| None,
    );
    cases.groups("deep page", move |_, _| none(), deep);
    cases.groups("deep page, open", |_, _| open_groups(), deep);
}
