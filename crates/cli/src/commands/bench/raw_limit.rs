//! The raw limit of a database: its own bulk loader on the same rows. The one place outside the store that looks at which
//! database it is, since only that database's own program can say what its limit is.

use anyhow::Context;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use turnstone_store::StoreAddress;
use turnstone_types::{NewEntry, Timestamp};

/// What the loader of a database reached.
pub struct RawLimit {
    /// The loader.
    pub program: &'static str,
    /// Seconds into a table without any key or index.
    pub plain_seconds: f64,
    /// Seconds into a table with the keys and indexes of `log_entries`, without full text.
    pub indexed_seconds: f64,
}

/// Columns of `log_entries` that a new entry fills.
const COLUMNS: &str =
    "id, tenant_id, source_id, cycle_id, text, timestamp_iso, timestamp_basis, severity, ingest_time";

/// Loads `entries` with the database's own program into throw-away tables.
pub async fn measure(address: &StoreAddress, entries: &[NewEntry]) -> anyhow::Result<RawLimit> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let csv = folder.path().join("entries.csv");
    write_csv(&csv, entries)?;
    match address {
        StoreAddress::Postgres(url) => postgres(url.as_str(), &csv).await,
        StoreAddress::Sqlite(path) => sqlite(path, &csv).await,
    }
}

async fn postgres(url: &str, csv: &Path) -> anyhow::Result<RawLimit> {
    let (plain, indexed) = ("turnstone_bench_plain", "turnstone_bench_indexed");
    let drop_both = format!("DROP TABLE IF EXISTS {plain}, {indexed};");
    let psql = |script: String| async move {
        run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", url], &script).await
    };
    psql(format!("{drop_both} CREATE TABLE {plain} (LIKE log_entries INCLUDING DEFAULTS); CREATE TABLE {indexed} (LIKE log_entries INCLUDING ALL);"))
        .await?;
    let copy = |table: &str| {
        format!(
            "\\copy {table} ({COLUMNS}) from '{}' with (format csv)\n",
            csv.display()
        )
    };
    let started = Instant::now();
    psql(copy(plain)).await?;
    let plain_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    psql(copy(indexed)).await?;
    let indexed_seconds = started.elapsed().as_secs_f64();
    psql(drop_both).await?;
    Ok(RawLimit {
        program: "psql \\copy",
        plain_seconds,
        indexed_seconds,
    })
}

async fn sqlite(path: &Path, csv: &Path) -> anyhow::Result<RawLimit> {
    // Beside the measured database: the same disk. Removed at the end, also when a step fails.
    let beside = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = tempfile::tempdir_in(beside).context("make a temporary folder beside the database")?;
    let file = folder.path().join("raw.db").to_string_lossy().into_owned();
    let columns: Vec<String> = COLUMNS
        .split(", ")
        .map(|column| format!("{column} TEXT"))
        .collect();
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
    let sqlite3 = |script: String| {
        let file = file.clone();
        async move { run("sqlite3", &["-batch", "-bail", &file], &script).await }
    };
    // The same indexes as `log_entries` has; all rows are unscored, so the partial one holds them all.
    sqlite3(format!(
        "{settings}\nCREATE TABLE plain ({columns});\nCREATE TABLE indexed ({columns});\n\
         CREATE UNIQUE INDEX by_id ON indexed (id);\n\
         CREATE INDEX by_source_and_time ON indexed (tenant_id, source_id, timestamp_iso, id);\n\
         CREATE INDEX by_time ON indexed (tenant_id, timestamp_iso, id);\n\
         CREATE INDEX unscored ON indexed (tenant_id, cycle_id, id, ingest_time);\n",
        columns = columns.join(", "),
    ))
    .await?;
    let import = |table: &str| format!("{settings}\n.import --csv {} {table}\n", csv.display());
    let started = Instant::now();
    sqlite3(import("plain")).await?;
    let plain_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    sqlite3(import("indexed")).await?;
    let indexed_seconds = started.elapsed().as_secs_f64();
    Ok(RawLimit {
        program: "sqlite3 .import",
        plain_seconds,
        indexed_seconds,
    })
}

/// Runs a loader with a script on its standard input; its complaint is the error.
async fn run(program: &str, arguments: &[&str], script: &str) -> anyhow::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {program}; install it to see the raw limit"))?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(script.as_bytes())
            .await
            .with_context(|| format!("talk to {program}"))?;
    }
    let output = child
        .wait_with_output()
        .await
        .with_context(|| format!("wait for {program}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{program}: {}", complaint.trim());
    Ok(())
}

fn write_csv(path: &Path, entries: &[NewEntry]) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let quoted = |text: &str| text.replace('"', "\"\"");
    let instant = |instant: Timestamp| instant.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    let ingest_time = instant(Timestamp::now());
    for entry in entries {
        writeln!(
            out,
            "{},\"\",{},bench-cycle,\"{}\",{},{},INFO,{ingest_time}",
            entry.id,
            entry.source_id,
            quoted(&entry.text),
            instant(entry.timestamp),
            entry.timestamp_basis.as_str(),
        )?;
    }
    out.flush()?;
    Ok(())
}
