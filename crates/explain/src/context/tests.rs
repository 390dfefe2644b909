//! Checks order, folding, limits, cutting and redaction of contexts.

use super::*;
use proptest::prelude::*;
use turnstone_types::{DetectionId, TenantId, truncate_chars};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_372_800 + second).unwrap()
}

fn line(name: &str, second: i64, text: &str) -> Line {
    Line {
        entry_id: EntryId::new(name).unwrap(),
        source_id: SourceId::new("app").unwrap(),
        timestamp: at(second),
        text: text.to_owned(),
        severity: None,
        score: None,
    }
}

fn input(entry: Line, lines: Vec<Line>) -> ContextInput {
    ContextInput {
        entry,
        detections: Vec::new(),
        lines,
        unread_before: 0,
        unread_after: 0,
    }
}

fn texts(context: &Context) -> Vec<&str> {
    context.lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn takes_the_window_of_the_source_in_the_order_of_time() {
    let mut other = line("o", 1, "other source");
    other.source_id = SourceId::new("db").unwrap();
    let lines = vec![
        line("z", 10, "after"),
        other,
        line("a", -300, "at the edge"),
        line("b", -301, "too early"),
        line("t", 0, "target itself"),
        line("z", 10, "after"),
        line("c", 0, "same second, before by id"),
    ];
    let context = Context::around(&input(line("t", 0, "target"), lines), &ContextOptions::default());
    assert_eq!(
        texts(&context),
        ["at the edge", "same second, before by id", "target", "after"]
    );
    assert_eq!(context.target_line().unwrap().reference(), "L3");
    assert_eq!(context.left_out, LeftOut::default());
    let frame = context.frame();
    assert_eq!(frame.time_from, Some(at(-300)));
    assert_eq!(frame.time_until, Some(at(300)));
    assert_eq!(frame.left_out, "");
    assert_eq!(frame.lines[3].reference, "L4");
}

#[test]
fn folds_lines_that_follow_each_other_but_never_the_target() {
    let mut lines: Vec<Line> = (1..6)
        .map(|n| line(&format!("a{n}"), n - 20, &format!("retry {n} of 9")))
        .collect();
    lines.push(line("b", -10, "gave up"));
    lines.push(line("c", -9, "retry 7 of 9"));
    lines.extend((1..4).map(|n| line(&format!("d{n}"), n + 1, &format!("retry {n} of 9"))));
    let context = Context::around(
        &input(line("t", 0, "retry 8 of 9"), lines),
        &ContextOptions::default(),
    );
    let counts: Vec<(u32, &str)> = context
        .lines
        .iter()
        .map(|line| (line.count, line.text.as_str()))
        .collect();
    assert_eq!(
        counts,
        [
            (5, "retry 1 of 9"),
            (1, "gave up"),
            (1, "retry 7 of 9"),
            (1, "retry 8 of 9"),
            (3, "retry 1 of 9")
        ]
    );
    assert_eq!(context.lines[0].entry_id.as_str(), "a1");
    assert_eq!(context.lines[0].last_entry_id.as_str(), "a5");
    assert_eq!(context.lines[0].last_timestamp, at(-15));
    assert_eq!(context.left_out.folded, 6);
    assert_eq!(context.frame().left_out, "6 lines like another only counted");
    assert_eq!(context.frame().lines[0].count, 5);
}

/// Words that have no digits, so that no two lines are alike.
fn word(number: i64) -> String {
    let letter = |n: i64| char::from(b'a' + u8::try_from(n % 26).unwrap());
    [letter(number / 26), 'q', letter(number)].iter().collect()
}

#[test]
fn the_nearest_lines_go_in_first_and_sides_have_no_holes() {
    let lines: Vec<Line> = (1..=30)
        .flat_map(|n| {
            [
                line(&format!("b{n:02}"), -2 * n, &word(n)),
                line(&format!("c{n:02}"), n, &word(100 + n)),
            ]
        })
        .collect();
    let options = ContextOptions {
        lines_max: 10,
        ..ContextOptions::default()
    };
    let mut input = input(line("t", 0, "target"), lines);
    input.unread_before = 5;
    let context = Context::around(&input, &options);
    assert_eq!(context.lines.len(), 10);
    let names: Vec<&str> = context.lines.iter().map(|line| line.entry_id.as_str()).collect();
    assert_eq!(
        names,
        ["b03", "b02", "b01", "t", "c01", "c02", "c03", "c04", "c05", "c06"]
    );
    assert_eq!((context.left_out.before, context.left_out.after), (27 + 5, 24));
    assert_eq!(
        context.frame().left_out,
        "at least 32 earlier lines left out, 24 later lines left out"
    );
    assert_eq!(context.frame().left_out_count, 56);
}

#[test]
fn tokens_are_limited_and_the_target_leaves_room() {
    let long = "long message with many words ".repeat(400);
    let lines: Vec<Line> = (1..=50)
        .map(|n| {
            line(
                &format!("b{n:02}"),
                -n,
                &format!("{} {}", word(n), "word ".repeat(20)),
            )
        })
        .collect();
    let options = ContextOptions {
        tokens_max: 600,
        ..ContextOptions::default()
    };
    let context = Context::around(&input(line("t", 0, &long), lines), &options);
    let tokens: usize = context
        .lines
        .iter()
        .map(|line| token_estimate(&crate::prompt::rendered_line(line)))
        .sum();
    assert!(tokens <= 600, "{tokens}");
    assert!(context.lines.len() > 4, "{}", context.lines.len());
    let target = context.target_line().unwrap();
    assert!(target.text.contains("characters cut… "), "{}", target.text);
    assert_eq!(context.left_out.cut, 1);
    assert_eq!(context.left_out.before as usize, 50 - (context.lines.len() - 1));
}

#[test]
fn there_is_always_the_target() {
    let options = ContextOptions {
        tokens_max: 0,
        lines_max: 0,
        line_chars_max: 0,
        window_seconds: 0,
        redaction: None,
    };
    let context = Context::around(
        &input(line("t", 0, "a target"), vec![line("a", 0, "x")]),
        &options,
    );
    assert_eq!(texts(&context), ["a target"]);
    assert_eq!(context.left_out.before, 1);
}

#[test]
fn secrets_have_one_number_in_lines_and_question() {
    let lines = vec![
        line("far", -250, "login password=far4away"),
        line("a", -3, "env PASSWORD=lamp3 X=1"),
        line("b", 2, "GET /?password=other7"),
    ];
    let options = ContextOptions {
        lines_max: 3,
        ..ContextOptions::default()
    };
    let mut context = Context::around(&input(line("t", 0, "retry with password=lamp3"), lines), &options);
    assert_eq!(
        texts(&context),
        [
            "env PASSWORD=[secret 1] X=1",
            "retry with password=[secret 1]",
            "GET /?password=[secret 2]"
        ]
    );
    assert_eq!(context.frame().redacted, [("password".to_owned(), 3)]);
    assert_eq!(
        context.redact("is password=other7 right, or password=new8?"),
        "is password=[secret 2] right, or password=[secret 3]"
    );
    assert_eq!(context.frame().redacted, [("password".to_owned(), 5)]);
}

#[test]
fn a_private_key_whose_first_line_is_left_out_goes_all_the_same() {
    let begin = ["-----BEGIN PRIVATE", " KEY-----"].concat();
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    let lines = vec![
        line("a", -9, &begin),
        line("b", -8, "a word between"),
        line("c", -7, key),
    ];
    let options = ContextOptions {
        lines_max: 2,
        ..ContextOptions::default()
    };
    let context = Context::around(&input(line("t", 0, "target"), lines), &options);
    assert_eq!(texts(&context), ["[secret 1]", "target"]);
}

#[test]
fn without_redaction_people_see_what_is_there() {
    let options = ContextOptions {
        redaction: None,
        ..ContextOptions::default()
    };
    let mut context = Context::around(&input(line("t", 0, "password=lamp3"), Vec::new()), &options);
    assert_eq!(texts(&context), ["password=lamp3"]);
    assert_eq!(context.redact("password=lamp3"), "password=lamp3");
    assert!(context.frame().redacted.is_empty());
}

#[test]
fn the_hash_is_made_of_what_is_redacted() {
    let hash = |password: &str| {
        let entry = line("t", 0, &format!("login password={password}"));
        Context::around(&input(entry, Vec::new()), &ContextOptions::default()).hash("")
    };
    assert_eq!(hash("lamp3lamp"), hash("other7other"));
}

#[test]
fn the_hash_tells_all_that_matters() {
    let lines = || vec![line("a", -3, "one"), line("b", 2, "two")];
    let options = ContextOptions::default();
    let of = |lines: Vec<Line>, options: &ContextOptions| {
        Context::around(&input(line("t", 0, "target"), lines), options).hash("")
    };
    let hash = of(lines(), &options);
    assert_eq!(hash.len(), 64);
    assert_eq!(
        hash,
        of(lines().into_iter().rev().collect(), &options),
        "the order of the input"
    );
    let mut changed = lines();
    changed[0].text.push('!');
    assert_ne!(hash, of(changed, &options));
    let mut renamed = lines();
    renamed[1].entry_id = EntryId::new("bb").unwrap();
    assert_ne!(hash, of(renamed, &options));
    let more = ContextOptions {
        lines_max: 61,
        ..ContextOptions::default()
    };
    assert_ne!(hash, of(lines(), &more));
    let context = Context::around(&input(line("t", 0, "target"), lines()), &options);
    assert_ne!(hash, context.hash("why?"));
    let mut detected = input(line("t", 0, "target"), lines());
    detected.detections.push(Detection {
        id: DetectionId::new("d").unwrap(),
        tenant: TenantId::shared(),
        entry_id: detected.entry.entry_id.clone(),
        source_id: detected.entry.source_id.clone(),
        scorer: "mini".to_owned(),
        label: Label::new("ERROR"),
        score: 0.9,
        severity: Severity::Error,
        text: String::new(),
        timestamp: None,
        detected_at: at(0),
        acknowledged_at: None,
        acknowledged: false,
        notes: String::new(),
        verdict: None,
        acknowledgement_id: None,
        suppressed: false,
        fingerprint: None,
    });
    assert_ne!(hash, Context::around(&detected, &options).hash(""));
}

#[test]
fn a_line_far_away_that_is_left_out_changes_no_number() {
    let options = ContextOptions {
        lines_max: 2,
        ..ContextOptions::default()
    };
    let of = |far: &str| {
        let lines = vec![line("far", -250, far), line("a", -3, "env PASSWORD=lamp3")];
        texts(&Context::around(&input(line("t", 0, "target"), lines), &options)).join("|")
    };
    assert_eq!(of("password=x1y2"), of("nothing here"));
}

#[test]
fn evidence_is_chosen_by_rank_and_shown_in_the_order_of_time() {
    let evidence = |name: &str, second: i64, text: &str, reason: EvidenceReason, rank: f64| Evidence {
        line: line(name, second, text),
        reason,
        rank,
    };
    let input = EvidenceInput {
        lines: vec![
            evidence("a", 1, "disk 7 failed", EvidenceReason::Found, 1.0),
            evidence("b", 9, "disk 8 failed", EvidenceReason::Detection, 5.0),
            evidence("c", 5, "link down", EvidenceReason::Rare, 3.0),
            evidence("d", 3, "weak match", EvidenceReason::Found, 0.5),
            evidence("b", 9, "disk 8 failed", EvidenceReason::Found, 2.0),
            evidence("e", 4, "broken rank", EvidenceReason::Found, f64::NEG_INFINITY),
        ],
        time_from: Some(at(0)),
        time_until: Some(at(10)),
        unread: 7,
    };
    let options = ContextOptions {
        lines_max: 2,
        ..ContextOptions::default()
    };
    let context = Context::of_evidence(&input, &options);
    assert_eq!(texts(&context), ["disk 7 failed", "link down"]);
    let first = &context.lines[0];
    assert_eq!(
        (first.count, first.role),
        (2, LineRole::Evidence(EvidenceReason::Detection))
    );
    assert_eq!(
        (first.entry_id.as_str(), first.last_entry_id.as_str()),
        ("a", "b")
    );
    assert_eq!(context.left_out.lower, 2 + 7);
    assert_eq!(context.left_out.folded, 1);
    assert_eq!(context.target, None);
    let nothing = EvidenceInput {
        lines: Vec::new(),
        time_from: None,
        time_until: None,
        unread: 0,
    };
    assert!(Context::of_evidence(&nothing, &options).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_line_of_the_window_is_in_the_context_or_counted(
        seconds in prop::collection::vec((-400i64..400, 0usize..4), 0..80),
        lines_max in 0usize..20,
        tokens_max in 0usize..600,
    ) {
        let texts = ["started", "retry 7", "failed with code 9 in module foo", "stop"];
        let lines: Vec<Line> = seconds.iter().enumerate().map(|(n, (second, text))| line(&format!("e{n}"), *second, texts[*text])).collect();
        let inside = lines.iter().filter(|line| (line.timestamp.as_second() - at(0).as_second()).abs() <= 300).count() as u64;
        let options = ContextOptions { lines_max, tokens_max, ..ContextOptions::default() };
        let context = Context::around(&input(line("target", 0, "it broke"), lines), &options);
        let shown: u64 = context.lines.iter().map(|line| u64::from(line.count)).sum();
        prop_assert_eq!(shown + context.left_out.before + context.left_out.after, inside + 1);
        prop_assert!(context.lines.len() <= lines_max.max(1));
        prop_assert!(context.lines.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
        let costs: usize = context.lines.iter().map(|line| token_estimate(&crate::prompt::rendered_line(line))).sum();
        prop_assert!(costs <= tokens_max.max(60));
    }
}

#[test]
fn people_get_the_line_as_it_is_stored() {
    let text = format!("login password=hunter2secret {}", "x".repeat(3_000));
    let context = Context::around(
        &input(line("t", 0, &text), Vec::new()),
        &ContextOptions::default(),
    );
    assert!(
        !context.lines[0].text.contains("hunter2secret"),
        "{}",
        context.lines[0].text
    );
    let shown = &context.frame().lines[0];
    assert_eq!(shown.text, truncate_chars(&text, 2_000));
    assert_eq!(
        (shown.source_id.as_str(), shown.timestamp),
        ("app", context.lines[0].timestamp)
    );
}
