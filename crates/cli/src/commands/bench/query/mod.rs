//! `turnstone bench query`: how long the store's reads take on a database of a given size, and acknowledging many detections at once.
//! Fills an empty database with a made-up log, asks through the store's verbs, which is what the query service calls.

mod cases;
mod changes;
mod corpus;
mod fill;
mod measure;
mod report;
mod zipf;

use crate::arguments::{BenchQuery, Shared};
use crate::commands::{note, stop_on_signal};
use crate::connection::load_config;
use crate::output::{Progress, grouped};
use anyhow::{Context, bail, ensure};
use cases::World;
use corpus::{Corpus, Plan};
use measure::Effort;
use report::{Report, Row};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use turnstone_service::backends;
use turnstone_store::plans::{StatementPlan, explained};
use turnstone_store::{Store, StoreAddress};
use turnstone_types::Timestamp;

/// Runs the command.
pub async fn run(shared: &Shared, command: &BenchQuery) -> anyhow::Result<()> {
    let config = load_config(shared)?;
    let stop = stop_on_signal()?;
    let address = StoreAddress::parse(command.db.expose())?;
    let database = match address {
        StoreAddress::Sqlite(_) => "SQLite",
        StoreAddress::Postgres(_) => "Postgres",
    };
    let store = backends::open_store(&config, &address).await?;
    let (corpus, filled) = filled(&store, command, &stop).await?;
    if command.fill_only {
        return Ok(());
    }
    let world = World::look(store, fill::tenant()?, corpus).await?;
    if command.explain {
        return explain(&world, &stop).await;
    }
    let effort = |readers| Effort {
        rounds: command.rounds,
        readers,
        time_max: Duration::from_secs(command.seconds_max),
    };
    let mut report = Report::new(database, world.corpus.plan(), filled, command.format)?;
    let mut passes = vec![1];
    passes.extend(Some(command.readers).filter(|readers| *readers > 1));
    for readers in passes {
        ask_all(&world, command, effort(readers), &stop, &mut report).await?;
    }
    if command.wants("acknowledge", "") {
        let changes = changes::run(&world, effort(1)).await?;
        for change in &changes.changes {
            let aim = Some(change.aim);
            report.add(Row::new("acknowledge", change.name, 1, aim, &change.times))?;
        }
        for (case, times) in &changes.reads {
            report.add(Row::new(case.kind, &case.name, 1, Some(case.aim), times))?;
        }
    }
    report.end()
}

/// Fills the database, or takes it as it is where the bench filled it before.
async fn filled(
    store: &Arc<dyn Store>,
    command: &BenchQuery,
    stop: &CancellationToken,
) -> anyhow::Result<(Arc<Corpus>, Option<Duration>)> {
    if let Some(marker) = fill::marker(store.as_ref()).await? {
        let plan = &marker.plan;
        ensure!(
            marker.is_full,
            "filling this database was broken off; give an empty one"
        );
        ensure!(
            plan.version == corpus::VERSION,
            "another version of this program filled this database; give an empty one"
        );
        for (flag, asked, there) in [
            ("--entries", command.entries, plan.entries),
            ("--detections", command.detections, plan.detections),
        ] {
            if let Some(asked) = asked.filter(|asked| *asked != there) {
                bail!(
                    "the database was filled with {flag} {there} and not {asked}; leave the flag out, or give an empty one"
                );
            }
        }
        return Ok((Arc::new(Corpus::new(marker.plan)?), None));
    }
    ensure!(!command.no_fill, "the database is empty, and --no-fill was given");
    let entries = command.entries.unwrap_or(1_000_000);
    let plan = Plan {
        version: corpus::VERSION,
        entries,
        detections: command.detections.unwrap_or(entries / 10),
        end_second: Timestamp::now().as_second(),
    };
    let corpus = Arc::new(Corpus::new(plan)?);
    note(&format!(
        "filling the database with {} lines and {} detections; it must not be used by anything else meanwhile",
        grouped(entries),
        grouped(corpus.plan().detections)
    ));
    let started = Instant::now();
    fill::fill(store, &corpus, stop).await?;
    note(&format!("filled in {:.0} s", started.elapsed().as_secs_f64()));
    Ok((corpus, Some(started.elapsed())))
}

async fn ask_all(
    world: &Arc<World>,
    command: &BenchQuery,
    effort: Effort,
    stop: &CancellationToken,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cases = cases::reads(world);
    let progress = Progress::start(Some(cases.len() as u64), "questions asked");
    for (place, case) in cases.iter().enumerate() {
        ensure!(!stop.is_cancelled(), "stopped");
        if !command.wants(case.kind, &case.name) {
            continue;
        }
        progress.say(case.name.clone());
        let times = measure::measure(effort, |round| case.ask(round))
            .await
            .with_context(|| format!("{}: {}", case.kind, case.name))?;
        let aim = (effort.readers == 1).then_some(case.aim);
        let row = Row::new(case.kind, &case.name, effort.readers, aim, &times);
        progress.around(|| report.add(row))?;
        progress.set(place as u64 + 1);
    }
    Ok(())
}

/// Prints the plan of every statement of every question, once each; fails where one reads a table of lines or of detections, or its text index, from end to end.
async fn explain(world: &Arc<World>, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut all: Vec<(String, Vec<StatementPlan>)> = Vec::new();
    for case in cases::reads(world) {
        ensure!(!stop.is_cancelled(), "stopped");
        let (answer, plans) = explained(case.ask(1)).await;
        answer.with_context(|| format!("{}: {}", case.kind, case.name))?;
        all.push((format!("{}: {}", case.kind, case.name), plans));
    }
    all.extend(changes::explain(world).await?);
    let mut out = std::io::stdout().lock();
    let mut reading_through = Vec::new();
    for (question, plans) in &all {
        writeln!(out, "== {question}")?;
        for plan in plans {
            writeln!(out, "-- {}\n{}\n", plan.sql, plan.plan)?;
            if !plan.read_through.is_empty() {
                reading_through.push(format!("{question}: {}", plan.read_through.join(", ")));
            }
        }
    }
    let statements: usize = all.iter().map(|(_, plans)| plans.len()).sum();
    writeln!(
        out,
        "{} questions, {statements} statements, {} of them read a table of lines or of detections, or its text index, from end to end",
        all.len(),
        reading_through.len()
    )?;
    ensure!(
        reading_through.is_empty(),
        "read from end to end:\n  {}",
        reading_through.join("\n  ")
    );
    Ok(())
}
