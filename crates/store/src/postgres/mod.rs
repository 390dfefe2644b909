//! The Postgres dialect. Not wired yet: its owner replaces this file.

use crate::{ConnectOptions, StoreError, StoreErrorKind};

/// A store in a Postgres database.
#[derive(Debug, Clone)]
pub struct PostgresStore {}

impl PostgresStore {
    /// Opens it.
    pub async fn open(_url: &url::Url, _options: &ConnectOptions) -> Result<Self, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unavailable, "open", "the postgres dialect is not there yet"))
    }
}
