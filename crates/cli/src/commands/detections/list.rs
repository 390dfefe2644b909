//! `turnstone detections list`.

use super::{PAGE_ROWS, wire_filter};
use crate::arguments::{Format, ListDetections, Shared};
use crate::commands::{note, refused};
use crate::connection::Connection;
use crate::output::RowPrinter;
use std::io::Write;
use turnstone_proto::v1;

/// Prints detections or groups of them, page after page.
pub async fn list(shared: &Shared, command: &ListDetections) -> anyhow::Result<()> {
    let connection = Connection::open(shared, &command.target).await?;
    let mut client = connection.detections();
    let mut printer = RowPrinter::new(command.format);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut left, mut page_token) = (command.limit, String::new());
    while left > 0 {
        let request = v1::ListDetectionsRequest {
            page_size: i32::try_from(left.min(PAGE_ROWS)).unwrap_or(i32::MAX),
            page_token,
            filter: Some(wire_filter(&command.filter, command.judged_as.verdict)),
            collapse: command.group,
        };
        let page = client
            .list_detections(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        for detection in page.detections {
            left = left.saturating_sub(1);
            printer.detection(&mut out, &detection.into())?;
        }
        for group in page.groups {
            left = left.saturating_sub(1);
            printer.group(&mut out, &group.into())?;
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    out.flush()?;
    drop(out);
    if command.format == Format::Table && left == command.limit {
        note("no detections");
    }
    connection.close().await;
    Ok(())
}
