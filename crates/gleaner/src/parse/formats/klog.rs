//! klog and glog: `E1118 10:00:00.000000       1 file.go:1] text`.

use super::Format;
use crate::parse::civil::{Civil, clock, digits, two_digits};
use crate::parse::severity::level_letter;
use crate::parse::{Header, TimeContext};

/// Without year, or with it as newer glog can write it: `I20261118 10:00:00.000000`.
pub(super) fn read(line: &[u8], context: &TimeContext) -> Option<Header> {
    let letter = *line
        .first()
        .filter(|letter| matches!(letter, b'I' | b'W' | b'E' | b'F' | b'D'))?;
    let (year, at) = match (line.get(5)?, line.get(9)) {
        (b' ', _) => (0, 1),
        (_, Some(b' ')) => (digits(line, 1, 4)? as i16, 5),
        _ => return None,
    };
    let (month, day) = (two_digits(line, at)?, two_digits(line, at + 2)?);
    let ((hour, minute, second, nanosecond), _) = clock(line.get(at + 5..)?)?;
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
    Some(Header::dated(time, level_letter(letter), Format::Klog))
}
