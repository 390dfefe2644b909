//! `turnstone search`.

use super::{note, refused};
use crate::arguments::{Format, Search, Shared};
use crate::connection::Connection;
use crate::output::{EntryRow, RowPrinter};
use std::io::Write;
use turnstone_proto::{timestamp_to_proto, v1};

/// Rows asked for at a time; the service's most.
const PAGE_ROWS: u32 = 1_000;

/// Runs the command.
pub async fn run(shared: Shared, command: Search) -> anyhow::Result<()> {
    let connection = Connection::open(&shared, &command.target).await?;
    let mut client = connection.entries();
    let mut printer = RowPrinter::new(command.format);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut left, mut page_token) = (command.limit, String::new());
    while left > 0 {
        let request = request(&command, left, page_token);
        let page = client
            .search_entries(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        let mut matches = page.matches.into_iter();
        for entry in page.entries {
            left = left.saturating_sub(1);
            let row = found(entry, matches.next(), command.relevance);
            printer.entry(&mut out, &row)?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    out.flush()?;
    drop(out);
    if command.format == Format::Table && left == command.limit {
        note("no entries");
    }
    connection.close().await;
    Ok(())
}

fn request(command: &Search, rows: u32, page_token: String) -> v1::SearchEntriesRequest {
    let order = if command.relevance {
        v1::SearchOrder::Relevance
    } else {
        v1::SearchOrder::Newest
    };
    v1::SearchEntriesRequest {
        page_size: i32::try_from(rows.min(PAGE_ROWS)).unwrap_or(i32::MAX),
        page_token,
        query: command.query.clone(),
        source_id: command.source.clone().unwrap_or_default(),
        severity: command
            .severity
            .map_or(v1::Severity::Unspecified, Into::into)
            .into(),
        anomaly_label: command.label.clone().unwrap_or_default(),
        anomaly_score_min: command.score_min,
        anomaly_score_max: command.score_max,
        time_from: command.from.map(timestamp_to_proto),
        time_until: command.until.map(timestamp_to_proto),
        order: order.into(),
    }
}

/// An entry as a row, with what the search said of it.
fn found(entry: v1::Entry, matched: Option<v1::EntryMatch>, by_relevance: bool) -> EntryRow {
    let mut row = EntryRow::from(entry);
    if let Some(matched) = matched {
        let place = |byte: i32| usize::try_from(byte).unwrap_or(0);
        let ranges = matched.highlights.iter();
        row.highlights = Some(ranges.map(|range| place(range.start)..place(range.end)).collect());
        row.relevance = by_relevance.then_some(matched.relevance);
    }
    row
}
