//! Masks the body of a line in one pass: finds where numbers, addresses, ids, paths and times start and writes their marks.

use super::bytes::{DIGIT, HEX, SPACE, STOP, WORD, at, class, digits, is, run, space_end};
use super::word::{Part, is_name, mark_end, part};
use super::{address, path, time};

/// The state of one pass over a body.
pub(super) struct Scan<'text, 'out> {
    pub(super) text: &'text str,
    pub(super) bytes: &'text [u8],
    pub(super) out: &'out mut String,
    /// Start of what has been passed but not copied yet.
    pub(super) literal: usize,
    /// Index behind the text of the last mark: what follows continues a word.
    pub(super) after_mark: usize,
    /// Index behind the last run of white space.
    pub(super) after_space: usize,
    /// Until here paths and addresses of mail are left as text, since they are suspicious.
    pub(super) kept_until: usize,
}

/// Writes the template of `text[from..]` behind what `out` already has.
pub(super) fn body(text: &str, from: usize, out: &mut String) {
    let bytes = text.as_bytes();
    let mut scan = Scan {
        text,
        bytes,
        out,
        literal: from,
        after_mark: usize::MAX,
        after_space: from,
        kept_until: 0,
    };
    let mut index = scan.program(from);
    while index < bytes.len() {
        let byte = bytes[index];
        let classes = class(byte);
        if classes & WORD != 0 {
            index = scan.word(index);
        } else if classes & SPACE != 0 {
            index = scan.space(index);
        } else if classes & STOP != 0 {
            index = scan.stop(index, byte);
        } else {
            index += 1;
        }
    }
    scan.flush(bytes.len());
    if out.ends_with(' ') {
        out.pop();
    }
}

impl Scan<'_, '_> {
    pub(super) fn flush(&mut self, to: usize) {
        if to > self.literal {
            self.out.push_str(&self.text[self.literal..to]);
        }
        self.literal = to;
    }

    /// Whether what stands at `index` continues a word or a mark.
    #[inline]
    pub(super) fn continues(&self, index: usize) -> bool {
        index != self.after_space
            && (index == self.after_mark || index > 0 && class(self.bytes[index - 1]) & WORD != 0)
    }

    /// Writes a mark for `from..to`. Equal marks in a row become one, so that lists of any length are alike.
    pub(super) fn mark(&mut self, mark: &str, from: usize, to: usize) -> usize {
        self.flush(from);
        self.append(mark);
        self.literal = to;
        self.after_mark = to;
        to
    }

    fn append(&mut self, mark: &str) {
        let out = self.out.as_bytes();
        let mut end = out.len();
        if end > 0 && out[end - 1] == b' ' {
            end -= 1;
            if end > 0 && out[end - 1] == b',' {
                end -= 1;
            }
        } else if end > 0 && matches!(out[end - 1], b',' | b'-' | b'.' | b'/') {
            end -= 1;
        }
        if end < out.len() && out[..end].ends_with(mark.as_bytes()) {
            self.out.truncate(end);
        } else {
            self.out.push_str(mark);
        }
    }

    /// Drops the process id of a program name that opens the body: `sshd[123]:`, `kernel[0]:`.
    fn program(&mut self, from: usize) -> usize {
        let mut end = from;
        while is(self.bytes, end, WORD)
            || matches!(
                at(self.bytes, end),
                b'.' | b'/' | b'-' | b'(' | b')' | b'@' | b'+'
            )
        {
            end += 1;
        }
        if end == from || end - from > 100 || at(self.bytes, end) != b'[' {
            return from;
        }
        let Some(close) = digits(self.bytes, end + 1, 1, 10) else {
            return from;
        };
        let next = close + 1;
        // Behind the colon comes a space, or dropping the brackets would make a URL or a drive of "a[1]://".
        let closed = match at(self.bytes, next) {
            b':' => next + 1 == self.bytes.len() || is(self.bytes, next + 1, SPACE),
            other => matches!(other, b' ' | b'('),
        };
        if at(self.bytes, close) != b']' || !closed {
            return from;
        }
        // Only the words of the name are masked, so there must be nothing else in it to mask.
        let name = &self.bytes[from..end];
        if name.iter().enumerate().any(|(index, byte)| {
            *byte == b'@' || *byte == b'/' && (index == 0 || !name[index - 1].is_ascii_alphabetic())
        }) {
            return from;
        }
        let mut start = from;
        while start < end {
            let stop = run(self.bytes, start, WORD);
            if self.bytes[start..stop].iter().any(u8::is_ascii_digit) {
                self.mixed(start, stop);
            }
            start = stop + 1;
        }
        self.flush(end);
        self.literal = next;
        next
    }

    fn space(&mut self, from: usize) -> usize {
        if self.bytes[from] == b' '
            && from > self.literal
            && !is(self.bytes, from + 1, SPACE)
            && at(self.bytes, from + 1) != 0
        {
            self.after_space = from + 1;
            return from + 1;
        }
        self.flush(from);
        let end = space_end(self.bytes, from);
        if !self.out.is_empty() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
        self.literal = end;
        self.after_space = end;
        end
    }

    fn stop(&mut self, from: usize, byte: u8) -> usize {
        match byte {
            b'<' => match mark_end(self.bytes, from) {
                Some(end) => {
                    let text = self.text;
                    self.mark(&text[from..end], from, end)
                }
                None => from + 1,
            },
            b'/' | b'.' | b'~' if from >= self.kept_until => self.path(from, byte),
            b':' if at(self.bytes, from + 1) == b':'
                && is(self.bytes, from + 2, HEX)
                && !self.continues(from) =>
            {
                match address::ipv6(self.bytes, from) {
                    Some(end) => self.mark("<ip>", from, end),
                    None => from + 1,
                }
            }
            b'@' if from >= self.kept_until && self.continues(from) => self.mail(from),
            b'%' if is(self.bytes, from + 1, HEX) && is(self.bytes, from + 2, HEX) => from + 3,
            _ => from + 1,
        }
    }

    fn word(&mut self, from: usize) -> usize {
        let bytes = self.bytes;
        let (mut end, mut all, mut any) = (from, u8::MAX, 0);
        while end < bytes.len() {
            let classes = class(bytes[end]);
            if classes & WORD == 0 {
                break;
            }
            all &= classes;
            any |= classes;
            end += 1;
        }
        let next = at(bytes, end);
        if any & DIGIT == 0 {
            return self.letters(from, end, next, all & HEX != 0);
        }
        if self.continues(from) {
            return self.mixed(from, end);
        }
        if bytes[from].is_ascii_digit() {
            if end - from == 2
                && all & HEX != 0
                && matches!(next, b':' | b'-')
                && let Some(after) = address::mac(bytes, from)
            {
                return self.mark("<mac>", from, after);
            }
            if let Some(moment) = time::moment(bytes, from) {
                return self.mark("<time>", from, moment.end);
            }
            if next == b'.'
                && let Some(after) = address::ipv4(bytes, from)
            {
                return self.mark("<ip>", from, after);
            }
        }
        if all & HEX != 0
            && let Some(after) = self.joined_hex(from, end, next)
        {
            return after;
        }
        if bytes[from].is_ascii_digit() {
            self.number(from, end)
        } else {
            self.mixed(from, end)
        }
    }

    /// Addresses and ids that are several hexadecimal words.
    fn joined_hex(&mut self, from: usize, end: usize, next: u8) -> Option<usize> {
        let bytes = self.bytes;
        match (end - from, next) {
            (2, b':' | b'-') if address::mac(bytes, from).is_some() => {
                Some(self.mark("<mac>", from, from + 17))
            }
            (8, b'-') => address::uuid(bytes, from).map(|after| self.mark("<id>", from, after)),
            (4, b':') if address::pci(bytes, from).is_some() => {
                let after = address::pci(bytes, from)?;
                Some(self.mark("<id>", from, after))
            }
            (1..=4, b':') => address::ipv6(bytes, from).map(|after| self.mark("<ip>", from, after)),
            _ => None,
        }
    }

    fn letters(&mut self, from: usize, end: usize, next: u8, hex: bool) -> usize {
        let bytes = self.bytes;
        match next {
            b':' => {
                if self.continues(from) {
                    return end;
                }
                let (second, third) = (at(bytes, end + 1), at(bytes, end + 2));
                if second == b'/' && third == b'/' && from >= self.kept_until {
                    return self.url(from, end);
                }
                if second == b'\\' && end - from == 1 && from >= self.kept_until {
                    let found = path::extent(bytes, end + 1);
                    if found.suspicious {
                        self.kept_until = found.end;
                        return end;
                    }
                    return self.mark("<path>", from, found.end);
                }
                if hex && (second == b':' || class(second) & HEX != 0) {
                    return self.joined_hex(from, end, next).unwrap_or(end);
                }
                end
            }
            b'-' if hex && matches!(end - from, 2 | 8) && !self.continues(from) => {
                self.joined_hex(from, end, next).unwrap_or(end)
            }
            b' ' | b',' if end - from == 3 && !self.continues(from) && bytes[from].is_ascii_alphabetic() => {
                match time::moment(bytes, from) {
                    Some(moment) => self.mark("<time>", from, moment.end),
                    None => end,
                }
            }
            // "blk_-123": the sign belongs to the id.
            b'-' if bytes[end - 1] == b'_' && is(bytes, end + 1, DIGIT) => {
                let close = run(bytes, end + 1, DIGIT);
                if is(bytes, close, WORD) {
                    end
                } else {
                    self.mark("<id>", end, close)
                }
            }
            _ => end,
        }
    }

    /// A word of letters and digits, or digits that continue a word.
    pub(super) fn mixed(&mut self, from: usize, end: usize) -> usize {
        let word = &self.bytes[from..end];
        if word.len() > 2
            && word[0] == b'0'
            && word[1] | 0x20 == b'x'
            && word[2..].iter().all(u8::is_ascii_hexdigit)
        {
            return self.mark("<hex>", from, end);
        }
        if is_name(word) {
            return end;
        }
        if !word.contains(&b'_') {
            return self.part(from, end);
        }
        // "attempt_1445144423722_0020_m_000009_0": from its first number on it is an id.
        let (mut numbers, mut first, mut longest, mut start) = (0, end, 0, from);
        for piece in word.split(|&byte| byte == b'_') {
            if !piece.is_empty() && piece.iter().all(u8::is_ascii_digit) {
                numbers += 1;
                first = first.min(start);
                longest = longest.max(piece.len());
            }
            start += piece.len() + 1;
        }
        let is_id = numbers >= 2 || longest >= 6;
        let mut start = from;
        while start < end {
            if is_id && start == first {
                return self.mark("<id>", first, end);
            }
            let stop = self.bytes[start..end]
                .iter()
                .position(|&byte| byte == b'_')
                .map_or(end, |width| start + width);
            if self.bytes[start..stop].iter().any(u8::is_ascii_digit) {
                self.part(start, stop);
            }
            start = stop + 1;
        }
        end
    }

    fn part(&mut self, from: usize, end: usize) -> usize {
        let word = &self.bytes[from..end];
        match part(word) {
            Part::Name => end,
            Part::Hex | Part::Id if self.pod_suffix(from, end).is_some() => {
                let after = self.pod_suffix(from, end).unwrap_or(end);
                self.mark("<id>", from, after)
            }
            Part::Hex => self.mark("<hex>", from, end),
            Part::Id => self.mark("<id>", from, end),
            Part::Prefix(kind) => self.mark("<num>", from + kind, end),
            Part::Digits => {
                let mut index = from;
                while index < end {
                    if self.bytes[index].is_ascii_digit() {
                        let stop = run(self.bytes, index, DIGIT).min(end);
                        self.mark("<num>", index, stop);
                        index = stop;
                    } else {
                        index += 1;
                    }
                }
                end
            }
        }
    }

    /// Kubernetes names a pod "set-7d9f8b6c4-x2x9k": both ids are one.
    fn pod_suffix(&self, from: usize, end: usize) -> Option<usize> {
        if !(7..=10).contains(&(end - from))
            || from == 0
            || self.bytes[from - 1] != b'-'
            || at(self.bytes, end) != b'-'
        {
            return None;
        }
        let after = run(self.bytes, end + 1, WORD);
        let suffix = &self.bytes[end + 1..after];
        (suffix.len() == 5
            && suffix
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
        .then_some(after)
    }
}
