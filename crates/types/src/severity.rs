//! Severities, of a line by its own words or of a label by the label map.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How bad it is, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// For developers.
    Debug,
    /// Routine.
    Info,
    /// Odd, but handled.
    Warn,
    /// Something failed.
    Error,
    /// Something is down or about to be.
    Critical,
}

/// A text that names no severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown severity {0:?}; use DEBUG, INFO, WARN, ERROR or CRITICAL")]
pub struct UnknownSeverity(pub String);

impl Severity {
    /// All severities in rising order.
    pub const ALL: [Self; 5] = [Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Critical];

    /// The name as stored: upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;
    fn from_str(name: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str().eq_ignore_ascii_case(name))
            .or_else(|| name.eq_ignore_ascii_case("warning").then_some(Self::Warn))
            .ok_or_else(|| UnknownSeverity(name.to_owned()))
    }
}
