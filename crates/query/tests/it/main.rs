//! The query service as its callers see it: a real server on a free port over a real SQLite file.
#![allow(clippy::unwrap_used)]

mod access;
mod acknowledge;
mod diagnose;
mod entries;
mod event_source;
mod events;
mod explaining;
mod explanations;
mod groups;
mod interruptions;
mod labels;
mod lists;
mod operations;
mod overload;
mod pages;
mod protocols;
mod refusals;
mod search;
mod shutdown;
mod stats;
mod summaries;
mod support;
mod suppressions;
mod timeline;
mod validation;
mod verdicts;
mod watch;
