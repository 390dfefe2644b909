//! Which lines a context gets, and in what form: order, folding, cutting, redaction, limits.

use super::{
    Context, ContextInput, ContextLine, ContextOptions, DetectionNote, EvidenceInput, EvidenceReason,
    LeftOut, LineRole, token_estimate,
};
use crate::input::Line;
use crate::prompt;
use crate::redaction::{self, RedactionReport, Redactor};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use turnstone_types::{EntryId, SourceId, Timestamp, template, truncate_chars};

/// Lines on each side of an entry that are looked at, for each line that may go in: more are folded only by chance.
const LINES_READ_PER_LINE: usize = 50;
/// Characters of a line by which lines are held to be alike; what classifiers see too.
const TEMPLATE_CHARS_MAX: usize = turnstone_types::CLASSIFIED_TEXT_CHARS_MAX;
/// Characters of a line that people are shown; detections keep as many.
const RAW_CHARS_MAX: usize = turnstone_types::DETECTION_TEXT_CHARS_MAX;
/// How many times as many characters as any other the target may have.
const TARGET_CHARS_FACTOR: usize = 4;
/// Characters below which the target is not cut, however few tokens there are.
const TARGET_CHARS_MIN: usize = 80;
/// A window may be as long as a year.
const MICROSECONDS: i64 = 1_000_000;

/// A run of lines that become one, with what it costs.
struct Candidate {
    line: ContextLine,
    report: RedactionReport,
    cut: bool,
    tokens: usize,
    /// Time and place of the member that is nearest to the target: smaller is nearer.
    distance: (u64, usize),
}

pub(super) fn around(input: &ContextInput, options: &ContextOptions) -> Context {
    let window = i64::from(options.window_seconds) * MICROSECONDS;
    let centre = input.entry.timestamp.as_microsecond();
    let target_key = (input.entry.timestamp, input.entry.entry_id.clone());
    let mut seen: HashSet<&EntryId> = HashSet::from([&input.entry.entry_id]);
    let mut lines: Vec<&Line> = input
        .lines
        .iter()
        .filter(|line| line.source_id == input.entry.source_id)
        .filter(|line| (line.timestamp.as_microsecond() - centre).abs() <= window)
        .filter(|line| seen.insert(&line.entry_id))
        .collect();
    lines.sort_by_key(|line| (line.timestamp, &line.entry_id));
    let middle = lines.partition_point(|line| (line.timestamp, line.entry_id.clone()) < target_key);
    let read = options.lines_max.saturating_mul(LINES_READ_PER_LINE);
    let first = middle.saturating_sub(read);
    let last = lines.len().min(middle.saturating_add(read));

    let mut form = Form::new(options);
    let runs_before = runs_before(&lines[first..middle], options.lines_max);
    let runs_after = runs_after(&lines[middle..last], options.lines_max);
    // A private key may begin in front of the first line that is taken.
    let start = runs_before.first().map_or(middle, |run| first + run.start);
    for line in &lines[start.saturating_sub(redaction::KEY_BLOCK_LINES_MAX)..start] {
        form.follow(&line.text);
    }
    let before = form.candidates(
        &lines[first..middle],
        runs_before,
        |run| middle - first - run.end,
        centre,
    );
    let target = form.target(&input.entry);
    let after = form.candidates(&lines[middle..last], runs_after, |run| run.start, centre);

    let (chosen_before, chosen_after) = grow(&before, &after, target.tokens, options);
    let entries = |candidates: &[Candidate]| {
        candidates
            .iter()
            .map(|one| u64::from(one.line.count))
            .sum::<u64>()
    };
    let mut left_out = LeftOut {
        before: input.unread_before + middle as u64 - entries(&before[before.len() - chosen_before..]),
        after: input.unread_after + (lines.len() - middle) as u64 - entries(&after[..chosen_after]),
        before_is_least: input.unread_before > 0,
        after_is_least: input.unread_after > 0,
        ..LeftOut::default()
    };
    let kept_from = before.len() - chosen_before;
    let chosen: Vec<Candidate> = before
        .into_iter()
        .skip(kept_from)
        .chain([target])
        .chain(after.into_iter().take(chosen_after))
        .collect();
    let redacted = count(&chosen, &mut left_out);
    let note = |detection: &turnstone_types::Detection| DetectionNote {
        label: detection.label.clone(),
        score: detection.score,
        severity: detection.severity,
    };
    Context {
        lines: numbered(chosen),
        target: Some(chosen_before),
        detections: input.detections.iter().map(note).collect(),
        time_from: shifted(centre, -window),
        time_until: shifted(centre, window),
        left_out,
        redacted,
        redactor: form.redactor,
        options: options.clone(),
    }
    .renumbered()
}

pub(super) fn of_evidence(input: &EvidenceInput, options: &ContextOptions) -> Context {
    let mut seen: HashSet<&EntryId> = HashSet::new();
    let mut best: Vec<_> = input.lines.iter().collect();
    best.sort_by(|a, b| b.rank.total_cmp(&a.rank).then_with(|| b.reason.cmp(&a.reason)));
    let mut lines: Vec<_> = best
        .into_iter()
        .filter(|one| seen.insert(&one.line.entry_id))
        .collect();
    // In the order of time within a source, for redaction follows private keys from line to line.
    lines.sort_by_key(|one| (&one.line.source_id, one.line.timestamp, &one.line.entry_id));

    let mut form = Form::new(options);
    let mut groups: Vec<(f64, EvidenceReason, Candidate)> = Vec::new();
    let mut by_shape: HashMap<(SourceId, String), usize> = HashMap::new();
    for one in lines {
        let shape = (one.line.source_id.clone(), shape(&one.line.text));
        if let Some(index) = by_shape.get(&shape) {
            let (rank, reason, group) = &mut groups[*index];
            *rank = if one.rank.total_cmp(rank).is_gt() {
                one.rank
            } else {
                *rank
            };
            *reason = (*reason).max(one.reason);
            group.line.role = LineRole::Evidence(*reason);
            form.follow(&one.line.text);
            extend(&mut group.line, &one.line);
            continue;
        }
        by_shape.insert(shape, groups.len());
        let (text, report) = form.redacted(&one.line.text);
        let candidate = form.candidate(&one.line, text, report, LineRole::Evidence(one.reason));
        groups.push((one.rank, one.reason, candidate));
    }
    groups.sort_by(|(rank_a, reason_a, a), (rank_b, reason_b, b)| {
        let by_rank = rank_b.total_cmp(rank_a).then_with(|| reason_b.cmp(reason_a));
        by_rank.then_with(|| {
            (Reverse(a.line.timestamp), &a.line.entry_id).cmp(&(Reverse(b.line.timestamp), &b.line.entry_id))
        })
    });
    let mut left_out = LeftOut {
        lower: input.unread,
        ..LeftOut::default()
    };
    let (mut chosen, mut tokens) = (Vec::new(), 0);
    for (_, _, mut candidate) in groups {
        candidate.tokens = cost(&candidate.line);
        if chosen.len() < options.lines_max && tokens + candidate.tokens <= options.tokens_max {
            tokens += candidate.tokens;
            chosen.push(candidate);
        } else {
            left_out.lower += u64::from(candidate.line.count);
        }
    }
    chosen.sort_by(|a, b| (a.line.timestamp, &a.line.entry_id).cmp(&(b.line.timestamp, &b.line.entry_id)));
    let redacted = count(&chosen, &mut left_out);
    Context {
        lines: numbered(chosen),
        target: None,
        detections: Vec::new(),
        time_from: input.time_from,
        time_until: input.time_until,
        left_out,
        redacted,
        redactor: form.redactor,
        options: options.clone(),
    }
    .renumbered()
}

/// Runs of lines that follow each other and have one template, as ranges of `lines`: the last ones, in their order. Only the
/// templates that this takes are made, for a window may have thousands of lines.
fn runs_before(lines: &[&Line], runs_max: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut last_shape = None;
    for (index, line) in lines.iter().enumerate().rev() {
        let shape = Some(shape(&line.text));
        let is_full = runs.len() == runs_max;
        match runs.last_mut().filter(|_| shape == last_shape) {
            Some(run) => run.start = index,
            None if is_full => break,
            None => runs.push(index..index + 1),
        }
        last_shape = shape;
    }
    runs.reverse();
    runs
}

/// As [`runs_before`], but the first ones.
fn runs_after(lines: &[&Line], runs_max: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut last_shape = None;
    for (index, line) in lines.iter().enumerate() {
        let shape = Some(shape(&line.text));
        let is_full = runs.len() == runs_max;
        match runs.last_mut().filter(|_| shape == last_shape) {
            Some(run) => run.end = index + 1,
            None if is_full => break,
            None => runs.push(index..index + 1),
        }
        last_shape = shape;
    }
    runs
}

/// How many candidates of each side, counted from the target, there is room for.
fn grow(
    before: &[Candidate],
    after: &[Candidate],
    tokens: usize,
    options: &ContextOptions,
) -> (usize, usize) {
    let (mut chosen_before, mut chosen_after) = (0, 0);
    let (mut open_before, mut open_after) = (true, true);
    let mut tokens = tokens;
    while chosen_before + chosen_after + 1 < options.lines_max {
        let earlier = before.iter().rev().nth(chosen_before).filter(|_| open_before);
        let later = after.get(chosen_after).filter(|_| open_after);
        let takes_earlier = match (earlier, later) {
            (None, None) => break,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            // What came before is likelier to be the cause.
            (Some(earlier), Some(later)) => earlier.distance <= later.distance,
        };
        let (side, open, chosen) = if takes_earlier {
            (earlier, &mut open_before, &mut chosen_before)
        } else {
            (later, &mut open_after, &mut chosen_after)
        };
        let cost = side.map_or(0, |candidate| candidate.tokens);
        *open = tokens + cost <= options.tokens_max;
        if *open {
            tokens += cost;
            *chosen += 1;
        }
    }
    (chosen_before, chosen_after)
}

/// Brings lines into the form in which a model gets them.
struct Form<'a> {
    options: &'a ContextOptions,
    redactor: Option<Redactor>,
}

impl<'a> Form<'a> {
    fn new(options: &'a ContextOptions) -> Self {
        Self {
            options,
            redactor: options.redaction.clone().map(Redactor::new),
        }
    }

    fn redacted(&mut self, text: &str) -> (String, RedactionReport) {
        match &mut self.redactor {
            Some(redactor) => redactor.redact_counted(text),
            None => (text.to_owned(), RedactionReport::default()),
        }
    }

    /// Lets the redactor see a line that is not shown: a private key may begin in it.
    fn follow(&mut self, text: &str) {
        if let Some(redactor) = &mut self.redactor {
            redactor.follow(text);
        }
    }

    /// Makes one line of each run. `place` has how many lines lie between a run and the target.
    fn candidates(
        &mut self,
        lines: &[&Line],
        runs: Vec<Range<usize>>,
        place: impl Fn(&Range<usize>) -> usize,
        centre: i64,
    ) -> Vec<Candidate> {
        let mut candidates = Vec::with_capacity(runs.len());
        for run in runs {
            let (text, report) = self.redacted(&lines[run.start].text);
            let mut candidate = self.candidate(lines[run.start], text, report, LineRole::Near);
            for line in &lines[run.start + 1..run.end] {
                self.follow(&line.text);
                extend(&mut candidate.line, line);
            }
            let away = |line: &Line| line.timestamp.as_microsecond().abs_diff(centre);
            let nearest = away(lines[run.start]).min(away(lines[run.end - 1]));
            candidate.distance = (nearest, place(&run));
            candidate.tokens = cost(&candidate.line);
            candidates.push(candidate);
        }
        candidates
    }

    /// The line to explain, cut so that it leaves room for others.
    fn target(&mut self, entry: &Line) -> Candidate {
        let (text, report) = self.redacted(&entry.text);
        let mut chars_max = self
            .options
            .line_chars_max
            .saturating_mul(TARGET_CHARS_FACTOR)
            .max(TARGET_CHARS_MIN);
        loop {
            let (shown, cut) = shortened(&text, chars_max);
            let line = context_line(entry, shown, LineRole::Target);
            let tokens = cost(&line);
            if tokens <= self.options.tokens_max / 2 || chars_max <= TARGET_CHARS_MIN {
                return Candidate {
                    line,
                    report,
                    cut,
                    tokens,
                    distance: (0, 0),
                };
            }
            chars_max = (chars_max * 3 / 4).max(TARGET_CHARS_MIN);
        }
    }

    /// A line by itself. What it costs is known once it is folded.
    fn candidate(&self, line: &Line, text: String, report: RedactionReport, role: LineRole) -> Candidate {
        let (text, cut) = shortened(&text, self.options.line_chars_max);
        Candidate {
            line: context_line(line, text, role),
            report,
            cut,
            tokens: 0,
            distance: (0, 0),
        }
    }
}

/// By what lines are held to be alike.
fn shape(text: &str) -> String {
    template(truncate_chars(text, TEMPLATE_CHARS_MAX))
}

/// Tokens of a line as it stands in the prompt.
fn cost(line: &ContextLine) -> usize {
    // One for the line end, and three for digits that its number does not have yet.
    token_estimate(&prompt::rendered_line(line)) + 4
}

fn context_line(line: &Line, text: String, role: LineRole) -> ContextLine {
    ContextLine {
        number: 0,
        entry_id: line.entry_id.clone(),
        last_entry_id: line.entry_id.clone(),
        count: 1,
        source_id: line.source_id.clone(),
        timestamp: line.timestamp,
        last_timestamp: line.timestamp,
        text,
        raw_text: truncate_chars(&line.text, RAW_CHARS_MAX).to_owned(),
        severity: line.severity,
        score: line.score.clone(),
        role,
    }
}

/// Counts a later line into a run. Its worst severity and score are the run's.
fn extend(run: &mut ContextLine, line: &Line) {
    run.count += 1;
    run.last_entry_id = line.entry_id.clone();
    run.last_timestamp = line.timestamp;
    run.severity = run.severity.max(line.severity);
    if run.score.is_none() {
        run.score.clone_from(&line.score);
    }
}

/// Cuts the middle out of a text that is too long: three quarters of the room are for its start, one is for its end. Says
/// how much is gone.
fn shortened(text: &str, chars_max: usize) -> (String, bool) {
    let chars = text.chars().count();
    if chars <= chars_max {
        return (text.to_owned(), false);
    }
    let tail = chars_max / 4;
    let head = truncate_chars(text, chars_max - tail);
    let end = match tail {
        0 => "",
        _ => text
            .char_indices()
            .rev()
            .nth(tail - 1)
            .map_or("", |(at, _)| &text[at..]),
    };
    (
        format!("{head} …{} characters cut… {end}", chars - chars_max),
        true,
    )
}

fn count(chosen: &[Candidate], left_out: &mut LeftOut) -> RedactionReport {
    let mut redacted = RedactionReport::default();
    for candidate in chosen {
        redacted.add(&candidate.report);
        left_out.folded += u64::from(candidate.line.count - 1);
        left_out.cut += u64::from(candidate.cut);
    }
    redacted
}

fn numbered(chosen: Vec<Candidate>) -> Vec<ContextLine> {
    let numbers = 1..;
    let lines = chosen.into_iter().zip(numbers);
    lines
        .map(|(candidate, number)| ContextLine {
            number,
            ..candidate.line
        })
        .collect()
}

fn shifted(microsecond: i64, by: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microsecond.saturating_add(by)).ok()
}

impl Context {
    /// Gives placeholders the numbers that they have when only the chosen lines count, so that lines which were left out do
    /// not change the context.
    fn renumbered(mut self) -> Self {
        let Some(options) = &self.options.redaction else {
            return self;
        };
        if self.redacted.total() == 0 {
            self.redactor = Some(Redactor::new(options.clone()));
            return self;
        }
        let renumbering = redaction::renumber(self.lines.iter_mut().map(|line| &mut line.text));
        if let Some(redactor) = &mut self.redactor {
            redactor.renumber(&renumbering);
        }
        self
    }
}
