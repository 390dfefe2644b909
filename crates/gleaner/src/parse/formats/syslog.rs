//! Syslog lines that carry a priority: RFC 5424, and RFC 3164 with `<PRI>` in front.

use super::{Format, iso, named_month};
use crate::parse::severity::syslog_priority;
use crate::parse::{Header, TimeContext};

/// `<34>1 2026-11-18T10:00:00Z host …` or `<34>Nov 18 10:00:00 host …`.
pub(super) fn read_with_priority(line: &[u8], context: &TimeContext) -> Option<Header> {
    let end = line
        .iter()
        .take(5)
        .position(|byte| *byte == b'>')
        .filter(|end| *end > 1)?;
    let priority = line[1..end].iter().try_fold(0_u32, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
    });
    // 23 facilities of 8 severities.
    let severity = Some(syslog_priority(priority.filter(|priority| *priority <= 191)?));
    let rest = &line[end + 1..];
    if let Some(after_version) = rest.strip_prefix(b"1 ") {
        let time = iso::at_front(after_version, context).map(|found| found.time);
        return Some(Header {
            time,
            severity,
            format: Format::Rfc5424,
        });
    }
    let found = named_month::month_day(rest, context).or_else(|| iso::at_front(rest, context));
    match found {
        Some(found) => Some(Header {
            time: Some(found.time),
            severity,
            format: Format::Rfc3164,
        }),
        None => Some(Header {
            time: None,
            severity,
            format: Format::Undated,
        }),
    }
}
