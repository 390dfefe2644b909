//! One test for each line of the delivery contract: redelivery, keeping alive, handing back, and never more than asked.

use crate::harness::{LIMIT, Rig, batch, eventually, pull_count, pull_one, queue_options, stays_empty};
use anyhow::Result;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use turnstone_bus::{Backlog, Bus};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_acked_batch_is_gone_and_acking_twice_is_harmless() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(SHORT)).await?;
    rig.publish(1).await?;
    let delivery = pull_one(&queue).await?;
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 0,
            ack_pending: 1,
            dead: 0
        }
    );
    delivery.ack().await?;
    delivery.ack().await?;
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 0,
            ack_pending: 0,
            dead: 0
        }
    );
    assert!(stays_empty(&queue, 3 * SHORT).await?);
    Ok(())
}

#[tokio::test]
async fn an_unsettled_batch_comes_again_as_attempt_two() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(SHORT)).await?;
    let sent = rig.publish(1).await?;
    let pulled = Instant::now();
    drop(pull_one(&queue).await?);
    let again = pull_one(&queue).await?;
    assert!(
        pulled.elapsed() >= SHORT - Duration::from_millis(50),
        "after {:?}",
        pulled.elapsed()
    );
    assert_eq!((again.attempt, again.body.as_ref().unwrap()), (2, &sent[0]));
    again.ack().await?;
    Ok(())
}

#[tokio::test]
async fn keeping_alive_prevents_redelivery_until_the_guard_is_dropped() -> Result<()> {
    let rig = Rig::start().await?;
    // Longer than elsewhere: a busy machine may hold an extension up for some hundred milliseconds.
    let ack_wait = Duration::from_secs(1);
    let queue = rig.bus.score_queue(&queue_options(ack_wait)).await?;
    rig.publish(1).await?;
    let delivery = pull_one(&queue).await?;
    let guard = delivery.keep_alive();
    assert!(stays_empty(&queue, 3 * ack_wait).await?);
    drop(guard);
    assert_eq!(pull_one(&queue).await?.attempt, 2);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_is_handed_back_rests_for_its_delay() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(LONG)).await?;
    rig.publish(1).await?;
    let delivery = pull_one(&queue).await?;
    let handed_back = Instant::now();
    delivery.retry_after(Duration::from_millis(600)).await?;
    let again = pull_one(&queue).await?;
    let rested = handed_back.elapsed();
    assert!(
        (Duration::from_millis(550)..Duration::from_secs(5)).contains(&rested),
        "{rested:?}"
    );
    assert_eq!(again.attempt, 2);
    again.retry_after(Duration::ZERO).await?;
    assert_eq!(pull_one(&queue).await?.attempt, 3);
    Ok(())
}

#[tokio::test]
async fn an_ack_after_the_deadline_still_ends_the_batch() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(SHORT)).await?;
    rig.publish(1).await?;
    let late = pull_one(&queue).await?;
    let again = pull_one(&queue).await?;
    assert_eq!(again.attempt, 2);
    late.ack().await?;
    // The other worker commits the same rows and acks what is gone; neither waits in vain for an answer.
    timeout(Duration::from_secs(2), again.ack()).await??;
    assert!(stays_empty(&queue, 3 * SHORT).await?);
    Ok(())
}

#[tokio::test]
async fn never_more_than_asked_and_early_with_what_there_is() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(LONG)).await?;
    rig.publish(5).await?;
    assert!(queue.pull(0, LIMIT).await?.is_empty());
    let started = Instant::now();
    let two = queue.pull(2, LIMIT).await?;
    assert_eq!(two.len(), 2);
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 3,
            ack_pending: 2,
            dead: 0
        }
    );
    let rest = queue.pull(100, LIMIT).await?;
    assert_eq!(rest.len(), 3);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "waited {:?} for more",
        started.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn a_waiting_pull_returns_when_something_comes_and_empty_when_nothing_does() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(LONG)).await?;
    let started = Instant::now();
    assert!(queue.pull(4, Duration::from_millis(300)).await?.is_empty());
    assert!(
        (250..1_500).contains(&started.elapsed().as_millis()),
        "{:?}",
        started.elapsed()
    );
    let sent = batch("acme");
    let (pulled, published) = tokio::join!(queue.pull(4, LIMIT), async {
        // The pull has begun to wait once the server knows of its request.
        let stream = rig.raw().await?.get_stream("TURNSTONE_SCORE").await?;
        eventually("a waiting pull", async || {
            stream
                .consumer_info("scorer")
                .await
                .is_ok_and(|info| info.num_waiting == 1)
        })
        .await;
        rig.bus.publish_batch(&sent, "id", None).await?;
        anyhow::Ok(Instant::now())
    });
    let waited = published?.elapsed();
    assert_eq!(pulled?[0].body.as_ref().unwrap(), &sent);
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    Ok(())
}

#[tokio::test]
async fn a_cancelled_pull_loses_nothing() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(LONG)).await?;
    // Cancelled while it waits; what is published then goes to the request that it left behind.
    assert!(
        timeout(Duration::from_millis(100), queue.pull(2, LIMIT))
            .await
            .is_err()
    );
    let started = Instant::now();
    assert!(stays_empty(&queue, Duration::from_millis(300)).await?);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "the time of the cancelled pull was used: {:?}",
        started.elapsed()
    );
    rig.publish(3).await?;
    let deliveries = pull_count(&queue, 3).await?;
    assert!(deliveries.iter().all(|delivery| delivery.attempt == 1));
    Ok(())
}

#[tokio::test]
async fn closing_hands_back_at_once_what_nobody_began() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(LONG)).await?;
    assert!(
        timeout(Duration::from_millis(100), queue.pull(2, LIMIT))
            .await
            .is_err()
    );
    // The request that was left behind is served with the first that comes.
    rig.publish(2).await?;
    eventually("one delivered", async || {
        rig.bus
            .backlog()
            .await
            .is_ok_and(|backlog| backlog.ack_pending == 1)
    })
    .await;
    assert_eq!(queue.close().await, 1);
    assert!(!queue.pull(1, LIMIT).await.unwrap_err().is_retryable());
    let other = rig.bus.score_queue(&queue_options(LONG)).await?;
    assert_eq!(pull_count(&other, 2).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn workers_share_the_queue_and_each_batch_goes_to_one() -> Result<()> {
    let rig = Rig::start().await?;
    let other_bus = Bus::connect(&rig.server.bus_options()).await?;
    let (one, two) = (
        rig.bus.score_queue(&queue_options(LONG)).await?,
        other_bus.score_queue(&queue_options(LONG)).await?,
    );
    let sent: HashSet<_> = rig
        .publish(200)
        .await?
        .into_iter()
        .map(|batch| batch.id)
        .collect();
    let drain = async |queue: &turnstone_bus::ScoreQueue| {
        let mut seen = Vec::new();
        loop {
            let deliveries = queue.pull(8, Duration::from_millis(500)).await?;
            if deliveries.is_empty() {
                return anyhow::Ok(seen);
            }
            for delivery in deliveries {
                delivery.ack().await?;
                seen.push(delivery.body.clone()?.id);
            }
        }
    };
    let (by_one, by_two) = tokio::join!(drain(&one), drain(&two));
    let (by_one, by_two) = (by_one?, by_two?);
    assert!(
        !by_one.is_empty() && !by_two.is_empty(),
        "{} and {}",
        by_one.len(),
        by_two.len()
    );
    assert_eq!(by_one.len() + by_two.len(), 200);
    assert_eq!(by_one.into_iter().chain(by_two).collect::<HashSet<_>>(), sent);
    Ok(())
}

#[tokio::test]
async fn all_workers_together_hold_no_more_than_they_may() -> Result<()> {
    let rig = Rig::start().await?;
    let options = turnstone_bus::ScoreQueueOptions {
        ack_pending_max: 3,
        ..queue_options(LONG)
    };
    let queue = rig.bus.score_queue(&options).await?;
    rig.publish(5).await?;
    let held = queue.pull(5, Duration::from_millis(300)).await?;
    assert_eq!(held.len(), 3);
    assert!(stays_empty(&queue, Duration::from_millis(300)).await?);
    for delivery in &held {
        delivery.ack().await?;
    }
    assert_eq!(pull_count(&queue, 2).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn attempts_past_the_limit_say_so_and_never_end_by_themselves() -> Result<()> {
    let rig = Rig::start().await?;
    let options = turnstone_bus::ScoreQueueOptions {
        deliveries_max: 2,
        ..queue_options(LONG)
    };
    let queue = rig.bus.score_queue(&options).await?;
    rig.publish(1).await?;
    for (attempt, last, exhausted) in [
        (1, false, false),
        (2, true, false),
        (3, true, true),
        (4, true, true),
    ] {
        let delivery = pull_one(&queue).await?;
        assert_eq!(
            (
                delivery.attempt,
                delivery.is_last_attempt(),
                delivery.is_exhausted()
            ),
            (attempt, last, exhausted)
        );
        delivery.retry_after(Duration::ZERO).await?;
    }
    Ok(())
}
