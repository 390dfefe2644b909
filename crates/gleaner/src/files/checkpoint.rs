//! Checkpoints of files as stored: one for each file, and one that says that the source has been opened before.

use super::identity::{FileId, Fingerprint};
use crate::error::GleanError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use turnstone_types::{SourceCheckpoint, SourceId, Timestamp};

/// Key of the checkpoint that tells a first start from a later one, for `from = "end"`.
pub(crate) const OPENED_KEY: &str = "opened";

const FILE_KEY_PREFIX: &str = "file/";

/// How far one file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileCheckpoint {
    /// Number within the source, never given to two files.
    pub number: u64,
    /// Last known name: only a hint.
    pub path: PathBuf,
    pub id: FileId,
    pub head: Fingerprint,
    /// Everything before it has been handed out. Of a `.gz` it counts the bytes that it unpacks to.
    pub offset: u64,
    pub tail: Fingerprint,
    /// Whether the offset lies inside a line whose beginning has been handed out.
    pub inside_line: bool,
    /// Time that an undated line would inherit.
    pub previous_time: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    path: String,
    device: u64,
    inode: u64,
    head_bytes: usize,
    head: String,
    offset: u64,
    tail_bytes: usize,
    tail: String,
    #[serde(default)]
    inside_line: bool,
    #[serde(default)]
    previous_time: Option<Timestamp>,
}

impl FileCheckpoint {
    /// As it is stored.
    pub(crate) fn to_source(&self, source_id: &SourceId) -> SourceCheckpoint {
        let stored = Stored {
            path: self.path.to_string_lossy().into_owned(),
            device: self.id.device,
            inode: self.id.inode,
            head_bytes: self.head.bytes,
            head: self.head.hex(),
            offset: self.offset,
            tail_bytes: self.tail.bytes,
            tail: self.tail.hex(),
            inside_line: self.inside_line,
            previous_time: self.previous_time,
        };
        SourceCheckpoint {
            source_id: source_id.clone(),
            key: file_key(self.number),
            // Strings, numbers and times always serialise.
            state: Some(serde_json::to_string(&stored).unwrap_or_default()),
        }
    }

    /// Reads a stored checkpoint; `None` for the one that says that the source has been opened.
    pub(crate) fn from_source(checkpoint: &SourceCheckpoint) -> Result<Option<Self>, GleanError> {
        let refuse = |problem: &str| GleanError::Checkpoint {
            source_id: checkpoint.source_id.clone(),
            key: checkpoint.key.clone(),
            problem: problem.to_owned(),
        };
        if checkpoint.key == OPENED_KEY {
            return Ok(None);
        }
        let number = checkpoint
            .key
            .strip_prefix(FILE_KEY_PREFIX)
            .and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| refuse("it is not of a source of files"))?;
        let Some(state) = &checkpoint.state else {
            return Ok(None);
        };
        let stored: Stored = serde_json::from_str(state).map_err(|error| refuse(&error.to_string()))?;
        let fingerprint = |bytes, hex: &str| {
            Fingerprint::from_hex(bytes, hex).ok_or_else(|| refuse("a fingerprint is damaged"))
        };
        Ok(Some(Self {
            number,
            path: PathBuf::from(stored.path),
            id: FileId {
                device: stored.device,
                inode: stored.inode,
            },
            head: fingerprint(stored.head_bytes, &stored.head)?,
            offset: stored.offset,
            tail: fingerprint(stored.tail_bytes, &stored.tail)?,
            inside_line: stored.inside_line,
            previous_time: stored.previous_time,
        }))
    }
}

/// The checkpoint that a file is to be forgotten.
pub(crate) fn forgotten(source_id: &SourceId, number: u64) -> SourceCheckpoint {
    SourceCheckpoint {
        source_id: source_id.clone(),
        key: file_key(number),
        state: None,
    }
}

/// The checkpoint that the source has been opened.
pub(crate) fn opened(source_id: &SourceId) -> SourceCheckpoint {
    SourceCheckpoint {
        source_id: source_id.clone(),
        key: OPENED_KEY.to_owned(),
        state: Some("{}".to_owned()),
    }
}

/// Numbers have leading zeros so that keys sort by age.
fn file_key(number: u64) -> String {
    format!("{FILE_KEY_PREFIX}{number:012}")
}
