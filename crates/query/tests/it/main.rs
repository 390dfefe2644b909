//! The query service as its callers see it: a real server on a free port over a real SQLite file.
#![allow(clippy::unwrap_used)]

mod access;
mod acknowledge;
mod entries;
mod events;
mod lists;
mod overload;
mod pages;
mod protocols;
mod shutdown;
mod stats;
mod support;
mod validation;
mod watch;
