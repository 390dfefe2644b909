//! Checks citations, sections, limits, and that no split of the text changes the result.

use super::*;
use crate::frame::CitableLine;
use proptest::prelude::*;

fn context(lines: usize) -> ContextFrame {
    ContextFrame {
        lines: (1..=lines)
            .map(|number| CitableLine {
                reference: format!("L{number}"),
                entry_id: EntryId::new(format!("entry-{number}")).unwrap(),
                count: 1,
                source_id: turnstone_types::SourceId::new("app").unwrap(),
                timestamp: turnstone_types::Timestamp::UNIX_EPOCH,
                text: String::new(),
            })
            .collect(),
        ..ContextFrame::default()
    }
}

fn read(lines: usize, pieces: &[&str]) -> (Vec<CitationFrame>, Answer) {
    let mut parser = AnswerParser::new(&context(lines));
    let mut frames = Vec::new();
    for piece in pieces {
        frames.extend(parser.push(piece));
    }
    let (last, answer) = parser.finish();
    frames.extend(last);
    (frames, answer)
}

fn references(text: &str) -> Vec<String> {
    let (frames, _) = read(9, &[text]);
    frames
        .into_iter()
        .map(|frame| match frame.entry_id {
            Some(_) => frame.reference,
            None => format!("?{}", frame.reference),
        })
        .collect()
}

#[test]
fn knows_references_in_all_their_forms() {
    assert_eq!(references("see [L7]."), ["L7"]);
    assert_eq!(references("L7"), ["L7"]);
    assert_eq!(
        references("(L2) and [L3, L4], L5; L6/L7"),
        ["L2", "L3", "L4", "L5", "L6", "L7"]
    );
    assert_eq!(
        references("L2-L4 and [L6–8]"),
        ["L2", "L3", "L4", "L6", "L7", "L8"]
    );
    assert_eq!(references("L07 **L3** `L4` \"L5\":"), ["L7", "L3", "L4", "L5"]);
    assert_eq!(references("lines L3-the first"), ["L3"]);
    assert_eq!(references("L8-"), ["L8"]);
    assert_eq!(references("L8-L"), ["L8"]);
    assert_eq!(references("L8-L3 L5-2"), ["L8", "L3", "L5"]);
    assert_eq!(references("L5-x7 L5-L6b"), ["L5", "L5"]);
}

#[test]
fn marks_references_to_lines_that_were_not_given() {
    assert_eq!(references("[L10] L0 L2"), ["?L10", "?L0", "L2"]);
    assert_eq!(references("L8-L12"), ["L8", "L9", "?L12"]);
    assert_eq!(references("L1-L900000").len(), 10);
    let (_, answer) = read(2, &["[L2] [L1] [L2] [L7]"]);
    assert_eq!(answer.cited, ["L1", "L2"]);
    assert_eq!(answer.invented, ["L7"]);
}

#[test]
fn takes_no_word_for_a_reference() {
    for text in [
        "HTML5", "xL7", "L7x", "SSL3", "_L7", "L_7", "L", "Level 7", "L1234567", "ÄL7", "l7",
    ] {
        assert!(references(text).is_empty(), "{text}: {:?}", references(text));
    }
}

#[test]
fn a_citation_comes_as_soon_as_it_is_complete() {
    let mut parser = AnswerParser::new(&context(20));
    assert!(parser.push("[L").is_empty());
    assert!(parser.push("1").is_empty());
    let frames = parser.push("2]");
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].entry_id.as_ref().map(EntryId::as_str), Some("entry-12"));
}

#[test]
fn finds_sections_in_any_form_of_markdown() {
    let forms = [
        "## What happened\nA [L1].\n## Likely cause\nB.\n## Evidence\nC.\n## What to check next\nD.",
        "**What happened**\nA [L1].\n**Likely cause**\nB.\n**Evidence**\nC.\n**What to check next**\nD.",
        "What happened: A [L1].\nLikely cause: B.\nEvidence: C.\nWhat to check next: D.",
        "**What happened:** A [L1].\n**Likely cause:** B.\n**Evidence:** C.\n**What to check next:** D.",
        "1. **What happened**: A [L1].\n2. **Likely cause**: B.\n3. **Evidence**: C.\n4. **What to check next**: D.",
        "1) What happened\n\nA [L1].\n\n2) Likely causes\n\nB.\n\n3) Evidence\n\nC.\n\n4) Next steps\n\nD.\n",
        "### 1. What happened?\nA [L1].\n### 2. Root cause\nB.\n### 3. Supporting evidence\nC.\n### 4. Recommendations\nD.",
        "- **What happened** – A [L1].\n- **Likely cause** – B.\n- **Evidence** – C.\n- **Next steps** – D.",
        "WHAT HAPPENED\r\nA [L1].\r\nLIKELY CAUSE\r\nB.\r\nEVIDENCE\r\nC.\r\nWHAT TO CHECK NEXT\r\nD.",
    ];
    for form in forms {
        let (_, answer) = read(3, &[form]);
        let sections = [
            answer.what_happened.as_str(),
            &answer.likely_cause,
            &answer.evidence,
            &answer.next_steps,
        ];
        assert_eq!(sections, ["A [L1].", "B.", "C.", "D."], "{form}");
    }
}

#[test]
fn sentences_are_no_headings() {
    let text = "What happened is that the disk filled.\nEvidence of that is in L1.\nThe cause: unknown.\nCauses vary.";
    let (_, answer) = read(1, &[text]);
    assert_eq!(answer.what_happened, text);
    assert!(answer.evidence.is_empty() && answer.likely_cause.is_empty());
}

#[test]
fn missing_and_repeated_sections_are_tolerated() {
    let (_, answer) = read(1, &["The disk is full."]);
    assert_eq!(answer.what_happened, "The disk is full.");
    assert!(!answer.is_empty());
    let (_, answer) = read(1, &["Intro.\n## Evidence\nA\n## Likely cause\nB\n## Evidence\nC"]);
    assert_eq!(answer.what_happened, "Intro.");
    assert_eq!(answer.evidence, "A\nC");
    assert_eq!(answer.likely_cause, "B");
    let (_, answer) = read(1, &[" \n\t"]);
    assert!(answer.is_empty());
}

#[test]
fn memory_is_bounded() {
    let mut parser = AnswerParser::new(&context(1));
    let piece = "ä L1 L99999 ".repeat(1_000);
    for _ in 0..100 {
        parser.push(&piece);
    }
    let (_, answer) = parser.finish();
    assert!(answer.truncated);
    assert!(answer.what_happened.len() <= ANSWER_BYTES_MAX);
    assert_eq!(answer.cited, ["L1"]);
    let mut parser = AnswerParser::new(&context(0));
    for number in 0..5_000 {
        parser.push(&format!("L{number} "));
    }
    assert_eq!(parser.finish().1.invented.len(), CITED_MAX);
}

/// Texts made of what the parser looks for.
fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("L"),
        Just("L7"),
        Just("[L1]"),
        Just("-"),
        Just("–"),
        Just("9"),
        Just("12"),
        Just("x"),
        Just("ä"),
        Just("_"),
        Just(" "),
        Just("\n"),
        Just("\r\n"),
        Just("## "),
        Just("**"),
        Just("Evidence"),
        Just("What happened"),
        Just("likely cause"),
        Just(":"),
        Just("3. "),
        Just("Next steps"),
        Just("and so on"),
    ];
    prop::collection::vec(fragment, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_split_changes_the_result(text in text(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).filter(|at| text.is_char_boundary(*at)).collect();
        ends.push(text.len());
        ends.sort_unstable();
        let mut start = 0;
        let mut pieces = Vec::new();
        for end in ends {
            pieces.push(&text[start..end]);
            start = end;
        }
        prop_assert_eq!(read(9, &pieces), read(9, &[&text]));
    }

    #[test]
    fn no_word_is_lost(text in text()) {
        let (_, answer) = read(9, &[&text]);
        let kept = [answer.what_happened, answer.likely_cause, answer.evidence, answer.next_steps].concat();
        // Words that are no part of a heading's name are in a section, as often as they were in the text.
        for word in ["and so on", "ä"] {
            prop_assert_eq!(kept.matches(word).count(), text.matches(word).count(), "{} of {:?}", word, text);
        }
    }

    #[test]
    fn any_text_is_taken(pieces in prop::collection::vec(".{0,30}", 0..10)) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        read(3, &pieces);
    }
}

#[test]
fn an_answer_of_nothing_but_references_has_few_citations() {
    let mut parser = AnswerParser::new(&context(60));
    let frames = (0..5_000).map(|_| parser.push("L1-L60 ").len());
    assert_eq!(frames.sum::<usize>(), CITATIONS_MAX);
    assert_eq!(parser.finish().1.cited.len(), 60);
}
