//! Reads entries: one, a search, the surroundings of one.

use super::connection::{Connections, Tx};
use super::error::map;
use super::executor::on;
use super::rows::{ENTRY_COLUMNS, entry};
use super::text::{has_matches, match_expression};
use crate::instant::{AFTER_ALL, BEFORE_ALL, to_text};
use crate::model::{ContextRequest, EntryKey, EntrySearch};
use crate::{SearchQuery, StoreError};
use futures::TryStreamExt;
use jiff::SignedDuration;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, query::Query};
use turnstone_types::{Entry, EntryId, ScoreState, TenantId, Timestamp};

/// `ReadStore::entry`.
pub(super) async fn get(
    connections: &Connections,
    tenant: &TenantId,
    id: &EntryId,
) -> Result<Option<Entry>, StoreError> {
    let mut transaction = connections.begin_read("entry").await?;
    get_in("entry", &mut transaction, tenant, id).await
}

async fn get_in(
    operation: &'static str,
    transaction: &mut Tx,
    tenant: &TenantId,
    id: &EntryId,
) -> Result<Option<Entry>, StoreError> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM log_entries WHERE id = ?1 AND tenant_id IN (?2, '')");
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(id.as_str())
        .bind(tenant.as_str())
        .fetch_optional(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    row.map(|row| entry(operation, &row)).transpose()
}

/// The search without its text query, as bound to parameters 1 to 11.
struct Conditions<'a> {
    tenant: &'a TenantId,
    search: &'a EntrySearch,
    after: Option<&'a EntryKey>,
}

impl Conditions<'_> {
    /// The condition for one tenant expression. The source is written out when asked for, so that its index serves it.
    fn sql(&self, tenant: &str) -> String {
        let source = if self.search.source_id.is_some() {
            "source_id = ?2"
        } else {
            "true"
        };
        format!(
            "tenant_id {tenant} AND {source} AND (?3 IS NULL OR severity = ?3) AND (?4 IS NULL OR anomaly_label = ?4)
             AND (?5 IS NULL OR anomaly_score >= ?5) AND timestamp_iso >= ?6 AND timestamp_iso < ?7
             AND (timestamp_iso, id) < (?8, ?9) AND (?10 IS NULL OR anomaly_score <= ?10) AND (?11 IS NULL OR ingest_time <= ?11)"
        )
    }

    fn bind<'q>(&self, query: Query<'q, Sqlite, SqliteArguments>) -> Query<'q, Sqlite, SqliteArguments> {
        let search = self.search;
        query
            .bind(self.tenant.as_str().to_owned())
            .bind(search.source_id.as_ref().map(|source| source.as_str().to_owned()))
            .bind(search.severity.map(|severity| severity.as_str()))
            .bind(search.label.as_ref().map(|label| label.as_str().to_owned()))
            .bind(search.score_min)
            .bind(search.time_from.map_or_else(|| BEFORE_ALL.to_owned(), to_text))
            .bind(self.end().map_or_else(|| AFTER_ALL.to_owned(), to_text))
            .bind(
                self.after
                    .map_or_else(|| AFTER_ALL.to_owned(), |key| to_text(key.timestamp)),
            )
            .bind(
                self.after
                    .map_or_else(String::new, |key| key.id.as_str().to_owned()),
            )
            .bind(search.score_max)
            .bind(search.ingested_until.map(to_text))
    }

    /// The instant before which all matches are. A page ends where the one before it did: this is said of the time alone too, since
    /// SQLite takes it, and not the pair of time and id, as the bound of its walk.
    fn end(&self) -> Option<Timestamp> {
        let after = self
            .after
            .and_then(|key| key.timestamp.checked_add(SignedDuration::from_micros(1)).ok());
        match (self.search.time_until, after) {
            (Some(until), Some(after)) => Some(until.min(after)),
            (until, after) => until.or(after),
        }
    }

    /// Whether an entry has the severity, label and score that are searched for.
    fn allow(&self, entry: &Entry) -> bool {
        let search = self.search;
        let (label, score) = match &entry.score {
            ScoreState::Scored(made) => (Some(&made.label), Some(made.score)),
            ScoreState::Unscored | ScoreState::Quarantined { .. } => (None, None),
        };
        search
            .severity
            .is_none_or(|severity| entry.severity == Some(severity))
            && search.label.as_ref().is_none_or(|wanted| label == Some(wanted))
            && search
                .score_min
                .is_none_or(|min| score.is_some_and(|score| score >= min))
            && search
                .score_max
                .is_none_or(|max| score.is_some_and(|score| score <= max))
    }

    /// A union of one ordered walk for the tenant and one for the shared tenant, which SQLite merges as it goes.
    fn ordered_union(&self, more: &str) -> String {
        let branch = |tenant: &str| {
            format!(
                "SELECT {ENTRY_COLUMNS} FROM log_entries WHERE {} {more}",
                self.sql(tenant)
            )
        };
        let both = if self.tenant.is_shared() {
            branch("= ?1")
        } else {
            format!("{} UNION ALL {}", branch("= ?1"), branch("= ''"))
        };
        format!("{both} ORDER BY timestamp_iso DESC, id DESC")
    }
}

/// `ReadStore::search_entries`.
pub(super) async fn search(
    connections: &Connections,
    tenant: &TenantId,
    search: &EntrySearch,
    after: Option<&EntryKey>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    const OPERATION: &str = "search_entries";
    let conditions = Conditions {
        tenant,
        search,
        after,
    };
    // One state of the database for both halves, so that a row on its way into the index is found once.
    let mut transaction = connections.begin_read(OPERATION).await?;
    let Some(query) = &search.query else {
        let sql = format!("{} LIMIT ?12", conditions.ordered_union(""));
        let rows = conditions
            .bind(sqlx::query(AssertSqlSafe(sql)))
            .bind(limit)
            .fetch_all(on(&mut transaction))
            .await
            .map_err(|error| map(OPERATION, error))?;
        return rows.iter().map(|row| entry(OPERATION, row)).collect();
    };
    let is_frequent = has_matches(
        OPERATION,
        &mut transaction,
        "log_entries_text",
        query,
        SORTED_MATCHES_MAX,
    )
    .await?;
    if is_frequent
        && let Some(found) = newest_matching(OPERATION, &mut transaction, &conditions, query, limit).await?
    {
        return Ok(found);
    }
    let indexed = indexed_matches(
        OPERATION,
        &mut transaction,
        &conditions,
        query,
        limit,
        is_frequent,
    )
    .await?;
    let pending = pending_matches(OPERATION, &mut transaction, &conditions, query, limit).await?;
    let mut found = [indexed, pending].concat();
    found.sort_by(|one, other| (other.timestamp, &other.id).cmp(&(one.timestamp, &one.id)));
    found.truncate(limit as usize);
    Ok(found)
}

/// Matches up to which the rows are looked up and sorted; with more, a walk over the rows in order meets the limit sooner.
const SORTED_MATCHES_MAX: i64 = 20_000;

/// Lines that are read to find words that are in many lines, before the text index is asked.
const READ_MAX: usize = 3_000;

/// The newest matches, by reading the newest lines, whether they are in the index or not. None where more than [`READ_MAX`] of these
/// would have to be read.
async fn newest_matching(
    operation: &'static str,
    transaction: &mut Tx,
    conditions: &Conditions<'_>,
    query: &SearchQuery,
    limit: u32,
) -> Result<Option<Vec<Entry>>, StoreError> {
    // What no index has is compared here, so that no more lines are read than are counted.
    let search = EntrySearch {
        severity: None,
        label: None,
        score_min: None,
        score_max: None,
        ..conditions.search.clone()
    };
    let by_index = Conditions {
        search: &search,
        ..*conditions
    };
    let sql = by_index.ordered_union("");
    let mut rows = by_index
        .bind(sqlx::query(AssertSqlSafe(sql)))
        .fetch(on(transaction));
    let mut found = Vec::new();
    for _ in 0..READ_MAX {
        if found.len() >= limit as usize {
            return Ok(Some(found));
        }
        let Some(row) = rows.try_next().await.map_err(|error| map(operation, error))? else {
            return Ok(Some(found));
        };
        let candidate = entry(operation, &row)?;
        if conditions.allow(&candidate) && query.matches(&candidate.text) {
            found.push(candidate);
        }
    }
    Ok((found.len() >= limit as usize).then_some(found))
}

async fn indexed_matches(
    operation: &'static str,
    transaction: &mut Tx,
    conditions: &Conditions<'_>,
    query: &SearchQuery,
    limit: u32,
    is_frequent: bool,
) -> Result<Vec<Entry>, StoreError> {
    let expression = match_expression(query);
    let sql = if !is_frequent {
        format!(
            "SELECT {ENTRY_COLUMNS} FROM log_entries_text CROSS JOIN log_entries ON entry_row = log_entries_text.rowid
             WHERE log_entries_text MATCH ?13 AND {} ORDER BY timestamp_iso DESC, id DESC",
            conditions.sql("IN (?1, '')")
        )
    } else {
        // The plus keeps SQLite from going by the numbers of the rows, which would mean to sort them after all.
        let matching =
            "AND +entry_row IN (SELECT rowid FROM log_entries_text WHERE log_entries_text MATCH ?13)";
        conditions.ordered_union(matching)
    };
    let rows = conditions
        .bind(sqlx::query(AssertSqlSafe(format!("{sql} LIMIT ?12"))))
        .bind(limit)
        .bind(expression)
        .fetch_all(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
    rows.iter().map(|row| entry(operation, row)).collect()
}

/// Matches among the rows that are not in the index yet, by reading them.
async fn pending_matches(
    operation: &'static str,
    transaction: &mut Tx,
    conditions: &Conditions<'_>,
    query: &SearchQuery,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let sql = conditions.ordered_union("AND text_indexed = 0");
    let mut found = Vec::new();
    let mut rows = conditions
        .bind(sqlx::query(AssertSqlSafe(sql)))
        .fetch(on(transaction));
    while found.len() < limit as usize {
        let Some(row) = rows.try_next().await.map_err(|error| map(operation, error))? else {
            break;
        };
        let candidate = entry(operation, &row)?;
        if query.matches(&candidate.text) {
            found.push(candidate);
        }
    }
    Ok(found)
}

/// `ReadStore::entry_context`.
pub(super) async fn context(
    connections: &Connections,
    tenant: &TenantId,
    request: &ContextRequest,
) -> Result<Option<Vec<Entry>>, StoreError> {
    const OPERATION: &str = "entry_context";
    let mut transaction = connections.begin_read(OPERATION).await?;
    let Some(centre) = get_in(OPERATION, &mut transaction, tenant, &request.entry_id).await? else {
        return Ok(None);
    };
    let window = SignedDuration::from_secs(i64::from(request.window_seconds));
    let before = Side {
        past: "<",
        order: "DESC",
        limit: request.before_max,
        until: centre.timestamp.checked_sub(window).ok(),
    };
    let after = Side {
        past: ">",
        order: "ASC",
        limit: request.after_max,
        until: centre.timestamp.checked_add(window).ok(),
    };
    let mut entries = before.read(OPERATION, &mut transaction, &centre).await?;
    entries.reverse();
    let following = after.read(OPERATION, &mut transaction, &centre).await?;
    entries.push(centre);
    entries.extend(following);
    Ok(Some(entries))
}

/// One side of the surroundings, nearest first.
struct Side {
    past: &'static str,
    order: &'static str,
    limit: u32,
    /// The far end of the window, inclusive; `None` where it lies past the end of time.
    until: Option<Timestamp>,
}

impl Side {
    async fn read(
        &self,
        operation: &'static str,
        transaction: &mut Tx,
        centre: &Entry,
    ) -> Result<Vec<Entry>, StoreError> {
        let Side { past, order, .. } = self;
        let far_end = if *past == "<" { ">=" } else { "<=" };
        let end_of_time = if *past == "<" { BEFORE_ALL } else { AFTER_ALL };
        let sql = format!(
            "SELECT {ENTRY_COLUMNS} FROM log_entries
             WHERE tenant_id = ?1 AND source_id = ?2 AND (timestamp_iso, id) {past} (?3, ?4) AND timestamp_iso {far_end} ?5
             ORDER BY timestamp_iso {order}, id {order} LIMIT ?6"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(centre.tenant.as_str())
            .bind(centre.source_id.as_str())
            .bind(to_text(centre.timestamp))
            .bind(centre.id.as_str())
            .bind(self.until.map_or_else(|| end_of_time.to_owned(), to_text))
            .bind(self.limit)
            .fetch_all(on(transaction))
            .await
            .map_err(|error| map(operation, error))?;
        rows.iter().map(|row| entry(operation, row)).collect()
    }
}
