//! Conversions between the wire and the domain. Wire to domain can fail and names the field; domain to wire cannot.

use crate::v1;
use turnstone_types::{
    BatchId, CycleEvent, CycleId, Detection, Entry, EntryId, IdError, ScoreBatch, ScoreState, Severity,
    TenantId, Timestamp, TimestampBasis, Verdict,
};

/// A message that is no valid domain value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// An identifier is not valid.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A timestamp is out of range.
    #[error("timestamp {seconds} s {nanos} ns is out of range")]
    Timestamp {
        /// Seconds since the epoch.
        seconds: i64,
        /// Nanoseconds.
        nanos: i32,
    },
    /// A count is negative.
    #[error("{field} is negative")]
    Negative {
        /// Which field.
        field: &'static str,
    },
}

/// A domain instant as a protobuf timestamp.
pub fn timestamp_to_proto(instant: Timestamp) -> prost_types::Timestamp {
    let mut seconds = instant.as_second();
    let mut nanos = instant.subsec_nanosecond();
    if nanos < 0 {
        // jiff counts towards zero before 1970, protobuf always forward.
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    prost_types::Timestamp { seconds, nanos }
}

/// A protobuf timestamp as a domain instant.
pub fn timestamp_from_proto(timestamp: &prost_types::Timestamp) -> Result<Timestamp, ConvertError> {
    let out_of_range = || ConvertError::Timestamp {
        seconds: timestamp.seconds,
        nanos: timestamp.nanos,
    };
    if !(0..1_000_000_000).contains(&timestamp.nanos) {
        return Err(out_of_range());
    }
    Timestamp::new(timestamp.seconds, timestamp.nanos).map_err(|_| out_of_range())
}

impl From<Severity> for v1::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Debug => Self::Debug,
            Severity::Info => Self::Info,
            Severity::Warn => Self::Warn,
            Severity::Error => Self::Error,
            Severity::Critical => Self::Critical,
        }
    }
}

impl v1::Severity {
    /// The domain severity; `None` for UNSPECIFIED.
    pub fn to_domain(self) -> Option<Severity> {
        match self {
            Self::Unspecified => None,
            Self::Debug => Some(Severity::Debug),
            Self::Info => Some(Severity::Info),
            Self::Warn => Some(Severity::Warn),
            Self::Error => Some(Severity::Error),
            Self::Critical => Some(Severity::Critical),
        }
    }
}

impl From<Verdict> for v1::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::TruePositive => Self::TruePositive,
            Verdict::FalsePositive => Self::FalsePositive,
            Verdict::Expected => Self::Expected,
        }
    }
}

impl v1::Verdict {
    /// The domain verdict; `None` for UNSPECIFIED.
    pub fn to_domain(self) -> Option<Verdict> {
        match self {
            Self::Unspecified => None,
            Self::TruePositive => Some(Verdict::TruePositive),
            Self::FalsePositive => Some(Verdict::FalsePositive),
            Self::Expected => Some(Verdict::Expected),
        }
    }
}

impl From<Detection> for v1::Detection {
    fn from(detection: Detection) -> Self {
        Self {
            id: detection.id.into(),
            tenant_id: detection.tenant.into(),
            entry_id: detection.entry_id.into(),
            source_id: detection.source_id.into(),
            scorer: detection.scorer,
            anomaly_label: detection.label.into(),
            anomaly_score: detection.score,
            severity: v1::Severity::from(detection.severity).into(),
            text: detection.text,
            timestamp: detection.timestamp.map(timestamp_to_proto),
            detected_at: Some(timestamp_to_proto(detection.detected_at)),
            acknowledged: detection.acknowledged,
            acknowledged_at: detection.acknowledged_at.map(timestamp_to_proto),
            notes: detection.notes,
            verdict: detection
                .verdict
                .map_or(v1::Verdict::Unspecified, Into::into)
                .into(),
            acknowledgement_id: detection.acknowledgement_id.map(Into::into).unwrap_or_default(),
            suppressed: detection.suppressed,
            fingerprint: detection.fingerprint.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<Entry> for v1::Entry {
    fn from(entry: Entry) -> Self {
        let (mut anomaly_label, mut anomaly_score, mut anomaly_scored_at, mut quarantine_reason) =
            (String::new(), 0.0, None, String::new());
        match entry.score {
            ScoreState::Unscored => {}
            ScoreState::Scored(score) => {
                anomaly_label = score.label.into();
                anomaly_score = score.score;
                anomaly_scored_at = Some(timestamp_to_proto(score.scored_at));
            }
            ScoreState::Quarantined { reason, at } => {
                quarantine_reason = reason;
                anomaly_scored_at = Some(timestamp_to_proto(at));
            }
        }
        let basis = match entry.timestamp_basis {
            TimestampBasis::Parsed => v1::TimestampBasis::Parsed,
            TimestampBasis::Inherited => v1::TimestampBasis::Inherited,
            TimestampBasis::Ingest => v1::TimestampBasis::Ingest,
        };
        Self {
            id: entry.id.into(),
            tenant_id: entry.tenant.into(),
            source_id: entry.source_id.into(),
            cycle_id: entry.cycle_id.into(),
            text: entry.text,
            timestamp: Some(timestamp_to_proto(entry.timestamp)),
            timestamp_basis: basis.into(),
            severity: entry
                .severity
                .map_or(v1::Severity::Unspecified, Into::into)
                .into(),
            ingest_time: Some(timestamp_to_proto(entry.ingest_time)),
            anomaly_label,
            anomaly_score,
            anomaly_scored_at,
            quarantine_reason,
        }
    }
}

impl From<&ScoreBatch> for v1::ScoreBatch {
    fn from(batch: &ScoreBatch) -> Self {
        Self {
            batch_id: batch.id.to_string(),
            tenant_id: batch.tenant.to_string(),
            cycle_id: batch.cycle_id.to_string(),
            first_entry_id: batch.first_entry_id.to_string(),
            last_entry_id: batch.last_entry_id.to_string(),
            entry_count: i32::try_from(batch.entry_count).unwrap_or(i32::MAX),
        }
    }
}

impl TryFrom<v1::ScoreBatch> for ScoreBatch {
    type Error = ConvertError;
    fn try_from(batch: v1::ScoreBatch) -> Result<Self, ConvertError> {
        Ok(Self {
            id: BatchId::new(batch.batch_id)?,
            tenant: TenantId::new(batch.tenant_id)?,
            cycle_id: CycleId::new(batch.cycle_id)?,
            first_entry_id: EntryId::new(batch.first_entry_id)?,
            last_entry_id: EntryId::new(batch.last_entry_id)?,
            entry_count: u32::try_from(batch.entry_count)
                .map_err(|_| ConvertError::Negative { field: "entry_count" })?,
        })
    }
}

impl From<&CycleEvent> for v1::GleanCycleEvent {
    fn from(event: &CycleEvent) -> Self {
        let count = |entries: u64| i64::try_from(entries).unwrap_or(i64::MAX);
        Self {
            cycle_id: event.cycle_id.to_string(),
            tenant_id: event.tenant.to_string(),
            start_time: Some(timestamp_to_proto(event.started_at)),
            end_time: Some(timestamp_to_proto(event.closed_at)),
            entry_count: count(event.entry_count),
            sources: event
                .sources
                .iter()
                .map(|(source_id, entries)| v1::SourceEntryCount {
                    source_id: source_id.to_string(),
                    entry_count: count(*entries),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_round_trip_on_both_sides_of_the_epoch() {
        for nanoseconds in [-1_500_000_001_i128, -1, 0, 1, 1_763_800_000_123_456_789] {
            let instant = Timestamp::from_nanosecond(nanoseconds).expect("in range");
            let wire = timestamp_to_proto(instant);
            assert!((0..1_000_000_000).contains(&wire.nanos));
            assert_eq!(timestamp_from_proto(&wire).expect("valid"), instant);
        }
    }

    #[test]
    fn a_batch_round_trips_and_refuses_nonsense() {
        let batch = ScoreBatch {
            id: BatchId::generate(),
            tenant: TenantId::new("acme").expect("valid"),
            cycle_id: CycleId::generate(),
            first_entry_id: EntryId::generate(),
            last_entry_id: EntryId::generate(),
            entry_count: 256,
        };
        let wire = v1::ScoreBatch::from(&batch);
        assert_eq!(ScoreBatch::try_from(wire.clone()).expect("valid"), batch);
        assert!(
            ScoreBatch::try_from(v1::ScoreBatch {
                batch_id: String::new(),
                ..wire.clone()
            })
            .is_err()
        );
        assert!(
            ScoreBatch::try_from(v1::ScoreBatch {
                entry_count: -1,
                ..wire
            })
            .is_err()
        );
    }
}
