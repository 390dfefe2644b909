//! Postgres: one throwaway cluster for the process, a database for each case.

use super::{Backend, Harness, Sql};
use anyhow::Context;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_postgres::{NoTls, SimpleQueryMessage};
use turnstone_store::{ConnectOptions, StoreAddress, connect};
use turnstone_testkit::PostgresCluster;

#[derive(Default, Clone)]
pub struct Postgres {
    /// Started by the first case; dropped, and with it the cluster, with the last one.
    cluster: Arc<Mutex<Option<Arc<PostgresCluster>>>>,
}

impl Postgres {
    fn cluster(&self) -> anyhow::Result<Arc<PostgresCluster>> {
        let mut cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*cluster {
            return Ok(running.clone());
        }
        Ok(cluster.insert(Arc::new(PostgresCluster::start()?)).clone())
    }
}

#[async_trait]
impl Backend for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn unmigrated(&self) -> anyhow::Result<Harness> {
        let backend = self.clone();
        let cluster = tokio::task::spawn_blocking(move || backend.cluster()).await??;
        let url = cluster.fresh_database().await?;
        let address = StoreAddress::parse(&url)?;
        Ok(Harness {
            store: connect(
                &address,
                &ConnectOptions {
                    connections_max: 4,
                    ..ConnectOptions::default()
                },
            )
            .await?,
            address,
            sql: Box::new(PostgresDatabase(url)),
            backend: Arc::new(self.clone()),
            _keep: Box::new(cluster),
        })
    }
}

struct PostgresDatabase(String);

impl PostgresDatabase {
    async fn simple_query(&self, statements: &str) -> anyhow::Result<Vec<SimpleQueryMessage>> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        let driver = tokio::spawn(connection);
        let messages = client
            .simple_query(statements)
            .await
            .with_context(|| format!("execute {statements:?}"));
        drop(client);
        // An error of the connection shows in the statement's own result.
        let _ = driver.await;
        messages
    }
}

#[async_trait]
impl Sql for PostgresDatabase {
    async fn execute(&self, statements: &str) -> anyhow::Result<()> {
        self.simple_query(statements).await.map(drop)
    }

    async fn scalar(&self, query: &str) -> anyhow::Result<Option<String>> {
        let messages = self
            .simple_query(&format!("SELECT CAST(({query}) AS TEXT)"))
            .await?;
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(row.context("the query answers no row")?.get(0).map(str::to_owned))
    }
}
