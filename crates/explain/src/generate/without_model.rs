//! Answers that need no model: the evidence summary of an entry, and for a question the lines that were found.

use super::{DiagnoseRequest, ExplainRequest, whole_frames};
use crate::answer::Answer;
use crate::context::{Context, ContextLine, ContextOptions, EvidenceReason, LineRole};
use crate::flight::FrameReader;
use crate::prompt::visible;
use crate::summary;
use std::time::Instant;
use turnstone_types::truncate_chars;

/// Lines of evidence that are listed.
const LISTED_MAX: usize = 20;
const QUOTE_CHARS_MAX: usize = 160;

pub(super) fn explain(request: &ExplainRequest, options: &ContextOptions, asked: Instant) -> FrameReader {
    let context = Context::around(&request.input, &for_people(options));
    let answer = summary::summarise(&context, &request.facts);
    reader(&context, answer, asked)
}

pub(super) fn diagnose(request: &DiagnoseRequest, options: &ContextOptions, asked: Instant) -> FrameReader {
    let context = Context::of_evidence(&request.input, &for_people(options));
    let answer = if context.is_empty() {
        nothing_found(request)
    } else {
        listing(&context)
    };
    reader(&context, answer, asked)
}

/// Nothing leaves the process, and people see the raw lines anyway: nothing is redacted, and no model's size is a limit.
fn for_people(options: &ContextOptions) -> ContextOptions {
    ContextOptions {
        redaction: None,
        tokens_max: usize::MAX,
        ..options.clone()
    }
}

fn reader(context: &Context, answer: Answer, asked: Instant) -> FrameReader {
    let done = answer.into_done(None, asked.elapsed().as_secs_f64(), 0);
    FrameReader::of_frames(whole_frames(context.frame(), done))
}

fn nothing_found(request: &DiagnoseRequest) -> Answer {
    let moment = |at: turnstone_types::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let window = match (request.input.time_from, request.input.time_until) {
        (Some(from), Some(until)) => format!(" between {} and {} UTC", moment(from), moment(until)),
        (Some(from), None) => format!(" since {} UTC", moment(from)),
        (None, Some(until)) => format!(" before {} UTC", moment(until)),
        (None, None) => String::new(),
    };
    Answer {
        what_happened: format!(
            "Nothing found{window}: no line matches the question, there is no detection and no rare line. No model was asked."
        ),
        next_steps:
            "- Widen the time window, or choose more sources\n- Ask with words that stand in the lines"
                .to_owned(),
        ..Answer::default()
    }
}

fn listing(context: &Context) -> Answer {
    let count = |wanted: EvidenceReason| {
        context
            .lines
            .iter()
            .filter(|line| line.role == LineRole::Evidence(wanted))
            .count()
    };
    let found = [
        (count(EvidenceReason::Detection), "with a detection"),
        (count(EvidenceReason::Found), "found by the search"),
        (count(EvidenceReason::Rare), "of a rare shape"),
    ];
    let found: Vec<String> = found
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let kinds = if context.lines.len() == 1 {
        "kind of line was"
    } else {
        "kinds of lines were"
    };
    let mut evidence: Vec<String> = context.lines.iter().take(LISTED_MAX).map(listed).collect();
    if context.lines.len() > LISTED_MAX {
        evidence.push(format!("- {} more", context.lines.len() - LISTED_MAX));
    }
    Answer {
        what_happened: format!(
            "{} {kinds} chosen for the question: {}. No language model is configured, so they are listed and not interpreted.",
            context.lines.len(),
            found.join(", ")
        ),
        evidence: evidence.join("\n"),
        next_steps: "- Open a line to see what stands around it\n- Configure a language model to have the question answered".to_owned(),
        ..Answer::default()
    }
}

fn listed(line: &ContextLine) -> String {
    let text = truncate_chars(&line.text, QUOTE_CHARS_MAX);
    let more = if text.len() < line.text.len() { "…" } else { "" };
    let times = if line.count > 1 {
        format!(" ({} times)", line.count)
    } else {
        String::new()
    };
    let label = line
        .score
        .as_ref()
        .map(|(label, score)| format!(" {} {score:.2}", visible(label.as_str())));
    format!(
        "- [{}]{times} {}{}: \"{}{more}\"",
        line.reference(),
        visible(line.source_id.as_str()),
        label.unwrap_or_default(),
        visible(text)
    )
}
