//! Plain SQL against the Postgres database of a fleet, as a person would write it.

use anyhow::Context;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A connection for questions.
pub struct Sql {
    client: Client,
}

impl Sql {
    /// Connects to a database of a throwaway cluster.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls)
            .await
            .context("connect to the database")?;
        // Ends with the client; an error of the connection shows in the queries' own results.
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// The rows of a query, each value as text; NULL is `None`.
    pub async fn rows(&self, query: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        let answers = self
            .client
            .simple_query(query)
            .await
            .with_context(|| format!("query {query:?}"))?;
        let rows = answers.into_iter().filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The first column of a query; NULL is an empty text.
    pub async fn column(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let rows = self.rows(query).await?;
        Ok(rows
            .into_iter()
            .map(|row| row.into_iter().next().flatten().unwrap_or_default())
            .collect())
    }

    /// The one number that a query answers with.
    pub async fn count(&self, query: &str) -> anyhow::Result<u64> {
        let column = self.column(query).await?;
        let first = column
            .first()
            .with_context(|| format!("no row answers {query:?}"))?;
        first
            .parse()
            .with_context(|| format!("{first:?} is no count: {query:?}"))
    }
}
