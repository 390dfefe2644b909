//! Dates and clock times as bytes: fixed-width digits, month names, offsets, and the way from there to an instant.

use super::TimeContext;
use turnstone_types::Timestamp;

/// Years that a log line may plausibly state; others are counters, versions and zero values.
const YEARS_PLAUSIBLE: std::ops::RangeInclusive<i16> = 1970..=2199;

/// Years that are tried for a time without year: February 29 comes again after eight years at the latest.
const YEARS_BACK_MAX: i16 = 8;

/// A date and clock time without zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    /// 0 if not stated.
    pub year: i16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    /// Up to 60, for leap seconds.
    pub second: u8,
    pub nanosecond: u32,
}

impl Civil {
    /// The instant, by the stated offset or else by the zone of the source; `None` if there is no such date.
    pub(crate) fn resolve(mut self, offset_seconds: Option<i32>, context: &TimeContext) -> Option<Timestamp> {
        if self.year != 0 {
            return self.resolve_year(offset_seconds, context);
        }
        // The newest year in which the date exists and is not in the future. The clock may be in next year already.
        let latest = context.now.as_second() + context.zone.doubt_seconds();
        let newest = context.year_now + 1;
        (newest - YEARS_BACK_MAX - 1..=newest).rev().find_map(|year| {
            self.year = year;
            self.resolve_year(offset_seconds, context)
                .filter(|instant| instant.as_second() <= latest)
        })
    }

    fn resolve_year(&self, offset_seconds: Option<i32>, context: &TimeContext) -> Option<Timestamp> {
        if !YEARS_PLAUSIBLE.contains(&self.year) || !self.is_real() {
            return None;
        }
        match offset_seconds {
            Some(seconds) => self.at_offset(seconds),
            None => context.zone.instant(self),
        }
    }

    fn is_real(&self) -> bool {
        self.hour < 24
            && self.minute < 60
            && self.second <= 60
            && self.day >= 1
            && (1..=12).contains(&self.month)
            && self.day <= days_in_month(self.year, self.month)
    }

    /// The instant at a fixed offset, in seconds east of UTC. The date must be real.
    pub(crate) fn at_offset(&self, offset_seconds: i32) -> Option<Timestamp> {
        let clock = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        let seconds =
            days_since_epoch(self.year, self.month, self.day) * 86_400 + clock - i64::from(offset_seconds);
        Timestamp::new(seconds, self.nanosecond as i32).ok()
    }
}

fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, by counting years from March on (Howard Hinnant's algorithm).
fn days_since_epoch(year: i16, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The number in the `count` digits at `at`; `None` unless all are digits.
#[inline]
pub(crate) fn digits(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let field = bytes.get(at..at + count)?;
    field.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u32::from(digit))
    })
}

/// Two digits as a byte-sized number.
#[inline]
pub(crate) fn two_digits(bytes: &[u8], at: usize) -> Option<u8> {
    digits(bytes, at, 2).map(|number| number as u8)
}

/// A clock time: hour, minute, second, nanosecond.
pub(crate) type ClockTime = (u8, u8, u8, u32);

/// `10:05:03`, `10:05:03.123`, `10:05:03,123` at the front: the clock time and the bytes it takes.
#[inline]
pub(crate) fn clock(bytes: &[u8]) -> Option<(ClockTime, usize)> {
    if bytes.get(2) != Some(&b':') || bytes.get(5) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (
        two_digits(bytes, 0)?,
        two_digits(bytes, 3)?,
        two_digits(bytes, 6)?,
    );
    let (nanosecond, taken) = fraction(&bytes[8..]);
    Some(((hour, minute, second, nanosecond), 8 + taken))
}

/// `.123456` or `,123` at the front, as nanoseconds, and the bytes it takes; none is 0.
pub(crate) fn fraction(bytes: &[u8]) -> (u32, usize) {
    if !matches!(bytes.first(), Some(b'.' | b',')) {
        return (0, 0);
    }
    let count = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return (0, 0);
    }
    let kept = count.min(9);
    let number = digits(bytes, 1, kept).unwrap_or(0);
    (number * 10_u32.pow(9 - kept as u32), 1 + count)
}

/// `Z`, `+02:00`, `+0200` or `+02` at the front: seconds east of UTC and the bytes it takes.
pub(crate) fn offset_seconds(bytes: &[u8]) -> Option<(i32, usize)> {
    let sign = match bytes.first()? {
        b'Z' | b'z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(bytes, 1, 2)?;
    let (minutes, taken) = match bytes.get(3) {
        Some(b':') => (digits(bytes, 4, 2)?, 6),
        Some(byte) if byte.is_ascii_digit() => (digits(bytes, 3, 2)?, 5),
        _ => (0, 3),
    };
    let is_real = hours <= 14 && minutes < 60;
    is_real.then(|| (sign * (hours as i32 * 3600 + minutes as i32 * 60), taken))
}

/// The month of an English three-letter name at `at`, as written in logs: `Jan`, `jan` or `JAN`.
#[inline]
pub(crate) fn month(bytes: &[u8], at: usize) -> Option<u8> {
    let name = bytes.get(at..at + 3)?;
    let lower = [name[0] | 0x20, name[1] | 0x20, name[2] | 0x20];
    Some(match &lower {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// Whether `at` is the end or a byte that cannot go on with a number or word.
pub(crate) fn is_boundary(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}
