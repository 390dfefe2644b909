//! Dead letters: kept with their reason, listed, put back, and never doubled.

use crate::harness::{Rig, pull_count, pull_one, queue_options, stays_empty};
use anyhow::Result;
use std::time::Duration;
use turnstone_bus::{Backlog, ReplaySelection};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_buried_batch_is_listed_with_its_reason_and_gone_from_the_queue() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(SHORT)).await?;
    assert!(rig.bus.dead_letters(10).await?.is_empty());
    let sent = rig.publish(1).await?;
    drop(pull_one(&queue).await?);
    pull_one(&queue).await?.bury("the entries are gone").await?;
    assert!(stays_empty(&queue, 3 * SHORT).await?);
    let letters = rig.bus.dead_letters(10).await?;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].batch.as_ref(), Some(&sent[0]));
    assert_eq!(letters[0].reason, "the entries are gone");
    assert_eq!(letters[0].subject, "turnstone.score.acme");
    assert_eq!(letters[0].deliveries, 2);
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 0,
            ack_pending: 0,
            dead: 1
        }
    );
    Ok(())
}

#[tokio::test]
async fn a_burial_interrupted_half_way_leaves_one_letter() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig.bus.score_queue(&queue_options(SHORT)).await?;
    rig.publish(1).await?;
    // The letter is written, then the worker dies: its delivery is never ended.
    let delivery = pull_one(&queue).await?;
    let context = rig.raw().await?;
    context
        .delete_consumer_from_stream("scorer", "TURNSTONE_SCORE")
        .await?;
    let error = delivery.bury("first").await.unwrap_err();
    assert!(
        matches!(error, turnstone_bus::BusError::DeliveryGone { .. }),
        "{error}"
    );
    assert_eq!(rig.bus.backlog().await?.dead, 1);
    // The batch comes again, to a worker that buries it as well.
    pull_one(&queue).await?.bury("second").await?;
    let letters = rig.bus.dead_letters(10).await?;
    assert_eq!(
        letters
            .iter()
            .map(|letter| letter.reason.as_str())
            .collect::<Vec<_>>(),
        ["first"]
    );
    assert!(stays_empty(&queue, SHORT).await?);
    Ok(())
}

#[tokio::test]
async fn replaying_puts_back_what_was_asked_for_and_nothing_else() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig
        .bus
        .score_queue(&queue_options(Duration::from_secs(30)))
        .await?;
    let sent = rig.publish(4).await?;
    for delivery in pull_count(&queue, 4).await? {
        delivery.bury("model missing").await?;
    }
    let letters = rig.bus.dead_letters(3).await?;
    assert_eq!(letters.len(), 3);
    let last = rig.bus.dead_letters_after(letters[2].sequence, 10).await?;
    assert_eq!(
        last.iter()
            .map(|letter| letter.batch.clone().unwrap())
            .collect::<Vec<_>>(),
        sent[3..]
    );

    let chosen = ReplaySelection::Sequences(vec![letters[1].sequence, 999]);
    assert_eq!(rig.bus.replay_dead(&chosen).await?, 1);
    assert_eq!(rig.bus.replay_dead(&chosen).await?, 0);
    let replayed = pull_one(&queue).await?;
    assert_eq!((replayed.attempt, replayed.body.as_ref().unwrap()), (1, &sent[1]));
    // It fails again: a letter of its own, since it is a new message.
    replayed.bury("still missing").await?;
    assert_eq!(rig.bus.backlog().await?.dead, 4);

    assert_eq!(rig.bus.replay_dead(&ReplaySelection::All).await?, 4);
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 4,
            ack_pending: 0,
            dead: 0
        }
    );
    for delivery in pull_count(&queue, 4).await? {
        delivery.ack().await?;
    }
    Ok(())
}

#[tokio::test]
async fn replaying_twice_at_once_puts_each_back_once() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig
        .bus
        .score_queue(&queue_options(Duration::from_secs(30)))
        .await?;
    rig.publish(20).await?;
    for delivery in pull_count(&queue, 20).await? {
        delivery.bury("reason").await?;
    }
    let (one, two) = tokio::join!(
        rig.bus.replay_dead(&ReplaySelection::All),
        rig.bus.replay_dead(&ReplaySelection::All)
    );
    assert_eq!(one? + two?, 20);
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 20,
            ack_pending: 0,
            dead: 0
        }
    );
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_no_batch_is_delivered_as_such_and_can_be_buried() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig
        .bus
        .score_queue(&queue_options(Duration::from_secs(30)))
        .await?;
    let context = rig.raw().await?;
    for body in [&b"\xff\xffgarbage"[..], b""] {
        context
            .publish("turnstone.score.acme", body.into())
            .await?
            .await?;
        let delivery = pull_one(&queue).await?;
        let error = delivery.body.as_ref().unwrap_err().to_string();
        delivery.bury(&error).await?;
    }
    let letters = rig.bus.dead_letters(10).await?;
    assert_eq!(letters.len(), 2);
    assert!(
        letters
            .iter()
            .all(|letter| letter.batch.is_none() && letter.reason.contains("score batch")),
        "{letters:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_letter_that_names_another_subject_is_not_published_there() -> Result<()> {
    use prost::Message;
    let rig = Rig::start().await?;
    let letter = turnstone_proto::v1::DeadLetter {
        subject: "turnstone.glean.acme".to_owned(),
        ..turnstone_proto::v1::DeadLetter::default()
    };
    let context = rig.raw().await?;
    context
        .publish("turnstone.dead.acme", letter.encode_to_vec().into())
        .await?
        .await?;
    assert!(
        !rig.bus
            .replay_dead(&ReplaySelection::All)
            .await
            .unwrap_err()
            .is_retryable()
    );
    assert_eq!(
        context
            .get_stream("TURNSTONE_GLEAN")
            .await?
            .cached_info()
            .state
            .messages,
        0
    );
    assert_eq!(rig.bus.backlog().await?.dead, 1);
    Ok(())
}
