//! All that an evaluation says, as one JSON object; docs/evaluation.md documents its fields. Printing it for people is the
//! table's business.

use super::classes::Classes;
use super::counts::Counts;
use super::figures::{Figures, Rules, Systems, TwoWay, as_map};
use super::keywords::KEYWORDS;
use super::tally::Totals;
use serde::Serialize;
use std::cmp::Ordering;
use turnstone_classifier::ModelInfo;

/// One evaluation.
#[derive(Debug, Serialize)]
pub struct Report {
    pub file: String,
    pub model: ModelPart,
    /// Score from which an anomalous label is a detection.
    pub threshold: f64,
    pub judged: JudgedBy,
    /// Labels of lines that the model cannot answer.
    pub labels_missing: Vec<String>,
    pub all: Figures,
    #[serde(serialize_with = "as_map")]
    pub groups: Vec<(String, Figures)>,
    #[serde(serialize_with = "as_map")]
    pub sources: Vec<(String, Figures)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<ErrorPart>>,
}

/// What makes an answer right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// Its label.
    Label,
    /// Being right about anomalous or not, since the model lacks some label of the lines.
    TwoWay,
}

/// The model that was measured.
#[derive(Debug, Serialize)]
pub struct ModelPart {
    pub name: String,
    pub architecture: String,
    pub content_hash: String,
    pub device: String,
    pub dtype: String,
    pub normalise: String,
    pub scores: String,
    pub labels: Vec<LabelPart>,
}

/// A label of the model and what it maps to.
#[derive(Debug, Serialize)]
pub struct LabelPart {
    pub raw_label: String,
    pub label: String,
    pub anomalous: bool,
}

/// The model beside the keywords, system by system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    pub name: &'static str,
    pub keywords: &'static [&'static str],
    /// Of the winning label.
    pub winner: Verdicts,
    /// Of detections.
    pub threshold: Verdicts,
}

/// On which systems the model is better than the keywords.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    pub better: Vec<String>,
    pub equal: Vec<String>,
    pub worse: Vec<String>,
}

/// A wrong line.
#[derive(Debug, Serialize)]
pub struct ErrorPart {
    pub group: Option<String>,
    pub source: Option<String>,
    /// Its number in the file.
    pub line: u64,
    pub expected: String,
    /// Null where the model gave no answer.
    pub got: Option<String>,
    pub score: f64,
    /// Lines of the group with the same template and label whose answer is wrong.
    pub wrong_lines: u64,
    pub text: String,
}

/// What is asked for beside the figures.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub threshold: f64,
    pub keywords: bool,
    pub errors: bool,
}

impl Report {
    /// The evaluation of a model by what was counted.
    pub fn new(file: String, info: &ModelInfo, classes: &Classes, totals: &Totals, wanted: Wanted) -> Self {
        let missing = totals
            .all
            .labels
            .keys()
            .filter(|label| !classes.answered(**label));
        let labels_missing: Vec<String> = missing.map(|label| classes.name(*label).to_owned()).collect();
        let rules = Rules {
            by_label: labels_missing.is_empty(),
            probabilities: info.scores != "none",
            keywords: wanted.keywords,
        };
        let figures =
            |(name, counts): (&String, &Counts)| (name.clone(), Figures::of(counts, classes, rules));
        let sources: Vec<(String, Figures)> = totals.sources.iter().map(figures).collect();
        Self {
            file,
            model: ModelPart::of(info),
            threshold: wanted.threshold,
            judged: if rules.by_label {
                JudgedBy::Label
            } else {
                JudgedBy::TwoWay
            },
            labels_missing,
            all: Figures::of(&totals.all, classes, rules),
            groups: totals.groups.iter().map(figures).collect(),
            against: wanted.keywords.then(|| Comparison::of(&sources)),
            sources,
            errors: wanted.errors.then(|| errors(totals, classes)),
        }
    }
}

impl ModelPart {
    fn of(info: &ModelInfo) -> Self {
        let label = |label: &turnstone_classifier::ModelLabel| LabelPart {
            raw_label: label.raw.clone(),
            label: label.meaning.label.as_str().to_owned(),
            anomalous: label.meaning.anomalous,
        };
        Self {
            name: info.name.clone(),
            architecture: info.architecture.clone(),
            content_hash: info.content_hash.clone(),
            device: info.device.clone(),
            dtype: info.dtype.clone(),
            normalise: info.normalise.clone(),
            scores: info.scores.clone(),
            labels: info.labels.iter().map(label).collect(),
        }
    }
}

impl Comparison {
    fn of(sources: &[(String, Figures)]) -> Self {
        Self {
            name: "keywords",
            keywords: &KEYWORDS,
            winner: Verdicts::of(sources, |systems| systems.winner),
            threshold: Verdicts::of(sources, |systems| systems.threshold),
        }
    }
}

impl Verdicts {
    /// Compares by F1; on a system without anomalous lines, which has none, by false detections.
    fn of(sources: &[(String, Figures)], model: fn(&Systems) -> TwoWay) -> Self {
        let mut verdicts = Self::default();
        for (name, figures) in sources {
            let Some(keywords) = figures.two_way.keywords else {
                continue;
            };
            // More is better.
            let merit = |of: &TwoWay| match figures.anomalous_lines {
                0 => -of.false_detection_rate,
                _ => of.f1,
            };
            let names = match merit(&model(&figures.two_way)).total_cmp(&merit(&keywords)) {
                Ordering::Greater => &mut verdicts.better,
                Ordering::Equal => &mut verdicts.equal,
                Ordering::Less => &mut verdicts.worse,
            };
            names.push(name.clone());
        }
        verdicts
    }
}

fn errors(totals: &Totals, classes: &Classes) -> Vec<ErrorPart> {
    let mut errors = Vec::new();
    for (group, worst) in &totals.worst {
        for line in worst.lines() {
            // Of lines without a source there are no counts of their own.
            let counts = group.as_deref().and_then(|group| totals.groups.get(group));
            let template = counts.unwrap_or(&totals.all).templates.get(&line.template);
            errors.push(ErrorPart {
                group: group.as_deref().map(str::to_owned),
                source: line.source.as_deref().map(str::to_owned),
                line: line.line,
                expected: classes.name(line.expected).to_owned(),
                got: line.got.map(|label| classes.name(label).to_owned()),
                score: line.score,
                wrong_lines: template.map_or(1, |template| template.wrong),
                text: line.text.clone(),
            });
        }
    }
    errors
}

#[cfg(test)]
pub mod tests;
