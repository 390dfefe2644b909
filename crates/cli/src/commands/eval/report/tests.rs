//! Comparison, errors and the shape of the report.

use super::*;
use crate::commands::eval::judge::{Answer, Row};
use crate::commands::eval::tally::Tally;
use std::time::Duration;
use turnstone_classifier::ModelLabel;
use turnstone_types::LabelMap;

/// What is known of a made-up model with these labels.
pub fn info(labels: &[&str]) -> ModelInfo {
    let map = LabelMap::default();
    let label = |raw: &&str| ModelLabel {
        raw: (*raw).to_owned(),
        meaning: map.meaning(raw),
        known: map.knows(raw),
    };
    ModelInfo {
        name: "made-up".to_owned(),
        architecture: "BertForSequenceClassification".to_owned(),
        parameters: 1,
        labels: labels.iter().map(label).collect(),
        tokens_max: 512,
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        normalise: "raw".to_owned(),
        stored_dtype: "f32".to_owned(),
        tokenizer: String::new(),
        scores: "softmax".to_owned(),
        warm_up_time: Duration::ZERO,
        dtype_reason: String::new(),
        content_hash: "00".to_owned(),
    }
}

/// A line of the evaluation: source, label, answer with its score, and whether a keyword stands in it.
pub type Line<'a> = (Option<&'a str>, &'a str, (&'a str, f64), bool);

/// The report on some lines, each of which is a template of its own.
pub fn report(model: &[&str], lines: &[Line<'_>], text: &str) -> Report {
    let info = info(model);
    let classes = Classes::new(&info.labels);
    let find = |label: &str| classes.find(label).expect("a label");
    let mut tally = Tally::new(classes.clone(), 10);
    for (number, (source, label, (answer, score), keyword)) in (1..).zip(lines) {
        let row = Row {
            line: number,
            label: find(label),
            also_ok: Vec::new(),
            source: source.map(Box::from),
            template: number,
            keyword: *keyword,
        };
        let anomalous = classes.anomalous(find(answer));
        let answer = Answer {
            label: find(answer),
            anomalous,
            detected: anomalous && *score >= 0.75,
            score: *score,
        };
        tally.add(&row, Some(answer), Some(text)).expect("few sources");
    }
    let wanted = Wanted {
        threshold: 0.75,
        keywords: true,
        errors: true,
    };
    Report::new("lines.jsonl".to_owned(), &info, &classes, &tally.finish(), wanted)
}

const MODEL: [&str; 3] = ["NORMAL", "SYSTEM_FAILURE", "CONFIG_ERROR"];

/// A model that is better, equal or worse than keywords, on systems with anomalous lines and without.
fn compared() -> Report {
    let lines = [
        (Some("a/better"), "SYSTEM_FAILURE", ("SYSTEM_FAILURE", 0.9), false),
        (Some("a/equal"), "CONFIG_ERROR", ("CONFIG_ERROR", 0.9), true),
        // Right, but not sure enough to be a detection.
        (Some("a/worse"), "CONFIG_ERROR", ("CONFIG_ERROR", 0.6), true),
        (Some("calm/better"), "NORMAL", ("NORMAL", 0.9), true),
        (Some("calm/equal"), "NORMAL", ("NORMAL", 0.9), false),
        (Some("calm/worse"), "NORMAL", ("CONFIG_ERROR", 0.8), false),
        (None, "NORMAL", ("CONFIG_ERROR", 0.7), false),
    ];
    report(&MODEL, &lines, "text")
}

#[test]
fn systems_are_compared_by_f1_and_calm_ones_by_false_detections() {
    let against = compared().against.expect("asked for");
    let verdicts = |better: &[&str], equal: &[&str], worse: &[&str]| Verdicts {
        better: better.iter().map(ToString::to_string).collect(),
        equal: equal.iter().map(ToString::to_string).collect(),
        worse: worse.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        against.threshold,
        verdicts(
            &["a/better", "calm/better"],
            &["a/equal", "calm/equal"],
            &["a/worse", "calm/worse"]
        )
    );
    assert_eq!(
        against.winner,
        verdicts(
            &["a/better", "calm/better"],
            &["a/equal", "a/worse", "calm/equal"],
            &["calm/worse"]
        )
    );
}

#[test]
fn errors_are_listed_by_group() {
    let errors = compared().errors.expect("asked for");
    let listed: Vec<(Option<&str>, u64, u64)> = errors
        .iter()
        .map(|error| (error.group.as_deref(), error.line, error.wrong_lines))
        .collect();
    assert_eq!(listed, [(None, 7, 1), (Some("calm"), 6, 1)]);
    assert_eq!(
        (errors[1].expected.as_str(), errors[1].got.as_deref()),
        ("NORMAL", Some("CONFIG_ERROR"))
    );
}

#[test]
fn a_model_is_judged_by_label_where_it_has_all_labels_of_the_lines() {
    let by_label = compared();
    assert_eq!(by_label.judged, JudgedBy::Label);
    assert!(by_label.labels_missing.is_empty());
    let lines = [
        (None, "SYSTEM_FAILURE", ("CRITICAL", 0.9), false),
        (None, "NORMAL", ("NORMAL", 0.9), false),
    ];
    let two_way = report(&["NORMAL", "CRITICAL"], &lines, "text");
    assert_eq!(two_way.judged, JudgedBy::TwoWay);
    assert_eq!(two_way.labels_missing, ["SYSTEM_FAILURE"]);
    assert_eq!(two_way.all.accuracy, 1.0);
    assert!(two_way.errors.expect("asked for").is_empty());
    // Own labels that lines have too are enough.
    let lines = [(None, "CRITICAL", ("CRITICAL", 0.9), false)];
    assert_eq!(
        report(&["NORMAL", "CRITICAL"], &lines, "text").judged,
        JudgedBy::Label
    );
}

#[test]
fn json_names_groups_and_sources() {
    let json = serde_json::to_value(compared()).expect("JSON");
    assert_eq!(json["judged"], "label");
    assert_eq!(json["all"]["lines"], 7);
    assert_eq!(json["groups"]["calm"]["lines"], 3);
    assert_eq!(json["sources"]["a/better"]["two_way"]["threshold"]["f1"], 1.0);
    assert_eq!(json["against"]["threshold"]["worse"][0], "a/worse");
    assert_eq!(json["model"]["labels"][2]["anomalous"], true);
}
