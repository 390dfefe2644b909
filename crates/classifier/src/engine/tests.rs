//! How far ahead of the model texts are prepared, with the bundled model's tokenizer and a model that waits to be let go.

use super::serve::Backend;
use super::*;
use crate::batching::{Logits, Wanted};
use crate::error::RowError;
use crate::prepare::TextPreparer;
use crate::tokens::TokenRow;
use std::future::Future;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Far longer than anything here takes: reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the number of rows of each call, then waits for leave to answer it.
struct Held {
    info: ModelInfo,
    preparer: Arc<TextPreparer>,
    entered: Sender<usize>,
    leave: Receiver<()>,
}

impl Backend for Held {
    fn info(&self) -> &ModelInfo {
        &self.info
    }
    fn preparer(&self) -> Option<Arc<TextPreparer>> {
        Some(Arc::clone(&self.preparer))
    }
    fn logits(&self, rows: &[&TokenRow], _: &Wanted<'_>) -> Vec<Result<Logits, RowError>> {
        let _ = self.entered.send(rows.len());
        let _ = self.leave.recv_timeout(PATIENCE);
        rows.iter().map(|row| Ok(vec![row.len() as f32; 7])).collect()
    }
    fn classify(&self, _: &[&str]) -> Vec<RowOutcome> {
        Vec::new()
    }
}

fn held(cache: Option<Arc<ScoreCache>>) -> (Engine, Receiver<usize>, Sender<()>) {
    let (entered_sender, entered) = channel();
    let (leave, leave_receiver) = channel();
    let load = move || {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/turnstone-mini");
        // The texts of these tests differ in numbers only, which a template would mask.
        let options = LoadOptions {
            normalise: Some(Normalise::Raw),
            ..LoadOptions::default()
        };
        let classifier = Classifier::load(&model, &options)?;
        Ok(Held {
            info: classifier.info().clone(),
            preparer: Arc::clone(classifier.preparer()),
            entered: entered_sender,
            leave: leave_receiver,
        })
    };
    let options = EngineOptions {
        queue_max: 16,
        tokenise_threads: Some(2),
        cache,
    };
    (
        Engine::start_backend(load, options).expect("started"),
        entered,
        leave,
    )
}

fn texts(call: usize, rows: usize) -> Vec<String> {
    (0..rows).map(|row| format!("call {call} row {row}")).collect()
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
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
async fn one_call_is_ready_while_another_is_in_the_model_and_no_more() {
    let (engine, entered, leave) = held(None);
    let calls: Vec<_> = (0..6)
        .map(|call| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.classify(texts(call, call + 1)).await })
        })
        .collect();
    let totals = &engine.inner.totals;
    let mut order = vec![entered.recv_timeout(PATIENCE).expect("the first call")];
    for done in 1..6_u64 {
        // All six are looked up; beside those in the model or through it, exactly one has its tokens.
        until(|| totals.read().rows == 21 && totals.tokenised_calls() == done + 1).await;
        leave.send(()).expect("the model waits");
        order.push(entered.recv_timeout(PATIENCE).expect("the next call"));
        assert!(
            totals.tokenised_calls() <= done + 2,
            "{} after {done}",
            totals.tokenised_calls()
        );
    }
    leave.send(()).expect("the model waits");
    for (call, answer) in calls.into_iter().enumerate() {
        let outcomes = in_time(answer).await.expect("no panic").expect("answered");
        assert_eq!(outcomes.len(), call + 1);
    }
    order.sort_unstable();
    assert_eq!(order, [1, 2, 3, 4, 5, 6]);
    assert_eq!(totals.tokenised_calls(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_whose_lines_are_known_overtake_the_model() {
    let (engine, entered, leave) = held(ScoreCache::new(1 << 20));
    leave.send(()).expect("the model waits");
    let first = in_time(engine.classify(texts(0, 3))).await.expect("answered");
    assert_eq!(entered.recv_timeout(PATIENCE), Ok(3));
    let busy = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.classify(texts(1, 2)).await })
    };
    assert_eq!(entered.recv_timeout(PATIENCE), Ok(2));
    // The model is held, yet what is known is answered.
    assert_eq!(
        in_time(engine.classify(texts(0, 3))).await.expect("answered"),
        first
    );
    assert!(!busy.is_finished());
    leave.send(()).expect("the model waits");
    assert_eq!(in_time(busy).await.expect("no panic").expect("answered").len(), 2);
}
