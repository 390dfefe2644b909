//! Our own side of the bench: an engine as the other commands run it, and the time of one pass over the lines.

use crate::arguments::BenchClassify;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;
use turnstone_classifier::{Engine, EngineOptions, LoadOptions, ModelInfo};
use turnstone_scorer::{end_engine, load_options};
use turnstone_service::Config;

/// Calls that wait for the engine while one is being answered.
const CALLS_AHEAD: usize = 2;

/// What is measured.
#[derive(Clone)]
pub struct Settings {
    pub folder: PathBuf,
    pub load: LoadOptions,
    pub threads: u32,
    pub call_lines: usize,
}

impl Settings {
    /// As the configuration and the flags ask for them.
    pub fn new(config: &Config, folder: PathBuf, command: &BenchClassify) -> anyhow::Result<Self> {
        let mut load = load_options(config)?;
        if let Some(tokens) = command.batch_tokens {
            load.batch_tokens_max = Some(tokens as usize);
        }
        Ok(Self {
            folder,
            load,
            threads: config.anomaly.threads,
            call_lines: command.call_lines as usize,
        })
    }
}

/// One pass over the lines.
#[derive(Debug, Clone, Serialize)]
pub struct Pass {
    pub seconds: f64,
    pub lines_per_second: f64,
}

/// Winning class and its probability; `None` where the line could not be classified.
pub type Answer = Option<(usize, f64)>;

/// An engine under measurement.
pub struct Ours {
    engine: Engine,
    settings: Settings,
}

impl Ours {
    /// Loads the model and warms it up.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let engine = load(&settings).await?;
        Ok(Self { engine, settings })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        self.engine.info()
    }

    /// Classifies all texts once.
    pub async fn pass(&mut self, texts: &[String]) -> anyhow::Result<(Pass, Vec<Answer>)> {
        let started = Instant::now();
        let engine = &self.engine;
        let calls = texts
            .chunks(self.settings.call_lines)
            .map(|call| async move { engine.classify(call.to_vec()).await });
        let outcomes: Vec<_> = stream::iter(calls)
            .buffered(CALLS_AHEAD + 1)
            .try_collect()
            .await?;
        let seconds = started.elapsed().as_secs_f64();
        let answers = outcomes
            .into_iter()
            .flatten()
            .map(|outcome| {
                outcome
                    .ok()
                    .map(|prediction| (prediction.class, prediction.score))
            })
            .collect();
        let pass = Pass {
            seconds,
            lines_per_second: texts.len() as f64 / seconds,
        };
        Ok((pass, answers))
    }

    /// Ends the engine.
    pub async fn end(self) {
        end_engine(self.engine).await;
    }
}

async fn load(settings: &Settings) -> anyhow::Result<Engine> {
    let (folder, options) = (settings.folder.clone(), settings.load.clone());
    let engine_options = EngineOptions {
        queue_max: CALLS_AHEAD + 1,
        ..EngineOptions::default()
    };
    let engine =
        tokio::task::spawn_blocking(move || Engine::start(&folder, options, engine_options)).await??;
    Ok(engine)
}
