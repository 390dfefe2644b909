//! Why a label: from the command through the query service and the queue to the scorer's model and back, in a fleet and in one
//! process; and what is said where one of them is missing.

use crate::alone;
use std::io::Write as _;
use std::time::Instant;
use turnstone_testkit::{temp_dir, wait_for};
use turnstone_tests::{Fleet, FleetOptions, Outcome, STEP_LIMIT, WORK_LIMIT, sqlite_count, turnstone};

const LINE: &str =
    "Nov 22 10:00:00 gate sshd[42]: Failed password for invalid user oracle from 203.0.113.9 port 51122 ssh2";
/// The words that a person would name.
const CARRIERS: [&str; 3] = ["Failed", "password", "invalid"];

async fn entry_id(server: &str) -> anyhow::Result<String> {
    let found = Outcome::json(["search", "oracle", "--format", "jsonl", "--server", server]).await?;
    let id = found.first().and_then(|row| row["id"].as_str());
    id.map(str::to_owned)
        .ok_or_else(|| anyhow::anyhow!("the entry is not found: {found:?}"))
}

/// Checks one explanation as JSON: label, text, and that the heaviest word is one that carries the label.
fn check(rows: &[serde_json::Value]) {
    let [row] = rows else { panic!("{rows:?}") };
    assert_eq!(row["anomaly_label"], "SECURITY_ANOMALY", "{row}");
    assert_eq!(row["scorer"], "turnstone-mini", "{row}");
    assert_eq!(row["text"], LINE, "{row}");
    let words = row["words"].as_array().unwrap();
    let weight = |word: &serde_json::Value| word["weight"].as_f64().unwrap();
    let heaviest = words
        .iter()
        .max_by(|left, right| weight(left).total_cmp(&weight(right)))
        .unwrap();
    assert!(CARRIERS.contains(&heaviest["word"].as_str().unwrap()), "{row}");
    assert!(weight(heaviest) > 0.1, "{row}");
    let start = usize::try_from(heaviest["start"].as_u64().unwrap()).unwrap();
    assert!(
        LINE[start..].starts_with(heaviest["word"].as_str().unwrap()),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_says_which_words_made_a_label_and_what_is_missing_where_it_cannot() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let log = folder.path().join("auth.log");
    std::fs::write(&log, format!("{LINE}\n"))?;
    let mut fleet = Fleet::start(FleetOptions::default().source("auth", &log)).await?;
    let mut ingest = fleet.ingest().await?;
    let mut scorer = fleet.scorer().await?;
    let query = fleet.query().await?;
    fleet
        .wait_for_scored(1, &mut [&mut ingest, &mut scorer], WORK_LIMIT)
        .await?;
    let server = query.url();
    let id = entry_id(&server).await?;
    let asked = [
        "why",
        id.as_str(),
        "--format",
        "jsonl",
        "--server",
        server.as_str(),
    ];
    check(&Outcome::json(asked).await?);
    let shown = Outcome::success(["why", id.as_str(), "--server", server.as_str()]).await?;
    assert!(shown.starts_with("SECURITY_ANOMALY 0.9"), "{shown}");
    assert!(
        CARRIERS.iter().any(|word| shown.contains(&format!("«{word}»"))),
        "{shown}"
    );

    // Nobody else's, and none at all.
    for (tenant, id) in [("other", "no-such-entry"), ("", "no-such-entry")] {
        let refused = Outcome::any(["why", id, "--tenant", tenant, "--server", &server]).await?;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("there is no entry"), "{refused:?}");
    }

    // With the scorer gone the caller hears so at once, and not after the time limit.
    assert!(scorer.stop().await?.success(), "{}", scorer.log());
    let started = Instant::now();
    let refused = Outcome::any(asked).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("no scorer answered") && refused.stderr.contains("is one running?"),
        "{refused:?}"
    );
    assert!(started.elapsed() < STEP_LIMIT, "{:?}", started.elapsed());

    // With the queue gone too, the query service still starts, is ready, and says what is missing.
    fleet.nats.kill9()?;
    let second = fleet.query().await?;
    let url = second.url();
    assert_eq!(entry_id(&url).await?, id);
    let refused = Outcome::any(["why", id.as_str(), "--server", url.as_str()]).await?;
    assert!(
        refused.stderr.contains("queue (NATS) cannot be reached"),
        "{refused:?}"
    );

    // Of the database alone, with a model in the command itself.
    let db = fleet.database_url();
    check(&Outcome::json(["why", id.as_str(), "--format", "jsonl", "--db", db]).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_with_a_model_explains_and_without_one_says_so() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let log = folder.path().join("auth.log");
    std::fs::File::create(&log)?.write_all(format!("{LINE}\n").as_bytes())?;
    let config = folder.path().join("turnstone.toml");
    std::fs::write(
        &config,
        format!(
            "ingest.cycle_interval_ms = 200\n[[sources]]\nsource_id = \"auth\"\nkind = \"files\"\npaths = [{log:?}]\n"
        ),
    )?;
    let data_dir = folder.path().join("data");
    let database = data_dir.join("turnstone.db");
    for model in ["turnstone-mini", ""] {
        let mut up = turnstone(["up", "--listen", "127.0.0.1:0", "--model", model])?
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(&data_dir)
            .spawn()?;
        let address = up
            .wait_for_line(STEP_LIMIT, |line| {
                let (_, rest) = line.split_once("listens on http://")?;
                rest.split_whitespace().next().map(str::to_owned)
            })
            .await?;
        let server = format!("http://{address}");
        wait_for(WORK_LIMIT, || async {
            let entries = sqlite_count(&database, "SELECT count(*) FROM log_entries").await?;
            anyhow::ensure!(entries == 1, "{entries} entries");
            Ok(())
        })
        .await?;
        let id = entry_id(&server).await?;
        // Whoever answers subscribes after the address is told.
        let outcome = wait_for(STEP_LIMIT, || async {
            let asked = Outcome::any(["why", &id, "--format", "jsonl", "--server", &server]).await?;
            anyhow::ensure!(!asked.stderr.contains("is one running?"), "{asked:?}");
            Ok(asked)
        })
        .await?;
        if model.is_empty() {
            assert_eq!(outcome.code, Some(1), "{outcome:?}");
            assert!(outcome.stderr.contains("runs without a model"), "{outcome:?}");
        } else {
            check(&turnstone_tests::json_lines(&outcome.stdout)?);
        }
        up.interrupt()?;
        let status = up.wait(STEP_LIMIT).await?;
        assert_eq!(status.code(), Some(0), "{}", up.transcript());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_explained_without_a_server() -> anyhow::Result<()> {
    check(&Outcome::json(["why", "--text", LINE, "--format", "jsonl"]).await?);
    let hostile =
        Outcome::success(["why", "--text", "--\u{1b}[31m Failed password \u{202e}for root"]).await?;
    assert!(!hostile.contains(['\u{1b}', '\u{202e}']), "{hostile:?}");
    assert!(hostile.contains("\\u{1b}[31m"), "{hostile:?}");
    for refused in [
        vec!["why"],
        vec!["why", "some-id", "--text", "x"],
        vec!["why", "--text", "x", "--model", "no/such/model"],
    ] {
        let outcome = Outcome::any(refused.iter()).await?;
        assert!(matches!(outcome.code, Some(1 | 2)), "{outcome:?}");
        assert!(!outcome.stderr.is_empty(), "{outcome:?}");
    }
    Ok(())
}
