//! `turnstone bench`: measurements that anybody can repeat.

mod classify;
mod query;
mod raw_limit;
mod store;

use crate::arguments::{Bench, Shared};

/// Runs the command.
pub async fn run(shared: Shared, command: Bench) -> anyhow::Result<()> {
    match command {
        Bench::Store { db, rows, lines } => store::run(&shared, &db, rows, lines.as_deref()).await,
        Bench::Query(command) => query::run(&shared, &command).await,
        Bench::Classify(command) => classify::run(&shared, &command).await,
    }
}
