//! Which files the paths and globs of a source name now.

use super::identity::FileId;
use crate::config::SourceConfig;
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A regular file that a pattern names.
#[derive(Debug, Clone)]
pub(crate) struct FoundFile {
    pub path: PathBuf,
    pub id: FileId,
    pub version: FileVersion,
}

/// What changes when somebody writes to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileVersion {
    pub bytes: u64,
    pub modified_seconds: i64,
    pub modified_nanoseconds: i64,
}

impl FileVersion {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.size(),
            modified_seconds: metadata.mtime(),
            modified_nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// The paths of a source.
#[derive(Debug)]
pub(crate) struct PathPatterns {
    paths: Vec<String>,
    exclude: Vec<glob::Pattern>,
}

/// What one look at the patterns brought.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Each file once, however many paths and links lead to it, in the order of the patterns and then of the names.
    pub files: Vec<FoundFile>,
    /// What cannot be read, and why.
    pub faults: Vec<String>,
}

impl PathPatterns {
    /// The patterns of a configuration that was validated.
    pub(crate) fn new(config: &SourceConfig) -> Self {
        let exclude = config
            .exclude
            .iter()
            .filter_map(|pattern| glob::Pattern::new(pattern).ok())
            .collect();
        Self {
            paths: config.paths.clone(),
            exclude,
        }
    }

    /// Looks now.
    pub(crate) fn discover(&self) -> Discovery {
        let mut discovery = Discovery::default();
        let mut seen = HashSet::new();
        for pattern in &self.paths {
            for path in self.paths_of(pattern, &mut discovery.faults) {
                self.look_at(&path, Path::new(pattern) == path, &mut discovery, &mut seen);
            }
        }
        discovery
    }

    /// The paths that a pattern stands for; a path that exists stands for itself, even with brackets in it.
    pub(crate) fn paths_of(&self, pattern: &str, faults: &mut Vec<String>) -> Vec<PathBuf> {
        let literal = PathBuf::from(pattern);
        if !pattern.contains(['*', '?', '[']) || fs::symlink_metadata(&literal).is_ok() {
            return vec![literal];
        }
        let Ok(found) = glob::glob(pattern) else {
            return Vec::new();
        };
        let mut paths = Vec::new();
        for entry in found {
            match entry {
                Ok(path) => paths.push(path),
                Err(error) => faults.push(fault(error.path(), error.error())),
            }
        }
        paths
    }

    fn look_at(&self, path: &Path, is_named: bool, discovery: &mut Discovery, seen: &mut HashSet<FileId>) {
        if self.exclude.iter().any(|pattern| pattern.matches_path(path)) {
            return;
        }
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            // It may appear later, or vanished since the glob was expanded. A link to nowhere is no different.
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return discovery.faults.push(fault(path, &error)),
        };
        if !metadata.is_file() {
            if is_named {
                discovery.faults.push(not_regular(path, &metadata));
            }
            return;
        }
        let id = FileId::of(&metadata);
        if seen.insert(id) {
            discovery.files.push(FoundFile {
                path: path.to_owned(),
                id,
                version: FileVersion::of(&metadata),
            });
        }
    }
}

/// Why a path that is no regular file is not read.
pub(crate) fn not_regular(path: &Path, metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_dir() => "a directory; name its files or a glob such as dir/*.log",
        () if kind.is_fifo() => "a pipe, which cannot be followed; feed it to a source of kind \"stdin\"",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    format!("{} is {what}", path.display())
}

/// A fault with its path.
pub(crate) fn fault(path: &Path, error: &std::io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => "; grant read access or exclude it",
        _ => "",
    };
    format!("cannot read {}: {error}{advice}", path.display())
}
