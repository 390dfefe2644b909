//! `turnstone db migrate|import`.

use super::note;
use crate::arguments::{Db, Shared};
use crate::connection::{database_url, load_config};
use crate::output::{Progress, escape_controls, grouped};
use anyhow::Context;
use std::io::Write;
use std::path::Path;
use turnstone_service::{Config, backends};
use turnstone_store::import::{ImportOptions, import_original};
use turnstone_store::{Store, StoreAddress};

/// Runs the command.
pub async fn run(shared: Shared, command: Db) -> anyhow::Result<()> {
    let config = load_config(&shared)?;
    let _telemetry = super::quiet_logs(&config)?;
    match command {
        Db::Migrate { database } => {
            let url = database_url(database.db.as_ref(), &config)?;
            let address = StoreAddress::parse(url.expose())?;
            backends::open_store(&config, &address).await?;
            writeln!(std::io::stdout(), "{address} is up to date")?;
            Ok(())
        }
        Db::Import { file, database } => {
            let url = database_url(database.db.as_ref(), &config)?;
            let address = StoreAddress::parse(url.expose())?;
            // Looked at first, so that a mistyped name leaves no new database behind.
            std::fs::File::open(&file).with_context(|| format!("open {}", file.display()))?;
            // Importing is how many a new database begins, so here a missing one is made.
            let store = backends::open_store(&config, &address).await?;
            import(&file, store.as_ref(), &config).await
        }
    }
}

async fn import(file: &Path, store: &dyn Store, config: &Config) -> anyhow::Result<()> {
    let options = ImportOptions {
        batch_entries_max: config.anomaly.batch,
        ..ImportOptions::default()
    };
    let progress = Progress::start(None, "rows read");
    let report = import_original(file, store, &options, &mut |so_far| {
        progress.set(so_far.rows);
        progress.say(format!("{} of {}", so_far.table, grouped(so_far.rows_total)));
    })
    .await?;
    drop(progress);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "entries      {} read, {} new",
        grouped(report.entries_read),
        grouped(report.new_entries)
    )?;
    writeln!(
        out,
        "detections   {} read, {} new",
        grouped(report.detections_read),
        grouped(report.new_detections)
    )?;
    if report.lacks_detections {
        writeln!(out, "the file has no table detections")?;
    }
    if report.undated_entries + report.repaired_rows > 0 {
        writeln!(
            out,
            "without a readable time {}, texts repaired {}",
            grouped(report.undated_entries),
            grouped(report.repaired_rows)
        )?;
    }
    if !report.columns_passed_over.is_empty() {
        writeln!(
            out,
            "columns passed over: {}",
            escape_controls(&report.columns_passed_over.join(", "))
        )?;
    }
    for row in &report.skipped {
        note(&format!(
            "not taken: {} {}: {}",
            row.table,
            escape_controls(&row.id),
            escape_controls(&row.reason)
        ));
    }
    let skipped = report.skipped_rows;
    anyhow::ensure!(
        skipped == 0,
        "{} rows could not be taken; everything else was",
        grouped(skipped)
    );
    Ok(())
}
