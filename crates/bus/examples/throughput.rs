//! Measures how fast batches are published, pulled and acked, on an embedded server or on the one at an address.
//! Run with `cargo run --release -p turnstone-bus --example throughput [batches [address]]`.
#![allow(clippy::print_stdout)]

use anyhow::{Context, Result};
use std::path::Path;
use std::time::{Duration, Instant};
use turnstone_bus::embedded::{EmbeddedOptions, NatsServer, program_candidates};
use turnstone_bus::{Bus, BusOptions, Event, Publication, ScoreQueueOptions};
use turnstone_types::{BatchId, CycleId, EntryId, ScoreBatch, TenantId};

#[tokio::main]
async fn main() -> Result<()> {
    let count: usize = std::env::args()
        .nth(1)
        .map_or(Ok(10_000), |text| text.parse())
        .context("batches is a number")?;
    let folder = tempfile::tempdir()?;
    let (server, options) = match std::env::args().nth(2) {
        Some(address) => (None, BusOptions::new(address)),
        None => {
            let started = Instant::now();
            let server = start_server(folder.path()).await?;
            println!("server started in {:?}", started.elapsed());
            let options = server.bus_options();
            (Some(server), options)
        }
    };
    let started = Instant::now();
    let bus = Bus::connect(&options).await?;
    bus.ensure_streams().await?;
    let queue = bus.score_queue(&ScoreQueueOptions::default()).await?;
    println!("connected, streams and consumer made in {:?}", started.elapsed());

    let publications: Vec<Publication> = (0..count)
        .map(|_| ScoreBatch {
            id: BatchId::generate(),
            tenant: TenantId::shared(),
            cycle_id: CycleId::generate(),
            first_entry_id: EntryId::generate(),
            last_entry_id: EntryId::generate(),
            entry_count: 256,
        })
        .map(|batch| Publication {
            message_id: batch.id.to_string(),
            event: Event::Batch(batch),
            trace_parent: None,
        })
        .collect();
    let one_by_one = count.min(200);
    let started = Instant::now();
    for publication in &publications[..one_by_one] {
        if let Event::Batch(batch) = &publication.event {
            bus.publish_batch(batch, &publication.message_id, None).await?;
        }
    }
    report("published one by one", one_by_one, started);
    let started = Instant::now();
    let rest = publications[one_by_one..].to_vec();
    for answer in bus.publish_all(rest).await {
        answer?;
    }
    report("published pipelined", count - one_by_one, started);

    let started = Instant::now();
    let mut acked = 0;
    while acked < count {
        let deliveries = queue.pull(64, Duration::from_secs(5)).await?;
        let acks = deliveries.iter().map(turnstone_bus::Delivery::ack);
        for ack in futures::future::join_all(acks).await {
            ack?;
            acked += 1;
        }
    }
    report("pulled by 64 and acked", count, started);
    if let Some(server) = server {
        server.stop().await;
    }
    Ok(())
}

async fn start_server(folder: &Path) -> Result<NatsServer> {
    let program_candidates = program_candidates(
        std::env::var_os("PATH").as_deref(),
        std::env::current_exe().ok().as_deref(),
        std::env::current_dir().ok().as_deref(),
    );
    Ok(NatsServer::start(EmbeddedOptions {
        program_candidates,
        ..EmbeddedOptions::new(folder.join("nats"))
    })
    .await?)
}

fn report(what: &str, count: usize, started: Instant) {
    println!(
        "{what}: {count} in {:?}, {:.0}/s",
        started.elapsed(),
        count as f64 / started.elapsed().as_secs_f64()
    );
}
