//! `turnstone explain` and `turnstone diagnose`.

use super::{note, refused, stop_on_signal};
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

/// Prints an answer as it comes, until a signal. Whoever started the program in the background had it ignore Ctrl-C; a model that
/// writes for minutes has to be stoppable nevertheless.
async fn print(mut stream: Streaming<v1::ExplanationFrame>, format: AnswerFormat) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let mut printer = AnswerPrinter::new(format);
    loop {
        let Some(frame) = stop.run_until_cancelled(stream.message()).await else {
            anyhow::bail!("stopped");
        };
        let frame = frame.map_err(|status| refused(&status))?;
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
