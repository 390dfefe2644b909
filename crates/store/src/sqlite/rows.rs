//! Reads domain values from rows. Columns are taken by place, in the order of the column lists here.

use super::error::map;
use crate::{StoreError, StoreErrorKind, instant, stored};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use turnstone_types::{
    CycleId, Detection, Entry, Label, ScoreBatch, ScoreState, Severity, TenantId, Timestamp, TimestampBasis,
    UnknownVerdict, Verdict,
};

/// The columns that [`entry`] reads.
pub(super) const ENTRY_COLUMNS: &str = "id, tenant_id, source_id, cycle_id, text, timestamp_iso, timestamp_basis, severity, \
     ingest_time, anomaly_score, anomaly_label, anomaly_scored_at, quarantine_reason";

/// The columns that [`detection`] reads.
pub(super) const DETECTION_COLUMNS: &str = "id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
     timestamp_iso, detected_at, acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed, fingerprint";

/// The columns that [`batch`] reads.
pub(super) const BATCH_COLUMNS: &str = "id, tenant_id, cycle_id, first_entry_id, last_entry_id, entry_count";

/// Reads a row place by place and says which operation failed on it.
pub(super) struct Reader<'r> {
    operation: &'static str,
    row: &'r SqliteRow,
    place: usize,
}

impl<'r> Reader<'r> {
    /// Starts at the first column.
    pub(super) fn new(operation: &'static str, row: &'r SqliteRow) -> Self {
        Self {
            operation,
            row,
            place: 0,
        }
    }

    /// The next column.
    pub(super) fn take<T>(&mut self) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        let place = self.place;
        self.place += 1;
        self.row
            .try_get(place)
            .map_err(|error| map(self.operation, error))
    }

    /// The next column as an identifier or another checked text.
    pub(super) fn take_checked<T: TryFrom<String, Error = impl std::fmt::Display>>(
        &mut self,
    ) -> Result<T, StoreError> {
        let text: String = self.take()?;
        T::try_from(text).map_err(|error| self.corrupt(error.to_string()))
    }

    /// The next column as a checked text that may be missing.
    pub(super) fn take_optional_checked<T: TryFrom<String, Error = impl std::fmt::Display>>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.take()?;
        text.map(|text| T::try_from(text).map_err(|error| self.corrupt(error.to_string())))
            .transpose()
    }

    /// The next column as a verdict that may be missing.
    pub(super) fn take_verdict(&mut self) -> Result<Option<Verdict>, StoreError> {
        let name: Option<&str> = self.take()?;
        name.map(|name| {
            name.parse()
                .map_err(|error: UnknownVerdict| self.corrupt(error.to_string()))
        })
        .transpose()
    }

    /// The next column as a count, which is never negative.
    pub(super) fn take_count(&mut self) -> Result<u64, StoreError> {
        let count: i64 = self.take()?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The next column as an instant.
    pub(super) fn take_instant(&mut self) -> Result<Timestamp, StoreError> {
        let text: &str = self.take()?;
        instant::from_text(text).ok_or_else(|| self.corrupt(format!("{text:?} is no time")))
    }

    /// The next column as an instant that may be missing.
    pub(super) fn take_optional_instant(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let text: Option<&str> = self.take()?;
        text.map(|text| instant::from_text(text).ok_or_else(|| self.corrupt(format!("{text:?} is no time"))))
            .transpose()
    }

    /// The next column as a severity that must be there; an unknown one counts as `WARN`, as the label map has it.
    pub(super) fn take_severity(&mut self) -> Result<Severity, StoreError> {
        let name: &str = self.take()?;
        Ok(name.parse().unwrap_or(Severity::Warn))
    }

    fn corrupt(&self, message: String) -> StoreError {
        let column = sqlx::Column::name(&self.row.columns()[self.place - 1]);
        let id: Option<&str> = self.row.try_get("id").ok();
        let message = format!("column {column} of row {id:?}: {message}");
        StoreError::new(StoreErrorKind::Corrupt, self.operation, message)
    }
}

/// Reads [`ENTRY_COLUMNS`].
pub(super) fn entry(operation: &'static str, row: &SqliteRow) -> Result<Entry, StoreError> {
    let mut reader = Reader::new(operation, row);
    Ok(Entry {
        id: reader.take_checked()?,
        tenant: reader.take_checked::<TenantId>()?,
        source_id: reader.take_checked()?,
        cycle_id: reader.take_checked::<CycleId>()?,
        text: reader.take()?,
        timestamp: reader.take_instant()?,
        timestamp_basis: TimestampBasis::from_stored(reader.take()?),
        severity: reader.take::<Option<&str>>()?.and_then(|name| name.parse().ok()),
        ingest_time: reader.take_instant()?,
        score: score_state(&mut reader)?,
    })
}

fn score_state(reader: &mut Reader<'_>) -> Result<ScoreState, StoreError> {
    // In the order of the columns.
    let (score, label) = (reader.take()?, reader.take()?);
    let scored_at = reader.take_optional_instant()?;
    Ok(stored::score_state(score, label, scored_at, reader.take()?))
}

/// Reads [`DETECTION_COLUMNS`].
pub(super) fn detection(operation: &'static str, row: &SqliteRow) -> Result<Detection, StoreError> {
    detection_from(&mut Reader::new(operation, row))
}

/// Reads [`DETECTION_COLUMNS`] from where the reader stands.
pub(super) fn detection_from(reader: &mut Reader<'_>) -> Result<Detection, StoreError> {
    Ok(Detection {
        id: reader.take_checked()?,
        tenant: reader.take_checked::<TenantId>()?,
        entry_id: reader.take_checked()?,
        source_id: reader.take_checked()?,
        scorer: reader.take()?,
        label: Label::new(reader.take::<&str>()?),
        score: reader.take()?,
        severity: reader.take_severity()?,
        text: reader.take()?,
        timestamp: reader.take_optional_instant()?,
        detected_at: reader.take_instant()?,
        acknowledged: reader.take::<i64>()? != 0,
        acknowledged_at: reader.take_optional_instant()?,
        notes: reader.take()?,
        verdict: reader.take_verdict()?,
        acknowledgement_id: reader.take_optional_checked()?,
        suppressed: reader.take::<i64>()? != 0,
        fingerprint: reader.take_optional_checked()?,
    })
}

/// Reads [`BATCH_COLUMNS`] from where the reader stands.
pub(super) fn batch_from(reader: &mut Reader<'_>) -> Result<ScoreBatch, StoreError> {
    Ok(ScoreBatch {
        id: reader.take_checked()?,
        tenant: reader.take_checked::<TenantId>()?,
        cycle_id: reader.take_checked()?,
        first_entry_id: reader.take_checked()?,
        last_entry_id: reader.take_checked()?,
        entry_count: u32::try_from(reader.take_count()?).unwrap_or(u32::MAX),
    })
}
