//! Acknowledging detections as one operation, undoing it, opening them again.

use super::PostgresStore;
use super::conditions::Conditions;
use super::rows::{Reader, storable, stored_count, visible_tenants};
use super::session::{Mode, Outcome, Session, work};
use crate::checks::{check_acknowledgement, latest_by_group};
use crate::{AcknowledgeRequest, Acknowledged, DetectionSelection, GroupKey, StoreError, Undone};
use turnstone_types::{AcknowledgementId, TenantId, Timestamp, Verdict};

const FIND_OPERATION: &str = "SELECT detection_count FROM acknowledgements WHERE id = $1";

/// Locks what is chosen in order of id, so that two operations cannot lock each other out, and keeps its state. The order is spelled
/// so that no index has it: the planner would rather walk through all ids than sort those that are chosen.
const RECORD: &str = "INSERT INTO acknowledged_detections (acknowledgement_id, detection_id, previous_acknowledged, \
         previous_acknowledged_at, previous_notes, previous_verdict, previous_acknowledgement_id, previous_suppressed) \
     SELECT {operation}, detections.id, acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed \
     {chosen} ORDER BY detections.id || '' FOR UPDATE OF detections";

/// The array makes the planner look each row up by its key, however many it takes them for.
const ACKNOWLEDGE: &str = "UPDATE detections SET acknowledged = 1, acknowledged_at = $2, notes = $3, verdict = $4, \
         acknowledgement_id = $1, suppressed = 0 \
     WHERE id = ANY(ARRAY(SELECT detection_id FROM acknowledged_detections WHERE acknowledgement_id = $1))";

const INSERT_OPERATION: &str = "INSERT INTO acknowledgements (id, tenant_id, acknowledged_at, acknowledged_by, verdict, notes, \
     detection_count) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const RECORD_GROUPS: &str = "INSERT INTO acknowledged_groups (acknowledgement_id, tenant_id, source_id, anomaly_label, fingerprint, \
         acknowledged_at, acknowledged_until) \
     SELECT $1, tenant_id, source_id, anomaly_label, fingerprint, $2, given.acknowledged_until \
     FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]) \
             AS given (tenant_id, source_id, anomaly_label, fingerprint, acknowledged_until) \
         JOIN detection_groups g USING (tenant_id, source_id, anomaly_label, fingerprint) \
     WHERE tenant_id = ANY($8) ORDER BY 2, 3, 4, 5 FOR UPDATE OF g";

/// Each group stands where the newest operation left it that is not undone.
const UPDATE_GROUPS: &str = "UPDATE detection_groups g SET acknowledged_at = newest.acknowledged_at, \
         acknowledged_until = newest.acknowledged_until, acknowledgement_id = newest.acknowledgement_id \
     FROM acknowledged_groups a LEFT JOIN LATERAL ( \
         SELECT n.* FROM acknowledged_groups n JOIN acknowledgements k ON k.id = n.acknowledgement_id \
         WHERE n.tenant_id = a.tenant_id AND n.fingerprint = a.fingerprint AND n.source_id = a.source_id \
             AND n.anomaly_label = a.anomaly_label AND k.undone_at IS NULL \
         ORDER BY n.acknowledged_at DESC, n.acknowledgement_id DESC LIMIT 1) AS newest ON TRUE \
     WHERE a.acknowledgement_id = $1 AND g.tenant_id = a.tenant_id AND g.source_id = a.source_id \
         AND g.anomaly_label = a.anomaly_label AND g.fingerprint = a.fingerprint";

const LOCK_OPERATION: &str = "SELECT undone_at IS NOT NULL, restored_count, left_alone_count FROM acknowledgements \
     WHERE id = $1 AND tenant_id = $2 FOR UPDATE";

const LOCK_ACKNOWLEDGED: &str = "SELECT count(*) FROM ( \
     SELECT FROM detections WHERE id = ANY(ARRAY(SELECT detection_id FROM acknowledged_detections WHERE acknowledgement_id = $1)) \
     ORDER BY id FOR UPDATE) AS locked";

/// Each row's former state is looked up by its key: of a join the planner, which knows little of an operation that was just recorded,
/// may make one that compares each row with each.
const RESTORE: &str = "UPDATE detections d SET (acknowledged, acknowledged_at, notes, verdict, acknowledgement_id, suppressed) = ( \
         SELECT p.previous_acknowledged, p.previous_acknowledged_at, p.previous_notes, p.previous_verdict, p.previous_acknowledgement_id, \
             p.previous_suppressed \
         FROM acknowledged_detections p WHERE p.acknowledgement_id = $1 AND p.detection_id = d.id) \
     WHERE d.id = ANY(ARRAY(SELECT detection_id FROM acknowledged_detections WHERE acknowledgement_id = $1)) \
         AND d.acknowledgement_id = $1 AND d.acknowledged <> 0";

const MARK_UNDONE: &str = "WITH forgotten AS (DELETE FROM acknowledged_detections WHERE acknowledgement_id = $1 RETURNING 1) \
     UPDATE acknowledgements SET undone_at = $2, restored_count = $3, left_alone_count = (SELECT count(*) FROM forgotten) - $3 \
     WHERE id = $1 RETURNING left_alone_count";

impl PostgresStore {
    pub(super) async fn write_acknowledgement(
        &self,
        request: &AcknowledgeRequest,
    ) -> Result<Acknowledged, StoreError> {
        check_acknowledgement(request)?;
        // Made once, so that an attempt after a lost connection knows whether the one before was committed.
        let operation_id = AcknowledgementId::generate();
        let groups = &Groups::of(&request.selection);
        let mut conditions = Conditions::default();
        let chosen = chosen(&mut conditions, request, groups);
        if request.dry_run {
            let sql = format!("SELECT count(*) {chosen}");
            let rows = self.read("acknowledge", &sql, &conditions).await?;
            let count = rows
                .first()
                .map_or(Ok(0), |row| Reader::new("acknowledge", row).take_count())?;
            return Ok(Acknowledged {
                count,
                operation_id: None,
            });
        }
        let operation_id = &operation_id;
        let placeholder = conditions.parameter(operation_id.as_str());
        let record = RECORD
            .replace("{operation}", &placeholder)
            .replace("{chosen}", &chosen);
        let (record, conditions) = (record.as_str(), &conditions);
        self.run("acknowledge", Mode::Write, |session| {
            work(acknowledge(
                session,
                request,
                operation_id,
                (record, conditions),
                groups,
            ))
        })
        .await
    }

    pub(super) async fn undo_acknowledgement(
        &self,
        tenant: &TenantId,
        operation_id: &AcknowledgementId,
        at: Timestamp,
    ) -> Result<Option<Undone>, StoreError> {
        self.run("undo_acknowledge", Mode::Write, |session| {
            work(undo(session, tenant, operation_id, at))
        })
        .await
    }

    pub(super) async fn write_unacknowledgement(
        &self,
        tenant: &TenantId,
        selection: &DetectionSelection,
    ) -> Result<u64, StoreError> {
        let mut conditions = Conditions::default();
        conditions.require("acknowledged <> 0");
        let from = match selection {
            DetectionSelection::Groups(_) => {
                let from = Groups::of(selection).join(&mut conditions);
                conditions.require("detected_at <= given.acknowledged_until");
                format!("FROM {from} ")
            }
            selection => {
                select(&mut conditions, selection);
                String::new()
            }
        };
        let tenants = conditions.parameter(visible_tenants(tenant));
        let sql = format!(
            "UPDATE detections SET acknowledged = 0, acknowledged_at = NULL, notes = '', verdict = NULL, acknowledgement_id = NULL, \
                 suppressed = 0 {from}WHERE detections.tenant_id = ANY({tenants}) AND {}",
            conditions.sql()
        );
        let (sql, conditions) = (sql.as_str(), &conditions);
        self.run("unacknowledge", Mode::Single, |session| {
            work(async move { session.execute(sql, &conditions.parameters()).await })
        })
        .await
    }
}

/// The groups of a selection as columns, in order of their keys, each once with its latest moment.
#[derive(Default)]
struct Groups<'a> {
    keys: Vec<&'a GroupKey>,
    until: Vec<Timestamp>,
}

impl<'a> Groups<'a> {
    fn of(selection: &'a DetectionSelection) -> Self {
        let DetectionSelection::Groups(groups) = selection else {
            return Self::default();
        };
        let (keys, until) = latest_by_group(groups).into_iter().unzip();
        Self { keys, until }
    }

    fn texts(&self, of: fn(&GroupKey) -> &str) -> Vec<&'a str> {
        self.keys.iter().map(|key| of(key)).collect()
    }

    fn moments(&self) -> Vec<Timestamp> {
        self.until.iter().copied().map(storable).collect()
    }

    /// The groups as a table `given`; adds how detections belong to them.
    fn join(&self, conditions: &mut Conditions<'a>) -> String {
        let tenants = conditions.parameter(self.texts(|key| key.tenant.as_str()));
        let sources = conditions.parameter(self.texts(|key| key.source_id.as_str()));
        let labels = conditions.parameter(self.texts(|key| key.label.as_str()));
        let fingerprints = conditions.parameter(self.texts(|key| key.fingerprint.as_str()));
        let until = conditions.parameter(self.moments());
        conditions.require(
            "detections.tenant_id = given.tenant_id AND detections.fingerprint = given.fingerprint \
             AND detections.source_id = given.source_id AND detections.anomaly_label = given.anomaly_label",
        );
        format!(
            "unnest({tenants}::text[], {sources}::text[], {labels}::text[], {fingerprints}::text[], {until}::timestamptz[]) \
             AS given (tenant_id, source_id, anomaly_label, fingerprint, acknowledged_until)"
        )
    }
}

fn select<'a>(conditions: &mut Conditions<'a>, selection: &'a DetectionSelection) {
    match selection {
        DetectionSelection::Ids(ids) => {
            let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            let placeholder = conditions.parameter(ids);
            conditions.require(format!("id = ANY({placeholder})"));
        }
        DetectionSelection::Filter(filter) => conditions.filter_detections(filter),
        DetectionSelection::Groups(_) => {}
    }
}

/// FROM and WHERE of the detections that a request is for.
fn chosen<'a>(
    conditions: &mut Conditions<'a>,
    request: &'a AcknowledgeRequest,
    groups: &Groups<'a>,
) -> String {
    let mut from = "FROM detections".to_owned();
    if let DetectionSelection::Groups(_) = &request.selection {
        from = format!("{from}, {}", groups.join(conditions));
        conditions.require("acknowledged = 0 AND detected_at <= given.acknowledged_until");
    } else {
        if let DetectionSelection::Filter(_) = &request.selection {
            conditions.require("acknowledged = 0");
        }
        select(conditions, &request.selection);
    }
    let tenants = conditions.parameter(visible_tenants(&request.tenant));
    format!(
        "{from} WHERE detections.tenant_id = ANY({tenants}) AND {}",
        conditions.sql()
    )
}

async fn acknowledge(
    session: Session<'_>,
    request: &AcknowledgeRequest,
    operation_id: &AcknowledgementId,
    (record, conditions): (&str, &Conditions<'_>),
    groups: &Groups<'_>,
) -> Outcome<Acknowledged> {
    let operation = operation_id.as_str();
    if let Some(row) = session.query_optional(FIND_OPERATION, &[&operation]).await? {
        return Ok(Acknowledged {
            count: Reader::new(session.operation(), &row).take_count()?,
            operation_id: Some(operation_id.clone()),
        });
    }
    let count = session.execute(record, &conditions.parameters()).await?;
    let at = storable(request.at);
    let verdict = request.verdict.map(Verdict::as_str);
    if count > 0 {
        session
            .execute(ACKNOWLEDGE, &[&operation, &at, &request.notes, &verdict])
            .await?;
    }
    let mut groups_found = 0;
    if !groups.keys.is_empty() {
        groups_found = session
            .execute(
                RECORD_GROUPS,
                &[
                    &operation,
                    &at,
                    &groups.texts(|key| key.tenant.as_str()),
                    &groups.texts(|key| key.source_id.as_str()),
                    &groups.texts(|key| key.label.as_str()),
                    &groups.texts(|key| key.fingerprint.as_str()),
                    &groups.moments(),
                    &visible_tenants(&request.tenant),
                ],
            )
            .await?;
    }
    if count == 0 && groups_found == 0 {
        return Ok(Acknowledged {
            count,
            operation_id: None,
        });
    }
    session
        .execute(
            INSERT_OPERATION,
            &[
                &operation,
                &request.tenant.as_str(),
                &at,
                &request.by,
                &verdict,
                &request.notes,
                &stored_count(count),
            ],
        )
        .await?;
    if groups_found > 0 {
        session.execute(UPDATE_GROUPS, &[&operation]).await?;
    }
    Ok(Acknowledged {
        count,
        operation_id: Some(operation_id.clone()),
    })
}

async fn undo(
    session: Session<'_>,
    tenant: &TenantId,
    operation_id: &AcknowledgementId,
    at: Timestamp,
) -> Outcome<Option<Undone>> {
    let operation = operation_id.as_str();
    let Some(row) = session
        .query_optional(LOCK_OPERATION, &[&operation, &tenant.as_str()])
        .await?
    else {
        return Ok(None);
    };
    let mut reader = Reader::new(session.operation(), &row);
    if reader.take()? {
        return Ok(Some(Undone {
            restored: reader.take_count()?,
            left_alone: reader.take_count()?,
        }));
    }
    session.query_one(LOCK_ACKNOWLEDGED, &[&operation]).await?;
    let restored = session.execute(RESTORE, &[&operation]).await?;
    let row = session
        .query_one(MARK_UNDONE, &[&operation, &storable(at), &stored_count(restored)])
        .await?;
    session.execute(UPDATE_GROUPS, &[&operation]).await?;
    Ok(Some(Undone {
        restored,
        left_alone: Reader::new(session.operation(), &row).take_count()?,
    }))
}
