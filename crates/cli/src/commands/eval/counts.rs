//! What is kept of judged lines: counts that can be added up, of a system, of a group or of all, and never the lines.

use super::judge::{Flagged, Judged};
use std::collections::{BTreeMap, HashMap};

/// Bins of equal width that answers are sorted into by their score.
pub const BINS: usize = 10;

/// How many there are, or how much, on each side.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sides {
    pub anomalous: f64,
    pub normal: f64,
}

impl Sides {
    /// Adds to the side of a line.
    pub fn add(&mut self, anomalous: bool, amount: f64) {
        if anomalous {
            self.anomalous += amount;
        } else {
            self.normal += amount;
        }
    }

    fn merge(&mut self, other: Self) {
        self.anomalous += other.anomalous;
        self.normal += other.normal;
    }
}

/// Answers whose scores are close together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    pub lines: u64,
    pub score_sum: f64,
    pub right_by_label: u64,
    pub right_two_way: u64,
}

/// The counts of some lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    pub lines: Sides,
    pub flagged: Flagged<Sides>,
    /// Lines by label.
    pub labels: BTreeMap<usize, u64>,
    /// Answered lines by label and by what the answer counts as.
    pub confusion: BTreeMap<(usize, usize), u64>,
    /// Answered lines by score: above 0 to 0.1, above 0.1 to 0.2, and so on.
    pub bins: [Bin; BINS],
    /// By hash of template and label. One small record for each, so that is what memory grows with.
    pub templates: HashMap<u64, Template>,
}

/// The lines of one template and label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Template {
    pub anomalous: bool,
    pub lines: u64,
    pub flagged: Flagged<u64>,
    /// Lines whose answer is wrong.
    pub wrong: u64,
}

impl Counts {
    /// Counts one line.
    pub fn add(&mut self, template: u64, judged: &Judged) {
        let anomalous = judged.anomalous;
        self.lines.add(anomalous, 1.0);
        let flagged = judged.flagged;
        for (flagged, sides) in [
            (flagged.winner, &mut self.flagged.winner),
            (flagged.threshold, &mut self.flagged.threshold),
            (flagged.keywords, &mut self.flagged.keywords),
        ] {
            sides.add(anomalous, f64::from(u8::from(flagged)));
        }
        *self.labels.entry(judged.label).or_default() += 1;
        if let Some(answered) = judged.answered {
            *self.confusion.entry((judged.label, answered)).or_default() += 1;
            let bin = &mut self.bins[bin_of(judged.score)];
            bin.lines += 1;
            bin.score_sum += judged.score;
            bin.right_by_label += u64::from(judged.right_by_label());
            bin.right_two_way += u64::from(judged.right_two_way());
        }
        self.templates.entry(template).or_default().merge(Template {
            anomalous,
            lines: 1,
            flagged: Flagged {
                winner: u64::from(flagged.winner),
                threshold: u64::from(flagged.threshold),
                keywords: u64::from(flagged.keywords),
            },
            wrong: u64::from(judged.wrong),
        });
    }

    /// Adds what was counted elsewhere. A template that is in both is one template.
    pub fn merge(&mut self, other: &Self) {
        self.lines.merge(other.lines);
        self.flagged.winner.merge(other.flagged.winner);
        self.flagged.threshold.merge(other.flagged.threshold);
        self.flagged.keywords.merge(other.flagged.keywords);
        for (label, lines) in &other.labels {
            *self.labels.entry(*label).or_default() += lines;
        }
        for (cell, lines) in &other.confusion {
            *self.confusion.entry(*cell).or_default() += lines;
        }
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.lines += other.lines;
            bin.score_sum += other.score_sum;
            bin.right_by_label += other.right_by_label;
            bin.right_two_way += other.right_two_way;
        }
        for (hash, template) in &other.templates {
            self.templates.entry(*hash).or_default().merge(*template);
        }
    }
}

impl Template {
    fn merge(&mut self, other: Self) {
        // The label is part of the hash, so both are on one side.
        self.anomalous = other.anomalous;
        self.lines += other.lines;
        self.flagged.winner += other.flagged.winner;
        self.flagged.threshold += other.flagged.threshold;
        self.flagged.keywords += other.flagged.keywords;
        self.wrong += other.wrong;
    }
}

/// The bin of a score. What lies outside 0 to 1, as a model of regression may answer, goes to the ends.
fn bin_of(score: f64) -> usize {
    // A cast to an integer stops at 0 and so takes care of what is negative.
    ((score * BINS as f64).ceil() as usize)
        .saturating_sub(1)
        .min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_its_upper_edge() {
        let cases = [
            (0.0, 0),
            (0.01, 0),
            (0.1, 0),
            (0.100_01, 1),
            (0.5, 4),
            (0.75, 7),
            (0.900_01, 9),
            (1.0, 9),
            (-3.0, 0),
            (17.0, 9),
        ];
        for (score, bin) in cases {
            assert_eq!(bin_of(score), bin, "{score}");
        }
    }

    /// Lines that differ in everything that is counted.
    fn lines() -> Vec<(u64, Judged)> {
        let line = |template: u64, label: usize, answered: Option<usize>, score: f64| {
            let flag = answered.is_some_and(|label| label != 0);
            let judged = Judged {
                label,
                anomalous: label != 0,
                answered,
                score,
                flagged: Flagged {
                    winner: flag,
                    threshold: flag && score >= 0.75,
                    keywords: template.is_multiple_of(2),
                },
                wrong: answered != Some(label),
            };
            (template, judged)
        };
        vec![
            line(1, 0, Some(0), 0.95),
            line(1, 0, Some(3), 0.55),
            line(2, 3, Some(3), 0.85),
            line(2, 3, Some(0), 0.45),
            line(3, 5, None, 0.0),
        ]
    }

    fn counted<'a>(lines: impl IntoIterator<Item = &'a (u64, Judged)>) -> Counts {
        let mut counts = Counts::default();
        for (template, judged) in lines {
            counts.add(*template, judged);
        }
        counts
    }

    #[test]
    fn lines_are_counted_by_label_answer_score_and_template() {
        let counts = counted(&lines());
        assert_eq!((counts.lines.anomalous, counts.lines.normal), (3.0, 2.0));
        let winner = counts.flagged.winner;
        assert_eq!((winner.anomalous, winner.normal), (1.0, 1.0));
        let threshold = counts.flagged.threshold;
        assert_eq!((threshold.anomalous, threshold.normal), (1.0, 0.0));
        assert_eq!(counts.labels, [(0, 2), (3, 2), (5, 1)].into());
        assert_eq!(
            counts.confusion,
            [((0, 0), 1), ((0, 3), 1), ((3, 3), 1), ((3, 0), 1)].into()
        );
        assert_eq!(counts.bins.iter().map(|bin| bin.lines).sum::<u64>(), 4);
        assert_eq!(counts.bins[9].right_by_label, 1);
        assert_eq!((counts.bins[5].lines, counts.bins[5].right_two_way), (1, 0));
        let second = counts.templates[&2];
        assert_eq!((second.lines, second.wrong, second.anomalous), (2, 1, true));
        assert_eq!((second.flagged.threshold, second.flagged.keywords), (1, 2));
    }

    #[test]
    fn counts_of_parts_add_up_to_those_of_all() {
        let lines = lines();
        let all = counted(&lines);
        for split in 0..=lines.len() {
            let mut merged = counted(&lines[..split]);
            merged.merge(&counted(&lines[split..]));
            // Sums of scores are added in another order.
            for (bin, whole) in merged.bins.iter_mut().zip(&all.bins) {
                assert!((bin.score_sum - whole.score_sum).abs() < 1e-12);
                bin.score_sum = whole.score_sum;
            }
            assert_eq!(merged, all, "split at {split}");
        }
    }
}
