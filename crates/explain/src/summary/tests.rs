//! Checks the sentences of the evidence summary and that each reference names a line that is there.

use super::*;
use crate::context::{ContextInput, ContextOptions};
use crate::input::Line;
use turnstone_types::{Detection, DetectionId, Label, SourceId, TenantId};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_372_800 + second).unwrap()
}

fn id(name: &str) -> EntryId {
    EntryId::new(name).unwrap()
}

fn line(name: &str, second: i64, severity: Option<Severity>, text: &str) -> Line {
    Line {
        entry_id: id(name),
        source_id: SourceId::new("bastion-auth").unwrap(),
        timestamp: at(second),
        text: text.to_owned(),
        severity,
        score: None,
    }
}

fn context(label: &str) -> Context {
    let entry = line(
        "t",
        0,
        None,
        "sshd[7]: Failed password for invalid user admin from 203.0.113.9 port 51812 ssh2",
    );
    let detection = Detection {
        id: DetectionId::new("d").unwrap(),
        tenant: TenantId::shared(),
        entry_id: entry.entry_id.clone(),
        source_id: entry.source_id.clone(),
        scorer: "mini".to_owned(),
        label: Label::new(label),
        score: 0.971,
        severity: Severity::Error,
        text: entry.text.clone(),
        timestamp: Some(entry.timestamp),
        detected_at: entry.timestamp,
        acknowledged_at: None,
        acknowledged: false,
        notes: String::new(),
        verdict: None,
        acknowledgement_id: None,
        suppressed: false,
        fingerprint: None,
    };
    let input = ContextInput {
        entry,
        detections: vec![detection],
        lines: vec![
            line("a", -200, Some(Severity::Info), "cron[3]: job started"),
            line("b", -190, Some(Severity::Error), "pam: \u{1b}[31mmodule missing"),
            line("c", 5, None, "sshd[7]: Connection closed by 203.0.113.9"),
        ],
        unread_before: 0,
        unread_after: 0,
    };
    let options = ContextOptions {
        redaction: None,
        ..ContextOptions::default()
    };
    Context::around(&input, &options)
}

#[test]
fn says_what_is_known() {
    let facts = Facts {
        first_seen: Some(at(-3_000)),
        kept_since: Some(at(-900_000)),
        hour_count: 34,
        day_count: 35,
        source_rate: Some(SourceRate {
            lines: 812,
            usual_lines: 40.0,
        }),
        new_shapes: vec![NewShape {
            entry_id: id("b"),
            text: "pam: module missing".to_owned(),
            first_at: at(-190),
            count: 4,
        }],
        rare: vec![
            RareLine {
                entry_id: id("c"),
                day_count: 1,
            },
            RareLine {
                entry_id: id("gone"),
                day_count: 1,
            },
        ],
        other_detections: vec![id("b")],
        similar: vec![
            SimilarEntry {
                entry_id: id("s1"),
                timestamp: at(-90_000),
                verdict: Some(Verdict::FalsePositive),
                reason: "backup job".to_owned(),
            },
            SimilarEntry {
                entry_id: id("s2"),
                timestamp: at(-95_000),
                verdict: Some(Verdict::Expected),
                reason: String::new(),
            },
        ],
    };
    let answer = summarise(&context("SECURITY_ANOMALY"), &facts);
    let happened = &answer.what_happened;
    assert!(
        happened.starts_with("bastion-auth logged at 2026-11-22 "),
        "{happened}"
    );
    assert!(
        happened.contains("[L3]") && happened.contains("SECURITY_ANOMALY with score 0.97, severity ERROR"),
        "{happened}"
    );
    assert!(
        happened.contains("34 in the hour before it, of 35 in the day. It comes in a burst"),
        "{happened}"
    );
    let changed = &answer.likely_cause;
    assert!(changed.starts_with(WITHOUT_MODEL), "{changed}");
    assert!(
        changed.contains("New, not seen before this window [L2], 4 times"),
        "{changed}"
    );
    assert!(
        changed.contains("812 lines in this window where 40 are usual, 20 times as many"),
        "{changed}"
    );
    assert!(
        changed.contains("silent for 3 min before it, since [L2]"),
        "{changed}"
    );
    assert!(
        changed.contains("ERROR before it [L2]: \"pam: \\x1b[31mmodule missing\""),
        "{changed}"
    );
    let evidence = &answer.evidence;
    assert!(
        evidence.contains("[L4] the only one of its shape in the day"),
        "{evidence}"
    );
    assert!(evidence.contains("[L2] is a detection too"), "{evidence}");
    assert!(
        evidence.contains("1 false positive, 1 expected; the last one"),
        "{evidence}"
    );
    assert!(evidence.contains("false positive: \"backup job\""), "{evidence}");
    let next = &answer.next_steps;
    assert!(next.contains("2 of 2 similar lines were harmless"), "{next}");
    assert!(
        next.contains("Begin with the first new line before it [L2]"),
        "{next}"
    );
    assert!(
        next.contains("Search for 203.0.113.9: what else did it try"),
        "{next}"
    );
    assert!(next.contains("accepted login"), "{next}");
    assert_eq!(answer.cited, ["L2", "L3", "L4"]);
    assert!(answer.invented.is_empty());
}

#[test]
fn says_so_when_nothing_is_known() {
    let mut context = context("SYSTEM_FAILURE");
    context
        .lines
        .retain(|line| line.text.starts_with("sshd[7]: Failed"));
    context.target = Some(0);
    let answer = summarise(&context, &Facts::default());
    assert!(
        answer
            .what_happened
            .contains("It is the first line of its shape from this source.")
    );
    assert!(answer.likely_cause.contains("Nothing changed around it"));
    assert!(answer.next_steps.contains("whether the service is up now"));
}

#[test]
fn tells_a_burst_from_what_is_usual() {
    let said = |hour: u64, day: u64| {
        let facts = Facts {
            first_seen: Some(at(-500_000)),
            hour_count: hour,
            day_count: day,
            ..Facts::default()
        };
        summarise(&context("ERROR"), &facts).what_happened
    };
    assert!(said(25, 612).contains("no more than usual"));
    assert!(said(300, 612).contains("burst"));
    assert!(said(1, 1).contains("the only line of its shape in the day"));
    assert!(said(1, 4).contains("no other in the last hour"));
}

#[test]
fn tells_a_source_that_went_quiet() {
    let quiet = SourceRate {
        lines: 3,
        usual_lines: 400.0,
    };
    assert!(
        rate(&quiet)
            .unwrap()
            .contains("only 3 lines in this window where 400 are usual")
    );
    let new = SourceRate {
        lines: 50,
        usual_lines: 0.0,
    };
    assert!(rate(&new).unwrap().ends_with("where 0 are usual"));
    let usual = SourceRate {
        lines: 30,
        usual_lines: 40.0,
    };
    assert_eq!(rate(&usual), None);
    let little = SourceRate {
        lines: 9,
        usual_lines: 1.0,
    };
    assert_eq!(rate(&little), None);
}
