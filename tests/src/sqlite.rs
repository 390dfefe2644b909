//! Plain SQL on SQLite files: reads those of the programs, makes those of the original pipeline.

use anyhow::Context;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::path::Path;
use std::time::Duration;

/// The one number that a query answers with. Fails while the file or its tables are not there yet.
pub async fn sqlite_count(file: &Path, query: &str) -> anyhow::Result<u64> {
    let mut connection = connect(SqliteConnectOptions::new().filename(file).read_only(true)).await?;
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(&mut connection)
        .await
        .with_context(|| format!("query {query:?}"))?;
    connection.close().await?;
    Ok(u64::try_from(count)?)
}

/// Executes statements on a file that is made where it is missing.
pub async fn sqlite_execute(file: &Path, statements: &str) -> anyhow::Result<()> {
    let mut connection = connect(SqliteConnectOptions::new().filename(file).create_if_missing(true)).await?;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await
        .with_context(|| format!("execute {statements:?}"))?;
    connection.close().await?;
    Ok(())
}

async fn connect(options: SqliteConnectOptions) -> anyhow::Result<SqliteConnection> {
    let options = options
        .busy_timeout(Duration::from_secs(30))
        .disable_statement_logging();
    options.connect().await.context("open the SQLite file")
}
