//! What a word of a log line is: a piece that a person would point at. Knows nothing of tokens or of the model.

use std::ops::Range;

/// Punctuation that holds a word together where letters or digits follow: parts of names, paths, addresses, times, numbers.
const JOINERS: [char; 12] = ['.', '-', '_', '/', ':', '@', '%', '+', '#', '\\', '~', '$'];

/// The byte ranges of the words of a text, in order, at ends of characters. Linear in the text's bytes.
///
/// A word is a run of letters, digits and what joins them (`disk0`, `10.0.0.7:22`, `/var/log`, `12:00:01`), without the joiners
/// at its ends; an ideograph is a word of its own, since nothing stands between them. Of a text with no such words, the pieces
/// between white space are the words.
pub(super) fn split(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut run: Option<Range<usize>> = None;
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        if is_ideograph(character) {
            words.extend(run.take().and_then(|run| trimmed(text, run)));
            words.push(start..end);
        } else if is_part(character) {
            run = Some(run.map_or(start, |run| run.start)..end);
        } else {
            words.extend(run.take().and_then(|run| trimmed(text, run)));
        }
    }
    words.extend(run.and_then(|run| trimmed(text, run)));
    if words.is_empty() {
        return pieces(text);
    }
    words
}

/// The run without joiners at its ends; none where nothing else is in it.
fn trimmed(text: &str, run: Range<usize>) -> Option<Range<usize>> {
    let word = &text[run.clone()];
    let start = run.start + (word.len() - word.trim_start_matches(JOINERS).len());
    let end = run.start + word.trim_end_matches(JOINERS).len();
    (start < end).then_some(start..end)
}

fn pieces(text: &str) -> Vec<Range<usize>> {
    let start_of = |piece: &str| piece.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace()
        .map(|piece| start_of(piece)..start_of(piece) + piece.len())
        .collect()
}

/// Outside ASCII whatever is no space, control or general punctuation counts: combining marks belong to their letters.
fn is_part(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || JOINERS.contains(&character);
    }
    !character.is_whitespace()
        && !character.is_control()
        && !matches!(character, '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b4}' | '\u{b6}'..='\u{b9}' | '\u{bb}'..='\u{bf}'
            | '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}'
            | '\u{fffd}')
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn words_are_what_people_would_point_at() {
        assert_eq!(
            words("sshd[42]: Failed password for root@db-1 from 10.0.0.7:22, uid=0; 97% full."),
            [
                "sshd",
                "42",
                "Failed",
                "password",
                "for",
                "root@db-1",
                "from",
                "10.0.0.7:22",
                "uid",
                "0",
                "97",
                "full"
            ]
        );
        assert_eq!(
            words(r#"{"level":"error","msg":"disk failure"}"#),
            ["level", "error", "msg", "disk", "failure"]
        );
        assert_eq!(
            words("GET /var/log/x --force -> ok"),
            ["GET", "var/log/x", "force", "ok"]
        );
    }

    #[test]
    fn words_of_any_script_end_at_ends_of_characters() {
        assert_eq!(
            words("Größe cafe\u{301}s — “naïve”"),
            ["Größe", "cafe\u{301}s", "naïve"]
        );
        assert_eq!(words("磁盘error満"), ["磁", "盘", "error", "満"]);
        assert_eq!(words("ошибка диска 🔥"), ["ошибка", "диска", "🔥"]);
    }

    #[test]
    fn a_text_of_nothing_but_signs_has_its_pieces() {
        assert_eq!(words("*** --- !!!"), ["***", "---", "!!!"]);
        assert!(words("").is_empty() && words(" \t\n").is_empty());
    }
}
