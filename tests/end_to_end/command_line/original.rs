//! Databases of the original pipeline, as it would have left them.

use std::path::{Path, PathBuf};
use turnstone_tests::{Outcome, sqlite_execute};

/// Makes the original's tables, with ids of the given SQL type and with columns that nobody here knows.
pub async fn create(file: &Path, id_type: &str) -> anyhow::Result<()> {
    let tables = format!(
        "CREATE TABLE log_entries (id {id_type} PRIMARY KEY, tenant_id TEXT NOT NULL DEFAULT '', source_id TEXT NOT NULL,
             text TEXT NOT NULL, timestamp_iso TEXT, severity TEXT, ingest_time TEXT, anomaly_score REAL, anomaly_label TEXT,
             anomaly_scored_at TEXT, repeat_count INTEGER DEFAULT 1, matched_patterns TEXT);
         CREATE TABLE detections (id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL DEFAULT '', entry_id {id_type} NOT NULL UNIQUE,
             source_id TEXT NOT NULL, anomaly_label TEXT NOT NULL, anomaly_score REAL NOT NULL, severity TEXT NOT NULL,
             text TEXT NOT NULL, timestamp_iso TEXT, detected_at TEXT NOT NULL, acknowledged INTEGER NOT NULL DEFAULT 0,
             acknowledged_at TEXT, notes TEXT NOT NULL DEFAULT '', scorer TEXT NOT NULL DEFAULT 'hybrid-bert');"
    );
    sqlite_execute(file, &tables).await
}

/// Adds a scored entry with its detection; `id` is an SQL value, `text` and `source_id` are plain.
pub async fn add_detected(
    file: &Path,
    id: &str,
    number: u32,
    source_id: &str,
    text: &str,
    label: &str,
) -> anyhow::Result<()> {
    let (text, source_id) = (text.replace('\'', "''"), source_id.replace('\'', "''"));
    let at = format!("2026-11-18T09:{:02}:{:02}+00:00", number / 60, number % 60);
    let acknowledged = number % 2;
    let (acknowledged_at, notes) = if acknowledged == 1 {
        (format!("'{at}'"), "seen before")
    } else {
        ("NULL".into(), "")
    };
    let rows = format!(
        "INSERT INTO log_entries (id, source_id, text, timestamp_iso, severity, ingest_time, anomaly_score, anomaly_label,
             anomaly_scored_at) VALUES ({id}, '{source_id}', '{text}', '{at}', 'INFO', '{at}', 0.9{number}, '{label}', '{at}');
         INSERT INTO detections (id, entry_id, source_id, anomaly_label, anomaly_score, severity, text, timestamp_iso,
             detected_at, acknowledged, acknowledged_at, notes) VALUES ('d-{number}', {id}, '{source_id}', '{label}', 0.9{number},
             'ERROR', '{text}', '{at}', '{at}', {acknowledged}, {acknowledged_at}, '{notes}');"
    );
    sqlite_execute(file, &rows).await
}

/// Adds an entry that waits for a scorer.
pub async fn add_unscored(file: &Path, id: &str, text: &str) -> anyhow::Result<()> {
    let rows = format!(
        "INSERT INTO log_entries (id, source_id, text, timestamp_iso, ingest_time)
             VALUES ({id}, 'kernel', '{text}', '2026-11-18T10:00:00+00:00', '2026-11-18T10:00:01+00:00');"
    );
    sqlite_execute(file, &rows).await
}

/// Imports an original into a new database beside it; returns that database's file and address.
pub async fn imported(file: &Path) -> anyhow::Result<(PathBuf, String)> {
    let target = file.with_extension("turnstone.db");
    let url = format!("sqlite://{}", target.display());
    Outcome::success(["db", "import", file.to_str().unwrap(), "--db", url.as_str()]).await?;
    Ok((target, url))
}
