//! The evidence summary, which needs no language model: facts that the caller counted, said in sentences for whoever is on
//! call. It names no cause; it says what is known and where to look. `checks` knows what to check for which label.

mod checks;
mod facts;

#[cfg(test)]
mod tests;

pub use facts::{Facts, NewShape, RareLine, SimilarEntry, SourceRate, Verdict};

use crate::answer::Answer;
use crate::context::{Context, ContextLine};
use crate::prompt::visible;
use std::collections::BTreeSet;
use turnstone_types::{EntryId, Severity, Timestamp, truncate_chars};

/// Characters of a line that are quoted.
const QUOTE_CHARS_MAX: usize = 160;
/// Lines of one kind that are named; more would not be read at night.
const NAMED_MAX: usize = 3;
/// Seconds of silence in front of a line that are worth a sentence.
const SILENCE_SECONDS_MIN: i64 = 60;
/// How many times the usual rate is unusual.
const RATE_FACTOR: f64 = 3.0;
/// Lines from which a rate says anything.
const RATE_LINES_MIN: f64 = 10.0;

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
                .map(|note| format!("{} ({:.2})", note.label, note.score))
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
        let first = facts.first_seen.filter(|first| *first < self.target.timestamp);
        let kept = facts
            .kept_since
            .map(|since| format!(" (lines are kept since {})", moment(since)))
            .unwrap_or_default();
        let Some(first) = first else {
            return format!("It is the first line of its shape from this source{kept}.");
        };
        let first = format!("first seen {}", moment(first));
        let (hour, day) = (facts.hour_count, facts.day_count.max(facts.hour_count));
        if day <= 1 {
            return format!("It is the only line of its shape in the day before it; {first}.");
        }
        // Evenly spread over the day an hour has a twenty-fourth of it.
        if hour >= 5 && hour * 6 >= day {
            return format!(
                "Lines of its shape: {hour} in the hour before it, of {day} in the day. It comes in a burst; {first}."
            );
        }
        if hour == 0 || hour == 1 {
            return format!(
                "Lines of its shape: {day} in the day before it, no other in the last hour; {first}."
            );
        }
        format!(
            "Lines of its shape: {day} in the day before it, {hour} in the last hour. That is no more than usual; {first}."
        )
    }

    fn what_changed(&mut self) -> String {
        let mut changes = Vec::new();
        for shape in self.facts.new_shapes.iter().take(NAMED_MAX) {
            let place = self.place(&shape.entry_id, shape.first_at);
            let times = if shape.count > 1 {
                format!(", {} times", shape.count)
            } else {
                String::new()
            };
            changes.push(format!(
                "- New, not seen before this window {place}{times}: {}",
                quote(&shape.text)
            ));
        }
        let more = self.facts.new_shapes.len().saturating_sub(NAMED_MAX);
        if more > 0 {
            changes.push(format!("- {more} more new kinds of lines in this window"));
        }
        changes.extend(self.facts.source_rate.as_ref().and_then(rate));
        changes.extend(self.silence());
        for line in self.errors_before() {
            let reference = self.cite(line);
            let severity = line.severity.map_or("ERROR", Severity::as_str);
            changes.push(format!(
                "- {severity} before it {reference}{}: {}",
                times(line),
                quote(&line.text)
            ));
        }
        if changes.is_empty() {
            let partly = if self.context.left_out.before > 0 {
                " (not all lines before it were looked at)"
            } else {
                ""
            };
            return format!(
                "{WITHOUT_MODEL}\nNothing changed around it: no new kind of line, no unusual rate, no error before it{partly}."
            );
        }
        format!("{WITHOUT_MODEL}\n{}", changes.join("\n"))
    }

    /// The nearest lines in front of the target that say themselves that something failed.
    fn errors_before(&self) -> Vec<&'a ContextLine> {
        let before = &self.context.lines[..self.context.target.unwrap_or(0)];
        let failed = before
            .iter()
            .filter(|line| line.severity >= Some(Severity::Error));
        let mut nearest: Vec<_> = failed.rev().take(NAMED_MAX).collect();
        nearest.reverse();
        nearest
    }

    fn silence(&self) -> Option<String> {
        let previous = self
            .context
            .target?
            .checked_sub(1)
            .and_then(|index| self.context.lines.get(index))?;
        let seconds = self.target.timestamp.as_second() - previous.last_timestamp.as_second();
        (seconds >= SILENCE_SECONDS_MIN).then(|| {
            format!(
                "- The source was silent for {} before it, since {}",
                span(seconds),
                reference(previous)
            )
        })
    }

    fn evidence(&mut self) -> String {
        let mut said = vec![format!(
            "- {} the line itself{}",
            self.cite(self.target),
            times(self.target)
        )];
        let rare: Vec<_> = self.facts.rare.iter().take(NAMED_MAX).collect();
        for rare in rare {
            let Some(line) = self
                .line_of(&rare.entry_id)
                .filter(|line| line.number != self.target.number)
            else {
                continue;
            };
            let often = match rare.day_count {
                0 | 1 => "the only one of its shape in the day".to_owned(),
                count => format!("one of only {count} of its shape in the day"),
            };
            let reference = self.cite(line);
            said.push(format!("- {reference} {often}: {}", quote(&line.text)));
        }
        let labelled: Vec<&ContextLine> = self
            .facts
            .other_detections
            .iter()
            .filter_map(|id| self.line_of(id))
            .collect();
        for line in labelled
            .into_iter()
            .filter(|line| line.number != self.target.number)
            .take(NAMED_MAX)
        {
            let label = line.score.as_ref().map_or_else(String::new, |(label, score)| {
                format!(" ({}, {score:.2})", visible(label.as_str()))
            });
            let reference = self.cite(line);
            said.push(format!(
                "- {reference} is a detection too{label}: {}",
                quote(&line.text)
            ));
        }
        said.extend(self.judged());
        let left_out = self.context.left_out.in_words();
        if !left_out.is_empty() {
            said.push(format!("- Of the window: {left_out}"));
        }
        said.join("\n")
    }

    /// What people said of lines like this one.
    fn judged(&self) -> Option<String> {
        let similar = &self.facts.similar;
        let judged: Vec<&SimilarEntry> = similar.iter().filter(|one| one.verdict.is_some()).collect();
        let last = judged.iter().max_by_key(|one| one.timestamp);
        let Some(last) = last else {
            let count = similar.len();
            return (count > 0).then(|| match count {
                1 => "- One similar line was found before; nobody has judged it".to_owned(),
                _ => format!("- {count} similar lines were found before; nobody has judged one"),
            });
        };
        let counted = |verdict: Verdict| judged.iter().filter(|one| one.verdict == Some(verdict)).count();
        let parts: Vec<String> = Verdict::ALL
            .into_iter()
            .filter(|verdict| counted(*verdict) > 0)
            .map(|verdict| format!("{} {}", counted(verdict), verdict.as_str()))
            .collect();
        let reason = if last.reason.trim().is_empty() {
            String::new()
        } else {
            format!(": {}", quote(&last.reason))
        };
        Some(format!(
            "- Similar lines that people judged: {}; the last one, of {}, {}{reason}",
            parts.join(", "),
            moment(last.timestamp),
            last.verdict.map_or("", Verdict::as_str)
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
                "- {harmless} of {} similar lines were harmless. If this one is too, acknowledge it so, or suppress its shape for a while",
                judged.len()
            ));
        }
        let first_new = self.facts.new_shapes.iter().min_by_key(|shape| shape.first_at);
        if let Some(shape) = first_new.filter(|shape| shape.first_at < self.target.timestamp) {
            let place = self.place(&shape.entry_id, shape.first_at);
            steps.push(format!("- Begin with the first new line before it {place}"));
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

fn reference(line: &ContextLine) -> String {
    format!("[{}]", line.reference())
}

fn times(line: &ContextLine) -> String {
    if line.count > 1 {
        format!(" ({} times)", line.count)
    } else {
        String::new()
    }
}

fn rate(rate: &SourceRate) -> Option<String> {
    let (lines, usual) = (rate.lines as f64, rate.usual_lines);
    if lines.max(usual) < RATE_LINES_MIN || !usual.is_finite() {
        return None;
    }
    if lines >= usual * RATE_FACTOR {
        let factor = if usual >= 1.0 {
            format!(", {:.0} times as many", lines / usual)
        } else {
            String::new()
        };
        return Some(format!(
            "- The source wrote {lines:.0} lines in this window where {usual:.0} are usual{factor}"
        ));
    }
    (usual >= lines * RATE_FACTOR).then(|| {
        format!("- The source wrote only {lines:.0} lines in this window where {usual:.0} are usual: is it still running, and are its lines arriving?")
    })
}

fn quote(text: &str) -> String {
    let shown = truncate_chars(text, QUOTE_CHARS_MAX);
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", visible(shown))
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Seconds as people say them.
fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}
