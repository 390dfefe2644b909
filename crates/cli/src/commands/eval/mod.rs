//! `turnstone eval`: how right a model is about labelled lines, beside a plain search for keywords. Lines are read, classified
//! and counted in portions; what each figure means stands in docs/evaluation.md.

mod classes;
mod counts;
mod figures;
mod judge;
mod keywords;
mod read;
mod report;
mod table;
mod tally;
mod worst;

pub use read::LabelledFileError;

use super::stop_on_signal;
use crate::arguments::{Eval, Shared};
use crate::connection::load_config;
use crate::output::{Progress, print_json};
use anyhow::Context;
use classes::Classes;
use futures::StreamExt;
use judge::{Answer, Row};
use read::{LabelledReader, Portion};
use report::{Report, Wanted};
use std::io::Read;
use tally::{Tally, Totals};
use tokio::sync::mpsc;
use turnstone_classifier::{Engine, Prediction, RowOutcome};
use turnstone_scorer::{end_engine, load_engine};
use turnstone_service::model::{WhenUnset, model_folder};

/// Calls at the engine at the same time; they hold the texts, so this bounds the memory.
const CALLS_IN_FLIGHT: usize = 4;
/// Portions of input that wait for the engine.
const PORTIONS_AHEAD: usize = 2;

/// Runs the command.
pub async fn run(shared: Shared, command: Eval) -> anyhow::Result<()> {
    let mut config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(&mut config, &command.model)?;
    if let Some(rule) = command.normalise {
        config.anomaly.normalise = rule.to_string();
    }
    if command.no_cache {
        config.anomaly.cache_bytes = 0;
    }
    if let Some(threads) = command.threads {
        config.anomaly.threads = threads;
    }
    let folder = model_folder(&config, WhenUnset::Bundled)?
        .context("no model: anomaly.model is empty; name one with --model DIR")?;
    let (file, input): (&str, Box<dyn Read + Send>) = if command.file == "-" {
        ("standard input", Box::new(std::io::stdin()))
    } else {
        let file = std::fs::File::open(&command.file).with_context(|| format!("open {}", command.file))?;
        (&command.file, Box::new(file))
    };
    let stop = stop_on_signal()?;
    let engine = load_engine(&config, folder).await?;
    let info = engine.info().clone();
    let evaluation = Evaluation {
        file,
        classes: Classes::new(&info.labels),
        errors_max: command.errors.map_or(0, |errors| errors as usize),
    };
    let totals = tokio::select! {
        biased;
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped")),
        totals = evaluation.judge_all(&engine, input) => totals,
    };
    end_engine(engine).await;
    let totals = totals?;
    let wanted = Wanted {
        threshold: config.anomaly.threshold,
        keywords: command.against.is_some(),
        errors: command.errors.is_some(),
    };
    let report = Report::new(file.to_owned(), &info, &evaluation.classes, &totals, wanted);
    let mut out = std::io::stdout().lock();
    if command.json {
        print_json(&mut out, &report)?;
    } else {
        table::print(&mut out, &report, table::terminal_columns())?;
    }
    anyhow::ensure!(
        report.all.failed_lines == 0,
        "{} lines could not be classified; they count as wrong and as no detections",
        report.all.failed_lines
    );
    Ok(())
}

/// What is evaluated.
struct Evaluation<'a> {
    file: &'a str,
    classes: Classes,
    errors_max: usize,
}

/// A portion with what the model said of each of its lines.
struct Answered {
    rows: Vec<Row>,
    /// Empty where nobody wants to see wrong lines.
    texts: Vec<String>,
    outcomes: Vec<RowOutcome>,
}

impl Evaluation<'_> {
    /// Reads, classifies and counts every line.
    async fn judge_all(&self, engine: &Engine, input: Box<dyn Read + Send>) -> anyhow::Result<Totals> {
        let (sender, portions) = mpsc::channel(PORTIONS_AHEAD);
        let reader = LabelledReader {
            file: self.file.to_owned(),
            classes: self.classes.clone(),
        };
        // A thread of its own and not a task: reading may block for ever, and nobody waits for it at the end.
        std::thread::Builder::new()
            .name("read-labelled".to_owned())
            .spawn(move || reader.read(input, &sender))?;
        let portions = futures::stream::unfold(portions, async |mut portions| {
            portions.recv().await.map(|portion| (portion, portions))
        });
        let answered = portions.map(|portion| self.classify(engine, portion));
        let mut answered = std::pin::pin!(answered.buffered(CALLS_IN_FLIGHT));
        let mut tally = Tally::new(self.classes.clone(), self.errors_max);
        let progress = Progress::start(None, "lines");
        let mut lines = 0;
        while let Some(answered) = answered.next().await {
            let Answered {
                rows,
                texts,
                outcomes,
            } = answered?;
            lines += rows.len() as u64;
            for (index, (row, outcome)) in rows.iter().zip(outcomes).enumerate() {
                let answer = outcome.ok().map(|prediction| self.answer(&prediction));
                let text = texts.get(index).map(String::as_str);
                tally
                    .add(row, answer, text)
                    .map_err(|reason| self.refusal(Some(row.line), reason))?;
            }
            progress.set(lines);
        }
        if lines == 0 {
            return Err(self.refusal(None, "no labelled lines".to_owned()).into());
        }
        Ok(tally.finish())
    }

    fn refusal(&self, line: Option<u64>, reason: String) -> LabelledFileError {
        LabelledFileError {
            file: self.file.to_owned(),
            line,
            reason,
        }
    }

    async fn classify(&self, engine: &Engine, portion: anyhow::Result<Portion>) -> anyhow::Result<Answered> {
        let Portion { rows, texts } = portion?;
        let kept = if self.errors_max > 0 {
            texts.clone()
        } else {
            Vec::new()
        };
        let outcomes = engine.classify(texts).await?;
        Ok(Answered {
            rows,
            texts: kept,
            outcomes,
        })
    }

    fn answer(&self, prediction: &Prediction) -> Answer {
        let (label, anomalous) = self.classes.of_model(prediction.class);
        Answer {
            label,
            anomalous,
            detected: prediction.detected,
            score: prediction.score,
        }
    }
}
