//! A line of a log in a table cell with what a search found in it: escaped, cut to the columns there are, begun near the first find.

use super::escape_controls;
use console::Style;
use std::ops::Range;

/// Shows a text in at most `columns` columns with the bytes of `ranges` in a style, where there is one. A text whose first find
/// would be cut away begins shortly before it.
pub fn marked(text: &str, ranges: &[Range<usize>], columns: usize, style: Option<&Style>) -> String {
    // The ranges come from a server; those that are none of this text are passed over.
    let ranges = || ranges.iter().filter(|range| text.get((*range).clone()).is_some());
    let begin = ranges()
        .next()
        .map_or(0, |first| beginning(text, first.start, columns));
    // Escaping a megabyte to show a hundred columns of it would be waste.
    let end = text[begin..]
        .char_indices()
        .nth(columns + 1)
        .map_or(text.len(), |(place, _)| begin + place);
    let mut shown = String::from(if begin > 0 { "…" } else { "" });
    let mut at = begin;
    for range in ranges() {
        let (from, until) = (range.start.max(at), range.end.min(end));
        if from >= until {
            continue;
        }
        shown.push_str(&escape_controls(&text[at..from]));
        let found = escape_controls(&text[from..until]);
        match style {
            Some(style) => shown.push_str(&style.apply_to(found).to_string()),
            None => shown.push_str(&found),
        }
        at = until;
    }
    shown.push_str(&escape_controls(&text[at..end]));
    console::truncate_str(&shown, columns, "…").into_owned()
}

/// Where to begin so that what stands at `first` is seen with a third of the columns before it.
fn beginning(text: &str, first: usize, columns: usize) -> usize {
    let before = &text[..first];
    if before.chars().count() <= columns * 2 / 3 {
        return 0;
    }
    before
        .char_indices()
        .rev()
        .nth(columns / 3)
        .map_or(0, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style() -> Style {
        Style::new().bold().force_styling(true)
    }

    #[test]
    fn finds_are_marked_and_hostile_text_is_not_obeyed() {
        let text = "\u{1b}[31mdisk error";
        let found = text.find("disk").expect("there");
        let ranges = vec![Range {
            start: found,
            end: found + 4,
        }];
        let with_style = marked(text, &ranges, 60, Some(&style()));
        assert_eq!(with_style, "\\u{1b}[31m\u{1b}[1mdisk\u{1b}[0m error");
        assert_eq!(marked(text, &ranges, 60, None), "\\u{1b}[31mdisk error");
        assert_eq!(
            console::strip_ansi_codes(&with_style),
            marked(text, &ranges, 60, None)
        );
    }

    #[test]
    fn a_late_find_is_brought_into_sight() {
        let text = format!("{}needle{}", "ä".repeat(500), "x".repeat(500));
        let ranges = vec![Range {
            start: 1_000,
            end: 1_006,
        }];
        for columns in [20, 28, 100] {
            let shown = marked(&text, &ranges, columns, Some(&style()));
            assert!(shown.contains("\u{1b}[1mneedle\u{1b}[0m"), "{shown:?}");
            assert!(
                shown.starts_with('…') && console::measure_text_width(&shown) <= columns,
                "{shown:?}"
            );
        }
    }

    #[test]
    fn a_find_that_is_cut_ends_its_style() {
        let shown = marked(
            "a long find that goes on",
            std::slice::from_ref(&(2..24)),
            10,
            Some(&style()),
        );
        assert_eq!(console::measure_text_width(&shown), 10);
        assert!(shown.ends_with("\u{1b}[0m"), "{shown:?}");
    }

    #[test]
    fn ranges_of_another_text_do_no_harm() {
        for range in [0..2, 5..1_000, 1..2, 2..2] {
            assert_eq!(
                marked("日本", std::slice::from_ref(&range), 10, None),
                "日本",
                "{range:?}"
            );
        }
        assert_eq!(marked("abc", &[1..3, 0..2], 10, None), "abc");
    }
}
