//! The gRPC services, and what they share: checks of requests, filters, pages, conversions.

mod convert;
mod detections;
mod entries;
mod explanations;
pub(crate) mod filters;
mod labels;
mod page;
mod page_token;
pub(crate) mod request;
mod search;
mod stats;
mod timeline;

pub(crate) use detections::{DetectionApi, watch_end_status};
pub(crate) use entries::{EntryApi, no_such_entry};
pub(crate) use explanations::{ExplanationApi, checked_question};
pub(crate) use labels::LabelApi;
pub(crate) use stats::StatsApi;

/// Most bytes of one request message: 10,000 ids of the greatest length fit.
pub(crate) const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
