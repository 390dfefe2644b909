//! The evidence summary, which needs no language model: facts that the caller counted, said in sentences for whoever is on
//! call. It names no cause; it says what is known and where to look. `checks` knows what to check for which label, `words`
//! how things are said.

mod checks;
mod facts;
mod words;

#[cfg(test)]
mod tests;

pub use facts::{Counted, Facts, MessageGroup, NewShape, RareLine, SimilarEntry, SourceRate};
pub use turnstone_types::Verdict;

use crate::answer::Answer;
use crate::context::{Context, ContextLine};
use crate::prompt::visible;
use std::collections::BTreeSet;
use turnstone_types::{EntryId, Severity, Timestamp, template};
use words::{counted, moment, quote, rate, reference, span, times};

/// Lines of one kind that are named; more would not be read at night.
const NAMED_MAX: usize = 3;
/// Seconds of silence in front of a line that are worth a sentence.
const SILENCE_SECONDS_MIN: i64 = 60;
/// Lines of one kind in an hour that may be a burst.
const BURST_LINES_MIN: u64 = 5;
/// Lines of one kind in a day from which its hours can be compared.
const RHYTHM_LINES_MIN: u64 = 24;
/// Share of lines with errors that is worth a sentence.
const ERROR_SHARE_MIN: f64 = 0.1;

/// Says at the start of the second section where the text comes from.
pub const WITHOUT_MODEL: &str =
    "This summary was made without a language model: it names what changed, not the cause.";

/// Writes the summary of a context's target. The context should be one without redaction, for the text is for the people who
/// see the raw lines anyway.
pub fn summarise(context: &Context, facts: &Facts) -> Answer {
    let Some(target) = context.target_line() else {
        return Answer {
            what_happened: "There is no line to summarise.".to_owned(),
            ..Answer::default()
        };
    };
    let mut writer = Writer {
        context,
        facts,
        target,
        cited: BTreeSet::new(),
        told: BTreeSet::from([template(&target.text)]),
    };
    let mut answer = Answer {
        what_happened: writer.what_happened(),
        likely_cause: writer.what_changed(),
        evidence: writer.evidence(),
        next_steps: writer.next_steps(),
        ..Answer::default()
    };
    answer.cited = writer.cited.iter().map(|number| format!("L{number}")).collect();
    answer
}

struct Writer<'a> {
    context: &'a Context,
    facts: &'a Facts,
    target: &'a ContextLine,
    cited: BTreeSet<u32>,
    /// Templates of lines that were quoted: none is quoted twice.
    told: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn what_happened(&mut self) -> String {
        let reference = self.cite(self.target);
        let mut said = vec![format!(
            "{} logged at {} UTC {reference}: {}",
            visible(self.target.source_id.as_str()),
            moment(self.target.timestamp),
            quote(&self.target.text)
        )];
        let mut notes = self.context.detections.iter();
        if let Some(note) = notes.next() {
            let also: Vec<String> = notes
                .map(|note| format!("{} ({:.2})", visible(note.label.as_str()), note.score))
                .collect();
            let also = if also.is_empty() {
                String::new()
            } else {
                format!("; also {}", also.join(", "))
            };
            said.push(format!(
                "Classified as {} with score {:.2}, severity {}{also}.",
                visible(note.label.as_str()),
                note.score,
                note.severity
            ));
        }
        said.push(self.how_often());
        said.join("\n")
    }

    fn how_often(&self) -> String {
        let facts = self.facts;
        let (hour, day) = (facts.hour_count, facts.day_count.max(facts.hour_count));
        let first = facts.first_seen.filter(|first| *first < self.target.timestamp);
        match (facts.counted, first) {
            (Counted::Nothing, _) => return "How often lines of its kind come was not counted.".to_owned(),
            (Counted::AtLeast, first) => {
                let since = first.map(|first| format!(", since {} or longer", moment(first)));
                return format!(
                    "Lines of its kind: at least {hour} in the hour before it and {day} in the day{}.",
                    since.unwrap_or_default()
                );
            }
            (Counted::All, None) => {
                let kept = facts
                    .kept_since
                    .map(|since| format!(" (lines are kept since {})", moment(since)));
                return format!(
                    "It is the first line of its kind from this source{}.",
                    kept.unwrap_or_default()
                );
            }
            (Counted::All, Some(_)) => {}
        }
        let mut seen = first
            .map(|first| format!("first seen {}", moment(first)))
            .unwrap_or_default();
        if let Some(last) = facts
            .last_before
            .filter(|last| first.is_some_and(|first| first < *last))
        {
            seen.push_str(&format!(", last before it {}", moment(last)));
        }
        if day <= 1 {
            return format!("It is the only line of its kind in the day before it; {seen}.");
        }
        // Evenly spread over the day an hour has a twenty-fourth of it.
        let rhythm = if hour >= BURST_LINES_MIN && hour * 6 >= day {
            " It comes in a burst."
        } else if day >= RHYTHM_LINES_MIN && (hour * 8..=hour * 72).contains(&day) {
            " It comes about as often as in the rest of the day."
        } else {
            ""
        };
        let in_hour = if hour <= 1 {
            "no other".to_owned()
        } else {
            hour.to_string()
        };
        format!("Lines of its kind: {in_hour} in the hour before it, {day} in the day; {seen}.{rhythm}")
    }

    fn what_changed(&mut self) -> String {
        let mut changes = Vec::new();
        let shapes = &self.facts.new_shapes;
        let mut named: Vec<_> = shapes.iter().take(NAMED_MAX).collect();
        named.sort_by_key(|shape| shape.first_at);
        for shape in named {
            let place = self.place(&shape.entry_id, shape.first_at);
            self.told.insert(template(&shape.text));
            let seconds = self.target.timestamp.as_second() - shape.first_at.as_second();
            let when = match seconds {
                1.. => format!("{} before it", span(seconds)),
                0 => "at the same time".to_owned(),
                _ => format!("{} after it", span(-seconds)),
            };
            changes.push(format!(
                "- First seen {when} {place}{}: {}",
                times(shape.count),
                quote(&shape.text)
            ));
        }
        let more = shapes.len().saturating_sub(NAMED_MAX) as u64;
        if more > 0 {
            let kinds = counted(more, "more kind of line is", "more kinds of lines are");
            changes.push(format!("- {kinds} new in this window"));
        }
        changes.extend(self.facts.source_rate.as_ref().and_then(rate));
        let share = self.facts.error_share.filter(|share| *share >= ERROR_SHARE_MIN);
        changes.extend(share.map(|share| {
            let percent = (share * 100.0).min(100.0);
            format!("- {percent:.0} % of the source's lines in the last hour state an error")
        }));
        changes.extend(self.silence());
        changes.extend(self.errors_before());
        if changes.is_empty() {
            changes.push(self.nothing_changed());
        }
        format!("{WITHOUT_MODEL}\n{}", changes.join("\n"))
    }

    fn nothing_changed(&self) -> String {
        if self.context.lines.len() == 1 {
            return "No other line of its time and source is known.".to_owned();
        }
        let rate = if self.facts.source_rate.is_some() {
            ", no unusual rate"
        } else {
            ""
        };
        let partly = if self.context.left_out.before > 0 {
            " (not all lines before it were looked at)"
        } else {
            ""
        };
        format!("Nothing stands out around it: no new kind of line{rate}, no other error before it{partly}.")
    }

    /// The nearest lines in front of the target that say themselves that something failed, each kind once.
    fn errors_before(&mut self) -> Vec<String> {
        let before = &self.context.lines[..self.context.target.unwrap_or(0)];
        let mut kinds: Vec<(String, &'a ContextLine, u64)> = Vec::new();
        for line in before
            .iter()
            .rev()
            .filter(|line| line.severity >= Some(Severity::Error))
        {
            let shape = template(&line.text);
            match kinds.iter_mut().find(|(other, _, _)| *other == shape) {
                Some((_, _, count)) => *count += u64::from(line.count),
                None if self.told.contains(&shape) => {}
                None => kinds.push((shape, line, u64::from(line.count))),
            }
        }
        let nearest = kinds.into_iter().take(NAMED_MAX);
        let said = nearest.map(|(shape, line, count)| {
            self.told.insert(shape);
            let severity = line.severity.unwrap_or(Severity::Error);
            format!(
                "- {severity} before it {}{}: {}",
                self.cite(line),
                times(count),
                quote(&line.text)
            )
        });
        said.collect()
    }

    fn silence(&mut self) -> Option<String> {
        let index = self.context.target?.checked_sub(1)?;
        let previous = self.context.lines.get(index)?;
        let seconds = self.target.timestamp.as_second() - previous.last_timestamp.as_second();
        (seconds >= SILENCE_SECONDS_MIN).then(|| {
            format!(
                "- The source was silent for {} before it, since {}",
                span(seconds),
                self.cite(previous)
            )
        })
    }

    fn evidence(&mut self) -> String {
        let mut said = vec![format!("- {} the line itself", self.cite(self.target))];
        let facts = self.facts;
        let rare = facts.rare.iter().filter_map(|rare| {
            let often = match rare.day_count {
                0 | 1 => "the only line of its kind in the day".to_owned(),
                count => format!("one of only {count} lines of its kind in the day"),
            };
            let line = self.untold(&rare.entry_id)?;
            Some(format!("- {} {often}: {}", self.cite(line), quote(&line.text)))
        });
        said.extend(rare.take(NAMED_MAX));
        let detections = facts.other_detections.iter().filter_map(|id| {
            let line = self.untold(id)?;
            let label = line.score.as_ref().map_or_else(String::new, |(label, score)| {
                format!(" ({}, {score:.2})", visible(label.as_str()))
            });
            Some(format!(
                "- {} is a detection too{label}: {}",
                self.cite(line),
                quote(&line.text)
            ))
        });
        said.extend(detections.take(NAMED_MAX));
        said.extend(self.detected_before());
        said.extend(self.elsewhere());
        said.extend(self.judged());
        let left_out = self.context.left_out.in_words();
        if !left_out.is_empty() {
            said.push(format!("- Of the window: {left_out}"));
        }
        said.join("\n")
    }

    /// Detections of the message in the target's own source.
    fn detected_before(&self) -> Option<String> {
        let own: Vec<&MessageGroup> = self
            .facts
            .groups
            .iter()
            .filter(|group| group.source_id == self.target.source_id)
            .collect();
        let detections: u64 = own.iter().map(|group| group.detections).sum();
        let open: u64 = own.iter().map(|group| group.open).sum();
        let first = own.iter().map(|group| group.first_at).min()?;
        let handled = match open {
            0 => "all acknowledged".to_owned(),
            open if open >= detections => "none acknowledged".to_owned(),
            open => format!("{open} not acknowledged"),
        };
        (detections > 1).then(|| {
            format!(
                "- {detections} detections of this message since {}, {handled}",
                moment(first)
            )
        })
    }

    /// Other sources with detections of the message, those with the newest first.
    fn elsewhere(&self) -> Option<String> {
        let mut others = self.other_sources();
        others.sort_by_key(|group| std::cmp::Reverse(group.last_at));
        let names = others.iter().take(NAMED_MAX).map(|group| {
            let detections = counted(group.detections, "detection", "detections");
            format!(
                "{} ({detections}, last {})",
                visible(group.source_id.as_str()),
                moment(group.last_at)
            )
        });
        let names: Vec<String> = names.collect();
        let more = match others.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!names.is_empty())
            .then(|| format!("- The same message in other sources: {}{more}", names.join(", ")))
    }

    fn other_sources(&self) -> Vec<&'a MessageGroup> {
        let others = self.facts.groups.iter();
        others
            .filter(|group| group.source_id != self.target.source_id && group.detections > 0)
            .collect()
    }

    /// What people said of lines like this one.
    fn judged(&self) -> Option<String> {
        let similar = &self.facts.similar;
        let judged: Vec<(&SimilarEntry, Verdict)> = similar
            .iter()
            .filter_map(|one| Some((one, one.verdict?)))
            .collect();
        let Some((last, verdict)) = judged.iter().max_by_key(|(one, _)| one.timestamp) else {
            let lines = counted(similar.len() as u64, "similar line was", "similar lines were");
            return (!similar.is_empty()).then(|| format!("- {lines} found before; nobody has judged any"));
        };
        let reason = if last.reason.trim().is_empty() {
            String::new()
        } else {
            format!(": {}", quote(last.reason.trim()))
        };
        let last = format!("of {}, as {}{reason}", moment(last.timestamp), in_words(*verdict));
        if judged.len() == 1 {
            return Some(format!("- People judged one similar line, {last}"));
        }
        let parts = Verdict::ALL.into_iter().filter_map(|verdict| {
            let count = judged.iter().filter(|(_, other)| *other == verdict).count();
            (count > 0).then(|| format!("{count} as {}", in_words(verdict)))
        });
        let parts: Vec<String> = parts.collect();
        Some(format!(
            "- People judged {} similar lines: {}; the last one, {last}",
            judged.len(),
            parts.join(", ")
        ))
    }

    fn next_steps(&mut self) -> String {
        let mut steps = Vec::new();
        let judged: Vec<Verdict> = self.facts.similar.iter().filter_map(|one| one.verdict).collect();
        let harmless = judged
            .iter()
            .filter(|verdict| **verdict != Verdict::TruePositive)
            .count();
        if judged.len() >= 2 && harmless * 4 >= judged.len() * 3 {
            steps.push(format!(
                "- {harmless} of {} similar lines were harmless. If this one is too, acknowledge it so, or suppress its kind for a while",
                judged.len()
            ));
        }
        let first_new = self.facts.new_shapes.iter().min_by_key(|shape| shape.first_at);
        if let Some(shape) = first_new.filter(|shape| shape.first_at < self.target.timestamp) {
            let place = self.place(&shape.entry_id, shape.first_at);
            steps.push(format!("- Begin with the first new line before it {place}"));
        }
        let others = self.other_sources();
        if let Some(other) = others.iter().max_by_key(|group| group.last_at) {
            let name = visible(other.source_id.as_str());
            steps.push(format!(
                "- Compare with {name}, which has the same message: what do both depend on?"
            ));
        }
        let label = self
            .context
            .detections
            .first()
            .map(|note| note.label.as_str().to_owned());
        for name in checks::named(&self.target.text).into_iter().take(NAMED_MAX) {
            steps.push(format!(
                "- Search for {}: {}",
                name.text,
                checks::question(label.as_deref(), name.kind)
            ));
        }
        steps.extend(
            checks::for_label(label.as_deref())
                .iter()
                .map(|check| format!("- {check}")),
        );
        steps.join("\n")
    }

    fn line_of(&self, entry_id: &EntryId) -> Option<&'a ContextLine> {
        self.context
            .lines
            .iter()
            .find(|line| line.entry_id == *entry_id || line.last_entry_id == *entry_id)
    }

    /// The line of an entry, where no line of its kind was quoted yet; from now on one is.
    fn untold(&mut self, entry_id: &EntryId) -> Option<&'a ContextLine> {
        let line = self.line_of(entry_id)?;
        self.told.insert(template(&line.text)).then_some(line)
    }

    /// The reference of an entry, or its time where it is not among the lines.
    fn place(&mut self, entry_id: &EntryId, at: Timestamp) -> String {
        match self.line_of(entry_id) {
            Some(line) => self.cite(line),
            None => format!("at {}", at.strftime("%H:%M:%S")),
        }
    }

    fn cite(&mut self, line: &ContextLine) -> String {
        self.cited.insert(line.number);
        reference(line)
    }
}

fn in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::TruePositive => "true positive",
        Verdict::FalsePositive => "false positive",
        Verdict::Expected => "expected",
    }
}
