//! What one line says of itself: its time, its severity, its format. Reads headers only and never guesses from free
//! text. Works on bytes without allocation; the calendar beyond fixed offsets is jiff's.

mod civil;
mod formats;
mod severity;
mod zone;

pub use formats::Format;
pub use zone::ZoneOfSource;

use turnstone_types::{Severity, Timestamp, TimestampBasis, to_microsecond_precision};

/// What the header of a line states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// When it happened; `None` if the line does not say.
    pub time: Option<Timestamp>,
    /// How bad the line itself says it is.
    pub severity: Option<Severity>,
    /// How the line is written.
    pub format: Format,
}

/// A line with its time settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedLine {
    /// Time of the event, to the microsecond.
    pub timestamp: Timestamp,
    /// Where it came from.
    pub basis: TimestampBasis,
    /// The line's own severity.
    pub severity: Option<Severity>,
    /// How the line is written.
    pub format: Format,
}

/// What a time is read against.
#[derive(Debug, Clone)]
pub(crate) struct TimeContext {
    pub(crate) zone: ZoneOfSource,
    pub(crate) now: Timestamp,
    /// `now` as a calendar year in the zone of the source.
    pub(crate) year_now: i16,
}

/// Reads the lines of one source (of one file, where a source has several), in their order.
#[derive(Debug, Clone)]
pub struct LineParser {
    context: TimeContext,
    previous: Option<Timestamp>,
}

impl LineParser {
    /// `now` decides which year a time without year belongs to, and dates lines that nothing else dates.
    pub fn new(zone: ZoneOfSource, now: Timestamp) -> Self {
        let year_now = zone.year_of(now);
        Self {
            context: TimeContext { zone, now, year_now },
            previous: None,
        }
    }

    /// Moves the clock on.
    pub fn set_now(&mut self, now: Timestamp) {
        self.context.now = now;
        self.context.year_now = self.context.zone.year_of(now);
    }

    /// The time that an undated line would inherit.
    pub fn previous(&self) -> Option<Timestamp> {
        self.previous
    }

    /// Goes on after a line of this time.
    pub fn set_previous(&mut self, previous: Option<Timestamp>) {
        self.previous = previous;
    }

    /// Reads the header of a line (without line end); changes nothing.
    pub fn read(&self, line: &str) -> Header {
        formats::read_header(line.as_bytes(), &self.context)
    }

    /// Settles the time of a record by its header and remembers it for the undated ones after it.
    pub fn date(&mut self, header: &Header) -> (Timestamp, TimestampBasis) {
        match (header.time, self.previous) {
            (Some(time), _) => {
                let time = to_microsecond_precision(time);
                self.previous = Some(time);
                (time, TimestampBasis::Parsed)
            }
            (None, Some(previous)) => (previous, TimestampBasis::Inherited),
            (None, None) => (to_microsecond_precision(self.context.now), TimestampBasis::Ingest),
        }
    }

    /// Reads one line that is a record of its own.
    pub fn parse(&mut self, line: &str) -> ParsedLine {
        let header = self.read(line);
        let (timestamp, basis) = self.date(&header);
        ParsedLine {
            timestamp,
            basis,
            severity: header.severity,
            format: header.format,
        }
    }
}

#[cfg(test)]
mod tests;
