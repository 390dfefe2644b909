//! `turnstone stats`.

mod rows;
mod table;

use super::refused;
use crate::arguments::{Format, Shared, Stats};
use crate::connection::Connection;
use crate::output::print_json;
use rows::Summary;
use turnstone_proto::v1;

/// Runs the command.
pub async fn run(shared: Shared, command: Stats) -> anyhow::Result<()> {
    let connection = Connection::open(&shared, &command.target).await?;
    let mut client = connection.stats();
    let stats = client
        .get_stats_summary(v1::GetStatsSummaryRequest {})
        .await
        .map_err(|status| refused(&status))?
        .into_inner();
    let sources = client
        .list_sources(v1::ListSourcesRequest {})
        .await
        .map_err(|status| refused(&status))?
        .into_inner()
        .sources;
    connection.close().await;
    let summary = Summary::new(stats, sources);
    let mut out = std::io::stdout().lock();
    match command.format {
        Format::Jsonl => print_json(&mut out, &summary),
        Format::Table => table::print(&mut out, &summary),
    }
}
