//! Opens the file: one writer connection, a pool of readers, every setting in one place, and the retries on a lock.

use super::error;
use super::executor::Noting;
use crate::{ConnectOptions, StoreError, StoreErrorKind};
use rand::Rng;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a locked database is tried before it is `Unavailable`.
const LOCK_ATTEMPTS: u32 = 4;

/// A transaction on the writer or on a reader.
pub(super) type Tx = Transaction<'static, Sqlite>;

/// The connections to one file. Cloned handles share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// One connection, so that writers of this process queue here in order and not at the file's lock.
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Connections {
    /// Prepares the connections; the file is opened by the first use, and only [`Self::create`] makes one.
    pub(super) fn new(path: &Path, options: &ConnectOptions) -> Self {
        let connect = SqliteConnectOptions::new()
            .filename(path)
            // Waits within SQLite for a fifth of the limit, LOCK_ATTEMPTS times, so that the pauses between fit as well.
            .busy_timeout(options.wait_max / (LOCK_ATTEMPTS + 1))
            // The outbox promises that what was committed is there after a power cut. Commits are per cycle, so this is cheap.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // A cycle of 10,000 lines is some 15 MB of pages: copying them into the file every 4 MB, the default, moved the same
            // pages again and again.
            .pragma("wal_autocheckpoint", "8000")
            .pragma("journal_size_limit", "67108864")
            .pragma("cache_size", "-65536")
            .pragma("temp_store", "MEMORY")
            // A trigger or view of a file somebody else made must not call functions with side effects.
            .pragma("trusted_schema", "OFF")
            // Rows come from SQLite's thread over a channel: with the driver's 50 the two wait for each other twenty times for 1,000 rows.
            .row_buffer_size(1_024)
            .disable_statement_logging();
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .min_connections(0)
                .acquire_timeout(options.wait_max)
        };
        Self {
            path: path.to_owned(),
            writer: pool(1).connect_lazy_with(connect.clone()),
            readers: pool(options.connections_max.max(1))
                .connect_lazy_with(connect.clone().pragma("query_only", "ON")),
            options: connect,
        }
    }

    /// Makes the file (readable by its owner only, since logs tell secrets) and switches it to write-ahead logging.
    pub(super) async fn create(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "migrate";
        let failed = |error: std::io::Error| StoreError {
            kind: StoreErrorKind::Unavailable,
            operation: OPERATION,
            message: format!("cannot create the database file {}: {error}", self.path.display()),
            source: Some(Box::new(error)),
        };
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            tokio::fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let mut open = tokio::fs::OpenOptions::new();
        open.write(true).create(true).truncate(false);
        #[cfg(unix)]
        open.mode(0o600);
        drop(open.open(&self.path).await.map_err(failed)?);
        // The switch needs an exclusive lock that the busy timeout does not wait for.
        let options = self.options.clone().pragma("journal_mode", "WAL");
        let mut retries = LockRetries::default();
        let connection = loop {
            match options.connect().await {
                Err(error) if retries.pause_after(&error).await => {}
                other => break other.map_err(|error| self.map(OPERATION, error))?,
            }
        };
        sqlx::Connection::close(connection)
            .await
            .map_err(|error| self.map(OPERATION, error))
    }

    /// Begins a transaction that holds the file's only write lock from its start, so that no statement in it can fail on a lock.
    pub(super) async fn begin_write(&self, operation: &'static str) -> Result<Tx, StoreError> {
        let mut retries = LockRetries::default();
        loop {
            match self.writer.begin_with("BEGIN IMMEDIATE").await {
                Err(error) if retries.pause_after(&error).await => {}
                other => return other.map_err(|error| self.map(operation, error)),
            }
        }
    }

    /// Begins a read of one state of the database.
    pub(super) async fn begin_read(&self, operation: &'static str) -> Result<Tx, StoreError> {
        let mut retries = LockRetries::default();
        loop {
            match self.readers.begin().await {
                Err(error) if retries.pause_after(&error).await => {}
                other => return other.map_err(|error| self.map(operation, error)),
            }
        }
    }

    /// The readers, for a single statement.
    pub(super) fn readers(&self) -> Noting<'_> {
        Noting::Pool(&self.readers)
    }

    fn map(&self, operation: &'static str, driver_error: sqlx::Error) -> StoreError {
        let mut mapped = error::map(operation, driver_error);
        if mapped.kind == StoreErrorKind::NotFound {
            mapped.message = format!(
                "{} ({}); run turnstone db migrate to make it",
                mapped.message,
                self.path.display()
            );
        }
        mapped
    }
}

/// Commits, mapping the error.
pub(super) async fn commit(operation: &'static str, transaction: Tx) -> Result<(), StoreError> {
    transaction
        .commit()
        .await
        .map_err(|error| error::map(operation, error))
}

/// Counts the tries at a locked database.
#[derive(Default)]
struct LockRetries {
    failures: u32,
}

impl LockRetries {
    /// Answers whether to try again after this failure, and if so waits first, longer each time.
    async fn pause_after(&mut self, failure: &sqlx::Error) -> bool {
        self.failures += 1;
        if self.failures >= LOCK_ATTEMPTS || !error::is_locked(failure) {
            return false;
        }
        metrics::counter!("turnstone_store_lock_retries_total").increment(1);
        // Jitter keeps processes that met at the lock from meeting there again.
        let pause_ms = 50 * u64::from(self.failures * self.failures);
        let jittered_ms = rand::rng().random_range(pause_ms / 2..=pause_ms);
        tracing::debug!(
            failures = self.failures,
            jittered_ms,
            "database is locked, trying again"
        );
        tokio::time::sleep(Duration::from_millis(jittered_ms)).await;
        true
    }
}
