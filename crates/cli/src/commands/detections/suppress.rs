//! `turnstone detections suppress` and `suppressions`.

use super::PAGE_ROWS;
use crate::arguments::{
    Format, ListSuppressions, Moment, Shared, Suppress, Suppressions, SuppressionsAction, Target,
};
use crate::commands::{note, refused};
use crate::connection::Connection;
use crate::output::{cell, cut, escape_controls, instant, print_json, source_cell, to_the_second};
use anyhow::Context;
use serde::Serialize;
use std::io::Write;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::Timestamp;

/// A suppression by its column names.
#[derive(Serialize)]
struct SuppressionRow {
    id: String,
    tenant_id: String,
    fingerprint: String,
    source_id: Option<String>,
    anomaly_label: Option<String>,
    expires_at: Option<Timestamp>,
    reason: String,
    created_by: String,
    created_at: Option<Timestamp>,
}

impl From<v1::Suppression> for SuppressionRow {
    fn from(suppression: v1::Suppression) -> Self {
        let named = |name: String| Some(name).filter(|name| !name.is_empty());
        Self {
            id: suppression.id,
            tenant_id: suppression.tenant_id,
            fingerprint: suppression.fingerprint,
            source_id: named(suppression.source_id),
            anomaly_label: named(suppression.anomaly_label),
            expires_at: instant(suppression.expire_time.as_ref()),
            reason: suppression.reason,
            created_by: suppression.created_by,
            created_at: instant(suppression.create_time.as_ref()),
        }
    }
}

/// Makes a suppression, and says how to remove it.
pub async fn suppress(shared: &Shared, command: Suppress) -> anyhow::Result<()> {
    let expires_at = expires_at(&command.moment, Timestamp::now())?;
    let connection = Connection::open(shared, &command.target).await?;
    let suppression = v1::Suppression {
        fingerprint: command.fingerprint.into(),
        source_id: command.source.unwrap_or_default(),
        anomaly_label: command.label.unwrap_or_default(),
        expire_time: Some(timestamp_to_proto(expires_at)),
        reason: command.reason,
        created_by: command.by,
        ..v1::Suppression::default()
    };
    let request = v1::CreateSuppressionRequest {
        suppression: Some(suppression),
    };
    let made = connection
        .detections()
        .create_suppression(request)
        .await
        .map_err(|status| refused(&status))?
        .into_inner();
    connection.close().await;
    let id = escape_controls(&made.id);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "detections of {} come acknowledged until {}",
        escape_controls(&made.fingerprint),
        to_the_second(expires_at)
    )?;
    writeln!(
        out,
        "suppression {id}; remove it with `turnstone detections suppressions remove {id}`"
    )?;
    Ok(())
}

fn expires_at(moment: &Moment, now: Timestamp) -> anyhow::Result<Timestamp> {
    match (moment.until, moment.span) {
        (Some(until), _) => Ok(until),
        (None, Some(span)) => now
            .checked_add(span)
            .context("--for reaches beyond the year 9999"),
        (None, None) => anyhow::bail!("until when? Give --for 7d or --until TIME"),
    }
}

/// Lists suppressions or removes one.
pub async fn suppressions(shared: &Shared, command: Suppressions) -> anyhow::Result<()> {
    match command.action {
        None => list(shared, &command.list).await,
        Some(SuppressionsAction::List(list_command)) => list(shared, &list_command).await,
        Some(SuppressionsAction::Remove { id, target }) => remove(shared, id, &target).await,
    }
}

async fn list(shared: &Shared, command: &ListSuppressions) -> anyhow::Result<()> {
    let connection = Connection::open(shared, &command.target).await?;
    let mut client = connection.detections();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut left, mut page_token) = (command.limit, String::new());
    while left > 0 {
        let request = v1::ListSuppressionsRequest {
            page_size: i32::try_from(left.min(PAGE_ROWS)).unwrap_or(i32::MAX),
            page_token,
        };
        let page = client
            .list_suppressions(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        for suppression in page.suppressions {
            let row = SuppressionRow::from(suppression);
            match command.format {
                Format::Jsonl => print_json(&mut out, &row)?,
                Format::Table => print_row(&mut out, &row, left == command.limit)?,
            }
            left = left.saturating_sub(1);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    out.flush()?;
    drop(out);
    if command.format == Format::Table && left == command.limit {
        note("no suppressions");
    }
    connection.close().await;
    Ok(())
}

fn print_row(out: &mut impl Write, row: &SuppressionRow, is_first: bool) -> anyhow::Result<()> {
    if is_first {
        writeln!(
            out,
            "{:<16} {:<16} {:<18} {:<20} REASON",
            "FINGERPRINT", "SOURCE", "LABEL", "UNTIL"
        )?;
    }
    let expired = row.expires_at.is_none_or(|until| until <= Timestamp::now());
    writeln!(
        out,
        "{} {} {} {:<20} {}",
        cell(&row.fingerprint, 16),
        source_cell(row.source_id.as_deref().unwrap_or("any"), 16),
        cell(row.anomaly_label.as_deref().unwrap_or("any"), 18),
        row.expires_at.map(to_the_second).unwrap_or_default(),
        cut(&row.reason, 60),
    )?;
    let by = if row.created_by.is_empty() {
        String::new()
    } else {
        format!("  by {}", cut(&row.created_by, 30))
    };
    let state = if expired { "  expired" } else { "" };
    writeln!(out, "{:<16} {}{by}{state}", "", escape_controls(&row.id))?;
    Ok(())
}

async fn remove(shared: &Shared, id: String, target: &Target) -> anyhow::Result<()> {
    let connection = Connection::open(shared, target).await?;
    connection
        .detections()
        .delete_suppression(v1::DeleteSuppressionRequest { id })
        .await
        .map_err(|status| refused(&status))?;
    connection.close().await;
    writeln!(
        std::io::stdout(),
        "suppression removed; what it acknowledged stays acknowledged"
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_end_lies_within_what_can_be_stored() {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        let moment = |span, until| Moment { span, until };
        assert_eq!(
            expires_at(&moment(Some(Duration::from_secs(60)), None), now)
                .expect("near")
                .as_second(),
            1_800_000_060
        );
        assert_eq!(expires_at(&moment(None, Some(now)), now).expect("given"), now);
        assert!(expires_at(&moment(Some(Duration::MAX), None), now).is_err());
    }
}
