//! The measured times as a table for people or as one JSON object.

use super::corpus::Plan;
use super::measure::Times;
use crate::arguments::ReportFormat;
use crate::output::{cell, grouped, print_json};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// All that was measured.
#[derive(Serialize)]
pub struct Report {
    pub database: &'static str,
    pub entries: u64,
    pub detections: u64,
    /// Seconds that filling took; none where the database was full before.
    pub fill_seconds: Option<f64>,
    pub rows: Vec<Row>,
    /// Whether every aim is met.
    pub all_met: bool,
    #[serde(skip)]
    format: ReportFormat,
}

/// One question.
#[derive(Debug, Serialize)]
pub struct Row {
    pub kind: &'static str,
    pub name: String,
    pub readers: u32,
    pub rounds: usize,
    /// Rows of an answer on average, or detections of an operation.
    pub rows_mean: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// What the 99th percentile is to stay under; none with several readers, for which there is no aim.
    pub aim_ms: Option<f64>,
    pub met: Option<bool>,
}

impl Row {
    pub fn new(kind: &'static str, name: &str, readers: u32, aim: Option<Duration>, times: &Times) -> Self {
        let p99 = times.percentile(99.0);
        Self {
            kind,
            name: name.to_owned(),
            readers,
            rounds: times.rounds(),
            rows_mean: times.rows_mean(),
            p50_ms: milliseconds(times.percentile(50.0)),
            p99_ms: milliseconds(p99),
            max_ms: milliseconds(times.longest()),
            aim_ms: aim.map(milliseconds),
            met: aim.map(|aim| p99 < aim),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl Report {
    /// Begins a report; a table is printed row by row.
    pub fn new(
        database: &'static str,
        plan: &Plan,
        fill: Option<Duration>,
        format: ReportFormat,
    ) -> anyhow::Result<Self> {
        let report = Self {
            database,
            entries: plan.entries,
            detections: plan.detections,
            fill_seconds: fill.map(|time| milliseconds(time) / 1e3),
            rows: Vec::new(),
            all_met: true,
            format,
        };
        if report.is_table() {
            report.print_head(&mut std::io::stdout().lock())?;
        }
        Ok(report)
    }

    fn is_table(&self) -> bool {
        self.format == ReportFormat::Table
    }

    /// Adds a row.
    pub fn add(&mut self, row: Row) -> anyhow::Result<()> {
        if self.is_table() {
            row.print(&mut std::io::stdout().lock())?;
        }
        self.all_met &= row.met != Some(false);
        self.rows.push(row);
        Ok(())
    }

    /// Ends the report.
    pub fn end(self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.is_table() {
            let missed = self.rows.iter().filter(|row| row.met == Some(false)).count();
            writeln!(out, "\n{} rows, {missed} of them miss their aim", self.rows.len())?;
            return Ok(());
        }
        print_json(&mut out, &self)
    }

    fn print_head(&self, out: &mut impl Write) -> std::io::Result<()> {
        let filled = match self.fill_seconds {
            Some(seconds) => format!(", filled in {seconds:.0} s"),
            None => String::new(),
        };
        let (entries, detections) = (grouped(self.entries), grouped(self.detections));
        writeln!(
            out,
            "{}: {entries} entries, {detections} detections{filled}\n",
            self.database
        )?;
        writeln!(
            out,
            "{:<12} {:<52} {:>7} {:>6} {:>8} {:>9} {:>9} {:>9} {:>6}  MET",
            "KIND", "WHAT", "READERS", "ROUNDS", "ROWS", "P50 MS", "P99 MS", "MAX MS", "AIM"
        )
    }
}

impl Row {
    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let aim = self
            .aim_ms
            .map_or_else(|| "-".to_owned(), |aim| format!("{aim:.0}"));
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        writeln!(
            out,
            "{:<12} {} {:>7} {:>6} {:>8.0} {:>9.2} {:>9.2} {:>9.2} {aim:>6}  {met}",
            self.kind,
            cell(&self.name, 52),
            self.readers,
            self.rounds,
            self.rows_mean,
            self.p50_ms,
            self.p99_ms,
            self.max_ms,
        )
    }
}
