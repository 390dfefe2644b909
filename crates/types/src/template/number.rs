//! The part of the scanner that masks numbers: their extent, their size where a unit says what is much, and the
//! zeros, versions and codes that stay.

use super::bytes::{ALPHA, DIGIT, SPACE, WORD, at, digits, is, run, value};
use super::scan::Scan;
use super::word::{amount_mark, code_follows, is_reason, is_unit, request_before};

impl Scan<'_, '_> {
    /// A number that starts a word; `word_end` is the end of that word.
    pub(super) fn number(&mut self, from: usize, word_end: usize) -> usize {
        let bytes = self.bytes;
        let whole = run(bytes, from, DIGIT);
        let (mut end, mut dots) = (whole, 0);
        if whole - from <= 3 {
            while at(bytes, end) == b','
                && digits(bytes, end + 1, 3, 3).is_some_and(|group| !is(bytes, group, WORD))
            {
                end += 4;
            }
        }
        while at(bytes, end) == b'.' && is(bytes, end + 1, DIGIT) {
            end = run(bytes, end + 1, DIGIT);
            dots += 1;
        }
        if at(bytes, end) | 0x20 == b'e'
            && matches!(at(bytes, end + 1), b'+' | b'-')
            && is(bytes, end + 2, DIGIT)
        {
            let exponent = run(bytes, end + 2, DIGIT);
            if !is(bytes, exponent, WORD) {
                end = exponent;
            }
        }
        let amount = value(&bytes[from..whole]);
        if is(bytes, end, WORD) {
            let suffix_end = run(bytes, end, WORD);
            let unit = &bytes[end..suffix_end];
            if is_unit(unit) {
                return self.amount(from, end, amount_mark(amount, unit));
            }
            if let Some(after) = self.duration(from) {
                self.amount(from, end, "<num>");
                let letters = run(bytes, end, ALPHA);
                let text = self.text;
                self.out.push_str(&text[end..letters]);
                self.literal = after;
                return after;
            }
            if end == whole {
                return self.mixed(from, word_end);
            }
            return self.mark("<num>", from, end);
        }
        if end - from <= 3 && self.is_version_or_code(from, end, dots) {
            return end;
        }
        let unit = match at(bytes, end) {
            b'%' => &bytes[end..=end],
            b' ' => &bytes[end + 1..run(bytes, end + 1, ALPHA)],
            _ => &[],
        };
        self.amount(from, end, amount_mark(amount, unit))
    }

    /// Writes the mark of an amount; a lone zero stays, since "0 errors" says something that a number does not.
    fn amount(&mut self, from: usize, end: usize, mark: &str) -> usize {
        let bytes = self.bytes;
        self.flush(from);
        let joined = from >= 2 && matches!(bytes[from - 1], b'-' | b'.') && self.continues(from - 1);
        let out = self.out.as_bytes();
        // A sign: "-107" and "146" are numbers alike.
        if !joined
            && out.ends_with(b"-")
            && from != self.after_space
            && !out.ends_with(b"--")
            && !out.ends_with(b".-")
        {
            self.out.pop();
        }
        let zero = bytes[from..end]
            .iter()
            .all(|byte| !byte.is_ascii_digit() || *byte == b'0');
        // "00:00" is a clock or an address, and its zeros say nothing.
        let clock = end - from > 1 && (at(bytes, end) == b':' || from > 0 && bytes[from - 1] == b':');
        if zero && !joined && !clock {
            self.out.push('0');
            self.literal = end;
            return end;
        }
        self.mark(mark, from, end)
    }

    /// "1h2m3.5s": the end of such a duration of at least two parts.
    fn duration(&self, from: usize) -> Option<usize> {
        let bytes = self.bytes;
        let (mut end, mut parts) = (from, 0);
        // The limit keeps the whole linear.
        while is(bytes, end, DIGIT) && end - from < 64 {
            end = run(bytes, end, DIGIT);
            if at(bytes, end) == b'.' && is(bytes, end + 1, DIGIT) {
                end = run(bytes, end + 1, DIGIT);
            }
            let unit = run(bytes, end, ALPHA);
            if !matches!(
                &bytes[end..unit],
                b"d" | b"h" | b"m" | b"s" | b"ms" | b"us" | b"ns"
            ) {
                return None;
            }
            end = unit;
            parts += 1;
        }
        (parts >= 2 && !is(bytes, end, WORD)).then_some(end)
    }

    /// Whether a short number is the version of HTTP or TLS, or a code whose value is the message.
    fn is_version_or_code(&mut self, from: usize, end: usize, dots: usize) -> bool {
        self.flush(from);
        let (bytes, before) = (self.bytes, self.out.as_str());
        if before.ends_with("HTTP/") || before.ends_with("TLSv1.") {
            return dots <= 1;
        }
        if dots > 0 || bytes[from..end].contains(&b',') || at(bytes, end) == b'%' {
            return false;
        }
        let next = at(bytes, end);
        let ends = end == bytes.len() || matches!(next, b',' | b';' | b'.' | b')' | b'"' | b'\'');
        if code_follows(before, ends) {
            return bytes[from..end].iter().any(|digit| *digit != b'0');
        }
        if end - from != 3 || !(b'1'..=b'5').contains(&bytes[from]) {
            return false;
        }
        let spaced = is(bytes, end, SPACE);
        if before.ends_with("\" ") && (spaced || end == bytes.len())
            || before.ends_with("| ") && spaced && at(bytes, end + 1) == b'|'
        {
            return true;
        }
        if spaced && request_before(before) {
            return true;
        }
        let reason = run(bytes, end + 1, ALPHA);
        spaced && !is(bytes, reason, WORD) && is_reason(&bytes[end + 1..reason])
    }
}
