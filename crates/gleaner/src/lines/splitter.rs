//! Cuts a stream of bytes into lines. Holds at most one line, and of that at most its limit.

use memchr::memchr;

/// One line without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawLine<'a> {
    /// Its first bytes, up to the limit.
    pub bytes: &'a [u8],
    /// Bytes past the limit, passed over.
    pub cut_bytes: u64,
    /// Bytes that the line takes in its source, line feed included.
    pub span_bytes: u64,
    /// Whether its beginning was handed out before, when it had no line end yet.
    pub is_rest: bool,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Splitter {
    line_bytes_max: usize,
    held: Vec<u8>,
    /// Whether `held` has been handed out and is to be cleared.
    held_is_spent: bool,
    /// Bytes seen of the line that is not complete yet, kept or not.
    partial_bytes: u64,
    is_rest: bool,
}

impl Splitter {
    /// `is_rest` tells that the first line's beginning was handed out before.
    pub(crate) fn new(line_bytes_max: usize, is_rest: bool) -> Self {
        Self {
            line_bytes_max,
            held: Vec::new(),
            held_is_spent: false,
            partial_bytes: 0,
            is_rest,
        }
    }

    /// Takes the next complete line off the front of `input`; keeps what is left and returns `None` when there is none.
    pub(crate) fn next_line<'line, 'input: 'line>(
        &'line mut self,
        input: &mut &'input [u8],
    ) -> Option<RawLine<'line>> {
        self.forget_spent();
        let available = *input;
        let Some(end) = memchr(b'\n', available) else {
            self.hold(available);
            self.partial_bytes += available.len() as u64;
            *input = &[];
            return None;
        };
        let (line, rest) = (&available[..end], &available[end + 1..]);
        *input = rest;
        let is_rest = std::mem::take(&mut self.is_rest);
        let whole_bytes = std::mem::take(&mut self.partial_bytes) + line.len() as u64;
        if whole_bytes == line.len() as u64 {
            let text = without_hole(line);
            let kept = &text[..text.len().min(self.line_bytes_max)];
            return Some(Self::line(kept, whole_bytes, 1, is_rest));
        }
        self.hold(line);
        self.held_is_spent = true;
        Some(Self::line(&self.held, whole_bytes, 1, is_rest))
    }

    /// Hands out the line that has no line end yet, if there is one. What follows it counts as its rest.
    pub(crate) fn take_partial(&mut self) -> Option<RawLine<'_>> {
        self.forget_spent();
        if self.partial_bytes == 0 {
            return None;
        }
        let is_rest = std::mem::replace(&mut self.is_rest, true);
        let whole_bytes = std::mem::take(&mut self.partial_bytes);
        self.held_is_spent = true;
        Some(Self::line(&self.held, whole_bytes, 0, is_rest))
    }

    /// Bytes of the line that is not complete yet.
    pub(crate) fn partial_bytes(&self) -> u64 {
        self.partial_bytes
    }

    /// Whether the next byte goes on with a line whose beginning was handed out.
    pub(crate) fn is_rest(&self) -> bool {
        self.is_rest
    }

    fn line(kept: &[u8], whole_bytes: u64, end_bytes: u64, is_rest: bool) -> RawLine<'_> {
        let cut_bytes = whole_bytes - kept.len() as u64;
        let bytes = if cut_bytes > 0 {
            without_torn_character(kept)
        } else {
            kept
        };
        RawLine {
            bytes,
            cut_bytes,
            span_bytes: whole_bytes + end_bytes,
            is_rest,
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let bytes = if self.held.is_empty() {
            without_hole(bytes)
        } else {
            bytes
        };
        let room = self.line_bytes_max - self.held.len().min(self.line_bytes_max);
        self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn forget_spent(&mut self) {
        if std::mem::take(&mut self.held_is_spent) {
            // Gives the memory back: thousands of idle files must not each keep a buffer.
            self.held = Vec::new();
        }
    }
}

/// Passes over NUL at the front. A file that is truncated under a writer that does not append has a hole before the next
/// line, of any size, and that must not use up the line's limit.
fn without_hole(bytes: &[u8]) -> &[u8] {
    match bytes.first() {
        Some(0) => &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..],
        _ => bytes,
    }
}

/// Drops a UTF-8 character that the cut tore apart, so that a cut does not look like damage.
fn without_torn_character(bytes: &[u8]) -> &[u8] {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let needs = match bytes[at] {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return bytes,
        };
        return if needs > back { &bytes[..at] } else { bytes };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]], line_bytes_max: usize) -> Vec<(Vec<u8>, u64, u64)> {
        let mut splitter = Splitter::new(line_bytes_max, false);
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(line) = splitter.next_line(&mut input) {
                lines.push((line.bytes.to_vec(), line.cut_bytes, line.span_bytes));
            }
        }
        if let Some(line) = splitter.take_partial() {
            lines.push((line.bytes.to_vec(), line.cut_bytes, line.span_bytes));
        }
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_chunked() {
        let text = b"one\n\ntwo two two two\r\nlast";
        let whole = lines_of(&[text], 8);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[2], (b"two two ".to_vec(), 8, 17));
        assert_eq!(whole[3], (b"last".to_vec(), 0, 4));
        for cut in 0..text.len() {
            assert_eq!(lines_of(&[&text[..cut], &text[cut..]], 8), whole, "cut at {cut}");
        }
        assert_eq!(whole.iter().map(|line| line.2).sum::<u64>(), text.len() as u64);
    }

    #[test]
    fn a_cut_does_not_tear_a_character() {
        for (limit, expected) in [(3, "ab"), (4, "abß"), (5, "abß"), (6, "abß"), (7, "abß€")] {
            let lines = lines_of(&["abß€xyz\n".as_bytes()], limit);
            assert_eq!(lines[0].0, expected.as_bytes(), "limit {limit}");
        }
    }

    #[test]
    fn the_rest_of_a_line_handed_out_early_is_marked() {
        let mut splitter = Splitter::new(100, false);
        let mut input: &[u8] = b"half";
        assert!(splitter.next_line(&mut input).is_none());
        assert_eq!(splitter.take_partial().map(|line| line.is_rest), Some(false));
        assert!(splitter.is_rest());
        let mut input: &[u8] = b" rest\nnext\n";
        assert_eq!(
            splitter.next_line(&mut input).map(|line| line.is_rest),
            Some(true)
        );
        assert_eq!(
            splitter.next_line(&mut input).map(|line| line.is_rest),
            Some(false)
        );
    }
}
