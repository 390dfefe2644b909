//! Makes text of a line's bytes: valid UTF-8 without NUL, which Postgres cannot store. Everything else is kept as it
//! came, terminal escape sequences included: whoever prints it must escape it.

use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// A line as text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CleanLine<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// Whether bytes had to be replaced.
    pub is_repaired: bool,
    /// Whether it holds terminal escape sequences.
    pub has_escapes: bool,
}

/// Drops the carriage returns at the end and replaces what is not UTF-8, and NUL, by U+FFFD.
pub(crate) fn clean_line(mut bytes: &[u8]) -> CleanLine<'_> {
    while let [head @ .., b'\r'] = bytes {
        bytes = head;
    }
    let special = memchr2(0, 0x1b, bytes).is_some();
    let has_escapes = special && memchr(0x1b, bytes).is_some();
    let mut text = String::from_utf8_lossy(bytes);
    let mut is_repaired = matches!(text, Cow::Owned(_));
    if special && memchr(0, text.as_bytes()).is_some() {
        text = Cow::Owned(text.replace('\0', "\u{fffd}"));
        is_repaired = true;
    }
    CleanLine {
        text,
        is_repaired,
        has_escapes,
    }
}

/// The text without terminal escape sequences, for reading its header only.
pub(crate) fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(0x1b, rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let skipped = match after.as_bytes().first() {
            // CSI: parameters, then one final byte from '@' to '~'.
            Some(b'[') => after
                .bytes()
                .skip(1)
                .position(|b| (0x40..=0x7e).contains(&b))
                .map(|end| end + 2),
            // OSC: ends with BEL.
            Some(b']') => after.bytes().position(|b| b == 0x07).map(|end| end + 1),
            _ => Some(0),
        };
        match skipped {
            Some(skipped) if after.is_char_boundary(skipped) => rest = &after[skipped..],
            _ => return plain,
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed_and_damage_is_replaced() {
        assert!(matches!(
            clean_line(b"plain \xc3\xa4\r").text,
            Cow::Borrowed("plain ä")
        ));
        let damaged = clean_line(b"a\xffb\0c\r\r");
        assert_eq!(
            (damaged.text.as_ref(), damaged.is_repaired),
            ("a\u{fffd}b\u{fffd}c", true)
        );
        let coloured = clean_line(b"\x1b[31mred\x1b[0m");
        assert_eq!(
            (coloured.text.as_ref(), coloured.has_escapes),
            ("\u{1b}[31mred\u{1b}[0m", true)
        );
        assert!(!coloured.is_repaired);
    }

    #[test]
    fn escapes_are_seen_through() {
        assert_eq!(
            without_escapes("\u{1b}[2m2026\u{1b}[0m \u{1b}]0;title\u{7}x\u{1b}"),
            "2026 x"
        );
        assert_eq!(without_escapes("a\u{1b}[31"), "a");
    }
}
