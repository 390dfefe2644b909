//! `turnstone explain` and `turnstone diagnose`.

use super::{note, refused};
use crate::arguments::{AnswerFormat, Diagnose, Explain, Shared};
use crate::connection::Connection;
use crate::output::{AnswerEnd, AnswerPrinter};
use anyhow::Context;
use std::io::Write;
use tonic::Streaming;
use turnstone_proto::{timestamp_to_proto, v1};
use turnstone_types::Timestamp;

/// Runs `turnstone explain`.
pub async fn explain(shared: Shared, command: Explain) -> anyhow::Result<()> {
    let connection = Connection::open(&shared, &command.target).await?;
    let request = v1::ExplainEntryRequest {
        entry_id: command.entry_id,
        refresh: command.refresh,
        ..v1::ExplainEntryRequest::default()
    };
    let answered = connection.explanations().explain_entry(request).await;
    let stream = answered.map_err(|status| refused(&status))?.into_inner();
    let outcome = print(stream, command.format).await;
    connection.close().await;
    outcome
}

/// Runs `turnstone diagnose`.
pub async fn diagnose(shared: Shared, command: Diagnose) -> anyhow::Result<()> {
    let until = command.until;
    let from = match command.last {
        Some(last) => {
            let end = until.unwrap_or_else(Timestamp::now);
            Some(
                end.checked_sub(last)
                    .context("--last reaches beyond the calendar")?,
            )
        }
        None => command.from,
    };
    let connection = Connection::open(&shared, &command.target).await?;
    let request = v1::DiagnoseRequest {
        query: command.question,
        time_from: from.map(timestamp_to_proto),
        time_until: until.map(timestamp_to_proto),
        source_ids: command.sources,
    };
    let answered = connection.explanations().diagnose(request).await;
    let stream = answered.map_err(|status| refused(&status))?.into_inner();
    let outcome = print(stream, command.format).await;
    connection.close().await;
    outcome
}

/// Prints an answer as it comes. Ctrl-C ends the program as it ends any other: nothing here has to be brought to an end.
async fn print(mut stream: Streaming<v1::ExplanationFrame>, format: AnswerFormat) -> anyhow::Result<()> {
    let mut printer = AnswerPrinter::new(format);
    loop {
        let frame = stream.message().await.map_err(|status| refused(&status))?;
        let frame = frame.context("the answer was cut on its way; ask again")?;
        let mut out = std::io::stdout().lock();
        let end = printer.frame(&mut out, frame)?;
        out.flush()?;
        drop(out);
        match end {
            None => {}
            Some(AnswerEnd::Done(how_made)) => {
                if format == AnswerFormat::Text {
                    note(&how_made);
                }
                return Ok(());
            }
            Some(AnswerEnd::Failed(reason)) => anyhow::bail!("no explanation: {reason}"),
        }
    }
}
