//! What a model is shown of a line: the text itself, or its template. What is stored is never touched.

use crate::options::Normalise;
use turnstone_types::{CLASSIFIED_TEXT_CHARS_MAX, SCORED_TEXT_CHARS_MAX, truncate_chars};
use turnstone_types::{TEMPLATE_VERSION, write_template};

impl Normalise {
    /// The rule with its version, for example `template-1`: answers of another version are other answers.
    pub(crate) fn versioned(self) -> String {
        match self {
            Self::Raw => "raw".to_owned(),
            Self::Template => format!("template-{TEMPLATE_VERSION}"),
        }
    }

    /// What the model sees of one text.
    pub(crate) fn seen(self, text: &str) -> String {
        let mut seen = String::new();
        self.append(text, &mut String::new(), &mut seen);
        seen
    }

    /// Appends what the model sees of `text`: at most [`CLASSIFIED_TEXT_CHARS_MAX`] characters, counted after the rule, so
    /// that a long header or address takes nothing away from the message behind it. Of a template's text the first
    /// [`SCORED_TEXT_CHARS_MAX`] characters count. `scratch` is room to work in.
    pub(crate) fn append(self, text: &str, scratch: &mut String, out: &mut String) {
        match self {
            Self::Raw => out.push_str(cut(text)),
            Self::Template => {
                write_template(truncate_chars(text, SCORED_TEXT_CHARS_MAX), scratch);
                out.push_str(cut(scratch));
            }
        }
    }
}

fn cut(text: &str) -> &str {
    // No text has more characters than bytes, so most need no counting.
    if text.len() <= CLASSIFIED_TEXT_CHARS_MAX {
        text
    } else {
        truncate_chars(text, CLASSIFIED_TEXT_CHARS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rule: Normalise, text: &str) -> String {
        let mut out = "before ".to_owned();
        rule.append(text, &mut String::new(), &mut out);
        out.strip_prefix("before ").expect("only appends").to_owned()
    }

    #[test]
    fn raw_is_the_text_up_to_the_limit_of_characters() {
        assert_eq!(seen(Normalise::Raw, ""), "");
        assert_eq!(seen(Normalise::Raw, " 10.0.0.1 "), " 10.0.0.1 ");
        let long = "é".repeat(CLASSIFIED_TEXT_CHARS_MAX + 9);
        assert_eq!(
            seen(Normalise::Raw, &long).chars().count(),
            CLASSIFIED_TEXT_CHARS_MAX
        );
    }

    #[test]
    fn a_template_is_cut_after_it_is_made() {
        let lines = [
            "Jan  1 00:00:01 web sshd[4242]: Failed password for root from 203.0.113.9 port 51122 ssh2",
            "Mar 17 23:59:59 web sshd[17]: Failed password for root from 198.51.100.77 port 4711 ssh2",
        ];
        let templates = lines.map(|line| seen(Normalise::Template, line));
        assert_eq!(templates[0], templates[1]);
        assert!(templates[0].contains("Failed password"), "{}", templates[0]);
        let long = "word ".repeat(CLASSIFIED_TEXT_CHARS_MAX);
        assert!(seen(Normalise::Template, &long).chars().count() <= CLASSIFIED_TEXT_CHARS_MAX);
        let late = format!("{}connection refused", "4711 ".repeat(CLASSIFIED_TEXT_CHARS_MAX));
        assert_eq!(seen(Normalise::Template, &late), "<num> connection refused");
    }

    #[test]
    fn a_template_is_made_of_what_a_store_hands_over() {
        let long = "4711 ".repeat(SCORED_TEXT_CHARS_MAX) + "connection refused";
        let handed_over = truncate_chars(&long, SCORED_TEXT_CHARS_MAX);
        assert_eq!(
            seen(Normalise::Template, &long),
            seen(Normalise::Template, handed_over)
        );
        assert_eq!(seen(Normalise::Template, &long), "<num>");
    }
}
