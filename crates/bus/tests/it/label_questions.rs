//! Questions about labels: who gets them, what askers are told where nobody answers, and what a lost server changes.

use crate::harness::{FragileServer, LIMIT, Rig, eventually};
use anyhow::{Context, Result, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use turnstone_bus::{AnswerLimits, AskError, Bus, BusError, LabelQuestion};
use turnstone_proto::v1;
use turnstone_proto::v1::explain_label_failure::Kind;
use turnstone_proto::v1::explain_label_reply::Result as Reply;

/// A scorer that runs until its sender is dropped or used.
struct Answering {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), BusError>>,
}

impl Answering {
    fn start<R>(bus: &Bus, limits: AnswerLimits, answer: fn(LabelQuestion) -> R) -> Self
    where
        R: Future<Output = v1::ExplainLabelReply> + Send + 'static,
    {
        Self::start_with(bus, limits, answer)
    }

    fn start_with<F, R>(bus: &Bus, limits: AnswerLimits, answer: F) -> Self
    where
        F: Fn(LabelQuestion) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = v1::ExplainLabelReply> + Send + 'static,
    {
        let (bus, (stop, stopped)) = (bus.clone(), oneshot::channel::<()>());
        let task = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            bus.answer_explain_label(limits, stopped, answer).await
        });
        Self { stop, task }
    }

    async fn stop(self) -> Result<()> {
        let _ = self.stop.send(());
        Ok(timeout(LIMIT, self.task).await???)
    }
}

fn query(entry_id: &str) -> v1::ExplainLabelQuery {
    v1::ExplainLabelQuery {
        tenant_id: "acme".to_owned(),
        entry_id: entry_id.to_owned(),
    }
}

/// An answer that tells what was asked.
fn named(name: &str) -> v1::ExplainLabelReply {
    v1::ExplainLabelReply {
        result: Some(Reply::Explanation(v1::LabelExplanation {
            anomaly_label: name.to_owned(),
            ..v1::LabelExplanation::default()
        })),
    }
}

async fn echo(question: LabelQuestion) -> v1::ExplainLabelReply {
    let trace = question.trace_parent.unwrap_or_default();
    named(&format!(
        "{}/{}/{trace}",
        question.query.tenant_id, question.query.entry_id
    ))
}

fn kind(reply: &v1::ExplainLabelReply) -> Option<Kind> {
    match reply.result.as_ref()? {
        Reply::Failure(failure) => Some(failure.kind()),
        Reply::Explanation(_) => None,
    }
}

/// Asks until somebody answers, as the subscription of one that has just started may not be there yet.
async fn ask_until_answered(bus: &Bus) -> Result<v1::ExplainLabelReply> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match bus
            .ask_explain_label(&query("e1"), None, Duration::from_secs(1))
            .await
        {
            Ok(reply) => return Ok(reply),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn one_of_the_scorers_answers_with_the_askers_trace() -> Result<()> {
    let rig = Rig::start().await?;
    let asked = Arc::new(AtomicUsize::new(0));
    let scorers: Vec<Answering> = (0..3)
        .map(|_| {
            let asked = Arc::clone(&asked);
            Answering::start_with(&rig.bus, AnswerLimits::default(), move |question| {
                asked.fetch_add(1, Ordering::SeqCst);
                echo(question)
            })
        })
        .collect();
    ask_until_answered(&rig.bus).await?;
    asked.store(0, Ordering::SeqCst);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for _ in 0..10 {
        let reply = rig
            .bus
            .ask_explain_label(&query("e1"), Some(trace), LIMIT)
            .await?;
        assert_eq!(reply, named(&format!("acme/e1/{trace}")));
    }
    // A context that would forge headers is left out.
    let reply = rig
        .bus
        .ask_explain_label(&query("e1"), Some("00-1\r\nNats-Rollup: all"), LIMIT)
        .await?;
    assert_eq!(reply, named("acme/e1/"));
    assert_eq!(asked.load(Ordering::SeqCst), 11);
    for scorer in scorers {
        scorer.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn askers_are_told_at_once_that_nobody_is_there_before_and_after_a_scorer() -> Result<()> {
    let rig = Rig::start().await?;
    let started = Instant::now();
    let nobody = rig.bus.ask_explain_label(&query("e1"), None, LIMIT).await;
    assert!(matches!(nobody, Err(AskError::NoResponders)), "{nobody:?}");
    let scorer = Answering::start(&rig.bus, AnswerLimits::default(), echo);
    ask_until_answered(&rig.bus).await?;
    scorer.stop().await?;
    let nobody = rig.bus.ask_explain_label(&query("e1"), None, LIMIT).await;
    assert!(matches!(nobody, Err(AskError::NoResponders)), "{nobody:?}");
    assert!(started.elapsed() < LIMIT / 2);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_a_timeout_for_the_asker_and_busy_in_the_end() -> Result<()> {
    let rig = Rig::start().await?;
    let limits = AnswerLimits {
        answer_time_max: Duration::from_millis(600),
        ..AnswerLimits::default()
    };
    let scorer = Answering::start(&rig.bus, limits, |_| std::future::pending());
    // The first that comes to it: before, there was nobody.
    let asked = query("e1");
    eventually("somebody takes questions", async || {
        let answer = rig.bus.ask_explain_label(&asked, None, Duration::from_millis(50));
        matches!(answer.await, Err(AskError::TimedOut { .. }))
    })
    .await;
    let deadline = Instant::now() + LIMIT;
    loop {
        ensure!(Instant::now() < deadline, "the places never came back");
        let reply = rig.bus.ask_explain_label(&query("e1"), None, LIMIT).await?;
        assert_eq!(kind(&reply), Some(Kind::Busy));
        let Some(Reply::Failure(failure)) = reply.result else {
            continue;
        };
        // Not for want of a place, but since its own time was over: places are given back.
        if failure.reason.contains("no time") {
            break;
        }
    }
    scorer.stop().await
}

#[tokio::test]
async fn more_than_are_in_hand_are_told_busy_and_those_in_hand_are_finished_at_the_stop() -> Result<()> {
    let rig = Rig::start().await?;
    let (entered, leave) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let limits = AnswerLimits {
        in_hand_max: 2,
        ..AnswerLimits::default()
    };
    let scorer = {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        Answering::start_with(&rig.bus, limits, move |question| {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move {
                if question.query.entry_id != "held" {
                    return echo(question).await;
                }
                let left = leave.notified();
                entered.fetch_add(1, Ordering::SeqCst);
                left.await;
                named("finished")
            }
        })
    };
    ask_until_answered(&rig.bus).await?;
    let held: Vec<_> = (0..2)
        .map(|_| {
            let bus = rig.bus.clone();
            tokio::spawn(async move { bus.ask_explain_label(&query("held"), None, LIMIT).await })
        })
        .collect();
    eventually("two are in hand", async || entered.load(Ordering::SeqCst) == 2).await;
    let reply = rig.bus.ask_explain_label(&query("e1"), None, LIMIT).await?;
    assert_eq!(kind(&reply), Some(Kind::Busy));
    let stopping = tokio::spawn(scorer.stop());
    eventually("nobody takes questions", async || {
        let asked = rig.bus.ask_explain_label(&query("e1"), None, LIMIT).await;
        matches!(asked, Err(AskError::NoResponders))
    })
    .await;
    leave.notify_waiters();
    for held in held {
        assert_eq!(held.await??, named("finished"));
    }
    stopping.await?
}

#[tokio::test]
async fn a_panic_and_a_question_that_is_none_are_answered() -> Result<()> {
    let rig = Rig::start().await?;
    let scorer = Answering::start(&rig.bus, AnswerLimits::default(), |question| async move {
        assert!(question.query.entry_id != "poison", "the test asked for it");
        echo(question).await
    });
    ask_until_answered(&rig.bus).await?;
    let reply = rig.bus.ask_explain_label(&query("poison"), None, LIMIT).await?;
    assert_eq!(kind(&reply), Some(Kind::Internal));
    let raw = rig.raw().await?;
    let answer = raw
        .client()
        .request("turnstone.explain_label", "\u{0}\u{1}x".into())
        .await?;
    let reply = <v1::ExplainLabelReply as prost::Message>::decode(answer.payload)?;
    assert_eq!(kind(&reply), Some(Kind::Internal));
    // It goes on.
    assert_eq!(ask_until_answered(&rig.bus).await?, named("acme/e1/"));
    scorer.stop().await
}

#[tokio::test]
async fn without_a_server_askers_hear_in_time_and_a_server_that_comes_finds_both_ends() -> Result<()> {
    let mut server = FragileServer::start().await?;
    let options = server.options();
    server.kill()?;
    // Neither end has ever seen the server.
    let (asker, scorer) = (
        Bus::connect_in_background(&options).await?,
        Bus::connect_in_background(&options).await?,
    );
    assert!(!asker.is_connected());
    let answering = Answering::start(&scorer, AnswerLimits::default(), echo);
    let started = Instant::now();
    let refused = asker.ask_explain_label(&query("e1"), None, LIMIT).await;
    assert!(matches!(refused, Err(AskError::Unavailable(_))), "{refused:?}");
    assert!(started.elapsed() < LIMIT / 2, "{:?}", started.elapsed());

    for _ in 0..2 {
        server.start_again().await?;
        let reply = ask_until_answered(&asker).await.context("after the start")?;
        assert_eq!(reply, named("acme/e1/"));
        server.kill()?;
        eventually("disconnected", async || !asker.is_connected()).await;
    }
    let refused = asker
        .ask_explain_label(&query("e1"), None, Duration::from_millis(100))
        .await;
    assert!(matches!(refused, Err(AskError::Unavailable(_))), "{refused:?}");
    // It ends although nobody can be told.
    answering.stop().await
}

#[tokio::test]
async fn options_that_cannot_be_used_are_refused_in_the_background_too() {
    let refused = Bus::connect_in_background(&turnstone_bus::BusOptions::new("http://nowhere")).await;
    assert!(matches!(refused, Err(BusError::Invalid { .. })), "{refused:?}");
}
