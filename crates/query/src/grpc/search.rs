//! `SearchEntries`: newest first by key, or by relevance by place, with where the query matched.

use crate::grpc::EntryApi;
use crate::grpc::filters::text_filter;
use crate::grpc::page::{cut_page, page_rows};
use crate::grpc::page_token::{PageKey, PageScope};
use crate::grpc::request::{
    id, label_filter, score_filter, score_span, severity_filter, source_filter, time_span,
};
use crate::status::store_status;
use jiff::Timestamp;
use prost::Message;
use std::ops::Range;
use tonic::Status;
use turnstone_proto::{invalid_field, v1};
use turnstone_store::{EntryKey, EntrySearch, SearchQuery};
use turnstone_types::{Entry, EntryId, TenantId, to_microsecond_precision};

/// An entry as found, and where.
type Found = (v1::Entry, v1::EntryMatch);

impl EntryApi {
    pub(super) async fn search(
        &self,
        tenant: &TenantId,
        mut request: v1::SearchEntriesRequest,
    ) -> Result<v1::SearchEntriesResponse, Status> {
        let rows_max = page_rows(request.page_size)?;
        let page_token = std::mem::take(&mut request.page_token);
        request.page_size = 0;
        let order = v1::SearchOrder::try_from(request.order).map_err(|_| {
            invalid_field(
                "order",
                format!(
                    "{} is no order; use 1 (newest first) or 2 (by relevance)",
                    request.order
                ),
            )
        })?;
        let search = entry_search(&request)?;
        // The order is part of the request, so a token goes on in its own order only.
        let scope = PageScope::new("SearchEntries", tenant, &request.encode_to_vec());
        let by_query = search.query.is_some();
        let (found, next_page_token) = match order {
            v1::SearchOrder::Unspecified | v1::SearchOrder::Newest => {
                self.newest(tenant, search, &scope, &page_token, rows_max).await?
            }
            v1::SearchOrder::Relevance => {
                self.by_relevance(tenant, search, &scope, &page_token, rows_max)
                    .await?
            }
        };
        let (entries, matches): (Vec<v1::Entry>, Vec<v1::EntryMatch>) = found.into_iter().unzip();
        Ok(v1::SearchEntriesResponse {
            entries,
            next_page_token,
            matches: if by_query { matches } else { Vec::new() },
        })
    }

    /// Lines that arrive later are kept out of later pages by when they were stored: many carry an older time and would stand in
    /// the middle. The first page needs no such limit, and so no line is missed whose clock is ahead of this one.
    async fn newest(
        &self,
        tenant: &TenantId,
        mut search: EntrySearch,
        scope: &PageScope,
        page_token: &str,
        rows_max: u32,
    ) -> Result<(Vec<Found>, String), Status> {
        let mut began_at = to_microsecond_precision(Timestamp::now());
        let mut after = None;
        if let Some((ingested_until, key)) = scope.mark::<(Timestamp, PageKey)>(page_token)? {
            began_at = ingested_until;
            search.ingested_until = Some(ingested_until);
            after = Some(EntryKey {
                timestamp: key.instant,
                id: id("page_token", &key.id, EntryId::new)?,
            });
        }
        let rows = self
            .store
            .search_entries(tenant, &search, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let keys: Vec<PageKey> = rows
            .iter()
            .map(|entry| PageKey::new(entry.timestamp, &entry.id))
            .collect();
        let found = rows
            .into_iter()
            .map(|entry| found(search.query.as_ref(), entry, 0.0))
            .collect();
        let (found, more) = cut_page(found, rows_max, encoded_len);
        let next_page_token = match found.len().checked_sub(1).filter(|_| more) {
            Some(last) => scope.token(&(began_at, keys[last].clone())),
            None => String::new(),
        };
        Ok((found, next_page_token))
    }

    /// Places hold while the set is the same, so the first page has the limit on when lines were stored too.
    async fn by_relevance(
        &self,
        tenant: &TenantId,
        mut search: EntrySearch,
        scope: &PageScope,
        page_token: &str,
        rows_max: u32,
    ) -> Result<(Vec<Found>, String), Status> {
        let (ingested_until, from_place) = scope
            .mark::<(Timestamp, u32)>(page_token)?
            .unwrap_or_else(|| (to_microsecond_precision(Timestamp::now()), 0));
        search.ingested_until = Some(ingested_until);
        let rows = self
            .store
            .search_entries_by_relevance(tenant, &search, from_place, rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let found = rows
            .into_iter()
            .map(|ranked| found(search.query.as_ref(), ranked.entry, ranked.relevance))
            .collect();
        let (found, more) = cut_page(found, rows_max, encoded_len);
        let next_page_token = if more {
            let places = u32::try_from(found.len()).unwrap_or(u32::MAX);
            scope.token(&(ingested_until, from_place.saturating_add(places)))
        } else {
            String::new()
        };
        Ok((found, next_page_token))
    }
}

fn found(query: Option<&SearchQuery>, entry: Entry, relevance: f64) -> Found {
    let highlights = query.map_or_else(Vec::new, |query| query.highlights(&entry.text));
    let matched = v1::EntryMatch {
        highlights: highlights.into_iter().map(text_range).collect(),
        relevance,
    };
    (entry.into(), matched)
}

fn text_range(range: Range<usize>) -> v1::TextRange {
    // Lines are far shorter than 2 GiB.
    let place = |byte: usize| i32::try_from(byte).unwrap_or(i32::MAX);
    v1::TextRange {
        start: place(range.start),
        end: place(range.end),
    }
}

fn encoded_len((entry, matched): &Found) -> usize {
    entry.encoded_len() + matched.encoded_len()
}

fn entry_search(request: &v1::SearchEntriesRequest) -> Result<EntrySearch, Status> {
    let (time_from, time_until) = time_span(
        ("time_from", request.time_from.as_ref()),
        ("time_until", request.time_until.as_ref()),
    )?;
    let score_min = score_filter("anomaly_score_min", request.anomaly_score_min)?;
    let score_max = score_filter("anomaly_score_max", request.anomaly_score_max)?;
    score_span(("anomaly_score_min", score_min), ("anomaly_score_max", score_max))?;
    Ok(EntrySearch {
        query: text_filter("query", &request.query)?,
        source_id: source_filter("source_id", &request.source_id)?,
        severity: severity_filter("severity", request.severity)?,
        label: label_filter("anomaly_label", &request.anomaly_label)?,
        score_min,
        score_max,
        ingested_until: None,
        time_from,
        time_until,
    })
}
