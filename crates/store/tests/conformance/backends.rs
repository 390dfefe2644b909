//! How each backend makes an empty store of its own for one case, and a way to it beside the store.

mod postgres;
mod sqlite;

use async_trait::async_trait;
use std::any::Any;
use std::sync::Arc;
use turnstone_store::{ConnectOptions, Store, StoreAddress, StoreError, connect};

/// A kind of database.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The first part of the names of its cases.
    fn name(&self) -> &'static str;

    /// A store of its own, migrated and empty.
    async fn fresh(&self) -> anyhow::Result<Harness> {
        let harness = self.unmigrated().await?;
        harness.store.migrate().await?;
        Ok(harness)
    }

    /// A store of its own without a schema.
    async fn unmigrated(&self) -> anyhow::Result<Harness>;
}

/// Every backend; each is required.
pub fn all() -> Vec<Arc<dyn Backend>> {
    vec![Arc::new(sqlite::Sqlite), Arc::new(postgres::Postgres::default())]
}

/// What a case works with.
pub struct Harness {
    /// The store under test.
    pub store: Arc<dyn Store>,
    /// Its address, to open it again.
    pub address: StoreAddress,
    /// SQL past the store, as a person at a shell would.
    pub sql: Box<dyn Sql>,
    /// Makes further empty databases.
    pub backend: Arc<dyn Backend>,
    /// Keeps the database until the case ends.
    pub _keep: Box<dyn Any + Send + Sync>,
}

impl Harness {
    /// A second handle on the same database with connections of its own, like another process.
    pub async fn reopen(&self) -> Result<Arc<dyn Store>, StoreError> {
        connect(&self.address, &ConnectOptions::default()).await
    }
}

/// SQL past the store. The statements of the cases are written so that every backend understands them.
#[async_trait]
pub trait Sql: Send + Sync {
    /// Runs statements.
    async fn execute(&self, statements: &str) -> anyhow::Result<()>;

    /// The only value of a query as text.
    async fn scalar(&self, query: &str) -> anyhow::Result<Option<String>>;
}
