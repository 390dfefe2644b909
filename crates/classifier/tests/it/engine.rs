//! The engine: many callers, cancelled callers, the end of the thread by will and by accident.

use crate::tiny_model::TinyModel;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;
use turnstone_classifier::{
    Classifier, Classify, Engine, EngineError, EngineOptions, LoadError, LoadOptions, ModelInfo, RowError,
    RowOutcome,
};

/// Far longer than anything here takes: reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Holds the engine's thread up until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let open = self.open.lock().unwrap();
        drop(
            self.changed
                .wait_timeout_while(open, PATIENCE, |open| !*open)
                .unwrap(),
        );
    }
}

/// A classifier that is told what to do by its texts.
struct Double {
    info: ModelInfo,
    gate: Arc<Gate>,
    calls: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Classify for Double {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn classify(&self, texts: &[&str]) -> Vec<RowOutcome> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.gate.wait();
        let outcome = |text: &&str| match *text {
            "panic" => panic!("the test asked for it"),
            "device" => Err(RowError::Device {
                reason: "unplugged".to_owned(),
            }),
            text => Err(RowError::Tokenise {
                reason: text.to_owned(),
            }),
        };
        texts.iter().map(outcome).collect()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

struct Stage {
    engine: Engine,
    gate: Arc<Gate>,
    calls: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

fn stage(queue_max: usize) -> Stage {
    let (gate, calls, dropped) = <(Arc<Gate>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let info = ModelInfo {
        name: "double".to_owned(),
        architecture: "Double".into(),
        parameters: 0,
        labels: Vec::new(),
        tokens_max: 1,
        device: "cpu".to_owned(),
        dtype: "f32".to_owned(),
        normalise: "raw".into(),
        stored_dtype: "f32".into(),
        tokenizer: String::new(),
        scores: "softmax".into(),
        warm_up_time: Duration::ZERO,
        dtype_reason: String::new(),
        content_hash: String::new(),
    };
    let double = Double {
        info,
        gate: Arc::clone(&gate),
        calls: Arc::clone(&calls),
        dropped: Arc::clone(&dropped),
    };
    let options = EngineOptions {
        queue_max,
        ..EngineOptions::default()
    };
    let engine = Engine::start_with(move || Ok(double), options).unwrap();
    Stage {
        engine,
        gate,
        calls,
        dropped,
    }
}

fn echo(text: &str) -> RowOutcome {
    Err(RowError::Tokenise {
        reason: text.to_owned(),
    })
}

/// Polls a call once, which puts it into the queue if there is room.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

async fn until(mut condition: impl FnMut() -> bool) {
    in_time(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_each_get_their_own_answers() {
    let (_folder, dir) = TinyModel::new(4).write();
    let alone = Classifier::load(&dir, &LoadOptions::default()).unwrap();
    let options = EngineOptions {
        queue_max: 2,
        ..EngineOptions::default()
    };
    let start = move || Engine::start(&dir, LoadOptions::default(), options);
    let engine = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
    assert_eq!(engine.info().content_hash, alone.info().content_hash);
    let callers: Vec<_> = (0..24)
        .map(|caller| {
            let engine = engine.clone();
            let lines: Vec<String> = (0..caller % 5)
                .map(|line| format!("caller {caller} line {line}"))
                .collect();
            tokio::spawn(async move { (engine.classify(lines.clone()).await.unwrap(), lines) })
        })
        .collect();
    for caller in callers {
        let (outcomes, lines) = in_time(caller).await.unwrap();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for (found, expected) in outcomes.into_iter().zip(alone.classify(&lines)) {
            let (found, expected) = (found.unwrap(), expected.unwrap());
            assert_eq!(found.class, expected.class);
            assert!((found.score - expected.score).abs() < 1e-5);
        }
    }
    assert!(engine.is_healthy());
    in_time(engine.stop()).await;
}

#[tokio::test]
async fn a_call_dropped_before_its_turn_is_not_worked_on() {
    let stage = stage(4);
    let first = stage.engine.classify(texts(&["first"]));
    let mut first = pin!(first);
    assert!(poll_once(first.as_mut()).await.is_none());
    until(|| stage.calls.load(Ordering::SeqCst) == 1).await;
    {
        let second = pin!(stage.engine.classify(texts(&["panic"])));
        assert!(poll_once(second).await.is_none());
    }
    let mut third = pin!(stage.engine.classify(texts(&["third"])));
    assert!(poll_once(third.as_mut()).await.is_none());
    stage.gate.open();
    assert_eq!(in_time(first).await, Ok(vec![echo("first")]));
    assert_eq!(in_time(third).await, Ok(vec![echo("third")]));
    assert_eq!(
        stage.calls.load(Ordering::SeqCst),
        2,
        "the dropped call was not run"
    );
    assert!(stage.engine.is_healthy());
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let stage = stage(1);
    let mut running = pin!(stage.engine.classify(texts(&["1"])));
    assert!(poll_once(running.as_mut()).await.is_none());
    until(|| stage.calls.load(Ordering::SeqCst) == 1).await;
    let mut queued = pin!(stage.engine.classify(texts(&["2"])));
    assert!(poll_once(queued.as_mut()).await.is_none());
    let mut waiting = pin!(stage.engine.classify(texts(&["3"])));
    assert!(poll_once(waiting.as_mut()).await.is_none());
    stage.gate.open();
    let (running, queued, waiting) = in_time(async { tokio::join!(running, queued, waiting) }).await;
    assert_eq!(
        [running, queued, waiting],
        ["1", "2", "3"].map(|text| Ok(vec![echo(text)]))
    );
}

#[tokio::test]
async fn dropping_all_handles_ends_the_thread() {
    let stage = stage(1);
    stage.gate.open();
    let other = stage.engine.clone();
    drop(stage.engine);
    assert_eq!(in_time(other.classify(texts(&["x"]))).await, Ok(vec![echo("x")]));
    assert_eq!(stage.dropped.load(Ordering::SeqCst), 0);
    drop(other);
    until(|| stage.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn stop_waits_for_the_calls_of_other_handles() {
    let stage = stage(4);
    let other = stage.engine.clone();
    let call = tokio::spawn(async move { other.classify(texts(&["running"])).await });
    until(|| stage.calls.load(Ordering::SeqCst) == 1).await;
    let mut stop = pin!(stage.engine.stop());
    assert!(poll_once(stop.as_mut()).await.is_none());
    stage.gate.open();
    in_time(stop).await;
    assert_eq!(in_time(call).await.unwrap(), Ok(vec![echo("running")]));
    until(|| stage.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn a_panic_of_the_thread_reaches_all_who_wait() {
    let stage = stage(4);
    let mut calls: Vec<_> = ["panic", "2", "3"]
        .iter()
        .map(|text| Box::pin(stage.engine.classify(texts(&[text]))))
        .collect();
    for call in &mut calls {
        assert!(poll_once(call.as_mut()).await.is_none());
    }
    stage.gate.open();
    for call in calls {
        let error = in_time(call).await.unwrap_err();
        assert!(error.is_retryable());
        assert!(error.to_string().contains("the test asked for it"), "{error}");
    }
    assert!(!stage.engine.is_healthy());
    let later = in_time(stage.engine.classify(texts(&["later"]))).await;
    assert!(matches!(later, Err(EngineError::Stopped { .. })), "{later:?}");
    in_time(stage.engine.stop()).await;
}

#[tokio::test]
async fn a_device_fault_fails_the_call_and_passes() {
    let stage = stage(1);
    stage.gate.open();
    let outcome = in_time(stage.engine.classify(texts(&["fine", "device"]))).await;
    assert_eq!(
        outcome,
        Err(EngineError::Device {
            reason: "unplugged".to_owned()
        })
    );
    assert!(!stage.engine.is_healthy());
    assert_eq!(
        in_time(stage.engine.classify(texts(&["fine"]))).await,
        Ok(vec![echo("fine")])
    );
    assert!(stage.engine.is_healthy());
}

#[test]
fn a_model_that_cannot_be_loaded_is_an_error_at_start() {
    let start = Engine::start(
        "no such folder".as_ref(),
        LoadOptions::default(),
        EngineOptions::default(),
    );
    assert!(matches!(start.err(), Some(LoadError::NotAFolder { .. })));
    let start = Engine::start_with(
        || -> Result<Double, LoadError> { panic!("in load") },
        EngineOptions::default(),
    );
    let error = start.err().unwrap();
    assert!(
        matches!(&error, LoadError::Thread { reason } if reason.contains("in load")),
        "{error}"
    );
}
