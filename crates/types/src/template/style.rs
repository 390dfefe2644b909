//! Header parts that only some programs write: process id before the level, klog, logfmt, RFC 5424, and what collectors
//! put in front of a line. The usual time stamps are with the header.

use super::bytes::{ALPHA, DIGIT, among, at, digits, is_level, run, token_end};
use super::header::{bracketed, skip_spaces, stamped};
use super::time::moment;

/// "kernel: [12345.678901] ": the name stays, the time goes.
pub(super) fn kernel(bytes: &[u8], from: usize, seen: &mut bool, out: &mut String) -> Option<usize> {
    if !bytes[from..].starts_with(b"kernel: [") {
        return None;
    }
    let stamp = from + b"kernel: ".len();
    // Only the clock of the kernel: the number of a bus or a driver stays in the text.
    let inner = skip_spaces(bytes, stamp + 1);
    if at(bytes, run(bytes, inner, DIGIT)) != b'.' {
        return None;
    }
    let end = bracketed(bytes, stamp, seen)?;
    out.push_str("kernel: ");
    Some(end)
}

/// A bare process id in front of a level: "2931 INFO", "1702  2395 D Tag:".
pub(super) fn process(bytes: &[u8], from: usize, out: &mut String) -> Option<usize> {
    let end = digits(bytes, from, 1, 10)?;
    let next = skip_spaces(bytes, end);
    if next == end {
        return None;
    }
    if let Some(thread) = digits(bytes, next, 1, 10) {
        let letter = skip_spaces(bytes, thread);
        if letter > thread
            && let Some(level) = letter_level(at(bytes, letter))
            && at(bytes, letter + 1) == b' '
        {
            push_level(out, level);
            return Some(letter + 2);
        }
    }
    let word = if matches!(at(bytes, next), b'[' | b'<') {
        next + 1
    } else {
        next
    };
    is_level(&bytes[word..run(bytes, word, ALPHA)]).then_some(next)
}

fn letter_level(letter: u8) -> Option<&'static str> {
    Some(match letter {
        b'V' | b'D' => "DEBUG",
        b'I' => "INFO",
        b'W' => "WARN",
        b'E' => "ERROR",
        b'F' => "FATAL",
        _ => return None,
    })
}

fn push_level(out: &mut String, level: &str) {
    out.push_str(level);
    out.push(' ');
}

/// "I0711 15:32:26.859331   45274 file.go:677]".
pub(super) fn klog(bytes: &[u8], from: usize, seen: &mut bool, out: &mut String) -> Option<usize> {
    let level = letter_level(at(bytes, from))?;
    let date = digits(bytes, from + 1, 4, 4)?;
    let found = if at(bytes, date) == b' ' {
        moment(bytes, date + 1)?
    } else {
        return None;
    };
    if found.dated || at(bytes, found.end) != b' ' {
        return None;
    }
    *seen = true;
    push_level(out, level);
    let thread = skip_spaces(bytes, found.end);
    Some(
        digits(bytes, thread, 1, 10)
            .filter(|&end| at(bytes, end) == b' ')
            .unwrap_or(thread),
    )
}

/// "ts=2026-11-22T09:04:42Z ", as logfmt begins.
pub(super) fn keyed(bytes: &[u8], from: usize, seen: &mut bool) -> Option<usize> {
    let key = if at(bytes, from) == b'@' { from + 1 } else { from };
    let equals = run(bytes, key, ALPHA);
    if at(bytes, equals) != b'=' || !among(&bytes[key..equals], &["ts", "time", "t", "timestamp", "date"]) {
        return None;
    }
    let quoted = at(bytes, equals + 1) == b'"';
    let start = equals + 1 + usize::from(quoted);
    let mut end = match moment(bytes, start) {
        Some(found) if found.dated => found.end,
        _ => {
            let whole = digits(bytes, start, 10, 19)?;
            if at(bytes, whole) == b'.' {
                digits(bytes, whole + 1, 1, 9)?
            } else {
                whole
            }
        }
    };
    if quoted {
        if at(bytes, end) != b'"' {
            return None;
        }
        end += 1;
    }
    if at(bytes, end) != b' ' {
        return None;
    }
    *seen = true;
    Some(end)
}

/// "WARN 2026-11-22 09:05:29 ", "[INFO] 2026/11/22 ...": the level stays, the time stamp goes.
pub(super) fn levelled(text: &str, from: usize, seen: &mut bool, out: &mut String) -> Option<usize> {
    let bytes = text.as_bytes();
    let open = at(bytes, from) == b'[';
    let start = from + usize::from(open);
    let word = run(bytes, start, ALPHA);
    if !is_level(&bytes[start..word]) {
        return None;
    }
    let mut end = word;
    if open {
        if at(bytes, end) != b']' {
            return None;
        }
        end += 1;
    }
    if at(bytes, end) == b':' {
        end += 1;
    }
    let time = skip_spaces(bytes, end);
    if time == end {
        return None;
    }
    let stamp = if at(bytes, time) == b'[' {
        bracketed(bytes, time, seen)
    } else {
        moment(bytes, time)
            .filter(|found| found.dated)
            .and_then(|_| stamped(bytes, time, seen))
    };
    let next = stamp?;
    push_level(out, &text[from..end]);
    Some(next)
}

/// A token in front of a dated time stamp: the file that a collector prepends, a container, a process id.
pub(super) fn before_moment(bytes: &[u8], from: usize, seen: &mut bool) -> Option<usize> {
    let end = token_end(bytes, from);
    if end - from > 80 || at(bytes, end) != b' ' {
        return None;
    }
    let mut next = skip_spaces(bytes, end);
    let bar = at(bytes, next) == b'|';
    if bar {
        next = skip_spaces(bytes, next + 1);
    }
    let token = &bytes[from..end];
    let known = *seen
        || bar
        || token.windows(4).any(|part| part == b".log")
        || is_redis_role(token)
        || token.iter().all(u8::is_ascii_digit);
    let stamp = if at(bytes, next) == b'[' { next + 1 } else { next };
    if !known || !moment(bytes, stamp).is_some_and(|found| found.dated) {
        return None;
    }
    *seen = true;
    Some(next)
}

/// Redis writes "1234:M " before the time.
fn is_redis_role(token: &[u8]) -> bool {
    token.len() >= 3
        && token[token.len() - 2] == b':'
        && token[..token.len() - 2].iter().all(u8::is_ascii_digit)
}

/// RFC 5424 behind the priority and version: time, host, program, process id, message id, and empty structured data.
pub(super) fn rfc5424(text: &str, from: usize, seen: &mut bool, out: &mut String) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut index = from;
    let stamp = token_end(bytes, index);
    if &bytes[index..stamp] != b"-" && moment(bytes, index).is_none_or(|found| found.end != stamp) {
        return None;
    }
    let mut fields = [(0, 0); 5];
    for field in &mut fields {
        let end = token_end(bytes, index);
        if end == index || at(bytes, end) != b' ' {
            return None;
        }
        *field = (index, end);
        index = end + 1;
    }
    *seen = true;
    let (start, end) = fields[2];
    let program = &text[start..end];
    if program != "-"
        && program
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.'))
    {
        out.push_str(program);
        out.push_str(": ");
    }
    if at(bytes, index) == b'-' && matches!(at(bytes, index + 1), b' ' | 0) {
        index += 1;
    }
    if bytes
        .get(index..)
        .is_some_and(|rest| rest.starts_with(b" \xef\xbb\xbf"))
    {
        index += 4;
    }
    Some(index.min(bytes.len()))
}
