//! JSON lines: one object a line, with time and level under the usual keys. Everything else in it is skipped unread.

use super::{Format, date_at_front, epoch};
use crate::parse::severity::{level_letter, level_number, level_word};
use crate::parse::{Header, TimeContext};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use turnstone_types::{Severity, Timestamp};

/// How deep objects may nest that can hold a key of ours: `{"log":{"level":…}}`, `{"t":{"$date":…}}`.
const DEPTH_MAX: u8 = 3;

/// What has been found so far. The lower the rank of a key, the more it says what we look for.
struct Findings<'a> {
    context: &'a TimeContext,
    time: Option<(u8, Timestamp)>,
    severity: Option<(u8, Severity)>,
    /// log4j's `instant`, whose two numbers come apart.
    instant: (Option<u64>, u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Time(u8),
    Level(u8),
    /// MongoDB's one-letter severity.
    Letter,
    EpochSecond,
    NanoOfSecond,
    /// An object to look into.
    Parent(Parent),
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    Log,
    Date(u8),
    Instant,
}

/// Reads what it can: an object cut off in the middle keeps what came before the cut.
pub(super) fn read(line: &[u8], context: &TimeContext) -> Header {
    let mut findings = Findings {
        context,
        time: None,
        severity: None,
        instant: (None, 0),
    };
    let mut reader = serde_json::Deserializer::from_slice(line);
    let is_object = ObjectSeed {
        findings: &mut findings,
        parent: None,
        depth: 0,
    }
    .deserialize(&mut reader)
    .is_ok();
    if let (None, (Some(seconds), nanosecond)) = (findings.time, findings.instant) {
        let time = epoch::of_number(seconds, nanosecond.min(999_999_999) as u32);
        findings.time = time.map(|time| (0, time));
    }
    let (time, severity) = (
        findings.time.map(|(_, time)| time),
        findings.severity.map(|(_, severity)| severity),
    );
    let format = if is_object || time.is_some() {
        Format::JsonLines
    } else {
        Format::Undated
    };
    Header {
        time,
        severity,
        format,
    }
}

/// What a key means, for `key=value` formats as well as for JSON.
pub(super) fn rank_of_time_key(key: &str) -> Option<u8> {
    Some(match key {
        "@timestamp" | "__REALTIME_TIMESTAMP" | "_SOURCE_REALTIME_TIMESTAMP" => 0,
        "timestamp" | "time" | "ts" | "@t" | "Timestamp" | "timeStamp" | "_timestamp" | "Time"
        | "TIMESTAMP" => 1,
        "datetime" | "eventTime" | "event_time" | "asctime" | "log_time" | "logtime" | "time_iso8601"
        | "date" => 2,
        "t" | "dt" | "timeMillis" | "created" | "time_local" | "msec" => 3,
        _ => return None,
    })
}

/// As [`rank_of_time_key`], for levels.
pub(super) fn rank_of_level_key(key: &str) -> Option<u8> {
    Some(match key {
        "log.level" | "level" | "lvl" | "levelname" | "@l" | "Level" | "LEVEL" => 0,
        "severity" | "loglevel" | "logLevel" | "log_level" | "severityText" | "severity_text"
        | "SeverityText" => 1,
        "Severity" | "SEVERITY" | "PRIORITY" | "level_name" | "levelName" => 2,
        _ => return None,
    })
}

fn meaning_of(key: &str, parent: Option<Parent>) -> Meaning {
    match parent {
        Some(Parent::Log) => {
            return if key == "level" {
                Meaning::Level(0)
            } else {
                Meaning::Nothing
            };
        }
        Some(Parent::Date(rank)) => {
            return if key == "$date" {
                Meaning::Time(rank)
            } else {
                Meaning::Nothing
            };
        }
        Some(Parent::Instant) => {
            return match key {
                "epochSecond" => Meaning::EpochSecond,
                "nanoOfSecond" => Meaning::NanoOfSecond,
                _ => Meaning::Nothing,
            };
        }
        None => {}
    }
    if let Some(rank) = rank_of_time_key(key) {
        return Meaning::Time(rank);
    }
    if let Some(rank) = rank_of_level_key(key) {
        return Meaning::Level(rank);
    }
    match key {
        "log" => Meaning::Parent(Parent::Log),
        "instant" => Meaning::Parent(Parent::Instant),
        "s" => Meaning::Letter,
        _ => Meaning::Nothing,
    }
}

struct ObjectSeed<'f, 'a> {
    findings: &'f mut Findings<'a>,
    parent: Option<Parent>,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(meaning) = map.next_key_seed(KeySeed { parent: self.parent })? {
            if meaning == Meaning::Nothing {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(ValueSeed {
                    findings: self.findings,
                    meaning,
                    depth: self.depth,
                })?;
            }
        }
        Ok(())
    }
}

struct KeySeed {
    parent: Option<Parent>,
}

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Meaning;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Meaning, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Meaning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Meaning, E> {
        Ok(meaning_of(key, self.parent))
    }
}

struct ValueSeed<'f, 'a> {
    findings: &'f mut Findings<'a>,
    meaning: Meaning,
    depth: u8,
}

impl ValueSeed<'_, '_> {
    fn found_time(self, rank: u8, time: Option<Timestamp>) {
        if let Some(time) = time
            && self.findings.time.is_none_or(|(known, _)| rank < known)
        {
            self.findings.time = Some((rank, time));
        }
    }

    fn found_severity(self, rank: u8, severity: Option<Severity>) {
        if let Some(severity) = severity
            && self.findings.severity.is_none_or(|(known, _)| rank < known)
        {
            self.findings.severity = Some((rank, severity));
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        match self.meaning {
            Meaning::Time(rank) => {
                let time = time_of_text(text.as_bytes(), self.findings.context);
                self.found_time(rank, time);
            }
            Meaning::Level(rank) => self.found_severity(rank, severity_of_text(text)),
            Meaning::Letter => {
                let letter = text.as_bytes().first().filter(|_| text.len() <= 2);
                self.found_severity(9, letter.and_then(|letter| level_letter(*letter)));
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match self.meaning {
            Meaning::Time(rank) => self.found_time(rank, epoch::of_number(number, 0)),
            Meaning::Level(rank) => self.found_severity(rank, level_number(number)),
            Meaning::EpochSecond => self.findings.instant.0 = Some(number),
            Meaning::NanoOfSecond => self.findings.instant.1 = number,
            _ => {}
        }
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        if let Meaning::Time(rank) = self.meaning {
            self.found_time(rank, epoch::of_float(number));
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let parent = match self.meaning {
            Meaning::Parent(parent) => Some(parent),
            Meaning::Time(rank) => Some(Parent::Date(rank)),
            _ => None,
        };
        if parent.is_none() || self.depth >= DEPTH_MAX {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        ObjectSeed {
            findings: self.findings,
            parent,
            depth: self.depth + 1,
        }
        .visit_map(map)
    }
}

/// A time in a value: any spelt-out format, or a number written as text.
pub(super) fn time_of_text(text: &[u8], context: &TimeContext) -> Option<Timestamp> {
    date_at_front(text.trim_ascii(), context).map(|found| found.time)
}

/// A level in a value: a word, a number, or a word with a colon.
pub(super) fn severity_of_text(text: &str) -> Option<Severity> {
    let text = text.trim();
    level_word(text.as_bytes()).or_else(|| text.parse().ok().and_then(level_number))
}
