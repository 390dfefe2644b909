//! The labels of an evaluation: which ones a labelled line may have, which are anomalous, and what the model's own map to.

use turnstone_classifier::ModelLabel;
use turnstone_types::{Label, LabelMap};

/// The labels that every labelled file may use, in the order of tables.
pub const STANDARD_LABELS: [&str; 7] = [
    "NORMAL",
    "SECURITY_ANOMALY",
    "SYSTEM_FAILURE",
    "PERFORMANCE_ISSUE",
    "NETWORK_ANOMALY",
    "CONFIG_ERROR",
    "HARDWARE_ISSUE",
];

/// The seven labels, then those that the model's own map to and that are none of the seven. Labels are named by their index.
#[derive(Debug, Clone)]
pub struct Classes {
    labels: Vec<EvalLabel>,
    /// Label and anomalousness by class of the model.
    of_model: Vec<(usize, bool)>,
}

#[derive(Debug, Clone)]
struct EvalLabel {
    name: String,
    anomalous: bool,
    /// Whether some class of the model maps to it.
    answered: bool,
}

impl Classes {
    /// The labels of an evaluation of a model with these labels. The seven mean what they say, whatever a label map makes of
    /// them; a label that only the model has is anomalous where its meaning is.
    pub fn new(model: &[ModelLabel]) -> Self {
        let standard = LabelMap::default();
        let labels = STANDARD_LABELS.map(|name| EvalLabel {
            name: name.to_owned(),
            anomalous: standard.meaning(name).anomalous,
            answered: false,
        });
        let mut classes = Self {
            labels: labels.to_vec(),
            of_model: Vec::new(),
        };
        for label in model {
            let (name, anomalous) = (label.meaning.label.as_str(), label.meaning.anomalous);
            let index = classes.position(name).unwrap_or_else(|| {
                classes.labels.push(EvalLabel {
                    name: name.to_owned(),
                    anomalous,
                    answered: false,
                });
                classes.labels.len() - 1
            });
            classes.labels[index].answered = true;
            classes.of_model.push((index, anomalous));
        }
        classes
    }

    /// The label with this name, in any case; `None` where a labelled line must not have it.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.position(Label::new(name).as_str())
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.labels.iter().position(|label| label.name == name)
    }

    /// The name of a label.
    pub fn name(&self, label: usize) -> &str {
        &self.labels[label].name
    }

    /// All names, in the order of tables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|label| label.name.as_str())
    }

    /// Whether a line of this label is one to be found.
    pub fn anomalous(&self, label: usize) -> bool {
        self.labels[label].anomalous
    }

    /// Whether the model can give this label.
    pub fn answered(&self, label: usize) -> bool {
        self.labels[label].answered
    }

    /// The label that a class of the model maps to, and whether the label map makes it anomalous.
    pub fn of_model(&self, class: usize) -> (usize, bool) {
        self.of_model[class]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstone_types::{LabelMeaning, Severity};

    /// Labels of a model by their default meaning.
    fn model(raw_labels: &[&str]) -> Vec<ModelLabel> {
        let map = LabelMap::default();
        let label = |raw: &&str| ModelLabel {
            raw: (*raw).to_owned(),
            meaning: map.meaning(raw),
            known: map.knows(raw),
        };
        raw_labels.iter().map(label).collect()
    }

    #[test]
    fn the_seven_are_there_whatever_the_model_has() {
        let classes = Classes::new(&model(&["critical", "normal", "odd"]));
        let names: Vec<&str> = classes.names().collect();
        assert_eq!(names[..7], STANDARD_LABELS);
        assert_eq!(names[7..], ["CRITICAL", "ODD"]);
        assert_eq!(classes.of_model(0), (7, true));
        assert_eq!(classes.of_model(1), (0, false));
        assert_eq!(classes.of_model(2), (8, false));
        let answered: Vec<usize> = (0..9).filter(|label| classes.answered(*label)).collect();
        assert_eq!(answered, [0, 7, 8]);
        let calm: Vec<usize> = (0..9).filter(|label| !classes.anomalous(*label)).collect();
        assert_eq!(calm, [0, 8]);
    }

    #[test]
    fn names_are_found_in_any_case() {
        let classes = Classes::new(&model(&["LABEL_1"]));
        assert_eq!(classes.find("config_Error"), Some(5));
        assert_eq!(classes.find("label_1"), Some(7));
        assert_eq!(classes.find("LABEL_2"), None);
    }

    #[test]
    fn a_label_map_changes_what_an_answer_means_and_not_what_a_line_is() {
        let label = |raw: &str, label: &str, anomalous| ModelLabel {
            raw: raw.to_owned(),
            meaning: LabelMeaning {
                label: Label::new(label),
                severity: Severity::Warn,
                anomalous,
            },
            known: true,
        };
        // Two labels of the model stand for one; of another the user wants no detections.
        let classes = Classes::new(&[
            label("a", "network_anomaly", true),
            label("b", "NETWORK_ANOMALY", true),
            label("c", "CONFIG_ERROR", false),
        ]);
        assert_eq!(classes.of_model(0), classes.of_model(1));
        assert_eq!(classes.of_model(2), (5, false));
        assert!(classes.anomalous(5), "the line is still one to be found");
    }
}
