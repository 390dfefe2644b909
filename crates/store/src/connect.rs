//! Opens a store by its address.

use crate::{Store, StoreAddress, StoreError, postgres::PostgresStore, sqlite::SqliteStore};
use std::sync::Arc;
use std::time::Duration;

/// Limits of a connection to a store.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Connections in the pool (Postgres), readers beside the one writer (SQLite).
    pub connections_max: u32,
    /// Longest wait for a connection or a lock before the error is `Unavailable`.
    pub wait_max: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connections_max: 8,
            wait_max: Duration::from_secs(10),
        }
    }
}

/// Opens the store at `address` without touching its schema; call `migrate` or `check_ready` next.
pub async fn connect(address: &StoreAddress, options: &ConnectOptions) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match address {
        StoreAddress::Sqlite(path) => Arc::new(SqliteStore::open(path, options).await?),
        StoreAddress::Postgres(url) => Arc::new(PostgresStore::open(url, options).await?),
    })
}
