//! Server-sent events, the reading side: bytes in pieces of any length become the data of events. Lines are decoded
//! whole, so a character split between two pieces is no concern. Follows the HTML standard's section 9.2.6.

/// Longest event; a chunk of an answer is a few hundred bytes.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Reads events. Only their data matters here; names and ids are dropped.
#[derive(Debug, Default)]
pub(super) struct SseReader {
    line: Vec<u8>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed right behind it belongs to the same line end.
    after_carriage_return: bool,
    is_past_start: bool,
}

/// An event was longer than [`EVENT_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventTooLong;

impl SseReader {
    /// Takes a piece of the stream and appends the data of the events that it completes.
    pub(super) fn feed(&mut self, mut bytes: &[u8], events: &mut Vec<String>) -> Result<(), EventTooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_carriage_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.extend_line(bytes);
            };
            self.extend_line(&bytes[..end])?;
            self.after_carriage_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(events)?;
        }
        Ok(())
    }

    /// Takes the end of the stream. A last event without its blank line is handed out: some servers end so.
    pub(super) fn finish(&mut self, events: &mut Vec<String>) -> Result<(), EventTooLong> {
        if !self.line.is_empty() {
            self.end_line(events)?;
        }
        events.extend(self.data.take());
        Ok(())
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), EventTooLong> {
        self.line.extend_from_slice(bytes);
        if self.line.len() > EVENT_BYTES_MAX {
            return Err(EventTooLong);
        }
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<String>) -> Result<(), EventTooLong> {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line);
        if !std::mem::replace(&mut self.is_past_start, true)
            && let Some(rest) = line.strip_prefix('\u{feff}')
        {
            line = rest.to_owned().into();
        }
        if line.is_empty() {
            events.extend(self.data.take());
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        if field != "data" {
            return Ok(());
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut self.data {
            None => self.data = Some(value.to_owned()),
            Some(data) if data.len() + value.len() > EVENT_BYTES_MAX => return Err(EventTooLong),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut reader, mut events) = (SseReader::default(), Vec::new());
        for piece in pieces {
            reader.feed(piece, &mut events).unwrap();
        }
        reader.finish(&mut events).unwrap();
        events
    }

    #[test]
    fn reads_data_and_drops_all_else() {
        let stream = b"\xef\xbb\xbf: hello\n\nevent: x\nid: 7\ndata: one\n\nretry: 5\n\ndata:two\ndata:  three\n\ndata\n\ndata: [DONE]";
        assert_eq!(read(&[stream]), ["one", "two\n three", "", "[DONE]"]);
    }

    #[test]
    fn every_line_end_is_one() {
        assert_eq!(read(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]), ["a", "b", "c"]);
        // A carriage return and its line feed in two pieces end one line, not two.
        assert_eq!(read(&[b"data: a\r", b"\ndata: b\r\n\r", b"\n"]), ["a\nb"]);
    }

    #[test]
    fn a_character_in_two_pieces_is_whole() {
        let bytes = "data: Störung\n\n".as_bytes();
        for at in 0..bytes.len() {
            assert_eq!(read(&[&bytes[..at], &bytes[at..]]), ["Störung"]);
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut reader = SseReader::default();
        let piece = vec![b'x'; 1 << 16];
        let fed: Result<(), EventTooLong> = (0..100).try_for_each(|_| reader.feed(&piece, &mut Vec::new()));
        assert_eq!(fed, Err(EventTooLong));
        let mut reader = SseReader::default();
        let lines = b"data: 0123456789\n".repeat(1 << 17);
        assert_eq!(reader.feed(&lines, &mut Vec::new()), Err(EventTooLong));
    }

    proptest! {
        #[test]
        fn any_split_reads_the_same(
            stream in proptest::collection::vec("(data: ?[a-zß€😀]{0,4}|: c|x|)(\r\n|\n|\r)", 0..12),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let bytes = stream.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            prop_assert_eq!(read(&pieces), read(&[&bytes]));
        }
    }
}
