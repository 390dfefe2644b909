//! The plain search for words that people use instead of a model, as the measure that a model has to beat.

/// What is searched for, in lower case. The words that an operator greps for: general trouble, refusals, time limits, broken
/// things, and the names of levels. Nothing is excluded again ("0 errors" counts), as in a plain grep.
pub const KEYWORDS: [&str; 33] = [
    "error",
    "fail",
    "fatal",
    "critical",
    "emergency",
    "alert",
    "warn",
    "exception",
    "panic",
    "crash",
    "abort",
    "segfault",
    "killed",
    "corrupt",
    "broken",
    "denied",
    "refused",
    "reject",
    "forbidden",
    "unauthorized",
    "not permitted",
    "violation",
    "illegal",
    "invalid",
    "unable",
    "cannot",
    "could not",
    "unreachable",
    "reset",
    "timeout",
    "timed out",
    "exceeded",
    "out of memory",
];

/// Whether one of [`KEYWORDS`] stands in the text at the start of a word, in any case.
///
/// A word starts at a letter behind anything but an ASCII letter, and at a capital inside a name such as `SocketTimeout` or
/// `IOException`. So `failed` and `ConnectionRefused` are found, `terror` and `preset` are not.
pub fn holds_keyword(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len())
        .any(|at| starts_word(bytes, at) && KEYWORDS.iter().any(|keyword| starts_with(&bytes[at..], keyword)))
}

fn starts_with(bytes: &[u8], keyword: &str) -> bool {
    bytes
        .get(..keyword.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(keyword.as_bytes()))
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    if !bytes[at].is_ascii_alphabetic() {
        return false;
    }
    let Some(before) = at.checked_sub(1).map(|before| bytes[before]) else {
        return true;
    };
    if !before.is_ascii_alphabetic() {
        return true;
    }
    let lower_follows = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    bytes[at].is_ascii_uppercase() && (before.is_ascii_lowercase() || lower_follows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_at_their_start_in_any_case() {
        for text in [
            "error",
            "ERROR: x",
            "[Errors]",
            "login Failed for bob",
            "read timed OUT",
            "E_CONNECTION_REFUSED",
            "java.net.SocketTimeoutException",
            "an IOException",
            "5errors",
            "status=failure",
            "0 errors",
            "ünable unable",
        ] {
            assert!(holds_keyword(text), "{text:?}");
        }
    }

    #[test]
    fn parts_of_other_words_are_not() {
        for text in [
            "",
            "all is well",
            "terror",
            "a preset",
            "STDERROR",
            "timed  out",
            "err",
            "could",
            "nonfatal",
        ] {
            assert!(!holds_keyword(text), "{text:?}");
        }
    }

    #[test]
    fn the_list_is_in_lower_case_and_documented() {
        let documented = include_str!("../../../../../docs/evaluation.md");
        let list: Vec<&str> = documented
            .lines()
            .filter_map(|line| line.strip_prefix("> "))
            .flat_map(|line| line.trim_end_matches(',').split(", "))
            .collect();
        assert_eq!(list, KEYWORDS);
        for keyword in KEYWORDS {
            assert_eq!(keyword, keyword.to_lowercase());
            assert!(holds_keyword(keyword), "{keyword}");
        }
    }
}
