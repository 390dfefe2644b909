//! Which index a list of detections goes by. SQLite keeps no statistics unless somebody runs ANALYZE and takes any index that fits;
//! the totals of detections tell which one has the fewest rows to go through, and whether any row can match at all.

use super::connection::Tx;
use super::error::map;
use super::executor::on;
use super::rows::Reader;
use super::text::has_matches;
use crate::model::DetectionFilter;
use crate::{SearchQuery, StoreError};
use turnstone_types::{Severity, TenantId, Verdict};

/// Detections with at least a score up to which they are looked up and sorted; with more, a walk in order meets the limit sooner.
const SORTED_SCORES_MAX: i64 = 3_000;

const BY_SCORE: &str = "INDEXED BY detections_by_score";
/// Matches of a text up to which they are looked up and sorted; with more, a walk in order meets the limit sooner.
const SORTED_MATCHES_MAX: i64 = 2_000;

/// By sequences, which are the numbers of the rows: those that the text index gives.
pub(super) const BY_SEQUENCE: &str = "NOT INDEXED";

/// How to find what a filter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Nothing matches.
    Nothing,
    /// By the index that this clause names.
    By(&'static str),
}

/// What the totals say of a filter: detections in all, and those with each of its conditions alone.
struct Totals {
    all: i64,
    open: i64,
    label: i64,
    source: i64,
    severity: i64,
    verdict: i64,
    suppressed: i64,
    /// Detections that match all of these conditions but the verdict.
    matching: i64,
}

impl Choice {
    /// For a filter on what a tenant sees.
    pub(super) async fn of(
        operation: &'static str,
        transaction: &mut Tx,
        tenant: &TenantId,
        filter: &DetectionFilter,
    ) -> Result<Self, StoreError> {
        let totals = Totals::read(operation, transaction, tenant, filter).await?;
        if totals.matching == 0 {
            return Ok(Self::Nothing);
        }
        if filter.fingerprint.is_some() {
            return Ok(Self::By("INDEXED BY detections_by_group"));
        }
        if let Some(query) = &filter.text
            && is_rare_text(operation, transaction, query).await?
        {
            return Ok(Self::By(BY_SEQUENCE));
        }
        let (count, clause) = totals.least(filter);
        if let Some(score_min) = filter.score_min.filter(|_| count > SORTED_SCORES_MAX)
            && is_rare_score(operation, transaction, tenant, score_min).await?
        {
            return Ok(Self::By(BY_SCORE));
        }
        Ok(Self::By(clause))
    }

    /// Whether the list is in order as it is read.
    pub(super) fn is_in_order(self) -> bool {
        !matches!(self, Self::By(BY_SEQUENCE | BY_SCORE))
    }

    /// As it stands behind `FROM detections`.
    pub(super) fn clause(self) -> &'static str {
        match self {
            // Any will do.
            Self::Nothing => "INDEXED BY detections_newest_first",
            Self::By(clause) => clause,
        }
    }
}

impl Totals {
    async fn read(
        operation: &'static str,
        transaction: &mut Tx,
        tenant: &TenantId,
        filter: &DetectionFilter,
    ) -> Result<Self, StoreError> {
        // People's verdicts and those of suppressions, which say `expected`.
        let row = sqlx::query(
            "SELECT COALESCE(SUM(detection_count), 0), COALESCE(SUM(open_count), 0),
                 COALESCE(SUM(detection_count) FILTER (WHERE anomaly_label = ?2), 0),
                 COALESCE(SUM(detection_count) FILTER (WHERE source_id = ?3), 0),
                 COALESCE(SUM(detection_count) FILTER (WHERE severity = ?4), 0),
                 COALESCE(SUM(CASE ?5 WHEN 'true_positive' THEN true_positives WHEN 'false_positive' THEN false_positives
                     ELSE expected + suppressed_count END), 0),
                 COALESCE(SUM(suppressed_count), 0),
                 COALESCE(SUM(CASE ?6 WHEN 1 THEN open_count WHEN 0 THEN detection_count - open_count ELSE detection_count END)
                     FILTER (WHERE (?2 IS NULL OR anomaly_label = ?2) AND (?3 IS NULL OR source_id = ?3)
                         AND (?4 IS NULL OR severity = ?4)), 0)
             FROM detection_totals WHERE tenant_id IN (?1, '')",
        )
        .bind(tenant.as_str())
        .bind(filter.label.as_ref().map(|label| label.as_str().to_owned()))
        .bind(filter.source_id.as_ref().map(|source| source.as_str().to_owned()))
        .bind(filter.severity.map(Severity::as_str))
        .bind(filter.verdict.map(Verdict::as_str))
        .bind(filter.unacknowledged)
        .fetch_one(on(transaction))
        .await
        .map_err(|error| map(operation, error))?;
        let mut reader = Reader::new(operation, &row);
        Ok(Self {
            all: reader.take()?,
            open: reader.take()?,
            label: reader.take()?,
            source: reader.take()?,
            severity: reader.take()?,
            verdict: reader.take()?,
            suppressed: reader.take()?,
            matching: reader.take()?,
        })
    }

    /// The index with the fewest rows for a filter, and their number.
    fn least(&self, filter: &DetectionFilter) -> (i64, &'static str) {
        let candidates = [
            (true, self.all, "INDEXED BY detections_newest_first"),
            // Scorers are not in the totals; better than to go through all.
            (
                filter.scorer.is_some(),
                self.all - 1,
                "INDEXED BY detections_by_scorer",
            ),
            (
                filter.severity.is_some(),
                self.severity,
                "INDEXED BY detections_by_severity",
            ),
            (
                filter.source_id.is_some(),
                self.source,
                "INDEXED BY detections_by_source",
            ),
            (
                filter.label.is_some(),
                self.label,
                "INDEXED BY detections_by_label",
            ),
            (
                filter.verdict.is_some(),
                self.verdict,
                "INDEXED BY detections_by_verdict",
            ),
            (
                filter.unacknowledged == Some(true),
                self.open,
                "INDEXED BY detections_open",
            ),
            (
                filter.suppressed == Some(true),
                self.suppressed,
                "INDEXED BY detections_suppressed",
            ),
        ];
        let asked = candidates.into_iter().filter(|(is_asked, ..)| *is_asked);
        let least = asked.min_by_key(|(_, count, _)| *count);
        least.map_or((self.all, ""), |(_, count, clause)| (count, clause))
    }
}

/// Whether so few detections match a text that it is best to look at them all.
pub(super) async fn is_rare_text(
    operation: &'static str,
    transaction: &mut Tx,
    query: &SearchQuery,
) -> Result<bool, StoreError> {
    has_matches(
        operation,
        transaction,
        "detections_text",
        query,
        SORTED_MATCHES_MAX,
    )
    .await
    .map(|is_frequent| !is_frequent)
}

/// Whether so few detections have at least this score that it is best to look at them all.
async fn is_rare_score(
    operation: &'static str,
    transaction: &mut Tx,
    tenant: &TenantId,
    score_min: f64,
) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT 1 FROM detections INDEXED BY detections_by_score
             WHERE tenant_id IN (?1, '') AND anomaly_score >= ?2 LIMIT ?3)",
    )
    .bind(tenant.as_str())
    .bind(score_min)
    .bind(SORTED_SCORES_MAX)
    .fetch_one(on(transaction))
    .await
    .map_err(|error| map(operation, error))?;
    Ok(count < SORTED_SCORES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use turnstone_types::{Label, SourceId};

    #[test]
    fn the_index_with_the_fewest_rows_is_taken_of_those_that_fit() {
        let totals = Totals {
            all: 1_000,
            open: 10,
            label: 50,
            source: 20,
            severity: 500,
            verdict: 5,
            suppressed: 0,
            matching: 1,
        };
        let index = |filter: DetectionFilter| {
            totals
                .least(&filter)
                .1
                .trim_start_matches("INDEXED BY detections_")
        };
        let all = DetectionFilter::default;
        let label = Some(Label::new("x"));
        assert_eq!(index(all()), "newest_first");
        assert_eq!(
            index(DetectionFilter {
                label: label.clone(),
                ..all()
            }),
            "by_label"
        );
        let source_id = SourceId::new("s").ok();
        let both = DetectionFilter {
            label,
            source_id,
            ..all()
        };
        assert_eq!(index(both.clone()), "by_source");
        assert_eq!(
            index(DetectionFilter {
                unacknowledged: Some(true),
                ..both.clone()
            }),
            "open"
        );
        assert_eq!(
            index(DetectionFilter {
                unacknowledged: Some(false),
                ..both
            }),
            "by_source"
        );
        assert_eq!(
            index(DetectionFilter {
                scorer: Some("m".into()),
                ..all()
            }),
            "by_scorer"
        );
        assert_eq!(
            index(DetectionFilter {
                suppressed: Some(true),
                ..all()
            }),
            "suppressed"
        );
        assert_eq!(
            index(DetectionFilter {
                suppressed: Some(false),
                ..all()
            }),
            "newest_first"
        );
    }
}
