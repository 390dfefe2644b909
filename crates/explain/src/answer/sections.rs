//! Splits an answer into its four sections. Headings are known in any form of Markdown or none; text is never lost.

use super::Answer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    WhatHappened,
    LikelyCause,
    Evidence,
    NextSteps,
}

/// Names under which models write the sections, longer ones before those that they begin with.
const NAMES: [(&str, Section); 22] = [
    ("what happened", Section::WhatHappened),
    ("what is happening", Section::WhatHappened),
    ("summary", Section::WhatHappened),
    ("most likely cause", Section::LikelyCause),
    ("likely causes", Section::LikelyCause),
    ("likely cause", Section::LikelyCause),
    ("probable cause", Section::LikelyCause),
    ("possible causes", Section::LikelyCause),
    ("possible cause", Section::LikelyCause),
    ("root cause", Section::LikelyCause),
    ("cause", Section::LikelyCause),
    ("supporting evidence", Section::Evidence),
    ("evidence", Section::Evidence),
    ("what to check next", Section::NextSteps),
    ("what to check", Section::NextSteps),
    ("what to do next", Section::NextSteps),
    ("recommended next steps", Section::NextSteps),
    ("next steps", Section::NextSteps),
    ("next step", Section::NextSteps),
    ("check next", Section::NextSteps),
    ("recommendations", Section::NextSteps),
    ("recommendation", Section::NextSteps),
];

/// Splits a text. What stands in front of the first heading belongs to what happened; a heading that comes twice goes on
/// where its section ended.
pub(super) fn split(text: &str) -> Answer {
    let mut answer = Answer::default();
    let mut section = Section::WhatHappened;
    for line in text.split_inclusive('\n') {
        let rest = match heading(line) {
            Some((next, rest)) => {
                section = next;
                let body = body(&mut answer, section);
                if !body.is_empty() && !body.ends_with('\n') {
                    body.push('\n');
                }
                rest.trim_start()
            }
            None => line,
        };
        body(&mut answer, section).push_str(rest);
    }
    for section in [
        Section::WhatHappened,
        Section::LikelyCause,
        Section::Evidence,
        Section::NextSteps,
    ] {
        let body = body(&mut answer, section);
        *body = body.trim().to_owned();
    }
    answer
}

fn body(answer: &mut Answer, section: Section) -> &mut String {
    match section {
        Section::WhatHappened => &mut answer.what_happened,
        Section::LikelyCause => &mut answer.likely_cause,
        Section::Evidence => &mut answer.evidence,
        Section::NextSteps => &mut answer.next_steps,
    }
}

/// The section that a line begins, with the text that follows its heading on the line.
fn heading(line: &str) -> Option<(Section, &str)> {
    let bare = line.trim_start();
    let without_marks = bare.trim_start_matches(['#', '*', '_', '>', '-', '+', '•', ' ', '\t']);
    let without_digits = without_marks.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered =
        without_digits.len() < without_marks.len() && without_digits.starts_with(['.', ')', ':', ' ']);
    let name_at = if numbered {
        without_digits.trim_start_matches(['.', ')', ':', ' ', '*', '_'])
    } else {
        without_marks
    };
    let marked = name_at.len() < bare.len();
    let (section, rest) = NAMES.iter().find_map(|(name, section)| {
        let head = name_at.get(..name.len())?;
        head.eq_ignore_ascii_case(name)
            .then(|| (*section, &name_at[name.len()..]))
    })?;
    let closed = rest.trim_start_matches(['*', '_', '#']);
    let emphasised = closed.len() < rest.len();
    // The name alone on its line.
    let alone = closed.trim_start_matches([':', '?', '.', '*', '_', '#', ' ', '\t']);
    if alone.trim().is_empty() {
        return Some((section, alone));
    }
    // The name, a colon and text. With emphasis around it a dash will do.
    let spaced = closed.trim_start_matches([' ', '\t']);
    if let Some(text) = spaced.strip_prefix(':') {
        return Some((section, text.trim_start_matches(['*', '_', ' ', '\t'])));
    }
    if let Some(text) = spaced.strip_prefix("?:") {
        return Some((section, text.trim_start_matches(['*', '_', ' ', '\t'])));
    }
    if marked && emphasised {
        let text = spaced.strip_prefix(['-', '–', '—']).unwrap_or(spaced);
        return Some((section, text.trim_start()));
    }
    None
}
