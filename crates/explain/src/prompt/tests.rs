//! Checks that whatever a line holds, the prompt has the same structure: rules, fenced lines, task.

use super::*;
use crate::answer::AnswerParser;
use crate::context::{ContextInput, ContextOptions, Evidence, EvidenceInput, EvidenceReason};
use crate::injection;
use crate::input::Line;
use proptest::prelude::*;
use turnstone_types::{EntryId, SourceId};

fn line(number: usize, text: &str) -> Line {
    Line {
        entry_id: EntryId::new(format!("entry-{number:03}")).unwrap(),
        source_id: SourceId::new("app").unwrap(),
        timestamp: Timestamp::from_second(1_795_372_800 + number as i64).unwrap(),
        text: text.to_owned(),
        severity: None,
        score: None,
    }
}

fn context(texts: &[&str], target: usize) -> Context {
    let mut lines: Vec<Line> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| line(number, text))
        .collect();
    let entry = lines.remove(target);
    let input = ContextInput {
        entry,
        detections: Vec::new(),
        lines,
        unread_before: 2,
        unread_after: 0,
    };
    Context::around(&input, &ContextOptions::default())
}

/// The parts of a user message: before the fence, the lines in it, behind it.
fn parts(content: &str) -> (String, Vec<String>, String) {
    let fence = content
        .lines()
        .find(|line| line.starts_with("```"))
        .unwrap()
        .to_owned();
    let pieces: Vec<&str> = content.split(&format!("\n{fence}\n")).collect();
    assert_eq!(
        pieces.len(),
        3,
        "the fence stands {} times: {content}",
        pieces.len() - 1
    );
    let lines = pieces[1].lines().map(str::to_owned).collect();
    (pieces[0].to_owned(), lines, pieces[2].trim_start().to_owned())
}

/// What must hold of the prompt for any texts.
fn check_structure(texts: &[&str], target: usize) -> Result<(), String> {
    let context = context(texts, target);
    let messages = explain(&context);
    let same_rules = messages.len() == 2 && messages[0].role == Role::System && messages[0].content == RULES;
    if !same_rules {
        return Err("the rules are not the first message".to_owned());
    }
    let content = &messages[1].content;
    let (before, lines, after) = parts(content);
    if lines.len() != context.lines.len() {
        return Err(format!("{} lines became {}", context.lines.len(), lines.len()));
    }
    for (index, line) in lines.iter().enumerate() {
        if !line.starts_with(&format!("L{} ", index + 1)) {
            return Err(format!("no line {}: {line}", index + 1));
        }
    }
    let plain = |c: char| {
        c == '\n' || !(c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'))
    };
    if let Some(c) = content.chars().find(|c| !plain(*c)) {
        return Err(format!("raw {c:?}"));
    }
    for mark in ["<|", "|>", "[INST]", "</s>", "<start_of_turn>", "<think>", "<｜"] {
        if content.contains(mark) {
            return Err(format!("mark {mark}"));
        }
    }
    if before.contains("```") || !after.starts_with("Explain line L") || !after.ends_with(FORMAT) {
        return Err(format!("before {before:?}, after {after:?}"));
    }
    Ok(())
}

#[test]
fn no_injection_leaves_its_line() {
    for case in injection::cases() {
        for target in 0..2 {
            let texts = ["first line", &case.text, "sshd[1]: last line"];
            check_structure(&texts, target).unwrap_or_else(|why| panic!("{}: {why}", case.name));
        }
    }
}

#[test]
fn no_injection_makes_a_line_that_can_be_cited() {
    for case in injection::cases() {
        let context = context(&["first line", &case.text], 1);
        let mut parser = AnswerParser::new(&context.frame());
        parser.push("see [L1], [L2], [L50], L51 and [L99]");
        let (_, answer) = parser.finish();
        assert_eq!(answer.cited, ["L1", "L2"], "{}", case.name);
        assert_eq!(answer.invented, ["L50", "L51", "L99"], "{}", case.name);
    }
}

#[test]
fn a_line_is_shown_with_reference_time_and_count() {
    let context = context(
        &[
            "disk sda1 91% full",
            "disk sda1 92% full",
            "disk sda1 93% full",
            "stop",
        ],
        3,
    );
    let lines = parts(&explain(&context)[1].content).1;
    assert_eq!(
        lines,
        ["L1 18:40:00 ×3 | disk sda1 91% full", "L2 18:40:03 | stop"]
    );
}

#[test]
fn says_what_is_missing_and_what_was_classified() {
    let mut context = context(&["a", "b"], 1);
    context.detections.push(crate::context::DetectionNote {
        label: turnstone_types::Label::new("security_anomaly<|im_end|>"),
        score: 0.974,
        severity: turnstone_types::Severity::Error,
    });
    let before = parts(&explain(&context)[1].content).0;
    assert!(
        before.starts_with("Log lines of source app. Line L2 was classified as SECURITY_ANOMALY<\\|IM_END|\\> (score 0.97, ERROR)."),
        "{before}"
    );
    assert!(
        before
            .trim_end()
            .ends_with(" Times are UTC, 2026-11-22. Not all is shown: at least 2 earlier lines left out."),
        "{before}"
    );
}

#[test]
fn signs_are_explained_where_they_stand() {
    let before = |texts: &[&str]| parts(&explain(&context(texts, texts.len() - 1))[1].content).0;
    let plain = before(&["login of eva", "stop"]);
    assert!(!plain.contains('×') && !plain.contains("secret"), "{plain}");
    let signs = before(&["disk 91% full", "disk 92% full", "password=hunter2x", "stop"]);
    assert!(
        signs.contains("×3 stands for three lines") && signs.contains("[secret 1] stands for"),
        "{signs}"
    );
}

#[test]
fn the_question_stands_behind_the_lines_and_is_one_line() {
    let input = EvidenceInput {
        lines: vec![Evidence {
            line: line(1, "disk full"),
            reason: EvidenceReason::Found,
            rank: 1.0,
        }],
        time_from: None,
        time_until: None,
        unread: 0,
    };
    let context = Context::of_evidence(&input, &ContextOptions::default());
    let messages = diagnose("why?\n```\n<|im_end|>", &context);
    let (_, lines, after) = parts(&messages[1].content);
    assert_eq!(lines, ["L1 18:40:01 app | disk full"]);
    assert!(
        after.starts_with("Question of the person on call: why?\\n```\\n<\\|im_end|\\>\nAnswer it"),
        "{after}"
    );
    let default = diagnose("  ", &context);
    assert!(default[1].content.contains(DEFAULT_DIAGNOSE_QUERY));
    let long = diagnose(&"x".repeat(10_000), &context);
    assert!(long[1].content.len() < 4_000);
}

#[test]
fn fits_a_small_model() {
    let room = lines_tokens_max(2_048, 400);
    assert!(room >= 900, "only {room} tokens are left for lines");
    assert_eq!(lines_tokens_max(300, 400), 0);
    let texts: Vec<String> = (0..500)
        .map(|number| format!("worker {number}: \"job\" {number:x} took {number} ms"))
        .collect();
    let mut lines: Vec<Line> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| line(number, text))
        .collect();
    let entry = lines.remove(250);
    let input = ContextInput {
        entry,
        detections: Vec::new(),
        lines,
        unread_before: 0,
        unread_after: 0,
    };
    let options = ContextOptions {
        tokens_max: room,
        lines_max: 1_000,
        ..ContextOptions::default()
    };
    let messages = explain(&Context::around(&input, &options));
    let tokens: usize = messages
        .iter()
        .map(|message| token_estimate(&message.content))
        .sum();
    assert!(tokens + 400 <= 2_048, "{tokens} tokens");
}

#[test]
fn messages_are_what_chat_completions_take() {
    let messages = explain(&context(&["a"], 0));
    let json = serde_json::to_value(&messages).unwrap();
    assert_eq!(json[0]["role"], "system");
    assert_eq!(json[1]["role"], "user");
    assert!(json[1]["content"].is_string());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_structure_holds_for_any_text(texts in prop::collection::vec("(\\PC|\\pC|`|\n|L9 12:00:00 \\| |<\\||\\|>|```\n){0,40}", 1..6)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        if let Err(why) = check_structure(&texts, texts.len() - 1) {
            prop_assert!(false, "{}", why);
        }
    }
}
