//! A classifier on an OS thread of its own: libtorch blocks for as long as a batch takes, which no async thread may. Calls
//! wait in a bounded queue and are answered in order.

use crate::batching::panic_text;
use crate::classifier::{Classifier, RowOutcome};
use crate::error::{EngineError, LoadError, RowError};
use crate::model_info::ModelInfo;
use crate::options::LoadOptions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, mpsc as blocking};
use std::thread;
use tokio::sync::{mpsc, oneshot, watch};

/// What an engine runs: a [`Classifier`], or a double of it in a test.
pub trait Classify {
    /// What was loaded.
    fn info(&self) -> &ModelInfo;
    /// One outcome per text, in their order.
    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome>;
}

impl Classify for Classifier {
    fn info(&self) -> &ModelInfo {
        Self::info(self)
    }
    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        Self::classify(self, texts)
    }
}

/// Limits of an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Calls that may wait in the queue, at least one; further callers wait for a place.
    pub queue_max: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { queue_max: 4 }
    }
}

/// A handle to the thread; clones share it. The thread ends when the last handle is dropped and the calls are answered.
#[derive(Clone)]
pub struct Engine {
    queue: mpsc::Sender<Call>,
    state: watch::Receiver<State>,
    info: Arc<ModelInfo>,
}

struct Call {
    texts: Vec<String>,
    answer: oneshot::Sender<Result<Vec<RowOutcome>, EngineError>>,
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
        Self::start_with(move || Classifier::load(&model_dir, &load), options)
    }

    /// As [`Engine::start`], with a classifier that `load` makes on the new thread.
    pub fn start_with<C: Classify>(
        load: impl FnOnce() -> Result<C, LoadError> + Send + 'static,
        options: EngineOptions,
    ) -> Result<Self, LoadError> {
        let (queue, calls) = mpsc::channel(options.queue_max.max(1));
        let (state_sender, state) = watch::channel(State::Healthy);
        let (ready_sender, ready) = blocking::sync_channel(1);
        let body = move || {
            let classifier = match catch_unwind(AssertUnwindSafe(load)) {
                Ok(Ok(classifier)) => classifier,
                Ok(Err(error)) => return drop(ready_sender.send(Err(error))),
                Err(panic) => {
                    let reason = panic_text(panic.as_ref());
                    return drop(ready_sender.send(Err(LoadError::Thread { reason })));
                }
            };
            // Whoever asked may be gone; then the queue is closed and the loop ends at once.
            let _ = ready_sender.send(Ok(Arc::new(classifier.info().clone())));
            let stopped = catch_unwind(AssertUnwindSafe(|| serve(&classifier, calls, &state_sender)));
            let reason = match stopped {
                Ok(()) => "all its handles are gone".to_owned(),
                Err(panic) => panic_text(panic.as_ref()),
            };
            state_sender.send_replace(State::Stopped { reason });
        };
        let spawned = thread::Builder::new().name("classifier".to_owned()).spawn(body);
        spawned.map_err(|error| LoadError::Thread {
            reason: error.to_string(),
        })?;
        let info = ready.recv().map_err(|_| LoadError::Thread {
            reason: "it ended early".to_owned(),
        })??;
        Ok(Self { queue, state, info })
    }

    /// What was loaded.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Classifies texts: one outcome per text, in their order. Waits while the queue is full. Dropping the future before
    /// the thread has begun with the call spares the work.
    pub async fn classify(&self, texts: Vec<String>) -> Result<Vec<RowOutcome>, EngineError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(Call { texts, answer })
            .await
            .map_err(|_| self.stopped())?;
        match answered.await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.stopped_when_known().await),
        }
    }

    /// Whether calls can be expected to succeed: the thread runs and its device did not fail in the last call.
    pub fn is_healthy(&self) -> bool {
        *self.state.borrow() == State::Healthy && !self.queue.is_closed()
    }

    /// Gives this handle up and waits until the thread has ended, which takes until the other handles are gone as well and
    /// the calls are answered.
    pub async fn stop(self) {
        let Self {
            queue,
            mut state,
            info: _,
        } = self;
        drop(queue);
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

/// Answers calls until all handles are gone.
fn serve(classifier: &impl Classify, mut calls: mpsc::Receiver<Call>, state: &watch::Sender<State>) {
    while let Some(Call { texts, answer }) = calls.blocking_recv() {
        if answer.is_closed() {
            metrics::counter!("turnstone_classifier_cancelled_rows_total").increment(texts.len() as u64);
            continue;
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let outcome = blame_device(classifier.classify(&texts));
        let now = if outcome.is_ok() {
            State::Healthy
        } else {
            State::DeviceFault
        };
        state.send_if_modified(|state| {
            let changed = *state != now;
            *state = now;
            changed
        });
        // The caller may have gone away meanwhile; nobody wants the answer then.
        let _ = answer.send(outcome);
    }
}

/// Where the device failed, the whole call failed: answering part of it would set rows aside that are not at fault.
fn blame_device(outcomes: Vec<RowOutcome>) -> Result<Vec<RowOutcome>, EngineError> {
    let fault = outcomes.iter().find_map(|outcome| match outcome {
        Err(RowError::Device { reason }) => Some(reason.clone()),
        _ => None,
    });
    match fault {
        Some(reason) => {
            tracing::error!(reason, "the device fails on every row");
            Err(EngineError::Device { reason })
        }
        None => Ok(outcomes),
    }
}
