//! The zone of times that state none.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use turnstone_types::Timestamp;

/// How far ahead of now a time may seem to be when nothing is known of its zone: UTC+14 is the easternmost.
const ZONE_DOUBT_SECONDS: i64 = 14 * 3600;

/// Clocks that run ahead by less than this are not a year behind.
const CLOCK_DOUBT_SECONDS: i64 = 10 * 60;

/// The zone of times that state none; UTC unless configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneOfSource(Zone);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Zone {
    /// Not configured: read as UTC.
    Unknown,
    /// Seconds east of UTC.
    Fixed(i32),
    /// With rules for summer time.
    Rules(TimeZone),
}

impl ZoneOfSource {
    /// UTC, since nothing else is known.
    pub fn unknown() -> Self {
        Self(Zone::Unknown)
    }

    /// Reads the configuration's `timezone`: an IANA name, `UTC`, or an offset such as `+02:00`. The error says what to
    /// write instead.
    pub fn from_config(name: Option<&str>) -> Result<Self, String> {
        let Some(name) = name else {
            return Ok(Self::unknown());
        };
        if name.eq_ignore_ascii_case("utc") || name == "Z" {
            return Ok(Self(Zone::Fixed(0)));
        }
        if name.starts_with(['+', '-']) {
            return match super::civil::offset_seconds(name.as_bytes()) {
                Some((seconds, taken)) if taken == name.len() => Ok(Self(Zone::Fixed(seconds))),
                _ => Err(format!("timezone {name:?} is no offset; write it as +02:00")),
            };
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self(Zone::Rules(zone))),
            Err(error) => Err(format!(
                "timezone {name:?} is not known here ({error}); use an IANA name such as Europe/Vienna, with the \
                 system's tzdata installed, or an offset such as +02:00"
            )),
        }
    }

    /// The instant of a clock time. Where clocks are turned back the earlier one counts, where they are turned forward
    /// the gap is read as if they had not been yet.
    pub(crate) fn instant(&self, civil: &super::civil::Civil) -> Option<Timestamp> {
        match &self.0 {
            Zone::Unknown => civil.at_offset(0),
            Zone::Fixed(seconds) => civil.at_offset(*seconds),
            Zone::Rules(zone) => {
                let second = civil.second.min(59) as i8;
                let datetime = DateTime::new(
                    civil.year,
                    civil.month as i8,
                    civil.day as i8,
                    civil.hour as i8,
                    civil.minute as i8,
                    second,
                    civil.nanosecond as i32,
                )
                .ok()?;
                zone.to_ambiguous_timestamp(datetime).compatible().ok()
            }
        }
    }

    pub(crate) fn year_of(&self, instant: Timestamp) -> i16 {
        let zone = match &self.0 {
            Zone::Unknown => TimeZone::UTC,
            Zone::Fixed(seconds) => {
                jiff::tz::Offset::from_seconds(*seconds).map_or(TimeZone::UTC, TimeZone::fixed)
            }
            Zone::Rules(zone) => zone.clone(),
        };
        zone.to_datetime(instant).year()
    }

    /// Seconds by which a time may lie ahead of now without being in the future for certain.
    pub(crate) fn doubt_seconds(&self) -> i64 {
        match self.0 {
            Zone::Unknown => ZONE_DOUBT_SECONDS,
            Zone::Fixed(_) | Zone::Rules(_) => CLOCK_DOUBT_SECONDS,
        }
    }
}
