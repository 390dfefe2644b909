//! `turnstone up`: everything in one process, embedded; what it prints, how it stops, and that a second start goes on where the
//! first left off.

use crate::{alone, example_logs};
use anyhow::Context;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use turnstone_testkit::{Program, temp_dir, wait_for};
use turnstone_tests::{Outcome, STEP_LIMIT, WORK_LIMIT, http_get, sqlite_count, turnstone};

/// A folder with copies of the example logs, a configuration that gleans them, and a data folder.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> anyhow::Result<Self> {
        let folder = temp_dir()?;
        let mut config = String::from("ingest.cycle_interval_ms = 200\ningest.poll_interval_ms = 100\n");
        for (source_id, path) in example_logs::files() {
            let copy = folder.path().join(format!("{source_id}.log"));
            std::fs::copy(&path, &copy).with_context(|| format!("copy {}", path.display()))?;
            config +=
                &format!("[[sources]]\nsource_id = {source_id:?}\nkind = \"files\"\npaths = [{copy:?}]\n");
        }
        std::fs::write(folder.path().join("turnstone.toml"), config)?;
        Ok(Self { folder })
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn database(&self) -> PathBuf {
        self.data_dir().join("turnstone.db")
    }

    /// Starts `turnstone up` and waits for its address.
    async fn up(&self) -> anyhow::Result<(Program, String)> {
        let mut program = self.command()?.spawn()?;
        let address = program.wait_for_line(STEP_LIMIT, |line| {
            let (_, rest) = line.split_once("listens on http://")?;
            rest.split_whitespace().next().map(str::to_owned)
        });
        let address = address.await?;
        Ok((program, address))
    }

    fn command(&self) -> anyhow::Result<turnstone_testkit::ProgramBuilder> {
        let config = self.folder.path().join("turnstone.toml");
        let data_dir = self.data_dir();
        Ok(turnstone(["up", "--listen", "127.0.0.1:0"])?
            .arg("--config")
            .arg(config)
            .arg("--data-dir")
            .arg(data_dir))
    }

    async fn wait_for_scored(&self, entries: u64, program: &mut Program) -> anyhow::Result<()> {
        let database = self.database();
        let waiting = wait_for(WORK_LIMIT, || async {
            let scored = sqlite_count(
                &database,
                "SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NOT NULL",
            )
            .await?;
            anyhow::ensure!(scored >= entries, "{scored} of {entries} entries are scored");
            Ok(())
        });
        waiting.await.with_context(|| program.transcript())
    }

    async fn detections(&self, address: &str) -> anyhow::Result<Vec<(String, String)>> {
        let server = format!("http://{address}");
        let listed = Outcome::json([
            "detections",
            "list",
            "--limit",
            "10000",
            "--format",
            "jsonl",
            "--server",
            server.as_str(),
        ])
        .await?;
        Ok(example_logs::texts_and_labels(&listed))
    }
}

/// Processes whose command line names `folder`.
fn processes_with(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc")? {
        // Processes come and go while their folder is read.
        let Ok(command) = std::fs::read(process?.path().join("cmdline")) else {
            continue;
        };
        let wanted = folder.as_os_str().as_bytes();
        if command.windows(wanted.len()).any(|window| window == wanted) {
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    Ok(found)
}

async fn interrupt(program: &mut Program, data_dir: &Path) -> anyhow::Result<()> {
    let children = processes_with(data_dir)?;
    anyhow::ensure!(
        children.iter().any(|command| command.contains("nats-server")),
        "no nats-server runs: {children:?}"
    );
    program.interrupt()?;
    let status = program.wait(STEP_LIMIT).await?;
    anyhow::ensure!(
        status.code() == Some(0),
        "ended with {status}\n{}",
        program.transcript()
    );
    let left = processes_with(data_dir)?;
    anyhow::ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn up_finds_what_a_scan_finds_and_goes_on_where_it_left_off() -> anyhow::Result<()> {
    let _alone = alone().await;
    let scanned = example_logs::scan().await?;
    let home = Home::new()?;
    let (mut up, address) = home.up().await?;
    home.wait_for_scored(scanned.entries, &mut up).await?;
    assert_eq!(home.detections(&address).await?, scanned.detections);
    let all_scored = format!("all {} entries scored", scanned.entries);
    let shows_all = |line: &str| line.starts_with(&all_scored).then_some(());
    up.wait_for_line(STEP_LIMIT, shows_all).await?;
    let told = up.stdout();
    assert!(
        told.lines().any(|line| line.starts_with("cycle 1: ")),
        "no line of a cycle\n{told}"
    );
    assert!(
        told.contains("HARDWARE_ISSUE") || told.contains("CRITICAL") || told.contains("_ANOMALY"),
        "no detection\n{told}"
    );
    interrupt(&mut up, &home.data_dir()).await?;
    assert!(
        up.stdout()
            .trim_end()
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("stopped: ")),
        "{}",
        up.transcript()
    );

    let (mut up, address) = home.up().await?;
    // One new line: once it is there, everything else would have been gleaned again too.
    let mut log = OpenOptions::new()
        .append(true)
        .open(home.folder.path().join("mailer.log"))?;
    writeln!(log, "2026-11-18T12:00:00Z mailer info: queue is empty")?;
    home.wait_for_scored(scanned.entries + 1, &mut up).await?;
    assert_eq!(
        sqlite_count(&home.database(), "SELECT count(*) FROM log_entries").await?,
        scanned.entries + 1
    );
    assert_eq!(
        home.detections(&address).await?,
        scanned.detections,
        "detections of the first run"
    );
    let told = up.stdout();
    assert!(told.contains("from earlier runs"), "{told}");
    interrupt(&mut up, &home.data_dir()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_up_on_the_same_data_is_refused_and_harms_nobody() -> anyhow::Result<()> {
    let _alone = alone().await;
    let home = Home::new()?;
    let (mut up, address) = home.up().await?;
    let second = Outcome::of(home.command()?).await?;
    assert_eq!(second.code, Some(1), "{second:?}");
    let data_dir = home.data_dir();
    assert!(
        second.stderr.contains(&data_dir.display().to_string()),
        "the message does not say where: {second:?}"
    );
    assert!(
        second.stderr.contains("in use") || second.stderr.contains("already"),
        "the message does not say what: {second:?}"
    );
    assert!(!second.stdout.contains("listens on"), "{second:?}");

    // The first works on: it is ready, and a new line is scored.
    let (status, _) = http_get(&address, "/readyz").await?;
    assert_eq!(status, 200);
    home.wait_for_scored(100, &mut up).await?;
    interrupt(&mut up, &data_dir).await
}
