//! The bytes of a file: opened without risk of blocking, read at positions, unpacked where it is a `.gz`.

use super::identity::{FileId, HEAD_BYTES_MAX};
use flate2::read::MultiGzDecoder;
use rustix::fs::OFlags;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// How the bytes of a file stand for its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
}

/// A file as opened, with the first bytes of its text.
#[derive(Debug)]
pub(crate) struct Opened {
    pub file: File,
    pub id: FileId,
    pub metadata: Metadata,
    pub encoding: Encoding,
    pub head: Vec<u8>,
}

/// Opens a regular file. Never waits, even if a pipe has taken the place of the file.
pub(crate) fn open(path: &Path) -> io::Result<Opened> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    examine(
        OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits() as i32)
            .open(path)?,
    )
}

/// Looks again at a file that is open.
pub(crate) fn examine(file: File) -> io::Result<Opened> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut head = read_up_to(&file, 0, HEAD_BYTES_MAX)?;
    let encoding = encoding_of(&head)?;
    if encoding == Encoding::Gzip {
        head = Vec::with_capacity(HEAD_BYTES_MAX);
        let decoder = GzipText::decoder(&file)?;
        match decoder.take(HEAD_BYTES_MAX as u64).read_to_end(&mut head) {
            // Still being written: what there is of it must do, and an empty head is looked at again later.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            other => drop(other?),
        }
    }
    Ok(Opened {
        id: FileId::of(&metadata),
        file,
        metadata,
        encoding,
        head,
    })
}

/// Reads at most `bytes` bytes at an offset; fewer at the end of the file.
pub(crate) fn read_up_to(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let mut filled = 0;
    while filled < bytes {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Tells by the first bytes, since rotated files have all kinds of names.
fn encoding_of(head: &[u8]) -> io::Result<Encoding> {
    let refuse = |what: &str| {
        let advice = format!("it is compressed with {what}, which is not read; use gzip or exclude it");
        Err(io::Error::new(ErrorKind::Unsupported, advice))
    };
    match head {
        [0x1f, 0x8b, 0x08, ..] => Ok(Encoding::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => refuse("zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => refuse("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => refuse("bzip2"),
        _ => Ok(Encoding::Plain),
    }
}

/// The text of a `.gz`, read once from front to back.
#[derive(Debug)]
pub(crate) struct GzipText {
    decoder: MultiGzDecoder<BufReader<File>>,
    /// Unpacked and not taken yet.
    pending: Vec<u8>,
    taken: usize,
}

impl GzipText {
    /// Begins at an offset of the unpacked text, which costs unpacking everything before it. A text that ends earlier
    /// yields nothing.
    pub(crate) fn open_at(file: &File, offset: u64) -> io::Result<Self> {
        let mut decoder = Self::decoder(file)?;
        io::copy(&mut (&mut decoder).take(offset), &mut io::sink())?;
        Ok(Self {
            decoder,
            pending: Vec::new(),
            taken: 0,
        })
    }

    /// The next bytes; empty at the end. The same ones again until they are taken.
    pub(crate) fn peek(&mut self, bytes_max: usize) -> io::Result<&[u8]> {
        if self.taken == self.pending.len() {
            self.taken = 0;
            self.pending.resize(bytes_max, 0);
            let mut filled = 0;
            while filled < bytes_max {
                match self.decoder.read(&mut self.pending[filled..]) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // What came before the damage is handed out first; reading on brings the error again.
                    Err(_) if filled > 0 => break,
                    Err(error) => {
                        self.pending.clear();
                        return Err(error);
                    }
                }
            }
            self.pending.truncate(filled);
        }
        Ok(&self.pending[self.taken..])
    }

    /// Takes what was peeked at.
    pub(crate) fn take(&mut self, bytes: usize) {
        self.taken = (self.taken + bytes).min(self.pending.len());
    }

    /// A decoder over the same file with a cursor of its own at the front. The clone shares the cursor with `file`,
    /// which is harmless: plain files are read at positions, and a `.gz` has one decoder at a time.
    fn decoder(file: &File) -> io::Result<MultiGzDecoder<BufReader<File>>> {
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, file)))
    }
}
