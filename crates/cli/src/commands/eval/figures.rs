//! Figures made of counts: precision, recall and F1, as anomalous or not and by label, false detections and calibration.

use super::classes::Classes;
use super::counts::{Counts, Sides};
use super::judge::Flagged;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// How right something is that flags lines, or templates, as anomalous.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TwoWay {
    /// Share of what is flagged that is anomalous.
    pub precision: f64,
    /// Share of what is anomalous that is flagged.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Share of what is not anomalous that is flagged.
    pub false_detection_rate: f64,
    /// The same for each million lines that are not anomalous.
    pub false_detections_per_million: f64,
}

/// The figures of the model with its winning label, of its detections, and of the keywords where they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Systems {
    pub winner: TwoWay,
    pub threshold: TwoWay,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<TwoWay>,
}

/// How right the model is about the lines of one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassFigures {
    pub lines: u64,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

/// Answers whose scores are close together: where calibration is good, score and accuracy are the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BinFigures {
    pub above: f64,
    pub up_to: f64,
    pub lines: u64,
    pub mean_score: f64,
    pub accuracy: f64,
}

/// All figures of some lines. Those that would divide by nothing are 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    pub lines: u64,
    pub anomalous_lines: u64,
    pub normal_lines: u64,
    /// Lines that the model gave no answer to.
    pub failed_lines: u64,
    pub templates: u64,
    pub anomalous_templates: u64,
    pub normal_templates: u64,
    pub two_way: Systems,
    /// The same where each template weighs as much as any other, split evenly among its lines.
    pub two_way_templates: Systems,
    /// Share of lines that are right.
    pub accuracy: f64,
    /// Mean over [`Figures::per_class`]; none where that is empty.
    pub macro_recall: Option<f64>,
    pub macro_f1: Option<f64>,
    /// Expected calibration error of the winning score; none where scores are no probabilities.
    pub calibration_error: Option<f64>,
    pub calibration: Vec<BinFigures>,
    /// By label, of labels that lines have and that the model can answer.
    #[serde(serialize_with = "as_map")]
    pub per_class: Vec<(String, ClassFigures)>,
    /// Lines by label and by what the answer counts as.
    #[serde(serialize_with = "as_nested_map")]
    pub confusion: Vec<(String, Vec<(String, u64)>)>,
}

/// How figures are to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// An answer is right when its label is; otherwise when it is right about anomalous or not.
    pub by_label: bool,
    /// Scores are probabilities.
    pub probabilities: bool,
    /// There are figures of the keywords.
    pub keywords: bool,
}

impl TwoWay {
    /// The figures of flagging `flagged` of `all`.
    pub fn of(all: Sides, flagged: Sides) -> Self {
        let precision = share(flagged.anomalous, flagged.anomalous + flagged.normal);
        let recall = share(flagged.anomalous, all.anomalous);
        let false_detection_rate = share(flagged.normal, all.normal);
        Self {
            precision,
            recall,
            f1: f1(precision, recall),
            false_detection_rate,
            false_detections_per_million: false_detection_rate * 1e6,
        }
    }
}

impl Systems {
    fn of(all: Sides, flagged: &Flagged<Sides>, rules: Rules) -> Self {
        Self {
            winner: TwoWay::of(all, flagged.winner),
            threshold: TwoWay::of(all, flagged.threshold),
            keywords: rules.keywords.then(|| TwoWay::of(all, flagged.keywords)),
        }
    }
}

impl Figures {
    /// The figures of what was counted.
    pub fn of(counts: &Counts, classes: &Classes, rules: Rules) -> Self {
        let lines: u64 = counts.labels.values().sum();
        let answered: u64 = counts.bins.iter().map(|bin| bin.lines).sum();
        let (templates, flagged_templates) = weighted_templates(counts);
        let per_class = per_class(counts, classes);
        let calibration = calibration(counts, rules);
        let right: f64 = calibration
            .iter()
            .map(|bin| bin.accuracy * bin.lines as f64)
            .sum();
        let mean = |figure: fn(&ClassFigures) -> f64| {
            let sum: f64 = per_class.iter().map(|(_, class)| figure(class)).sum();
            (!per_class.is_empty()).then(|| sum / per_class.len() as f64)
        };
        Self {
            lines,
            anomalous_lines: counts.lines.anomalous as u64,
            normal_lines: counts.lines.normal as u64,
            failed_lines: lines - answered,
            templates: counts.templates.len() as u64,
            anomalous_templates: templates.anomalous as u64,
            normal_templates: templates.normal as u64,
            two_way: Systems::of(counts.lines, &counts.flagged, rules),
            two_way_templates: Systems::of(templates, &flagged_templates, rules),
            accuracy: share(right, lines as f64),
            macro_recall: mean(|class| class.recall),
            macro_f1: mean(|class| class.f1),
            calibration_error: rules.probabilities.then(|| {
                let error = |bin: &BinFigures| bin.lines as f64 * (bin.mean_score - bin.accuracy).abs();
                share(calibration.iter().map(error).sum(), answered as f64)
            }),
            calibration: if rules.probabilities {
                calibration
            } else {
                Vec::new()
            },
            confusion: confusion(counts, classes),
            per_class,
        }
    }
}

/// The bins that hold answers.
fn calibration(counts: &Counts, rules: Rules) -> Vec<BinFigures> {
    let width = 1.0 / counts.bins.len() as f64;
    let bins = counts.bins.iter().enumerate().filter(|(_, bin)| bin.lines > 0);
    bins.map(|(index, bin)| {
        let right = if rules.by_label {
            bin.right_by_label
        } else {
            bin.right_two_way
        };
        BinFigures {
            above: index as f64 * width,
            up_to: (index + 1) as f64 * width,
            lines: bin.lines,
            mean_score: bin.score_sum / bin.lines as f64,
            accuracy: right as f64 / bin.lines as f64,
        }
    })
    .collect()
}

/// Templates on each side, and of each way to flag them the sum over templates of the share of lines that are flagged.
fn weighted_templates(counts: &Counts) -> (Sides, Flagged<Sides>) {
    let (mut all, mut flagged) = (Sides::default(), Flagged::<Sides>::default());
    for template in counts.templates.values() {
        let lines = template.lines as f64;
        all.add(template.anomalous, 1.0);
        for (flagged, sides) in [
            (template.flagged.winner, &mut flagged.winner),
            (template.flagged.threshold, &mut flagged.threshold),
            (template.flagged.keywords, &mut flagged.keywords),
        ] {
            sides.add(template.anomalous, flagged as f64 / lines);
        }
    }
    (all, flagged)
}

fn per_class(counts: &Counts, classes: &Classes) -> Vec<(String, ClassFigures)> {
    let labels = counts
        .labels
        .iter()
        .filter(|(label, _)| classes.answered(**label));
    let figures = labels.map(|(label, lines)| {
        let hits = counts.confusion.get(&(*label, *label)).copied().unwrap_or(0);
        let answers = counts.confusion.iter().filter(|((_, got), _)| got == label);
        let answers: u64 = answers.map(|(_, lines)| lines).sum();
        let (precision, recall) = (
            share(hits as f64, answers as f64),
            share(hits as f64, *lines as f64),
        );
        let figures = ClassFigures {
            lines: *lines,
            precision,
            recall,
            f1: f1(precision, recall),
        };
        (classes.name(*label).to_owned(), figures)
    });
    figures.collect()
}

fn confusion(counts: &Counts, classes: &Classes) -> Vec<(String, Vec<(String, u64)>)> {
    let mut rows: BTreeMap<usize, Vec<(String, u64)>> =
        counts.labels.keys().map(|label| (*label, Vec::new())).collect();
    for ((label, got), lines) in &counts.confusion {
        rows.entry(*label)
            .or_default()
            .push((classes.name(*got).to_owned(), *lines));
    }
    rows.into_iter()
        .map(|(label, row)| (classes.name(label).to_owned(), row))
        .collect()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn f1(precision: f64, recall: f64) -> f64 {
    share(2.0 * precision * recall, precision + recall)
}

/// Writes pairs as a JSON object, in their order.
pub fn as_map<V: Serialize, S: Serializer>(pairs: &[(String, V)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

fn as_nested_map<S: Serializer>(
    rows: &[(String, Vec<(String, u64)>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    struct Row<'a>(&'a [(String, u64)]);
    impl Serialize for Row<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            as_map(self.0, serializer)
        }
    }
    serializer.collect_map(rows.iter().map(|(name, row)| (name, Row(row))))
}

#[cfg(test)]
mod tests;
