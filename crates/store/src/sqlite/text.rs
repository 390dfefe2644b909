//! The full-text index: the match expression of a query, and indexing of rows that were added by hand.

use super::connection::{Connections, Tx, commit};
use super::entry_rows::INSERT_TOKENS;
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use crate::text_index::index_text;
use crate::{SearchQuery, SearchTerm, StoreError};

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

/// Whether at least so many entries of the index match: counts no further.
pub(super) async fn has_matches(
    operation: &'static str,
    transaction: &mut Tx,
    query: &SearchQuery,
    at_least: i64,
) -> Result<bool, StoreError> {
    let matches: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT 1 FROM log_entries_text WHERE log_entries_text MATCH ?1 LIMIT ?2)",
    )
    .bind(match_expression(query))
    .bind(at_least)
    .fetch_one(on(transaction))
    .await
    .map_err(|error| map(operation, error))?;
    Ok(matches >= at_least)
}

/// `WriteStore::index_pending_text`.
pub(super) async fn index_pending(connections: &Connections, entries_max: u32) -> Result<u64, StoreError> {
    const OPERATION: &str = "index_pending_text";
    // A look by a reader first: nearly always there is nothing to do, and the write lock has other takers.
    let pending = sqlx::query("SELECT 1 FROM log_entries WHERE text_indexed = 0 LIMIT 1")
        .fetch_optional(connections.readers())
        .await
        .map_err(|error| map(OPERATION, error))?;
    if pending.is_none() || entries_max == 0 {
        return Ok(0);
    }
    let mut transaction = connections.begin_write(OPERATION).await?;
    let rows = sqlx::query("SELECT entry_row, text FROM log_entries WHERE text_indexed = 0 LIMIT ?")
        .bind(entries_max)
        .fetch_all(on(&mut transaction))
        .await
        .map_err(|error| map(OPERATION, error))?;
    let entry = |row| {
        let mut reader = Reader::new(OPERATION, row);
        Ok((reader.take::<i64>()?, index_text(reader.take()?)))
    };
    let entries: Vec<(i64, String)> = rows.iter().map(entry).collect::<Result<_, StoreError>>()?;
    INSERT_TOKENS
        .execute(
            OPERATION,
            &mut transaction,
            &entries,
            |(entry_row, tokens), row| {
                row.add(*entry_row).add(tokens.as_str());
            },
        )
        .await?;
    let entry_rows =
        serde_json::json!(entries.iter().map(|(entry_row, _)| entry_row).collect::<Vec<_>>()).to_string();
    sqlx::query(
        "UPDATE log_entries SET text_indexed = 1 WHERE entry_row IN (SELECT value FROM json_each(?))",
    )
    .bind(entry_rows)
    .execute(on(&mut transaction))
    .await
    .map_err(|error| map(OPERATION, error))?;
    commit(OPERATION, transaction).await?;
    Ok(entries.len() as u64)
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
