//! `EntryService`: one entry, search, and what stands around an entry.

use crate::grpc::page::{PAGE_BYTES_MAX, cut_page, page_rows};
use crate::grpc::page_token::{PageKey, PageScope};
use crate::grpc::request::{
    count_or_default, id, label_filter, prose, score_filter, severity_filter, source_filter, tenant_of,
    time_span,
};
use crate::status::store_status;
use prost::Message;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use turnstone_proto::v1::entry_service_server::EntryService;
use turnstone_proto::{ErrorCode, invalid_field, v1};
use turnstone_store::{ContextRequest, EntryKey, EntrySearch, SearchQuery, Store};
use turnstone_types::EntryId;

const QUERY_CHARS_MAX: usize = 1_000;
const WINDOW_SECONDS_DEFAULT: u32 = 300;
const WINDOW_SECONDS_MAX: u32 = 86_400;
const CONTEXT_ROWS_DEFAULT: u32 = 50;
const CONTEXT_ROWS_MAX: u32 = 1_000;

/// The service over a store.
#[derive(Clone)]
pub(crate) struct EntryApi {
    pub store: Arc<dyn Store>,
}

#[tonic::async_trait]
impl EntryService for EntryApi {
    async fn get_entry(&self, request: Request<v1::GetEntryRequest>) -> Result<Response<v1::Entry>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let entry_id = id("id", &request.get_ref().id, EntryId::new)?;
        let entry = self
            .store
            .entry(&tenant, &entry_id)
            .await
            .map_err(|error| store_status(&error))?;
        entry
            .map(|entry| Response::new(entry.into()))
            .ok_or_else(|| no_such_entry(&entry_id))
    }

    async fn search_entries(
        &self,
        request: Request<v1::SearchEntriesRequest>,
    ) -> Result<Response<v1::SearchEntriesResponse>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let mut request = request.into_inner();
        let rows_max = page_rows(request.page_size)?;
        let page_token = std::mem::take(&mut request.page_token);
        request.page_size = 0;
        let scope = PageScope::new("SearchEntries", &tenant, &request.encode_to_vec());
        let search = entry_search(&request)?;
        let after = match scope.key(&page_token)? {
            Some(key) => Some(EntryKey {
                timestamp: key.instant,
                id: id("page_token", &key.id, EntryId::new)?,
            }),
            None => None,
        };
        let rows = self
            .store
            .search_entries(&tenant, &search, after.as_ref(), rows_max + 1)
            .await
            .map_err(|error| store_status(&error))?;
        let keys: Vec<PageKey> = rows
            .iter()
            .map(|entry| PageKey {
                instant: entry.timestamp,
                id: entry.id.to_string(),
            })
            .collect();
        let (entries, more) = cut_page(rows.into_iter().map(v1::Entry::from).collect(), rows_max);
        let next_page_token = if more {
            scope.token(&keys[entries.len() - 1])
        } else {
            String::new()
        };
        Ok(Response::new(v1::SearchEntriesResponse {
            entries,
            next_page_token,
            matches: Vec::new(),
        }))
    }

    async fn list_entry_context(
        &self,
        request: Request<v1::ListEntryContextRequest>,
    ) -> Result<Response<v1::ListEntryContextResponse>, Status> {
        let tenant = tenant_of(request.metadata())?;
        let request = request.get_ref();
        let entry_id = id("entry_id", &request.entry_id, EntryId::new)?;
        let rows = |field, count| count_or_default(field, count, CONTEXT_ROWS_DEFAULT, 1..=CONTEXT_ROWS_MAX);
        let context = ContextRequest {
            window_seconds: count_or_default(
                "window_seconds",
                request.window_seconds,
                WINDOW_SECONDS_DEFAULT,
                1..=WINDOW_SECONDS_MAX,
            )?,
            before_max: rows("max_before", request.max_before)?,
            after_max: rows("max_after", request.max_after)?,
            entry_id,
        };
        let entries = self
            .store
            .entry_context(&tenant, &context)
            .await
            .map_err(|error| store_status(&error))?
            .ok_or_else(|| no_such_entry(&context.entry_id))?;
        let entries = nearest_that_fit(
            entries.into_iter().map(v1::Entry::from).collect(),
            context.entry_id.as_str(),
        );
        Ok(Response::new(v1::ListEntryContextResponse { entries }))
    }
}

fn no_such_entry(entry_id: &EntryId) -> Status {
    ErrorCode::NotFound.status(format!("there is no entry {entry_id} for this tenant"))
}

fn entry_search(request: &v1::SearchEntriesRequest) -> Result<EntrySearch, Status> {
    prose("query", &request.query, QUERY_CHARS_MAX)?;
    let query = if request.query.trim().is_empty() {
        None
    } else {
        Some(SearchQuery::parse(&request.query).map_err(|error| invalid_field("query", error.to_string()))?)
    };
    let (time_from, time_until) = time_span(
        ("time_from", request.time_from.as_ref()),
        ("time_until", request.time_until.as_ref()),
    )?;
    Ok(EntrySearch {
        query,
        source_id: source_filter("source_id", &request.source_id)?,
        severity: severity_filter("severity", request.severity)?,
        label: label_filter("anomaly_label", &request.anomaly_label)?,
        score_min: score_filter("anomaly_score_min", request.anomaly_score_min)?,
        time_from,
        time_until,
        ..EntrySearch::default()
    })
}

/// Drops entries from the end that is farther from the one asked for until the answer has a size that clients take.
fn nearest_that_fit(mut entries: Vec<v1::Entry>, entry_id: &str) -> Vec<v1::Entry> {
    let mut bytes: usize = entries.iter().map(Message::encoded_len).sum();
    let centre = entries
        .iter()
        .position(|entry| entry.id == entry_id)
        .unwrap_or(entries.len() / 2);
    let (mut first, mut end) = (0, entries.len());
    while bytes > PAGE_BYTES_MAX && end - first > 1 {
        if end - 1 - centre > centre - first {
            end -= 1;
            bytes -= entries[end].encoded_len();
        } else {
            bytes -= entries[first].encoded_len();
            first += 1;
        }
    }
    entries.truncate(end);
    entries.drain(..first);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_context_keeps_its_middle() {
        let entries: Vec<v1::Entry> = (0..9)
            .map(|number| v1::Entry {
                id: number.to_string(),
                text: "x".repeat(1024 * 1024),
                ..v1::Entry::default()
            })
            .collect();
        let kept: Vec<String> = nearest_that_fit(entries.clone(), "6")
            .into_iter()
            .map(|entry| entry.id)
            .collect();
        assert_eq!(kept, ["6", "7"]);
        let kept: Vec<String> = nearest_that_fit(entries[..2].to_vec(), "0")
            .into_iter()
            .map(|entry| entry.id)
            .collect();
        assert_eq!(kept, ["0", "1"]);
    }
}
