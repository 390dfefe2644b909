//! Named transactions and reads with a retry limit, and the session that their bodies run statements on.

use super::PostgresStore;
use super::copy::CopyBuffer;
use super::error::{Failure, Retry};
use crate::{StoreError, plans};
use deadpool_postgres::{ClientWrapper, Transaction};
use futures::SinkExt;
use futures::future::BoxFuture;
use rand::Rng;
use std::marker::PhantomData;
use std::pin::pin;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

/// Attempts at one transaction before its error is the caller's.
const ATTEMPTS_MAX: u32 = 5;
/// Wait before the second attempt, doubled for each further one and shortened by up to half at random.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(20);

pub(super) type Outcome<T> = Result<T, Failure>;

/// What a body returns: a future that may borrow from the session (`'s`) and from the caller (`'caller`, which outlives it).
pub(super) struct Work<'caller, 's, T> {
    future: BoxFuture<'s, Outcome<T>>,
    outlives: PhantomData<&'s &'caller ()>,
}

/// Boxes the future of a body.
pub(super) fn work<'caller, 's, T>(
    future: impl Future<Output = Outcome<T>> + Send + 's,
) -> Work<'caller, 's, T> {
    Work {
        future: Box::pin(future),
        outlives: PhantomData,
    }
}

/// How a body's statements belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Each statement by itself; for bodies of one statement.
    Single,
    /// One transaction that writes.
    Write,
    /// One transaction that writes and may take [`super::connection::LONG_STATEMENT_LIMIT`] for a statement.
    LongWrite,
    /// One transaction that only reads, all of it as of one instant.
    Snapshot,
}

/// A connection, with or without an open transaction, that knows what it is used for. Statements are prepared once for each
/// connection and text, so texts must come from a bounded set.
#[derive(Clone, Copy)]
pub(super) struct Session<'s> {
    operation: &'static str,
    on: On<'s>,
}

#[derive(Clone, Copy)]
enum On<'s> {
    Client(&'s ClientWrapper),
    Transaction(&'s Transaction<'s>),
}

type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

impl Session<'_> {
    /// The name of the verb, for errors.
    pub(super) fn operation(&self) -> &'static str {
        self.operation
    }

    fn failed(&self) -> impl Fn(tokio_postgres::Error) -> Failure + use<> {
        let operation = self.operation;
        move |error| Failure::of_statement(operation, error)
    }

    /// Notes the plan of a statement, where somebody wants it.
    async fn note_plan(&self, sql: &str, parameters: Parameters<'_>) -> Outcome<()> {
        if !plans::wanted() {
            return Ok(());
        }
        let explain = format!("EXPLAIN {sql}");
        let lines = match self.on {
            On::Client(client) => client.query(&explain, parameters).await,
            On::Transaction(transaction) => transaction.query(&explain, parameters).await,
        };
        let lines = lines.map_err(self.failed())?;
        let plan: Vec<&str> = lines.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        let read_through = plans::postgres_read_through(&plan);
        plans::note(sql, plan, read_through);
        Ok(())
    }

    /// All rows.
    pub(super) async fn query(&self, sql: &str, parameters: Parameters<'_>) -> Outcome<Vec<Row>> {
        self.note_plan(sql, parameters).await?;
        let rows = match self.on {
            On::Client(client) => {
                client
                    .query(
                        &client.prepare_cached(sql).await.map_err(self.failed())?,
                        parameters,
                    )
                    .await
            }
            On::Transaction(transaction) => {
                transaction
                    .query(
                        &transaction.prepare_cached(sql).await.map_err(self.failed())?,
                        parameters,
                    )
                    .await
            }
        };
        rows.map_err(self.failed())
    }

    /// The one row that the statement always has.
    pub(super) async fn query_one(&self, sql: &str, parameters: Parameters<'_>) -> Outcome<Row> {
        let row = self.query(sql, parameters).await?.into_iter().next();
        row.ok_or_else(|| {
            StoreError::new(
                crate::StoreErrorKind::Internal,
                self.operation,
                "a statement gave no row",
            )
            .into()
        })
    }

    /// The first row, if any.
    pub(super) async fn query_optional(&self, sql: &str, parameters: Parameters<'_>) -> Outcome<Option<Row>> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Executes a statement; answers the rows it changed.
    pub(super) async fn execute(&self, sql: &str, parameters: Parameters<'_>) -> Outcome<u64> {
        self.note_plan(sql, parameters).await?;
        let changed = match self.on {
            On::Client(client) => {
                client
                    .execute(
                        &client.prepare_cached(sql).await.map_err(self.failed())?,
                        parameters,
                    )
                    .await
            }
            On::Transaction(transaction) => {
                transaction
                    .execute(
                        &transaction.prepare_cached(sql).await.map_err(self.failed())?,
                        parameters,
                    )
                    .await
            }
        };
        changed.map_err(self.failed())
    }

    /// Executes statements without parameters, unprepared.
    pub(super) async fn execute_all(&self, sql: &str) -> Outcome<()> {
        let executed = match self.on {
            On::Client(client) => client.batch_execute(sql).await,
            On::Transaction(transaction) => transaction.batch_execute(sql).await,
        };
        executed.map_err(self.failed())
    }

    /// Bulk load: `COPY … FROM STDIN (FORMAT binary)` of rows that `write` puts into the buffer.
    pub(super) async fn copy_rows<'r, R: Sync>(
        &self,
        sql: &str,
        rows: &'r [R],
        mut write: impl FnMut(&'r R, &mut CopyBuffer) + Send,
    ) -> Outcome<u64> {
        let sink = match self.on {
            On::Client(client) => client.copy_in(sql).await,
            On::Transaction(transaction) => transaction.copy_in(sql).await,
        };
        // Dropped before its end, as on an error, the sink makes the server abort the load.
        let mut sink = pin!(sink.map_err(self.failed())?);
        let mut buffer = CopyBuffer::new();
        for row in rows {
            write(row, &mut buffer);
            if let Some(full) = buffer.take_full() {
                sink.send(full).await.map_err(self.failed())?;
            }
        }
        sink.send(buffer.finish()).await.map_err(self.failed())?;
        sink.finish().await.map_err(self.failed())
    }
}

impl PostgresStore {
    /// Runs a body as the verb `name`, again where another transaction or a lost connection was in the way. The body may run
    /// several times, and must be harmless to repeat even after a commit: the connection may be lost with the answer to it.
    pub(super) async fn run<'caller, T, B>(
        &self,
        name: &'static str,
        mode: Mode,
        body: B,
    ) -> Result<T, StoreError>
    where
        B: for<'s> Fn(Session<'s>) -> Work<'caller, 's, T>,
    {
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(name, mode, &body).await {
                Ok(value) => {
                    count(name, "committed");
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            if failure.retry == Retry::No || attempt == ATTEMPTS_MAX {
                count(name, "failed");
                return Err(failure.error);
            }
            count(
                name,
                if failure.retry == Retry::Conflict {
                    "retried_conflict"
                } else {
                    "retried_connection"
                },
            );
            let delay =
                (FIRST_RETRY_DELAY * 2_u32.pow(attempt - 1)).mul_f64(rand::rng().random_range(0.5..=1.0));
            tracing::debug!(transaction = name, attempt, ?delay, error = %failure.error, "transaction is tried again");
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    async fn attempt<'caller, T, B>(&self, name: &'static str, mode: Mode, body: &B) -> Outcome<T>
    where
        B: for<'s> Fn(Session<'s>) -> Work<'caller, 's, T>,
    {
        let mut connection = self
            .pool
            .get()
            .await
            .map_err(|error| Failure::of_pool(name, error))?;
        self.observe_pool();
        if mode == Mode::Single {
            let client: &ClientWrapper = &connection;
            return body(Session {
                operation: name,
                on: On::Client(client),
            })
            .future
            .await;
        }
        let failed = |error| Failure::of_statement(name, error);
        let mut builder = connection.build_transaction();
        if mode == Mode::Snapshot {
            builder = builder
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true);
        }
        let transaction = builder.start().await.map_err(failed)?;
        if mode == Mode::LongWrite {
            transaction
                .batch_execute(super::connection::ALLOW_LONG_STATEMENTS)
                .await
                .map_err(failed)?;
        }
        // On an error the transaction is rolled back as it is dropped.
        let value = body(Session {
            operation: name,
            on: On::Transaction(&transaction),
        })
        .future
        .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(value)
    }

    fn observe_pool(&self) {
        let status = self.pool.status();
        metrics::gauge!("turnstone_store_pool_connections", "state" => "open").set(status.size as f64);
        metrics::gauge!("turnstone_store_pool_connections", "state" => "idle").set(status.available as f64);
        metrics::gauge!("turnstone_store_pool_connections", "state" => "waited_for")
            .set(status.waiting as f64);
    }
}

fn count(name: &'static str, outcome: &'static str) {
    metrics::counter!("turnstone_store_transaction_total", "name" => name, "outcome" => outcome).increment(1);
}
