//! Times as numbers since 1970: seconds to nanoseconds by their size, and the kernel's audit records.

use super::{Format, Found};
use crate::parse::Header;
use crate::parse::civil::fraction;
use memchr::memmem;
use turnstone_types::Timestamp;

/// Seconds of 1980 and of 2100: what lies outside is a counter, not a time.
const SECONDS_PLAUSIBLE: std::ops::Range<i64> = 315_532_800..4_102_444_800;

/// Bytes in which an audit record's time is looked for.
const AUDIT_BYTES_MAX: usize = 96;

/// `1364481363`, `1364481363.243`, `1364481363243` at the front, standing alone.
pub(super) fn at_front(bytes: &[u8]) -> Option<Found> {
    let count = bytes
        .iter()
        .take(20)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !matches!(count, 10 | 13 | 16 | 19) {
        return None;
    }
    let number = bytes[..count]
        .iter()
        .fold(0_u64, |number, byte| number * 10 + u64::from(byte - b'0'));
    let (nanosecond, taken) = if count == 10 {
        fraction(&bytes[10..])
    } else {
        (0, 0)
    };
    let end = count + taken;
    let stands_alone = matches!(
        bytes.get(end),
        None | Some(b' ' | b'\t' | b']' | b',' | b';' | b'|' | b':')
    );
    let time = of_number(number, nanosecond).filter(|_| stands_alone)?;
    Some(Found {
        time,
        end,
        format: Format::Epoch,
    })
}

/// The instant of a whole number of seconds, milliseconds, microseconds or nanoseconds, told apart by its size.
pub(super) fn of_number(number: u64, nanosecond: u32) -> Option<Timestamp> {
    let per_second: u64 = match number {
        0..100_000_000_000 => 1,
        100_000_000_000..100_000_000_000_000 => 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000_000,
        _ => 1_000_000_000,
    };
    let seconds = i64::try_from(number / per_second)
        .ok()
        .filter(|seconds| SECONDS_PLAUSIBLE.contains(seconds))?;
    let below = (number % per_second) * (1_000_000_000 / per_second);
    Timestamp::new(seconds, below as i32 + nanosecond as i32).ok()
}

/// The instant of a number with a fraction: zap, Caddy and others write seconds as `1364481363.243`.
pub(super) fn of_float(number: f64) -> Option<Timestamp> {
    if !(number.is_finite() && number > 0.0 && number < 1.0e19) {
        return None;
    }
    let whole = number.trunc();
    // A fraction means something on seconds only; of milliseconds it is below what is kept.
    let nanosecond = if whole < 1.0e11 {
        ((number - whole) * 1.0e6).round().min(999_999.0) as u32 * 1_000
    } else {
        0
    };
    of_number(whole as u64, nanosecond)
}

/// `type=SYSCALL msg=audit(1364481363.243:24287): …` and `audit: type=1400 audit(…)`.
pub(super) fn audit(line: &[u8]) -> Option<Header> {
    if !matches!(line.first()?, b't' | b'a' | b'n') {
        return None;
    }
    let window = &line[..line.len().min(AUDIT_BYTES_MAX)];
    let at = memmem::find(window, b"audit(")? + 6;
    let found = at_front(&line[at..])?;
    Some(Header::dated(found.time, None, Format::Audit))
}
