//! Counts of everything that was judged, by system, and the worst wrong lines by group. Figures are made of it at the end.

use super::classes::Classes;
use super::counts::Counts;
use super::judge::{Answer, Judged, Row};
use super::worst::Worst;
use std::collections::BTreeMap;

/// The most systems that are told apart, lines without a source being one: each has counts of its own in memory.
const SOURCES_MAX: usize = 10_000;

/// What was judged so far. `None` stands for lines that name no source.
#[derive(Debug)]
pub struct Tally {
    classes: Classes,
    sources: BTreeMap<Option<Box<str>>, Counts>,
    worst: BTreeMap<Option<Box<str>>, Worst>,
    errors_max: usize,
}

/// The counts of a file, of its groups and of its systems.
#[derive(Debug)]
pub struct Totals {
    pub all: Counts,
    pub groups: BTreeMap<String, Counts>,
    pub sources: BTreeMap<String, Counts>,
    /// By group.
    pub worst: BTreeMap<Option<Box<str>>, Worst>,
}

/// The group of a system: what comes before the first slash of its name.
pub fn group_of(source: &str) -> &str {
    source.split('/').next().unwrap_or_default()
}

impl Tally {
    /// Counts lines with these labels, and keeps `errors_max` wrong lines of each group.
    pub fn new(classes: Classes, errors_max: usize) -> Self {
        Self {
            classes,
            sources: BTreeMap::new(),
            worst: BTreeMap::new(),
            errors_max,
        }
    }

    /// Judges and counts a line; `text` is needed only where wrong lines are kept.
    ///
    /// # Errors
    /// The line is of a system too many; says so.
    pub fn add(&mut self, row: &Row, answer: Option<Answer>, text: Option<&str>) -> Result<(), String> {
        let judged = Judged::of(&self.classes, row, answer);
        if let Some(counts) = self.sources.get_mut(&row.source) {
            counts.add(row.template, &judged);
        } else if self.sources.len() < SOURCES_MAX {
            let counts = self.sources.entry(row.source.clone()).or_default();
            counts.add(row.template, &judged);
        } else {
            return Err(format!(
                "more than {SOURCES_MAX} different sources; \"source\" names a system, for example \"group/program\""
            ));
        }
        if let Some(text) = text.filter(|_| judged.wrong && self.errors_max > 0) {
            let group = row.source.as_deref().map(|source| Box::from(group_of(source)));
            self.worst
                .entry(group)
                .or_insert_with(|| Worst::new(self.errors_max))
                .add(row, &judged, text);
        }
        Ok(())
    }

    /// Adds up what was counted.
    pub fn finish(self) -> Totals {
        let mut all = Counts::default();
        let mut groups: BTreeMap<String, Counts> = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for (source, counts) in self.sources {
            all.merge(&counts);
            if let Some(source) = source {
                groups
                    .entry(group_of(&source).to_owned())
                    .or_default()
                    .merge(&counts);
                sources.insert(source.into_string(), counts);
            }
        }
        Totals {
            all,
            groups,
            sources,
            worst: self.worst,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, source: Option<&str>, template: u64) -> Row {
        Row {
            line,
            label: 1,
            also_ok: Vec::new(),
            source: source.map(Box::from),
            template,
            keyword: false,
        }
    }

    /// An answer of the first label, which is wrong for every line.
    const WRONG: Answer = Answer {
        label: 0,
        anomalous: false,
        detected: false,
        score: 0.9,
    };

    #[test]
    fn systems_make_up_groups_and_groups_and_the_rest_make_up_all() {
        let mut tally = Tally::new(Classes::new(&[]), 1);
        let lines = [
            (Some("lab/web"), 1),
            (Some("lab/db"), 1),
            (Some("lab/db"), 2),
            (Some("field"), 1),
            (None, 3),
        ];
        for (number, (source, template)) in (1..).zip(lines) {
            tally
                .add(&row(number, source, template), Some(WRONG), Some("text"))
                .expect("few");
        }
        let totals = tally.finish();
        let lines = |counts: &Counts| counts.labels[&1];
        let templates = |counts: &Counts| counts.templates.len();
        assert_eq!((lines(&totals.all), templates(&totals.all)), (5, 3));
        let groups: Vec<(&str, u64, usize)> = totals
            .groups
            .iter()
            .map(|(name, counts)| (name.as_str(), lines(counts), templates(counts)))
            .collect();
        assert_eq!(groups, [("field", 1, 1), ("lab", 3, 2)]);
        let sources: Vec<&str> = totals.sources.keys().map(String::as_str).collect();
        assert_eq!(sources, ["field", "lab/db", "lab/web"]);
        let worst: Vec<(Option<&str>, u64)> = totals
            .worst
            .iter()
            .map(|(group, worst)| (group.as_deref(), worst.lines()[0].line))
            .collect();
        assert_eq!(worst, [(None, 5), (Some("field"), 4), (Some("lab"), 1)]);
    }

    #[test]
    fn systems_without_end_are_refused() {
        let mut tally = Tally::new(Classes::new(&[]), 0);
        let mut add = |number: usize| {
            let source = format!("s/{number}");
            tally.add(&row(1, Some(&source), 1), Some(WRONG), None)
        };
        let refused = (0..).find(|number| add(*number).is_err());
        assert_eq!(refused, Some(SOURCES_MAX));
        assert!(add(SOURCES_MAX - 1).is_ok(), "one that is known goes on");
    }
}
