//! Writes many rows with few statements: lists of VALUES of a fixed size, prepared once, and one shorter list at the end.
//!
//! Parameters are anonymous on purpose: the driver asks SQLite for the name of every parameter, and SQLite finds numbered
//! ones by a linear search, which made the time of a statement grow with the square of its length.

use super::connection::Tx;
use super::error::map;
use super::executor::on;
use crate::StoreError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe};

/// Values of one row, bound in order.
pub(super) struct RowArguments<'a> {
    arguments: &'a mut SqliteArguments,
    failure: &'a mut Option<sqlx::error::BoxDynError>,
}

impl RowArguments<'_> {
    /// Binds the next column.
    pub(super) fn add<'t>(
        &mut self,
        value: impl sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 't,
    ) -> &mut Self {
        if let Err(error) = Arguments::add(self.arguments, value) {
            self.failure.get_or_insert(error);
        }
        self
    }
}

/// A statement with one list of rows in it.
pub(super) struct BulkStatement {
    /// What comes before the list, for example `INSERT INTO t (a, b) VALUES`. Never made from input.
    pub before: &'static str,
    /// Columns of a row.
    pub columns: usize,
    /// What comes after the list.
    pub after: &'static str,
    /// Rows in a full list. Rows times columns stays under SQLite's 32,766 parameters.
    pub rows_max: usize,
}

impl BulkStatement {
    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let list = vec![row.as_str(); rows].join(",");
        format!("{} {} {}", self.before, list, self.after)
    }

    /// Runs the statement over all rows; returns the number of rows that it changed.
    pub(super) async fn execute<R>(
        &self,
        operation: &'static str,
        transaction: &mut Tx,
        rows: &[R],
        mut bind: impl FnMut(&R, &mut RowArguments<'_>),
    ) -> Result<u64, StoreError> {
        let full_sql = self.sql(self.rows_max.min(rows.len()));
        let mut changed = 0;
        for chunk in rows.chunks(self.rows_max) {
            let mut arguments = SqliteArguments::default();
            arguments.reserve(chunk.len() * self.columns, 0);
            let mut failure = None;
            for row in chunk {
                bind(
                    row,
                    &mut RowArguments {
                        arguments: &mut arguments,
                        failure: &mut failure,
                    },
                );
            }
            if let Some(error) = failure {
                return Err(map(operation, sqlx::Error::Encode(error)));
            }
            // Only the full length comes again; keeping every other length prepared would fill the cache.
            let full = chunk.len() == self.rows_max;
            let sql = if full {
                full_sql.clone()
            } else {
                self.sql(chunk.len())
            };
            let done = sqlx::query_with(AssertSqlSafe(sql), arguments)
                .persistent(full)
                .execute(on(transaction))
                .await
                .map_err(|error| map(operation, error))?;
            changed += done.rows_affected();
        }
        Ok(changed)
    }
}
