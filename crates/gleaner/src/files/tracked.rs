//! One file that is known: what it is, how far it is read, and what of it is held in memory.

use super::checkpoint::FileCheckpoint;
use super::content::{self, Encoding, GzipText, Opened};
use super::discovery::FileVersion;
use super::identity::{FileId, Fingerprint, HEAD_BYTES_MAX, TAIL_BYTES_MAX};
use crate::batch::BatchBuilder;
use crate::record::Assembler;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::Instant;

/// Bytes read at a time; also a file's turn before the next one's.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Known from a checkpoint and not looked for yet.
    Remembered,
    /// Named by the patterns.
    Present,
    /// Not named any more (rotated away or deleted), but still open.
    Detached { since: Instant },
    /// Gone, or its content is. It may come back as a copy or a `.gz`.
    Lost,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct TrackedFile {
    pub number: u64,
    pub path: PathBuf,
    /// `None` once other content has taken the inode.
    pub id: Option<FileId>,
    pub head: Fingerprint,
    pub place: Place,
    pub encoding: Encoding,
    pub file: Option<File>,
    pub version: Option<FileVersion>,
    pub assembler: Assembler,
    /// Whether everything there was has been read.
    pub is_at_end: bool,
    /// Whether what is held is to be handed out without waiting for quiet.
    pub flush_due: bool,
    pub last_growth: Instant,
    /// What was wrong when it was last read.
    pub problem: Option<String>,
    gzip: Option<GzipText>,
    /// Bytes before `tail_offset`.
    tail: Fingerprint,
    tail_offset: u64,
    /// The checkpoint that was handed out last.
    handed_out: Option<FileCheckpoint>,
}

impl TrackedFile {
    pub(crate) fn new(number: u64, assembler: Assembler) -> Self {
        let tail_offset = assembler.closed_offset();
        Self {
            number,
            path: PathBuf::new(),
            id: None,
            head: Fingerprint::default(),
            place: Place::Remembered,
            encoding: Encoding::Plain,
            file: None,
            version: None,
            assembler,
            is_at_end: false,
            flush_due: false,
            last_growth: Instant::now(),
            problem: None,
            gzip: None,
            tail: Fingerprint::default(),
            tail_offset,
            handed_out: None,
        }
    }

    /// As a checkpoint left it; the assembler must start at its offset.
    pub(crate) fn remembered(checkpoint: FileCheckpoint, assembler: Assembler) -> Self {
        Self {
            path: checkpoint.path.clone(),
            id: Some(checkpoint.id),
            head: checkpoint.head,
            tail: checkpoint.tail,
            handed_out: Some(checkpoint.clone()),
            ..Self::new(checkpoint.number, assembler)
        }
    }

    /// Whether the store knows it.
    pub(crate) fn has_checkpoint(&self) -> bool {
        self.handed_out.is_some()
    }

    /// Whether `opened` holds what was read of this file up to where reading stands, and maybe more.
    pub(crate) fn is_continued_by(&self, opened: &Opened) -> io::Result<bool> {
        if !self.head.is_prefix_of(&opened.head) {
            return Ok(false);
        }
        if opened.encoding == Encoding::Gzip {
            return Ok(true);
        }
        if opened.metadata.len() < self.assembler.next_offset() {
            return Ok(false);
        }
        let start = self.tail_offset.saturating_sub(self.tail.bytes as u64);
        let tail = content::read_up_to(&opened.file, start, self.tail.bytes)?;
        Ok(Fingerprint::of(&tail) == self.tail)
    }

    /// Goes on with `opened`, which must hold what was read.
    pub(crate) fn attach(&mut self, path: PathBuf, opened: Opened, place: Place) {
        if self.head.bytes < HEAD_BYTES_MAX && opened.head.len() > self.head.bytes {
            self.head = Fingerprint::of(&opened.head);
        }
        self.path = path;
        self.id = Some(opened.id);
        self.version = Some(FileVersion::of(&opened.metadata));
        self.encoding = opened.encoding;
        self.file = Some(opened.file);
        self.gzip = None;
        self.place = place;
        self.is_at_end = false;
        self.flush_due = false;
        self.problem = None;
    }

    /// Lets go of the file. What is held stays held: a copy may turn up that goes on with it.
    pub(crate) fn lose(&mut self, content_is_gone: bool) {
        self.place = Place::Lost;
        self.file = None;
        self.gzip = None;
        self.version = None;
        self.is_at_end = true;
        if content_is_gone {
            self.id = None;
        }
    }

    /// Reads one turn's worth and hands out what it makes. Returns the bytes read; 0 at the end.
    pub(crate) fn read_turn(&mut self, buffer: &mut [u8], batch: &mut BatchBuilder) -> io::Result<usize> {
        self.reopen()?;
        let Some(file) = &self.file else { return Ok(0) };
        let offset = self.assembler.next_offset();
        let taken = match self.encoding {
            Encoding::Plain => {
                let bytes = read_once(file, buffer, offset)?;
                self.assembler.feed(&buffer[..bytes], batch)
            }
            Encoding::Gzip => {
                if self.gzip.is_none() {
                    self.gzip = Some(GzipText::open_at(file, offset)?);
                }
                let Some(text) = &mut self.gzip else { return Ok(0) };
                let taken = self.assembler.feed(text.peek(buffer.len())?, batch);
                text.take(taken);
                taken
            }
        };
        if taken == 0 {
            self.is_at_end = true;
            if self.encoding == Encoding::Gzip {
                // A `.gz` does not grow: its last line is complete and neither decoder nor file is needed any more.
                self.flush_due = true;
                self.gzip = None;
                self.file = None;
            }
        } else {
            self.last_growth = Instant::now();
        }
        Ok(taken)
    }

    /// Opens a file again that was closed to keep their number down.
    fn reopen(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let opened = content::open(&self.path)?;
        if Some(opened.id) != self.id || !self.is_continued_by(&opened)? {
            return Err(io::Error::new(ErrorKind::NotFound, "it has just been replaced"));
        }
        self.file = Some(opened.file);
        Ok(())
    }

    /// Stops reading after an error until the next look, or, if its content is damaged, until it changes.
    pub(crate) fn give_up(&mut self, error: &io::Error) {
        self.problem = Some(match error.kind() {
            ErrorKind::UnexpectedEof => {
                format!(
                    "{} ends in the middle of its compressed data; it is read on when it grows",
                    self.path.display()
                )
            }
            _ => super::discovery::fault(&self.path, error),
        });
        let is_damaged = matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
        );
        if !is_damaged {
            self.version = None;
        }
        self.gzip = None;
        self.file = None;
        self.is_at_end = true;
    }

    /// The checkpoint to commit with this batch, if it differs from the one before.
    pub(crate) fn changed_checkpoint(&mut self) -> Option<FileCheckpoint> {
        let offset = self.assembler.closed_offset();
        let id = self
            .id
            .or(self.handed_out.as_ref().map(|checkpoint| checkpoint.id))?;
        if self.head.bytes == 0 || (offset == 0 && self.handed_out.is_none()) {
            return None;
        }
        if offset != self.tail_offset || (self.tail.bytes == 0 && offset > 0) {
            self.tail = self.tail_before(offset);
            self.tail_offset = offset;
        }
        let checkpoint = FileCheckpoint {
            number: self.number,
            path: self.path.clone(),
            id,
            head: self.head,
            offset,
            tail: self.tail,
            inside_line: self.assembler.closed_inside_line(),
            previous_time: self.assembler.parser().previous(),
        };
        if self.handed_out.as_ref() == Some(&checkpoint) {
            return None;
        }
        self.handed_out = Some(checkpoint.clone());
        Some(checkpoint)
    }

    /// Without the file at hand (a `.gz`, or lost) nothing is remembered and nothing compared.
    fn tail_before(&self, offset: u64) -> Fingerprint {
        let (Some(file), Encoding::Plain) = (&self.file, self.encoding) else {
            return Fingerprint::default();
        };
        let bytes = offset.min(TAIL_BYTES_MAX as u64) as usize;
        match content::read_up_to(file, offset - bytes as u64, bytes) {
            Ok(tail) if tail.len() == bytes => Fingerprint::of(&tail),
            _ => Fingerprint::default(),
        }
    }
}

fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
