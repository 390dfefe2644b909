//! Acknowledging many detections by a filter, its dry run, undoing it, and what lists take right after.

use super::cases::{Case, World, after_a_change};
use super::measure::{Effort, Times, measure};
use std::sync::Arc;
use std::time::{Duration, Instant};
use turnstone_store::{AcknowledgeRequest, DetectionFilter, DetectionSelection};
use turnstone_types::{AcknowledgementId, Verdict};

/// Detections of one operation.
pub const ACKNOWLEDGED: u32 = 10_000;
const AIM: Duration = Duration::from_secs(1);
/// Operations that are timed, at most: each of them changes tens of thousands of rows.
const ROUNDS_MAX: u32 = 10;

/// A changed, or a counted, number of detections and how long it may take.
pub struct Change {
    pub name: &'static str,
    pub aim: Duration,
    pub times: Times,
}

/// What was measured of changes, and of reading right after each.
pub struct Changes {
    pub changes: Vec<Change>,
    pub reads: Vec<(Case, Times)>,
}

/// The filter that is for about [`ACKNOWLEDGED`] open detections: all since some moment. None where nothing is open.
async fn filter(world: &World) -> anyhow::Result<Option<DetectionFilter>> {
    let newest = DetectionFilter {
        unacknowledged: Some(true),
        ..DetectionFilter::default()
    };
    let found = world
        .store
        .list_detections(&world.tenant, &newest, None, ACKNOWLEDGED)
        .await?;
    Ok(found.last().map(|oldest| DetectionFilter {
        detected_from: Some(oldest.detected_at),
        ..newest
    }))
}

/// A request of the bench.
fn request(world: &World, filter: &DetectionFilter, dry_run: bool) -> AcknowledgeRequest {
    let selection = DetectionSelection::Filter(filter.clone());
    let mut request = AcknowledgeRequest::new(world.tenant.clone(), selection, world.corpus.end());
    request.verdict = Some(Verdict::Expected);
    request.notes = "bench".into();
    request.dry_run = dry_run;
    request
}

/// Acknowledges and undoes so many times; everything is as before at the end.
pub async fn run(world: &Arc<World>, effort: Effort) -> anyhow::Result<Changes> {
    let rounds = effort.rounds.clamp(1, ROUNDS_MAX);
    let effort = Effort { rounds, ..effort };
    let all = DetectionFilter::default();
    let mut changes = Vec::new();
    let dry_of_all = measure(effort, |_| {
        let request = request(world, &all, true);
        Box::pin(async move { Ok(world.store.acknowledge(&request).await?.count) })
    });
    changes.push(Change {
        name: "dry run of all that is open",
        aim: AIM,
        times: dry_of_all.await?,
    });
    let Some(filter) = filter(world).await? else {
        return Ok(Changes {
            changes,
            reads: Vec::new(),
        });
    };
    let dry = measure(effort, |_| {
        let request = request(world, &filter, true);
        Box::pin(async move { Ok(world.store.acknowledge(&request).await?.count) })
    });
    changes.push(Change {
        name: "dry run of 10,000 by filter",
        aim: AIM,
        times: dry.await?,
    });
    let mut acknowledging = Vec::new();
    let mut undoing = Vec::new();
    let (mut acknowledged, mut restored) = (0, 0);
    let reads = after_a_change(world);
    let mut read_times = vec![Vec::new(); reads.len()];
    let mut rows = vec![0; reads.len()];
    for round in 0..rounds {
        let started = Instant::now();
        let made = world.store.acknowledge(&request(world, &filter, false)).await?;
        acknowledging.push(started.elapsed());
        acknowledged += made.count;
        for (place, case) in reads.iter().enumerate() {
            for _ in 0..10 {
                let started = Instant::now();
                rows[place] += case.ask(u64::from(round)).await?;
                read_times[place].push(started.elapsed());
            }
        }
        if let Some(operation) = made.operation_id {
            let started = Instant::now();
            restored += undo(world, &operation).await?;
            undoing.push(started.elapsed());
        }
    }
    anyhow::ensure!(
        restored == acknowledged,
        "{acknowledged} detections were acknowledged and {restored} opened again; something else changes the database"
    );
    changes.push(Change {
        name: "acknowledge 10,000 by filter",
        aim: AIM,
        times: Times::new(acknowledging, acknowledged),
    });
    changes.push(Change {
        name: "undo it",
        aim: AIM,
        times: Times::new(undoing, restored),
    });
    let times = read_times
        .into_iter()
        .zip(rows)
        .map(|(times, rows)| Times::new(times, rows));
    Ok(Changes {
        changes,
        reads: reads.into_iter().zip(times).collect(),
    })
}

async fn undo(world: &World, operation: &AcknowledgementId) -> anyhow::Result<u64> {
    let undone = world
        .store
        .undo_acknowledge(&world.tenant, operation, world.corpus.end())
        .await?;
    Ok(undone.map_or(0, |undone| undone.restored))
}

/// The plans of the statements of one operation and its undoing.
pub async fn explain(
    world: &Arc<World>,
) -> anyhow::Result<Vec<(String, Vec<turnstone_store::plans::StatementPlan>)>> {
    let Some(filter) = filter(world).await? else {
        return Ok(Vec::new());
    };
    let request_dry = request(world, &filter, true);
    let (answer, dry) = turnstone_store::plans::explained(world.store.acknowledge(&request_dry)).await;
    answer?;
    let request = request(world, &filter, false);
    let (made, acknowledging) = turnstone_store::plans::explained(world.store.acknowledge(&request)).await;
    let mut plans = vec![
        ("acknowledge: dry run by filter".to_owned(), dry),
        ("acknowledge: by filter".to_owned(), acknowledging),
    ];
    if let Some(operation) = made?.operation_id {
        let (undone, undoing) = turnstone_store::plans::explained(undo(world, &operation)).await;
        undone?;
        plans.push(("acknowledge: undo".to_owned(), undoing));
    }
    Ok(plans)
}
