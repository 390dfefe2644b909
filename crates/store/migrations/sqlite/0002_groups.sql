-- Detections of one message as a group, acknowledgements that can be undone, verdicts, suppressions.
-- Groups and totals are kept by triggers, in the transaction of whatever changes detections, so that they never drift.

-- NULL until known: rows from before this column, or put in by hand, get theirs from the program in the background.
ALTER TABLE detections ADD COLUMN fingerprint TEXT;
ALTER TABLE detections ADD COLUMN verdict TEXT CHECK (verdict IN ('true_positive', 'false_positive', 'expected'));
-- The operation that acknowledged it last.
ALTER TABLE detections ADD COLUMN acknowledgement_id TEXT;
-- 1 where a suppression acknowledged it as it came.
ALTER TABLE detections ADD COLUMN suppressed INTEGER NOT NULL DEFAULT 0;
-- What stands behind the order is compared within the index, so that rows that other conditions leave out are not read.
DROP INDEX detections_newest_first;
DROP INDEX detections_open;
CREATE INDEX detections_newest_first ON detections (tenant_id, detected_at DESC, id DESC, anomaly_score);
CREATE INDEX detections_open ON detections (tenant_id, detected_at DESC, id DESC, source_id, anomaly_label, severity)
    WHERE acknowledged = 0;
CREATE INDEX detections_by_group ON detections
    (tenant_id, fingerprint, detected_at DESC, id DESC, source_id, anomaly_label, acknowledged, verdict);
CREATE INDEX detections_by_label ON detections (tenant_id, anomaly_label, detected_at DESC, id DESC, source_id);
CREATE INDEX detections_by_source ON detections (tenant_id, source_id, detected_at DESC, id DESC, anomaly_label, severity);
CREATE INDEX detections_by_severity ON detections (tenant_id, severity, detected_at DESC, id DESC, source_id);
CREATE INDEX detections_by_scorer ON detections (tenant_id, scorer, detected_at DESC, id DESC);
CREATE INDEX detections_by_score ON detections (tenant_id, anomaly_score, detected_at, id);
CREATE INDEX detections_by_verdict ON detections (tenant_id, verdict, detected_at DESC, id DESC) WHERE verdict IS NOT NULL;
CREATE INDEX detections_suppressed ON detections (tenant_id, detected_at DESC, id DESC) WHERE suppressed <> 0;
CREATE INDEX detections_without_fingerprint ON detections (id) WHERE fingerprint IS NULL;

-- One operation of a person on any number of detections.
CREATE TABLE acknowledgements (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    acknowledged_at TEXT NOT NULL,
    acknowledged_by TEXT NOT NULL,
    verdict TEXT,
    notes TEXT NOT NULL,
    -- Detections that it changed when it was made; recurrences within the quiet time are not counted.
    detection_count INTEGER NOT NULL,
    undone_at TEXT,
    restored_count INTEGER NOT NULL DEFAULT 0,
    left_alone_count INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX acknowledgements_newest_first ON acknowledgements (tenant_id, acknowledged_at DESC, id DESC);

-- What an operation found, to put it back.
CREATE TABLE acknowledged_detections (
    acknowledgement_id TEXT NOT NULL,
    detection_id TEXT NOT NULL,
    previous_acknowledged INTEGER NOT NULL DEFAULT 0,
    previous_acknowledged_at TEXT,
    previous_notes TEXT NOT NULL DEFAULT '',
    previous_verdict TEXT,
    previous_acknowledgement_id TEXT,
    previous_suppressed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (acknowledgement_id, detection_id)
) WITHOUT ROWID;

-- The groups that an operation acknowledged, up to a moment.
CREATE TABLE acknowledged_groups (
    acknowledgement_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    anomaly_label TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    acknowledged_at TEXT NOT NULL,
    acknowledged_until TEXT NOT NULL,
    PRIMARY KEY (acknowledgement_id, tenant_id, source_id, anomaly_label, fingerprint)
) WITHOUT ROWID;
CREATE INDEX acknowledged_groups_by_group ON acknowledged_groups
    (tenant_id, fingerprint, source_id, anomaly_label, acknowledged_at DESC, acknowledgement_id DESC);

CREATE TABLE suppressions (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    -- NULL stands for any.
    source_id TEXT,
    anomaly_label TEXT,
    expires_at TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX suppressions_newest_first ON suppressions (tenant_id, created_at DESC, id DESC);
CREATE INDEX suppressions_by_fingerprint ON suppressions (fingerprint, tenant_id, expires_at);

CREATE TABLE detection_groups (
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    anomaly_label TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    detection_count INTEGER NOT NULL,
    open_count INTEGER NOT NULL,
    -- The highest that it ever had.
    severity TEXT NOT NULL,
    -- By detected_at.
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    newest_detection_id TEXT NOT NULL,
    -- Of the newest operation that acknowledged the group and was not undone.
    acknowledged_at TEXT,
    acknowledged_until TEXT,
    acknowledgement_id TEXT,
    PRIMARY KEY (tenant_id, source_id, anomaly_label, fingerprint)
) WITHOUT ROWID;
CREATE INDEX detection_groups_newest_first ON detection_groups (tenant_id, last_seen DESC, newest_detection_id DESC);
CREATE INDEX detection_groups_open ON detection_groups (tenant_id, last_seen DESC, newest_detection_id DESC) WHERE open_count > 0;
CREATE INDEX detection_groups_by_first_seen ON detection_groups (tenant_id, first_seen, source_id);
CREATE INDEX detection_groups_by_fingerprint ON detection_groups (tenant_id, fingerprint);
CREATE INDEX detection_groups_by_acknowledgement ON detection_groups (acknowledgement_id) WHERE acknowledgement_id IS NOT NULL;

CREATE TABLE detection_totals (
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    anomaly_label TEXT NOT NULL,
    severity TEXT NOT NULL,
    detection_count INTEGER NOT NULL,
    open_count INTEGER NOT NULL,
    suppressed_count INTEGER NOT NULL,
    -- Verdicts of people: those of suppressions are not among them.
    true_positives INTEGER NOT NULL,
    false_positives INTEGER NOT NULL,
    expected INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, source_id, anomaly_label, severity)
) WITHOUT ROWID;

INSERT INTO detection_totals
SELECT tenant_id, source_id, anomaly_label, severity, COUNT(*), SUM(acknowledged = 0), 0, 0, 0, 0
FROM detections GROUP BY tenant_id, source_id, anomaly_label, severity;

-- The place of a severity's name in 'DEBUG INFO WARN ERROR CRITICAL' is its rank.
CREATE TRIGGER detections_added AFTER INSERT ON detections BEGIN
    INSERT INTO detection_totals VALUES (
        new.tenant_id, new.source_id, new.anomaly_label, new.severity, 1, new.acknowledged = 0, new.suppressed <> 0,
        new.verdict IS 'true_positive' AND new.suppressed = 0, new.verdict IS 'false_positive' AND new.suppressed = 0,
        new.verdict IS 'expected' AND new.suppressed = 0)
    ON CONFLICT (tenant_id, source_id, anomaly_label, severity) DO UPDATE SET
        detection_count = detection_count + 1, open_count = open_count + excluded.open_count,
        suppressed_count = suppressed_count + excluded.suppressed_count,
        true_positives = true_positives + excluded.true_positives, false_positives = false_positives + excluded.false_positives,
        expected = expected + excluded.expected;
    INSERT INTO detection_groups
        (tenant_id, source_id, anomaly_label, fingerprint, detection_count, open_count, severity, first_seen, last_seen, newest_detection_id)
    SELECT new.tenant_id, new.source_id, new.anomaly_label, new.fingerprint, 1, new.acknowledged = 0, new.severity,
        new.detected_at, new.detected_at, new.id
    WHERE new.fingerprint IS NOT NULL
    ON CONFLICT (tenant_id, source_id, anomaly_label, fingerprint) DO UPDATE SET
        detection_count = detection_count + 1, open_count = open_count + excluded.open_count,
        severity = CASE WHEN instr('DEBUG INFO WARN ERROR CRITICAL', excluded.severity) > instr('DEBUG INFO WARN ERROR CRITICAL', severity)
            THEN excluded.severity ELSE severity END,
        first_seen = MIN(first_seen, excluded.first_seen), last_seen = MAX(last_seen, excluded.last_seen),
        newest_detection_id = CASE WHEN (excluded.last_seen, excluded.newest_detection_id) > (last_seen, newest_detection_id)
            THEN excluded.newest_detection_id ELSE newest_detection_id END;
END;

CREATE TRIGGER detections_acknowledged AFTER UPDATE OF acknowledged, verdict, suppressed ON detections
WHEN old.id = new.id AND old.tenant_id = new.tenant_id AND old.source_id = new.source_id AND old.anomaly_label = new.anomaly_label
    AND old.severity = new.severity AND old.detected_at = new.detected_at AND old.fingerprint IS new.fingerprint
    AND ((old.acknowledged = 0) <> (new.acknowledged = 0) OR old.verdict IS NOT new.verdict OR (old.suppressed = 0) <> (new.suppressed = 0))
BEGIN
    UPDATE detection_totals SET
        open_count = open_count + (new.acknowledged = 0) - (old.acknowledged = 0),
        suppressed_count = suppressed_count + (new.suppressed <> 0) - (old.suppressed <> 0),
        true_positives = true_positives + (new.verdict IS 'true_positive' AND new.suppressed = 0)
            - (old.verdict IS 'true_positive' AND old.suppressed = 0),
        false_positives = false_positives + (new.verdict IS 'false_positive' AND new.suppressed = 0)
            - (old.verdict IS 'false_positive' AND old.suppressed = 0),
        expected = expected + (new.verdict IS 'expected' AND new.suppressed = 0) - (old.verdict IS 'expected' AND old.suppressed = 0)
    WHERE tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label AND severity = old.severity;
    UPDATE detection_groups SET open_count = open_count + (new.acknowledged = 0) - (old.acknowledged = 0)
    WHERE (old.acknowledged = 0) <> (new.acknowledged = 0) AND tenant_id = old.tenant_id AND source_id = old.source_id
        AND anomaly_label = old.anomaly_label AND fingerprint = old.fingerprint;
END;

CREATE TRIGGER detections_deleted AFTER DELETE ON detections BEGIN
    UPDATE detection_totals SET detection_count = detection_count - 1, open_count = open_count - (old.acknowledged = 0),
        suppressed_count = suppressed_count - (old.suppressed <> 0),
        true_positives = true_positives - (old.verdict IS 'true_positive' AND old.suppressed = 0),
        false_positives = false_positives - (old.verdict IS 'false_positive' AND old.suppressed = 0),
        expected = expected - (old.verdict IS 'expected' AND old.suppressed = 0)
    WHERE tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label AND severity = old.severity;
    DELETE FROM detection_groups
    WHERE detection_count = 1 AND tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label
        AND fingerprint = old.fingerprint;
    UPDATE detection_groups SET
        detection_count = detection_count - 1, open_count = open_count - (old.acknowledged = 0),
        first_seen = (SELECT MIN(d.detected_at) FROM detections AS d WHERE d.tenant_id = old.tenant_id
            AND d.fingerprint = old.fingerprint AND d.source_id = old.source_id AND d.anomaly_label = old.anomaly_label),
        last_seen = (SELECT MAX(d.detected_at) FROM detections AS d WHERE d.tenant_id = old.tenant_id
            AND d.fingerprint = old.fingerprint AND d.source_id = old.source_id AND d.anomaly_label = old.anomaly_label),
        newest_detection_id = (SELECT d.id FROM detections AS d WHERE d.tenant_id = old.tenant_id
            AND d.fingerprint = old.fingerprint AND d.source_id = old.source_id AND d.anomaly_label = old.anomaly_label
            ORDER BY d.detected_at DESC, d.id DESC LIMIT 1)
    WHERE tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label AND fingerprint = old.fingerprint;
END;

-- A fingerprint that was missing; and what only people at a shell do: other groups, times or severities. As if the row went and came again.
CREATE TRIGGER detections_moved AFTER UPDATE OF id, tenant_id, source_id, anomaly_label, severity, detected_at, fingerprint ON detections
WHEN old.id <> new.id OR old.tenant_id <> new.tenant_id OR old.source_id <> new.source_id OR old.anomaly_label <> new.anomaly_label
    OR old.severity <> new.severity OR old.detected_at <> new.detected_at OR old.fingerprint IS NOT new.fingerprint
BEGIN
    UPDATE detection_totals SET detection_count = detection_count - 1, open_count = open_count - (old.acknowledged = 0),
        suppressed_count = suppressed_count - (old.suppressed <> 0),
        true_positives = true_positives - (old.verdict IS 'true_positive' AND old.suppressed = 0),
        false_positives = false_positives - (old.verdict IS 'false_positive' AND old.suppressed = 0),
        expected = expected - (old.verdict IS 'expected' AND old.suppressed = 0)
    WHERE tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label AND severity = old.severity;
    DELETE FROM detection_groups
    WHERE detection_count = 1 AND tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label
        AND fingerprint = old.fingerprint;
    UPDATE detection_groups SET
        detection_count = detection_count - 1, open_count = open_count - (old.acknowledged = 0),
        first_seen = (SELECT MIN(d.detected_at) FROM detections AS d WHERE d.tenant_id = old.tenant_id
            AND d.fingerprint = old.fingerprint AND d.source_id = old.source_id AND d.anomaly_label = old.anomaly_label),
        last_seen = (SELECT MAX(d.detected_at) FROM detections AS d WHERE d.tenant_id = old.tenant_id
            AND d.fingerprint = old.fingerprint AND d.source_id = old.source_id AND d.anomaly_label = old.anomaly_label),
        newest_detection_id = (SELECT d.id FROM detections AS d WHERE d.tenant_id = old.tenant_id
            AND d.fingerprint = old.fingerprint AND d.source_id = old.source_id AND d.anomaly_label = old.anomaly_label
            ORDER BY d.detected_at DESC, d.id DESC LIMIT 1)
    WHERE tenant_id = old.tenant_id AND source_id = old.source_id AND anomaly_label = old.anomaly_label AND fingerprint = old.fingerprint;
    INSERT INTO detection_totals VALUES (
        new.tenant_id, new.source_id, new.anomaly_label, new.severity, 1, new.acknowledged = 0, new.suppressed <> 0,
        new.verdict IS 'true_positive' AND new.suppressed = 0, new.verdict IS 'false_positive' AND new.suppressed = 0,
        new.verdict IS 'expected' AND new.suppressed = 0)
    ON CONFLICT (tenant_id, source_id, anomaly_label, severity) DO UPDATE SET
        detection_count = detection_count + 1, open_count = open_count + excluded.open_count,
        suppressed_count = suppressed_count + excluded.suppressed_count,
        true_positives = true_positives + excluded.true_positives, false_positives = false_positives + excluded.false_positives,
        expected = expected + excluded.expected;
    INSERT INTO detection_groups
        (tenant_id, source_id, anomaly_label, fingerprint, detection_count, open_count, severity, first_seen, last_seen, newest_detection_id)
    SELECT new.tenant_id, new.source_id, new.anomaly_label, new.fingerprint, 1, new.acknowledged = 0, new.severity,
        new.detected_at, new.detected_at, new.id
    WHERE new.fingerprint IS NOT NULL
    ON CONFLICT (tenant_id, source_id, anomaly_label, fingerprint) DO UPDATE SET
        detection_count = detection_count + 1, open_count = open_count + excluded.open_count,
        severity = CASE WHEN instr('DEBUG INFO WARN ERROR CRITICAL', excluded.severity) > instr('DEBUG INFO WARN ERROR CRITICAL', severity)
            THEN excluded.severity ELSE severity END,
        first_seen = MIN(first_seen, excluded.first_seen), last_seen = MAX(last_seen, excluded.last_seen),
        newest_detection_id = CASE WHEN (excluded.last_seen, excluded.newest_detection_id) > (last_seen, newest_detection_id)
            THEN excluded.newest_detection_id ELSE newest_detection_id END;
END;
