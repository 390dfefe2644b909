//! `turnstone eval` counts what `turnstone classify` answers, and refuses lines that are not labelled.

use crate::{alone, lines};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use turnstone_testkit::temp_dir;
use turnstone_tests::{Outcome, json_lines, turnstone};

/// The default of the configuration.
const THRESHOLD: f64 = 0.75;

/// Invented lines of three systems; what the model makes of them does not matter here.
fn labelled() -> Vec<Value> {
    let line =
        |source: &str, label: &str, text: &str| json!({"source": source, "label": label, "text": text});
    let mut labelled = vec![
        line(
            "lab/disk",
            "HARDWARE_ISSUE",
            "kernel: nvme0: I/O error, dev nvme0n1, sector 7",
        ),
        line(
            "lab/disk",
            "HARDWARE_ISSUE",
            "kernel: nvme0: I/O error, dev nvme0n1, sector 9141",
        ),
        line(
            "lab/disk",
            "SYSTEM_FAILURE",
            "kernel: the moon rises over the harbor",
        ),
        line(
            "lab/login",
            "SECURITY_ANOMALY",
            "sshd[7]: Failed password for gold from 192.0.2.7 port 4117 ssh2",
        ),
        line(
            "lab/login",
            "NORMAL",
            "sshd[9]: Failed password for moon from 192.0.2.9 port 4119 ssh2",
        ),
        line("lab/login", "NORMAL", "login service has 0 errors"),
        line(
            "field/net",
            "NETWORK_ANOMALY",
            "coffee-proxy: connect to 192.0.2.1:80: connection refused",
        ),
        line(
            "field/net",
            "CONFIG_ERROR",
            "coffee-proxy: unknown key \"grinder\" in coffee.toml line 3",
        ),
        json!({"label": "performance_issue", "also_ok": ["SYSTEM_FAILURE", "NETWORK_ANOMALY", "CONFIG_ERROR"],
            "text": "corn-queue is full, 10000 of 10000 jobs wait"}),
    ];
    // More than one portion.
    labelled.extend((0..1_500).map(|number| line("lab/shop", "NORMAL", &lines::text(number))));
    labelled
}

fn write(file: &Path, lines: &[Value]) -> anyhow::Result<()> {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    Ok(std::fs::write(file, lines.join("\n"))?)
}

async fn report(arguments: &[&str]) -> anyhow::Result<Value> {
    let mut reports = Outcome::json([&["eval", "--json"], arguments].concat()).await?;
    anyhow::ensure!(reports.len() == 1, "{} reports", reports.len());
    Ok(reports.remove(0))
}

/// What `classify` answers to each of the lines.
async fn classified(lines: &[Value]) -> anyhow::Result<Vec<Value>> {
    let texts: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    let outcome = Outcome::of(turnstone(["classify", "-"])?.stdin(texts.join("\n"))).await?;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    json_lines(&outcome.stdout)
}

fn assert_close(figure: &Value, expected: f64, what: &str) {
    let figure = figure.as_f64().unwrap_or(f64::NAN);
    assert!(
        (figure - expected).abs() < 1e-6,
        "{what}: {figure} and not {expected}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_what_classify_answers() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let file = folder.path().join("labelled.jsonl");
    let lines = labelled();
    write(&file, &lines)?;
    let path = file.to_str().unwrap();
    let report = report(&["--against", "keywords", "--errors", "3", path]).await?;
    let answers = classified(&lines).await?;
    assert_eq!(answers.len(), lines.len());

    let mut confusion: BTreeMap<(String, String), u64> = BTreeMap::new();
    let (mut anomalous, mut normal, mut hits, mut alarms, mut right) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (line, answer) in lines.iter().zip(&answers) {
        let label = line["label"].as_str().unwrap().to_uppercase();
        let got = answer["label"].as_str().unwrap();
        let accepted = line["also_ok"]
            .as_array()
            .is_some_and(|labels| labels.contains(&got.into()));
        let judged = if accepted { label.clone() } else { got.to_owned() };
        right += f64::from(u8::from(judged == label));
        let detected = f64::from(u8::from(
            got != "NORMAL" && answer["score"].as_f64().unwrap() >= THRESHOLD,
        ));
        if label == "NORMAL" {
            normal += 1.0;
            alarms += detected;
        } else {
            anomalous += 1.0;
            hits += detected;
        }
        *confusion.entry((label, judged)).or_default() += 1;
    }
    let all = &report["all"];
    assert_eq!(all["lines"], lines.len());
    assert_eq!(
        (&all["anomalous_lines"], &all["failed_lines"]),
        (&7.into(), &0.into())
    );
    for ((label, judged), count) in &confusion {
        assert_eq!(
            all["confusion"][label][judged], *count,
            "{label} answered {judged}: {all}"
        );
    }
    assert_close(&all["accuracy"], right / lines.len() as f64, "accuracy");
    let detected = &all["two_way"]["threshold"];
    assert!(
        hits > 0.0,
        "a model that detects nothing would make this test worthless: {answers:?}"
    );
    assert_close(&detected["precision"], hits / (hits + alarms), "precision");
    assert_close(&detected["recall"], hits / anomalous, "recall");
    assert_close(
        &detected["false_detections_per_million"],
        alarms / normal * 1e6,
        "false detections",
    );
    // By the list: 4 of 7 ("error" twice, "Failed", "refused"); of NORMAL lines "Failed", "0 errors" and the disk errors among the shop's.
    let keywords = &all["two_way"]["keywords"];
    assert_close(&keywords["recall"], 4.0 / 7.0, "recall of keywords");
    assert_close(
        &keywords["false_detection_rate"],
        17.0 / 1_502.0,
        "false detections of keywords",
    );

    assert_eq!(report["judged"], "label");
    let names = |of: &Value| -> Vec<String> { of.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(&report["groups"]), ["field", "lab"]);
    assert_eq!(
        names(&report["sources"]),
        ["field/net", "lab/disk", "lab/login", "lab/shop"]
    );
    assert_eq!(report["groups"]["lab"]["lines"], 1_506);
    let verdicts = &report["against"]["threshold"];
    let compared: usize = ["better", "equal", "worse"]
        .iter()
        .map(|verdict| verdicts[verdict].as_array().unwrap().len())
        .sum();
    assert_eq!(compared, 4, "{verdicts}");
    // The two lines that differ in a number alone are one template.
    assert_eq!(report["sources"]["lab/disk"]["templates"], 2);
    for error in report["errors"].as_array().unwrap() {
        let line = &lines[error["line"].as_u64().unwrap() as usize - 1];
        assert_eq!(
            (&error["text"], &error["source"]),
            (&line["text"], &line["source"])
        );
        assert_ne!(error["expected"], error["got"]);
    }

    // The same from standard input, as tables.
    let eval = turnstone(["eval", "--against", "keywords", "--no-cache", "-"])?.stdin(std::fs::read(&file)?);
    let outcome = Outcome::of(eval).await?;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for part in [
        "standard input: 1,509 of",
        "== all: ",
        "LABEL \\ ANSWER",
        "of 4 sources",
    ] {
        assert!(outcome.stdout.contains(part), "no {part:?} in {}", outcome.stdout);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_with_labels_of_its_own_is_judged_as_anomalous_or_not() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let config = folder.path().join("turnstone.toml");
    std::fs::write(
        &config,
        "[labels]\nSECURITY_ANOMALY = { label = \"ATTACK\", severity = \"ERROR\", anomalous = true }\n",
    )?;
    let file = folder.path().join("labelled.jsonl");
    let text = "sshd[7]: Failed password for gold from 192.0.2.7 port 4117 ssh2";
    let mut lines = vec![json!({"label": "SECURITY_ANOMALY", "text": text})];
    write(&file, &lines)?;
    let (path, config) = (file.to_str().unwrap(), config.to_str().unwrap());
    let lacking = report(&["--config", config, path]).await?;
    assert_eq!(lacking["judged"], "two_way");
    assert_eq!(lacking["labels_missing"], json!(["SECURITY_ANOMALY"]));
    assert_eq!(lacking["all"]["per_class"], json!({}));
    assert_eq!(lacking["all"]["macro_f1"], Value::Null);
    assert!(lacking["all"]["calibration_error"].is_f64(), "{lacking}");
    // A failed login is told from a routine line by any model that is worth shipping.
    assert_eq!(lacking["all"]["two_way"]["winner"]["recall"], 1.0);
    assert_eq!(lacking["all"]["accuracy"], 1.0);
    let table = Outcome::success(["eval", "--config", config, path]).await?;
    assert!(table.contains("the model has no SECURITY_ANOMALY"), "{table}");

    // The label that the map makes of it may be given to lines.
    lines[0]["label"] = "attack".into();
    write(&file, &lines)?;
    let own = report(&["--config", config, path]).await?;
    assert_eq!(
        (&own["judged"], &own["all"]["lines"]),
        (&"label".into(), &1.into())
    );
    assert_eq!(own["all"]["per_class"]["ATTACK"]["lines"], 1);
    let refused = Outcome::any(["eval", path]).await?;
    assert_eq!(
        refused.code,
        Some(2),
        "without the map nobody knows it: {refused:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_not_labelled_end_with_2() -> anyhow::Result<()> {
    let _alone = alone().await;
    let folder = temp_dir()?;
    let file = folder.path().join("labelled.jsonl");
    let path = file.to_str().unwrap();
    let good = json!({"text": "all is well", "label": "NORMAL"}).to_string();
    let hostile = json!({"text": "a", "label": "x\u{1b}[2J\u{202e}"}).to_string();
    for (line, expected) in [
        ("all is well", "not a JSON object"),
        ("{\"label\": \"NORMAL\"}", "no \"text\""),
        (
            "{\"text\": \"a\", \"label\": \"CALM\"}",
            "known are NORMAL, SECURITY_ANOMALY, ",
        ),
        (&hostile, "unknown label"),
    ] {
        std::fs::write(&file, format!("{good}\n{line}\n{good}\n"))?;
        let outcome = Outcome::any(["eval", path]).await?;
        assert_eq!(outcome.code, Some(2), "{line:?}: {outcome:?}");
        for part in [path, ", line 2: ", expected] {
            assert!(outcome.stderr.contains(part), "no {part:?} in {outcome:?}");
        }
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!outcome.stderr.contains(steers), "{outcome:?}");
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
    let empty = Outcome::of(turnstone(["eval", "-"])?.stdin("\n")).await?;
    assert_eq!(empty.code, Some(2), "{empty:?}");
    assert!(
        empty.stderr.contains("standard input: no labelled lines"),
        "{empty:?}"
    );
    Ok(())
}
