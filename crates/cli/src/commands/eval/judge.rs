//! What the answer to one labelled line counts as: as a label, and as anomalous or not.

use super::classes::Classes;

/// A labelled line without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number in the file, from 1.
    pub line: u64,
    pub label: usize,
    /// Labels that count as right too.
    pub also_ok: Vec<usize>,
    /// The system that it is from.
    pub source: Option<Box<str>>,
    /// Hash of its template and label.
    pub template: u64,
    /// Whether the search for keywords finds it.
    pub keyword: bool,
}

/// What the model says of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    pub label: usize,
    /// Whether the label map makes the answer anomalous.
    pub anomalous: bool,
    /// Whether it is a detection: anomalous, with a score at or over the threshold.
    pub detected: bool,
    /// Score of the winning class.
    pub score: f64,
}

/// A line and what the answers to it count as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    pub label: usize,
    /// Whether the line is one to be found.
    pub anomalous: bool,
    /// The answer's label, or the line's own where the answer is one of its accepted labels; `None` without an answer.
    pub answered: Option<usize>,
    /// Score of the answer; 0 without one.
    pub score: f64,
    /// Whether the line counts as flagged, by each of the three.
    pub flagged: Flagged<bool>,
    /// Whether the answer is one to look at: its label is wrong, or, where the model has no label that would be right, it is
    /// wrong about anomalous or not.
    pub wrong: bool,
}

/// Something of each of the three ways to flag a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flagged<T> {
    /// The winning label is anomalous, whatever its score.
    pub winner: T,
    /// The line is a detection.
    pub threshold: T,
    /// A keyword stands in it.
    pub keywords: T,
}

impl Judged {
    /// Judges what is said of a line; no answer of the model is a wrong one, and no detection.
    ///
    /// An answer that `also_ok` allows counts as the line's own label. A line whose accepted labels lie on both sides cannot be
    /// wrong as anomalous or not: whoever flags it, or does not, did as its own label says.
    pub fn of(classes: &Classes, row: &Row, answer: Option<Answer>) -> Self {
        let anomalous = classes.anomalous(row.label);
        let debatable = row
            .also_ok
            .iter()
            .any(|label| classes.anomalous(*label) != anomalous);
        let counts_as = |flagged: bool| if debatable { anomalous } else { flagged };
        let accepts = |label: usize| label == row.label || row.also_ok.contains(&label);
        let answerable =
            classes.answered(row.label) || row.also_ok.iter().any(|label| classes.answered(*label));
        let mut judged = Self {
            label: row.label,
            anomalous,
            answered: answer.map(|answer| {
                if accepts(answer.label) {
                    row.label
                } else {
                    answer.label
                }
            }),
            score: answer.map_or(0.0, |answer| answer.score),
            flagged: Flagged {
                winner: counts_as(answer.is_some_and(|answer| answer.anomalous)),
                threshold: counts_as(answer.is_some_and(|answer| answer.detected)),
                keywords: counts_as(row.keyword),
            },
            wrong: false,
        };
        judged.wrong = if answerable {
            !judged.right_by_label()
        } else {
            !judged.right_two_way()
        };
        judged
    }

    /// Whether the answer's label is right.
    pub fn right_by_label(&self) -> bool {
        self.answered == Some(self.label)
    }

    /// Whether the answer, whatever its score, is right about anomalous or not.
    pub fn right_two_way(&self) -> bool {
        self.answered.is_some() && self.flagged.winner == self.anomalous
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::eval::classes::STANDARD_LABELS;
    use turnstone_classifier::ModelLabel;
    use turnstone_types::LabelMap;

    const NORMAL: usize = 0;
    const SECURITY: usize = 1;
    const SYSTEM: usize = 2;

    /// A model with all of the seven labels.
    fn classes() -> Classes {
        let map = LabelMap::default();
        let label = |raw: &str| ModelLabel {
            raw: raw.to_owned(),
            meaning: map.meaning(raw),
            known: true,
        };
        Classes::new(&STANDARD_LABELS.map(label))
    }

    fn judged(label: usize, also_ok: &[usize], answer: Option<(usize, f64)>, keyword: bool) -> Judged {
        let row = Row {
            line: 1,
            label,
            also_ok: also_ok.to_vec(),
            source: None,
            template: 0,
            keyword,
        };
        let answer = answer.map(|(label, score)| Answer {
            label,
            anomalous: label != NORMAL,
            detected: label != NORMAL && score >= 0.75,
            score,
        });
        Judged::of(&classes(), &row, answer)
    }

    fn flags(judged: &Judged) -> (bool, bool, bool) {
        (
            judged.flagged.winner,
            judged.flagged.threshold,
            judged.flagged.keywords,
        )
    }

    #[test]
    fn an_accepted_answer_counts_as_the_lines_own_label() {
        let debatable = judged(SYSTEM, &[SECURITY], Some((SECURITY, 0.8)), false);
        assert_eq!(debatable.answered, Some(SYSTEM));
        assert!(debatable.right_by_label() && debatable.right_two_way());
        assert_eq!(flags(&debatable), (true, true, false));
        let wrong = judged(SYSTEM, &[], Some((SECURITY, 0.7)), true);
        assert_eq!(wrong.answered, Some(SECURITY));
        assert!(!wrong.right_by_label() && wrong.right_two_way());
        assert_eq!((debatable.wrong, wrong.wrong), (false, true));
        assert_eq!(flags(&wrong), (true, false, true));
    }

    #[test]
    fn a_line_that_may_be_both_is_never_wrong_as_anomalous_or_not() {
        for answer in [NORMAL, SECURITY] {
            for keyword in [false, true] {
                let calm = judged(NORMAL, &[SECURITY], Some((answer, 0.9)), keyword);
                assert_eq!(flags(&calm), (false, false, false));
                let alarming = judged(SECURITY, &[NORMAL], Some((answer, 0.9)), keyword);
                assert_eq!(flags(&alarming), (true, true, true));
                assert!(calm.right_by_label() && alarming.right_by_label());
            }
        }
    }

    #[test]
    fn where_the_model_lacks_the_label_anomalous_or_not_is_what_can_be_wrong() {
        let row = Row {
            line: 1,
            label: SYSTEM,
            also_ok: Vec::new(),
            source: None,
            template: 0,
            keyword: false,
        };
        let answer = |label| Answer {
            label,
            anomalous: label != NORMAL,
            detected: false,
            score: 0.5,
        };
        let lacking = Classes::new(&[]);
        assert!(!Judged::of(&lacking, &row, Some(answer(SECURITY))).wrong);
        assert!(Judged::of(&lacking, &row, Some(answer(NORMAL))).wrong);
        assert!(Judged::of(&classes(), &row, Some(answer(SECURITY))).wrong);
    }

    #[test]
    fn no_answer_is_wrong_and_no_detection() {
        let normal = judged(NORMAL, &[], None, false);
        assert_eq!((normal.answered, flags(&normal)), (None, (false, false, false)));
        assert!(!normal.right_by_label() && !normal.right_two_way());
    }
}
