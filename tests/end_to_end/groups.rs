//! What people do with detections, on the real programs: a group is looked at, acknowledged up to a moment, opens when it recurs, is
//! opened again by undoing, is suppressed, is judged, and what was said of it is read by `turnstone eval`.

use crate::alone;
use anyhow::Context;
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use turnstone_testkit::{Program, temp_dir, wait_for};
use turnstone_tests::{Fleet, FleetOptions, Outcome, STEP_LIMIT, WORK_LIMIT, program, turnstone};
use turnstone_types::fingerprint;

/// A log that one program writes, and where its detections are asked for.
struct Stage {
    log: PathBuf,
    server: String,
    written: usize,
}

fn failed_login(number: usize) -> String {
    format!(
        "Nov 18 10:00:{:02} db1 sshd[{}]: Failed password for root from 192.0.2.{number} port {} ssh2",
        number % 60,
        4_000 + number,
        50_000 + number
    )
}

fn name() -> String {
    format!("auth/SECURITY_ANOMALY/{}", fingerprint(&failed_login(1)))
}

impl Stage {
    fn new(folder: &Path, server: String) -> Self {
        Self {
            log: folder.join("auth.log"),
            server,
            written: 0,
        }
    }

    /// Writes lines of one message that differ in their numbers.
    fn fail_logins(&mut self, count: usize) -> anyhow::Result<()> {
        let mut log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.log)?;
        for number in self.written + 1..=self.written + count {
            writeln!(log, "{}", failed_login(number))?;
        }
        self.written += count;
        Ok(())
    }

    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--server", self.server.as_str()]].concat()
    }

    async fn told(&self, arguments: &[&str]) -> anyhow::Result<String> {
        Outcome::success(self.with(arguments)).await
    }

    async fn rows(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        Outcome::json(self.with(&[arguments, &["--format", "jsonl"]].concat())).await
    }

    /// Waits until the group has as many detections as lines were written; answers how many of them are open.
    async fn open_once_all_are_detected(&self) -> anyhow::Result<u64> {
        let written = self.written as u64;
        let waiting = wait_for(WORK_LIMIT, || async {
            let groups = self
                .rows(&["detections", "list", "--group", "--source", "auth"])
                .await?;
            let [group] = groups.as_slice() else {
                anyhow::bail!("{} groups", groups.len());
            };
            anyhow::ensure!(group["detection_count"] == written, "not yet: {group}");
            Ok(group["open_count"].as_u64().unwrap_or(0))
        });
        waiting.await
    }

    /// Acknowledges the group; answers the operation.
    async fn acknowledge(&self, flags: &[&str]) -> anyhow::Result<String> {
        let name = name();
        let told = self
            .told(&[&["detections", "ack", "--group", &name], flags].concat())
            .await?;
        let operation = told.lines().find_map(|line| line.strip_prefix("operation "));
        let operation = operation.and_then(|rest| rest.split(';').next());
        operation
            .map(str::to_owned)
            .with_context(|| format!("no operation in {told:?}"))
    }
}

/// From the first look to the verdicts, with a scorer that knows no quiet time. Answers the last operation on the group.
async fn a_morning(stage: &mut Stage, folder: &Path) -> anyhow::Result<String> {
    stage.fail_logins(3)?;
    assert_eq!(stage.open_once_all_are_detected().await?, 3);
    let table = stage.told(&["detections", "list", "--group"]).await?;
    assert!(table.contains("×3") && table.contains(&name()), "{table}");

    let name = name();
    let dry = stage
        .told(&["detections", "ack", "--group", &name, "--dry-run"])
        .await?;
    assert!(dry.starts_with("3 detections would be"), "{dry}");
    assert_eq!(
        stage.open_once_all_are_detected().await?,
        3,
        "a dry run changed something"
    );
    let operation = stage.acknowledge(&["--by", "ada", "--notes", "own test"]).await?;
    assert_eq!(stage.open_once_all_are_detected().await?, 0);

    stage.fail_logins(1)?;
    assert_eq!(
        stage.open_once_all_are_detected().await?,
        1,
        "a recurrence opens the group"
    );
    let undone = stage.told(&["detections", "undo", &operation]).await?;
    assert!(undone.starts_with("3 detections as before"), "{undone}");
    assert_eq!(stage.open_once_all_are_detected().await?, 4);

    let fingerprint = name.rsplit('/').next().unwrap_or_default().to_owned();
    let suppress = [
        "detections",
        "suppress",
        &fingerprint,
        "--source",
        "auth",
        "--for",
        "1h",
        "--reason",
        "drill",
    ];
    stage.told(&suppress).await?;
    stage.fail_logins(2)?;
    assert_eq!(
        stage.open_once_all_are_detected().await?,
        4,
        "suppressed ones are not open"
    );
    let suppressed = stage.rows(&["detections", "list", "--suppressed"]).await?;
    assert_eq!(suppressed.len(), 2);
    assert!(
        suppressed
            .iter()
            .all(|row| row["notes"] == "drill" && row["verdict"] == "expected")
    );
    let listed = stage.rows(&["detections", "suppressions"]).await?;
    let id = listed[0]["id"].as_str().context("an id")?;
    stage.told(&["detections", "suppressions", "remove", id]).await?;
    assert!(
        stage
            .rows(&["detections", "suppressions", "list"])
            .await?
            .is_empty()
    );

    let operation = stage
        .acknowledge(&["--verdict", "false_positive", "--notes", "own scanner"])
        .await?;
    let newest = stage
        .rows(&[
            "detections",
            "list",
            "--verdict",
            "false-positive",
            "--limit",
            "1",
        ])
        .await?;
    let newest = newest[0]["id"].as_str().context("an id")?;
    stage
        .told(&["detections", "ack", newest, "--verdict", "true_positive"])
        .await?;
    let tally = &stage.rows(&["stats"]).await?[0]["detections"];
    assert_eq!(
        (&tally["detection_count"], &tally["suppressed_count"]),
        (&6.into(), &2.into())
    );
    assert_eq!(tally["false_positive_rate"], 0.75, "3 of 4 that a person judged");

    let found = stage
        .rows(&[
            "search",
            "\"failed password\" root",
            "--relevance",
            "--limit",
            "1",
        ])
        .await?;
    let text = found[0]["text"].as_str().context("a text")?;
    let marks = found[0]["highlights"].as_array().context("highlights")?;
    let marked: Vec<&str> = marks
        .iter()
        .filter_map(|range| text.get(range["start"].as_u64()? as usize..range["end"].as_u64()? as usize))
        .collect();
    assert_eq!(marked, ["Failed password", "root"]);
    verdicts_are_read_by_eval(stage, &folder.join("verdicts.jsonl")).await?;
    Ok(operation)
}

async fn verdicts_are_read_by_eval(stage: &Stage, file: &Path) -> anyhow::Result<()> {
    let path = file.to_str().context("a path")?;
    stage.told(&["verdicts", "export", "--out", path]).await?;
    assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
    let written = std::fs::read_to_string(file)?;
    let again = Outcome::any(stage.with(&["verdicts", "export", "--out", path])).await?;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(
        std::fs::read_to_string(file)?,
        written,
        "overwritten without --force"
    );
    stage
        .told(&["verdicts", "export", "--out", path, "--force"])
        .await?;
    assert_eq!(stage.told(&["verdicts", "export"]).await?, written);

    let report = Outcome::json(["eval", "--json", path]).await?.remove(0);
    let confusion = &report["all"]["confusion"];
    assert_eq!(report["all"]["lines"], 4, "{report}");
    assert_eq!(
        confusion["NORMAL"]["SECURITY_ANOMALY"], 3,
        "what was wrong counts as wrong: {confusion}"
    );
    assert_eq!(
        confusion["SECURITY_ANOMALY"]["SECURITY_ANOMALY"], 1,
        "{confusion}"
    );
    Ok(())
}

/// With a quiet time, what recurs after the morning's last acknowledgement stays closed, and undoing that opens it too.
async fn a_quiet_afternoon(stage: &mut Stage, operation: &str) -> anyhow::Result<()> {
    stage.fail_logins(2)?;
    assert_eq!(
        stage.open_once_all_are_detected().await?,
        0,
        "a recurrence within the quiet time"
    );
    let newest = stage.rows(&["detections", "list", "--limit", "1"]).await?;
    assert_eq!(
        (&newest[0]["acknowledgement_id"], &newest[0]["verdict"]),
        (&operation.into(), &"false_positive".into()),
        "it comes under the operation that acknowledged the group"
    );
    let undone = stage.told(&["detections", "undo", operation]).await?;
    assert!(undone.contains("1 detection left alone"), "{undone}");
    assert_eq!(
        stage.open_once_all_are_detected().await?,
        5,
        "3 of the morning and 2 recurrences; one was judged again since"
    );
    Ok(())
}

async fn up(folder: &Path, quiet_seconds: u32) -> anyhow::Result<(Program, String)> {
    let config = folder.join("turnstone.toml");
    let text = format!(
        "ingest.cycle_interval_ms = 100\ningest.poll_interval_ms = 100\nscorer.quiet_seconds = {quiet_seconds}\n[[sources]]\n\
         source_id = \"auth\"\nkind = \"files\"\npaths = [{:?}]\n",
        folder.join("auth.log")
    );
    std::fs::write(&config, text)?;
    let mut up = turnstone(["up", "--listen", "127.0.0.1:0"])?
        .arg("--config")
        .arg(&config)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .spawn()?;
    let address = up.wait_for_line(STEP_LIMIT, |line| {
        let (_, rest) = line.split_once("listens on ")?;
        rest.split_whitespace().next().map(str::to_owned)
    });
    let address = address.await?;
    Ok((up, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_with_a_group_in_one_process() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let (mut program, server) = up(folder.path(), 0).await?;
    let mut stage = Stage::new(folder.path(), server);
    let operation = a_morning(&mut stage, folder.path())
        .await
        .with_context(|| program.transcript())?;
    program.terminate()?;
    program.wait(STEP_LIMIT).await?;
    let (mut program, server) = up(folder.path(), 3_600).await?;
    stage.server = server;
    a_quiet_afternoon(&mut stage, &operation)
        .await
        .with_context(|| program.transcript())?;
    program.terminate()?;
    program.wait(STEP_LIMIT).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_with_a_group_in_a_fleet() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let fleet = Fleet::start(FleetOptions::default().source("auth", folder.path().join("auth.log"))).await?;
    let query = fleet.query().await?;
    let mut scorer = fleet.scorer().await?;
    let ingest = fleet.ingest().await?;
    let mut stage = Stage::new(folder.path(), query.url());
    let operation = a_morning(&mut stage, folder.path())
        .await
        .with_context(|| [query.log(), scorer.log(), ingest.log()].join("\n"))?;
    scorer.stop().await?;
    let quiet_scorer = program("turnstone-scorer")?
        .arg("--config")
        .arg(fleet.config())
        .env("TURNSTONE_SCORER_QUIET_SECONDS", "3600")
        .spawn()?;
    a_quiet_afternoon(&mut stage, &operation)
        .await
        .with_context(|| [query.log(), quiet_scorer.transcript(), ingest.log()].join("\n"))?;
    Ok(())
}
