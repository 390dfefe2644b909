//! Finds where the message of a line begins: drops time stamp, priority, host and process id, keeps program and level.
//! Masks nothing; what looks like a header but is not one is left to the scanner of the body.

use super::bytes::{ALPHA, DIGIT, at, digits, is, is_level, run, space_end, starts_with, token_end, value};
use super::style::{before_moment, kernel, keyed, klog, levelled, process, rfc5424};
use super::time::{Moment, moment};

/// Writes what is kept of the header into `out` and returns where the rest of the line starts.
pub(super) fn strip(text: &str, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    let mut index = 0;
    // Whether a time stamp has been dropped already: only then can a bare number be a process id.
    let mut seen = false;
    loop {
        index = space_end(bytes, index);
        match next_part(text, index, &mut seen, out) {
            Some(next) => index = next,
            None => return index,
        }
    }
}

pub(super) fn skip_spaces(bytes: &[u8], mut index: usize) -> usize {
    while at(bytes, index) == b' ' || at(bytes, index) == b'\t' {
        index += 1;
    }
    index
}

/// Drops one part of a header; None where there is none.
fn next_part(text: &str, from: usize, seen: &mut bool, out: &mut String) -> Option<usize> {
    let bytes = text.as_bytes();
    let byte = at(bytes, from);
    match byte {
        b'<' => {
            let end = digits(bytes, from + 1, 1, 3)?;
            if at(bytes, end) != b'>' {
                return None;
            }
            if at(bytes, end + 1) == b'1' && at(bytes, end + 2) == b' ' {
                return Some(rfc5424(text, end + 3, seen, out).unwrap_or(end + 1));
            }
            Some(end + 1)
        }
        b'[' => bracketed(bytes, from, seen).or_else(|| levelled(text, from, seen, out)),
        b'*' | b'.' | b'%' => stamped(bytes, from + 1, seen),
        b'-' => {
            // BlueGene and Thunderbird: an alert tag, epoch, date, node, time, node.
            let epoch = digits(bytes, from + 2, 10, 10)?;
            if at(bytes, from + 1) != b' ' || at(bytes, epoch) != b' ' {
                return None;
            }
            *seen = true;
            Some(epoch)
        }
        b'0'..=b'9' => stamped(bytes, from, seen)
            .or_else(|| numeric(bytes, from, seen))
            .or_else(|| seen.then(|| process(bytes, from, out)).flatten())
            .or_else(|| before_moment(bytes, from, seen)),
        _ if is(bytes, from, ALPHA) => stamped(bytes, from, seen)
            .or_else(|| klog(bytes, from, seen, out))
            .or_else(|| keyed(bytes, from, seen))
            .or_else(|| levelled(text, from, seen, out))
            .or_else(|| kernel(bytes, from, seen, out))
            .or_else(|| before_moment(bytes, from, seen)),
        b'@' => keyed(bytes, from, seen),
        _ => None,
    }
}

/// A time stamp, the punctuation behind it, and what programs write next: process ids and, in syslog, the host.
pub(super) fn stamped(bytes: &[u8], from: usize, seen: &mut bool) -> Option<usize> {
    if !is(bytes, from, DIGIT) && !matches!(at(bytes, from + 3), b' ' | b',') {
        return None;
    }
    let found = moment(bytes, from)?;
    // "10:00:00" alone counts, "10:00:00/x" or "2026-01-01-alpha" does not.
    if !matches!(
        at(bytes, found.end),
        b' ' | b'\t' | b':' | b',' | b'|' | b'.' | b']'
    ) && found.end < bytes.len()
    {
        return None;
    }
    *seen = true;
    let end = punctuation(bytes, found.end);
    Some(after_moment(bytes, end, found))
}

/// Skips one separator between a time stamp and what follows.
fn punctuation(bytes: &[u8], from: usize) -> usize {
    let mut end = from;
    if matches!(at(bytes, end), b':' | b',' | b'|' | b'.') {
        end += 1;
    }
    end = skip_spaces(bytes, end);
    if matches!(at(bytes, end), b'-' | b'|' | b':') && matches!(at(bytes, end + 1), b' ' | b'\t') {
        end = skip_spaces(bytes, end + 1);
    }
    end
}

fn after_moment(bytes: &[u8], from: usize, found: Moment) -> usize {
    let mut end = from;
    if !found.dated {
        return end;
    }
    for stream in [b"stdout f ", b"stderr f ", b"stdout p ", b"stderr p "] {
        if starts_with(bytes, end, stream) {
            return end + stream.len();
        }
    }
    if let Some(close) = process_brackets(bytes, end) {
        return close;
    }
    if let Some(message) = host(bytes, end, found.classic) {
        end = message;
    }
    end
}

/// "[307]" or "[pid 307]"-like brackets that hold one number.
fn process_brackets(bytes: &[u8], from: usize) -> Option<usize> {
    if at(bytes, from) != b'[' {
        return None;
    }
    let close = digits(bytes, from + 1, 1, 10)?;
    if at(bytes, close) != b']' {
        return None;
    }
    Some(skip_spaces(
        bytes,
        if at(bytes, close + 1) == b':' {
            close + 2
        } else {
            close + 1
        },
    ))
}

/// The end of a host name that stands between a time stamp and a program.
fn host(bytes: &[u8], from: usize, classic: bool) -> Option<usize> {
    let end = token_end(bytes, from);
    let name = &bytes[from..end];
    let next = skip_spaces(bytes, end);
    if name.is_empty()
        || next == end
        || next >= bytes.len()
        || !(name[0].is_ascii_alphanumeric() || name[0] == b':')
    {
        return None;
    }
    if name.ends_with(b":")
        || name.iter().any(|byte| {
            matches!(
                byte,
                b'=' | b'"' | b'{' | b'[' | b'(' | b',' | b';' | b'<' | b'\''
            )
        })
        || is_level(name)
    {
        return None;
    }
    if let Some(found) = moment(bytes, next).filter(|found| found.dated) {
        // BlueGene and Thunderbird name the node, then the time, then the node again.
        let again = skip_spaces(bytes, found.end);
        let repeated = again > found.end && bytes[again..].starts_with(name);
        return Some(if repeated { token_end(bytes, again) } else { next });
    }
    if classic {
        // Cisco's own sequence number counts as part of the header.
        if let Some(sequence) = digits(bytes, next, 1, 9)
            && at(bytes, sequence) == b':'
        {
            return Some(sequence + 1);
        }
        return Some(next);
    }
    // Elsewhere a host is only believed in front of "program[pid]" or the kernel.
    let program = token_end(bytes, next);
    let word = &bytes[next..program];
    let open = word.iter().position(|&byte| byte == b'[')?;
    let numbered =
        open > 0 && digits(bytes, next + open + 1, 1, 10).is_some_and(|close| at(bytes, close) == b']');
    numbered.then_some(next)
}

/// "[time]", "[time] [pid]", "[ 12.345678] ", "[time: ".
pub(super) fn bracketed(bytes: &[u8], from: usize, seen: &mut bool) -> Option<usize> {
    let inner = skip_spaces(bytes, from + 1);
    if is(bytes, inner, DIGIT) {
        let seconds = run(bytes, inner, DIGIT);
        if at(bytes, seconds) == b'.'
            && let Some(fraction) = digits(bytes, seconds + 1, 3, 9)
            && at(bytes, fraction) == b']'
        {
            *seen = true;
            let end = skip_spaces(bytes, fraction + 1);
            return Some(kernel_caller(bytes, end).unwrap_or(end));
        }
    }
    if let Some(found) = moment(bytes, inner) {
        let end = found.end;
        if at(bytes, end) == b']' {
            *seen = true;
            let next = punctuation(bytes, end + 1);
            return Some(if found.dated {
                process_brackets(bytes, next).unwrap_or(next)
            } else {
                next
            });
        }
        if found.dated && matches!(at(bytes, end), b':' | b',') && at(bytes, end + 1) == b' ' {
            *seen = true;
            return Some(end + 2);
        }
    }
    // "[7] 2026/11/22 09:09:16": the process id comes first; "[307] [ERROR]" only behind a time stamp.
    let close = process_brackets(bytes, from)?;
    let stamp = if at(bytes, close) == b'[' {
        close + 1
    } else {
        close
    };
    if moment(bytes, stamp).is_some_and(|found| found.dated) || *seen && at(bytes, close) == b'[' {
        return Some(close);
    }
    None
}

/// "[  T123] " and "[    C0] " behind the kernel's time.
fn kernel_caller(bytes: &[u8], from: usize) -> Option<usize> {
    if at(bytes, from) != b'[' {
        return None;
    }
    let inner = skip_spaces(bytes, from + 1);
    if !matches!(at(bytes, inner), b'T' | b'C') {
        return None;
    }
    let close = digits(bytes, inner + 1, 1, 9)?;
    (at(bytes, close) == b']').then(|| skip_spaces(bytes, close + 1))
}

/// Seconds since the epoch or since start, "081109 203518 143", "131006 18:19:56".
fn numeric(bytes: &[u8], from: usize, seen: &mut bool) -> Option<usize> {
    let whole = digits(bytes, from, 1, 13)?;
    let width = whole - from;
    let next = at(bytes, whole);
    let end = match (width, next) {
        (10 | 13, b' ' | b'\t') => whole,
        (1..=10, b'.') => {
            let end = digits(bytes, whole + 1, 3, 9)?;
            if !matches!(at(bytes, end), b' ' | b'\t' | b':') {
                return None;
            }
            end
        }
        (6, b' ') => {
            let time = skip_spaces(bytes, whole);
            if let Some(found) = moment(bytes, time) {
                if found.dated {
                    return None;
                }
                found.end
            } else {
                let end = digits(bytes, time, 6, 6)?;
                let (month, day) = (
                    value(&bytes[from + 2..from + 4]),
                    value(&bytes[from + 4..from + 6]),
                );
                let (hour, minute, second) = (
                    value(&bytes[time..time + 2]),
                    value(&bytes[time + 2..time + 4]),
                    value(&bytes[time + 4..end]),
                );
                if !(1..=12).contains(&month)
                    || !(1..=31).contains(&day)
                    || hour > 23
                    || minute > 59
                    || second > 60
                    || at(bytes, end) != b' '
                {
                    return None;
                }
                end
            }
        }
        _ => return None,
    };
    *seen = true;
    Some(punctuation(bytes, end))
}
