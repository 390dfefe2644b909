//! Brings in a SQLite database of the original pipeline: entries, scores, detections with their acknowledgements.
//! Only reads that file; writes through [`WriteStore::import`], so it works into every backend and is safe to run again.

mod convert;
mod original;

use crate::model::ImportChunk;
use crate::{StoreError, WriteStore};
use convert::Converter;
use futures::TryStreamExt;
use original::{DETECTION_COLUMNS, ENTRY_COLUMNS, Original, Table};
use std::collections::BTreeMap;
use std::path::Path;
use turnstone_types::{CycleId, Detection, Entry, TenantId, Timestamp};

/// How an import goes about it.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The instant of the import; stands in for times that a row lacks.
    pub at: Timestamp,
    /// Entries that a score batch, made of the unscored ones, may hold.
    pub batch_entries_max: u32,
    /// Rows written in one transaction.
    pub chunk_rows_max: usize,
    /// Bytes of text written in one transaction, about.
    pub chunk_bytes_max: usize,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            at: Timestamp::now(),
            batch_entries_max: 256,
            chunk_rows_max: 5_000,
            chunk_bytes_max: 8 << 20,
        }
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// The table being read.
    pub table: &'static str,
    /// Its rows read so far.
    pub rows: u64,
    /// Its rows in all.
    pub rows_total: u64,
}

/// A row that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRow {
    /// Its table.
    pub table: &'static str,
    /// Its id, or `rowid N` where it has none.
    pub id: String,
    /// Why, for people.
    pub reason: String,
}

/// Skipped rows that are kept by name; the rest is only counted.
pub const SKIPPED_ROWS_NAMED_MAX: usize = 1_000;

/// What an import found and did. Ids, reasons and column names come from the file: escape them for a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Rows of `log_entries` read.
    pub entries_read: u64,
    /// Entries that were not there before.
    pub new_entries: u64,
    /// Rows of `detections` read.
    pub detections_read: u64,
    /// Detections that were not there before.
    pub new_detections: u64,
    /// Rows with texts in which invalid UTF-8 or NUL was replaced.
    pub repaired_rows: u64,
    /// Entries without a readable time; they have that of their ingest.
    pub undated_entries: u64,
    /// Rows that could not be taken.
    pub skipped_rows: u64,
    /// The first of them.
    pub skipped: Vec<SkippedRow>,
    /// Columns that were passed over, as `table.column`.
    pub columns_passed_over: Vec<String>,
    /// Whether the file has no `detections` table.
    pub lacks_detections: bool,
}

impl ImportReport {
    fn skip(&mut self, table: &'static str, id: String, reason: String) {
        self.skipped_rows += 1;
        if self.skipped.len() < SKIPPED_ROWS_NAMED_MAX {
            self.skipped.push(SkippedRow { table, id, reason });
        }
    }
}

/// Rows of one chunk, by tenant.
#[derive(Default)]
struct Pending {
    by_tenant: BTreeMap<TenantId, (Vec<Entry>, Vec<Detection>)>,
    rows: usize,
    bytes: usize,
}

/// Imports the database at `path`. Reads it as it is at one instant and never changes it; holds a bounded part of it in memory.
///
/// A row that cannot be taken is reported and does not stop the rest. After an error, what was written stays; run it again.
pub async fn import_original(
    path: &Path,
    store: &dyn WriteStore,
    options: &ImportOptions,
    progress: &mut (dyn FnMut(ImportProgress) + Send),
) -> Result<ImportReport, StoreError> {
    let mut original = Original::open(path).await?;
    let mut report = ImportReport::default();
    let entries = original
        .table("log_entries", ENTRY_COLUMNS)
        .await?
        .ok_or_else(|| original::not_an_original(path, "table log_entries"))?;
    for required in ["id", "text"] {
        if !entries.has(required) {
            return Err(original::not_an_original(
                path,
                &format!("column log_entries.{required}"),
            ));
        }
    }
    let detections = original.table("detections", DETECTION_COLUMNS).await?;
    report.lacks_detections = detections.is_none();

    let mut importer = Importer {
        store,
        options,
        progress,
        report,
        pending: Pending::default(),
    };
    importer
        .read_table(&mut original, &entries, Importer::take_entry)
        .await?;
    if let Some(detections) = detections {
        importer
            .read_table(&mut original, &detections, Importer::take_detection)
            .await?;
    }
    Ok(importer.report)
}

struct Importer<'a> {
    store: &'a dyn WriteStore,
    options: &'a ImportOptions,
    progress: &'a mut (dyn FnMut(ImportProgress) + Send),
    report: ImportReport,
    pending: Pending,
}

impl Importer<'_> {
    async fn read_table(
        &mut self,
        original: &mut Original,
        table: &Table,
        take: fn(&mut Self, &sqlx::sqlite::SqliteRow),
    ) -> Result<(), StoreError> {
        self.report.columns_passed_over.extend(
            table
                .passed_over
                .iter()
                .map(|column| format!("{}.{column}", table.name)),
        );
        let rows_total = original.count(table).await?;
        let mut rows_read = 0;
        let mut rows = original.rows(table);
        while let Some(row) = rows.try_next().await.map_err(original::read_error)? {
            take(self, &row);
            rows_read += 1;
            if self.pending.rows >= self.options.chunk_rows_max
                || self.pending.bytes >= self.options.chunk_bytes_max
            {
                self.write().await?;
                (self.progress)(ImportProgress {
                    table: table.name,
                    rows: rows_read,
                    rows_total,
                });
            }
        }
        self.write().await?;
        (self.progress)(ImportProgress {
            table: table.name,
            rows: rows_read,
            rows_total,
        });
        Ok(())
    }

    fn take_entry(&mut self, row: &sqlx::sqlite::SqliteRow) {
        self.report.entries_read += 1;
        let mut converter = Converter::new(row, ENTRY_COLUMNS, self.options.at);
        match converter.entry() {
            Ok(entry) => {
                self.report.repaired_rows += u64::from(converter.repaired());
                self.report.undated_entries +=
                    u64::from(entry.timestamp_basis != turnstone_types::TimestampBasis::Parsed);
                self.pending.rows += 1;
                self.pending.bytes += entry.text.len();
                self.pending
                    .by_tenant
                    .entry(entry.tenant.clone())
                    .or_default()
                    .0
                    .push(entry);
            }
            Err(reason) => self.report.skip("log_entries", converter.name(), reason),
        }
    }

    fn take_detection(&mut self, row: &sqlx::sqlite::SqliteRow) {
        self.report.detections_read += 1;
        let mut converter = Converter::new(row, DETECTION_COLUMNS, self.options.at);
        match converter.detection() {
            Ok(detection) => {
                self.report.repaired_rows += u64::from(converter.repaired());
                self.pending.rows += 1;
                self.pending.bytes += detection.text.len() + detection.notes.len();
                self.pending
                    .by_tenant
                    .entry(detection.tenant.clone())
                    .or_default()
                    .1
                    .push(detection);
            }
            Err(reason) => self.report.skip("detections", converter.name(), reason),
        }
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        for (tenant, (entries, detections)) in std::mem::take(&mut self.pending).by_tenant {
            let chunk = ImportChunk {
                cycle_id: CycleId::generate(),
                tenant,
                entries,
                detections,
                batch_entries_max: self.options.batch_entries_max,
                at: self.options.at,
            };
            let outcome = self.store.import(&chunk).await?;
            self.report.new_entries += outcome.new_entries;
            self.report.new_detections += outcome.new_detections;
        }
        Ok(())
    }
}
