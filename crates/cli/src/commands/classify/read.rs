//! Reads lines in bounded memory, on a thread of its own.

use std::io::{BufRead, BufReader, Read};
use tokio::sync::mpsc;

/// Lines of one call to the engine: enough to sort by length and to fold, few enough to stop soon.
pub const LINES_PER_CALL: usize = 1_024;
/// Bytes of lines that are handed on together, so that memory is bounded for long lines too.
const PORTION_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a line that are read; the model sees 512 characters, of the text or of its template.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes asked of the file at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Some lines, without their ends.
pub type Lines = Vec<String>;

/// Hands out every line of the input, however long it is or whatever bytes it holds, in portions of at most
/// [`LINES_PER_CALL`]. A portion ends early where the next read could block: who types lines sees each answered at once.
pub fn read_lines(input: impl Read, sender: &mpsc::Sender<std::io::Result<Lines>>) {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut portion = Lines::with_capacity(LINES_PER_CALL);
    let mut portion_bytes = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let outcome = match read {
            Ok(0) => {
                // The last portion; that nobody listens any more does not matter then.
                let _ = sender.blocking_send(Ok(portion));
                return;
            }
            Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 == LINE_BYTES_MAX => {
                skip_to_line_end(&mut reader)
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            // What was read before it is answered first.
            let _ = sender.blocking_send(Ok(portion));
            let _ = sender.blocking_send(Err(error));
            return;
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        portion_bytes += line.len();
        portion.push(String::from_utf8_lossy(&line).into_owned());
        if portion.len() == LINES_PER_CALL || portion_bytes >= PORTION_BYTES_MAX || reader.buffer().is_empty()
        {
            let full = std::mem::replace(&mut portion, Lines::with_capacity(LINES_PER_CALL));
            portion_bytes = 0;
            if sender.blocking_send(Ok(full)).is_err() {
                return;
            }
        }
    }
}

fn skip_to_line_end(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |position| position + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portions(input: impl Read) -> Vec<Lines> {
        let (sender, mut receiver) = mpsc::channel(64);
        read_lines(input, &sender);
        drop(sender);
        let mut portions = Vec::new();
        while let Ok(portion) = receiver.try_recv() {
            portions.push(portion.expect("readable"));
        }
        portions
    }

    #[test]
    fn every_line_is_one_text_whatever_it_holds() {
        let long = "x".repeat(200_000);
        let input = format!("a\r\n\n{long}\nlast \u{fffd}");
        let mut bytes = input.into_bytes();
        bytes.push(0xff);
        let texts = portions(bytes.as_slice()).concat();
        assert_eq!(texts.len(), 4);
        assert_eq!(
            (texts[0].as_str(), texts[1].as_str(), texts[2].len()),
            ("a", "", LINE_BYTES_MAX as usize)
        );
        assert_eq!(texts[3], "last \u{fffd}\u{fffd}");
    }

    #[test]
    fn portions_are_bounded_in_lines_and_bytes() {
        let many = "short\n".repeat(3 * LINES_PER_CALL + 1);
        let read = portions(many.as_bytes());
        assert!(read.iter().all(|portion| portion.len() <= LINES_PER_CALL));
        assert_eq!(read.concat().len(), 3 * LINES_PER_CALL + 1);
        let long = "y".repeat(40_000) + "\n";
        let read = portions(long.repeat(300).as_bytes());
        assert_eq!(read.concat().len(), 300);
        let bytes = |portion: &Lines| portion.iter().map(String::len).sum::<usize>();
        assert!(
            read.iter()
                .all(|portion| bytes(portion) < PORTION_BYTES_MAX + LINE_BYTES_MAX as usize)
        );
    }

    /// Gives out one line at each read, as a terminal does.
    struct Typed(Vec<&'static str>);

    impl Read for Typed {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let line = self.0.remove(0).as_bytes();
            buffer[..line.len()].copy_from_slice(line);
            Ok(line.len())
        }
    }

    #[test]
    fn a_line_does_not_wait_for_the_next_one() {
        let read = portions(Typed(vec!["one\n", "two\n", "three"]));
        let read: Vec<Vec<&str>> = read
            .iter()
            .map(|portion| portion.iter().map(String::as_str).collect())
            .collect();
        assert_eq!(read, [vec!["one"], vec!["two"], vec!["three"], vec![]]);
    }
}
