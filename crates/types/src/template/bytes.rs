//! Byte classes and small readers that every part of the rule shares; knows nothing about log lines.

/// `0` to `9`.
pub(super) const DIGIT: u8 = 1;
/// `A` to `Z`, `a` to `z`.
pub(super) const ALPHA: u8 = 2;
/// `0` to `9`, `A` to `F`, `a` to `f`.
pub(super) const HEX: u8 = 4;
/// Letters, digits and `_`.
pub(super) const WORD: u8 = 8;
/// Space, every other ASCII control character, and DEL: all of them separate and become one space.
pub(super) const SPACE: u8 = 16;
/// Bytes outside words at which the scanner has something to decide.
pub(super) const STOP: u8 = 32;

const fn class_of(byte: u8) -> u8 {
    let mut class = 0;
    if byte.is_ascii_digit() {
        class |= DIGIT;
    }
    if byte.is_ascii_alphabetic() {
        class |= ALPHA;
    }
    if byte.is_ascii_hexdigit() {
        class |= HEX;
    }
    if byte.is_ascii_alphanumeric() || byte == b'_' {
        class |= WORD;
    }
    if byte <= b' ' || byte == 0x7f {
        class |= SPACE;
    }
    if class != 0 || matches!(byte, b'/' | b'<' | b':' | b'@' | b'.' | b'~' | b'%') {
        class |= STOP;
    }
    class
}

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
};

/// The classes of a byte.
#[inline]
pub(super) fn class(byte: u8) -> u8 {
    CLASS[usize::from(byte)]
}

/// The byte at `at`, or 0 past the end (0 belongs to no class that a caller looks for but SPACE).
#[inline]
pub(super) fn at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Whether the byte at `index` has one of the classes; false past the end.
#[inline]
pub(super) fn is(bytes: &[u8], index: usize, classes: u8) -> bool {
    bytes.get(index).is_some_and(|&byte| class(byte) & classes != 0)
}

/// The end of the run of bytes of the given classes that starts at `from`.
#[inline]
pub(super) fn run(bytes: &[u8], from: usize, classes: u8) -> usize {
    let mut end = from;
    while end < bytes.len() && class(bytes[end]) & classes != 0 {
        end += 1;
    }
    end
}

/// The end of the run of bytes that are not white space, or of its first 128 bytes: header fields are short, and
/// a limit keeps the whole linear.
pub(super) fn token_end(bytes: &[u8], from: usize) -> usize {
    let mut end = from;
    while end < bytes.len() && end - from < 128 && class(bytes[end]) & SPACE == 0 {
        end += 1;
    }
    end
}

/// The end of the run of digits at `from`, if it has between `least` and `most` of them.
pub(super) fn digits(bytes: &[u8], from: usize, least: usize, most: usize) -> Option<usize> {
    let mut end = from;
    while end < bytes.len() && end - from <= most && bytes[end].is_ascii_digit() {
        end += 1;
    }
    (least..=most).contains(&(end - from)).then_some(end)
}

/// The end of the white space at `from`; a terminal escape such as colour counts as white space.
pub(super) fn space_end(bytes: &[u8], from: usize) -> usize {
    let mut end = from;
    while is(bytes, end, SPACE) {
        end = if bytes[end] == 0x1b && at(bytes, end + 1) == b'[' {
            escape_end(bytes, end)
        } else {
            end + 1
        };
    }
    end
}

fn escape_end(bytes: &[u8], from: usize) -> usize {
    let mut end = from + 2;
    while end - from < 20 && (is(bytes, end, DIGIT) || matches!(at(bytes, end), b';' | b'?')) {
        end += 1;
    }
    if is(bytes, end, ALPHA) { end + 1 } else { from + 1 }
}

/// The value of at most nine digits.
pub(super) fn value(digits: &[u8]) -> u32 {
    digits
        .iter()
        .take(9)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// Whether `bytes` at `from` starts with `wanted`, in any case; `wanted` is lower case.
pub(super) fn starts_with(bytes: &[u8], from: usize, wanted: &[u8]) -> bool {
    bytes
        .get(from..from + wanted.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

/// Whether a word is one of a list of lower-case words, in any case.
pub(super) fn among(word: &[u8], list: &[&str]) -> bool {
    list.iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

const LEVELS: [&str; 24] = [
    "info", "warn", "error", "debug", "warning", "notice", "trace", "fatal", "critical", "severe", "err",
    "inf", "wrn", "dbg", "ftl", "crit", "alert", "emerg", "panic", "verbose", "fine", "finer", "finest",
    "log",
];

/// Whether a word is the name of a level.
pub(super) fn is_level(word: &[u8]) -> bool {
    (3..=8).contains(&word.len()) && among(word, &LEVELS)
}
