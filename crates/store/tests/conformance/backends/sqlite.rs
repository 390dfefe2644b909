//! SQLite: a file in a temporary folder for each case.

use super::{Backend, Harness, Sql};
use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use turnstone_store::{ConnectOptions, StoreAddress, connect};

pub struct Sqlite;

#[async_trait]
impl Backend for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn unmigrated(&self) -> anyhow::Result<Harness> {
        let folder = turnstone_testkit::temp_dir()?;
        let path = folder.path().join("store.db");
        let address = StoreAddress::Sqlite(path.clone());
        Ok(Harness {
            store: connect(&address, &ConnectOptions::default()).await?,
            address,
            sql: Box::new(SqliteFile(path)),
            backend: Arc::new(Sqlite),
            _keep: Box::new(folder),
        })
    }
}

struct SqliteFile(PathBuf);

impl SqliteFile {
    async fn open(&self) -> anyhow::Result<SqliteConnection> {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.0);
        Ok(SqliteConnection::connect_with(&options).await?)
    }
}

#[async_trait]
impl Sql for SqliteFile {
    async fn execute(&self, statements: &str) -> anyhow::Result<()> {
        let mut connection = self.open().await?;
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    async fn scalar(&self, query: &str) -> anyhow::Result<Option<String>> {
        let mut connection = self.open().await?;
        let row = sqlx::raw_sql(AssertSqlSafe(format!("SELECT CAST(({query}) AS TEXT)")))
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(row.try_get(0)?)
    }
}
