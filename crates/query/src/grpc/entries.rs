//! `EntryService`: one entry, and what stands around an entry; its search is in [`super::search`].

use crate::grpc::page::PAGE_BYTES_MAX;
use crate::grpc::request::{count_or_default, id, tenant_of};
use crate::status::store_status;
use prost::Message;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use turnstone_proto::v1::entry_service_server::EntryService;
use turnstone_proto::{ErrorCode, invalid_field, v1};
use turnstone_store::{ContextRequest, Store};
use turnstone_types::EntryId;

const WINDOW_SECONDS_DEFAULT: u32 = 300;
const WINDOW_SECONDS_MAX: u32 = 86_400;
/// What the store takes for no limit in time.
const WINDOW_SECONDS_UNLIMITED: u32 = u32::MAX;
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
        let request = request.into_inner();
        self.search(&tenant, request).await.map(Response::new)
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
            window_seconds: window_seconds(request)?,
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

/// The answer where an entry is not there, or is another tenant's.
pub(crate) fn no_such_entry(entry_id: &EntryId) -> Status {
    ErrorCode::NotFound.status(format!("there is no entry {entry_id} for this tenant"))
}

fn window_seconds(request: &v1::ListEntryContextRequest) -> Result<u32, Status> {
    const FIELD: &str = "window_seconds";
    if !request.any_time {
        let allowed = 1..=WINDOW_SECONDS_MAX;
        return count_or_default(FIELD, request.window_seconds, WINDOW_SECONDS_DEFAULT, allowed);
    }
    if request.window_seconds != 0 {
        return Err(invalid_field(
            FIELD,
            "must be 0 with any_time, where no time limits",
        ));
    }
    Ok(WINDOW_SECONDS_UNLIMITED)
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
