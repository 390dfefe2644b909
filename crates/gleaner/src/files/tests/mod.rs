//! Following real files in a temporary folder, with the clock of quiet times set to zero or to never.

mod content;
mod exactly_once;
mod rotation;

use super::follower::Follower;
use super::once::OnceReader;
use crate::batch::BatchBuilder;
use crate::config::{SourceConfig, SourceKind, StartAt};
use crate::source::{Budget, Gleaned, OpenOptions, SourceState};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions as FileOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use turnstone_types::{SourceCheckpoint, SourceId};

const NEVER: Duration = Duration::from_secs(1_000_000);
const PLENTY: Budget = Budget {
    entries_max: 100_000,
    bytes_max: 1 << 30,
};

/// A folder with logs, a follower over it, and what has been committed of what it handed out.
struct Site {
    folder: TempDir,
    config: SourceConfig,
    options: OpenOptions,
    follower: Option<Follower>,
    committed: BTreeMap<String, SourceCheckpoint>,
    delivered: Vec<String>,
    fault: Option<String>,
}

impl Site {
    fn new(patterns: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = SourceConfig::for_stdin(SourceId::new("site").unwrap());
        config.kind = SourceKind::Files;
        config.paths = patterns
            .iter()
            .map(|pattern| path_text(&folder.path().join(pattern)))
            .collect();
        let options = OpenOptions {
            poll_interval: Duration::ZERO,
            record_quiet: Duration::ZERO,
            partial_line_quiet: NEVER,
            rotated_grace: NEVER,
            ..OpenOptions::default()
        };
        let (committed, delivered) = Default::default();
        Self {
            folder,
            config,
            options,
            follower: None,
            committed,
            delivered,
            fault: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = FileOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn copy_and_truncate(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        FileOptions::new()
            .write(true)
            .truncate(true)
            .open(self.path(from))
            .unwrap();
    }

    /// As gzip does it: the compressed file first, then the original goes.
    fn compress(&self, from: &str, to: &str) {
        fs::write(self.path(to), gzip(&fs::read(self.path(from)).unwrap())).unwrap();
        fs::remove_file(self.path(from)).unwrap();
    }

    /// Takes one batch without committing it.
    fn take(&mut self, budget: Budget) -> Gleaned {
        if self.follower.is_none() {
            let checkpoints = self.committed.values().cloned().collect();
            self.follower = Some(Follower::open(&self.config, checkpoints, self.options).unwrap());
        }
        let batch = BatchBuilder::new(&self.config.source_id, SourceKind::Files, budget);
        self.follower.as_mut().unwrap().next_batch(batch)
    }

    fn commit(&mut self, gleaned: Gleaned) {
        self.delivered
            .extend(gleaned.entries.into_iter().map(|entry| entry.text));
        for checkpoint in gleaned.checkpoints {
            match checkpoint.state {
                Some(_) => drop(self.committed.insert(checkpoint.key.clone(), checkpoint)),
                None => drop(self.committed.remove(&checkpoint.key)),
            }
        }
        self.fault = gleaned.delta.fault;
    }

    /// Reads and commits until there is nothing more.
    fn catch_up(&mut self) {
        for _ in 0..10_000 {
            let gleaned = self.take(PLENTY);
            let state = gleaned.state;
            self.commit(gleaned);
            if state == SourceState::CaughtUp {
                return;
            }
        }
        panic!("never caught up");
    }

    /// Forgets everything but what was committed.
    fn crash(&mut self) {
        self.follower = None;
    }

    /// Catches up and checks what came since the last time.
    fn expect(&mut self, lines: &[&str]) {
        self.catch_up();
        assert_eq!(std::mem::take(&mut self.delivered), lines);
    }
}

fn path_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Everything that one-shot reading makes of a configuration.
fn read_once(config: &SourceConfig) -> (Vec<String>, Option<String>) {
    let mut reader = OnceReader::open(config).unwrap();
    let mut lines = Vec::new();
    loop {
        let batch = BatchBuilder::new(
            &config.source_id,
            SourceKind::Files,
            Budget {
                entries_max: 3,
                bytes_max: 1 << 20,
            },
        );
        let gleaned = reader.next_batch(batch);
        lines.extend(gleaned.entries.into_iter().map(|entry| entry.text));
        if gleaned.state == SourceState::Ended {
            return (lines, gleaned.delta.fault);
        }
    }
}

#[test]
fn from_end_skips_what_was_there_once_and_for_all() {
    let mut site = Site::new(&["*.log", "*.gz"]);
    site.config.from = StartAt::End;
    site.append("a.log", "old\nin the ma");
    fs::write(site.path("old.gz"), gzip(b"archived\n")).unwrap();
    site.append("empty.log", "");
    site.expect(&[]);
    site.append("a.log", "king\nnew\n");
    site.append("empty.log", "first\n");
    site.append("later.log", "from its start\n");
    site.crash();
    site.catch_up();
    site.delivered.sort();
    assert_eq!(
        site.delivered,
        ["first", "from its start", "in the making", "new"]
    );
}

#[test]
fn reading_once_ends_and_hands_out_the_last_line() {
    let site = Site::new(&["*.log"]);
    site.append("a.log", "one\ntwo\nthree\nfour\nlast without line end");
    site.append("b.log", "2026-01-01 00:00:00 ERROR boom\n\tat x.Y.z(Y.java:1)\n");
    fs::write(site.path("c.log"), gzip(b"packed 1\npacked 2")).unwrap();
    let (lines, fault) = read_once(&site.config);
    let record = "2026-01-01 00:00:00 ERROR boom\n\tat x.Y.z(Y.java:1)";
    let expected = [
        "one",
        "two",
        "three",
        "four",
        "last without line end",
        record,
        "packed 1",
        "packed 2",
    ];
    assert_eq!(
        (lines.as_slice(), fault),
        (expected.map(str::to_owned).as_slice(), None)
    );
}

#[test]
fn reading_once_refuses_what_is_not_there() {
    let mut site = Site::new(&[]);
    for (name, problem) in [("missing.log", "No such file"), (".", "a directory")] {
        site.config.paths = vec![path_text(&site.path(name))];
        let error = OnceReader::open(&site.config).err().unwrap().to_string();
        assert!(error.contains(problem), "{error}");
    }
}
