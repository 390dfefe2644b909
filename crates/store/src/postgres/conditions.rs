//! A WHERE clause that grows by what a request filters, with its parameters. Values never become part of the SQL text.

use super::rows::storable;
use super::text::terms_literal;
use crate::{DetectionFilter, EntrySearch};
use tokio_postgres::types::ToSql;
use turnstone_types::Timestamp;

/// Conditions joined by AND, and the parameters of the whole statement in order.
#[derive(Default)]
pub(super) struct Conditions<'a> {
    clauses: Vec<String>,
    parameters: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
}

impl<'a> Conditions<'a> {
    /// Adds a parameter; answers its placeholder.
    pub(super) fn parameter(&mut self, value: impl ToSql + Sync + Send + 'a) -> String {
        self.parameters.push(Box::new(value));
        format!("${}", self.parameters.len())
    }

    /// Adds a condition on one value: `clause` is SQL before the value's placeholder.
    pub(super) fn compare(&mut self, clause: &str, value: impl ToSql + Sync + Send + 'a) {
        let placeholder = self.parameter(value);
        self.clauses.push(format!("{clause} {placeholder}"));
    }

    /// Adds a condition on one value, where there is one.
    pub(super) fn compare_optional(&mut self, clause: &str, value: Option<impl ToSql + Sync + Send + 'a>) {
        if let Some(value) = value {
            self.compare(clause, value);
        }
    }

    /// Adds a condition without a parameter of its own.
    pub(super) fn require(&mut self, clause: impl Into<String>) {
        self.clauses.push(clause.into());
    }

    /// Keeps the parameters and begins another list of conditions on them.
    pub(super) fn start_anew(mut self) -> Self {
        self.clauses.clear();
        self
    }

    /// The conditions as SQL, true if there is none.
    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() {
            "TRUE".to_owned()
        } else {
            self.clauses.join(" AND ")
        }
    }

    /// The parameters.
    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters
            .iter()
            .map(|parameter| &**parameter as &(dyn ToSql + Sync))
            .collect()
    }

    /// Adds what a filter of detections asks.
    pub(super) fn filter_detections(&mut self, filter: &'a DetectionFilter) {
        if let Some(unacknowledged) = filter.unacknowledged {
            // Spelled out, since a partial index is only used where its condition can be seen.
            self.require(if unacknowledged {
                "acknowledged = 0"
            } else {
                "acknowledged <> 0"
            });
        }
        self.compare_optional(
            "anomaly_label =",
            filter.label.as_ref().map(|label| label.as_str()),
        );
        self.compare_optional("scorer =", filter.scorer.as_deref());
        self.compare_optional("severity =", filter.severity.map(|severity| severity.as_str()));
        self.compare_optional(
            "source_id =",
            filter.source_id.as_ref().map(|source| source.as_str()),
        );
        self.compare_optional("detected_at >=", filter.detected_from.map(storable));
        self.compare_optional("detected_at <", filter.detected_until.map(storable));
        self.compare_optional("anomaly_score >=", filter.score_min);
        self.compare_optional(
            "fingerprint =",
            filter
                .fingerprint
                .as_ref()
                .map(|fingerprint| fingerprint.as_str()),
        );
        self.compare_optional("verdict =", filter.verdict.map(|verdict| verdict.as_str()));
        if let Some(suppressed) = filter.suppressed {
            self.require(if suppressed {
                "suppressed <> 0"
            } else {
                "suppressed = 0"
            });
        }
        if let Some(text) = &filter.text {
            let query = self.parameter(terms_literal(text));
            self.require(format!(
                "EXISTS (SELECT FROM detection_text_index i WHERE i.detection_id = detections.id AND i.tokens @@ {query}::text::tsquery)"
            ));
        }
    }

    /// Adds what a search asks of the columns of `e`, without its text and its source.
    pub(super) fn filter_entries(&mut self, search: &'a EntrySearch) {
        self.compare_optional("e.severity =", search.severity.map(|severity| severity.as_str()));
        if let Some(label) = &search.label {
            self.compare("e.anomaly_label =", label.as_str());
        }
        self.compare_optional("e.anomaly_score >=", search.score_min);
        self.compare_optional("e.anomaly_score <=", search.score_max);
        self.compare_optional("e.ingest_time <=", search.ingested_until.map(storable));
        self.compare_optional("e.timestamp_iso >=", search.time_from.map(storable));
        self.compare_optional("e.timestamp_iso <", search.time_until.map(storable));
    }

    /// Keeps what comes after a key in the order newest first. `columns` are the time and the id, in parentheses.
    pub(super) fn after_key(&mut self, columns: &str, key: Option<(Timestamp, &'a str)>) {
        if let Some((instant, id)) = key {
            let instant = self.parameter(storable(instant));
            let id = self.parameter(id);
            self.require(format!("{columns} < ({instant}, {id})"));
        }
    }
}
