//! Makes entries and detections of the original's rows: repairs texts, reads times in any ISO form, says what cannot be taken.

use crate::instant;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use turnstone_types::{
    CycleId, DETECTION_TEXT_CHARS_MAX, Detection, DetectionId, Entry, EntryId, EntryScore, Label, ScoreState,
    Severity, SourceId, TenantId, Timestamp, TimestampBasis, truncate_chars,
};

/// The scorer of a detection that names none: the original had one model and did not say which.
const ORIGINAL_SCORER: &str = "original";
/// The source of a row that names none.
const UNKNOWN_SOURCE: &str = "unknown";

/// Converts one row.
pub(super) struct Converter<'r> {
    row: &'r SqliteRow,
    columns: &'static [&'static str],
    at: Timestamp,
    repaired: bool,
}

impl<'r> Converter<'r> {
    /// Of a row with these columns as text and the score as a number behind them.
    pub(super) fn new(row: &'r SqliteRow, columns: &'static [&'static str], at: Timestamp) -> Self {
        Self {
            row,
            columns,
            at,
            repaired: false,
        }
    }

    /// Whether a text of the row had to be repaired.
    pub(super) fn repaired(&self) -> bool {
        self.repaired
    }

    /// What to call the row in a report.
    pub(super) fn name(&mut self) -> String {
        self.field("id").map_or_else(
            || "without an id".to_owned(),
            |id| truncate_chars(&id, 200).to_owned(),
        )
    }

    fn field(&mut self, column: &str) -> Option<String> {
        let place = self.columns.iter().position(|known| *known == column)?;
        let bytes: Vec<u8> = self.row.try_get::<Option<Vec<u8>>, _>(place).ok()??;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(invalid) => {
                self.repaired = true;
                String::from_utf8_lossy(invalid.as_bytes()).into_owned()
            }
        };
        if text.contains('\0') {
            self.repaired = true;
            return Some(text.replace('\0', "\u{fffd}"));
        }
        Some(text)
    }

    fn filled_field(&mut self, column: &str) -> Option<String> {
        self.field(column).filter(|text| !text.is_empty())
    }

    fn instant(&mut self, column: &str) -> Option<Timestamp> {
        parse_instant(&self.field(column)?)
    }

    fn score(&mut self) -> Option<f64> {
        let number: Option<f64> = self.row.try_get(self.columns.len()).ok()?;
        let number = number.or_else(|| self.field("anomaly_score")?.trim().parse().ok())?;
        number.is_finite().then_some(number)
    }

    fn required(&mut self, column: &str) -> Result<String, String> {
        self.filled_field(column)
            .ok_or_else(|| format!("{column} is empty"))
    }

    fn tenant(&mut self) -> Result<TenantId, String> {
        TenantId::new(self.field("tenant_id").unwrap_or_default()).map_err(|error| error.to_string())
    }

    fn source(&mut self) -> Result<SourceId, String> {
        let name = self
            .filled_field("source_id")
            .unwrap_or_else(|| UNKNOWN_SOURCE.to_owned());
        SourceId::new(name).map_err(|error| error.to_string())
    }

    /// The row as an entry. Its cycle is that of the chunk which brings it in.
    pub(super) fn entry(&mut self) -> Result<Entry, String> {
        let id = EntryId::new(self.required("id")?).map_err(|error| error.to_string())?;
        let text = self.field("text").ok_or("text is NULL")?;
        let ingest_time = self.instant("ingest_time").unwrap_or(self.at);
        let timestamp = self.instant("timestamp_iso");
        Ok(Entry {
            id,
            tenant: self.tenant()?,
            source_id: self.source()?,
            // Replaced when it is stored.
            cycle_id: CycleId::generate(),
            text,
            timestamp: timestamp.unwrap_or(ingest_time),
            timestamp_basis: if timestamp.is_some() {
                TimestampBasis::Parsed
            } else {
                TimestampBasis::Ingest
            },
            severity: self.field("severity").and_then(|name| name.trim().parse().ok()),
            ingest_time,
            score: self.score_state(),
        })
    }

    /// As the original had it: what has a time of scoring is scored. A score that is not whole is made again.
    fn score_state(&mut self) -> ScoreState {
        let Some(scored_at) = self.filled_field("anomaly_scored_at") else {
            return ScoreState::Unscored;
        };
        let scored_at = parse_instant(&scored_at).unwrap_or(self.at);
        match (self.filled_field("anomaly_label"), self.score()) {
            (Some(label), Some(score)) => ScoreState::Scored(EntryScore {
                label: Label::new(label),
                score,
                scored_at,
            }),
            _ => ScoreState::Unscored,
        }
    }

    /// The row as a detection.
    pub(super) fn detection(&mut self) -> Result<Detection, String> {
        let id = DetectionId::new(self.required("id")?).map_err(|error| error.to_string())?;
        let entry_id = EntryId::new(self.required("entry_id")?).map_err(|error| error.to_string())?;
        let timestamp = self.instant("timestamp_iso");
        let acknowledged = self
            .field("acknowledged")
            .is_some_and(|value| is_true(value.trim()));
        let text = self.field("text").unwrap_or_default();
        Ok(Detection {
            id,
            tenant: self.tenant()?,
            entry_id,
            source_id: self.source()?,
            scorer: self
                .filled_field("scorer")
                .unwrap_or_else(|| ORIGINAL_SCORER.to_owned())
                .to_lowercase(),
            label: Label::new(self.required("anomaly_label")?),
            score: self.score().ok_or("anomaly_score is no number")?,
            severity: self
                .field("severity")
                .and_then(|name| name.trim().parse().ok())
                .unwrap_or(Severity::Warn),
            text: truncate_chars(&text, DETECTION_TEXT_CHARS_MAX).to_owned(),
            timestamp,
            detected_at: self.instant("detected_at").or(timestamp).unwrap_or(self.at),
            acknowledged_at: self.instant("acknowledged_at").filter(|_| acknowledged),
            acknowledged,
            notes: self.field("notes").unwrap_or_default(),
            verdict: None,
            acknowledgement_id: None,
            suppressed: false,
            fingerprint: None,
        })
    }
}

fn is_true(value: &str) -> bool {
    value
        .parse::<f64>()
        .map_or_else(|_| value.eq_ignore_ascii_case("true"), |number| number != 0.0)
}

/// Any ISO form, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its size.
fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_end_matches(" UTC");
    let instant = instant::from_text(text).or_else(|| parse_number(text))?;
    // Years before the first do not sort as text.
    (instant.as_second() >= -62_135_596_800).then_some(instant)
}

fn parse_number(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let instant = match whole.unsigned_abs() {
        0..100_000_000_000 => {
            let micros: i64 = format!("{:0<6}", fraction.get(..fraction.len().min(6))?)
                .parse()
                .ok()?;
            let sign = if text.starts_with('-') { -1 } else { 1 };
            Timestamp::from_microsecond(whole.checked_mul(1_000_000)?.checked_add(sign * micros)?)
        }
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millisecond(whole),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp::from_microsecond(whole),
        _ => Timestamp::from_nanosecond(i128::from(whole)),
    };
    instant.ok().map(turnstone_types::to_microsecond_precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_many_forms() {
        for text in [
            "2026-01-02T03:04:05.250000+00:00",
            "2026-01-02 03:04:05.25",
            "2026-01-02T04:04:05.25+01:00",
            "2026-01-02 03:04:05.25 UTC",
            "1767323045.25",
            "1767323045.250000",
            "1767323045250",
            "1767323045250000",
            "1767323045250000000",
        ] {
            assert_eq!(
                parse_instant(text).map(instant::to_text).as_deref(),
                Some("2026-01-02T03:04:05.250000Z"),
                "{text:?}"
            );
        }
        assert_eq!(
            parse_instant("-1.5").map(instant::to_text).as_deref(),
            Some("1969-12-31T23:59:58.500000Z")
        );
        assert_eq!(
            parse_instant("1767323045").map(instant::to_text).as_deref(),
            Some("2026-01-02T03:04:05.000000Z")
        );
        for text in [
            "",
            "soon",
            "1.x",
            "-000002-01-01T00:00:00Z",
            "99999999999999999999",
        ] {
            assert_eq!(parse_instant(text), None, "{text:?}");
        }
    }

    #[test]
    fn truth_has_many_forms() {
        assert!(["1", "1.000000", "true", "True", "2"].into_iter().all(is_true));
        assert!(!["0", "", "0.000000", "false", "no"].into_iter().any(is_true));
    }
}
