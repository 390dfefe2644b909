//! Reads domain values from rows, and brings values into the form that Postgres keeps. Columns are taken by place, in the order of
//! the column lists here.

use crate::{StoreError, StoreErrorKind, stored};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use turnstone_types::{
    CycleId, Detection, Entry, Label, ScoreBatch, ScoreState, Severity, TenantId, Timestamp, TimestampBasis,
    UnknownVerdict, Verdict,
};

/// The columns that [`entry`] reads, of a table named or aliased `e`.
pub(super) const ENTRY_COLUMNS: &str = "e.id, e.tenant_id, e.source_id, e.cycle_id, e.text, e.timestamp_iso, e.timestamp_basis, \
     e.severity, e.ingest_time, e.anomaly_score, e.anomaly_label, e.anomaly_scored_at, e.quarantine_reason";

/// The columns that [`detection`] reads.
pub(super) const DETECTION_COLUMNS: &str = "id, tenant_id, entry_id, source_id, scorer, anomaly_label, anomaly_score, severity, text, \
     timestamp_iso, detected_at, acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed, fingerprint";

/// The columns that [`batch_from`] reads, of a table named or aliased `b`.
pub(super) const BATCH_COLUMNS: &str =
    "b.id, b.tenant_id, b.cycle_id, b.first_entry_id, b.last_entry_id, b.entry_count";

/// An instant as Postgres can hold it: whole microseconds, and no earlier than the year 1, which nothing stored is.
/// Instants to be stored are refused before they come here; those that only filter are brought into range.
pub(super) fn storable(instant: Timestamp) -> Timestamp {
    const FIRST_SECOND: i64 = -62_135_596_800;
    let first = Timestamp::from_second(FIRST_SECOND).unwrap_or(Timestamp::UNIX_EPOCH);
    turnstone_types::to_microsecond_precision(instant).max(first)
}

/// A count as stored. No count of rows or bytes comes near the limit.
pub(super) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The tenants whose rows a tenant sees, without repeats.
pub(super) fn visible_tenants(tenant: &TenantId) -> Vec<&str> {
    if tenant.is_shared() {
        vec![""]
    } else {
        vec![tenant.as_str(), ""]
    }
}

/// Reads a row place by place and says which operation failed on it.
pub(super) struct Reader<'r> {
    operation: &'static str,
    row: &'r Row,
    place: usize,
}

impl<'r> Reader<'r> {
    /// Starts at the first column.
    pub(super) fn new(operation: &'static str, row: &'r Row) -> Self {
        Self {
            operation,
            row,
            place: 0,
        }
    }

    /// The next column.
    pub(super) fn take<T: FromSql<'r>>(&mut self) -> Result<T, StoreError> {
        let place = self.place;
        self.place += 1;
        self.row
            .try_get(place)
            .map_err(|error| self.corrupt(&error.to_string()))
    }

    /// Passes over columns.
    pub(super) fn skip(&mut self, columns: usize) {
        self.place += columns;
    }

    /// The next column as an identifier or another checked text.
    pub(super) fn take_checked<T: TryFrom<String, Error = impl std::fmt::Display>>(
        &mut self,
    ) -> Result<T, StoreError> {
        let text: String = self.take()?;
        T::try_from(text).map_err(|error| self.corrupt(&error.to_string()))
    }

    /// The next column as a checked text that may be missing.
    pub(super) fn take_optional_checked<T: TryFrom<String, Error = impl std::fmt::Display>>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.take()?;
        text.map(|text| T::try_from(text).map_err(|error| self.corrupt(&error.to_string())))
            .transpose()
    }

    /// The next column as a verdict that may be missing.
    pub(super) fn take_verdict(&mut self) -> Result<Option<Verdict>, StoreError> {
        let name: Option<&str> = self.take()?;
        name.map(|name| {
            name.parse()
                .map_err(|error: UnknownVerdict| self.corrupt(&error.to_string()))
        })
        .transpose()
    }

    /// The next column as a count, which is never negative.
    pub(super) fn take_count(&mut self) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.take::<i64>()?).unwrap_or(0))
    }

    /// The next column as a severity that must be there; an unknown one counts as `WARN`, as the label map has it.
    pub(super) fn take_severity(&mut self) -> Result<Severity, StoreError> {
        Ok(self.take::<&str>()?.parse().unwrap_or(Severity::Warn))
    }

    fn corrupt(&self, message: &str) -> StoreError {
        let column = self
            .row
            .columns()
            .get(self.place - 1)
            .map_or("?", |column| column.name());
        let id: Option<&str> = self.row.try_get("id").ok();
        StoreError::new(
            StoreErrorKind::Corrupt,
            self.operation,
            format!("column {column} of row {id:?}: {message}"),
        )
    }
}

/// Reads [`ENTRY_COLUMNS`].
pub(super) fn entry(operation: &'static str, row: &Row) -> Result<Entry, StoreError> {
    let mut reader = Reader::new(operation, row);
    Ok(Entry {
        id: reader.take_checked()?,
        tenant: reader.take_checked::<TenantId>()?,
        source_id: reader.take_checked()?,
        cycle_id: reader.take_checked::<CycleId>()?,
        text: reader.take()?,
        timestamp: reader.take()?,
        timestamp_basis: TimestampBasis::from_stored(reader.take()?),
        severity: reader.take::<Option<&str>>()?.and_then(|name| name.parse().ok()),
        ingest_time: reader.take()?,
        score: score_state(&mut reader)?,
    })
}

fn score_state(reader: &mut Reader<'_>) -> Result<ScoreState, StoreError> {
    // In the order of the columns.
    let (score, label, scored_at) = (reader.take()?, reader.take()?, reader.take()?);
    Ok(stored::score_state(score, label, scored_at, reader.take()?))
}

/// Reads [`DETECTION_COLUMNS`].
pub(super) fn detection(operation: &'static str, row: &Row) -> Result<Detection, StoreError> {
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
        timestamp: reader.take()?,
        detected_at: reader.take()?,
        acknowledged: reader.take::<i16>()? != 0,
        acknowledged_at: reader.take()?,
        notes: reader.take()?,
        verdict: reader.take_verdict()?,
        acknowledgement_id: reader.take_optional_checked()?,
        suppressed: reader.take::<i16>()? != 0,
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
