//! Our own side of the bench: an engine as the other commands run it, and the time of one pass over the lines.

use crate::arguments::BenchClassify;
use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;
use turnstone_classifier::{ClassifyStats, Engine, EngineOptions, LoadOptions, ModelInfo, ScoreCache};
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
    /// 0 keeps no answers.
    pub cache_bytes: u64,
    pub tokenise_threads: Option<usize>,
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
            cache_bytes: config.anomaly.cache_bytes,
            tokenise_threads: (config.anomaly.tokenise_threads > 0)
                .then_some(config.anomaly.tokenise_threads as usize),
            call_lines: command.call_lines as usize,
        })
    }
}

/// One pass over the lines.
#[derive(Debug, Clone, Serialize)]
pub struct Pass {
    pub seconds: f64,
    pub lines_per_second: f64,
    /// Tokens that went through the model, by the time of the whole pass.
    pub tokens_per_second: f64,
    pub tokens: u64,
    /// Lines, 0 to 1, that were in the cache or the same as another one of their call.
    pub hit_rate: f64,
    /// Summed over threads.
    pub tokenise_seconds: f64,
    pub wait_seconds: f64,
    pub forward_seconds: f64,
}

impl Pass {
    /// What happened between two readings of an engine's totals.
    fn between(before: ClassifyStats, after: ClassifyStats, seconds: f64) -> Self {
        let rows = (after.rows - before.rows) as f64;
        let tokens = after.tokens - before.tokens;
        let known = (after.folded - before.folded) + (after.cache_hits - before.cache_hits);
        Self {
            seconds,
            lines_per_second: rows / seconds,
            tokens_per_second: tokens as f64 / seconds,
            tokens,
            hit_rate: known as f64 / rows,
            tokenise_seconds: after.tokenise_seconds - before.tokenise_seconds,
            wait_seconds: after.wait_seconds - before.wait_seconds,
            forward_seconds: after.forward_seconds - before.forward_seconds,
        }
    }
}

/// Winning class and its probability; `None` where the line could not be classified.
pub type Answer = Option<(usize, f64)>;

/// An engine under measurement.
pub struct Ours {
    engine: Engine,
    settings: Settings,
    /// Whether the cache holds answers of an earlier pass.
    used: bool,
}

impl Ours {
    /// Loads the model and warms it up.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let engine = load(&settings).await?;
        Ok(Self {
            engine,
            settings,
            used: false,
        })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        self.engine.info()
    }

    /// Classifies all texts once, beginning with an empty cache.
    pub async fn pass(&mut self, texts: &[String]) -> anyhow::Result<(Pass, Vec<Answer>)> {
        if self.used && self.settings.cache_bytes > 0 {
            let next = load(&self.settings).await?;
            end_engine(std::mem::replace(&mut self.engine, next)).await;
        }
        self.used = true;
        let before = self.engine.stats();
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
        Ok((Pass::between(before, engine.stats(), seconds), answers))
    }

    /// Ends the engine.
    pub async fn end(self) {
        end_engine(self.engine).await;
    }
}

async fn load(settings: &Settings) -> anyhow::Result<Engine> {
    let (folder, load) = (settings.folder.clone(), settings.load.clone());
    let options = EngineOptions {
        queue_max: CALLS_AHEAD + 1,
        tokenise_threads: settings.tokenise_threads,
        cache: ScoreCache::new(settings.cache_bytes),
    };
    let shown = folder.display().to_string();
    tokio::task::spawn_blocking(move || Engine::start(&folder, load, options))
        .await?
        .with_context(|| format!("load model {shown}"))
}
