//! Recognises dates and times of day in the styles of real programs; decides nothing about what is dropped or masked.

use super::bytes::{ALPHA, DIGIT, HEX, WORD, among, at, digits, is, starts_with, value};

/// A recognised moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The index behind it.
    pub end: usize,
    /// Month, day and time of day without year or fraction: what classic syslog writes, so a host comes next.
    pub classic: bool,
    /// It has a date, not a time of day only.
    pub dated: bool,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const ZONES: [&str; 12] = [
    "utc", "gmt", "cet", "cest", "est", "edt", "pst", "pdt", "cst", "cdt", "msk", "jst",
];

fn dated(end: usize) -> Option<Moment> {
    Some(Moment {
        end,
        classic: false,
        dated: true,
    })
}

/// Reads a moment that starts at `from`, the start of a word.
pub(super) fn moment(bytes: &[u8], from: usize) -> Option<Moment> {
    if !is(bytes, from, DIGIT) {
        return named(bytes, from);
    }
    let width = digits(bytes, from, 1, 8)? - from;
    let next = at(bytes, from + width);
    match (width, next) {
        (4, b'-' | b'/' | b'.') => {
            let month = digits(bytes, from + 5, 2, 2)?;
            if at(bytes, month) != next {
                return None;
            }
            let day = digits(bytes, month + 1, 2, 2)?;
            calendar(&bytes[from + 5..month], &bytes[month + 1..day])?;
            with_clock(bytes, day)
        }
        (2, b'/') => slashed(bytes, from),
        (1 | 2, b'/' | b'-' | b' ') => day_month(bytes, from, width).or_else(|| android(bytes, from)),
        (1 | 2, b':') => {
            let end = clock(bytes, from, true)?;
            Some(Moment {
                end,
                classic: false,
                dated: false,
            })
        }
        (2, b'.') => {
            // Proxifier's "10.30 16:49:06".
            let day = digits(bytes, from + 3, 2, 2)?;
            calendar(&bytes[from..from + 2], &bytes[from + 3..day])?;
            dated(if at(bytes, day) == b' ' {
                clock(bytes, day + 1, true)?
            } else {
                return None;
            })
        }
        (8, b'T' | b't') => {
            let end = digits(bytes, from + 9, 6, 6)?;
            finish(bytes, fraction(bytes, end))
        }
        (8, b'-') => {
            let mut end = clock_core(bytes, from + 9, true)?;
            if at(bytes, end) == b':' {
                end = digits(bytes, end + 1, 1, 3).unwrap_or(end);
            }
            finish(bytes, end)
        }
        _ => None,
    }
}

fn calendar(month: &[u8], day: &[u8]) -> Option<()> {
    ((1..=12).contains(&value(month)) && (1..=31).contains(&value(day))).then_some(())
}

fn finish(bytes: &[u8], end: usize) -> Option<Moment> {
    let end = zone(bytes, end);
    if is(bytes, end, WORD) { None } else { dated(end) }
}

/// A date that may be followed by a time of day.
fn with_clock(bytes: &[u8], day: usize) -> Option<Moment> {
    if matches!(at(bytes, day), b'T' | b't' | b' ' | b'_' | b':' | b'-')
        && let Some(end) = clock(bytes, day + 1, false)
    {
        return dated(end);
    }
    if at(bytes, day) == b'-'
        && let Some(end) = dotted_clock(bytes, day + 1)
    {
        return dated(end);
    }
    // Two spaces before the hour, as in "2026-01-02  3:04:05".
    if at(bytes, day) == b' '
        && at(bytes, day + 1) == b' '
        && let Some(end) = clock(bytes, day + 2, true)
    {
        return dated(end);
    }
    if is(bytes, day, WORD) { None } else { dated(day) }
}

/// BlueGene's "15.42.50.675872".
fn dotted_clock(bytes: &[u8], from: usize) -> Option<usize> {
    let hour = digits(bytes, from, 2, 2)?;
    let minute = digits(bytes, hour + 1, 2, 2)?;
    let second = digits(bytes, minute + 1, 2, 2)?;
    (at(bytes, hour) == b'.' && at(bytes, minute) == b'.').then(|| fraction(bytes, second))
}

/// "17/06/09 20:10:58", "06/17/2009 20:10:58", "17/Jun/2009:20:10:58 +0000".
fn slashed(bytes: &[u8], from: usize) -> Option<Moment> {
    if is(bytes, from + 3, ALPHA) {
        return day_month(bytes, from, 2);
    }
    let middle = digits(bytes, from + 3, 2, 2)?;
    let last = digits(bytes, middle + 1, 2, 4)?;
    if at(bytes, middle) != b'/' {
        return None;
    }
    let mut time = last;
    if at(bytes, time) == b',' {
        time += 1;
    }
    (at(bytes, time) == b' ')
        .then(|| clock(bytes, time + 1, false))
        .flatten()
        .and_then(dated)
}

/// "22-Nov-2026 09:04:45", "10/Oct/2000:13:55:36 -0700", "22 Nov 2026 09:05:29.434".
fn day_month(bytes: &[u8], from: usize, width: usize) -> Option<Moment> {
    let separator = at(bytes, from + width);
    let month = from + width + 1;
    if !month_at(bytes, month) || at(bytes, month + 3) != separator {
        return None;
    }
    let year = digits(bytes, month + 4, 4, 4)?;
    with_clock(bytes, year)
}

/// "03-17 16:13:38.811".
fn android(bytes: &[u8], from: usize) -> Option<Moment> {
    let month = digits(bytes, from, 2, 2)?;
    let day = digits(bytes, month + 1, 2, 2)?;
    if at(bytes, month) != b'-' || at(bytes, day) != b' ' {
        return None;
    }
    calendar(&bytes[from..month], &bytes[month + 1..day])?;
    clock(bytes, day + 1, true).and_then(dated)
}

fn month_at(bytes: &[u8], from: usize) -> bool {
    bytes.get(from..from + 3).is_some_and(|word| among(word, &MONTHS)) && !is(bytes, from + 3, ALPHA)
}

/// "Nov 22 09:05:29", "Nov 22 2026 09:05:29", "Sun Nov 22 09:12:14 UTC 2026", "Sun, 22 Nov 2026 09:12:14 GMT".
fn named(bytes: &[u8], from: usize) -> Option<Moment> {
    let mut month = from;
    if bytes.get(from..from + 3).is_some_and(|word| among(word, &DAYS)) {
        month += 3;
        if at(bytes, month) == b',' {
            month += 1;
        }
        if at(bytes, month) != b' ' {
            return None;
        }
        month += 1;
        if is(bytes, month, DIGIT) {
            let width = digits(bytes, month, 1, 2)? - month;
            return day_month(bytes, month, width);
        }
    }
    if !month_at(bytes, month) || at(bytes, month + 3) != b' ' {
        return None;
    }
    let mut day = month + 4;
    if at(bytes, day) == b' ' {
        day += 1;
    }
    let mut hour = digits(bytes, day, 1, 2)?;
    calendar(b"1", &bytes[day..hour])?;
    let mut year_before = false;
    if at(bytes, hour) == b' '
        && let Some(year) = digits(bytes, hour + 1, 4, 4)
        && at(bytes, year) == b' '
    {
        (hour, year_before) = (year, true);
    }
    if at(bytes, hour) != b' ' {
        return None;
    }
    hour += 1;
    if at(bytes, hour) == b' ' {
        hour += 1;
    }
    let mut end = clock(bytes, hour, true)?;
    let mut year_after = false;
    if at(bytes, end) == b' '
        && let Some(year) = digits(bytes, end + 1, 4, 4)
        && matches!(&bytes[end + 1..end + 3], b"19" | b"20" | b"21")
        && !is(bytes, year, WORD)
        && !matches!(at(bytes, year), b'.' | b':')
    {
        (end, year_after) = (year, true);
    }
    let plain = end - hour <= 8 && month == from;
    Some(Moment {
        end,
        classic: plain && !year_before && !year_after,
        dated: true,
    })
}

/// A time of day with fraction and zone; `seconds` says whether they are required.
fn clock(bytes: &[u8], from: usize, seconds: bool) -> Option<usize> {
    let end = zone(bytes, fraction(bytes, clock_core(bytes, from, seconds)?));
    // Neither a part of a longer word nor the start of a hardware address.
    if is(bytes, end, WORD) || at(bytes, end) == b':' && is(bytes, end + 1, HEX) {
        return None;
    }
    Some(end)
}

fn clock_core(bytes: &[u8], from: usize, seconds: bool) -> Option<usize> {
    let hour = digits(bytes, from, 1, 2)?;
    if at(bytes, hour) != b':' {
        return None;
    }
    let minute = digits(bytes, hour + 1, 2, 2)?;
    if value(&bytes[from..hour]) > 24 || value(&bytes[hour + 1..minute]) > 59 {
        return None;
    }
    if at(bytes, minute) == b':'
        && let Some(second) = digits(bytes, minute + 1, 2, 2)
        && value(&bytes[minute + 1..second]) <= 60
    {
        return Some(second);
    }
    (!seconds).then_some(minute)
}

fn fraction(bytes: &[u8], end: usize) -> usize {
    if matches!(at(bytes, end), b'.' | b',') {
        return digits(bytes, end + 1, 1, 9).unwrap_or(end);
    }
    end
}

fn zone(bytes: &[u8], end: usize) -> usize {
    let after_space = if at(bytes, end) == b' ' { end + 1 } else { end };
    match at(bytes, after_space) {
        b'Z' | b'z' if after_space == end && !is(bytes, end + 1, WORD) => end + 1,
        b'+' | b'-' => {
            let sign = after_space;
            let Some(hour) = digits(bytes, sign + 1, 2, 4) else {
                return end;
            };
            let full = match hour - sign {
                3 if at(bytes, hour) == b':' => digits(bytes, hour + 1, 2, 2),
                3 if sign == end => Some(hour),
                5 => Some(hour),
                _ => None,
            };
            full.filter(|&full| !is(bytes, full, WORD)).unwrap_or(end)
        }
        b'A'..=b'Z' if after_space != end => {
            for name in ZONES.iter().chain(&["am", "pm"]) {
                let full = after_space + name.len();
                if starts_with(bytes, after_space, name.as_bytes()) && !is(bytes, full, WORD) {
                    return full;
                }
            }
            end
        }
        _ => end,
    }
}
