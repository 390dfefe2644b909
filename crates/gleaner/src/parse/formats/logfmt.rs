//! logfmt: `ts=2026-11-18T10:00:00Z level=info msg="listening"`, as Go services write it.

use super::Format;
use super::json::{rank_of_level_key, rank_of_time_key, severity_of_text, time_of_text};
use crate::parse::{Header, TimeContext};
use memchr::memchr;

/// Bytes and pairs in which the two keys are looked for.
const BYTES_MAX: usize = 2_048;
const PAIRS_MAX: usize = 32;

/// The line must begin with a pair, and a time or a level must be among its pairs.
pub(super) fn read(line: &[u8], context: &TimeContext) -> Option<Header> {
    let window = &line[..line.len().min(BYTES_MAX)];
    let (mut time, mut severity) = (None, None);
    let mut at = 0;
    for pair in 0..PAIRS_MAX {
        while window.get(at) == Some(&b' ') {
            at += 1;
        }
        let key_bytes = window[at.min(window.len())..]
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@')))
            .unwrap_or(0);
        if key_bytes == 0 || window[at + key_bytes] != b'=' {
            // The first piece decides whether this is logfmt at all; later ones may be loose words.
            if pair == 0 {
                return None;
            }
            match memchr(b' ', &window[at.min(window.len())..]) {
                Some(bytes) => at += bytes + 1,
                None => break,
            }
            continue;
        }
        let key = std::str::from_utf8(&window[at..at + key_bytes]).unwrap_or_default();
        at += key_bytes + 1;
        let (value, next) = value_at(window, at);
        at = next;
        if rank_of_time_key(key).is_some() && time.is_none() {
            time = time_of_text(value, context);
        } else if rank_of_level_key(key).is_some() && severity.is_none() {
            severity = std::str::from_utf8(value).ok().and_then(severity_of_text);
        }
        if time.is_some() && severity.is_some() {
            break;
        }
    }
    (time.is_some() || severity.is_some()).then_some(Header {
        time,
        severity,
        format: Format::Logfmt,
    })
}

/// The value that begins at `at`, without quotes, and the position after it.
fn value_at(window: &[u8], at: usize) -> (&[u8], usize) {
    if window.get(at) != Some(&b'"') {
        let bytes = memchr(b' ', &window[at..]).unwrap_or(window.len() - at);
        return (&window[at..at + bytes], at + bytes);
    }
    let mut end = at + 1;
    while let Some(byte) = window.get(end) {
        match byte {
            b'"' => return (&window[at + 1..end], end + 1),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    (&window[at + 1..], window.len())
}
