//! Maps SQLSTATE, together with the operation, to errors of the domain, and says which are worth another attempt at once.
//! Never looks at message texts.

use crate::{StoreError, StoreErrorKind};
use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// A failed attempt: its error, and whether the same transaction may succeed when run again at once.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: StoreError,
    pub(super) retry: Retry,
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// Give up.
    No,
    /// The transaction lost against another one and was rolled back.
    Conflict,
    /// The connection is gone; the transaction may or may not have been committed.
    ConnectionLost,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            retry: Retry::No,
        }
    }
}

impl Failure {
    /// An error of a statement on an open connection.
    pub(super) fn of_statement(operation: &'static str, error: tokio_postgres::Error) -> Self {
        let (kind, retry, advice) = describe(operation, &error);
        Self {
            error: store_error(kind, operation, advice, error),
            retry,
        }
    }

    /// An error on the way to a connection.
    pub(super) fn of_pool(operation: &'static str, error: PoolError) -> Self {
        use StoreErrorKind::{Internal, Unavailable};
        let (kind, message) = match error {
            PoolError::Backend(error) => return Self::of_connecting(operation, error),
            PoolError::Timeout(_) => (Unavailable, "no connection to the database became free in time"),
            PoolError::Closed => (Unavailable, "the store is closed"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                (Internal, "the connection pool is set up wrongly")
            }
        };
        StoreError::new(kind, operation, message).into()
    }

    fn of_connecting(operation: &'static str, error: tokio_postgres::Error) -> Self {
        if error.code().is_some()
            || io_error(&error).is_some_and(|io| io.kind() != std::io::ErrorKind::InvalidData)
        {
            return Self::of_statement(operation, error);
        }
        // What is left: the TLS handshake, a server without TLS, an authentication method that the driver lacks.
        let advice = "the database cannot be connected to as configured; check sslmode, certificate and password in its address";
        store_error(StoreErrorKind::Invalid, operation, advice, error).into()
    }
}

fn store_error(
    kind: StoreErrorKind,
    operation: &'static str,
    advice: &str,
    error: tokio_postgres::Error,
) -> StoreError {
    let detail = match (error.as_db_error(), std::error::Error::source(&error)) {
        (Some(database), _) => database.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
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

fn io_error(error: &tokio_postgres::Error) -> Option<&std::io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

fn describe(operation: &str, error: &tokio_postgres::Error) -> (StoreErrorKind, Retry, &'static str) {
    use StoreErrorKind::*;
    let Some(state) = error.code() else {
        return if error.is_closed() || io_error(error).is_some() {
            (
                Unavailable,
                Retry::ConnectionLost,
                "the connection to the database was lost",
            )
        } else {
            (Internal, Retry::No, "")
        };
    };
    let migrating = operation == "migrate";
    match *state {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            (Unavailable, Retry::Conflict, "another transaction was in the way")
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => (
            Unavailable,
            Retry::ConnectionLost,
            "the database is shutting down or starting",
        ),
        SqlState::QUERY_CANCELED => (
            Unavailable,
            Retry::No,
            "the statement took longer than its time limit",
        ),
        SqlState::LOCK_NOT_AVAILABLE => (Unavailable, Retry::No, "a lock did not become free in time"),
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => (
            Unavailable,
            Retry::ConnectionLost,
            "the transaction was idle for too long",
        ),
        SqlState::READ_ONLY_SQL_TRANSACTION => (
            Unavailable,
            Retry::No,
            "the database accepts no writes at present",
        ),
        SqlState::DISK_FULL => (Unavailable, Retry::No, "the disk under the database is full"),
        SqlState::IO_ERROR => (Unavailable, Retry::No, "the disk under the database fails"),
        SqlState::INVALID_CATALOG_NAME => (
            NotFound,
            Retry::No,
            "the database named in the address does not exist; create it first",
        ),
        SqlState::INSUFFICIENT_PRIVILEGE => (Invalid, Retry::No, "the database user lacks a right"),
        SqlState::UNDEFINED_TABLE
        | SqlState::UNDEFINED_COLUMN
        | SqlState::UNDEFINED_FUNCTION
        | SqlState::INVALID_SCHEMA_NAME
            if !migrating =>
        {
            (
                Corrupt,
                Retry::No,
                "the schema is not the one of this program; run turnstone db migrate",
            )
        }
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => (
            Corrupt,
            Retry::No,
            "the database is damaged; restore it from a backup",
        ),
        SqlState::UNIQUE_VIOLATION => (Conflict, Retry::No, "a row collides with one that is there"),
        _ => describe_class(state.code()),
    }
}

/// The first two characters of a SQLSTATE are its class.
fn describe_class(code: &str) -> (StoreErrorKind, Retry, &'static str) {
    use StoreErrorKind::*;
    match code.get(..2).unwrap_or_default() {
        "08" => (
            Unavailable,
            Retry::ConnectionLost,
            "the connection to the database failed",
        ),
        "22" => (Invalid, Retry::No, "a value cannot be stored"),
        "23" => (Conflict, Retry::No, "a row breaks a rule of its table"),
        "28" => (
            Invalid,
            Retry::No,
            "the database refuses the user or password of the address",
        ),
        "53" => (Unavailable, Retry::No, "the database server lacks a resource"),
        "54" => (Invalid, Retry::No, "a value is larger than the database can hold"),
        "57" => (
            Unavailable,
            Retry::No,
            "the database server stopped the statement",
        ),
        "58" => (Unavailable, Retry::No, "the system under the database fails"),
        "XX" => (Corrupt, Retry::No, "the database reports an internal fault"),
        _ => (Internal, Retry::No, ""),
    }
}
