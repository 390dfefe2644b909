//! Finds the extent of file paths, request targets and URLs, and tells suspicious ones, whose text must stay.

use super::bytes::{SPACE, WORD, at, class, is, starts_with};
use super::word::mark_end;

/// What a path or URL is replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The index behind it.
    pub end: usize,
    /// Where its last extension starts (at the dot), if it has one worth keeping.
    pub extension: Option<(usize, usize)>,
    /// Its text says something that a detection may rest on.
    pub suspicious: bool,
}

/// Parts of a path that stay readable: what scanners ask for and what intruders touch. Lower case.
const SUSPICIOUS: [&[u8]; 22] = [
    b"../",
    b"/..",
    b"..\\",
    b"etc/passwd",
    b"etc/shadow",
    b"/.env",
    b"/.git",
    b"/.aws",
    b"/.ssh",
    b"/.ht",
    b"wp-login",
    b"wp-admin",
    b"xmlrpc",
    b"phpmyadmin",
    b"cgi-bin",
    b"bin/sh",
    b"bin/bash",
    b"actuator",
    b"jndi",
    b"/dev/",
    b"/shell",
    b"eval-stdin",
];

/// Whether a byte can be inside the path part.
fn in_path(byte: u8) -> bool {
    class(byte) & WORD != 0
        || byte >= 0x80
        || matches!(
            byte,
            b'/' | b'.' | b'-' | b'~' | b'+' | b'@' | b'%' | b'=' | b'#' | b'&' | b'*' | b'!' | b'$' | b'\\'
        )
}

/// Reads the path or the rest of a URL that starts at `from`.
pub(super) fn extent(bytes: &[u8], from: usize) -> Extent {
    let mut end = from;
    let mut suspicious = false;
    let mut last_dot = None;
    while end < bytes.len() {
        match bytes[end] {
            b'/' | b'\\' => last_dot = None,
            b'.' => last_dot = Some(end),
            b'%' => suspicious = true,
            // The marks of an earlier pass are part of a path that was kept.
            b'<' => match mark_end(bytes, end) {
                Some(after) => {
                    end = after;
                    continue;
                }
                None => break,
            },
            byte if !in_path(byte) => break,
            _ => {}
        }
        suspicious = suspicious || is_suspicious_at(bytes, end);
        end += 1;
    }
    let query = at(bytes, end) == b'?';
    if query {
        while end < bytes.len() && bytes[end] != b'"' && class(bytes[end]) & SPACE == 0 {
            suspicious = suspicious
                || matches!(
                    bytes[end],
                    b'%' | b'\'' | b'<' | b'>' | b';' | b'(' | b')' | b'|' | b'$' | b'`'
                )
                || is_suspicious_at(bytes, end);
            end += 1;
        }
    }
    // A full stop behind a path belongs to the sentence.
    while end > from + 1 && at(bytes, end - 1) == b'.' && !suspicious {
        end -= 1;
    }
    let extension = last_dot.and_then(|dot| {
        let mut stop = dot + 1;
        while stop < bytes.len() && bytes[stop].is_ascii_alphabetic() && stop - dot <= 8 {
            stop += 1;
        }
        let whole = !query && stop == end || query && at(bytes, stop) == b'?';
        ((2..=8).contains(&(stop - dot)) && whole).then_some((dot, stop))
    });
    Extent {
        end,
        extension,
        suspicious,
    }
}

fn is_suspicious_at(bytes: &[u8], index: usize) -> bool {
    matches!(
        bytes[index] | 0x20,
        b'.' | b'/' | b'e' | b'w' | b'x' | b'p' | b'c' | b'b' | b'a' | b'j'
    ) && SUSPICIOUS.iter().any(|part| starts_with(bytes, index, part))
}

/// A mark of an earlier pass at the start of a path that was kept; the others never start one (`/<ip>` is an address
/// as Java prints it).
fn masked(bytes: &[u8], from: usize) -> bool {
    mark_end(bytes, from).is_some()
        && !["<ip>", "<mail>", "<url>", "<path>"]
            .iter()
            .any(|mark| bytes[from..].starts_with(mark.as_bytes()))
}

/// Whether a path can start at `at`, a `/`, `~` or `.`: the next bytes must look like one.
pub(super) fn starts(bytes: &[u8], from: usize) -> bool {
    match bytes[from] {
        b'/' => {
            is(bytes, from + 1, WORD)
                || matches!(at(bytes, from + 1), b'.' | b'~' | b'?' | b'-' | b'%')
                || at(bytes, from + 1) >= 0x80
                || masked(bytes, from + 1)
        }
        b'~' => at(bytes, from + 1) == b'/' && is(bytes, from + 2, WORD),
        _ => at(bytes, from + 1) == b'/' || at(bytes, from + 1) == b'.' && at(bytes, from + 2) == b'/',
    }
}
