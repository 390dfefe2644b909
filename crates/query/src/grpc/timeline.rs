//! `GetTimeline`: what came in over time, in buckets of a length that is asked for or fits.

use crate::grpc::StatsApi;
use crate::grpc::convert::count;
use crate::grpc::request::{required_instant, source_filter, time_span};
use crate::status::store_status;
use jiff::{SignedDuration, Timestamp};
use tonic::Status;
use turnstone_proto::{invalid_field, timestamp_to_proto, v1};
use turnstone_store::{TIMELINE_BUCKETS_MAX, TimelineBucket, TimelineRequest};
use turnstone_types::{Severity, TenantId};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// Lengths that people find natural; beyond them, whole weeks.
const NATURAL_LENGTHS: [i64; 15] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    WEEK,
];
/// Most buckets of a length that is chosen here. The natural lengths about double, so there are 60 or more, but for short spans.
const CHOSEN_BUCKETS_MAX: i64 = 150;
/// How far back counts by minute are asked for: as long as they are kept, but for what is being deleted meanwhile.
const MINUTES_KEPT: SignedDuration = SignedDuration::from_secs(WEEK - 5 * MINUTE);

impl StatsApi {
    pub(super) async fn timeline(
        &self,
        tenant: &TenantId,
        request: &v1::GetTimelineRequest,
    ) -> Result<v1::Timeline, Status> {
        let request = timeline_request(request, Timestamp::now())?;
        let buckets = self
            .store
            .timeline(tenant, &request)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(v1::Timeline {
            bucket_seconds: i32::try_from(request.bucket_seconds).unwrap_or(i32::MAX),
            buckets: buckets.into_iter().map(bucket_to_proto).collect(),
        })
    }
}

fn timeline_request(request: &v1::GetTimelineRequest, now: Timestamp) -> Result<TimelineRequest, Status> {
    let from = required_instant("time_from", request.time_from.as_ref())?;
    let (_, until) = time_span(
        ("time_from", request.time_from.as_ref()),
        ("time_until", request.time_until.as_ref()),
    )?;
    let until = until.unwrap_or(now);
    if from >= until {
        return Err(invalid_field(
            "time_from",
            format!("{from} is in the future, and time_until is not given"),
        ));
    }
    let bucket_seconds = match request.bucket_seconds {
        0 => fitting_length(from, until, now),
        seconds if seconds > 0 && i64::from(seconds) % MINUTE == 0 => i64::from(seconds),
        seconds => {
            return Err(invalid_field(
                "bucket_seconds",
                format!("{seconds} is no positive multiple of 60; use 0 for one that fits"),
            ));
        }
    };
    // One more where neither end lies on a boundary.
    let buckets = (until.as_second() - from.as_second()) / bucket_seconds + 1;
    if buckets > i64::from(TIMELINE_BUCKETS_MAX) {
        return Err(invalid_field(
            "bucket_seconds",
            format!(
                "{bucket_seconds} makes {buckets} buckets of the time asked for, more than {TIMELINE_BUCKETS_MAX}; use longer ones, or 0 for a length that fits"
            ),
        ));
    }
    Ok(TimelineRequest {
        from,
        until,
        bucket_seconds: u32::try_from(bucket_seconds).unwrap_or(u32::MAX),
        source_id: source_filter("source_id", &request.source_id)?,
    })
}

/// A length in seconds that makes about 100 buckets of a span and that something is known in.
fn fitting_length(from: Timestamp, until: Timestamp, now: Timestamp) -> i64 {
    let span = until.as_second() - from.as_second();
    let shortest = if from < now - MINUTES_KEPT { HOUR } else { MINUTE };
    let natural = NATURAL_LENGTHS
        .into_iter()
        .filter(|length| *length >= shortest)
        .find(|length| span / length <= CHOSEN_BUCKETS_MAX);
    natural.unwrap_or_else(|| {
        let longest = i64::from(i32::MAX) / WEEK * WEEK;
        (span / (CHOSEN_BUCKETS_MAX * WEEK) + 1)
            .saturating_mul(WEEK)
            .min(longest)
    })
}

fn bucket_to_proto(bucket: TimelineBucket) -> v1::TimelineBucket {
    let counted = |severity: Option<Severity>, rows| v1::SeverityCount {
        severity: severity.map_or(v1::Severity::Unspecified, Into::into).into(),
        count: count(rows),
    };
    v1::TimelineBucket {
        start_time: Some(timestamp_to_proto(bucket.start)),
        entries: bucket
            .entries
            .into_iter()
            .map(|(severity, rows)| counted(severity, rows))
            .collect(),
        detections: bucket
            .detections
            .into_iter()
            .map(|(severity, rows)| counted(Some(severity), rows))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_the_span_and_what_is_kept() {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        let ago = |seconds| now - SignedDuration::from_secs(seconds);
        let cases = [
            (ago(1), now, MINUTE),
            (ago(HOUR), now, MINUTE),
            (ago(6 * HOUR), now, 5 * MINUTE),
            (ago(DAY), now, 10 * MINUTE),
            (ago(6 * DAY), now, HOUR),
            (ago(WEEK), now, 2 * HOUR),
            (ago(30 * DAY), now, 6 * HOUR),
            (ago(365 * DAY), now, 4 * DAY),
            // A short span of long ago is known by the hour only.
            (ago(30 * DAY), ago(30 * DAY - HOUR), HOUR),
            (Timestamp::UNIX_EPOCH, now, 20 * WEEK),
        ];
        for (from, until, expected) in cases {
            assert_eq!(fitting_length(from, until, now), expected, "{from} to {until}");
        }
        let length = fitting_length(Timestamp::MIN, Timestamp::MAX, now);
        assert!(length % WEEK == 0 && length <= i64::from(i32::MAX));
    }
}
