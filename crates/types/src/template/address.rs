//! Recognises IPv4, IPv6 and hardware addresses, UUIDs and PCI addresses; decides nothing about what is masked.

use super::bytes::{ALPHA, DIGIT, HEX, WORD, at, digits, is, run, value};
use super::word::mark_end;

/// Whether a word goes on at `end`. A mark is a part of a word whose digits an earlier pass has masked, so that what
/// was no address for the digits behind it stays none.
fn joined(bytes: &[u8], end: usize) -> bool {
    is(bytes, end, WORD) || mark_end(bytes, end).is_some()
}

/// The end of an IPv4 address with an optional port or prefix length.
pub(super) fn ipv4(bytes: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    for part in 0..4 {
        if part > 0 {
            if at(bytes, end) != b'.' {
                return None;
            }
            end += 1;
        }
        let next = digits(bytes, end, 1, 3)?;
        if value(&bytes[end..next]) > 255 {
            return None;
        }
        end = next;
    }
    if is(bytes, end, WORD) || at(bytes, end) == b'.' && is(bytes, end + 1, DIGIT) {
        return None;
    }
    Some(port(bytes, end))
}

/// Skips ":port" or "/bits" behind an address.
fn port(bytes: &[u8], end: usize) -> usize {
    let most = match at(bytes, end) {
        b':' => 5,
        b'/' => 3,
        _ => return end,
    };
    digits(bytes, end + 1, 1, most)
        .filter(|&full| !is(bytes, full, WORD) && at(bytes, full) != b'.')
        .unwrap_or(end)
}

/// The end of six pairs of hexadecimal digits joined by `:` or `-`.
pub(super) fn mac(bytes: &[u8], from: usize) -> Option<usize> {
    let separator = at(bytes, from + 2);
    if !matches!(separator, b':' | b'-') {
        return None;
    }
    for pair in 0..6 {
        let start = from + pair * 3;
        if !is(bytes, start, HEX)
            || !is(bytes, start + 1, HEX)
            || pair < 5 && at(bytes, start + 2) != separator
        {
            return None;
        }
    }
    let end = from + 17;
    let longer =
        at(bytes, end) == separator && (is(bytes, end + 1, HEX) || mark_end(bytes, end + 1).is_some());
    (!joined(bytes, end) && !longer).then_some(end)
}

/// The end of an IPv6 address: eight groups, or fewer with `::` and at least one digit; a port may follow eight groups.
pub(super) fn ipv6(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut end, mut groups, mut gap, mut digit) = (from, 0, false, false);
    let mut group_start = from;
    loop {
        group_start = if is(bytes, end, HEX) { end } else { group_start };
        let mut next = end;
        while is(bytes, next, HEX) && next - end < 5 {
            digit |= is(bytes, next, DIGIT);
            next += 1;
        }
        if next - end > 4 {
            return None;
        }
        groups += usize::from(next > end);
        end = next;
        if at(bytes, end) != b':' || groups == 8 {
            break;
        }
        if at(bytes, end + 1) == b':' {
            if gap {
                return None;
            }
            gap = true;
            end += 2;
        } else if is(bytes, end + 1, HEX) {
            end += 1;
        } else {
            break;
        }
    }
    if !digit || !(groups == 8 && !gap || gap && (1..8).contains(&groups)) {
        return None;
    }
    if at(bytes, end) == b'.' && is(bytes, end + 1, DIGIT) {
        return if gap { ipv4(bytes, group_start) } else { None };
    }
    if at(bytes, end) == b'%' && is(bytes, end + 1, ALPHA) {
        end = run(bytes, end + 1, WORD);
    }
    if at(bytes, end) == b'/' || groups == 8 && !gap {
        end = port(bytes, end);
    }
    let longer = at(bytes, end) == b':' && mark_end(bytes, end + 1).is_some();
    (!joined(bytes, end) && !longer).then_some(end)
}

/// The end of a UUID.
pub(super) fn uuid(bytes: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    for (part, width) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if part > 0 {
            if at(bytes, end) != b'-' {
                return None;
            }
            end += 1;
        }
        let wanted = end + width;
        while end < wanted {
            if !is(bytes, end, HEX) {
                return None;
            }
            end += 1;
        }
    }
    (!joined(bytes, end)).then_some(end)
}

/// The end of a PCI address such as "0000:3b:00.0", with or without the function.
pub(super) fn pci(bytes: &[u8], from: usize) -> Option<usize> {
    for (offset, wanted) in [HEX, HEX, HEX, HEX, 0, HEX, HEX, 0, HEX, HEX]
        .into_iter()
        .enumerate()
    {
        let good = if wanted == 0 {
            at(bytes, from + offset) == b':'
        } else {
            is(bytes, from + offset, wanted)
        };
        if !good {
            return None;
        }
    }
    let mut end = from + 10;
    if at(bytes, end) == b'.' && is(bytes, end + 1, DIGIT) {
        end += 2;
    }
    let longer = at(bytes, end) == b':' && is(bytes, end + 1, HEX);
    (!is(bytes, end, WORD) && !longer).then_some(end)
}
