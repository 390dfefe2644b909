//! Publishing: one copy for each message id, answers in order, and what a full stream says.

use crate::harness::{Rig, batch, pull_count, pull_one, queue_options};
use anyhow::Result;
use std::time::Duration;
use turnstone_bus::{Backlog, Bus, BusError, BusOptions, Event, Publication, StreamLimits};
use turnstone_types::{CycleEvent, CycleId, SourceId, TenantId, Timestamp};

#[tokio::test]
async fn a_repeated_message_id_is_stored_once() -> Result<()> {
    let rig = Rig::start().await?;
    let first = batch("acme");
    let stored = rig.bus.publish_batch(&first, "id-1", None).await?;
    let repeated = rig.bus.publish_batch(&first, "id-1", None).await?;
    assert!(!stored.duplicate && repeated.duplicate);
    assert_eq!(stored.sequence, repeated.sequence);
    assert_eq!(
        rig.bus.backlog().await?,
        Backlog {
            pending: 1,
            ack_pending: 0,
            dead: 0
        }
    );
    Ok(())
}

#[tokio::test]
async fn a_batch_arrives_as_it_was_sent_with_its_trace() -> Result<()> {
    let rig = Rig::start().await?;
    let queue = rig
        .bus
        .score_queue(&queue_options(Duration::from_secs(30)))
        .await?;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for tenant in ["acme", ""] {
        let sent = batch(tenant);
        rig.bus
            .publish_batch(&sent, sent.id.as_str(), Some(trace))
            .await?;
        let delivery = pull_one(&queue).await?;
        assert_eq!(delivery.body.as_ref().unwrap(), &sent);
        assert_eq!(delivery.trace_parent.as_deref(), Some(trace));
        assert_eq!(delivery.attempt, 1);
        delivery.ack().await?;
    }
    Ok(())
}

#[tokio::test]
async fn many_are_published_in_order_and_answered_in_order() -> Result<()> {
    let rig = Rig::start().await?;
    let event = CycleEvent {
        cycle_id: CycleId::generate(),
        tenant: TenantId::shared(),
        started_at: Timestamp::now(),
        closed_at: Timestamp::now(),
        entry_count: 3,
        sources: vec![(SourceId::new("ssh")?, 3)],
    };
    let batches: Vec<_> = (0..1_000).map(|_| batch("acme")).collect();
    let mut publications: Vec<Publication> = batches
        .iter()
        .map(|batch| Publication {
            event: Event::Batch(batch.clone()),
            message_id: batch.id.to_string(),
            trace_parent: None,
        })
        .collect();
    publications.push(Publication {
        event: Event::Cycle(event),
        message_id: "cycle".to_owned(),
        trace_parent: None,
    });
    let answers = rig.bus.publish_all(publications.clone()).await;
    assert_eq!(answers.len(), 1_001);
    for (index, answer) in answers[..1_000].iter().enumerate() {
        assert_eq!(answer.as_ref().unwrap().sequence, index as u64 + 1);
    }
    assert!(answers[1_000].is_ok());
    let queue = rig
        .bus
        .score_queue(&queue_options(Duration::from_secs(30)))
        .await?;
    let received: Vec<_> = pull_count(&queue, 1_000)
        .await?
        .iter()
        .map(|d| d.body.clone().unwrap())
        .collect();
    assert_eq!(received, batches);
    // Everything again: nothing new is stored.
    assert!(
        rig.bus
            .publish_all(publications)
            .await
            .iter()
            .all(|answer| answer.as_ref().unwrap().duplicate)
    );
    Ok(())
}

#[tokio::test]
async fn a_full_queue_refuses_retryably_and_takes_more_once_there_is_room() -> Result<()> {
    let rig = Rig::start_with(|options| {
        options.score_limits = StreamLimits {
            bytes_max: 4_096,
            age_max: Duration::ZERO,
        };
    })
    .await?;
    let batches: Vec<_> = (0..100).map(|_| batch("acme")).collect();
    let publications: Vec<Publication> = batches
        .iter()
        .map(|batch| Publication {
            event: Event::Batch(batch.clone()),
            message_id: batch.id.to_string(),
            trace_parent: None,
        })
        .collect();
    let answers = rig.bus.publish_all(publications.clone()).await;
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((1..100).contains(&stored), "{stored} stored");
    let refused = answers.into_iter().find_map(Result::err).unwrap();
    assert!(
        matches!(refused, BusError::Overloaded { .. }) && refused.is_retryable(),
        "{refused}"
    );
    // What was accepted is all still there: the newest is refused, the oldest is never dropped.
    let queue = rig
        .bus
        .score_queue(&queue_options(Duration::from_secs(30)))
        .await?;
    let deliveries = pull_count(&queue, stored).await?;
    for (delivery, batch) in deliveries.iter().zip(&batches) {
        assert_eq!(delivery.body.as_ref().unwrap(), batch);
        delivery.ack().await?;
    }
    let again = rig.bus.publish_all(publications).await;
    assert!(again[stored].as_ref().is_ok_and(|answer| !answer.duplicate));
    Ok(())
}

#[tokio::test]
async fn an_address_where_nobody_answers_is_named_in_the_error() -> Result<()> {
    let started = tokio::time::Instant::now();
    let options = BusOptions {
        connect_timeout: Duration::from_secs(2),
        ..BusOptions::new("nats://user:hunter2@127.0.0.1:1")
    };
    let error = Bus::connect(&options).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(5));
    let shown = format!("{error} {error:?}");
    assert!(matches!(error, BusError::Connect { .. }), "{shown}");
    assert!(
        shown.contains("127.0.0.1:1") && !shown.contains("hunter2"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn wrong_credentials_are_refused_for_good() -> Result<()> {
    let rig = Rig::start().await?;
    let error = Bus::connect(&BusOptions::new(rig.server.address()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, BusError::Refused { .. }) && !error.is_retryable(),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn streams_can_be_made_by_many_at_once_and_take_new_settings() -> Result<()> {
    let rig = Rig::start().await?;
    let options = rig.server.bus_options();
    let mut connections = Vec::new();
    for _ in 0..8 {
        connections.push(Bus::connect(&options).await?);
    }
    let context = rig.raw().await?;
    context.delete_stream("TURNSTONE_SCORE").await?;
    let made = futures::future::join_all(connections.iter().map(Bus::ensure_streams)).await;
    for made in made {
        made?;
    }
    let mut other = options.clone();
    other.score_limits.bytes_max = 1_000_000;
    other.duplicate_window = Duration::from_secs(60);
    Bus::connect(&other).await?.ensure_streams().await?;
    let config = context
        .get_stream("TURNSTONE_SCORE")
        .await?
        .cached_info()
        .config
        .clone();
    assert_eq!(
        (config.max_bytes, config.duplicate_window),
        (1_000_000, Duration::from_secs(60))
    );
    Ok(())
}

#[tokio::test]
async fn credentials_may_stand_in_the_address() -> Result<()> {
    use secrecy::ExposeSecret;
    let rig = Rig::start().await?;
    let host = rig.server.address().trim_start_matches("nats://");
    let options = BusOptions::new(format!("nats://{}@{host}", rig.server.token().expose_secret()));
    Bus::connect(&options).await?.ensure_streams().await?;
    let error = Bus::connect(&BusOptions::new(format!("nats://someone:else@{host}")))
        .await
        .unwrap_err();
    assert!(matches!(error, BusError::Refused { .. }), "{error}");
    Ok(())
}
