//! Entries: one, the surroundings of one, a search with and without a text query.

use super::PostgresStore;
use super::common_words;
use super::conditions::Conditions;
use super::rows::{ENTRY_COLUMNS, entry, storable, visible_tenants};
use super::session::{Mode, Outcome, Session, work};
use super::text::{search_indexed, search_pending};
use crate::{ContextRequest, EntryKey, EntrySearch, StoreError};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use turnstone_types::{Entry, EntryId, TenantId, Timestamp};

/// The sources of one tenant, read off the index by its first key after each one found. The tenant's placeholder is `{tenant}`.
pub(super) const SOURCES_BY_INDEX: &str = "(WITH RECURSIVE known AS ( \
         (SELECT source_id FROM log_entries WHERE tenant_id = {tenant} ORDER BY source_id LIMIT 1) \
         UNION ALL \
         SELECT (SELECT l.source_id FROM log_entries l WHERE l.tenant_id = {tenant} AND l.source_id > known.source_id \
                 ORDER BY l.source_id LIMIT 1) \
         FROM known WHERE known.source_id IS NOT NULL) \
     SELECT source_id FROM known WHERE source_id IS NOT NULL)";

impl PostgresStore {
    pub(super) async fn read_entry(
        &self,
        tenant: &TenantId,
        id: &EntryId,
    ) -> Result<Option<Entry>, StoreError> {
        self.run("entry", Mode::Single, |session| {
            work(entry_of(session, tenant, id))
        })
        .await
    }

    pub(super) async fn read_context(
        &self,
        tenant: &TenantId,
        request: &ContextRequest,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        self.run("entry_context", Mode::Snapshot, |session| {
            work(async move {
                let Some(middle) = entry_of(session, tenant, &request.entry_id).await? else {
                    return Ok(None);
                };
                let mut entries = neighbours(session, &middle, request, Side::Before).await?;
                entries.reverse();
                let after = neighbours(session, &middle, request, Side::After).await?;
                entries.push(middle);
                entries.extend(after);
                Ok(Some(entries))
            })
        })
        .await
    }

    pub(super) async fn search(
        &self,
        tenant: &TenantId,
        search: &EntrySearch,
        after: Option<&EntryKey>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let request = &SearchRequest {
            tenant,
            search,
            after,
            limit,
        };
        // One snapshot for the index and for what is not in it yet, so that an entry on its way into the index is found.
        self.run("search_entries", Mode::Snapshot, |session| {
            work(async move {
                let Some(query) = &request.search.query else {
                    return newest(session, request).await;
                };
                let mut found = NewestEntries::new(request.limit);
                search_indexed(session, request, query, &mut found).await?;
                search_pending(session, request, query, &mut found).await?;
                Ok(found.into_entries())
            })
        })
        .await
    }
}

/// What is searched for.
pub(super) struct SearchRequest<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) search: &'a EntrySearch,
    pub(super) after: Option<&'a EntryKey>,
    pub(super) limit: u32,
}

impl<'a> SearchRequest<'a> {
    /// Its conditions on `e`, but for tenant, source and text.
    pub(super) fn conditions(&self) -> Conditions<'a> {
        let mut conditions = Conditions::default();
        conditions.filter_entries(self.search);
        conditions.after_key(
            "(e.timestamp_iso, e.id)",
            self.after.map(|key| (key.timestamp, key.id.as_str())),
        );
        conditions
    }
}

/// The newest of the entries that it is given, each once, at most a number of them.
pub(super) struct NewestEntries {
    by_key: BTreeMap<(Timestamp, EntryId), Entry>,
    limit: usize,
}

impl NewestEntries {
    fn new(limit: u32) -> Self {
        Self {
            by_key: BTreeMap::new(),
            limit: limit as usize,
        }
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.by_key.insert((entry.timestamp, entry.id.clone()), entry);
        if self.by_key.len() > self.limit {
            self.by_key.pop_first();
        }
    }

    /// Entries older than this can no longer be among them.
    pub(super) fn oldest_wanted(&self) -> Option<Timestamp> {
        let ((oldest, _), _) = self.by_key.first_key_value()?;
        (self.by_key.len() >= self.limit).then_some(*oldest)
    }

    fn into_entries(self) -> Vec<Entry> {
        self.by_key.into_values().rev().collect()
    }
}

async fn entry_of(session: Session<'_>, tenant: &TenantId, id: &EntryId) -> Outcome<Option<Entry>> {
    let sql = format!("SELECT {ENTRY_COLUMNS} FROM log_entries e WHERE e.id = $1 AND e.tenant_id = ANY($2)");
    let row = session
        .query_optional(&sql, &[&id.as_str(), &visible_tenants(tenant)])
        .await?;
    Ok(row.map(|row| entry(session.operation(), &row)).transpose()?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// The entries on one side of the middle, nearest first.
async fn neighbours(
    session: Session<'_>,
    middle: &Entry,
    request: &ContextRequest,
    side: Side,
) -> Outcome<Vec<Entry>> {
    let window = SignedDuration::from_secs(i64::from(request.window_seconds));
    // Saturates at the ends of the calendar, where nothing is stored.
    let far = |end: Result<Timestamp, jiff::Error>, limit| storable(end.unwrap_or(limit));
    let (comparison, far_end, limit_clause, order, limit) = match side {
        Side::Before => (
            "<",
            far(middle.timestamp.checked_sub(window), Timestamp::MIN),
            "e.timestamp_iso >=",
            "DESC",
            request.before_max,
        ),
        Side::After => (
            ">",
            far(middle.timestamp.checked_add(window), Timestamp::MAX),
            "e.timestamp_iso <=",
            "ASC",
            request.after_max,
        ),
    };
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM log_entries e WHERE e.tenant_id = $1 AND e.source_id = $2 \
             AND (e.timestamp_iso, e.id) {comparison} ($3, $4) AND {limit_clause} $5 \
         ORDER BY e.timestamp_iso {order}, e.id {order} LIMIT $6"
    );
    let rows = session
        .query(
            &sql,
            &[
                &middle.tenant.as_str(),
                &middle.source_id.as_str(),
                &storable(middle.timestamp),
                &middle.id.as_str(),
                &far_end,
                &i64::from(limit),
            ],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| entry(session.operation(), row))
        .collect::<Result<_, _>>()?)
}

/// The newest entries without a text query: an ordered index walk for each source, merged. An index by time over all sources
/// would make this one walk, and every stored line dearer.
async fn newest(session: Session<'_>, request: &SearchRequest<'_>) -> Outcome<Vec<Entry>> {
    let search = request.search;
    let by_columns = search.severity.is_some()
        || search.label.is_some()
        || search.score_min.is_some()
        || search.score_max.is_some();
    if by_columns {
        // Each source by itself would be gone through until it has as many matches as are wanted of all.
        let mut found = NewestEntries::new(request.limit);
        if common_words::walk_filtered(session, request, &mut found).await? {
            return Ok(found.into_entries());
        }
    }
    newest_where(session, request, |_| {}).await
}

/// As [`newest`], with more conditions on `e`.
pub(super) async fn newest_where<'r>(
    session: Session<'_>,
    request: &SearchRequest<'r>,
    more: impl FnOnce(&mut Conditions<'r>),
) -> Outcome<Vec<Entry>> {
    let mut conditions = request.conditions();
    more(&mut conditions);
    let limit = conditions.parameter(i64::from(request.limit));
    let newest_first = format!("ORDER BY e.timestamp_iso DESC, e.id DESC LIMIT {limit}");
    let source = request
        .search
        .source_id
        .as_ref()
        .map(|source| conditions.parameter(source.as_str()));
    let condition = conditions.sql();
    let mut branches = Vec::new();
    for tenant in visible_tenants(request.tenant) {
        let tenant = conditions.parameter(tenant);
        branches.push(match &source {
            Some(source) => format!(
                "(SELECT e.* FROM log_entries e WHERE e.tenant_id = {tenant} AND e.source_id = {source} AND {condition} {newest_first})"
            ),
            None => format!(
                "(SELECT e.* FROM {} AS known CROSS JOIN LATERAL ( \
                     SELECT e.* FROM log_entries e WHERE e.tenant_id = {tenant} AND e.source_id = known.source_id AND {condition} \
                     {newest_first}) AS e)",
                SOURCES_BY_INDEX.replace("{tenant}", &tenant)
            ),
        });
    }
    let sql = format!(
        "SELECT {ENTRY_COLUMNS} FROM ({}) AS e {newest_first}",
        branches.join(" UNION ALL ")
    );
    let rows = session.query(&sql, &conditions.parameters()).await?;
    Ok(rows
        .iter()
        .map(|row| entry(session.operation(), row))
        .collect::<Result<_, _>>()?)
}
