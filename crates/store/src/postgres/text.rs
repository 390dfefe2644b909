//! Full-text search: fills the index off the hot path, and finds what is in it and what is not in it yet.
//! Tokens are cut by the program, so that every backend finds the same.

use super::PostgresStore;
use super::common_words::{self, Walked};
use super::detections::complete_detections;
use super::entries::{NewestEntries, SearchRequest};
use super::rows::{ENTRY_COLUMNS, Reader, entry, storable, visible_tenants};
use super::session::{Mode, Outcome, Session, work};
use crate::text_index::index_text;
use crate::{SearchQuery, SearchTerm, StoreError};
use bytes::{BufMut, BytesMut};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tokio_postgres::Row;
use turnstone_types::Timestamp;

/// The oldest cycle that is not in the index and that no other indexer is at.
const NEXT_CYCLE: &str = "SELECT id, text_indexed_until, first_entry_id, last_entry_id FROM glean_cycles WHERE text_indexed_at IS NULL \
     ORDER BY closed_at, id LIMIT 1 FOR UPDATE SKIP LOCKED";

const NEXT_ENTRIES: &str = "SELECT e.id, e.tenant_id, e.source_id, e.text FROM log_entries e \
     WHERE e.id > $2 AND e.id <= $3 AND e.cycle_id = $1 AND e.id >= $5 ORDER BY e.id LIMIT $4";

/// Entries added or changed by hand that no other indexer is at. Those whose cycle waits are left to wait with it no longer.
const TAKE_PENDING: &str = "WITH taken AS ( \
         DELETE FROM entry_text_pending WHERE entry_id IN ( \
             SELECT entry_id FROM entry_text_pending ORDER BY entry_id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING entry_id) \
     SELECT e.id, e.tenant_id, e.source_id, e.text FROM taken JOIN log_entries e ON e.id = taken.entry_id";

const MARK_INDEXED: &str = "UPDATE glean_cycles SET text_indexed_until = $2, text_indexed_at = CASE WHEN $3 THEN now() END WHERE id = $1";

const PENDING_CYCLES: &str = "SELECT c.id, COALESCE(c.text_indexed_until, ''), c.last_entry_id, COALESCE(c.first_entry_id, '') FROM glean_cycles c \
     WHERE c.text_indexed_at IS NULL AND c.tenant_id = ANY($1) AND c.last_entry_id IS NOT NULL ORDER BY c.closed_at DESC, c.id DESC";

/// Detections that came without their place in the index: from an earlier version, imported, put in or changed by hand.
const TAKE_DETECTIONS: &str =
    "SELECT id, text FROM detections WHERE text_indexed = 0 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";

const INDEX_DETECTIONS: &str = "WITH indexed AS ( \
         INSERT INTO detection_text_index (detection_id, tokens) \
         SELECT given.id, given.tokens::tsvector FROM unnest($1::text[], $2::text[]) AS given (id, tokens) \
         ON CONFLICT (detection_id) DO UPDATE SET tokens = excluded.tokens) \
     UPDATE detections SET text_indexed = 1 WHERE id = ANY($1)";

/// Entries indexed in one transaction: bounds its memory and how long it holds a cycle.
const INDEXED_AT_ONCE_MAX: u32 = 20_000;
/// Entries not indexed yet that a search reads at a time.
const PENDING_AT_ONCE: i64 = 2_000;

impl PostgresStore {
    pub(super) async fn index_texts(&self, entries_max: u32) -> Result<u64, StoreError> {
        let mut indexed = 0;
        while indexed < u64::from(entries_max) {
            let left = u32::try_from(u64::from(entries_max) - indexed)
                .unwrap_or(u32::MAX)
                .min(INDEXED_AT_ONCE_MAX);
            let Some(more) = self
                .run("index_pending_text", Mode::LongWrite, |session| {
                    work(index_next(session, left))
                })
                .await?
            else {
                break;
            };
            indexed += more;
        }
        Ok(indexed)
    }
}

/// Indexes entries of one cycle, or entries that wait by themselves, or detections; `None` where nothing waits.
async fn index_next(session: Session<'_>, entries_max: u32) -> Outcome<Option<u64>> {
    let limit = i64::from(entries_max);
    let Some(row) = session.query_optional(NEXT_CYCLE, &[]).await? else {
        let rows = session.query(TAKE_PENDING, &[&limit]).await?;
        let documents = documents(session, &rows)?;
        insert_documents(session, &documents).await?;
        let indexed = match documents.len() as u64 {
            0 => {
                let vector = |text: &str| vector_literal(&index_text(text));
                complete_detections(session, TAKE_DETECTIONS, INDEX_DETECTIONS, entries_max, vector).await?
            }
            entries => entries,
        };
        return Ok((indexed > 0).then_some(indexed));
    };
    let mut reader = Reader::new(session.operation(), &row);
    let cycle_id: &str = reader.take()?;
    let until: Option<&str> = reader.take()?;
    let (first, last): (Option<&str>, Option<&str>) = (reader.take()?, reader.take()?);
    let rows = session
        .query(
            NEXT_ENTRIES,
            &[
                &cycle_id,
                &until.unwrap_or_default(),
                &last.unwrap_or_default(),
                &limit,
                &first.unwrap_or_default(),
            ],
        )
        .await?;
    let documents = documents(session, &rows)?;
    insert_documents(session, &documents).await?;
    let is_complete = documents.len() < entries_max as usize;
    let until = documents.last().map(|document| document.entry_id).or(until);
    session
        .execute(MARK_INDEXED, &[&cycle_id, &until, &is_complete])
        .await?;
    Ok(Some(documents.len() as u64))
}

fn documents<'r>(session: Session<'_>, rows: &'r [Row]) -> Outcome<Vec<Document<'r>>> {
    let document = |row| {
        let mut reader = Reader::new(session.operation(), row);
        let (entry_id, tenant, source, text): (&str, &str, &str, &str) =
            (reader.take()?, reader.take()?, reader.take()?, reader.take()?);
        Ok(Document {
            entry_id,
            tenant: tenant_lexeme(tenant),
            source: source_lexeme(source),
            tokens: index_text(text),
        })
    };
    rows.iter().map(document).collect()
}

/// Indexes entries that are not in the index, or, as one changed by hand while its cycle waited, are in it.
async fn insert_documents(session: Session<'_>, documents: &[Document<'_>]) -> Outcome<()> {
    let entry_ids: Vec<&str> = documents.iter().map(|document| document.entry_id).collect();
    session
        .execute(
            "DELETE FROM entry_text_index WHERE entry_id = ANY($1)",
            &[&entry_ids],
        )
        .await?;
    session
        .copy_rows(
            "COPY entry_text_index (entry_id, tokens) FROM STDIN (FORMAT binary)",
            documents,
            |document, buffer| {
                buffer
                    .row(2)
                    .text(document.entry_id)
                    .field(|bytes| document.write_vector(bytes));
            },
        )
        .await?;
    Ok(())
}

/// A lexeme that no token of a text equals: limits a search to a tenant within the index itself.
fn tenant_lexeme(tenant: &str) -> String {
    format!("@{tenant}")
}

/// As [`tenant_lexeme`], for a source.
fn source_lexeme(source: &str) -> String {
    format!("#{source}")
}

/// What the index holds of an entry.
struct Document<'a> {
    entry_id: &'a str,
    tenant: String,
    source: String,
    /// Joined by single spaces.
    tokens: String,
}

impl Document<'_> {
    /// Writes the binary form of a `tsvector` made here and not by the server: each token with its positions, which begin at 1.
    fn write_vector(&self, bytes: &mut BytesMut) {
        let mut lexemes: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
        lexemes.insert(&self.tenant, Vec::new());
        lexemes.insert(&self.source, Vec::new());
        for (place, token) in self
            .tokens
            .split(' ')
            .filter(|token| !token.is_empty())
            .enumerate()
        {
            // The tokeniser keeps positions, and their number, within the 14 bits and the 255 that the type holds.
            lexemes.entry(token).or_default().push(place as u16 + 1);
        }
        bytes.put_i32(lexemes.len() as i32);
        for (lexeme, positions) in lexemes {
            bytes.put_slice(lexeme.as_bytes());
            bytes.put_u8(0);
            bytes.put_u16(positions.len() as u16);
            for position in positions {
                bytes.put_u16(position);
            }
        }
    }
}

/// Tokens joined by single spaces as a `tsvector` literal, each with its position; made here and not by the server, which would cut
/// and fold them in its own way.
pub(super) fn vector_literal(tokens: &str) -> String {
    let mut literal = String::with_capacity(tokens.len() * 2);
    for (place, token) in tokens.split(' ').filter(|token| !token.is_empty()).enumerate() {
        if place > 0 {
            literal.push(' ');
        }
        literal.push_str(&quoted(token));
        // Writing to a string cannot fail.
        let _ = write!(literal, ":{}", place + 1);
    }
    literal
}

/// The query as a `tsquery` literal, limited to what the tenant sees and to a source.
pub(super) fn query_literal(request: &SearchRequest<'_>, query: &SearchQuery) -> String {
    let tenants: Vec<String> = visible_tenants(request.tenant)
        .into_iter()
        .map(|tenant| quoted(&tenant_lexeme(tenant)))
        .collect();
    let mut parts = vec![format!("({})", tenants.join(" | "))];
    parts.extend(
        request
            .search
            .source_id
            .as_ref()
            .map(|source| quoted(&source_lexeme(source.as_str()))),
    );
    parts.push(terms_literal(query));
    parts.join(" & ")
}

/// The terms of a query as a `tsquery` literal.
pub(super) fn terms_literal(query: &SearchQuery) -> String {
    query
        .terms()
        .iter()
        .map(term_literal)
        .collect::<Vec<_>>()
        .join(" & ")
}

fn term_literal(term: &SearchTerm) -> String {
    let tokens: Vec<String> = term.tokens().iter().map(|token| quoted(token)).collect();
    let star = if term.is_prefix() { ":*" } else { "" };
    let not = if term.is_negated() { "!" } else { "" };
    format!("{not}({}{star})", tokens.join(" <-> "))
}

/// A lexeme in quotes, in which only the quote and the backslash mean something.
fn quoted(lexeme: &str) -> String {
    format!("'{}'", lexeme.replace('\\', "\\\\").replace('\'', "''"))
}

/// Adds the newest matches that are in the index.
pub(super) async fn search_indexed(
    session: Session<'_>,
    request: &SearchRequest<'_>,
    query: &SearchQuery,
    found: &mut NewestEntries,
) -> Outcome<()> {
    let walked = common_words::walk(session, request, query, found).await?;
    let before = match walked {
        Walked::Complete => return Ok(()),
        Walked::Until(before) => Some(before),
        Walked::Not => None,
    };
    let mut conditions = request.conditions();
    conditions.compare_optional("e.timestamp_iso <", before.map(storable));
    let query = conditions.parameter(query_literal(request, query));
    conditions.require(format!("i.tokens @@ {query}::text::tsquery"));
    let limit = conditions.parameter(i64::from(request.limit));
    // The tenant once more: the lexeme limits the search, the column decides.
    let tenants = conditions.parameter(visible_tenants(request.tenant));
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM entry_text_index i JOIN log_entries e ON e.id = i.entry_id \
         WHERE e.tenant_id = ANY({tenants}) AND {} ORDER BY e.timestamp_iso DESC, e.id DESC LIMIT {limit}",
        conditions.sql()
    );
    for row in &session.query(&sql, &conditions.parameters()).await? {
        found.add(entry(session.operation(), row)?);
    }
    Ok(())
}

/// Adds the newest matches that are not in the index yet, by reading them.
pub(super) async fn search_pending(
    session: Session<'_>,
    request: &SearchRequest<'_>,
    query: &SearchQuery,
    found: &mut NewestEntries,
) -> Outcome<()> {
    let mut conditions = request.conditions();
    let tenants = conditions.parameter(visible_tenants(request.tenant));
    conditions.compare_optional(
        "e.source_id =",
        request.search.source_id.as_ref().map(|source| source.as_str()),
    );
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM entry_text_pending p JOIN log_entries e ON e.id = p.entry_id \
         WHERE e.tenant_id = ANY({tenants}) AND {}",
        conditions.sql()
    );
    let by_hand = session.query(&sql, &conditions.parameters()).await?;
    add_matching(session, query, &by_hand, found)?;
    for cycle in &session
        .query(PENDING_CYCLES, &[&visible_tenants(request.tenant)])
        .await?
    {
        let mut reader = Reader::new(session.operation(), cycle);
        let cycle_id: &str = reader.take()?;
        let mut from: String = reader.take()?;
        let (last, first): (&str, &str) = (reader.take()?, reader.take()?);
        loop {
            let ids = Ids {
                first,
                after: &from,
                last,
            };
            let rows = pending_entries(session, request, cycle_id, ids, found.oldest_wanted()).await?;
            add_matching(session, query, &rows, found)?;
            match rows.last() {
                Some(row) if rows.len() as i64 == PENDING_AT_ONCE => {
                    from = Reader::new(session.operation(), row).take()?;
                }
                _ => break,
            }
        }
    }
    Ok(())
}

fn add_matching(
    session: Session<'_>,
    query: &SearchQuery,
    rows: &[Row],
    found: &mut NewestEntries,
) -> Outcome<()> {
    for row in rows {
        let entry = entry(session.operation(), row)?;
        if query.matches(&entry.text) {
            found.add(entry);
        }
    }
    Ok(())
}

/// Entries of a cycle that are not indexed yet. Without their first one all that is older would be walked through.
struct Ids<'a> {
    first: &'a str,
    after: &'a str,
    last: &'a str,
}

/// The next entries of a cycle, in order of id, that a search may be after but for their text.
async fn pending_entries(
    session: Session<'_>,
    request: &SearchRequest<'_>,
    cycle_id: &str,
    ids: Ids<'_>,
    oldest_wanted: Option<Timestamp>,
) -> Outcome<Vec<Row>> {
    let mut conditions = request.conditions();
    conditions.compare("e.id >=", ids.first);
    conditions.compare("e.id >", ids.after);
    conditions.compare("e.id <=", ids.last);
    conditions.compare("e.cycle_id =", cycle_id);
    conditions.compare_optional("e.timestamp_iso >=", oldest_wanted);
    // Compared in a way that no index serves: the range of ids is to be read off the primary key.
    conditions.compare_optional(
        "e.source_id IS NOT DISTINCT FROM",
        request.search.source_id.as_ref().map(|source| source.as_str()),
    );
    let tenant = conditions.parameter(request.tenant.as_str());
    conditions.require(format!(
        "(e.tenant_id IS NOT DISTINCT FROM {tenant} OR e.tenant_id IS NOT DISTINCT FROM '')"
    ));
    let limit = conditions.parameter(PENDING_AT_ONCE);
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM log_entries e WHERE {} ORDER BY e.id LIMIT {limit}",
        conditions.sql()
    );
    session.query(&sql, &conditions.parameters()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(query: &str) -> String {
        let search = crate::EntrySearch::default();
        let tenant = turnstone_types::TenantId::shared();
        let request = SearchRequest {
            tenant: &tenant,
            search: &search,
            after: None,
            limit: 1,
        };
        query_literal(&request, &SearchQuery::parse(query).unwrap())
    }

    #[test]
    fn terms_become_quoted_lexemes() {
        assert_eq!(literal("failed pass*"), "('@') & ('failed') & ('pass':*)");
        assert_eq!(
            literal("\"for root\"* -10.0"),
            "('@') & ('for' <-> 'root':*) & !('10' <-> '0')"
        );
        assert_eq!(quoted("#it's\\x"), "'#it''s\\\\x'");
    }
}
