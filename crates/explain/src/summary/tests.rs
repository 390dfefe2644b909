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

fn group(source_id: &str, detections: u64, open: u64, last: i64) -> MessageGroup {
    MessageGroup {
        source_id: SourceId::new(source_id).unwrap(),
        label: Label::new("SECURITY_ANOMALY"),
        detections,
        open,
        first_at: at(-80_000),
        last_at: at(last),
    }
}

fn judged(name: &str, second: i64, verdict: Verdict, reason: &str) -> SimilarEntry {
    SimilarEntry {
        entry_id: id(name),
        timestamp: at(second),
        verdict: Some(verdict),
        reason: reason.to_owned(),
    }
}

fn assert_has(text: &str, wanted: &[&str]) {
    for part in wanted {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn says_what_is_known() {
    let shape = |name: &str, second, text: &str, count| NewShape {
        entry_id: id(name),
        text: text.to_owned(),
        first_at: at(second),
        count,
    };
    let rare = |name: &str| RareLine {
        entry_id: id(name),
        day_count: 1,
    };
    let facts = Facts {
        first_seen: Some(at(-3_000)),
        last_before: Some(at(-20)),
        kept_since: Some(at(-900_000)),
        counted: Counted::All,
        hour_count: 34,
        day_count: 35,
        source_rate: Some(SourceRate {
            lines: 812,
            usual_lines: 40.0,
        }),
        error_share: Some(0.34),
        groups: vec![
            group("bastion-auth", 30, 12, -10),
            group("db1", 3, 3, -500),
            group("web", 1, 0, -100),
        ],
        new_shapes: vec![
            shape("n", -250, "pam: no such module", 4),
            shape("c", 5, "sshd[7]: Connection closed by 203.0.113.9", 1),
        ],
        rare: vec![rare("c"), rare("gone"), rare("a")],
        other_detections: vec![id("b"), id("a")],
        similar: vec![
            judged("s1", -90_000, Verdict::FalsePositive, "backup job"),
            judged("s2", -95_000, Verdict::Expected, ""),
        ],
    };
    let answer = summarise(&context("SECURITY_ANOMALY"), &facts);
    assert_has(
        &answer.what_happened,
        &[
            "bastion-auth logged at 2026-11-22 18:40:00 UTC [L3]: \"sshd[7]: Failed",
            "Classified as SECURITY_ANOMALY with score 0.97, severity ERROR.",
            "Lines of its kind: 34 in the hour before it, 35 in the day; first seen 2026-11-22 17:50:00, last before it 2026-11-22 18:39:40. It comes in a burst.",
        ],
    );
    assert!(answer.likely_cause.starts_with(WITHOUT_MODEL));
    assert_has(
        &answer.likely_cause,
        &[
            "- First seen 4 min before it at 18:35:50 (4 times): \"pam: no such module\"",
            "- First seen 5 s after it [L4]: \"sshd[7]: Connection closed",
            "812 lines in five minutes where 40 are usual, 20 times as many",
            "- 34 % of the source's lines in the last hour state an error",
            "- The source was silent for 3 min before it, since [L2]",
            "- ERROR before it [L2]: \"pam: \\x1b[31mmodule missing\"",
        ],
    );
    // What was quoted above is not quoted again.
    assert_eq!(
        answer.evidence.lines().take(4).collect::<Vec<_>>(),
        [
            "- [L3] the line itself",
            "- [L1] the only line of its kind in the day: \"cron[3]: job started\"",
            "- 30 detections of this message since 2026-11-21 20:26:40, 12 not acknowledged",
            "- The same message in other sources: web (1 detection, last 2026-11-22 18:38:20), db1 (3 detections, last 2026-11-22 18:31:40)",
        ]
    );
    assert_has(
        &answer.evidence,
        &[
            "- People judged 2 similar lines: 1 as false positive, 1 as expected; the last one, of 2026-11-21 17:40:00, as false positive: \"backup job\"",
        ],
    );
    assert_has(
        &answer.next_steps,
        &[
            "2 of 2 similar lines were harmless",
            "Begin with the first new line before it at 18:35:50",
            "Compare with web, which has the same message",
            "Search for 203.0.113.9: what else did it try",
            "accepted login",
        ],
    );
    assert_eq!(answer.cited, ["L1", "L2", "L3", "L4"]);
    assert!(answer.invented.is_empty());
}

#[test]
fn claims_nothing_when_nothing_is_known() {
    let mut context = context("SYSTEM_FAILURE");
    context
        .lines
        .retain(|line| line.text.starts_with("sshd[7]: Failed"));
    context.target = Some(0);
    let answer = summarise(&context, &Facts::default());
    assert_has(
        &answer.what_happened,
        &["How often lines of its kind come was not counted."],
    );
    assert_has(
        &answer.likely_cause,
        &["No other line of its time and source is known."],
    );
    assert_eq!(answer.evidence, "- [L3] the line itself");
    assert_has(&answer.next_steps, &["whether the service is up now"]);
    let all = [answer.what_happened, answer.likely_cause, answer.evidence].concat();
    for claim in ["first line", "usual", " 0 "] {
        assert!(!all.contains(claim), "{claim:?} in {all}");
    }
}

#[test]
fn nothing_that_stands_out_is_said_only_of_what_was_looked_at() {
    let mut context = context("SYSTEM_FAILURE");
    context.lines[1].severity = None;
    context.lines[1].timestamp = at(-1);
    context.lines[1].last_timestamp = at(-1);
    let said = |facts: &Facts| summarise(&context, facts).likely_cause;
    assert_has(
        &said(&Facts::default()),
        &["no new kind of line, no other error before it."],
    );
    let usual = Facts {
        source_rate: Some(SourceRate {
            lines: 30,
            usual_lines: 31.0,
        }),
        ..Facts::default()
    };
    assert_has(
        &said(&usual),
        &["no new kind of line, no unusual rate, no other error before it."],
    );
}

#[test]
fn tells_a_burst_from_what_is_usual() {
    let said = |counted, hour_count, day_count, first: Option<i64>| {
        let facts = Facts {
            first_seen: first.map(at),
            kept_since: Some(at(-600_000)),
            counted,
            hour_count,
            day_count,
            ..Facts::default()
        };
        let happened = summarise(&context("ERROR"), &facts).what_happened;
        happened.lines().last().unwrap().to_owned()
    };
    let old = Some(-500_000);
    assert!(said(Counted::All, 25, 612, old).ends_with("about as often as in the rest of the day."));
    assert!(said(Counted::All, 300, 612, old).ends_with("It comes in a burst."));
    assert!(said(Counted::All, 4, 4, old).ends_with("first seen 2026-11-16 23:46:40."));
    assert!(said(Counted::All, 1, 1, old).starts_with("It is the only line of its kind in the day"));
    assert!(said(Counted::All, 1, 4, old).contains("no other in the hour before it, 4 in the day"));
    assert_eq!(
        said(Counted::All, 1, 1, Some(0)),
        "It is the first line of its kind from this source (lines are kept since 2026-11-15 20:00:00)."
    );
    assert_eq!(
        said(Counted::AtLeast, 900, 1_000, old),
        "Lines of its kind: at least 900 in the hour before it and 1000 in the day, since 2026-11-16 23:46:40 or longer."
    );
    assert!(!said(Counted::Nothing, 0, 0, None).contains("first line"));
}

#[test]
fn errors_of_one_kind_are_said_once() {
    let mut context = context("ERROR");
    for (index, text) in ["disk sda1: I/O error 7001", "disk sda1: I/O error 9002"]
        .iter()
        .enumerate()
    {
        context.lines[index].severity = Some(Severity::Critical);
        (*text).clone_into(&mut context.lines[index].text);
    }
    let changed = summarise(&context, &Facts::default()).likely_cause;
    assert_has(
        &changed,
        &["- CRITICAL before it [L2] (2 times): \"disk sda1: I/O error 9002\""],
    );
    assert_eq!(changed.matches("I/O error").count(), 1, "{changed}");
}

#[test]
fn what_people_said_is_told_in_one_sentence() {
    let said = |similar: Vec<SimilarEntry>| {
        let facts = Facts {
            similar,
            ..Facts::default()
        };
        summarise(&context("ERROR"), &facts).evidence
    };
    let unjudged = SimilarEntry {
        verdict: None,
        ..judged("s", -9, Verdict::Expected, "")
    };
    assert_has(
        &said(vec![unjudged]),
        &["- 1 similar line was found before; nobody has judged any"],
    );
    assert_has(
        &said(vec![judged("s", -90_000, Verdict::TruePositive, " \u{1b}[2J ")]),
        &["- People judged one similar line, of 2026-11-21 17:40:00, as true positive: \"\\x1b[2J\""],
    );
}
