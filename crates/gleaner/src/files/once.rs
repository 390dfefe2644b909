//! Reads files once, one after the other, each to its end: `turnstone scan`. Keeps no checkpoints.

use super::content::{self, Encoding, GzipText};
use super::discovery::{PathPatterns, fault, not_regular};
use super::tracked::CHUNK_BYTES;
use crate::batch::BatchBuilder;
use crate::config::SourceConfig;
use crate::error::GleanError;
use crate::parse::{LineParser, ZoneOfSource};
use crate::record::Assembler;
use crate::source::{Gleaned, SourceState};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};
use turnstone_types::Timestamp;

/// See the head of this file.
pub(crate) struct OnceReader {
    waiting: VecDeque<PathBuf>,
    current: Option<(PathBuf, Text, Assembler)>,
    zone: ZoneOfSource,
    line_bytes_max: usize,
    joins_lines: bool,
    fault: Option<String>,
    buffer: Vec<u8>,
}

/// What is being read.
enum Text {
    Plain(File),
    Gzip(Box<GzipText>),
    /// A pipe, as the shell makes for `<(command)`: bytes read and how many of them are taken.
    Pipe(File, Vec<u8>, usize),
}

impl OnceReader {
    /// Resolves the paths. One that is named outright must be there and readable, since somebody asked for just that.
    pub(crate) fn open(config: &SourceConfig) -> Result<Self, GleanError> {
        let mut waiting = VecDeque::new();
        for pattern in &config.paths {
            let mut faults = Vec::new();
            let patterns = PathPatterns::new(config);
            let paths = patterns.paths_of(pattern, &mut faults);
            if let [path] = paths.as_slice()
                && path == Path::new(pattern)
            {
                let refuse = |problem| GleanError::Unreadable {
                    path: path.clone(),
                    problem,
                };
                let metadata = fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
                if !metadata.is_file() && !metadata.file_type().is_fifo() {
                    return Err(refuse(not_regular(path, &metadata)));
                }
                if metadata.is_file() {
                    content::open(path).map_err(|error| refuse(error.to_string()))?;
                }
                waiting.push_back(path.clone());
            } else {
                waiting.extend(paths.into_iter().filter(|path| path.is_file()));
            }
        }
        let excluded: Vec<_> = config
            .exclude
            .iter()
            .filter_map(|pattern| glob::Pattern::new(pattern).ok())
            .collect();
        waiting.retain(|path| !excluded.iter().any(|pattern| pattern.matches_path(path)));
        Ok(Self {
            waiting,
            current: None,
            zone: config.zone()?,
            line_bytes_max: config.line_bytes_max,
            joins_lines: config.multiline,
            fault: None,
            buffer: vec![0; CHUNK_BYTES],
        })
    }

    pub(crate) fn next_batch(&mut self, mut batch: BatchBuilder) -> Gleaned {
        let bytes_read_max = batch.bytes_left().max(CHUNK_BYTES as u64);
        let fault_before = self.fault.clone();
        let mut bytes_read = 0_u64;
        let state = loop {
            if batch.is_full() || bytes_read >= bytes_read_max {
                break SourceState::More;
            }
            let Some((path, text, assembler)) = &mut self.current else {
                match self.waiting.pop_front() {
                    None => break SourceState::Ended,
                    Some(path) => self.begin(path),
                }
                continue;
            };
            match text.read_turn(&mut self.buffer, assembler, &mut batch) {
                Ok(0) => {
                    assembler.flush(&mut batch);
                    self.current = None;
                }
                Ok(bytes) => bytes_read += bytes as u64,
                Err(error) => {
                    self.fault = Some(fault(path, &error));
                    assembler.flush(&mut batch);
                    self.current = None;
                }
            }
        };
        let fault_changed = self.fault != fault_before;
        batch.finish(Vec::new(), self.fault.clone(), fault_changed, state)
    }

    fn begin(&mut self, path: PathBuf) {
        let text = match Text::open(&path) {
            Ok(text) => text,
            Err(error) => return self.fault = Some(fault(&path, &error)),
        };
        let parser = LineParser::new(self.zone.clone(), Timestamp::now());
        let assembler = Assembler::new(parser, self.line_bytes_max, self.joins_lines, 0, false);
        self.current = Some((path, text, assembler));
    }
}

impl Text {
    fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.file_type().is_fifo() {
            return Ok(Self::Pipe(File::open(path)?, Vec::new(), 0));
        }
        let opened = content::open(path)?;
        Ok(match opened.encoding {
            Encoding::Plain => Self::Plain(opened.file),
            Encoding::Gzip => Self::Gzip(Box::new(GzipText::open_at(&opened.file, 0)?)),
        })
    }

    /// Feeds one turn's worth of bytes; 0 at the end.
    fn read_turn(
        &mut self,
        buffer: &mut [u8],
        assembler: &mut Assembler,
        batch: &mut BatchBuilder,
    ) -> io::Result<usize> {
        match self {
            Self::Plain(file) => {
                let bytes = file.read_at(buffer, assembler.next_offset())?;
                Ok(assembler.feed(&buffer[..bytes], batch))
            }
            Self::Gzip(text) => {
                let taken = assembler.feed(text.peek(buffer.len())?, batch);
                text.take(taken);
                Ok(taken)
            }
            Self::Pipe(pipe, pending, taken) => {
                if *taken == pending.len() {
                    let bytes = pipe.read(buffer)?;
                    pending.clear();
                    pending.extend_from_slice(&buffer[..bytes]);
                    *taken = 0;
                }
                let fed = assembler.feed(&pending[*taken..], batch);
                *taken += fed;
                Ok(fed)
            }
        }
    }
}
