//! Labels and what they mean: the mapping from a model's raw label to a normalised label, a severity and whether it can
//! become a detection. The default rule is the original pipeline's.

use crate::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A normalised label: upper case, for example `SECURITY_ANOMALY`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Label(String);

impl Label {
    /// Normalises a label to upper case.
    pub fn new(label: impl AsRef<str>) -> Self {
        Self(label.as_ref().to_uppercase())
    }

    /// The label as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Label {
    fn from(label: String) -> Self {
        Self::new(label)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a raw label stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelMeaning {
    /// The normalised label written to the entry and the detection.
    pub label: Label,
    /// The severity of a detection with this label.
    pub severity: Severity,
    /// Whether a line with this label, at or over the threshold, is a detection.
    pub anomalous: bool,
}

/// Maps raw labels of any case to their meaning.
///
/// A label without an entry of its own follows the original's rule: it keeps its name in upper case, has the severity of
/// the same name or `WARN`, and is anomalous only if it is one of the labels known to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelMap {
    overrides: BTreeMap<String, LabelMeaning>,
}

impl LabelMap {
    /// Adds or replaces the meaning of one raw label, compared without regard to case.
    pub fn insert(&mut self, raw_label: &str, meaning: LabelMeaning) {
        self.overrides.insert(raw_label.to_uppercase(), meaning);
    }

    /// Whether the raw label has an entry of its own or is one that the default rule knows by name.
    pub fn knows(&self, raw_label: &str) -> bool {
        let upper = raw_label.to_uppercase();
        self.overrides.contains_key(&upper) || default_meaning(&upper).is_some()
    }

    /// The meaning of a raw label.
    pub fn meaning(&self, raw_label: &str) -> LabelMeaning {
        let upper = raw_label.to_uppercase();
        if let Some(meaning) = self.overrides.get(&upper) {
            return meaning.clone();
        }
        let (severity, anomalous) = default_meaning(&upper).unwrap_or((Severity::Warn, false));
        LabelMeaning {
            label: Label::new(upper),
            severity,
            anomalous,
        }
    }
}

impl FromIterator<(String, LabelMeaning)> for LabelMap {
    fn from_iter<I: IntoIterator<Item = (String, LabelMeaning)>>(meanings: I) -> Self {
        let mut map = Self::default();
        for (raw_label, meaning) in meanings {
            map.insert(&raw_label, meaning);
        }
        map
    }
}

/// Severity and anomalousness of the labels that the original pipeline knows, by upper-case name.
fn default_meaning(upper: &str) -> Option<(Severity, bool)> {
    Some(match upper {
        "NORMAL" | "INFO" => (Severity::Info, false),
        "SECURITY_ANOMALY" | "CONFIG_ERROR" | "ERROR" => (Severity::Error, true),
        "SYSTEM_FAILURE" | "HARDWARE_ISSUE" | "CRITICAL" => (Severity::Critical, true),
        "PERFORMANCE_ISSUE" | "NETWORK_ANOMALY" => (Severity::Warn, true),
        "WARNING" | "WARN" => (Severity::Warn, false),
        "DEBUG" => (Severity::Debug, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rule_is_the_originals() {
        let map = LabelMap::default();
        let cases = [
            ("normal", "NORMAL", Severity::Info, false),
            ("Security_Anomaly", "SECURITY_ANOMALY", Severity::Error, true),
            ("SYSTEM_FAILURE", "SYSTEM_FAILURE", Severity::Critical, true),
            ("PERFORMANCE_ISSUE", "PERFORMANCE_ISSUE", Severity::Warn, true),
            ("NETWORK_ANOMALY", "NETWORK_ANOMALY", Severity::Warn, true),
            ("CONFIG_ERROR", "CONFIG_ERROR", Severity::Error, true),
            ("HARDWARE_ISSUE", "HARDWARE_ISSUE", Severity::Critical, true),
            ("critical", "CRITICAL", Severity::Critical, true),
            ("error", "ERROR", Severity::Error, true),
            ("warning", "WARNING", Severity::Warn, false),
            ("warn", "WARN", Severity::Warn, false),
            ("info", "INFO", Severity::Info, false),
            ("debug", "DEBUG", Severity::Debug, false),
            ("LABEL_1", "LABEL_1", Severity::Warn, false),
        ];
        for (raw, label, severity, anomalous) in cases {
            let meaning = map.meaning(raw);
            assert_eq!(
                (meaning.label.as_str(), meaning.severity, meaning.anomalous),
                (label, severity, anomalous),
                "{raw}"
            );
        }
        assert!(!map.knows("LABEL_1"));
    }

    #[test]
    fn an_override_wins_in_any_case() {
        let mut map = LabelMap::default();
        map.insert(
            "label_1",
            LabelMeaning {
                label: Label::new("attack"),
                severity: Severity::Critical,
                anomalous: true,
            },
        );
        let meaning = map.meaning("LABEL_1");
        assert_eq!(meaning.label.as_str(), "ATTACK");
        assert!(meaning.anomalous && map.knows("Label_1"));
    }
}
