//! The contract of a source: batches of entries, and the checkpoints that stand for everything handed out so far.
//! Each kind of source lives in a module of its own; this one only opens them.

use crate::config::{SourceConfig, SourceKind};
use crate::error::GleanError;
use crate::files::FilesSource;
use crate::stream::StreamSource;
use async_trait::async_trait;
use std::io::Read;
use std::time::Duration;
use turnstone_types::{NewEntry, SourceCheckpoint, SourceDelta, SourceId};

/// How much one batch may hold. A batch may go over `bytes_max` by one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Entries, at least 1.
    pub entries_max: usize,
    /// Bytes read from the source.
    pub bytes_max: u64,
}

/// Whether a source has more at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Call again at once: the batch ended on its budget.
    More,
    /// Nothing more for now; [`Source::wait_for_more`] says when to ask again.
    CaughtUp,
    /// Nothing more, ever.
    Ended,
}

/// One batch. Commit all of it in one transaction or none of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Gleaned {
    /// Entries in ascending order of id.
    pub entries: Vec<NewEntry>,
    /// How far the source is read once these entries are stored. May be there without entries (a file forgotten).
    pub checkpoints: Vec<SourceCheckpoint>,
    /// Counters of this batch.
    pub delta: SourceDelta,
    /// Lines of nothing but white space, which make no entry.
    pub empty_lines: u64,
    /// Lines with terminal escape sequences; they are kept in the text.
    pub escape_lines: u64,
    /// Bytes of overlong lines that were passed over.
    pub cut_bytes: u64,
    /// Whether `delta.fault` differs from the batch before.
    pub fault_changed: bool,
    /// Whether there is more.
    pub state: SourceState,
}

impl Gleaned {
    /// Whether there is nothing in it worth a transaction.
    pub fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.checkpoints.is_empty() && !self.fault_changed
    }
}

/// Whether files are followed or read once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadMode {
    /// Follow: wait for more, through rotation, until the process ends.
    #[default]
    Follow,
    /// Read what is there, last line and open record included, then end. Checkpoints are neither read nor made.
    Once,
}

/// How a source is read; the same for all sources of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Follow, or read once.
    pub mode: ReadMode,
    /// How often files are looked at.
    pub poll_interval: Duration,
    /// A record whose file has been quiet for so long is complete: its continuation lines were written long ago.
    pub record_quiet: Duration,
    /// A last line without line end is handed out as it is after so long without growth. Should the rest of it come
    /// later all the same, it becomes an entry of its own: nothing is lost and nothing comes twice.
    pub partial_line_quiet: Duration,
    /// How long a file that was renamed out of reach is still read through its open handle after its last growth.
    pub rotated_grace: Duration,
    /// Files kept open at a time.
    pub open_files_max: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            mode: ReadMode::Follow,
            poll_interval: Duration::from_millis(500),
            record_quiet: Duration::from_secs(1),
            partial_line_quiet: Duration::from_secs(5),
            rotated_grace: Duration::from_secs(60),
            open_files_max: 512,
        }
    }
}

impl OpenOptions {
    /// The defaults of one-shot reading.
    pub fn once() -> Self {
        Self {
            mode: ReadMode::Once,
            ..Self::default()
        }
    }
}

/// Where lines come from.
///
/// A batch moves the position in memory when it is handed out. If it cannot be committed, either try the same batch
/// again, or drop the source and open it from the last committed checkpoints: it goes on exactly there. Sources that
/// are pushed to (syslog, OTLP) fill a bounded queue behind the same two methods.
#[async_trait]
pub trait Source: Send {
    /// Name of the source.
    fn source_id(&self) -> &SourceId;

    /// Kind of the source.
    fn kind(&self) -> SourceKind;

    /// Takes the next batch, without waiting for lines that are not there yet. It may hold no entry and still be
    /// followed by more (in the middle of a very long line). Dropping the future loses nothing: the batch is handed
    /// out by the next call.
    async fn next_batch(&mut self, budget: Budget) -> Result<Gleaned, GleanError>;

    /// Returns when asking again may bring something: after the poll interval, or as soon as lines were pushed.
    async fn wait_for_more(&mut self);
}

/// Opens a source where its committed checkpoints say, or at its start when there are none.
///
/// Only checkpoints of this source may be given; in [`ReadMode::Once`] they are not looked at.
pub fn open_source(
    config: &SourceConfig,
    checkpoints: Vec<SourceCheckpoint>,
    options: OpenOptions,
) -> Result<Box<dyn Source>, GleanError> {
    config.validate()?;
    match config.kind {
        SourceKind::Files => Ok(Box::new(FilesSource::open(config, checkpoints, options)?)),
        SourceKind::Stdin => open_reader(config, Box::new(std::io::stdin()), options),
    }
}

/// Opens a source over any reader, read to its end on a thread of its own. Has no checkpoints.
pub fn open_reader(
    config: &SourceConfig,
    reader: Box<dyn Read + Send>,
    options: OpenOptions,
) -> Result<Box<dyn Source>, GleanError> {
    Ok(Box::new(StreamSource::open(config, reader, options)?))
}
