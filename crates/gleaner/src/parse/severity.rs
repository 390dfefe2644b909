//! Words for severity, and where in a header they may stand. A word in free text is no statement of severity.

use turnstone_types::Severity;

/// Bytes after the time in which a level is looked for.
const HEADER_BYTES_MAX: usize = 240;

/// Pieces of a header that are looked at.
const PIECES_MAX: usize = 10;

/// The severity that a level word names, in any case.
pub(crate) fn level_word(word: &[u8]) -> Option<Severity> {
    let mut upper = [0_u8; 13];
    let upper = upper.get_mut(..word.len())?;
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    Some(match &*upper {
        b"EMERG" | b"EMERGENCY" | b"ALERT" | b"FATAL" | b"PANIC" | b"CRIT" | b"CRITICAL" | b"FTL"
        | b"DPANIC" => Severity::Critical,
        b"ERROR" | b"ERR" | b"SEVERE" => Severity::Error,
        b"WARN" | b"WARNING" | b"WRN" => Severity::Warn,
        b"INFO" | b"NOTICE" | b"NOTE" | b"INF" | b"LOG" | b"AUDIT" | b"INFORMATION" | b"INFORMATIONAL"
        | b"SYSTEM" => Severity::Info,
        b"DEBUG" | b"TRACE" | b"DBG" | b"TRC" | b"VERBOSE" | b"FINE" | b"FINER" | b"FINEST" | b"DEBUG1"
        | b"DEBUG2" | b"DEBUG3" | b"DEBUG4" | b"DEBUG5" => Severity::Debug,
        _ => return None,
    })
}

/// The severity of a syslog priority value (facility × 8 + severity, RFC 5424 section 6.2.1).
pub(crate) fn syslog_priority(priority: u32) -> Severity {
    match priority % 8 {
        0..=2 => Severity::Critical,
        3 => Severity::Error,
        4 => Severity::Warn,
        5 | 6 => Severity::Info,
        _ => Severity::Debug,
    }
}

/// The severity of a number under a level key: syslog's 0 to 7, or the tens of bunyan and pino.
pub(crate) fn level_number(number: u64) -> Option<Severity> {
    Some(match number {
        0..=7 => syslog_priority(number as u32),
        10..=29 => Severity::Debug,
        30..=39 => Severity::Info,
        40..=49 => Severity::Warn,
        50..=59 => Severity::Error,
        60..=69 => Severity::Critical,
        _ => return None,
    })
}

/// The severity of a letter as klog, glog and MongoDB write it.
pub(crate) fn level_letter(letter: u8) -> Option<Severity> {
    Some(match letter {
        b'D' | b'V' | b'T' => Severity::Debug,
        b'I' | b'N' => Severity::Info,
        b'W' => Severity::Warn,
        b'E' => Severity::Error,
        b'F' | b'C' => Severity::Critical,
        _ => return None,
    })
}

/// The level that stands among the header pieces at the front of `rest`: process ids, threads, loggers, separators.
/// The search ends at the first piece that reads like prose.
pub(crate) fn level_in_header(rest: &[u8]) -> Option<Severity> {
    let rest = &rest[..rest.len().min(HEADER_BYTES_MAX)];
    let mut at = 0;
    let mut after_separator = false;
    for _ in 0..PIECES_MAX {
        while matches!(rest.get(at), Some(b' ' | b'\t')) {
            after_separator |= rest[at] == b'\t';
            at += 1;
        }
        let first = *rest.get(at)?;
        if matches!(first, b'[' | b'(' | b'<') {
            let inner_bytes = rest[at + 1..]
                .iter()
                .position(|byte| matches!(byte, b']' | b')' | b'>'))?;
            if let Some(severity) = bracketed_level(&rest[at + 1..at + 1 + inner_bytes]) {
                return Some(severity);
            }
            at += inner_bytes + 2;
            after_separator = true;
            continue;
        }
        if matches!(first, b'-' | b'|' | b':' | b',' | b']' | b')' | b'>' | b'/') {
            at += 1;
            after_separator = first != b',';
            continue;
        }
        let bytes = rest[at..]
            .iter()
            .position(|byte| matches!(byte, b' ' | b'\t' | b'[' | b'|' | b'('))
            .unwrap_or(rest.len() - at);
        let piece = &rest[at..at + bytes];
        at += bytes;
        let tag = piece.strip_suffix(b":");
        let word = tag.unwrap_or(piece);
        let is_upper = word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let stands_apart = after_separator
            && (at >= rest.len() || matches!(rest[at], b'\t' | b'|') || is_set_apart(&rest[at..]));
        if (is_upper || stands_apart)
            && let Some(severity) = level_word(word)
        {
            return Some(severity);
        }
        let reads_like_header = tag.is_none()
            && (word
                .iter()
                .any(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'@' | b'#' | b'/' | b':'))
                || is_set_apart(&rest[at..])
                || matches!(
                    word,
                    b"stdout" | b"stderr" | b"UTC" | b"CET" | b"CEST" | b"EST" | b"EDT" | b"PST" | b"PDT"
                ));
        if !reads_like_header {
            return None;
        }
        after_separator = false;
    }
    None
}

/// The level at the front of a line that states no time: `ERROR: …`, `[warn] …`, `INFO:root:…`.
pub(crate) fn level_at_front(line: &[u8]) -> Option<Severity> {
    match line.first()? {
        b'[' | b'<' => {
            let inner_bytes = line
                .iter()
                .take(24)
                .position(|byte| matches!(byte, b']' | b'>'))?;
            bracketed_level(&line[1..inner_bytes])
        }
        b'A'..=b'Z' => {
            let bytes = line.iter().take(14).position(|byte| !byte.is_ascii_uppercase())?;
            matches!(line[bytes], b':' | b' ' | b'\t' | b'[')
                .then(|| level_word(&line[..bytes]))
                .flatten()
        }
        _ => None,
    }
}

/// `error`, ` WARN `, `core:error`.
fn bracketed_level(inner: &[u8]) -> Option<Severity> {
    let word = inner.rsplit(|byte| *byte == b':').next().unwrap_or(inner);
    level_word(word.trim_ascii())
}

/// Whether what follows is a separator with space around it, as in `app - ERROR - text`.
fn is_set_apart(rest: &[u8]) -> bool {
    matches!(rest, [b' ', b'-' | b'|', b' ', ..]) || rest.first() == Some(&b'|')
}
