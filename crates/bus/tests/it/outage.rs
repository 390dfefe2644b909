//! What happens when the server goes away, comes back, or comes back with nothing: no intervention, and nothing lost.

use crate::harness::{FragileServer, LIMIT, batch, eventually, pull_one, queue_options, stays_empty};
use anyhow::{Result, ensure};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use turnstone_bus::{Backlog, Bus, BusError, Event, Publication};

const ACK_WAIT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_server_that_restarts_in_the_middle_of_everything_loses_nothing() -> Result<()> {
    let mut server = FragileServer::start().await?;
    let publisher = Bus::connect(&server.options()).await?;
    let worker = Bus::connect(&server.options()).await?;
    publisher.ensure_streams().await?;
    let queue = worker.score_queue(&queue_options(ACK_WAIT)).await?;

    let mut waiting: Vec<Publication> = (0..600)
        .map(|_| batch("acme"))
        .map(|batch| Publication {
            message_id: batch.id.to_string(),
            event: Event::Batch(batch),
            trace_parent: None,
        })
        .collect();
    let sent: HashSet<String> = waiting
        .iter()
        .map(|publication| publication.message_id.clone())
        .collect();
    // As ingest does it: what is not confirmed stays and is published again under the same id.
    let publish = async {
        while !waiting.is_empty() {
            let chunk: Vec<_> = waiting.iter().take(20).cloned().collect();
            let answers = publisher.publish_all(chunk.clone()).await;
            let confirmed: HashSet<String> = chunk
                .into_iter()
                .zip(&answers)
                .filter(|(_, a)| a.is_ok())
                .map(|(p, _)| p.message_id)
                .collect();
            waiting.retain(|publication| !confirmed.contains(&publication.message_id));
            let fault = answers.into_iter().find_map(Result::err);
            ensure!(
                fault.as_ref().is_none_or(BusError::is_retryable),
                "not retryable: {fault:?}"
            );
            sleep(Duration::from_millis(5)).await;
        }
        anyhow::Ok(())
    };
    let (half_done, half_was_done) = tokio::sync::oneshot::channel();
    let work = async {
        let mut half_done = Some(half_done);
        let mut done = HashSet::new();
        let deadline = Instant::now() + LIMIT;
        while done.len() < sent.len() {
            ensure!(Instant::now() < deadline, "{} of {} done", done.len(), sent.len());
            let deliveries = match queue.pull(16, Duration::from_millis(500)).await {
                Ok(deliveries) => deliveries,
                Err(error) if error.is_retryable() => continue,
                Err(error) => return Err(error.into()),
            };
            for delivery in deliveries {
                // The rows are committed here; an ack that fails brings the batch back, which changes nothing.
                done.insert(delivery.body.clone()?.id.to_string());
                if let Err(error) = delivery.ack().await {
                    ensure!(
                        error.is_retryable() || matches!(error, BusError::DeliveryGone { .. }),
                        "{error}"
                    );
                }
            }
            if done.len() >= 150
                && let Some(half_done) = half_done.take()
            {
                let _ = half_done.send(());
            }
        }
        anyhow::Ok(done)
    };
    let disturb = async {
        half_was_done.await?;
        for _ in 0..2 {
            server.kill()?;
            server.start_again().await?;
        }
        anyhow::Ok(())
    };
    let (published, done, disturbed) = tokio::join!(publish, work, disturb);
    published?;
    disturbed?;
    assert_eq!(done?, sent);
    // Batches whose ack was lost come once more, and then the queue is empty for good.
    let deadline = Instant::now() + LIMIT;
    while worker.backlog().await?
        != (Backlog {
            pending: 0,
            ack_pending: 0,
            dead: 0,
        })
    {
        ensure!(Instant::now() < deadline, "left: {:?}", worker.backlog().await?);
        for delivery in queue.pull(16, Duration::from_millis(200)).await? {
            delivery.ack().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_lost_its_data_gets_its_streams_and_consumer_back() -> Result<()> {
    let mut server = FragileServer::start().await?;
    let bus = Bus::connect(&server.options()).await?;
    bus.ensure_streams().await?;
    let queue = bus.score_queue(&queue_options(ACK_WAIT)).await?;
    bus.publish_batch(&batch("acme"), "lost", None).await?;
    let held = pull_one(&queue).await?;

    server.kill()?;
    server.lose_everything()?;
    server.start_again().await?;

    eventually("connected", async || bus.is_connected()).await;
    // The worker finishes what it held: its commit stands, and the ack says that there is nothing to ack.
    assert!(matches!(
        held.ack().await.unwrap_err(),
        BusError::DeliveryGone { .. }
    ));
    // A worker asks before anybody has published: the pull makes stream and consumer.
    assert!(stays_empty(&queue, Duration::from_millis(500)).await?);
    // The ids of the old stream are forgotten, so what the outbox sends again is taken.
    let sent = batch("acme");
    assert!(!bus.publish_batch(&sent, "lost", None).await?.duplicate);
    let delivery = pull_one(&queue).await?;
    assert_eq!(delivery.body.as_ref().unwrap(), &sent);
    delivery.bury("the dead letter stream is back as well").await?;
    assert_eq!(
        bus.backlog().await?,
        Backlog {
            pending: 0,
            ack_pending: 0,
            dead: 1
        }
    );
    Ok(())
}

#[tokio::test]
async fn streams_and_consumer_that_somebody_deleted_come_back_while_in_use() -> Result<()> {
    let server = FragileServer::start().await?;
    let bus = Bus::connect(&server.options()).await?;
    bus.ensure_streams().await?;
    let queue = bus.score_queue(&queue_options(ACK_WAIT)).await?;
    let context = async_nats::jetstream::new(async_nats::connect(server.options().address).await?);

    context
        .delete_consumer_from_stream("scorer", "TURNSTONE_SCORE")
        .await?;
    bus.publish_batch(&batch("acme"), "one", None).await?;
    pull_one(&queue).await?.ack().await?;

    for stream in ["TURNSTONE_SCORE", "TURNSTONE_GLEAN", "TURNSTONE_DEAD"] {
        context.delete_stream(stream).await?;
    }
    assert_eq!(
        bus.backlog().await?,
        Backlog {
            pending: 0,
            ack_pending: 0,
            dead: 0
        }
    );
    let publications: Vec<Publication> = (0..50)
        .map(|_| batch("acme"))
        .map(|batch| Publication {
            message_id: batch.id.to_string(),
            event: Event::Batch(batch),
            trace_parent: None,
        })
        .collect();
    assert!(bus.publish_all(publications).await.iter().all(Result::is_ok));
    pull_one(&queue).await?.ack().await?;
    Ok(())
}

#[tokio::test]
async fn without_a_server_calls_fail_in_time_and_work_again_when_it_is_back() -> Result<()> {
    let mut server = FragileServer::start().await?;
    let options = server.options();
    let bus = Bus::connect(&options).await?;
    bus.ensure_streams().await?;
    let queue = bus.score_queue(&queue_options(ACK_WAIT)).await?;
    server.kill()?;
    eventually("disconnected", async || !bus.is_connected()).await;

    let started = Instant::now();
    let publications: Vec<Publication> = (0..5_000)
        .map(|_| batch("acme"))
        .map(|batch| Publication {
            message_id: batch.id.to_string(),
            event: Event::Batch(batch),
            trace_parent: None,
        })
        .collect();
    let answers = bus.publish_all(publications).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_err_and(BusError::is_retryable))
    );
    // One wait for the connection, not one for each message.
    assert!(
        started.elapsed() < options.publish_timeout * 2,
        "{:?}",
        started.elapsed()
    );
    assert!(
        queue
            .pull(1, Duration::from_millis(200))
            .await
            .unwrap_err()
            .is_retryable()
    );
    assert!(bus.backlog().await.unwrap_err().is_retryable());

    server.start_again().await?;
    let sent = batch("acme");
    eventually("published", async || {
        bus.publish_batch(&sent, "back", None).await.is_ok()
    })
    .await;
    // What failed while there was no server was not kept back and sent now.
    assert_eq!(bus.backlog().await?.pending, 1);
    assert_eq!(pull_one(&queue).await?.body.as_ref().unwrap(), &sent);
    Ok(())
}
