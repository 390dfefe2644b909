//! The `[[sources]]` table of the configuration and its checks. Resolving relative paths and refusing a repeated
//! `source_id` is left to whoever reads the file.

use crate::error::GleanError;
use crate::parse::ZoneOfSource;
use serde::{Deserialize, Serialize};
use std::path::Path;
use turnstone_types::{SourceId, TenantId};

/// Bytes of a line that are kept unless `line_bytes_max` says otherwise.
pub const LINE_BYTES_MAX_DEFAULT: usize = 64 * 1024;

/// What a source reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceKind {
    /// Files and globs, followed as they grow and rotate.
    Files,
    /// Standard input, to its end. It cannot be read again, so it has no checkpoint.
    Stdin,
}

impl SourceKind {
    /// The name as in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Stdin => "stdin",
        }
    }
}

/// Where reading starts in files that are there when a source is opened for the first time ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// At the first byte.
    #[default]
    Start,
    /// After the last complete line. A file that appears later is always read from its first byte.
    End,
}

/// One source of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Name of the source; unique within the configuration, which the caller checks.
    pub source_id: SourceId,
    /// What it reads from.
    pub kind: SourceKind,
    /// Paths and globs (`files` only). A path that exists is taken as it is, whatever characters it holds.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Globs of paths to leave out (`files` only), for example `"/var/log/**/*.gz"`.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whose lines these are; the configuration's own tenant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Zone of times that state none: an IANA name (`Europe/Vienna`) or an offset (`+02:00`); UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Where reading starts the first time.
    #[serde(default)]
    pub from: StartAt,
    /// Whether stack traces and indented continuations are joined with the line that they belong to.
    #[serde(default = "multiline_default")]
    pub multiline: bool,
    /// Bytes of a line that are kept; the rest of a longer line is counted and passed over.
    #[serde(default = "line_bytes_max_default")]
    pub line_bytes_max: usize,
}

impl SourceConfig {
    /// A source over one path, with every default.
    pub fn for_path(source_id: SourceId, path: &Path) -> Self {
        Self {
            paths: vec![path.to_string_lossy().into_owned()],
            ..Self::for_stdin(source_id).with_kind(SourceKind::Files)
        }
    }

    /// Standard input, with every default.
    pub fn for_stdin(source_id: SourceId) -> Self {
        Self {
            source_id,
            kind: SourceKind::Stdin,
            paths: Vec::new(),
            exclude: Vec::new(),
            tenant: None,
            timezone: None,
            from: StartAt::Start,
            multiline: true,
            line_bytes_max: LINE_BYTES_MAX_DEFAULT,
        }
    }

    fn with_kind(self, kind: SourceKind) -> Self {
        Self { kind, ..self }
    }

    /// Checks what serde cannot: paths, globs, the zone and the limits. Reads no file.
    pub fn validate(&self) -> Result<(), GleanError> {
        let refuse = |problem: String| GleanError::Config {
            source_id: self.source_id.clone(),
            problem,
        };
        match self.kind {
            SourceKind::Files if self.paths.is_empty() => {
                return Err(refuse("paths must name at least one file or glob".to_owned()));
            }
            SourceKind::Stdin if !self.paths.is_empty() || !self.exclude.is_empty() => {
                return Err(refuse(
                    "paths and exclude belong to kind = \"files\", not to \"stdin\"".to_owned(),
                ));
            }
            _ => {}
        }
        for pattern in self.paths.iter().chain(&self.exclude) {
            if pattern.is_empty() || pattern.contains('\0') {
                return Err(refuse(format!("{pattern:?} is no path")));
            }
            if let Err(error) = glob::Pattern::new(pattern)
                && !Path::new(pattern).exists()
            {
                return Err(refuse(format!("{pattern:?} is no glob: {error}")));
            }
        }
        if !(256..=16 * 1024 * 1024).contains(&self.line_bytes_max) {
            let given = self.line_bytes_max;
            return Err(refuse(format!("line_bytes_max is {given}; use 256 to 16777216")));
        }
        self.zone().map(|_| ())
    }

    /// The zone of times that state none.
    pub(crate) fn zone(&self) -> Result<ZoneOfSource, GleanError> {
        ZoneOfSource::from_config(self.timezone.as_deref()).map_err(|problem| GleanError::Config {
            source_id: self.source_id.clone(),
            problem,
        })
    }
}

fn multiline_default() -> bool {
    true
}

fn line_bytes_max_default() -> usize {
    LINE_BYTES_MAX_DEFAULT
}
