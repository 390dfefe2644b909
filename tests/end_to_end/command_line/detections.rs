//! `turnstone detections` gives the same answers straight from a database and through a query service, and says by its exit code
//! whether a row changed.

use super::original;
use serde_json::Value;
use std::path::Path;
use turnstone_testkit::{Program, temp_dir, wait_for};
use turnstone_tests::{Outcome, STEP_LIMIT, http_get, json_lines, program, turnstone};

/// The column names of `detections`, the original's first.
const COLUMNS: [&str; 18] = [
    "acknowledged",
    "acknowledged_at",
    "acknowledgement_id",
    "anomaly_label",
    "anomaly_score",
    "detected_at",
    "entry_id",
    "fingerprint",
    "id",
    "notes",
    "scorer",
    "severity",
    "source_id",
    "suppressed",
    "tenant_id",
    "text",
    "timestamp_iso",
    "verdict",
];

async fn database(folder: &Path) -> anyhow::Result<String> {
    let file = folder.join("old.db");
    original::create(&file, "INTEGER").await?;
    for number in 0..12 {
        let label = ["SECURITY_ANOMALY", "HARDWARE_ISSUE", "NETWORK_ANOMALY"][number as usize % 3];
        let source_id = ["ssh", "disk"][number as usize % 2];
        original::add_detected(
            &file,
            &(number + 1).to_string(),
            number,
            source_id,
            &format!("text {number}"),
            label,
        )
        .await?;
    }
    Ok(original::imported(&file).await?.1)
}

async fn query_service(database: &str) -> anyhow::Result<(Program, String)> {
    let service = program("turnstone-query")?
        .env("TURNSTONE_DATABASE_URL", database)
        .env("TURNSTONE_SERVER_LISTEN", "127.0.0.1:0")
        .env("TURNSTONE_TELEMETRY_LOG_FORMAT", "json");
    let mut service = service.spawn()?;
    let address = service.wait_for_line(STEP_LIMIT, |line| {
        serde_json::from_str::<Value>(line).ok()?["address"]
            .as_str()
            .map(|address| format!("http://{address}"))
    });
    let address = address.await?;
    Ok((service, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_and_a_service_give_the_same_answers() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let database = database(folder.path()).await?;
    let (_service, server) = query_service(&database).await?;
    for filter in [
        &[][..],
        &["--limit", "5"],
        &["--label", "hardware_issue"],
        &["--unacknowledged"],
        &["--scorer", "HYBRID-BERT"],
        &["--scorer", "nobody"],
        &["--source", "disk", "--severity", "ERROR"],
        &["--tenant", "acme"],
        &["--group"],
        &["--group", "--limit", "2"],
        &["--text", "text -3"],
        &["--fingerprint", turnstone_types::fingerprint("text 0").as_str()],
        &["--suppressed=false"],
    ] {
        for format in ["jsonl", "table"] {
            let list = ["detections", "list", "--format", format];
            let from_database =
                Outcome::success(list.iter().chain(&["--db", &database]).chain(filter)).await?;
            let from_server =
                Outcome::success(list.iter().chain(&["--server", &server]).chain(filter)).await?;
            assert_eq!(from_database, from_server, "{filter:?} {format}");
            assert_eq!(
                from_database.is_empty(),
                filter == ["--scorer", "nobody"],
                "{filter:?} {format}: {from_database}"
            );
        }
    }
    for command in [
        &["search", "text", "--format", "jsonl"][..],
        &["search", "text", "--relevance", "--score-min", "0.9"],
        &["stats", "--format", "jsonl"],
    ] {
        let from_database = Outcome::success(command.iter().chain(&["--db", &database])).await?;
        let from_server = Outcome::success(command.iter().chain(&["--server", &server])).await?;
        assert_eq!(from_database, from_server, "{command:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_have_their_column_names_and_come_newest_first() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let database = database(folder.path()).await?;
    let rows = Outcome::json([
        "detections",
        "list",
        "--db",
        &database,
        "--format",
        "jsonl",
        "--limit",
        "7",
    ])
    .await?;
    assert_eq!(rows.len(), 7);
    for row in &rows {
        assert_eq!(
            row.as_object().unwrap().keys().collect::<Vec<_>>(),
            COLUMNS,
            "{row}"
        );
    }
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["d-11", "d-10", "d-9", "d-8", "d-7", "d-6", "d-5"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledging_says_whether_a_row_changed() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let database = database(folder.path()).await?;
    let ids = |acknowledged: bool| {
        let database = database.clone();
        async move {
            let rows = Outcome::json(["detections", "list", "--db", &database, "--format", "jsonl"]).await?;
            let ids = rows.iter().filter(|row| row["acknowledged"] == acknowledged);
            anyhow::Ok(
                ids.map(|row| row["id"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>(),
            )
        }
    };
    let open = ids(false).await?;
    assert_eq!(open, ["d-10", "d-8", "d-6", "d-4", "d-2", "d-0"]);

    let ack = ["detections", "ack", "--db", database.as_str()];
    let told = Outcome::success(ack.iter().chain(&["d-10", "--notes", "it's known"])).await?;
    assert!(told.starts_with("1 detection "), "{told}");
    assert_eq!(ids(false).await?, open[1..]);
    let rows = Outcome::json([
        "detections",
        "list",
        "--db",
        &database,
        "--format",
        "jsonl",
        "--limit",
        "2",
    ])
    .await?;
    assert_eq!(
        (&rows[1]["id"], &rows[1]["notes"]),
        (&"d-10".into(), &"it's known".into())
    );

    for nothing in [
        &["no-such-id"][..],
        &["--label", "NO_SUCH_LABEL"],
        &[],
        &["d-8", "--label", "SECURITY_ANOMALY"],
    ] {
        let outcome = Outcome::any(ack.iter().chain(nothing)).await?;
        assert_eq!(outcome.code, Some(1), "{nothing:?}: {outcome:?}");
        assert_eq!(ids(false).await?, open[1..], "{nothing:?} acknowledged something");
    }
    // One id that is not there does not keep the others from being acknowledged.
    Outcome::success(ack.iter().chain(&["d-8", "no-such-id"])).await?;
    assert_eq!(ids(false).await?, open[2..]);
    Outcome::success(
        ack.iter()
            .chain(&["--label", "security_anomaly", "--unacknowledged"]),
    )
    .await?;
    assert_eq!(ids(false).await?, ["d-4", "d-2"]);

    Outcome::success(["detections", "unack", "--db", database.as_str(), "d-8"]).await?;
    assert_eq!(ids(false).await?, ["d-8", "d-4", "d-2"]);
    Outcome::success(ack.iter().chain(&["--all"])).await?;
    assert!(ids(false).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_prints_what_is_new_and_ends_on_ctrl_c() -> anyhow::Result<()> {
    let folder = temp_dir()?;
    let database = database(folder.path()).await?;
    let (_service, server) = query_service(&database).await?;
    let watch = [
        "detections",
        "watch",
        "--format",
        "jsonl",
        "--label",
        "security_anomaly",
        "--server",
    ];
    let mut watch = turnstone(watch)?.arg(&server).spawn()?;
    wait_for(STEP_LIMIT, || async {
        let (_, metrics) = http_get(server.trim_start_matches("http://"), "/metrics").await?;
        anyhow::ensure!(
            metrics.contains("turnstone_query_watchers 1"),
            "nobody watches yet"
        );
        Ok(())
    })
    .await?;
    let later = folder.path().join("later.db");
    original::create(&later, "TEXT").await?;
    for (number, label) in [
        (50, "HARDWARE_ISSUE"),
        (51, "SECURITY_ANOMALY"),
        (52, "SECURITY_ANOMALY"),
    ] {
        original::add_detected(
            &later,
            &format!("'later-{number}'"),
            number,
            "ssh",
            "a later text",
            label,
        )
        .await?;
    }
    Outcome::success(["db", "import", later.to_str().unwrap(), "--db", database.as_str()]).await?;
    watch
        .wait_for_line(STEP_LIMIT, |line| line.contains("\"d-52\"").then_some(()))
        .await?;
    watch.interrupt()?;
    assert_eq!(
        watch.wait(STEP_LIMIT).await?.code(),
        Some(0),
        "{}",
        watch.transcript()
    );
    let rows = json_lines(&watch.stdout())?;
    let ids: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, ["d-51", "d-52"], "not exactly what is new and matches");
    Ok(())
}
