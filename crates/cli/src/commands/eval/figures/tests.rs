//! Figures against numbers that were worked out by hand.

use super::*;
use crate::commands::eval::judge::{Answer, Judged, Row};
use turnstone_classifier::ModelLabel;
use turnstone_types::LabelMap;

const NORMAL: usize = 0;
const SECURITY: usize = 1;
const SYSTEM: usize = 2;

const RULES: Rules = Rules {
    by_label: true,
    probabilities: true,
    keywords: true,
};

/// Labels of which the model has those named.
fn classes(answered: &[&str]) -> Classes {
    let map = LabelMap::default();
    let label = |raw: &&str| ModelLabel {
        raw: (*raw).to_owned(),
        meaning: map.meaning(raw),
        known: map.knows(raw),
    };
    Classes::new(&answered.iter().map(label).collect::<Vec<ModelLabel>>())
}

fn line(
    counts: &mut Counts,
    classes: &Classes,
    template: u64,
    label: usize,
    also_ok: &[usize],
    answer: Option<(usize, f64)>,
    keyword: bool,
) {
    let row = Row {
        line: 1,
        label,
        also_ok: also_ok.to_vec(),
        source: None,
        template,
        keyword,
    };
    let answer = answer.map(|(label, score)| Answer {
        label,
        anomalous: classes.anomalous(label),
        detected: classes.anomalous(label) && score >= 0.75,
        score,
    });
    counts.add(template, &Judged::of(classes, &row, answer));
}

/// Ten lines of three labels: 4 NORMAL in two templates, 3 SECURITY_ANOMALY in two, 3 SYSTEM_FAILURE in three.
fn ten_lines(classes: &Classes) -> Counts {
    let mut counts = Counts::default();
    let mut line = |template, label, also_ok: &[usize], answer, keyword| {
        line(&mut counts, classes, template, label, also_ok, answer, keyword);
    };
    line(1, NORMAL, &[], Some((NORMAL, 0.95)), false);
    line(1, NORMAL, &[], Some((NORMAL, 0.95)), true);
    line(1, NORMAL, &[], Some((SECURITY, 0.85)), true);
    line(2, NORMAL, &[], Some((SYSTEM, 0.65)), false);
    line(3, SECURITY, &[], Some((SECURITY, 0.95)), true);
    line(3, SECURITY, &[], Some((SECURITY, 0.65)), true);
    line(4, SECURITY, &[], Some((NORMAL, 0.55)), false);
    line(5, SYSTEM, &[SECURITY], Some((SECURITY, 0.85)), true);
    line(6, SYSTEM, &[], Some((SECURITY, 0.75)), true);
    line(7, SYSTEM, &[], None, false);
    counts
}

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9, "{got} and not {expected}");
}

fn two_way(got: &TwoWay, precision: f64, recall: f64, f1: f64, false_detection_rate: f64) {
    close(got.precision, precision);
    close(got.recall, recall);
    close(got.f1, f1);
    close(got.false_detection_rate, false_detection_rate);
    close(got.false_detections_per_million, false_detection_rate * 1e6);
}

#[test]
fn lines_are_anomalous_or_not_at_the_winner_at_the_threshold_and_by_keyword() {
    let classes = classes(&["NORMAL", "SECURITY_ANOMALY", "SYSTEM_FAILURE"]);
    let figures = Figures::of(&ten_lines(&classes), &classes, RULES);
    assert_eq!((figures.lines, figures.failed_lines), (10, 1));
    assert_eq!((figures.anomalous_lines, figures.normal_lines), (6, 4));
    // Flagged by the winning label: 2 of 4 NORMAL, 4 of 6 others.
    two_way(
        &figures.two_way.winner,
        4.0 / 6.0,
        4.0 / 6.0,
        4.0 / 6.0,
        2.0 / 4.0,
    );
    // Detected: 1 of 4 NORMAL, 3 of 6 others; precision 3/4, recall 1/2.
    two_way(&figures.two_way.threshold, 0.75, 0.5, 0.6, 0.25);
    // Keywords: 2 of 4 NORMAL, 4 of 6 others.
    let keywords = figures.two_way.keywords.expect("asked for");
    two_way(&keywords, 4.0 / 6.0, 4.0 / 6.0, 4.0 / 6.0, 0.5);
}

#[test]
fn each_template_weighs_the_same() {
    let classes = classes(&["NORMAL", "SECURITY_ANOMALY", "SYSTEM_FAILURE"]);
    let figures = Figures::of(&ten_lines(&classes), &classes, RULES);
    assert_eq!(
        (
            figures.templates,
            figures.anomalous_templates,
            figures.normal_templates
        ),
        (7, 5, 2)
    );
    // Winner: NORMAL 1/3 + 1, others 1 + 0 + 1 + 1 + 0.
    let (hits, alarms) = (3.0, 4.0 / 3.0);
    let precision = hits / (hits + alarms);
    let f1 = 2.0 * precision * 0.6 / (precision + 0.6);
    two_way(&figures.two_way_templates.winner, precision, 0.6, f1, 2.0 / 3.0);
    // Detected: NORMAL 1/3 + 0, others 1/2 + 0 + 1 + 1 + 0.
    let (hits, alarms) = (2.5, 1.0 / 3.0);
    let precision = hits / (hits + alarms);
    let f1 = 2.0 * precision * 0.5 / (precision + 0.5);
    two_way(
        &figures.two_way_templates.threshold,
        precision,
        0.5,
        f1,
        1.0 / 6.0,
    );
    // Keywords: NORMAL 2/3 + 0, others 1 + 0 + 1 + 1 + 0.
    let keywords = figures.two_way_templates.keywords.expect("asked for");
    close(keywords.false_detection_rate, 1.0 / 3.0);
    close(keywords.recall, 0.6);
}

#[test]
fn labels_have_precision_and_recall_and_an_accepted_answer_counts_as_the_own_label() {
    let classes = classes(&["NORMAL", "SECURITY_ANOMALY", "SYSTEM_FAILURE"]);
    let figures = Figures::of(&ten_lines(&classes), &classes, RULES);
    let class = |index: usize| figures.per_class[index].1;
    let expected = [
        // NORMAL: 2 hits of 3 answers and of 4 lines.
        ("NORMAL", 4, 2.0 / 3.0, 0.5, 4.0 / 7.0),
        // SECURITY_ANOMALY: 2 hits; 4 answers, for that to template 5 counts as SYSTEM_FAILURE; 3 lines.
        ("SECURITY_ANOMALY", 3, 0.5, 2.0 / 3.0, 4.0 / 7.0),
        // SYSTEM_FAILURE: 1 hit of 2 answers and of 3 lines, the line without an answer being one.
        ("SYSTEM_FAILURE", 3, 0.5, 1.0 / 3.0, 0.4),
    ];
    for (index, (name, lines, precision, recall, f1)) in expected.into_iter().enumerate() {
        assert_eq!(
            (figures.per_class[index].0.as_str(), class(index).lines),
            (name, lines)
        );
        close(class(index).precision, precision);
        close(class(index).recall, recall);
        close(class(index).f1, f1);
    }
    close(figures.macro_recall.expect("classes"), 0.5);
    close(
        figures.macro_f1.expect("classes"),
        (4.0 / 7.0 + 4.0 / 7.0 + 0.4) / 3.0,
    );
    close(figures.accuracy, 0.5);
    let row = |name: &str| {
        let row = figures.confusion.iter().find(|(label, _)| label == name);
        row.expect("a row").1.clone()
    };
    let cell = |name: &str, lines: u64| (name.to_owned(), lines);
    assert_eq!(
        row("NORMAL"),
        [
            cell("NORMAL", 2),
            cell("SECURITY_ANOMALY", 1),
            cell("SYSTEM_FAILURE", 1)
        ]
    );
    assert_eq!(
        row("SYSTEM_FAILURE"),
        [cell("SECURITY_ANOMALY", 1), cell("SYSTEM_FAILURE", 1)]
    );
}

#[test]
fn calibration_is_the_distance_of_score_and_accuracy_by_bin() {
    let classes = classes(&["NORMAL", "SECURITY_ANOMALY", "SYSTEM_FAILURE"]);
    let figures = Figures::of(&ten_lines(&classes), &classes, RULES);
    // 0.95 three times, all right; 0.85 twice, one right; 0.75 once, wrong; 0.65 twice, one right; 0.55 once, wrong.
    let error = (3.0 * 0.05 + 2.0 * 0.35 + 0.75 + 2.0 * 0.15 + 0.55) / 9.0;
    close(figures.calibration_error.expect("probabilities"), error);
    let lines: Vec<u64> = figures.calibration.iter().map(|bin| bin.lines).collect();
    assert_eq!(lines, [1, 2, 1, 2, 3]);
    close(figures.calibration[0].above, 0.5);
    close(figures.calibration[0].up_to, 0.6);
}

#[test]
fn a_model_with_other_labels_is_judged_as_anomalous_or_not() {
    let classes = classes(&["NORMAL", "CRITICAL"]);
    let critical = classes.find("CRITICAL").expect("the model's own");
    let rules = Rules {
        by_label: false,
        probabilities: true,
        keywords: false,
    };
    let mut counts = Counts::default();
    line(
        &mut counts,
        &classes,
        1,
        SECURITY,
        &[],
        Some((critical, 0.9)),
        false,
    );
    line(&mut counts, &classes, 2, SYSTEM, &[], Some((NORMAL, 0.9)), false);
    line(&mut counts, &classes, 3, NORMAL, &[], Some((NORMAL, 0.9)), false);
    let figures = Figures::of(&counts, &classes, rules);
    two_way(&figures.two_way.threshold, 1.0, 0.5, 2.0 / 3.0, 0.0);
    assert!(figures.two_way.keywords.is_none());
    // Two of three are right about anomalous or not, though only one has the line's label.
    close(figures.accuracy, 2.0 / 3.0);
    close(figures.calibration_error.expect("probabilities"), 0.9 - 2.0 / 3.0);
    // The one label that both have.
    let names: Vec<&str> = figures.per_class.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["NORMAL"]);
    close(figures.per_class[0].1.precision, 0.5);
    close(figures.macro_f1.expect("a class"), 2.0 / 3.0);
}

#[test]
fn nothing_to_divide_by_is_0_and_no_mean_is_none() {
    let classes = classes(&[]);
    let rules = Rules {
        by_label: false,
        probabilities: false,
        keywords: true,
    };
    let figures = Figures::of(&Counts::default(), &classes, rules);
    two_way(&figures.two_way.winner, 0.0, 0.0, 0.0, 0.0);
    assert_eq!(
        (figures.macro_f1, figures.calibration_error, figures.accuracy),
        (None, None, 0.0)
    );
}

#[test]
fn json_has_objects_by_label() {
    let classes = classes(&["NORMAL", "SECURITY_ANOMALY", "SYSTEM_FAILURE"]);
    let figures = Figures::of(&ten_lines(&classes), &classes, RULES);
    let json = serde_json::to_value(&figures).expect("JSON");
    assert_eq!(json["per_class"]["NORMAL"]["lines"], 4);
    assert_eq!(json["confusion"]["SYSTEM_FAILURE"]["SECURITY_ANOMALY"], 1);
    assert_eq!(json["two_way"]["threshold"]["f1"], 0.6);
}
