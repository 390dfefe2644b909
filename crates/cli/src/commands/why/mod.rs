//! `turnstone why`: which words of a line made its label. A server asks one of its scorers; of a database or of a line on the
//! command line there is none to ask, so the command loads the model itself.

mod print;

use super::refused;
use crate::arguments::{Format, ModelChoice, Shared, Why};
use crate::connection::{Connection, load_config};
use crate::output::print_json;
use anyhow::Context;
use print::{ExplanationRow, Highlight, print_table};
use std::io::Write;
use turnstone_proto::v1;
use turnstone_scorer::{end_engine, label_explanation, load_engine};
use turnstone_service::model::{WhenUnset, model_folder};
use turnstone_types::{SCORED_TEXT_CHARS_MAX, truncate_chars};

/// Runs the command.
pub async fn run(shared: Shared, command: Why) -> anyhow::Result<()> {
    let explanation = match (&command.text, &command.entry_id) {
        (Some(line), _) => explain_here(&shared, &command.model, line).await?,
        (None, Some(entry_id)) if command.target.db.is_some() => {
            let connection = Connection::open(&shared, &command.target).await?;
            let request = v1::GetEntryRequest { id: entry_id.clone() };
            let entry = connection.entries().get_entry(request).await;
            connection.close().await;
            let entry = entry.map_err(|status| refused(&status))?.into_inner();
            explain_here(&shared, &command.model, &entry.text).await?
        }
        (None, Some(entry_id)) => {
            anyhow::ensure!(
                !names_model(&command.model),
                "a server's scorer explains with its own model; --model, --device and --dtype are for --text and --db"
            );
            let connection = Connection::open(&shared, &command.target).await?;
            let request = v1::ExplainLabelRequest {
                entry_id: entry_id.clone(),
            };
            let answer = connection.explanations().explain_label(request).await;
            connection.close().await;
            answer.map_err(|status| refused(&status))?.into_inner()
        }
        (None, None) => anyhow::bail!("name an entry, or give a line with --text"),
    };
    let row = ExplanationRow::from(explanation);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match command.format {
        Format::Jsonl => print_json(&mut out, &row)?,
        Format::Table => print_table(&mut out, &row, Highlight::of_stdout())?,
    }
    out.flush()?;
    Ok(())
}

fn names_model(choice: &ModelChoice) -> bool {
    choice.model.is_some() || choice.device.is_some() || choice.dtype.is_some()
}

/// Explains a line with the configured model, or the bundled one, in this process.
async fn explain_here(
    shared: &Shared,
    choice: &ModelChoice,
    line: &str,
) -> anyhow::Result<v1::LabelExplanation> {
    let mut config = load_config(shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(&mut config, choice)?;
    let folder = model_folder(&config, WhenUnset::Bundled)?
        .context("no model: anomaly.model is empty; name one with --model DIR")?;
    let engine = load_engine(&config, folder).await?;
    let attribution = engine.explain_label(line).await;
    let scorer = engine.info().name.clone();
    end_engine(engine).await;
    let attribution = attribution.context("ask the model about the line")?;
    Ok(v1::LabelExplanation {
        text: truncate_chars(line, SCORED_TEXT_CHARS_MAX).to_owned(),
        ..label_explanation(attribution, &scorer)
    })
}
