//! What the tables show, and what they must not let through.

use super::*;
use crate::commands::eval::report::tests::{Line, report};

const MODEL: [&str; 3] = ["NORMAL", "SYSTEM_FAILURE", "CONFIG_ERROR"];

fn shown(model: &[&str], lines: &[Line<'_>], text: &str, columns: usize) -> String {
    let mut out = Vec::new();
    print(&mut out, &report(model, lines, text), columns).expect("printed");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn groups_systems_and_wrong_lines_are_there() {
    let lines = [
        (Some("lab/web"), "SYSTEM_FAILURE", ("NORMAL", 0.9), true),
        (Some("lab/web"), "NORMAL", ("NORMAL", 0.9), false),
        (Some("lab/db"), "NORMAL", ("NORMAL", 0.9), false),
        (Some("field"), "CONFIG_ERROR", ("CONFIG_ERROR", 0.9), false),
    ];
    let shown = shown(&MODEL, &lines, "the words of the line", 160);
    for part in [
        "== all: 4 lines, 2 of them anomalous",
        "== lab: 3 lines, 1 of them anomalous",
        "\nlines     keywords           1.000  0.500  0.667           0.00 %           0\n",
        "\nSYSTEM_FAILURE          1      .      .",
        "macro average",
        "\nlab\n",
        "\n  web ",
        "\nfield ",
        "detected       better on 1 of 3 sources, equal on 1, worse on 1",
        "worse: lab/web, F1 0.000, keywords 1.000",
        "equal: lab/db, false detections 0.00 %, keywords 0.00 %",
        "worst wrong lines of lab",
        "the words of the line",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    assert!(!shown.contains("== field"), "it is one system\n{shown}");
    // The system without anomalous lines has no F1.
    let db = shown
        .lines()
        .find(|line| line.starts_with("  db"))
        .expect("a line");
    assert!(db.contains(" - "), "{db}");
}

#[test]
fn a_model_without_the_labels_says_so() {
    let lines = [
        (None, "SYSTEM_FAILURE", ("CRITICAL", 0.9), false),
        (None, "NORMAL", ("NORMAL", 0.9), false),
    ];
    let shown = shown(&["NORMAL", "CRITICAL"], &lines, "text", 160);
    assert!(
        shown.contains("the model has no SYSTEM_FAILURE: ") && shown.contains("given for NORMAL\n"),
        "{shown}"
    );
    assert!(shown.contains("accuracy 1.000 (anomalous or not)"), "{shown}");
    assert!(shown.contains("no line is wrong"), "{shown}");
}

#[test]
fn nothing_that_others_wrote_steers_the_terminal() {
    let hostile = "a\u{1b}[31m\u{9b}2J\u{202e}b\r\n/c\u{7f}\u{200b}\u{1b}]0;t\u{7}";
    let lines = [
        (Some(hostile), "SYSTEM_FAILURE", ("NORMAL", 0.9), true),
        (Some("x"), "NORMAL", ("NORMAL", 0.9), true),
    ];
    for columns in [40, 80, 200] {
        let shown = shown(&["NORMAL", "odd\u{1b}[2J"], &lines, hostile, columns);
        assert!(
            !shown
                .chars()
                .any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}')),
            "{shown:?}"
        );
        assert!(shown.contains("\\u{1b}[31m"), "the name itself is gone: {shown}");
    }
}

#[test]
fn tables_of_the_seven_labels_fit_80_columns() {
    let names = crate::commands::eval::classes::STANDARD_LABELS;
    let lines: Vec<Line<'_>> = names
        .iter()
        .flat_map(|label| names.map(|answer| (Some("group/system"), *label, (answer, 0.9), true)))
        .collect();
    let shown = shown(&names, &lines, "", 80);
    let tables = shown.split("\nworst wrong lines").next().expect("text");
    for line in tables.lines() {
        let is_sentence = line.starts_with("the model beside") || line.starts_with("==");
        assert!(
            is_sentence || console::measure_text_width(line) <= 80,
            "{} columns: {line}",
            console::measure_text_width(line)
        );
    }
}
