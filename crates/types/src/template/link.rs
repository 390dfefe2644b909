//! The part of the scanner that masks paths, URLs and addresses of mail, or decides that their text stays.

use super::bytes::{HEX, SPACE, WORD, at, class, is, run};
use super::scan::Scan;
use super::word::mark_end;
use super::{address, path};

impl Scan<'_, '_> {
    pub(super) fn path(&mut self, from: usize, byte: u8) -> usize {
        let before = if from == self.after_space || from == 0 {
            b' '
        } else {
            self.bytes[from - 1]
        };
        if self.continues(from) || matches!(before, b'<' | b'/' | b'.') || !path::starts(self.bytes, from) {
            return from + 1;
        }
        if byte == b'/'
            && is(self.bytes, from + 1, HEX)
            && (address::ipv4(self.bytes, from + 1).is_some()
                || address::ipv6(self.bytes, from + 1).is_some())
        {
            return from + 1;
        }
        self.extent(from, from)
    }

    /// Masks a path or URL whose path part starts at `tail`, or keeps its text.
    fn extent(&mut self, from: usize, tail: usize) -> usize {
        let found = path::extent(self.bytes, tail);
        if found.suspicious {
            self.kept_until = found.end;
            return from + 1;
        }
        if from != tail {
            return self.mark("<url>", from, found.end);
        }
        self.mark("<path>", from, found.end);
        if let Some((dot, stop)) = found.extension {
            if stop == found.end {
                // The extension is scanned as any text, as a second pass would do.
                (self.literal, self.after_mark) = (dot, dot);
                return dot;
            }
            let text = self.text;
            self.out.push_str(&text[dot..stop]);
        }
        found.end
    }

    /// A URL whose scheme is the word `from..colon`.
    pub(super) fn url(&mut self, from: usize, colon: usize) -> usize {
        let start = colon + 3;
        let mut end = start;
        while end < self.bytes.len() {
            match self.bytes[end] {
                b'<' => match mark_end(self.bytes, end) {
                    Some(after) => end = after,
                    None => break,
                },
                b'/' | b'?' | b'"' | b'\'' | b',' | b';' | b')' | b']' | b'}' | b'>' | b'|' | b'\\'
                | b'(' | b'{' => break,
                byte if class(byte) & SPACE != 0 => break,
                b'[' if end > start => break,
                b'[' => {
                    let inner = run(self.bytes, end + 1, HEX);
                    let mut close = inner;
                    while is(self.bytes, close, HEX) || matches!(at(self.bytes, close), b':' | b'.') {
                        close += 1;
                    }
                    end = if at(self.bytes, close) == b']' {
                        close + 1
                    } else {
                        end + 1
                    };
                }
                _ => end += 1,
            }
        }
        while end > start && matches!(self.bytes[end - 1], b'.' | b':') {
            end -= 1;
        }
        if end == start {
            return colon;
        }
        if matches!(at(self.bytes, end), b'/' | b'?') {
            let next = self.extent(from, end);
            // The text is kept: go on behind the scheme.
            return if next == from + 1 { colon } else { next };
        }
        self.mark("<url>", from, end)
    }

    pub(super) fn mail(&mut self, at_sign: usize) -> usize {
        let mut end = at_sign + 1;
        while end < self.bytes.len()
            && (self.bytes[end].is_ascii_alphanumeric() || matches!(self.bytes[end], b'.' | b'-'))
        {
            end += 1;
        }
        if is(self.bytes, end, WORD) || mark_end(self.bytes, end).is_some() {
            return at_sign + 1;
        }
        while matches!(self.bytes[end - 1], b'.' | b'-') {
            end -= 1;
        }
        let domain = &self.text[at_sign + 1..end.max(at_sign + 1)];
        let Some((name, last)) = domain.rsplit_once('.') else {
            return at_sign + 1;
        };
        let unit = [
            "service", "socket", "timer", "mount", "target", "slice", "scope", "path", "device",
        ]
        .contains(&last);
        if name.is_empty() || last.len() < 2 || !last.bytes().all(|byte| byte.is_ascii_alphabetic()) || unit {
            return at_sign + 1;
        }
        self.flush(at_sign);
        let out = self.out.as_bytes();
        let mut start = out.len();
        while start > 0 && out.len() - start < 128 {
            let byte = out[start - 1];
            if class(byte) & WORD != 0 || matches!(byte, b'.' | b'+' | b'-') {
                start -= 1;
            } else if byte == b'>'
                && let Some(open) = out[..start].iter().rev().take(6).position(|&byte| byte == b'<')
                && mark_end(out, start - 1 - open) == Some(start)
            {
                start -= 1 + open;
            } else {
                break;
            }
        }
        self.out.truncate(start);
        self.mark("<mail>", at_sign, end)
    }
}
