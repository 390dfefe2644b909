//! Explanations from the real `turnstone up` and a real language model: streams over gRPC and as events, one answer for many, kept
//! answers, a model that is killed. What the model says is no subject here; it is too small for that.

use crate::alone;
use anyhow::Context;
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use turnstone_testkit::{LocalLlm, Program, ProgramBuilder, temp_dir, wait_for};
use turnstone_tests::{Outcome, STEP_LIMIT, WORK_LIMIT, http_get, json_lines, sqlite_count, turnstone};

/// How many ask for one entry at once.
const MANY: usize = 50;

/// A folder with a log and a configuration.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// `llm` is the base URL of a model; none configures none.
    fn new(llm: Option<&str>) -> anyhow::Result<Self> {
        let folder = temp_dir()?;
        let log = folder.path().join("app.log");
        let now = "2026-11-18T09:0";
        let lines = [
            format!("{now}0:00Z app info: checkpoint starting"),
            format!(
                "{now}0:10Z app error: write of /var/lib/db/wal failed: no space left on device, token=hunter2hunter2"
            ),
            format!("{now}0:20Z kernel: nvme0n1: I/O error, dev nvme0n1, sector 1234567 op 0x1:(WRITE)"),
            format!("{now}0:30Z app info: database system is shut down"),
        ];
        std::fs::write(&log, lines.join("\n") + "\n")?;
        let llm = llm.map_or_else(String::new, |address| {
            format!(
                "[llm]\naddress = {address:?}\nmodel = {:?}\ncontext_tokens = {}\nmax_tokens = 160\ntemperature = 0.0\n\
                 first_token_seconds = 400\nbetween_tokens_seconds = 400\nwhole_seconds = 400\n",
                LocalLlm::MODEL,
                LocalLlm::CONTEXT_TOKENS
            )
        });
        let config = format!(
            "ingest.cycle_interval_ms = 100\ningest.poll_interval_ms = 100\n{llm}\
             [[sources]]\nsource_id = \"app\"\nkind = \"files\"\npaths = [{log:?}]\n"
        );
        std::fs::write(folder.path().join("turnstone.toml"), config)?;
        Ok(Self { folder })
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("turnstone.toml")
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/turnstone.db")
    }

    /// Starts everything and waits until the lines are scored; answers with the address.
    async fn up(&self) -> anyhow::Result<(Program, String)> {
        let mut program = turnstone(["up", "--listen", "127.0.0.1:0", "--config"])?
            .arg(self.config())
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .spawn()?;
        let address = program.wait_for_line(STEP_LIMIT, |line| {
            let (_, rest) = line.split_once("listens on http://")?;
            rest.split_whitespace().next().map(str::to_owned)
        });
        let address = address.await?;
        let database = self.database();
        let scored = "SELECT count(*) FROM log_entries WHERE anomaly_scored_at IS NOT NULL";
        let waiting = wait_for(WORK_LIMIT, || async {
            anyhow::ensure!(sqlite_count(&database, scored).await? == 4, "not all is scored");
            Ok(())
        });
        waiting.await.with_context(|| program.transcript())?;
        Ok((program, address))
    }
}

/// A `turnstone` command that asks the service at `address`.
fn command(address: &str, arguments: &[&str]) -> anyhow::Result<ProgramBuilder> {
    Ok(turnstone(arguments)?.args(["--server", &format!("http://{address}")]))
}

/// The entry that holds a text.
async fn entry(address: &str, text: &str) -> anyhow::Result<String> {
    let found = Outcome::of(command(address, &["search", text, "--format", "jsonl"])?).await?;
    let rows = json_lines(&found.stdout)?;
    let row = rows
        .first()
        .with_context(|| format!("nothing has {text:?}: {found:?}"))?;
    Ok(row["id"].as_str().context("an id")?.to_owned())
}

/// Passes connections on to the model and counts them: a client of ours opens one for each question.
struct Counted {
    url: String,
    count: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Counted {
    async fn before(url: &str) -> anyhow::Result<Self> {
        let behind = url
            .strip_prefix("http://")
            .and_then(|url| url.strip_suffix("/v1"))
            .context("a base URL")?
            .to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = count.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let behind = behind.clone();
                tokio::spawn(async move {
                    if let Ok(mut to) = TcpStream::connect(behind).await {
                        // However it ends, both ends are closed here.
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        Ok(Self { url, count, task })
    }

    fn questions(&self) -> usize {
        self.count.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The events of an answer: names and data.
fn events(answer: &str) -> anyhow::Result<Vec<(String, Value)>> {
    let mut events = Vec::new();
    let mut name = String::new();
    // The pieces of a chunked body are cut anywhere, so their sizes are taken out first.
    for line in unchunked(answer)?.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => name = value.to_owned(),
            Some(("data", value)) => events.push((name.clone(), serde_json::from_str(value)?)),
            _ => {}
        }
    }
    Ok(events)
}

fn unchunked(answer: &str) -> anyhow::Result<String> {
    let (head, mut rest) = answer.split_once("\r\n\r\n").context("an HTTP answer")?;
    anyhow::ensure!(head.contains("text/event-stream"), "{answer}");
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return Ok(rest.to_owned());
    }
    let mut body = String::new();
    while let Some((size, behind)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16)?;
        if size == 0 {
            break;
        }
        body.push_str(behind.get(..size).context("a whole chunk")?);
        rest = behind
            .get(size..)
            .context("a whole chunk")?
            .trim_start_matches("\r\n");
    }
    Ok(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_model_explains_and_diagnoses_over_both_ways() -> anyhow::Result<()> {
    let _alone = alone().await;
    let llm = LocalLlm::start().await?;
    let counted = Counted::before(&llm.base_url()).await?;
    let home = Home::new(Some(&counted.url))?;
    let (mut up, address) = home.up().await?;
    let entry_id = entry(&address, "nvme0n1").await?;

    // Many at once, over gRPC and as events: one question to the model.
    let path = format!("/v1/entries/{entry_id}/explanation");
    let as_events = (0..MANY - 1).map(|_| {
        let (address, path) = (address.clone(), path.clone());
        tokio::spawn(async move { http_get(&address, &path).await })
    });
    let as_events: Vec<_> = as_events.collect();
    let over_grpc = Outcome::of(command(&address, &["explain", &entry_id, "--format", "jsonl"])?).await?;
    assert_eq!(over_grpc.code, Some(0), "{over_grpc:?}\n{}", up.transcript());
    let frames = json_lines(&over_grpc.stdout)?;
    assert!(
        frames[0]["context"]["lines"]
            .as_array()
            .is_some_and(|lines| lines.len() == 4),
        "{over_grpc:?}"
    );
    let done = &frames.last().context("frames")?["done"];
    assert_eq!(done["model"], LocalLlm::MODEL, "{over_grpc:?}");
    assert!(done["token_count"].as_i64() > Some(0), "{done}");
    let mut streamed = 0;
    for answer in as_events {
        let (status, answer) = answer.await??;
        assert_eq!(status, 200, "{answer}");
        let events = events(&answer)?;
        assert_eq!(events[0].0, "context");
        let (last, data) = events.last().context("events")?;
        assert_eq!(
            (last.as_str(), &data["what_happened"]),
            ("done", &done["what_happened"])
        );
        streamed += usize::from(events.iter().any(|(name, _)| name == "token"));
    }
    assert!(streamed > 0, "nobody saw the answer while it was written");
    assert_eq!(counted.questions(), 1, "{MANY} clients, one answer");
    // Secrets did not go to the model, and people see them.
    assert_eq!(frames[0]["context"]["redactions"][0]["count"], 1);
    assert!(over_grpc.stdout.contains("hunter2hunter2"));

    // Kept. The figure is the whole way there and back, on a machine that tests run on.
    let asked = Instant::now();
    let (_, answer) = http_get(&address, &path).await?;
    let took = asked.elapsed();
    let kept = events(&answer)?;
    assert_eq!(kept.last().context("events")?.1["cached"], true);
    println!("a kept answer came in {:.1} ms", took.as_secs_f64() * 1e3);
    assert_eq!(counted.questions(), 1);

    // Questions, over both ways, and for people.
    let window = [
        "--from",
        "2026-11-18T09:00:00Z",
        "--until",
        "2026-11-18T10:00:00Z",
    ];
    let diagnose = [
        "diagnose",
        "why do writes fail?",
        "--source",
        "app",
        "--format",
        "jsonl",
    ];
    let answered = Outcome::of(command(&address, &[&diagnose[..], &window].concat())?).await?;
    let frames = json_lines(&answered.stdout)?;
    assert_eq!(
        frames.last().context("frames")?["done"]["model"],
        LocalLlm::MODEL,
        "{answered:?}"
    );
    assert!(
        frames.iter().any(|frame| frame.get("token").is_some()),
        "{answered:?}"
    );
    let query = "/v1/diagnose?query=&time_from=2026-11-18T09:00:00Z&time_until=2026-11-18T10:00:00Z";
    let (_, answer) = http_get(&address, query).await?;
    let streamed = events(&answer)?;
    assert!(streamed.iter().any(|(name, _)| name == "token"), "{answer}");
    assert_eq!(streamed.last().context("events")?.0, "done", "{answer}");
    let nothing = Outcome::of(command(
        &address,
        &["diagnose", "--last", "1h", "--until", "2020-01-01T00:00:00Z"],
    )?)
    .await?;
    assert!(
        nothing
            .stdout
            .contains("Nothing found between 2019-12-31 23:00:00 and 2020-01-01 00:00:00 UTC"),
        "{nothing:?}"
    );
    assert_eq!(counted.questions(), 3);
    let read = Outcome::of(command(&address, &["explain", &entry_id])?).await?;
    assert!(
        read.stdout.contains("What happened") && read.stderr.contains("kept from earlier"),
        "{read:?}"
    );
    let missing = Outcome::of(command(&address, &["explain", "0199-none"])?).await?;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(
        missing.stderr.contains("there is no entry 0199-none"),
        "{missing:?}"
    );

    up.interrupt()?;
    assert_eq!(up.wait(STEP_LIMIT).await?.code(), Some(0), "{}", up.transcript());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_killed_in_the_middle_ends_in_an_error() -> anyhow::Result<()> {
    let _alone = alone().await;
    let mut llm = LocalLlm::start().await?;
    let home = Home::new(Some(&llm.base_url()))?;
    // So long that it is not over before it is killed.
    let config = std::fs::read_to_string(home.config())?.replace("max_tokens = 160", "max_tokens = 900");
    std::fs::write(home.config(), config)?;
    let (mut up, address) = home.up().await?;
    let entry_id = entry(&address, "checkpoint").await?;
    let mut stream = TcpStream::connect(&address).await?;
    let request = format!("GET /v1/entries/{entry_id}/explanation HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("event: token") {
        let read = tokio::time::timeout(WORK_LIMIT, stream.read_buf(&mut answer)).await??;
        anyhow::ensure!(read > 0, "it ended early: {}", String::from_utf8_lossy(&answer));
    }
    llm.kill9()?;
    tokio::time::timeout(STEP_LIMIT, stream.read_to_end(&mut answer)).await??;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (last, data) = events(&answer)?.pop().context("events")?;
    assert_eq!(
        (last.as_str(), data["retryable"].as_bool()),
        ("error", Some(true)),
        "{answer}"
    );
    assert!(!data["reason"].as_str().unwrap_or_default().is_empty(), "{data}");

    // Nobody is there now: the command says so and fails.
    let refused = Outcome::of(command(&address, &["explain", &entry_id])?).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("no explanation: "), "{refused:?}");
    up.interrupt()?;
    assert_eq!(up.wait(STEP_LIMIT).await?.code(), Some(0), "{}", up.transcript());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_the_evidence_is_summed_up_from_a_server_and_from_a_database() -> anyhow::Result<()> {
    let _alone = alone().await;
    let home = Home::new(None)?;
    let (mut up, address) = home.up().await?;
    let entry_id = entry(&address, "nvme0n1").await?;
    let from_server = Outcome::of(command(&address, &["explain", &entry_id])?).await?;
    assert_eq!(from_server.code, Some(0), "{from_server:?}");
    assert!(
        from_server.stdout.contains("made without a language model"),
        "{from_server:?}"
    );
    assert!(
        from_server.stderr.contains("no language model"),
        "{from_server:?}"
    );
    up.interrupt()?;
    assert_eq!(up.wait(STEP_LIMIT).await?.code(), Some(0), "{}", up.transcript());

    let database = format!("sqlite://{}", home.database().display());
    let from_database = Outcome::any(["explain", &entry_id, "--db", &database]).await?;
    assert_eq!(from_database.stdout, from_server.stdout);
    let hour = ["diagnose", "--until", "2026-11-18T10:00:00Z", "--db", &database];
    let diagnosed = Outcome::success(hour).await?;
    assert!(
        diagnosed.contains("No language model is configured") && diagnosed.contains("nvme0n1"),
        "{diagnosed}"
    );

    // What cannot work is refused at the start, with the key.
    let config = std::fs::read_to_string(home.config())?;
    for (section, key) in [
        ("[llm]\naddress = \"http://127.0.0.1:1/v1\"", "llm.model"),
        (
            "[llm]\naddress = \"http://u:pw@127.0.0.1:1/v1\"\nmodel = \"m\"",
            "llm.address",
        ),
        (
            "[llm]\naddress = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\ncontext_tokens = 500",
            "llm.context_tokens",
        ),
    ] {
        std::fs::write(
            home.config(),
            config.replace("[[sources]]", &format!("{section}\n[[sources]]")),
        )?;
        let command = turnstone(["up", "--config"])?.arg(home.config());
        let refused = Outcome::of(command.args(["--listen", "127.0.0.1:0"])).await?;
        assert!(matches!(refused.code, Some(1 | 2)), "{refused:?}");
        assert!(
            refused.stderr.contains(key) && !refused.stderr.contains("pw@"),
            "{refused:?}"
        );
    }
    Ok(())
}

/// Ctrl-C while a model is silent: the command ends at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_ends_at_once() -> anyhow::Result<()> {
    let silent = turnstone_testkit::ScriptedServer::always(vec![
        turnstone_testkit::Step::events(),
        turnstone_testkit::Step::piece("for ever"),
        turnstone_testkit::Step::Hold,
    ])
    .await?;
    let _alone = alone().await;
    let home = Home::new(Some(&format!("{}/v1", silent.url())))?;
    let (mut up, address) = home.up().await?;
    let entry_id = entry(&address, "nvme0n1").await?;
    let mut explain = command(&address, &["explain", &entry_id])?.spawn()?;
    let shown = wait_for(STEP_LIMIT, || async {
        anyhow::ensure!(explain.stdout().contains("for ever"), "nothing is shown");
        Ok(())
    });
    shown.await?;
    explain.interrupt()?;
    let status = explain.wait(Duration::from_secs(10)).await?;
    assert!(!status.success(), "{status}");
    up.interrupt()?;
    assert_eq!(up.wait(STEP_LIMIT).await?.code(), Some(0), "{}", up.transcript());
    Ok(())
}
