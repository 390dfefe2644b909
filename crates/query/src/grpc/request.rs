//! Checks of what callers send: each refusal names the field. Shared by all services and by the event stream.

use jiff::Timestamp;
use std::ops::RangeInclusive;
use tonic::Status;
use tonic::metadata::MetadataMap;
use turnstone_proto::{TENANT_METADATA_KEY, invalid_field, timestamp_from_proto, v1};
use turnstone_types::{Fingerprint, IdError, Label, Severity, SourceId, TenantId};

/// Longest name of a label, a scorer or a person, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The tenant that the request metadata names; the shared one where it names none.
pub(crate) fn tenant_of(metadata: &MetadataMap) -> Result<TenantId, Status> {
    let mut values = metadata.get_all(TENANT_METADATA_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(TenantId::shared());
    };
    if values.next().is_some() {
        return Err(invalid_field(TENANT_METADATA_KEY, "is given more than once"));
    }
    let name = value
        .to_str()
        .map_err(|_| invalid_field(TENANT_METADATA_KEY, "holds characters that are not ASCII"))?;
    id(TENANT_METADATA_KEY, name, TenantId::new)
}

/// Takes an identifier with the check of its type.
pub(crate) fn id<I>(
    field: &str,
    text: &str,
    take: impl FnOnce(String) -> Result<I, IdError>,
) -> Result<I, Status> {
    take(text.to_owned()).map_err(|error| invalid_field(field, error.to_string()))
}

/// A source to filter by; `None` where the text is empty.
pub(crate) fn source_filter(field: &str, text: &str) -> Result<Option<SourceId>, Status> {
    if text.is_empty() {
        Ok(None)
    } else {
        id(field, text, SourceId::new).map(Some)
    }
}

/// A label to filter by, in upper case; `None` where the text is empty.
pub(crate) fn label_filter(field: &str, text: &str) -> Result<Option<Label>, Status> {
    Ok(name_filter(field, text)?.map(Label::new))
}

/// A scorer to filter by, in lower case; `None` where the text is empty.
pub(crate) fn scorer_filter(field: &str, text: &str) -> Result<Option<String>, Status> {
    Ok(name_filter(field, text)?.map(str::to_lowercase))
}

fn name_filter<'a>(field: &str, text: &'a str) -> Result<Option<&'a str>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(invalid_field(
            field,
            format!("has more than {NAME_CHARS_MAX} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid_field(field, "holds control characters"));
    }
    Ok(Some(text))
}

/// A severity to filter by; `None` for UNSPECIFIED.
pub(crate) fn severity_filter(field: &str, number: i32) -> Result<Option<Severity>, Status> {
    v1::Severity::try_from(number)
        .map(v1::Severity::to_domain)
        .map_err(|_| {
            invalid_field(
                field,
                format!("{number} is no severity; use 0 (any) to 5 (critical)"),
            )
        })
}

/// A lowest or highest score to filter by.
pub(crate) fn score_filter(field: &str, score: Option<f64>) -> Result<Option<f64>, Status> {
    match score {
        // Written so that NaN is refused.
        Some(score) if !(0.0..=1.0).contains(&score) => {
            Err(invalid_field(field, format!("{score} is not between 0 and 1")))
        }
        other => Ok(other),
    }
}

/// Refuses a span of scores that can hold nothing.
pub(crate) fn score_span(
    (min_field, min): (&str, Option<f64>),
    (max_field, max): (&str, Option<f64>),
) -> Result<(), Status> {
    match (min, max) {
        (Some(min), Some(max)) if min > max => Err(invalid_field(
            max_field,
            format!("{max} is less than {min_field} {min}"),
        )),
        _ => Ok(()),
    }
}

/// A span of time, from inclusive to exclusive, either end open.
pub(crate) fn time_span(
    (from_field, from): (&str, Option<&prost_types::Timestamp>),
    (until_field, until): (&str, Option<&prost_types::Timestamp>),
) -> Result<(Option<Timestamp>, Option<Timestamp>), Status> {
    let instant = |field: &str, timestamp: Option<&prost_types::Timestamp>| {
        timestamp
            .map(|timestamp| {
                timestamp_from_proto(timestamp).map_err(|error| invalid_field(field, error.to_string()))
            })
            .transpose()
    };
    let (from, until) = (instant(from_field, from)?, instant(until_field, until)?);
    check_time_order(from_field, from, until_field, until)?;
    Ok((from, until))
}

/// Refuses a span that can hold nothing.
pub(crate) fn check_time_order(
    from_field: &str,
    from: Option<Timestamp>,
    until_field: &str,
    until: Option<Timestamp>,
) -> Result<(), Status> {
    match (from, until) {
        (Some(from), Some(until)) if from >= until => Err(invalid_field(
            until_field,
            format!("{until} is not after {from_field} {from}"),
        )),
        _ => Ok(()),
    }
}

/// A number that stands for `default` when 0 and must else lie in the range.
pub(crate) fn count_or_default(
    field: &str,
    count: i32,
    default: u32,
    allowed: RangeInclusive<u32>,
) -> Result<u32, Status> {
    match u32::try_from(count) {
        Ok(0) => Ok(default),
        Ok(count) if allowed.contains(&count) => Ok(count),
        _ => Err(invalid_field(
            field,
            format!("{count} is not between {} and {}", allowed.start(), allowed.end()),
        )),
    }
}

/// Text that people write. NUL is refused because a database cannot keep it.
pub(crate) fn prose(field: &str, text: &str, chars_max: usize) -> Result<(), Status> {
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(invalid_field(
            field,
            format!("has {chars} characters, more than {chars_max}"),
        ));
    }
    if text.contains('\0') {
        return Err(invalid_field(field, "holds a NUL character"));
    }
    Ok(())
}

/// Who does something, for people.
pub(crate) fn person(field: &str, name: &str) -> Result<(), Status> {
    prose(field, name, NAME_CHARS_MAX)
}

/// A fingerprint that must be there.
pub(crate) fn fingerprint(field: &str, text: &str) -> Result<Fingerprint, Status> {
    // Not the text itself: it may be of any length.
    Fingerprint::new(text).map_err(|_| {
        invalid_field(
            field,
            "is no fingerprint; one has 16 hexadecimal digits in lower case",
        )
    })
}

/// An instant that must be there.
pub(crate) fn required_instant(
    field: &str,
    timestamp: Option<&prost_types::Timestamp>,
) -> Result<Timestamp, Status> {
    let timestamp = timestamp.ok_or_else(|| invalid_field(field, "is missing"))?;
    timestamp_from_proto(timestamp).map_err(|error| invalid_field(field, error.to_string()))
}
