//! Groups of detections, and fingerprints of detections that came without. The groups themselves are kept by triggers.

use super::PostgresStore;
use super::conditions::Conditions;
use super::detections::complete_detections;
use super::rows::{DETECTION_COLUMNS, Reader, detection_from, storable, visible_tenants};
use super::session::{Mode, work};
use super::text::terms_literal;
use crate::{DetectionGroup, DetectionKey, GroupFilter, GroupKey, StoreError};
use tokio_postgres::Row;
use turnstone_types::{Severity, TenantId, Timestamp, fingerprint};

const WITHOUT_FINGERPRINT: &str =
    "SELECT id, text FROM detections WHERE fingerprint IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";

const SET_FINGERPRINTS: &str = "UPDATE detections SET fingerprint = given.fingerprint \
     FROM unnest($1::text[], $2::text[]) AS given (id, fingerprint) \
     WHERE detections.id = given.id AND detections.id = ANY($1) AND detections.fingerprint IS NULL";

impl PostgresStore {
    pub(super) async fn read_groups(
        &self,
        tenant: &TenantId,
        filter: &GroupFilter,
        after: Option<&DetectionKey>,
        limit: u32,
    ) -> Result<Vec<DetectionGroup>, StoreError> {
        const OPERATION: &str = "list_detection_groups";
        let of_newest = filter.of_newest();
        let mut newest = Conditions::default();
        newest.filter_detections(&of_newest);
        let newest_sql = newest.sql();
        let mut conditions = newest.start_anew();
        if let Some(unacknowledged) = filter.unacknowledged {
            conditions.require(if unacknowledged {
                "g.open_count > 0"
            } else {
                "g.open_count = 0"
            });
        }
        conditions.compare_optional(
            "g.anomaly_label =",
            filter.label.as_ref().map(|label| label.as_str()),
        );
        conditions.compare_optional("g.severity =", filter.severity.map(Severity::as_str));
        conditions.compare_optional(
            "g.source_id =",
            filter.source_id.as_ref().map(|source| source.as_str()),
        );
        conditions.compare_optional(
            "g.fingerprint =",
            filter
                .fingerprint
                .as_ref()
                .map(|fingerprint| fingerprint.as_str()),
        );
        // Left to the planner: where few detections match, they lead to the groups.
        if let Some(text) = &filter.text {
            let query = conditions.parameter(terms_literal(text));
            conditions.require(format!(
                "EXISTS (SELECT FROM detection_text_index i \
                     WHERE i.detection_id = g.newest_detection_id AND i.tokens @@ {query}::text::tsquery)"
            ));
        }
        conditions.compare_optional("g.first_seen >=", filter.first_seen_from.map(storable));
        conditions.compare_optional("g.first_seen <", filter.first_seen_until.map(storable));
        conditions.compare_optional("g.last_seen >=", filter.seen_from.map(storable));
        conditions.compare_optional("g.last_seen <", filter.seen_until.map(storable));
        conditions.after_key(
            "(g.last_seen, g.newest_detection_id)",
            after.map(|key| (key.detected_at, key.id.as_str())),
        );
        let limit = conditions.parameter(i64::from(limit));
        // OFFSET 0 keeps the planner from joining the groups with all detections: each newest one is looked up.
        let mut branches = Vec::new();
        for tenant in visible_tenants(tenant) {
            let tenant = conditions.parameter(tenant);
            branches.push(format!(
                "(SELECT g.detection_count, g.open_count, g.severity AS group_severity, g.first_seen, g.last_seen, \
                     g.acknowledged_until, d.* \
                 FROM detection_groups g CROSS JOIN LATERAL ( \
                     SELECT {DETECTION_COLUMNS} FROM detections WHERE id = g.newest_detection_id AND {newest_sql} OFFSET 0) AS d \
                 WHERE g.tenant_id = {tenant} AND {} \
                 ORDER BY g.last_seen DESC, g.newest_detection_id DESC LIMIT {limit})",
                conditions.sql()
            ));
        }
        let sql = format!(
            "SELECT * FROM ({}) AS found ORDER BY last_seen DESC, id DESC LIMIT {limit}",
            branches.join(" UNION ALL ")
        );
        let rows = self.read(OPERATION, &sql, &conditions).await?;
        rows.iter().map(|row| group(OPERATION, row)).collect()
    }

    pub(super) async fn write_fingerprints(&self, limit: u32) -> Result<u64, StoreError> {
        self.run("fingerprint_pending", Mode::Write, |session| {
            let make = |text: &str| fingerprint(text).into();
            work(complete_detections(
                session,
                WITHOUT_FINGERPRINT,
                SET_FINGERPRINTS,
                limit,
                make,
            ))
        })
        .await
    }
}

fn group(operation: &'static str, row: &Row) -> Result<DetectionGroup, StoreError> {
    let mut reader = Reader::new(operation, row);
    let (detections, open) = (reader.take_count()?, reader.take_count()?);
    let severity = reader.take_severity()?;
    let (first_seen, last_seen): (Timestamp, Timestamp) = (reader.take()?, reader.take()?);
    let acknowledged_until = reader.take()?;
    let newest = detection_from(&mut reader)?;
    let Some(fingerprint) = newest.fingerprint.clone() else {
        return Err(StoreError::new(
            crate::StoreErrorKind::Corrupt,
            operation,
            format!("detection {} is in a group and has no fingerprint", newest.id),
        ));
    };
    Ok(DetectionGroup {
        key: GroupKey {
            tenant: newest.tenant.clone(),
            source_id: newest.source_id.clone(),
            label: newest.label.clone(),
            fingerprint,
        },
        detections,
        open,
        severity,
        first_seen,
        last_seen,
        acknowledged_until,
        newest,
    })
}
