//! Dates with two-digit years: Spark (`17/06/09 20:10:40`) and HDFS (`081109 203615`).

use super::{Format, Found};
use crate::parse::TimeContext;
use crate::parse::civil::{Civil, clock, is_boundary, two_digits};

/// `17/06/09 20:10:40`, year first.
pub(super) fn spark(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    if bytes.get(2) != Some(&b'/') || bytes.get(5) != Some(&b'/') || bytes.get(8) != Some(&b' ') {
        return None;
    }
    let (year, month, day) = (
        two_digits(bytes, 0)?,
        two_digits(bytes, 3)?,
        two_digits(bytes, 6)?,
    );
    let ((hour, minute, second, nanosecond), taken) = clock(&bytes[9..])?;
    let civil = Civil {
        year: full_year(year),
        month,
        day,
        hour,
        minute,
        second,
        nanosecond,
    };
    let time = civil.resolve(None, context)?;
    is_boundary(bytes, 9 + taken).then_some(Found {
        time,
        end: 9 + taken,
        format: Format::Spark,
    })
}

/// `081109 203615 148 INFO`; the numbers alone are not enough, a third one must follow.
pub(super) fn hdfs(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    if bytes.get(6) != Some(&b' ') || bytes.get(13) != Some(&b' ') || !bytes.get(14)?.is_ascii_digit() {
        return None;
    }
    let (year, month, day) = (
        two_digits(bytes, 0)?,
        two_digits(bytes, 2)?,
        two_digits(bytes, 4)?,
    );
    let (hour, minute, second) = (
        two_digits(bytes, 7)?,
        two_digits(bytes, 9)?,
        two_digits(bytes, 11)?,
    );
    let civil = Civil {
        year: full_year(year),
        month,
        day,
        hour,
        minute,
        second,
        nanosecond: 0,
    };
    Some(Found {
        time: civil.resolve(None, context)?,
        end: 13,
        format: Format::Hdfs,
    })
}

/// 70 to 99 are of the last century, as POSIX has it for `%y` (which says 69).
fn full_year(two_digits: u8) -> i16 {
    let century = if two_digits >= 70 { 1900 } else { 2000 };
    century + i16::from(two_digits)
}
