//! `turnstone score`: scores what is unscored with no queue, as the original pipeline did.

use crate::arguments::{Score, Shared};
use crate::connection::{database_url, load_config, open_existing_store, tenant};
use crate::output::{Progress, print_json};
use serde::Serialize;
use turnstone_scorer::{BatchScorer, end_engine, load_engine, score_unscored};
use turnstone_service::model::{WhenUnset, model_folder};

#[derive(Serialize)]
struct Outcome {
    scored: u64,
    detections: u64,
    quarantined: u64,
    skipped: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stopped: bool,
}

/// Runs the command.
pub async fn run(shared: Shared, command: Score) -> anyhow::Result<()> {
    let mut config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    super::apply_model_choice(&mut config, &command.model)?;
    let tenant = tenant(&shared, &config)?;
    let Some(folder) = model_folder(&config, WhenUnset::Skip)? else {
        super::note("skipped: no model is configured; name one with --model or TURNSTONE_ANOMALY_MODEL");
        let skipped = Outcome {
            scored: 0,
            detections: 0,
            quarantined: 0,
            skipped: true,
            stopped: false,
        };
        return print_json(&mut std::io::stdout(), &skipped);
    };
    let store = open_existing_store(&config, &database_url(command.database.db.as_ref(), &config)?).await?;
    let stop = super::stop_on_signal()?;
    let engine = load_engine(&config, folder).await?;
    let progress = Progress::start(None, "entries scored");
    let scorer = BatchScorer::new(store, engine.clone()).with_quiet_seconds(config.scorer.quiet_seconds);
    let outcome = score_unscored(&scorer, &tenant, config.anomaly.batch, &stop, |so_far| {
        progress.set(so_far.scored);
        progress.say(format!("{} detections", so_far.detections));
    })
    .await;
    drop((progress, scorer));
    end_engine(engine).await;
    let scored = outcome?;
    let outcome = Outcome {
        scored: scored.scored,
        detections: scored.detections,
        quarantined: scored.quarantined,
        skipped: false,
        stopped: scored.stopped,
    };
    print_json(&mut std::io::stdout(), &outcome)
}
