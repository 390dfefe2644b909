//! A WHERE clause that grows by what a request filters, with its parameters. Values never become part of the SQL text, and only what
//! is filtered is part of it, so that the index for it is found.

use super::connection::Tx;
use super::error::map;
use super::executor::on;
use super::text::match_expression;
use crate::instant::to_text;
use crate::model::DetectionFilter;
use crate::{SearchQuery, StoreError};
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe};
use turnstone_types::{TenantId, Timestamp};

/// Conditions joined by AND, and the parameters of the whole statement in order.
#[derive(Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    arguments: SqliteArguments,
    count: usize,
    failure: Option<sqlx::error::BoxDynError>,
}

impl Conditions {
    /// Adds a parameter; answers its placeholder.
    pub(super) fn parameter<'t>(
        &mut self,
        value: impl sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 't,
    ) -> String {
        if let Err(error) = self.arguments.add(value) {
            self.failure.get_or_insert(error);
        }
        self.count += 1;
        format!("?{}", self.count)
    }

    /// Adds a condition on one value, where there is one: `clause` is SQL before the value's placeholder.
    pub(super) fn compare_optional<'t>(
        &mut self,
        clause: &str,
        value: Option<impl sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 't>,
    ) {
        if let Some(value) = value {
            let placeholder = self.parameter(value);
            self.clauses.push(format!("{clause} {placeholder}"));
        }
    }

    /// Adds a condition without a parameter of its own.
    pub(super) fn require(&mut self, clause: impl Into<String>) {
        self.clauses.push(clause.into());
    }

    /// Keeps what comes after a key in the order newest first. `columns` are the time and the id, in parentheses.
    pub(super) fn after_key(&mut self, columns: &str, key: Option<(Timestamp, &str)>) {
        if let Some((instant, id)) = key {
            let instant = self.parameter(to_text(instant));
            let id = self.parameter(id.to_owned());
            self.require(format!("{columns} < ({instant}, {id})"));
        }
    }

    /// The conditions as SQL, true if there is none.
    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() {
            "true".to_owned()
        } else {
            self.clauses.join(" AND ")
        }
    }

    /// A union of one statement for the tenant and one for the shared tenant, each made of the tenant and of the conditions.
    pub(super) fn for_each_tenant(
        &mut self,
        tenant: &TenantId,
        branch: impl Fn(&str, &str) -> String,
    ) -> String {
        let condition = self.sql();
        let own = self.parameter(tenant.as_str().to_owned());
        if tenant.is_shared() {
            branch(&own, &condition)
        } else {
            format!(
                "{} UNION ALL {}",
                branch(&own, &condition),
                branch("''", &condition)
            )
        }
    }

    /// Adds what a filter of detections asks.
    pub(super) fn filter_detections(&mut self, filter: &DetectionFilter) {
        if let Some(unacknowledged) = filter.unacknowledged {
            // Spelled out, since a partial index is only used where its condition can be seen.
            self.require(if unacknowledged {
                "acknowledged = 0"
            } else {
                "acknowledged <> 0"
            });
        }
        let text = |text: Option<&str>| text.map(str::to_owned);
        self.compare_optional(
            "anomaly_label =",
            text(filter.label.as_ref().map(|label| label.as_str())),
        );
        self.compare_optional("scorer =", filter.scorer.clone());
        self.compare_optional("severity =", filter.severity.map(|severity| severity.as_str()));
        self.compare_optional(
            "source_id =",
            text(filter.source_id.as_ref().map(|source| source.as_str())),
        );
        self.compare_optional("detected_at >=", filter.detected_from.map(to_text));
        self.compare_optional("detected_at <", filter.detected_until.map(to_text));
        self.compare_optional("anomaly_score >=", filter.score_min);
        self.compare_optional(
            "fingerprint =",
            text(
                filter
                    .fingerprint
                    .as_ref()
                    .map(|fingerprint| fingerprint.as_str()),
            ),
        );
        self.compare_optional("verdict =", filter.verdict.map(|verdict| verdict.as_str()));
        if let Some(suppressed) = filter.suppressed {
            self.require(if suppressed {
                "suppressed <> 0"
            } else {
                "suppressed = 0"
            });
        }
        if let Some(query) = &filter.text {
            // Looked up by their sequences where the choice of the index says so. Otherwise the matches become a set of numbers once,
            // which takes less than to ask the text index of each detection.
            let matches = self.matches(query);
            self.require(format!("sequence IN {matches}"));
        }
    }

    /// The sequences of the detections that match a text, as a list for IN.
    pub(super) fn matches(&mut self, query: &SearchQuery) -> String {
        let expression = self.parameter(match_expression(query));
        format!("(SELECT rowid FROM detections_text WHERE detections_text MATCH {expression})")
    }

    /// Runs a query with the parameters.
    pub(super) async fn fetch_all(
        self,
        operation: &'static str,
        transaction: &mut Tx,
        sql: String,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        if let Some(error) = self.failure {
            return Err(map(operation, sqlx::Error::Encode(error)));
        }
        sqlx::query_with(AssertSqlSafe(sql), self.arguments)
            .fetch_all(on(transaction))
            .await
            .map_err(|error| map(operation, error))
    }

    /// Runs a query with the parameters and hands out its rows as they come, for as long as they are wanted.
    pub(super) async fn fetch_while(
        self,
        operation: &'static str,
        transaction: &mut Tx,
        sql: String,
        mut take: impl FnMut(&SqliteRow) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if let Some(error) = self.failure {
            return Err(map(operation, sqlx::Error::Encode(error)));
        }
        let mut rows = sqlx::query_with(AssertSqlSafe(sql), self.arguments).fetch(on(transaction));
        while let Some(row) = rows.try_next().await.map_err(|error| map(operation, error))? {
            if !take(&row)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement with the parameters; answers the rows it changed.
    pub(super) async fn execute(
        self,
        operation: &'static str,
        transaction: &mut Tx,
        sql: String,
    ) -> Result<u64, StoreError> {
        if let Some(error) = self.failure {
            return Err(map(operation, sqlx::Error::Encode(error)));
        }
        let done = sqlx::query_with(AssertSqlSafe(sql), self.arguments)
            .execute(on(transaction))
            .await
            .map_err(|error| map(operation, error))?;
        Ok(done.rows_affected())
    }
}
