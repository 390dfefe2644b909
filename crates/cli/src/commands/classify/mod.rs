//! `turnstone classify`: one JSON object for each line of a file, in input order, without a database. Reading, classifying and
//! writing overlap; each is in a place of its own.

mod read;
mod write;

use super::{note, stop_on_signal};
use crate::arguments::{Classify, Shared};
use crate::connection::load_config;
use anyhow::Context;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use read::{LINES_PER_CALL, Lines, read_lines};
use std::io::Read;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use turnstone_classifier::{Engine, EngineError, RowOutcome};
use turnstone_scorer::{end_engine, load_engine};
use turnstone_service::model::{WhenUnset, model_folder};
use write::{Written, write_answers};

/// Calls at the engine at the same time: one in the model, one ready for it, two being looked up. They hold the texts, so this
/// bounds the memory.
const CALLS_IN_FLIGHT: usize = 4;
/// Portions of input, and of answers, that wait between two parts.
const PORTIONS_AHEAD: usize = 2;

/// Runs the command.
pub async fn run(shared: Shared, command: Classify) -> anyhow::Result<()> {
    let mut config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(&mut config, &command.model)?;
    if let Some(rule) = command.normalise {
        config.anomaly.normalise = rule.to_string();
    }
    if command.no_cache {
        config.anomaly.cache_bytes = 0;
    }
    let folder = model_folder(&config, WhenUnset::Bundled)?
        .context("no model: anomaly.model is empty; name one with --model DIR")?;
    let reader: Box<dyn Read + Send> = if command.file == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(&command.file).with_context(|| format!("open {}", command.file))?)
    };
    let stop = stop_on_signal()?;
    let engine = load_engine(&config, folder).await?;
    let (sender, lines) = mpsc::channel(PORTIONS_AHEAD);
    // A thread of its own and not a task: reading may block for ever, and nobody waits for it at the end.
    std::thread::Builder::new()
        .name("read-lines".to_owned())
        .spawn(move || read_lines(reader, &sender))?;
    let written = pump(&engine, lines, &stop).await;
    end_engine(engine).await;
    let written = written?;
    if stop.is_cancelled() {
        note(&format!("stopped after {} lines", written.lines));
    }
    anyhow::ensure!(
        written.refused == 0,
        "{} lines could not be classified; their objects say why",
        written.refused
    );
    Ok(())
}

/// Moves lines from the reader through the engine to standard output, until the input ends or `stop`.
async fn pump(
    engine: &Engine,
    mut lines: mpsc::Receiver<std::io::Result<Lines>>,
    stop: &CancellationToken,
) -> anyhow::Result<Written> {
    let (answers, to_write) = mpsc::channel(PORTIONS_AHEAD);
    let (written_sender, written) = tokio::sync::oneshot::channel();
    let info = engine.info().clone();
    // Writing blocks for as long as whoever reads our output likes, so it has a thread too.
    std::thread::Builder::new()
        .name("write-answers".to_owned())
        .spawn(move || written_sender.send(write_answers(&info, to_write, std::io::stdout())))?;
    let moved = move_lines(engine, &mut lines, &answers, stop).await;
    drop(answers);
    let written = written
        .await
        .context("the thread that writes answers ended early")?;
    // A failure to write ends the moving too, and is the reason to tell.
    let written = written?;
    moved?;
    Ok(written)
}

/// Keeps several calls at the engine and passes their answers on in the order of the lines. Ends early, without an error, when
/// nobody takes the answers any more.
async fn move_lines(
    engine: &Engine,
    lines: &mut mpsc::Receiver<std::io::Result<Lines>>,
    answers: &mpsc::Sender<Vec<RowOutcome>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    type Answered = Result<Result<Vec<RowOutcome>, EngineError>, tokio::task::JoinError>;
    let mut in_flight: FuturesOrdered<AbortOnDropHandle<Result<Vec<RowOutcome>, EngineError>>> =
        FuturesOrdered::new();
    let mut portions = Vec::new();
    let mut input = Ok(true);
    while matches!(input, Ok(true)) || !in_flight.is_empty() {
        let may_read = matches!(input, Ok(true)) && in_flight.len() < CALLS_IN_FLIGHT;
        let answered: Option<Answered> = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            answered = in_flight.next(), if !in_flight.is_empty() => answered,
            received = lines.recv_many(&mut portions, PORTIONS_AHEAD), if may_read => {
                if received == 0 {
                    input = Ok(false);
                }
                None
            }
        };
        if let Some(answered) = answered {
            if answers.send(answered??).await.is_err() {
                return Ok(());
            }
            continue;
        }
        // What came in small portions, as from a pipe, goes to the engine together.
        let mut call: Lines = Vec::new();
        for portion in portions.drain(..) {
            match portion {
                Ok(lines) if call.is_empty() => call = lines,
                Ok(mut lines) if call.len() + lines.len() <= LINES_PER_CALL => call.append(&mut lines),
                Ok(lines) => {
                    in_flight.push_back(spawn_call(engine, std::mem::replace(&mut call, lines)));
                }
                Err(error) => input = Err(error),
            }
        }
        if !call.is_empty() {
            in_flight.push_back(spawn_call(engine, call));
        }
    }
    input.map(drop).context("read the input")
}

/// A call on a task of its own: it goes on while we do something else, and the engine leaves it once nobody waits for it.
fn spawn_call(engine: &Engine, call: Lines) -> AbortOnDropHandle<Result<Vec<RowOutcome>, EngineError>> {
    let engine = engine.clone();
    AbortOnDropHandle::new(tokio::spawn(async move { engine.classify(call).await }))
}
