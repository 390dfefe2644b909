//! The part of examples/logs that is cheap to score and holds some of the incident, and what a scan finds in it.

use serde_json::Value;
use std::path::PathBuf;
use turnstone_tests::{FleetOptions, Outcome, json_lines, turnstone, workspace_root};

const FILES: [(&str, &str); 3] = [
    ("shop-web-error", "shop-nginx-error.log"),
    ("node3-kubelet", "node3-kubelet.log"),
    ("mailer", "mailer.log"),
];

/// The files, each with the source that gleans it.
pub fn files() -> [(&'static str, PathBuf); 3] {
    FILES.map(|(source_id, name)| (source_id, workspace_root().join("examples/logs").join(name)))
}

/// A fleet that gleans the files.
pub fn fleet_options() -> FleetOptions {
    files()
        .into_iter()
        .fold(FleetOptions::default(), |options, (source_id, path)| {
            options.source(source_id, path)
        })
}

/// What `turnstone scan` says of the files.
pub struct Scanned {
    /// Text and label of each detection, sorted.
    pub detections: Vec<(String, String)>,
    /// Entries in all files.
    pub entries: u64,
}

/// Scans the files.
pub async fn scan() -> anyhow::Result<Scanned> {
    let arguments = ["scan".into(), "--format".into(), "jsonl".into()];
    let paths = files().into_iter().map(|(_, path)| path.into_os_string());
    let outcome = Outcome::of(turnstone(arguments.into_iter().chain(paths))?).await?;
    anyhow::ensure!(outcome.code == Some(0), "{outcome:?}");
    // "133 detections (…) in 634 entries of 3 inputs, 9.9 s"
    let words: Vec<&str> = outcome
        .stderr
        .lines()
        .last()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let entries = words
        .windows(2)
        .find(|pair| pair[1] == "entries")
        .and_then(|pair| pair[0].replace(',', "").parse().ok());
    let entries = entries.ok_or_else(|| anyhow::anyhow!("no number of entries in {:?}", outcome.stderr))?;
    let detections = texts_and_labels(&json_lines(&outcome.stdout)?);
    anyhow::ensure!(
        detections.len() > 20 && detections.len() as u64 * 2 < entries,
        "an odd scan: {outcome:?}"
    );
    Ok(Scanned { detections, entries })
}

/// Text and label of detections, sorted.
pub fn texts_and_labels(rows: &[Value]) -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut pairs: Vec<_> = rows
        .iter()
        .map(|row| (text(row, "text"), text(row, "anomaly_label")))
        .collect();
    pairs.sort();
    pairs
}
