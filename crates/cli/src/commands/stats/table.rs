//! Counts and source health for people, in 100 columns.

use super::rows::{LabelRow, SourceRow, SourceTally, Summary};
use crate::output::{cell, cut, grouped, source_cell, sparkline, to_the_second};
use std::io::Write;

/// Columns of a name of a source.
const SOURCE_COLUMNS: usize = 22;

pub fn print(out: &mut impl Write, summary: &Summary) -> anyhow::Result<()> {
    let oldest = summary
        .oldest_unscored_time
        .map(|oldest| format!("  (oldest since {})", to_the_second(oldest)))
        .unwrap_or_default();
    let all = &summary.detections;
    writeln!(out, "entries      {}", count(summary.entry_count))?;
    writeln!(
        out,
        "unscored     {}{oldest}",
        count(summary.unscored_entry_count)
    )?;
    writeln!(out, "quarantined  {}", count(summary.quarantined_entry_count))?;
    writeln!(
        out,
        "detections   {}  (open {}, suppressed {}, judged {}: false positives {})",
        count(all.detection_count),
        count(all.open_count),
        count(all.suppressed_count),
        count(all.true_positive_count + all.false_positive_count + all.expected_count),
        share(all.false_positive_rate)
    )?;
    print_hours(out, summary)?;
    print_severities(out, summary)?;
    print_labels(out, &summary.labels)?;
    print_tallies(out, &summary.detections_by_source)?;
    print_sources(out, &summary.sources)
}

fn print_hours(out: &mut impl Write, summary: &Summary) -> anyhow::Result<()> {
    let hours = &summary.hours;
    let entries = hours.iter().map(|hour| natural(hour.entry_count));
    let detections = hours.iter().map(|hour| natural(hour.detection_count));
    let largest = entries.clone().max().unwrap_or(0);
    if largest == 0 && detections.clone().all(|number| number == 0) {
        return Ok(());
    }
    writeln!(
        out,
        "\nlast 24 h    │{}│ entries, at most {} an hour",
        sparkline(entries),
        grouped(largest)
    )?;
    writeln!(
        out,
        "             │{}│ detections, at most {} an hour",
        sparkline(detections.clone()),
        grouped(detections.max().unwrap_or(0))
    )?;
    Ok(())
}

fn print_severities(out: &mut impl Write, summary: &Summary) -> anyhow::Result<()> {
    if summary.severities.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<22} {:>14} {:>12} {:>12}",
        "SEVERITY", "ENTRIES", "DETECTIONS", "OPEN"
    )?;
    for row in &summary.severities {
        writeln!(
            out,
            "{:<22} {:>14} {:>12} {:>12}",
            row.severity.as_deref().unwrap_or("none stated"),
            count(row.entry_count),
            count(row.detections.detection_count),
            count(row.detections.open_count)
        )?;
    }
    Ok(())
}

fn print_labels(out: &mut impl Write, labels: &[LabelRow]) -> anyhow::Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<22} {:<8} {:>12} {:>12} {:>12} {:>16}",
        "LABEL", "SEVERITY", "OPEN", "ACKNOWLEDGED", "SUPPRESSED", "FALSE POSITIVES"
    )?;
    for label in labels {
        writeln!(
            out,
            "{} {} {:>12} {:>12} {:>12} {:>16}",
            cell(&label.anomaly_label, 22),
            cell(&label.severity, 8),
            count(label.open_count),
            count(label.acknowledged_count),
            count(label.detections.suppressed_count),
            share(label.detections.false_positive_rate)
        )?;
    }
    Ok(())
}

fn print_tallies(out: &mut impl Write, sources: &[SourceTally]) -> anyhow::Result<()> {
    if sources
        .iter()
        .all(|source| source.detections.detection_count == 0)
    {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<SOURCE_COLUMNS$} {:>14} {:>12} {:>12} {:>12} {:>16}",
        "SOURCE", "ENTRIES", "DETECTIONS", "OPEN", "SUPPRESSED", "FALSE POSITIVES"
    )?;
    for source in sources {
        writeln!(
            out,
            "{} {:>14} {:>12} {:>12} {:>12} {:>16}",
            source_cell(&source.source_id, SOURCE_COLUMNS),
            count(source.entry_count),
            count(source.detections.detection_count),
            count(source.detections.open_count),
            count(source.detections.suppressed_count),
            share(source.detections.false_positive_rate)
        )?;
    }
    Ok(())
}

fn print_sources(out: &mut impl Write, sources: &[SourceRow]) -> anyhow::Result<()> {
    if sources.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<SOURCE_COLUMNS$} {:<8} {:>9} {:>9} {:>7} {:>8} {:<20} FAULT",
        "SOURCE", "KIND", "LINES/S", "USUAL", "ERRORS", "UNDATED", "LAST ENTRY"
    )?;
    for source in sources {
        writeln!(
            out,
            "{} {} {:>9} {:>9} {:>7} {:>8} {:<20} {}",
            source_cell(&source.source_id, SOURCE_COLUMNS),
            cell(&source.kind, 8),
            rate(Some(source.lines_per_second)),
            rate(source.usual_lines_per_second),
            share(source.error_share),
            share(source.undated_share),
            source.last_entry_time.map(to_the_second).unwrap_or_default(),
            cut(source.fault.as_deref().unwrap_or(""), 200),
        )?;
    }
    Ok(())
}

fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn count(number: i64) -> String {
    grouped(natural(number))
}

/// A share as a percentage; a dash where it is of nothing.
fn share(share: Option<f64>) -> String {
    match share {
        None => "-".to_owned(),
        // Not shown as nothing: it is something.
        Some(share) if share > 0.0 && share < 0.001 => "<0.1%".to_owned(),
        Some(share) => format!("{:.1}%", share * 100.0),
    }
}

/// Lines a second with three digits that mean something.
fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) if rate >= 100.0 => grouped(rate.round() as u64),
        Some(rate) if rate >= 1.0 => format!("{rate:.1}"),
        Some(rate) => format!("{rate:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstone_proto::v1;

    #[test]
    fn figures_are_short_and_honest() {
        assert_eq!(
            [None, Some(0.0), Some(0.0004), Some(0.125), Some(1.0)].map(share),
            ["-", "0.0%", "<0.1%", "12.5%", "100.0%"]
        );
        assert_eq!(
            [None, Some(0.0), Some(0.0123), Some(12.34), Some(12_345.6)].map(rate),
            ["-", "0.000", "0.012", "12.3", "12,346"]
        );
    }

    #[test]
    fn a_full_table_fits_into_100_columns() {
        let tally = v1::DetectionTally {
            detection_count: 123_456_789,
            open_count: 123_456_789,
            suppressed_count: 1_234_567,
            false_positive_count: 7,
            false_positive_rate: Some(0.07),
            ..v1::DetectionTally::default()
        };
        let name = "a/very/long/name/of/a/source\u{1b}[31m".to_owned();
        let stats = v1::StatsSummary {
            entry_count: 12_345_678_901,
            detections: Some(tally),
            severities: vec![v1::SeverityStats {
                entry_count: 12_345_678_901,
                detections: Some(tally),
                ..v1::SeverityStats::default()
            }],
            labels: vec![v1::LabelCount {
                anomaly_label: "A_LABEL_OF_A_MODEL_OF_ONES_OWN".into(),
                severity: v1::Severity::Critical.into(),
                open_count: 123_456_789,
                acknowledged_count: 123_456_789,
                detections: Some(tally),
            }],
            sources: vec![v1::SourceStats {
                source_id: name.clone(),
                entry_count: 12_345_678_901,
                detections: Some(tally),
            }],
            hours: (0..24)
                .map(|hour| v1::HourStats {
                    start_time: None,
                    entry_count: 1_234_567 * hour,
                    detection_count: hour,
                })
                .collect(),
            ..v1::StatsSummary::default()
        };
        let sources = vec![v1::Source {
            source_id: name,
            kind: "journald".into(),
            lines_per_second: 123_456.0,
            usual_lines_per_second: Some(123_456.0),
            error_share: Some(1.0),
            undated_share: Some(0.5),
            last_entry_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            ..v1::Source::default()
        }];
        let mut table = Vec::new();
        print(&mut table, &Summary::new(stats, sources)).expect("printed");
        let table = String::from_utf8(table).expect("text");
        for line in table.lines() {
            assert!(console::measure_text_width(line.trim_end()) <= 100, "{line}");
        }
        assert!(!table.contains('\u{1b}') && table.contains("│ ▁▁▂▂▂▃"), "{table}");
    }
}
