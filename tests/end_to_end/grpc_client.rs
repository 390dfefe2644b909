//! A Python client, generated from proto/ in the test, against a fleet: what is checked stands in grpc_client/client.py.

use crate::{alone, lines};
use std::fmt::Write;
use std::path::Path;
use turnstone_testkit::Program;
use turnstone_tests::{Fleet, FleetOptions, Outcome, WORK_LIMIT, python, workspace_root};

const TOKEN: &str = "a-token-for-the-tests-0123456789abcdef";
const ALARMING: usize = 30;

/// Generates the modules from proto/ and from the standard services.
async fn generate(stubs: &Path) -> anyhow::Result<()> {
    std::fs::create_dir(stubs)?;
    let (ours, standard) = (
        workspace_root().join("proto"),
        workspace_root().join("tests/grpc_client/standard"),
    );
    for (folder, files) in [(&ours, ours.join("turnstone/v1")), (&standard, standard.clone())] {
        let mut protos: Vec<_> = std::fs::read_dir(files)?
            .map(|file| Ok(file?.path()))
            .collect::<anyhow::Result<_>>()?;
        protos.sort();
        let protoc = Program::new(python()?)
            .args(["-m", "grpc_tools.protoc", "-I"])
            .arg(folder)
            .arg("--python_out")
            .arg(stubs)
            .arg("--grpc_python_out")
            .arg(stubs)
            .args(protos);
        let outcome = Outcome::of(protoc).await?;
        anyhow::ensure!(outcome.code == Some(0), "{outcome:?}");
    }
    Ok(())
}

/// Lines of which some are alarming, under labels of at least two kinds.
fn log(word: &str) -> String {
    (0..ALARMING).fold(lines::file(0..20), |mut text, number| {
        writeln!(text, "kernel: nvme0: I/O error, dev nvme0n1, sector {number} {word}").unwrap();
        writeln!(text, "sshd[{number}]: Failed password for invalid user admin from 203.0.113.9 port 4{number:04} ssh2 {word}").unwrap();
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_lists_pages_acknowledges_and_watches() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = turnstone_testkit::temp_dir()?;
    let stubs = folder.path().join("stubs");
    generate(&stubs).await?;
    let (shared, web, secret) = (
        folder.path().join("shared.log"),
        folder.path().join("web.log"),
        folder.path().join("secret.log"),
    );
    std::fs::write(&shared, log(""))?;
    std::fs::write(&web, log("web"))?;
    std::fs::write(&secret, log("secretword"))?;
    let options = FleetOptions::default()
        .source("app", &shared)
        .source("web", &web)
        .source_of("acme", "vault", &secret)
        // Several commits, so that rows differ in when they were detected.
        .set("anomaly.batch", 16)
        .set("api_token", format!("{TOKEN:?}"));
    let fleet = Fleet::start(options).await?;
    let mut query = fleet.query().await?;
    let mut scorer = fleet.scorer().await?;
    let mut ingest = fleet.ingest().await?;
    let entries = [&shared, &web, &secret]
        .into_iter()
        .map(|path| Ok(std::fs::read_to_string(path)?.lines().count() as u64));
    let entries = entries.sum::<anyhow::Result<u64>>()?;
    fleet
        .wait_for_scored(entries, &mut [&mut query, &mut scorer, &mut ingest], WORK_LIMIT)
        .await?;

    let client = Program::new(python()?)
        .arg(workspace_root().join("tests/grpc_client/client.py"))
        .args(["--address", query.address(), "--token", TOKEN, "--tenant", "acme"])
        .arg("--stubs")
        .arg(&stubs)
        .arg("--log")
        .arg(&shared);
    let outcome = Outcome::of(client).await?;
    assert_eq!(
        outcome.code,
        Some(0),
        "{}\n{}\n{}",
        outcome.stdout,
        outcome.stderr,
        query.log()
    );
    assert_eq!(
        outcome
            .stdout
            .lines()
            .filter(|line| line.starts_with("check_"))
            .count(),
        9,
        "{}",
        outcome.stdout
    );
    assert!(!query.log().contains(TOKEN), "the token is in the log");
    Ok(())
}
