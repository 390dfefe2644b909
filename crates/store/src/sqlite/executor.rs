//! Passes statements on to a connection or to the readers, and notes their plans first where somebody wants them.

use super::connection::Tx;
use crate::plans;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use sqlx::sqlite::{
    SqliteArguments, SqlitePool, SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo,
};
use sqlx::{AssertSqlSafe, Either, Error, Execute, Executor, Row, SqlStr, Sqlite, SqliteConnection};

type Step = Result<Either<SqliteQueryResult, SqliteRow>, Error>;

/// The connection inside a transaction.
pub(super) fn on(transaction: &mut Tx) -> Noting<'_> {
    Noting::Connection(transaction)
}

/// Where statements go.
#[derive(Debug)]
pub(super) enum Noting<'c> {
    Connection(&'c mut SqliteConnection),
    Pool(&'c SqlitePool),
}

/// A statement taken apart, to be run after its plan was asked for.
struct Parts {
    sql: SqlStr,
    arguments: SqliteArguments,
}

impl Parts {
    fn of<'q>(mut query: impl Execute<'q, Sqlite>) -> Result<Self, Error> {
        let arguments = query.take_arguments().map_err(Error::Encode)?.unwrap_or_default();
        Ok(Self {
            sql: query.sql(),
            arguments,
        })
    }

    async fn run_noted(self, connection: &mut SqliteConnection) -> Result<Vec<Step>, Error> {
        let sql = self.sql.as_str().to_owned();
        // Without its parameters: SQLite's plan does not depend on their values.
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let steps = sqlx::query(AssertSqlSafe(explain))
            .fetch_all(&mut *connection)
            .await?;
        let details: Vec<String> = steps
            .iter()
            .map(|step| step.try_get("detail"))
            .collect::<Result<_, _>>()?;
        let plan = details.join("\n");
        let read_through = plans::sqlite_read_through(&sql, &plan);
        plans::note(&sql, plan, read_through);
        Ok(connection
            .fetch_many(sqlx::query_with(self.sql, self.arguments))
            .collect()
            .await)
    }
}

impl<'c> Executor<'c> for Noting<'c> {
    type Database = Sqlite;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        if !plans::wanted() {
            return match self {
                Self::Connection(connection) => connection.fetch_many(query),
                Self::Pool(pool) => pool.fetch_many(query),
            };
        }
        let parts = Parts::of(query);
        stream::once(async move {
            let steps = match self {
                Self::Connection(connection) => parts?.run_noted(connection).await?,
                Self::Pool(pool) => parts?.run_noted(&mut *pool.acquire().await?).await?,
            };
            Ok::<_, Error>(stream::iter(steps))
        })
        .try_flatten()
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Sqlite>,
    {
        if !plans::wanted() {
            return match self {
                Self::Connection(connection) => connection.fetch_optional(query),
                Self::Pool(pool) => pool.fetch_optional(query),
            };
        }
        let mut rows = self.fetch(query);
        Box::pin(async move { rows.try_next().await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [SqliteTypeInfo],
    ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
    where
        'c: 'e,
    {
        match self {
            Self::Connection(connection) => connection.prepare_with(sql, parameters),
            Self::Pool(pool) => pool.prepare_with(sql, parameters),
        }
    }
}
