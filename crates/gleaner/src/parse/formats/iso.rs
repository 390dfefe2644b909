//! ISO 8601 and its relatives: RFC 3339, comma millis (log4j, Python), slashes (nginx, Go), with or without a prefix.

use super::{Format, Found};
use crate::parse::civil::{Civil, clock, digits, is_boundary, offset_seconds, two_digits};
use crate::parse::severity::{level_in_header, level_word};
use crate::parse::{Header, TimeContext};
use memchr::memchr2;

/// Bytes of a line in which a time after a prefix is looked for, and pieces that the prefix may have.
const PREFIX_BYTES_MAX: usize = 160;
const PREFIX_PIECES_MAX: usize = 5;

/// `2026-11-18T10:00:00.123Z`, `2026-11-18 10:00:00,123 +0200`, `2026/11/18 10:00:00`, `20261118T100000Z`.
#[inline]
pub(super) fn at_front(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    let year = digits(bytes, 0, 4)?;
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'/') {
        return basic(bytes, context);
    }
    if bytes.get(7) != Some(&separator) {
        return None;
    }
    let (month, day) = (two_digits(bytes, 5)?, two_digits(bytes, 8)?);
    let between = *bytes.get(10)?;
    if !matches!(between, b'T' | b't' | b' ' | b':' | b'_' | b'-') {
        return None;
    }
    let mut start = 11;
    while between == b' ' && bytes.get(start) == Some(&b' ') {
        start += 1;
    }
    let ((hour, minute, second, nanosecond), taken) = match clock(&bytes[start..]) {
        Some(found) => found,
        None => clock_without_seconds(&bytes[start..])?,
    };
    let mut end = start + taken;
    let offset = offset_after(bytes, &mut end);
    if !is_boundary(bytes, end) {
        return None;
    }
    let civil = Civil {
        year: year as i16,
        month,
        day,
        hour,
        minute,
        second,
        nanosecond,
    };
    let time = civil.resolve(offset, context)?;
    let format = match (separator, between, offset) {
        (b'/', ..) => Format::SlashDate,
        (_, b'T' | b't', Some(_)) => Format::Rfc3339,
        _ => Format::Iso8601,
    };
    Some(Found { time, end, format })
}

/// `20261118T100000Z`
fn basic(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    if !matches!(bytes.get(8), Some(b'T' | b'-')) {
        return None;
    }
    let year = digits(bytes, 0, 4)? as i16;
    let (month, day) = (two_digits(bytes, 4)?, two_digits(bytes, 6)?);
    let (hour, minute, second) = (
        two_digits(bytes, 9)?,
        two_digits(bytes, 11)?,
        two_digits(bytes, 13)?,
    );
    let mut end = 15;
    let offset = offset_after(bytes, &mut end);
    let civil = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanosecond: 0,
    };
    let time = is_boundary(bytes, end)
        .then(|| civil.resolve(offset, context))
        .flatten()?;
    Some(Found {
        time,
        end,
        format: Format::Iso8601,
    })
}

/// `T10:00Z` is RFC 3339's sibling ISO 8601; only with a zone, since `10:00` alone is anything.
fn clock_without_seconds(bytes: &[u8]) -> Option<((u8, u8, u8, u32), usize)> {
    let (hour, minute) = (two_digits(bytes, 0)?, two_digits(bytes, 3)?);
    let has_zone = bytes.get(2) == Some(&b':') && offset_seconds(&bytes[5..]).is_some();
    has_zone.then_some(((hour, minute, 0, 0), 5))
}

/// An offset at `end` or after one blank; moves `end` past it.
fn offset_after(bytes: &[u8], end: &mut usize) -> Option<i32> {
    if let Some((seconds, taken)) = offset_seconds(bytes.get(*end..)?) {
        *end += taken;
        return Some(seconds);
    }
    let rest = bytes[*end..].strip_prefix(b" ")?;
    if let Some(zone) = rest.get(..3).filter(|zone| matches!(*zone, b"UTC" | b"GMT"))
        && is_boundary(rest, zone.len())
    {
        *end += 4;
        return Some(0);
    }
    // `+0200` and `+02:00`; not `-1`, which is a field of its own.
    let (seconds, taken) = offset_seconds(rest).filter(|(_, taken)| *taken >= 5)?;
    is_boundary(rest, taken).then(|| {
        *end += 1 + taken;
        seconds
    })
}

/// An ISO time after a prefix that reads like a header: a file name, a level, a thread, a container.
/// Prose before a date is no prefix, since that date need not be the line's own.
pub(super) fn after_prefix(line: &[u8], context: &TimeContext) -> Option<Header> {
    let window = &line[..line.len().min(PREFIX_BYTES_MAX)];
    let mut level = None;
    let mut at = 0;
    for _ in 0..=PREFIX_PIECES_MAX {
        while matches!(window.get(at), Some(b' ' | b'\t' | b'|' | b'[' | b'(')) {
            at += 1;
        }
        let piece_start = at;
        let rest = line.get(at..)?;
        if rest.first()?.is_ascii_digit()
            && let Some(found) = at_front(rest, context)
        {
            let severity = level.or_else(|| level_in_header(&rest[found.end..]));
            let format = if piece_start > 1 {
                Format::PrefixedIso
            } else {
                found.format
            };
            return Some(Header::dated(found.time, severity, format));
        }
        let bytes = memchr2(b' ', b'\t', window.get(at..)?)?;
        let piece = &window[at..at + bytes];
        at += bytes;
        let word = piece
            .strip_suffix(b":")
            .or(piece.strip_suffix(b"]"))
            .unwrap_or(piece);
        level = level.or_else(|| level_word(word).filter(|_| word.iter().all(u8::is_ascii_uppercase)));
        // `web     | …`, as compose pads the names of containers.
        let is_first_name = piece_start == 0 && window[at..].trim_ascii_start().first() == Some(&b'|');
        let reads_like_header = level_word(word).is_some()
            || is_first_name
            || piece
                .iter()
                .any(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/' | b'-' | b'_' | b'|' | b']'));
        if !reads_like_header {
            return None;
        }
    }
    None
}
