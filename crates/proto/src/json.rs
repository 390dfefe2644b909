//! How values inside messages are written as JSON: as the JSON mapping of protobuf has them.

use crate::timestamp_from_proto;
use serde::Serializer;

/// RFC 3339; null where there is none.
#[allow(clippy::ref_option)] // What serde's derived code calls.
pub(crate) fn timestamp<S: Serializer>(
    timestamp: &Option<prost_types::Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match timestamp
        .as_ref()
        .and_then(|timestamp| timestamp_from_proto(timestamp).ok())
    {
        Some(instant) => serializer.collect_str(&instant),
        None => serializer.serialize_none(),
    }
}
