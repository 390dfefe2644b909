//! Opens the original's file without changing it and selects the known columns of its tables in a form free of types.

use crate::sqlite::map_driver_error;
use crate::{StoreError, StoreErrorKind};
use futures::stream::BoxStream;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqliteConnection};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const OPERATION: &str = "import";

/// The columns of `log_entries` that are taken, in the order in which they are selected.
pub(super) const ENTRY_COLUMNS: &[&str] = &[
    "id",
    "text",
    "source_id",
    "tenant_id",
    "timestamp_iso",
    "severity",
    "ingest_time",
    "anomaly_score",
    "anomaly_label",
    "anomaly_scored_at",
];

/// The columns of `detections` that are taken.
pub(super) const DETECTION_COLUMNS: &[&str] = &[
    "id",
    "text",
    "source_id",
    "tenant_id",
    "timestamp_iso",
    "severity",
    "entry_id",
    "anomaly_score",
    "anomaly_label",
    "detected_at",
    "acknowledged",
    "acknowledged_at",
    "notes",
    "scorer",
];

/// Something that the file lacks.
pub(super) fn not_an_original(path: &Path, lacking: &str) -> StoreError {
    let message = format!(
        "{} has no {lacking}, so it is no database of the original",
        path.display()
    );
    StoreError::new(StoreErrorKind::Invalid, OPERATION, message)
}

/// An error while reading the file.
pub(super) fn read_error(error: sqlx::Error) -> StoreError {
    map_driver_error(OPERATION, error)
}

/// A table of the file, as far as it is known.
pub(super) struct Table {
    pub name: &'static str,
    /// The known columns that it has, with `None` in the place of those it lacks.
    columns: Vec<Option<&'static str>>,
    /// Its other columns.
    pub passed_over: Vec<String>,
}

impl Table {
    /// Whether it has a known column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains(&Some(column))
    }

    /// Selects each known column as bytes in a text form, then the score as a number. All names are constants of this file.
    fn select(&self) -> String {
        let as_text = |column: &Option<&'static str>| match column {
            None => "NULL".to_owned(),
            // Bytes, since texts may be invalid UTF-8. Blobs as hex where they name something; real numbers with all digits
            // of a microsecond, which a cast would round away.
            Some("text") => "CAST(text AS BLOB)".to_owned(),
            Some(column) => format!(
                "CAST(CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) WHEN 'real' THEN printf('%.6f', {column}) \
                 ELSE {column} END AS BLOB)"
            ),
        };
        let columns: Vec<String> = self.columns.iter().map(as_text).collect();
        let score = if self.has("anomaly_score") {
            "CASE WHEN typeof(anomaly_score) IN ('real', 'integer') THEN CAST(anomaly_score AS REAL) END"
        } else {
            "NULL"
        };
        format!("SELECT {}, {score} FROM {}", columns.join(", "), self.name)
    }
}

/// The original's file, open for reading in one transaction.
pub(super) struct Original {
    connection: SqliteConnection,
}

impl Original {
    /// Opens the file.
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(nobody_writes(path))
            .busy_timeout(Duration::from_secs(5))
            .pragma("query_only", "ON")
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging();
        // SQLite looks into the file only when it is first asked something, so all of this can fail on what the file is.
        let begin = async {
            let mut original = Self {
                connection: options.connect().await.map_err(read_error)?,
            };
            let encoding = original.scalar("SELECT encoding FROM pragma_encoding").await?;
            sqlx::query("BEGIN")
                .execute(&mut original.connection)
                .await
                .map_err(read_error)?;
            original
                .scalar("SELECT CAST(COUNT(*) AS TEXT) FROM sqlite_schema")
                .await?;
            Ok((original, encoding))
        };
        let (original, encoding) = begin.await.map_err(|mut error: StoreError| {
            error.message = format!("{}: {}", path.display(), error.message);
            error
        })?;
        if encoding != "UTF-8" {
            let message = format!(
                "{} keeps its texts in {encoding}; make a copy in UTF-8 with the sqlite3 program",
                path.display()
            );
            return Err(StoreError::new(StoreErrorKind::Invalid, OPERATION, message));
        }
        Ok(original)
    }

    async fn scalar(&mut self, sql: &'static str) -> Result<String, StoreError> {
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
            .map_err(read_error)
    }

    /// What is known of a table, `None` where there is none.
    pub(super) async fn table(
        &mut self,
        name: &'static str,
        known: &[&'static str],
    ) -> Result<Option<Table>, StoreError> {
        let rows = sqlx::query("SELECT CAST(name AS BLOB) FROM pragma_table_info(?)")
            .bind(name)
            .fetch_all(&mut self.connection)
            .await
            .map_err(read_error)?;
        let present: Vec<String> = rows
            .iter()
            .map(|row| Ok(String::from_utf8_lossy(&row.try_get::<Vec<u8>, _>(0)?).into_owned()))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(read_error)?;
        if present.is_empty() {
            return Ok(None);
        }
        // Names of columns are the same in any case of ASCII letters.
        let is_present = |column: &str| present.iter().any(|name| name.eq_ignore_ascii_case(column));
        let columns = known
            .iter()
            .map(|column| is_present(column).then_some(*column))
            .collect();
        let is_known = |name: &String| known.iter().any(|column| name.eq_ignore_ascii_case(column));
        let passed_over = present.iter().filter(|name| !is_known(name)).cloned().collect();
        Ok(Some(Table {
            name,
            columns,
            passed_over,
        }))
    }

    /// How many rows a table has.
    pub(super) async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name)))
            .fetch_one(&mut self.connection)
            .await
            .map_err(read_error)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The rows of a table, read as they are asked for.
    pub(super) fn rows(&mut self, table: &Table) -> BoxStream<'_, Result<SqliteRow, sqlx::Error>> {
        sqlx::query(AssertSqlSafe(table.select())).fetch(&mut self.connection)
    }
}

/// Whether the file is in write-ahead mode and closed: then it can be read without locks, and without the two files beside it
/// that SQLite would otherwise make. In every other case it is locked for reading as usual.
fn nobody_writes(path: &Path) -> bool {
    let mut header = [0_u8; 20];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let in_wal_mode = read.is_ok() && header[18] == 2;
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    in_wal_mode && !Path::new(&wal).exists()
}
