//! Traces over OTLP, received by a real gRPC server: the span of a score batch in one process is the child of the span of the
//! glean cycle in another, and nothing but Turnstone's own spans leaves the process.

use crate::{alone, lines};
use serde::Deserialize;
use turnstone_testkit::{Program, wait_for};
use turnstone_tests::{Fleet, FleetOptions, Outcome, STEP_LIMIT, WORK_LIMIT, python, workspace_root};

#[derive(Debug, Deserialize)]
struct Span {
    trace: String,
    span: String,
    parent: String,
    name: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_traced_back_to_its_cycle_in_another_process() -> anyhow::Result<()> {
    const LINES: usize = 300;
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let protos = workspace_root().join("tests/otlp");
    let protoc = Program::new(python()?)
        .args(["-m", "grpc_tools.protoc", "-I"])
        .arg(&protos)
        .arg("--python_out")
        .arg(folder.path())
        .arg("--grpc_python_out")
        .arg(folder.path())
        .arg(protos.join("spans.proto"));
    let generated = Outcome::of(protoc).await?;
    anyhow::ensure!(generated.code == Some(0), "{generated:?}");
    let mut receiver = Program::new(python()?)
        .arg(protos.join("receiver.py"))
        .arg(folder.path())
        .spawn()?;
    let address = receiver
        .wait_for_line(STEP_LIMIT, |line| {
            line.strip_prefix("listening on ").map(str::to_owned)
        })
        .await?;

    let log = folder.path().join("app.log");
    std::fs::write(&log, lines::file(0..LINES))?;
    let options = FleetOptions::default()
        .source("app", &log)
        .set("anomaly.batch", 100)
        .set("telemetry.otlp_endpoint", format!("\"http://{address}\""));
    let fleet = Fleet::start(options).await?;
    let (mut scorer, mut ingest) = (fleet.scorer().await?, fleet.ingest().await?);
    fleet
        .wait_for_scored(LINES as u64, &mut [&mut scorer, &mut ingest], WORK_LIMIT)
        .await?;

    wait_for(STEP_LIMIT, || async {
        let spans: Vec<Span> = receiver
            .stdout()
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
        let (cycles, batches) = (named("glean_cycle"), named("score_batch"));
        anyhow::ensure!(!cycles.is_empty() && batches.len() >= 3, "{spans:?}");
        for batch in batches {
            let parent = cycles.iter().find(|cycle| cycle.span == batch.parent);
            anyhow::ensure!(
                parent.is_some_and(|cycle| cycle.trace == batch.trace),
                "{batch:?} in {spans:?}"
            );
        }
        let foreign: Vec<&Span> = spans
            .iter()
            .filter(|span| !["glean_cycle", "score_batch"].contains(&span.name.as_str()))
            .collect();
        anyhow::ensure!(
            foreign.is_empty(),
            "spans of libraries were exported: {foreign:?}"
        );
        Ok(())
    })
    .await
}
