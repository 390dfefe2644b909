//! The words of a question that are worth a search. People ask in sentences, and a search wants words that stand in the lines.

use std::collections::BTreeSet;
use turnstone_store::SearchQuery;

/// Words that are searched for; of longer questions the first ones.
const WORDS_MAX: usize = 12;

/// Words that say nothing about the lines: of English, and of people who ask about logs.
const STOP_WORDS: &str = "a about above after again ago all also am an and any anything are around as ask at be because been \
     before being between but by can cause caused causes causing could day days describe diagnose did do \
     does doing during each else entries entry ever every explain find for from get give going had happen \
     happened happening happens has have he help her here him his hour hours how i if in into is it its \
     just last lately let like line lines log logs look make many may me might minute minutes more most \
     much must my no nor not now of off often on once only or other our out over please problem problems \
     reason recent recently root s same say see seen she should show since so some something still such t \
     tell than that the their them then there these they thing things this those through to today tonight \
     too under until up us was we week weeks went were what when where which while who why will with \
     wrong would yesterday you your";

/// Words of a text that are looked at; the index holds as many.
const TEXT_WORDS_MAX: usize = 4_096;

/// Endings of English: a word of a question finds its other forms too.
const ENDINGS: [&str; 14] = [
    "", "s", "es", "ed", "ing", "ings", "ure", "ures", "er", "ers", "y", "ies", "ied", "ying",
];
/// Letters that have to be left of a word without its ending.
const STEM_CHARS_MIN: usize = 4;

/// What of a question is searched for: a word in any form, a name, or a quoted phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Finds it, and for a word all that begins like it.
    pub query: SearchQuery,
    /// What all forms of the word begin with.
    stem: Option<String>,
}

/// The words of a text, in lower case and in their order, as the full-text index has them.
pub(super) struct TextWords(Vec<String>);

impl TextWords {
    pub fn of(text: &str) -> Self {
        let words = text
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty());
        Self(words.take(TEXT_WORDS_MAX).map(str::to_lowercase).collect())
    }
}

impl Word {
    /// Whether a text holds it.
    pub fn is_in(&self, text: &TextWords) -> bool {
        self.query.terms().iter().all(|term| {
            let mut windows = text.0.windows(term.tokens().len());
            windows.any(|window| match (&self.stem, window) {
                (Some(stem), [word]) => word
                    .strip_prefix(stem.as_str())
                    .is_some_and(|rest| is_ending(stem, rest)),
                _ => window == term.tokens(),
            })
        })
    }
}

/// Whether a form of the stem ends so: `fail-ure`, but not `login-d`; also with the last letter doubled, `drop-ped`.
fn is_ending(stem: &str, rest: &str) -> bool {
    let doubled = stem.chars().next_back().and_then(|last| rest.strip_prefix(last));
    ENDINGS.contains(&rest) || doubled.is_some_and(|rest| !rest.is_empty() && ENDINGS.contains(&rest))
}

/// What to search for: one for each word, name or quoted phrase that tells something, in their order.
pub(super) fn words(question: &str) -> Vec<Word> {
    let mut seen = BTreeSet::new();
    let mut words = Vec::new();
    for (place, part) in question.split('"').enumerate() {
        let is_quoted = place % 2 == 1;
        let pieces: Vec<(String, Option<String>)> = if is_quoted {
            vec![(format!("\"{part}\""), None)]
        } else {
            part.split_whitespace().filter_map(word).collect()
        };
        for (query, stem) in pieces {
            if let Ok(query) = SearchQuery::parse(&query)
                && seen.insert(query.to_string())
            {
                words.push(Word { query, stem });
            }
        }
    }
    words.truncate(WORDS_MAX);
    words
}

/// A piece between spaces as a search, with its stem; `None` where it tells nothing. What looks like a name or a number
/// (`10.0.0.1`, `db-1`, `/var/log`) stays whole.
fn word(piece: &str) -> Option<(String, Option<String>)> {
    let piece = piece.trim_matches(|character: char| !character.is_alphanumeric());
    let piece = piece
        .strip_suffix("'s")
        .or(piece.strip_suffix("’s"))
        .unwrap_or(piece);
    let lower = piece.to_lowercase();
    if lower.is_empty() || is_stop_word(&lower) {
        return None;
    }
    if !lower.chars().all(char::is_alphabetic) {
        // As a phrase: quotes, stars and dashes in it are no syntax of ours.
        let phrase: String = lower
            .chars()
            .map(|character| {
                if character.is_alphanumeric() {
                    character
                } else {
                    ' '
                }
            })
            .collect();
        return Some((format!("\"{}\"", phrase.trim()), None));
    }
    let stem = stem(&lower);
    if stem.chars().count() < STEM_CHARS_MIN {
        return Some((lower, None));
    }
    Some((format!("{stem}*"), Some(stem.to_owned())))
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.split_whitespace().any(|stop| stop == word)
}

/// A word without its ending, where enough is left to mean the same.
fn stem(word: &str) -> &str {
    if word.ends_with("ss") {
        return word;
    }
    // The longest first.
    let left = [
        "ings", "ures", "ying", "ing", "ure", "ies", "ied", "ers", "es", "ed", "er", "s",
    ]
    .iter()
    .filter_map(|ending| word.strip_suffix(ending))
    .find(|left| left.chars().count() >= STEM_CHARS_MIN)
    .unwrap_or(word);
    let mut letters = left.chars().rev();
    match (letters.next(), letters.next()) {
        // "dropped", "stopping"; but "calls", "misses".
        (Some(last), Some(before))
            if last == before && left.len() < word.len() && !matches!(last, 'l' | 's' | 'e' | 'o') =>
        {
            &left[..left.len() - last.len_utf8()]
        }
        _ => left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(question: &str) -> Vec<String> {
        words(question)
            .iter()
            .map(|word| word.query.to_string())
            .collect()
    }

    #[test]
    fn words_of_a_sentence_are_found() {
        assert_eq!(
            shown("Why is nginx failing since 10:42?"),
            ["nginx*", "fail*", "\"10 42\""]
        );
        assert_eq!(shown("What happened?"), Vec::<String>::new());
        assert_eq!(shown(""), Vec::<String>::new());
        assert_eq!(
            shown("failed logins from 10.0.0.1"),
            ["fail*", "login*", "\"10 0 0 1\""]
        );
        assert_eq!(
            shown("who denied \"connection refused\" to db-1's clients, ssh"),
            ["deni*", "\"connection refused\"", "\"db 1\"", "client*", "ssh"]
        );
        assert_eq!(
            shown("dropped calls, misses and retries"),
            ["drop*", "call*", "miss*", "retr*"]
        );
    }

    #[test]
    fn a_word_is_found_in_its_forms_and_not_in_others() {
        let is_in = |question: &str, text: &str| {
            words(question)
                .iter()
                .all(|word| word.is_in(&TextWords::of(text)))
        };
        for (question, text) in [
            ("logins", "Login: failed"),
            ("failing", "link failure"),
            ("failing", "it FAILS"),
            ("drop", "packet dropped"),
            ("dropped", "will drop"),
            ("retries", "retry 3"),
            ("access", "access.log"),
            ("timeouts", "a timeout"),
            ("addresses", "bad address"),
            ("10.0.0.1 \"gave up\"", "peer 10.0.0.1:22 gave, up"),
        ] {
            assert!(is_in(question, text), "{question:?} in {text:?}");
        }
        for (question, text) in [
            ("logins", "systemd-logind[7]: x"),
            ("disk", "diskette"),
            ("ports", "portal"),
            ("10.0.0.1", "10.0.0.12"),
        ] {
            assert!(!is_in(question, text), "{question:?} in {text:?}");
        }
    }

    #[test]
    fn nothing_that_people_type_is_refused() {
        for question in [
            "\"",
            "-x",
            "*",
            "a*b c*d",
            "\"open quote",
            "-- drop table;",
            "'\"'\"",
            "\u{0}\u{202e}",
            "漢字 とは?",
        ] {
            for word in words(question) {
                assert!(!word.query.terms().is_empty(), "{question:?}");
                assert!(!word.query.terms()[0].is_negated(), "{question:?}");
            }
        }
        let long: String = (0..500).map(|number| format!("word{number} ")).collect();
        assert_eq!(words(&long).len(), WORDS_MAX);
        assert_eq!(shown("disk disks DISK"), ["disk*"]);
    }
}
