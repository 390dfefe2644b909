//! End-to-end tests on the real programs with a real nats-server, a real Postgres and the bundled model.
#![allow(clippy::unwrap_used)]

mod command_line;
mod dead_letters;
mod exactly_once;
mod example_logs;
mod explanations;
mod faults;
mod groups;
mod grpc_client;
mod lines;
mod scan_and_fleet;
mod stopping;
mod tracing;
mod up;
mod why;

use tokio::sync::{Mutex, MutexGuard};

/// Held by tests that keep the machine busy: side by side they would only make each other slow and their waits meaningless.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
