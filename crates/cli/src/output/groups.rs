//! Groups of detections as rows: one JSON object, or a row of a table with the name that `detections ack --group` takes.

use super::rows::{DetectionRow, RowPrinter, cell, cut, grouped, instant, severity_name, to_the_second};
use super::{escape_controls, print_json};
use crate::arguments::Format;
use serde::Serialize;
use std::io::Write;
use turnstone_proto::v1;
use turnstone_types::Timestamp;

/// Columns that a row has beside its text.
const OTHER_COLUMNS: usize = 20 + 1 + 8 + 1 + 18 + 1 + 7 + 1 + 7 + 1;

/// A group by the column names of `detection_groups`, with its newest detection.
#[derive(Debug, Clone, Serialize)]
pub struct GroupRow {
    pub tenant_id: String,
    pub source_id: String,
    pub anomaly_label: String,
    pub fingerprint: String,
    pub severity: String,
    pub detection_count: i64,
    pub open_count: i64,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    pub acknowledged_until: Option<Timestamp>,
    pub newest: Option<DetectionRow>,
}

impl From<v1::DetectionGroup> for GroupRow {
    fn from(group: v1::DetectionGroup) -> Self {
        Self {
            severity: severity_name(group.severity()),
            tenant_id: group.tenant_id,
            source_id: group.source_id,
            anomaly_label: group.anomaly_label,
            fingerprint: group.fingerprint,
            detection_count: group.detection_count,
            open_count: group.open_count,
            first_seen: instant(group.first_seen_time.as_ref()),
            last_seen: instant(group.last_seen_time.as_ref()),
            acknowledged_until: instant(group.acknowledged_until_time.as_ref()),
            newest: group.newest.map(Into::into),
        }
    }
}

impl RowPrinter {
    /// Prints one group.
    pub fn group(&mut self, out: &mut impl Write, row: &GroupRow) -> anyhow::Result<()> {
        if self.format == Format::Jsonl {
            return print_json(out, row);
        }
        if !self.header_printed {
            self.header_printed = true;
            writeln!(
                out,
                "{:<20} {:<8} {:<18} {:>7} {:>7} NEWEST TEXT",
                "LAST SEEN", "SEVERITY", "LABEL", "COUNT", "OPEN"
            )?;
        }
        let number = |count: i64| grouped(u64::try_from(count).unwrap_or(0));
        let newest = row.newest.as_ref().map_or("", |newest| newest.text.as_str());
        writeln!(
            out,
            "{:<20} {} {} {:>7} {:>7} {}",
            row.last_seen.map(to_the_second).unwrap_or_default(),
            self.severity(&row.severity),
            cell(&row.anomaly_label, 18),
            format!("×{}", number(row.detection_count)),
            number(row.open_count),
            cut(newest, self.text_columns(OTHER_COLUMNS)),
        )?;
        let since = row.first_seen.map(to_the_second).unwrap_or_default();
        writeln!(
            out,
            "{:<20} since {since}  {}/{}/{}",
            "",
            escape_controls(&row.source_id),
            escape_controls(&row.anomaly_label),
            escape_controls(&row.fingerprint)
        )?;
        Ok(())
    }
}
