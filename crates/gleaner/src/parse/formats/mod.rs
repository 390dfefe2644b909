//! One module for each family of formats, and the choice among them by the first bytes of a line.

mod epoch;
mod iso;
mod json;
mod klog;
mod logfmt;
mod named_month;
mod short_date;
mod syslog;
mod web;

use super::severity::{level_at_front, level_in_header};
use super::{Header, TimeContext};
use serde::Serialize;
use std::fmt;
use turnstone_types::{Severity, Timestamp};

/// How a line is written, as far as its header shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// RFC 3339: `2026-11-18T10:00:00Z`.
    Rfc3339,
    /// ISO 8601 otherwise, comma millis and blanks included: `2026-11-18 10:00:00,123`. log4j, Python, ZooKeeper.
    Iso8601,
    /// `2026/11/18 10:00:00`: nginx errors, Go.
    SlashDate,
    /// RFC 3164 syslog: `Nov 18 10:00:00 host`.
    Rfc3164,
    /// RFC 5424 syslog: `<34>1 2026-11-18T10:00:00Z host`.
    Rfc5424,
    /// Access log of Apache and nginx: `[18/Nov/2026:10:00:00 +0000]`.
    AccessLog,
    /// Error log of Apache: `[Wed Nov 18 10:00:00 2026]`, and ctime without brackets.
    Ctime,
    /// `18 Nov 2026 10:00:00` or `18-Nov-2026 10:00:00`: Redis, BIND, Tomcat.
    DayMonthYear,
    /// `26/11/18 10:00:00`: Spark.
    Spark,
    /// `261118 100000 148 INFO`: HDFS.
    Hdfs,
    /// `nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO`, or another prefix before an ISO time.
    PrefixedIso,
    /// `E1118 10:00:00.000000 1 file.go:1]`: klog and glog.
    Klog,
    /// Seconds, milliseconds, microseconds or nanoseconds since 1970 at the front.
    Epoch,
    /// Kernel audit: `audit(1364481363.243:24287)`.
    Audit,
    /// One JSON object a line.
    JsonLines,
    /// `ts=… level=… msg=…`.
    Logfmt,
    /// No time.
    Undated,
}

impl Format {
    /// The name as reports show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Iso8601 => "iso8601",
            Self::SlashDate => "slash-date",
            Self::Rfc3164 => "rfc3164",
            Self::Rfc5424 => "rfc5424",
            Self::AccessLog => "access-log",
            Self::Ctime => "ctime",
            Self::DayMonthYear => "day-month-year",
            Self::Spark => "spark",
            Self::Hdfs => "hdfs",
            Self::PrefixedIso => "prefixed-iso",
            Self::Klog => "klog",
            Self::Epoch => "epoch",
            Self::Audit => "audit",
            Self::JsonLines => "json-lines",
            Self::Logfmt => "logfmt",
            Self::Undated => "undated",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A time found at the front of some bytes, and where it ends.
pub(crate) struct Found {
    pub time: Timestamp,
    pub end: usize,
    pub format: Format,
}

impl Header {
    fn dated(time: Timestamp, severity: Option<Severity>, format: Format) -> Self {
        Self {
            time: Some(time),
            severity,
            format,
        }
    }

    fn undated(severity: Option<Severity>) -> Self {
        Self {
            time: None,
            severity,
            format: Format::Undated,
        }
    }
}

/// Reads the header of one line.
pub(crate) fn read_header(line: &[u8], context: &TimeContext) -> Header {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let Some(first) = line.first() else {
        return Header::undated(None);
    };
    let header = match first {
        b'{' => return json::read(line, context),
        b'<' => syslog::read_with_priority(line, context),
        b'[' => read_bracketed(line, context),
        b'0'..=b'9' => read_numeric(line, context),
        b'a'..=b'z' | b'A'..=b'Z' | b'@' | b'_' => read_alphabetic(line, context),
        // An indented line is dated only if a full date leads it: everything else goes on with the line before.
        b' ' | b'\t' => {
            let inner = line.trim_ascii_start();
            iso::at_front(inner, context).map(|found| with_level(inner, &found))
        }
        _ => iso::after_prefix(line, context).or_else(|| web::access(line, context)),
    };
    header.unwrap_or_else(|| Header::undated(level_at_front(line)))
}

fn with_level(line: &[u8], found: &Found) -> Header {
    Header::dated(found.time, level_in_header(&line[found.end..]), found.format)
}

/// Any format that spells the date out, at the front of `bytes`.
fn date_at_front(bytes: &[u8], context: &TimeContext) -> Option<Found> {
    match bytes.first()? {
        b'0'..=b'9' => iso::at_front(bytes, context)
            .or_else(|| named_month::day_month_year(bytes, context))
            .or_else(|| short_date::spark(bytes, context))
            .or_else(|| epoch::at_front(bytes)),
        _ => named_month::ctime(bytes, context).or_else(|| named_month::month_day(bytes, context)),
    }
}

fn read_bracketed(line: &[u8], context: &TimeContext) -> Option<Header> {
    let inner = line[1..].trim_ascii_start();
    let skipped = line.len() - inner.len();
    if let Some(found) = date_at_front(inner, context) {
        // `[2026-11-18T10:00:00Z ERROR crate]` has its level within the brackets, `[…] [error]` after them.
        return Some(with_level(
            line,
            &Found {
                end: found.end + skipped,
                ..found
            },
        ));
    }
    iso::after_prefix(line, context)
}

fn read_numeric(line: &[u8], context: &TimeContext) -> Option<Header> {
    if let Some(found) = iso::at_front(line, context) {
        return Some(with_level(line, &found));
    }
    if let Some(found) = short_date::hdfs(line, context)
        .or_else(|| short_date::spark(line, context))
        .or_else(|| named_month::day_month_year(line, context))
    {
        return Some(with_level(line, &found));
    }
    web::access(line, context)
        .or_else(|| epoch::at_front(line).map(|found| with_level(line, &found)))
        .or_else(|| named_month::redis(line, context))
        .or_else(|| iso::after_prefix(line, context))
}

fn read_alphabetic(line: &[u8], context: &TimeContext) -> Option<Header> {
    if let Some(found) = named_month::month_day(line, context) {
        return Some(Header::dated(found.time, None, found.format));
    }
    klog::read(line, context)
        .or_else(|| named_month::ctime(line, context).map(|found| with_level(line, &found)))
        .or_else(|| epoch::audit(line))
        .or_else(|| logfmt::read(line, context))
        .or_else(|| iso::after_prefix(line, context))
        .or_else(|| web::access(line, context))
}
