//! `turnstone bus dead list|replay`.

use super::up::EmbeddedQueue;
use crate::arguments::{Bus, Dead, Format, Queue, Shared};
use crate::connection::{database_url, load_config, open_existing_store};
use crate::output::{escape_controls, grouped, print_json, to_the_second};
use anyhow::Context;
use serde::Serialize;
use std::io::Write;
use turnstone_bus::{DeadLetter, ReplaySelection};
use turnstone_service::{Config, Secret, backends};
use turnstone_store::StoreErrorKind;
use turnstone_types::Timestamp;

#[derive(Serialize)]
struct DeadRow {
    sequence: u64,
    subject: String,
    reason: String,
    deliveries: u64,
    dead_at: Timestamp,
    batch_id: Option<String>,
    cycle_id: Option<String>,
    entry_count: Option<u32>,
}

impl From<DeadLetter> for DeadRow {
    fn from(letter: DeadLetter) -> Self {
        Self {
            sequence: letter.sequence,
            subject: letter.subject,
            reason: letter.reason,
            deliveries: letter.deliveries,
            dead_at: letter.dead_at,
            batch_id: letter.batch.as_ref().map(|batch| batch.id.to_string()),
            cycle_id: letter.batch.as_ref().map(|batch| batch.cycle_id.to_string()),
            entry_count: letter.batch.as_ref().map(|batch| batch.entry_count),
        }
    }
}

/// Runs the command.
pub async fn run(shared: Shared, command: Bus) -> anyhow::Result<()> {
    let Bus::Dead(command) = command;
    let config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    match command {
        Dead::List { limit, format, queue } => {
            let letters = connect(&config, &queue).await?.dead_letters(limit).await?;
            print(letters, format)
        }
        Dead::Replay {
            sequences,
            all,
            queue,
        } => {
            let bus = connect(&config, &queue).await?;
            let store = open_store(&config, &queue).await?;
            // Opened in the store first, all that there are: a batch that stays marked as dead would never be sent again.
            let letters = bus.dead_letters(usize::MAX).await?;
            for letter in letters
                .iter()
                .filter(|letter| all || sequences.contains(&letter.sequence))
            {
                let Some(batch) = &letter.batch else { continue };
                match store.mark_batch_dead(&batch.id, None).await {
                    // Nothing to open where the store does not know the batch; the worker decides what becomes of it.
                    Err(error) if error.kind != StoreErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
            let selection = if all {
                ReplaySelection::All
            } else {
                ReplaySelection::Sequences(sequences)
            };
            let replayed = bus.replay_dead(&selection).await?;
            writeln!(std::io::stdout(), "{} put back on the queue", grouped(replayed))?;
            anyhow::ensure!(
                replayed > 0 || all,
                "no dead letter has such a sequence; `turnstone bus dead list` shows them"
            );
            Ok(())
        }
    }
}

/// The queue of the flag, else the configured one, else the one that `turnstone up` runs on the data folder.
async fn connect(config: &Config, queue: &Queue) -> anyhow::Result<turnstone_bus::Bus> {
    let mut config = config.clone();
    if let Some(url) = &queue.nats {
        config.nats.url = url.clone();
    }
    let data_dir = super::data_dir(queue.data_dir.as_deref(), &config)?;
    if config.nats.url.non_empty().is_none()
        && let Some(embedded) = EmbeddedQueue::read(&data_dir)?
    {
        config.nats.url = Secret::new(embedded.address);
        config.nats.token = embedded.token;
    }
    let options = backends::bus_options(&config).with_context(|| {
        format!(
            "no queue is named, and `turnstone up` does not run on {}; give --nats URL or --data-dir DIR",
            data_dir.display()
        )
    })?;
    Ok(turnstone_bus::Bus::connect(&options).await?)
}

/// The database of the flag, else the configured one, else that of the data folder.
async fn open_store(
    config: &Config,
    queue: &Queue,
) -> anyhow::Result<std::sync::Arc<dyn turnstone_store::Store>> {
    let mut config = config.clone();
    if let Some(data_dir) = &queue.data_dir {
        config.data_dir = data_dir.to_string_lossy().into_owned();
    }
    open_existing_store(&config, &database_url(queue.database.db.as_ref(), &config)?).await
}

fn print(letters: Vec<DeadLetter>, format: Format) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if format == Format::Table {
        writeln!(
            out,
            "{:>9} {:<20} {:>5} {:<36} REASON",
            "SEQUENCE", "SINCE", "TRIES", "BATCH"
        )?;
    }
    for letter in letters {
        let row = DeadRow::from(letter);
        match format {
            Format::Jsonl => print_json(&mut out, &row)?,
            Format::Table => writeln!(
                out,
                "{:>9} {:<20} {:>5} {:<36} {}",
                row.sequence,
                to_the_second(row.dead_at),
                row.deliveries,
                escape_controls(row.batch_id.as_deref().unwrap_or("unreadable")),
                escape_controls(&row.reason)
            )?,
        }
    }
    Ok(())
}
