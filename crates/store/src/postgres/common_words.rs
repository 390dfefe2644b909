//! Search for words that stand in many lines, or for what has no index: newest first, by going through the lines from the newest on, which meets the limit soon.
//! The text index would first collect every line that holds the word. Which words are such is read from the planner's statistics.

use super::entries::{NewestEntries, SOURCES_BY_INDEX, SearchRequest, newest_where};
use super::rows::{Reader, visible_tenants};
use super::session::{Outcome, Session};
use super::text::query_literal;
use crate::{SearchQuery, SearchTerm};
use jiff::SignedDuration;
use turnstone_types::Timestamp;

/// Matches from which on the lines are gone through.
const MANY_MATCHES: f64 = 20_000.0;
/// Lines that are gone through before the index is asked for the rest, unless nearly every line has the word: then the index has more.
const LINES_MAX: f64 = 30_000.0;
const EVERY_LINE: f64 = 0.2;
/// Lines of the first slice of time for each one wanted, beyond what the frequency asks for; each further slice has four times as many.
const FIRST_SLICE_MARGIN: f64 = 4.0;
/// Lines of the first slice for each one wanted, where something else than a word is looked for.
const FILTERED_SHARE: f64 = 0.1;

/// The share of lines that hold each of these tokens (or a token that begins so), as far as it is among the most common.
const FREQUENCIES: &str = "SELECT (SELECT reltuples::float8 FROM pg_class WHERE oid = to_regclass('entry_text_index')), ARRAY( \
         SELECT COALESCE((SELECT sum(known.frequency) FROM unnest(s.most_common_elems::text::text[], s.most_common_elem_freqs::float8[]) \
             AS known (token, frequency) \
             WHERE CASE WHEN wanted.prefix THEN starts_with(known.token, wanted.token) ELSE known.token = wanted.token END), 0) \
         FROM unnest($1::text[], $2::bool[]) AS wanted (token, prefix)) \
     FROM pg_stats s WHERE s.schemaname = current_schema() AND s.tablename = 'entry_text_index' AND s.attname = 'tokens'";

/// Lines in all as last counted by the server, less than nothing where it never did.
const ENTRIES: &str = "SELECT reltuples::float8 FROM pg_class WHERE oid = to_regclass('log_entries')";

/// The newest and the oldest time of what the request may find.
const TIMES: &str = "SELECT max(newest), min(oldest) FROM ({sources}) AS known (tenant_id, source_id) CROSS JOIN LATERAL (SELECT \
         (SELECT e.timestamp_iso FROM log_entries e WHERE e.tenant_id = known.tenant_id AND e.source_id = known.source_id \
             ORDER BY e.timestamp_iso DESC, e.id DESC LIMIT 1) AS newest, \
         (SELECT e.timestamp_iso FROM log_entries e WHERE e.tenant_id = known.tenant_id AND e.source_id = known.source_id \
             ORDER BY e.timestamp_iso, e.id LIMIT 1) AS oldest) AS times";

/// What became of going through the lines.
pub(super) enum Walked {
    /// All wanted lines that are in the index are found.
    Complete,
    /// Lines before this instant are not looked at.
    Until(Timestamp),
    /// None was looked at: the index is the better way.
    Not,
}

/// Adds the newest matches that are in the index, where they are many.
pub(super) async fn walk(
    session: Session<'_>,
    request: &SearchRequest<'_>,
    query: &SearchQuery,
    found: &mut NewestEntries,
) -> Outcome<Walked> {
    let Some((entries, share)) = share_of_matches(session, query).await? else {
        return Ok(Walked::Not);
    };
    let first = f64::from(request.limit.max(1)) * FIRST_SLICE_MARGIN / share;
    if entries * share < MANY_MATCHES || first > entries * share {
        return Ok(Walked::Not);
    }
    let lines_max = if share > EVERY_LINE {
        f64::INFINITY
    } else {
        LINES_MAX.max(first)
    };
    let slices = Slices {
        entries,
        first,
        lines_max,
        literal: Some(query_literal(request, query)),
    };
    slices.walk(session, request, found).await
}

/// Adds the newest lines that a search without a text query is after, where it filters by what no index has. False where the number of
/// lines is not known.
pub(super) async fn walk_filtered(
    session: Session<'_>,
    request: &SearchRequest<'_>,
    found: &mut NewestEntries,
) -> Outcome<bool> {
    let row = session.query_one(ENTRIES, &[]).await?;
    let entries: Option<f64> = Reader::new(session.operation(), &row).take()?;
    let Some(entries) = entries.filter(|entries| *entries >= MANY_MATCHES) else {
        return Ok(false);
    };
    let slices = Slices {
        entries,
        first: f64::from(request.limit.max(1)) * FIRST_SLICE_MARGIN / FILTERED_SHARE,
        lines_max: f64::INFINITY,
        literal: None,
    };
    Ok(matches!(
        slices.walk(session, request, found).await?,
        Walked::Complete
    ))
}

/// Goes through the lines slice by slice of time, from the newest on.
struct Slices {
    /// Lines in all, about.
    entries: f64,
    /// Lines of the first slice, about.
    first: f64,
    /// Lines after which it ends.
    lines_max: f64,
    /// What the tokens of a line have to match.
    literal: Option<String>,
}

impl Slices {
    async fn walk(
        &self,
        session: Session<'_>,
        request: &SearchRequest<'_>,
        found: &mut NewestEntries,
    ) -> Outcome<Walked> {
        let Some((newest, oldest)) = times(session, request).await? else {
            return Ok(Walked::Complete);
        };
        let first = request.search.time_from.map_or(oldest, |from| from.max(oldest));
        let mut end = newest;
        for limit in [request.search.time_until, request.after.map(|key| key.timestamp)] {
            end = limit.map_or(end, |limit| limit.min(end));
        }
        let span_seconds = (newest.as_second() - oldest.as_second() + 1) as f64;
        let (mut lines, mut lines_before) = (self.first, 0.0);
        // The first slice holds its own end; each other ends before the beginning of the one before it.
        let mut before = None;
        while before.is_none() || lines_before + lines <= self.lines_max {
            let seconds = (span_seconds * lines / self.entries).ceil().clamp(1.0, 1e10);
            let begin = end
                .checked_sub(SignedDuration::from_secs(seconds as i64))
                .unwrap_or(Timestamp::MIN)
                .max(first);
            let rows = newest_where(session, request, |conditions| {
                conditions.compare("e.timestamp_iso >=", super::rows::storable(begin));
                conditions.compare_optional("e.timestamp_iso <", before.map(super::rows::storable));
                if let Some(literal) = self.literal.clone() {
                    let literal = conditions.parameter(literal);
                    // A value and not a condition that the planner could turn around: first the line, then its tokens.
                    conditions.require(format!(
                        "(SELECT i.tokens @@ {literal}::text::tsquery FROM entry_text_index i WHERE i.entry_id = e.id)"
                    ));
                }
            })
            .await?;
            for entry in rows {
                found.add(entry);
            }
            if found.oldest_wanted().is_some() || begin <= first {
                return Ok(Walked::Complete);
            }
            (before, end) = (Some(begin), begin);
            lines_before += lines;
            lines *= 4.0;
        }
        Ok(before.map_or(Walked::Not, Walked::Until))
    }
}

/// The number of indexed lines and the share of them that may match: no more than its rarest token. None without statistics.
async fn share_of_matches(session: Session<'_>, query: &SearchQuery) -> Outcome<Option<(f64, f64)>> {
    let wanted = query.terms().iter().filter(|term| !term.is_negated());
    let (mut tokens, mut prefixes) = (Vec::new(), Vec::new());
    for term in wanted {
        let last = term.tokens().len() - 1;
        for (place, token) in term.tokens().iter().enumerate() {
            tokens.push(token.as_str());
            prefixes.push(SearchTerm::is_prefix(term) && place == last);
        }
    }
    let Some(row) = session.query_optional(FREQUENCIES, &[&tokens, &prefixes]).await? else {
        return Ok(None);
    };
    let mut reader = Reader::new(session.operation(), &row);
    let entries: f64 = reader.take()?;
    let shares: Vec<f64> = reader.take()?;
    let rarest = shares.into_iter().fold(1.0, f64::min);
    Ok((entries > 0.0 && rarest > 0.0).then_some((entries, rarest)))
}

async fn times(session: Session<'_>, request: &SearchRequest<'_>) -> Outcome<Option<(Timestamp, Timestamp)>> {
    let tenants = visible_tenants(request.tenant);
    let source = request.search.source_id.as_ref().map(|source| source.as_str());
    let branches: Vec<String> = (1..=tenants.len())
        .map(|place| match source {
            Some(_) => format!("SELECT ${place}::text, $3::text"),
            None => format!(
                "SELECT ${place}::text, source_id FROM {} AS sources",
                SOURCES_BY_INDEX.replace("{tenant}", &format!("${place}::text"))
            ),
        })
        .collect();
    let sql = TIMES.replace("{sources}", &branches.join(" UNION ALL "));
    // Always three parameters: the tenant twice where it is the shared one, and the source.
    let (own, shared) = (tenants[0], *tenants.last().unwrap_or(&""));
    let sql = format!("{sql} WHERE ($2::text IS NOT NULL OR $3::text IS NULL OR TRUE)");
    let row = session.query_one(&sql, &[&own, &shared, &source]).await?;
    let mut reader = Reader::new(session.operation(), &row);
    let (newest, oldest): (Option<Timestamp>, Option<Timestamp>) = (reader.take()?, reader.take()?);
    Ok(newest.zip(oldest))
}
