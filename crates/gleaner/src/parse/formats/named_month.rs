//! Dates with the month by name: RFC 3164 syslog, ctime (Apache errors), `18 Nov 2026` (Redis, BIND, Tomcat).

use super::{Format, Found};
use crate::parse::civil::{Civil, clock, digits, is_boundary, month, offset_seconds, two_digits};
use crate::parse::{Header, TimeContext};
use turnstone_types::Severity;

/// `Nov 18 10:00:00`, `Nov  8 10:00:00`, `Nov 18 2026 10:00:00`.
#[inline]
pub(super) fn month_day(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    let month = month(bytes, 0)?;
    if bytes.get(3) != Some(&b' ') {
        return None;
    }
    let (day, mut at) = day_of_month(bytes, 4)?;
    let mut year = 0;
    if bytes.get(at) != Some(&b' ') {
        return None;
    }
    at += 1;
    if let Some(stated) = digits(bytes, at, 4).filter(|_| bytes.get(at + 4) == Some(&b' ')) {
        year = stated as i16;
        at += 5;
    }
    let ((hour, minute, second, nanosecond), taken) = clock(bytes.get(at..)?)?;
    let mut end = at + taken;
    // Cisco and some daemons put the year after the clock time.
    if year == 0
        && bytes.get(end) == Some(&b' ')
        && let Some(stated) = digits(bytes, end + 1, 4)
        && (1970..2200).contains(&stated)
        && matches!(bytes.get(end + 5), Some(b' ' | b']'))
    {
        year = stated as i16;
        end += 5;
    }
    let time = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanosecond,
    }
    .resolve(None, context)?;
    is_boundary(bytes, end).then_some(Found {
        time,
        end,
        format: Format::Rfc3164,
    })
}

/// `Sun Dec 04 04:47:44 2005`, `Wed Oct 11 14:32:52.123456 2000`, `Wed Oct 11 14:32:52 UTC 2000`.
pub(super) fn ctime(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    let is_weekday = matches!(
        bytes.get(..3)?,
        b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun"
    );
    let after = bytes[3..]
        .strip_prefix(b",")
        .unwrap_or(&bytes[3..])
        .strip_prefix(b" ")
        .filter(|_| is_weekday)?;
    let skipped = bytes.len() - after.len();
    if after.first()?.is_ascii_digit() {
        return day_month_year(after, context).map(|found| Found {
            end: found.end + skipped,
            ..found
        });
    }
    let month = month(after, 0)?;
    let (day, at) = day_of_month(after, 4).filter(|_| after.get(3) == Some(&b' '))?;
    let ((hour, minute, second, nanosecond), taken) =
        clock(after.get(at + 1..)?).filter(|_| after[at] == b' ')?;
    let mut end = at + 1 + taken;
    let mut offset = None;
    if matches!(after.get(end..end + 5), Some(b" UTC " | b" GMT ")) {
        offset = Some(0);
        end += 4;
    }
    let year = digits(after, end + 1, 4).filter(|_| after.get(end) == Some(&b' '));
    if year.is_some() {
        end += 5;
    }
    let year = year.unwrap_or(0) as i16;
    let time = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanosecond,
    }
    .resolve(offset, context)?;
    is_boundary(after, end).then_some(Found {
        time,
        end: end + skipped,
        format: Format::Ctime,
    })
}

/// `18/Nov/2026:10:00:00 +0000`, `18 Nov 2026 10:00:00.123`, `18-Nov-2026 10:00:00`.
pub(super) fn day_month_year(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    let (day, at) = match (digits(bytes, 0, 2), digits(bytes, 0, 1)) {
        (Some(day), _) => (day, 2),
        (None, Some(day)) => (day, 1),
        _ => return None,
    };
    let separator = *bytes.get(at).filter(|byte| matches!(byte, b'/' | b' ' | b'-'))?;
    let month = month(bytes, at + 1)?;
    let year = digits(bytes, at + 5, 4).filter(|_| bytes.get(at + 4) == Some(&separator))?;
    let after_year = at + 9;
    if !matches!(bytes.get(after_year), Some(b':' | b' ')) {
        return None;
    }
    let ((hour, minute, second, nanosecond), taken) = clock(&bytes[after_year + 1..])?;
    let mut end = after_year + 1 + taken;
    let offset = bytes
        .get(end + 1..)
        .filter(|_| bytes[end] == b' ')
        .and_then(offset_seconds)
        .filter(|(_, taken)| *taken >= 5);
    if let Some((_, taken)) = offset {
        end += 1 + taken;
    }
    let civil = Civil {
        year: year as i16,
        month,
        day: day as u8,
        hour,
        minute,
        second,
        nanosecond,
    };
    let time = civil.resolve(offset.map(|(seconds, _)| seconds), context)?;
    let format = if separator == b'/' {
        Format::AccessLog
    } else {
        Format::DayMonthYear
    };
    is_boundary(bytes, end).then_some(Found { time, end, format })
}

/// `12345:M 18 Nov 2026 10:00:00.123 # text`: Redis, with its own marks for severity.
pub(super) fn redis(line: &[u8], context: &TimeContext) -> Option<Header> {
    let colon = line.iter().take(12).position(|byte| *byte == b':')?;
    let is_redis = line[..colon].iter().all(u8::is_ascii_digit)
        && matches!(line.get(colon + 1), Some(b'M' | b'S' | b'C' | b'X'))
        && line.get(colon + 2) == Some(&b' ');
    let rest = line.get(colon + 3..).filter(|_| is_redis)?;
    let found = day_month_year(rest, context)?;
    let severity = match rest.get(found.end + 1) {
        Some(b'.' | b'-') => Some(Severity::Debug),
        Some(b'*') => Some(Severity::Info),
        Some(b'#') => Some(Severity::Warn),
        _ => None,
    };
    Some(Header::dated(found.time, severity, found.format))
}

/// `18`, ` 8` or `8`: the day and the position after it.
fn day_of_month(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    if let Some(day) = two_digits(bytes, at) {
        return Some((day, at + 2));
    }
    let at = if bytes.get(at) == Some(&b' ') { at + 1 } else { at };
    digits(bytes, at, 1).map(|day| (day as u8, at + 1))
}
