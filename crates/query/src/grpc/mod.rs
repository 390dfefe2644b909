//! The gRPC services, one file each, and what they share: request checks and pages.

mod detections;
mod entries;
mod explanations;
mod page;
mod page_token;
pub(crate) mod request;
mod stats;

pub(crate) use detections::{DetectionApi, watch_end_status};
pub(crate) use entries::EntryApi;
pub(crate) use explanations::ExplanationApi;
pub(crate) use stats::StatsApi;

/// Most bytes of one request message: 10,000 ids of the greatest length fit.
pub(crate) const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;
