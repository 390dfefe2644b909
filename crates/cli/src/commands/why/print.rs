//! What `turnstone why` prints: the label, the line with its heavy words, the words with their weights. The line was written by
//! whoever writes logs, so each of its pieces is escaped before anything is put around it.

use crate::output::{escape_controls, severity_name};
use console::Style;
use serde::Serialize;
use std::io::Write;
use turnstone_proto::v1;

/// Words that are listed.
const WORDS_LISTED_MAX: usize = 10;
/// Least weight, for or against, of a word that is worth a mention: what falls below rounds to 0.00.
const WEIGHT_MIN: f64 = 0.005;
/// Part of the largest weight from which a word is marked in the line.
const HEAVY_PART: f64 = 0.2;

/// An explanation with its words spelled out.
#[derive(Debug, Clone, Serialize)]
pub struct ExplanationRow {
    anomaly_label: String,
    raw_label: String,
    anomaly_score: f64,
    severity: String,
    scorer: String,
    text: String,
    words: Vec<WordRow>,
    left_out_word_count: i32,
}

/// A word of the text. Those that the text does not have were dropped.
#[derive(Debug, Clone, Serialize)]
struct WordRow {
    word: String,
    weight: f64,
    /// Bytes of the text.
    start: usize,
    end: usize,
}

impl From<v1::LabelExplanation> for ExplanationRow {
    fn from(explanation: v1::LabelExplanation) -> Self {
        let severity = severity_name(explanation.severity());
        let text = explanation.text;
        let mut behind = 0;
        let words = explanation.words.iter().filter_map(|word| {
            let range = word.range.as_ref()?;
            let (start, end) = (
                usize::try_from(range.start).ok()?,
                usize::try_from(range.end).ok()?,
            );
            // In order and apart, as promised; a server of another mind must not make us print a piece twice.
            let part = text.get(start..end).filter(|_| start >= behind)?;
            behind = end;
            Some(WordRow {
                word: part.to_owned(),
                weight: word.weight,
                start,
                end,
            })
        });
        Self {
            words: words.collect(),
            anomaly_label: explanation.anomaly_label,
            raw_label: explanation.raw_label,
            anomaly_score: explanation.anomaly_score,
            severity,
            scorer: explanation.scorer,
            text,
            left_out_word_count: explanation.left_out_word_count,
        }
    }
}

/// How heavy words are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Highlight {
    /// In colour.
    Colour,
    /// Between « and ».
    Marks,
}

impl Highlight {
    /// Colour on a terminal that wants it (NO_COLOR is not set), marks elsewhere.
    pub fn of_stdout() -> Self {
        if console::Term::stdout().is_term() && console::colors_enabled() {
            Self::Colour
        } else {
            Self::Marks
        }
    }

    fn heavy(self, word: &str) -> String {
        match self {
            Self::Colour => Style::new()
                .force_styling(true)
                .red()
                .bold()
                .apply_to(word)
                .to_string(),
            Self::Marks => format!("«{word}»"),
        }
    }
}

/// Prints an explanation for a person.
pub fn print_table(out: &mut impl Write, row: &ExplanationRow, highlight: Highlight) -> anyhow::Result<()> {
    let label = escape_controls(&row.anomaly_label);
    let raw_label = escape_controls(&row.raw_label);
    let own_name = if raw_label.eq_ignore_ascii_case(&label) {
        String::new()
    } else {
        format!(", which the model calls {raw_label}")
    };
    let (score, severity) = (row.anomaly_score, &row.severity);
    writeln!(
        out,
        "{label} {score:.3}, {severity}, by {}{own_name}\n",
        escape_controls(&row.scorer)
    )?;
    writeln!(out, "{}\n", marked_line(row, highlight))?;
    let mut words: Vec<&WordRow> = row
        .words
        .iter()
        .filter(|word| word.weight.abs() >= WEIGHT_MIN)
        .collect();
    words.sort_by(|left, right| right.weight.abs().total_cmp(&left.weight.abs()));
    if words.is_empty() {
        writeln!(
            out,
            "no word of it carries the label: without them it is as likely"
        )?;
    } else {
        writeln!(out, "{:>6}  WORD", "WEIGHT")?;
    }
    for word in words.iter().take(WORDS_LISTED_MAX) {
        let against = if word.weight < 0.0 {
            "  (against the label)"
        } else {
            ""
        };
        writeln!(
            out,
            "{:>6.2}  {}{against}",
            word.weight,
            escape_controls(&word.word)
        )?;
    }
    let more = words.len().saturating_sub(WORDS_LISTED_MAX);
    if more > 0 {
        writeln!(out, "        and {more} more")?;
    }
    if row.left_out_word_count > 0 {
        writeln!(
            out,
            "words behind what the model reads of a line: {}",
            row.left_out_word_count
        )?;
    }
    Ok(())
}

/// The line with its heavy words marked.
fn marked_line(row: &ExplanationRow, highlight: Highlight) -> String {
    let largest = row.words.iter().map(|word| word.weight).fold(0.0, f64::max);
    let heavy_from = (largest * HEAVY_PART).max(WEIGHT_MIN);
    let mut line = String::with_capacity(row.text.len() + 64);
    let mut from = 0;
    for word in row.words.iter().filter(|word| word.weight >= heavy_from) {
        line.push_str(&escape_controls(&row.text[from..word.start]));
        line.push_str(&highlight.heavy(&escape_controls(&word.word)));
        from = word.end;
    }
    line.push_str(&escape_controls(&row.text[from..]));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation(text: &str, words: &[(&str, f64)]) -> v1::LabelExplanation {
        let word = |(word, weight): &(&str, f64)| {
            let start = text.find(word).expect("a word of the text");
            v1::WordWeight {
                range: Some(v1::TextRange {
                    start: start as i32,
                    end: (start + word.len()) as i32,
                }),
                weight: *weight,
            }
        };
        v1::LabelExplanation {
            anomaly_label: "SECURITY_ANOMALY".to_owned(),
            raw_label: "LABEL_1".to_owned(),
            anomaly_score: 0.97,
            severity: v1::Severity::Error.into(),
            scorer: "mini".to_owned(),
            text: text.to_owned(),
            words: words.iter().map(word).collect(),
            left_out_word_count: 3,
        }
    }

    fn printed(explanation: v1::LabelExplanation, highlight: Highlight) -> String {
        let mut out = Vec::new();
        print_table(&mut out, &explanation.into(), highlight).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn heavy_words_are_marked_and_the_heaviest_come_first() {
        let words = [
            ("Failed", 0.5),
            ("password", 0.12),
            ("for", 0.001),
            ("root", -0.25),
        ];
        let shown = printed(explanation("Failed password for root", &words), Highlight::Marks);
        assert_eq!(
            shown,
            "SECURITY_ANOMALY 0.970, ERROR, by mini, which the model calls LABEL_1\n\n«Failed» «password» for root\n\n\
             WEIGHT  WORD\n  0.50  Failed\n -0.25  root  (against the label)\n  0.12  password\n\
             words behind what the model reads of a line: 3\n"
        );
        let coloured = printed(explanation("Failed password for root", &words), Highlight::Colour);
        assert!(
            coloured.contains("\u{1b}[31m\u{1b}[1mFailed\u{1b}[0m "),
            "{coloured:?}"
        );
        let none = printed(explanation("all is well", &[("all", 0.001)]), Highlight::Marks);
        assert!(
            none.contains("\nall is well\n") && none.contains("no word of it carries"),
            "{none}"
        );
    }

    #[test]
    fn hostile_text_steers_nothing() {
        let text = "\u{1b}[2Jbad\u{202e}word\u{7} x\ny";
        let words = [("bad\u{202e}word", 0.9), ("x\ny", 0.8)];
        for highlight in [Highlight::Marks, Highlight::Colour] {
            let shown = printed(explanation(text, &words), highlight);
            let own = shown.replace("\u{1b}[31m\u{1b}[1m", "").replace("\u{1b}[0m", "");
            let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!own.contains(steers), "{own:?}");
            assert!(own.contains("\\u{1b}[2J") && own.contains("x\\ny"), "{own:?}");
        }
    }

    #[test]
    fn ranges_that_are_none_are_dropped() {
        let mut hostile = explanation("é full", &[("full", 0.5)]);
        let ranges = [(1, 2), (4, 99), (-4, 2), (5, 3), (3, 7)];
        hostile.words.extend(ranges.map(|(start, end)| v1::WordWeight {
            range: Some(v1::TextRange { start, end }),
            weight: 0.9,
        }));
        let row = ExplanationRow::from(hostile);
        assert_eq!(row.words.len(), 1);
    }
}
