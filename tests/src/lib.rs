//! The harness of the end-to-end tests: finds the real programs, starts fleets of them around a real nats-server and a real
//! Postgres, and asks the database what became of the lines. Knows no crate of the product: only programs, files, ports and SQL.

mod fleet;
mod http;
mod nats;
mod outcome;
mod programs;
mod service;
mod sql;
mod sqlite;

pub use fleet::{Fleet, FleetOptions, shared_postgres};
pub use http::http_get;
pub use nats::Nats;
pub use outcome::{Outcome, json_lines};
pub use programs::{program, python, turnstone, workspace_root};
pub use service::Service;
pub use sql::Sql;
pub use sqlite::{sqlite_count, sqlite_execute};

use std::time::Duration;

/// Longest wait for work that the model does: generous, since tests also run on small and crowded machines.
pub const WORK_LIMIT: Duration = Duration::from_secs(480);
/// Longest wait for a program to start, to answer or to end.
pub const STEP_LIMIT: Duration = Duration::from_secs(120);
