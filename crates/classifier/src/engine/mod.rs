//! A classifier on an OS thread of its own: libtorch blocks for as long as a batch takes, which no async thread may. Texts are
//! prepared by other threads, one call ahead of it; calls that need no model never come to it.

mod call;
mod feed;
mod serve;

use crate::answer::{Judgement, RowOutcome};
use crate::batching::panic_text;
use crate::cache::{ModelCache, ScoreCache};
use crate::classifier::Classifier;
use crate::error::{EngineError, LoadError, RowError};
use crate::model_info::ModelInfo;
use crate::options::{LoadOptions, Normalise};
use crate::pool::Pool;
use crate::stats::{ClassifyStats, Totals};
use call::{Answers, Asked, Call, Work};
use feed::{Feeder, Front};
use serve::{Backend, Plain, serve};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, mpsc as blocking};
use std::thread;
use tokio::sync::{Semaphore, watch};

/// A double of a [`Classifier`], for the tests of those who use an [`Engine`]. Its texts are neither normalised nor folded,
/// and its answers are not cached.
pub trait Classify {
    /// What was loaded.
    fn info(&self) -> &ModelInfo;
    /// One outcome per text, in their order.
    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome>;
}

/// Limits of an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Calls that are prepared or wait, at least one; further callers wait for a place.
    pub queue_max: usize,
    /// Threads that prepare texts; `None`: one for each core that the process may use.
    pub tokenise_threads: Option<usize>,
    /// Where answers are kept, to be shared by all engines of a process; `None` keeps none.
    pub cache: Option<Arc<ScoreCache>>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            queue_max: 4,
            tokenise_threads: None,
            cache: None,
        }
    }
}

/// A handle to the thread; clones share it. The thread ends when the last handle is dropped and the calls are answered.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    state: watch::Receiver<State>,
}

struct Inner {
    /// Places for calls. A call gives its place back when the model's thread takes it, or when it is answered without.
    places: Arc<Semaphore>,
    work: blocking::Sender<Work>,
    front: Option<Arc<Front>>,
    pool: Arc<Pool>,
    info: Arc<ModelInfo>,
    totals: Arc<Totals>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Healthy,
    /// The device failed on every row of the last call; the next call may find it well again.
    DeviceFault,
    Stopped {
        reason: String,
    },
}

impl Engine {
    /// Loads the model on a new thread and returns once it is warm. Blocks until then: seconds for a large model.
    pub fn start(model_dir: &Path, load: LoadOptions, options: EngineOptions) -> Result<Self, LoadError> {
        let model_dir = model_dir.to_owned();
        let load = move || {
            let mut classifier = Classifier::load(&model_dir, &load)?;
            classifier.warm_up()?;
            Ok(classifier)
        };
        Self::start_backend(load, options)
    }

    /// As [`Engine::start`], with a double that `load` makes on the new thread.
    pub fn start_with<C: Classify + 'static>(
        load: impl FnOnce() -> Result<C, LoadError> + Send + 'static,
        options: EngineOptions,
    ) -> Result<Self, LoadError> {
        Self::start_backend(move || load().map(Plain), options)
    }

    fn start_backend<B: Backend>(
        load: impl FnOnce() -> Result<B, LoadError> + Send + 'static,
        options: EngineOptions,
    ) -> Result<Self, LoadError> {
        let thread_error = |error: std::io::Error| LoadError::Thread {
            reason: error.to_string(),
        };
        let totals = Arc::new(Totals::default());
        let (state_sender, state) = watch::channel(State::Healthy);
        let (ready_sender, ready) = blocking::sync_channel(1);
        // No place in between: what is in the feeder's hands is all that is prepared ahead.
        let (to_model, calls) = blocking::sync_channel(0);
        let (cache, model_totals) = (options.cache.clone(), Arc::clone(&totals));
        let body = move || {
            let backend = match catch_unwind(AssertUnwindSafe(load)) {
                Ok(Ok(backend)) => backend,
                Ok(Err(error)) => return drop(ready_sender.send(Err(error))),
                Err(panic) => {
                    let reason = panic_text(panic.as_ref());
                    return drop(ready_sender.send(Err(LoadError::Thread { reason })));
                }
            };
            let info = Arc::new(backend.info().clone());
            let cache = cache.map(|cache| ModelCache::new(cache, &info));
            let front = backend.preparer().map(|preparer| {
                Arc::new(Front {
                    preparer,
                    cache,
                    totals: Arc::clone(&model_totals),
                })
            });
            // Whoever asked may be gone; then there is nobody who could call, and the loop ends at once.
            let _ = ready_sender.send(Ok((info, front.clone())));
            let stopped = catch_unwind(AssertUnwindSafe(|| {
                serve(&backend, front.as_deref(), &calls, &model_totals, &state_sender);
            }));
            // Before the state tells: what the model holds must be gone when the engine is said to have ended.
            drop((backend, calls));
            let reason = match stopped {
                Ok(()) => "all its handles are gone".to_owned(),
                Err(panic) => panic_text(panic.as_ref()),
            };
            state_sender.send_replace(State::Stopped { reason });
        };
        let spawned = thread::Builder::new().name("classifier".to_owned()).spawn(body);
        spawned.map_err(thread_error)?;
        let (info, front) = ready.recv().map_err(|_| LoadError::Thread {
            reason: "it ended early".to_owned(),
        })??;

        let threads = options
            .tokenise_threads
            .or_else(|| thread::available_parallelism().ok().map(usize::from));
        let pool = Arc::new(Pool::start(threads.unwrap_or(1)).map_err(thread_error)?);
        if front.is_some() {
            tracing::info!(
                threads = pool.threads(),
                cache_bytes = options.cache.as_ref().map_or(0, |cache| cache.bytes_max()),
                normalise = info.normalise,
                "threads that prepare texts"
            );
        }
        let (work, queue) = blocking::channel();
        let feeder = Feeder {
            pool: Arc::clone(&pool),
            front: front.clone(),
            to_model,
        };
        let spawned = thread::Builder::new()
            .name("feed-classifier".to_owned())
            .spawn(move || feeder.run(&queue));
        spawned.map_err(thread_error)?;
        let inner = Inner {
            places: Arc::new(Semaphore::new(options.queue_max.clamp(1, Semaphore::MAX_PERMITS))),
            work,
            front,
            pool,
            info,
            totals,
        };
        Ok(Self {
            inner: Arc::new(inner),
            state,
        })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.inner.info
    }

    /// What is done to a text before the model sees it; nothing for a double.
    pub(crate) fn rule(&self) -> Normalise {
        self.inner
            .front
            .as_ref()
            .map_or(Normalise::Raw, |front| front.preparer.rule())
    }

    /// What the engine has done since it was started.
    pub fn stats(&self) -> ClassifyStats {
        self.inner.totals.read()
    }

    /// Classifies texts: one outcome per text, in their order. Waits while all places are taken. Dropping the future before
    /// the model's thread has begun with the call spares the work.
    pub async fn classify(&self, texts: Vec<String>) -> Result<Vec<RowOutcome>, EngineError> {
        match self.ask(Asked::Outcomes, texts).await? {
            Answers::Outcomes(outcomes) => Ok(outcomes),
            Answers::Judgements(_) => Err(other_kind()),
        }
    }

    /// As [`Engine::classify`], with the probabilities of every class and without the cache: a call like any other, which waits
    /// its turn.
    pub(crate) async fn judge(
        &self,
        texts: Vec<String>,
    ) -> Result<Vec<Result<Judgement, RowError>>, EngineError> {
        match self.ask(Asked::Judgements, texts).await? {
            Answers::Judgements(judgements) => Ok(judgements),
            Answers::Outcomes(_) => Err(other_kind()),
        }
    }

    async fn ask(&self, asked: Asked, texts: Vec<String>) -> Result<Answers, EngineError> {
        if matches!(*self.state.borrow(), State::Stopped { .. }) {
            return Err(self.stopped());
        }
        let inner = &self.inner;
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&inner.places).acquire_owned().await else {
            return Err(self.stopped());
        };
        let (call, answered) = Call::new(asked, place);
        match &inner.front {
            Some(front) => {
                let (front, work) = (Arc::clone(front), inner.work.clone());
                inner.pool.run(move || front.take(call, texts, &work));
            }
            None => call::send(&inner.work, Work::Texts(call, texts)),
        }
        match answered.await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.stopped_when_known().await),
        }
    }

    /// Whether calls can be expected to succeed: the thread runs and its device did not fail in the last call.
    pub fn is_healthy(&self) -> bool {
        *self.state.borrow() == State::Healthy
    }

    /// Gives this handle up and waits until the thread has ended, which takes until the other handles are gone as well and
    /// the calls are answered.
    pub async fn stop(self) {
        let Self { inner, mut state } = self;
        drop(inner);
        // An error means that the thread, which holds the sender, has ended.
        let _ = state
            .wait_for(|state| matches!(state, State::Stopped { .. }))
            .await;
    }

    /// The thread drops a call's answer before it says why it stops, so the reason may be a moment away.
    async fn stopped_when_known(&self) -> EngineError {
        let mut state = self.state.clone();
        let _ = state
            .wait_for(|state| matches!(state, State::Stopped { .. }))
            .await;
        self.stopped()
    }

    fn stopped(&self) -> EngineError {
        let reason = match &*self.state.borrow() {
            State::Stopped { reason } => reason.clone(),
            _ => "its thread has ended".to_owned(),
        };
        EngineError::Stopped { reason }
    }
}

/// A fault of ours: a call is answered as it asked.
fn other_kind() -> EngineError {
    EngineError::Internal {
        reason: "the call was answered as another kind of call".to_owned(),
    }
}

#[cfg(test)]
mod tests;
