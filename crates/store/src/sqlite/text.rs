//! The full-text indexes of entries and of detections: the match expression of a query, how many match, and indexing of rows that
//! were added by hand or by an earlier version.

use super::bulk::BulkStatement;
use super::connection::{Connections, Tx, commit};
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::text_index::index_text;
use crate::{SearchQuery, SearchTerm, StoreError};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

/// Puts tokens of entries into their index.
pub(super) const INSERT_ENTRY_TOKENS: BulkStatement = BulkStatement {
    before: "INSERT INTO log_entries_text (rowid, tokens) VALUES",
    columns: 2,
    after: "",
    rows_max: 256,
};

const INSERT_DETECTION_TOKENS: BulkStatement = BulkStatement {
    before: "INSERT INTO detections_text (rowid, tokens) VALUES",
    ..INSERT_ENTRY_TOKENS
};

/// A query in FTS5's own language. Tokens hold letters and digits only, so inside quotes none of them can be read as an operator.
pub(super) fn match_expression(query: &SearchQuery) -> String {
    let phrase = |term: &SearchTerm| {
        let star = if term.is_prefix() { " *" } else { "" };
        format!("\"{}\"{star}", term.tokens().join(" "))
    };
    let of = |negated: bool| {
        query
            .terms()
            .iter()
            .filter(move |term| term.is_negated() == negated)
            .map(phrase)
    };
    let wanted = of(false).collect::<Vec<_>>().join(" AND ");
    of(true).fold(format!("({wanted})"), |expression, unwanted| {
        format!("({expression} NOT {unwanted})")
    })
}

/// Whether at least so many rows of the index, `log_entries_text` or `detections_text`, match: counts no further.
pub(super) async fn has_matches(
    operation: &'static str,
    transaction: &mut Tx,
    index: &'static str,
    query: &SearchQuery,
    at_least: i64,
) -> Result<bool, StoreError> {
    let matches: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH ?1 LIMIT ?2)"
    )))
    .bind(match_expression(query))
    .bind(at_least)
    .fetch_one(on(transaction))
    .await
    .map_err(|error| map(operation, error))?;
    Ok(matches >= at_least)
}

/// A row as it is indexed: its number and its tokens.
fn tokens_of(operation: &'static str, row: &SqliteRow) -> Result<(i64, String), StoreError> {
    let mut reader = Reader::new(operation, row);
    Ok((reader.take()?, index_text(reader.take()?)))
}

async fn insert_tokens(
    operation: &'static str,
    transaction: &mut Tx,
    statement: &BulkStatement,
    rows: &[SqliteRow],
) -> Result<Vec<i64>, StoreError> {
    let tokens: Vec<(i64, String)> = rows
        .iter()
        .map(|row| tokens_of(operation, row))
        .collect::<Result<_, _>>()?;
    statement
        .execute(operation, transaction, &tokens, |(number, tokens), row| {
            row.add(*number).add(tokens.as_str());
        })
        .await?;
    Ok(tokens.into_iter().map(|(number, _)| number).collect())
}

/// Indexes the detections that this transaction added, those after a sequence; they say already that they are indexed.
pub(super) async fn index_detections_after(
    operation: &'static str,
    transaction: &mut Tx,
    sequence: i64,
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT sequence, text FROM detections WHERE sequence > ? ORDER BY sequence")
        .bind(sequence)
        .fetch_all(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    insert_tokens(operation, transaction, &INSERT_DETECTION_TOKENS, &rows).await?;
    Ok(())
}

/// A table whose rows may wait for their index: what to ask for them, the key, and how they get into it.
struct Waiting {
    any: &'static str,
    next: &'static str,
    insert: &'static BulkStatement,
    mark: &'static str,
}

const WAITING: [Waiting; 2] = [
    Waiting {
        any: "SELECT 1 FROM log_entries WHERE text_indexed = 0 LIMIT 1",
        next: "SELECT entry_row, text FROM log_entries WHERE text_indexed = 0 LIMIT ?",
        insert: &INSERT_ENTRY_TOKENS,
        mark: "UPDATE log_entries SET text_indexed = 1 WHERE entry_row IN (SELECT value FROM json_each(?))",
    },
    Waiting {
        any: "SELECT 1 FROM detections WHERE text_indexed = 0 LIMIT 1",
        next: "SELECT sequence, text FROM detections WHERE text_indexed = 0 ORDER BY sequence LIMIT ?",
        insert: &INSERT_DETECTION_TOKENS,
        mark: "UPDATE detections SET text_indexed = 1 WHERE sequence IN (SELECT value FROM json_each(?))",
    },
];

/// `WriteStore::index_pending_text`.
pub(super) async fn index_pending(connections: &Connections, rows_max: u32) -> Result<u64, StoreError> {
    let mut indexed = 0;
    for waiting in &WAITING {
        indexed += index_waiting(connections, waiting, rows_max).await?;
    }
    Ok(indexed)
}

async fn index_waiting(
    connections: &Connections,
    waiting: &Waiting,
    rows_max: u32,
) -> Result<u64, StoreError> {
    const OPERATION: &str = "index_pending_text";
    // A look by a reader first: nearly always there is nothing to do, and the write lock has other takers.
    let any = sqlx::query(waiting.any)
        .fetch_optional(connections.readers())
        .await
        .map_err(|error| map(OPERATION, error))?;
    if any.is_none() || rows_max == 0 {
        return Ok(0);
    }
    let mut transaction = connections.begin_write(OPERATION).await?;
    let rows = sqlx::query(waiting.next)
        .bind(rows_max)
        .fetch_all(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    let numbers = insert_tokens(OPERATION, &mut transaction, waiting.insert, &rows).await?;
    sqlx::query(waiting.mark)
        .bind(serde_json::json!(numbers).to_string())
        .execute(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(numbers.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_quoted_and_grouped() {
        let cases = [
            ("failed", "(\"failed\")"),
            ("a \"b c\" d*", "(\"a\" AND \"b c\" AND \"d\" *)"),
            ("NEAR -OR -\"x y\"*", "(((\"near\") NOT \"or\") NOT \"x y\" *)"),
        ];
        for (query, expected) in cases {
            assert_eq!(match_expression(&SearchQuery::parse(query).unwrap()), expected);
        }
    }
}
