//! The words of the evidence summary: quotations, times, spans, rates.

use super::SourceRate;
use crate::context::ContextLine;
use crate::prompt::visible;
use regex::Regex;
use std::sync::LazyLock;
use turnstone_types::{Timestamp, truncate_chars};

/// Characters of a line that are quoted.
const QUOTE_CHARS_MAX: usize = 160;
/// How many times the usual rate is unusual.
const RATE_FACTOR: f64 = 3.0;
/// Lines from which a rate says anything.
const RATE_LINES_MIN: f64 = 10.0;

/// The time at the start of a line, which the summary says by itself.
static LEADING_TIME: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r"^(?:\[?[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]+)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2}| UTC)?\]?",
        r"|[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}(?:\.[0-9]+)?)[ \t]+",
    );
    // A constant that the tests compile.
    Regex::new(pattern).expect("the pattern of leading times is valid")
});

/// A line in quotation marks: without its time, on one line, cut.
pub(super) fn quote(text: &str) -> String {
    let start = LEADING_TIME
        .find(truncate_chars(text, 80))
        .map_or(0, |time| time.end());
    let text = if start < text.len() { &text[start..] } else { text };
    let shown = truncate_chars(text, QUOTE_CHARS_MAX);
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", visible(shown))
}

pub(super) fn reference(line: &ContextLine) -> String {
    format!("[{}]", line.reference())
}

/// " (3 times)", or nothing for once.
pub(super) fn times(count: u64) -> String {
    if count > 1 {
        format!(" ({count} times)")
    } else {
        String::new()
    }
}

/// "1 line", "2 lines".
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Seconds as people say them.
pub(super) fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A sentence where the rate is unusual.
pub(super) fn rate(rate: &SourceRate) -> Option<String> {
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
            "- The source wrote {lines:.0} lines in five minutes where {usual:.0} are usual{factor}"
        ));
    }
    (usual >= lines * RATE_FACTOR).then(|| {
        format!("- The source wrote only {lines:.0} lines in five minutes where {usual:.0} are usual: is it still running, and are its lines arriving?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_leaves_the_time_out_and_nothing_else() {
        for (text, wanted) in [
            (
                "2026-11-18T08:32:10.395718+00:00 bastion sshd[1]: no",
                "\"bastion sshd[1]: no\"",
            ),
            (
                "2026-11-18 08:00:16.204 UTC [26420] LOG:  x",
                "\"[26420] LOG:  x\"",
            ),
            ("2026/11/18 09:23:24 [error] y", "\"[error] y\""),
            ("Nov  8 08:00:31 db2 z", "\"db2 z\""),
            ("[2026-11-18 08:00:16,204] WARN", "\"WARN\""),
            (
                "no time at 2026-11-18 08:00:16",
                "\"no time at 2026-11-18 08:00:16\"",
            ),
            ("2026-11-18 08:00:16 ", "\"2026-11-18 08:00:16 \""),
            ("", "\"\""),
        ] {
            assert_eq!(quote(text), wanted);
        }
        assert_eq!(quote(&"ä".repeat(300)).chars().count(), QUOTE_CHARS_MAX + 3);
        assert_eq!(quote("a\nb\u{1b}[1m"), "\"a\\nb\\x1b[1m\"");
    }

    #[test]
    fn spans_are_said_in_one_unit() {
        for (seconds, wanted) in [
            (0, "0 s"),
            (119, "119 s"),
            (240, "4 min"),
            (9_000, "2 h"),
            (200_000, "2 days"),
        ] {
            assert_eq!(span(seconds), wanted);
        }
    }

    #[test]
    fn tells_a_source_that_went_quiet() {
        let said = |lines, usual_lines| rate(&SourceRate { lines, usual_lines });
        assert!(
            said(3, 400.0)
                .unwrap()
                .contains("only 3 lines in five minutes where 400 are usual")
        );
        assert!(said(50, 0.0).unwrap().ends_with("where 0 are usual"));
        assert!(
            said(812, 40.0)
                .unwrap()
                .ends_with("where 40 are usual, 20 times as many")
        );
        assert_eq!(said(30, 40.0), None);
        assert_eq!(said(9, 1.0), None);
        assert_eq!(said(50, f64::NAN), None);
    }
}
