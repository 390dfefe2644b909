//! Where a store is: `sqlite:///path/file.db` or `postgres://user:password@host/database`.

use crate::{StoreError, StoreErrorKind};
use std::fmt;
use std::path::PathBuf;

/// A parsed store address. `Debug` and `Display` never show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A Postgres database, as a connection URL.
    Postgres(url::Url),
}

impl StoreAddress {
    /// Reads an address. `sqlite:///abs/path`, `sqlite://rel/path` and `sqlite:path` name a file; `postgres://` and
    /// `postgresql://` a server.
    pub fn parse(address: &str) -> Result<Self, StoreError> {
        let invalid =
            |message: String| StoreError::new(StoreErrorKind::Invalid, "parse database address", message);
        if let Some(path) = address.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(invalid(
                    "sqlite address names no file; write sqlite:///path/to/turnstone.db".into(),
                ));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            // The URL itself may hold a password and must not be repeated in the message.
            let url = url::Url::parse(address)
                .map_err(|error| invalid(format!("postgres address is no valid URL: {error}")))?;
            return Ok(Self::Postgres(url));
        }
        let scheme = address
            .split(':')
            .next()
            .filter(|_| address.contains(':'))
            .unwrap_or("none");
        Err(invalid(format!(
            "unknown database address scheme {scheme:?}; use sqlite:///path or postgres://user@host/database"
        )))
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => {
                let mut shown = url.clone();
                if shown.password().is_some() {
                    // Only fails for URLs that cannot have a password, and this one has.
                    let _ = shown.set_password(Some("***"));
                }
                shown.set_query(None);
                write!(f, "{shown}")
            }
        }
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreAddress({self})")
    }
}
