//! A source over any reader, standard input above all: a thread reads, a bounded channel holds what was read.
//! What was read from a pipe cannot be read again, so there are no checkpoints.

use crate::batch::BatchBuilder;
use crate::config::{SourceConfig, SourceKind};
use crate::error::GleanError;
use crate::parse::LineParser;
use crate::record::Assembler;
use crate::source::{Budget, Gleaned, OpenOptions, Source, SourceState};
use async_trait::async_trait;
use std::io::{ErrorKind, Read};
use std::time::Instant;
use tokio::sync::mpsc;
use turnstone_types::{SourceId, Timestamp};

/// Bytes read at a time, and how many such pieces may wait: what the thread may be ahead.
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_WAITING_MAX: usize = 16;

/// See the head of this file.
pub(crate) struct StreamSource {
    source_id: SourceId,
    kind: SourceKind,
    chunks: mpsc::Receiver<std::io::Result<Vec<u8>>>,
    /// The piece in hand and how much of it has been taken.
    current: Vec<u8>,
    taken: usize,
    assembler: Assembler,
    last_growth: Instant,
    has_ended: bool,
    /// An error that came while waiting, for the next batch to report.
    broken: Option<std::io::Error>,
    options: OpenOptions,
}

impl StreamSource {
    pub(crate) fn open(
        config: &SourceConfig,
        reader: Box<dyn Read + Send>,
        options: OpenOptions,
    ) -> Result<Self, GleanError> {
        let parser = LineParser::new(config.zone()?, Timestamp::now());
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
        std::thread::Builder::new()
            .name(format!("glean-{}", config.kind.as_str()))
            .spawn(move || read_all(reader, &sender))
            .map_err(|error| GleanError::Stream {
                source_id: config.source_id.clone(),
                error,
            })?;
        Ok(Self {
            source_id: config.source_id.clone(),
            kind: config.kind,
            chunks,
            current: Vec::new(),
            taken: 0,
            assembler: Assembler::new(parser, config.line_bytes_max, config.multiline, 0, false),
            last_growth: Instant::now(),
            has_ended: false,
            broken: None,
            options,
        })
    }

    fn receive(&mut self, chunk: Option<std::io::Result<Vec<u8>>>) -> Result<(), GleanError> {
        self.last_growth = Instant::now();
        match chunk {
            Some(Ok(bytes)) => (self.current, self.taken) = (bytes, 0),
            Some(Err(error)) => {
                self.has_ended = true;
                return Err(GleanError::Stream {
                    source_id: self.source_id.clone(),
                    error,
                });
            }
            None => self.has_ended = true,
        }
        Ok(())
    }
}

#[async_trait]
impl Source for StreamSource {
    fn source_id(&self) -> &SourceId {
        &self.source_id
    }

    fn kind(&self) -> SourceKind {
        self.kind
    }

    async fn next_batch(&mut self, budget: Budget) -> Result<Gleaned, GleanError> {
        if let Some(error) = self.broken.take() {
            self.receive(Some(Err(error)))?;
        }
        let mut batch = BatchBuilder::new(&self.source_id, self.kind, budget);
        self.assembler.parser_mut().set_now(Timestamp::now());
        let mut bytes_read = 0_u64;
        let state = loop {
            // Bytes are counted with their line; the second limit keeps one endless line from holding the caller up.
            if batch.is_full() || bytes_read > budget.bytes_max {
                break SourceState::More;
            }
            if self.taken < self.current.len() {
                let taken = self.assembler.feed(&self.current[self.taken..], &mut batch);
                self.taken += taken;
                bytes_read += taken as u64;
                continue;
            }
            if self.has_ended {
                self.assembler.flush(&mut batch);
                break SourceState::Ended;
            }
            match self.chunks.try_recv() {
                Ok(chunk) => self.receive(Some(chunk))?,
                Err(mpsc::error::TryRecvError::Disconnected) => self.receive(None)?,
                Err(mpsc::error::TryRecvError::Empty) => {
                    let quiet = self.last_growth.elapsed();
                    if self.assembler.holds_partial_line() && quiet >= self.options.partial_line_quiet {
                        self.assembler.flush(&mut batch);
                    } else if quiet >= self.options.record_quiet {
                        self.assembler.close_record(&mut batch);
                    }
                    break SourceState::CaughtUp;
                }
            }
        };
        Ok(batch.finish(Vec::new(), None, false, state))
    }

    async fn wait_for_more(&mut self) {
        if self.taken < self.current.len() || self.has_ended {
            return;
        }
        let received = if self.assembler.holds_lines() {
            // Something is held that quiet will close.
            match tokio::time::timeout(self.options.poll_interval, self.chunks.recv()).await {
                Ok(chunk) => chunk,
                Err(_) => return,
            }
        } else {
            self.chunks.recv().await
        };
        match received {
            // A broken stream is reported by the next batch: the thread sends nothing after its error.
            Some(Err(error)) => self.broken = Some(error),
            other => drop(self.receive(other)),
        }
    }
}

fn read_all(mut reader: Box<dyn Read + Send>, sender: &mpsc::Sender<std::io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let sent = match reader.read(&mut chunk) {
            Ok(0) => return,
            Ok(bytes) => {
                chunk.truncate(bytes);
                sender.blocking_send(Ok(chunk))
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        // Nobody listens any more.
        if sent.is_err() {
            return;
        }
    }
}
