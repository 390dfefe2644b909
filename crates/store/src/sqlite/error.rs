//! Maps SQLite's result codes, together with the operation, to errors of the domain. Never looks at message texts.

use crate::{StoreError, StoreErrorKind};
use sqlx::sqlite::SqliteError;

/// Primary result codes, <https://www.sqlite.org/rescode.html>. The extended code holds them in its lowest byte.
mod code {
    pub const PERM: i32 = 3;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const NOMEM: i32 = 7;
    pub const READONLY: i32 = 8;
    pub const INTERRUPT: i32 = 9;
    pub const IOERR: i32 = 10;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const PROTOCOL: i32 = 15;
    pub const TOOBIG: i32 = 18;
    pub const CONSTRAINT: i32 = 19;
    pub const MISMATCH: i32 = 20;
    pub const AUTH: i32 = 23;
    pub const NOTADB: i32 = 26;
}

/// The primary result code of a driver's error, if it came from SQLite itself.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let sqlx::Error::Database(database) = error else {
        return None;
    };
    database.try_downcast_ref::<SqliteError>()?;
    Some(database.code()?.parse::<i32>().ok()? & 0xff)
}

/// Whether another connection holds a lock that this one needs.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    matches!(
        primary_code(error),
        Some(code::BUSY | code::LOCKED | code::PROTOCOL)
    )
}

/// Turns a driver's error into one of the domain.
pub(crate) fn map(operation: &'static str, error: sqlx::Error) -> StoreError {
    let (kind, advice) = describe(&error);
    let detail = match &error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        other => other.to_string(),
    };
    let message = if advice.is_empty() {
        detail
    } else {
        format!("{advice}: {detail}")
    };
    StoreError {
        kind,
        operation,
        message,
        source: Some(Box::new(error)),
    }
}

fn describe(error: &sqlx::Error) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::*;
    if let Some(code) = primary_code(error) {
        return match code {
            code::BUSY | code::LOCKED | code::PROTOCOL => {
                (Unavailable, "the database is locked by another writer")
            }
            code::INTERRUPT => (Unavailable, "the statement was interrupted"),
            code::NOMEM => (Unavailable, "sqlite has no memory left"),
            code::IOERR => (Unavailable, "the disk under the database fails"),
            code::FULL => (Unavailable, "the disk under the database is full"),
            code::CANTOPEN => (NotFound, "the database file cannot be opened"),
            code::CORRUPT => (Corrupt, "the database file is damaged; restore it from a backup"),
            code::NOTADB => (Corrupt, "the file is no sqlite database"),
            code::MISMATCH => (Corrupt, "a column holds a value of another type"),
            code::CONSTRAINT => (Conflict, "a row collides with one that is there"),
            code::TOOBIG => (Invalid, "a value is larger than sqlite can hold"),
            code::READONLY | code::PERM | code::AUTH => (Invalid, "the database file may not be written"),
            _ => (Internal, ""),
        };
    }
    match error {
        sqlx::Error::PoolTimedOut => (Unavailable, "no connection became free in time"),
        sqlx::Error::PoolClosed => (Unavailable, "the store is closed"),
        sqlx::Error::WorkerCrashed => (Unavailable, "the connection's thread ended"),
        sqlx::Error::Io(_) => (Unavailable, "the disk under the database fails"),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            (Corrupt, "a column holds a value of another type")
        }
        _ => (Internal, ""),
    }
}
