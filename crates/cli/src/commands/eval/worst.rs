//! The worst wrong lines: a few, with their text, to see where a model is weak. One for each template, since the same mistake
//! made a hundred times would hide all others.

use super::judge::{Judged, Row};
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, truncate_chars};

/// A line whose answer is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongLine {
    pub line: u64,
    pub source: Option<Box<str>>,
    /// Hash of template and label.
    pub template: u64,
    pub expected: usize,
    /// `None` where the model gave no answer.
    pub got: Option<usize>,
    pub score: f64,
    /// Also wrong about anomalous or not.
    pub wrong_two_way: bool,
    /// The start of the text, as much as a model could see of it.
    pub text: String,
}

/// The worst wrong lines of a group, at most as many as asked for.
#[derive(Debug, Clone, Default)]
pub struct Worst {
    count_max: usize,
    /// Worst first.
    lines: Vec<WrongLine>,
}

impl Worst {
    /// Keeps the `count_max` worst.
    pub fn new(count_max: usize) -> Self {
        Self {
            count_max,
            lines: Vec::new(),
        }
    }

    /// Takes a wrong line if it is among the worst. Those are worse that are wrong about anomalous or not, then those that the
    /// model is surer of, then earlier ones.
    pub fn add(&mut self, row: &Row, judged: &Judged, text: &str) {
        let rank = (!judged.right_two_way(), judged.score);
        let rank_of = |line: &WrongLine| (line.wrong_two_way, line.score);
        let worse = |one: (bool, f64), other: (bool, f64)| {
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).is_gt()
        };
        let at = self.lines.partition_point(|line| !worse(rank, rank_of(line)));
        let known = self.lines.iter().position(|line| line.template == row.template);
        if at == self.count_max || known.is_some_and(|known| known < at) {
            return;
        }
        self.lines.insert(
            at,
            WrongLine {
                line: row.line,
                source: row.source.clone(),
                template: row.template,
                expected: judged.label,
                got: judged.answered,
                score: judged.score,
                wrong_two_way: rank.0,
                text: truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX).to_owned(),
            },
        );
        if let Some(known) = known {
            // One place further, behind the new line.
            self.lines.remove(known + 1);
        }
        self.lines.truncate(self.count_max);
    }

    /// The lines, worst first.
    pub fn lines(&self) -> &[WrongLine] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::eval::judge::Flagged;

    fn add(worst: &mut Worst, line: u64, template: u64, two_way: bool, score: f64) {
        let row = Row {
            line,
            label: 0,
            also_ok: Vec::new(),
            source: None,
            template,
            keyword: false,
        };
        let judged = Judged {
            label: 0,
            anomalous: true,
            answered: Some(1),
            score,
            flagged: Flagged {
                winner: !two_way,
                ..Flagged::default()
            },
            wrong: true,
        };
        worst.add(&row, &judged, &"é".repeat(2 * CLASSIFIED_TEXT_CHARS_MAX));
    }

    fn numbers(worst: &Worst) -> Vec<u64> {
        worst.lines().iter().map(|line| line.line).collect()
    }

    #[test]
    fn those_wrong_about_anomalous_or_not_come_first_then_the_surest() {
        let mut worst = Worst::new(3);
        add(&mut worst, 1, 1, false, 0.99);
        add(&mut worst, 2, 2, true, 0.4);
        add(&mut worst, 3, 3, false, 0.8);
        assert_eq!(numbers(&worst), [2, 1, 3]);
        add(&mut worst, 4, 4, true, 0.6);
        assert_eq!(numbers(&worst), [4, 2, 1]);
        add(&mut worst, 5, 5, false, 0.99);
        assert_eq!(numbers(&worst), [4, 2, 1], "an equal one that comes later");
        assert_eq!(worst.lines()[0].text.chars().count(), CLASSIFIED_TEXT_CHARS_MAX);
    }

    #[test]
    fn a_template_is_there_once_with_its_worst_line() {
        let mut worst = Worst::new(2);
        add(&mut worst, 1, 7, false, 0.5);
        add(&mut worst, 2, 7, false, 0.9);
        add(&mut worst, 3, 7, false, 0.7);
        assert_eq!(numbers(&worst), [2]);
        add(&mut worst, 4, 8, false, 0.8);
        add(&mut worst, 5, 8, true, 0.1);
        assert_eq!(numbers(&worst), [5, 2]);
    }

    #[test]
    fn none_are_kept_where_none_are_asked_for() {
        let mut worst = Worst::new(0);
        add(&mut worst, 1, 1, true, 1.0);
        assert!(worst.lines().is_empty());
    }
}
