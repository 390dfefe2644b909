-- Detections of one message as a group, acknowledgements that can be undone, verdicts, suppressions.
-- Groups and totals are kept by triggers, in the transaction of whatever changes detections, so that they never drift.

ALTER TABLE detections
    -- NULL until known: rows from before this column, or put in by hand, get theirs from the program in the background.
    ADD COLUMN fingerprint TEXT COLLATE "C",
    ADD COLUMN verdict TEXT CHECK (verdict IN ('true_positive', 'false_positive', 'expected')),
    -- The operation that acknowledged it last.
    ADD COLUMN acknowledgement_id TEXT COLLATE "C",
    -- 1 where a suppression acknowledged it as it came.
    ADD COLUMN suppressed SMALLINT NOT NULL DEFAULT 0;
-- What stands behind the order is compared within the index, so that rows that other conditions leave out are not read.
DROP INDEX detections_newest_first, detections_open, detections_by_label;
CREATE INDEX detections_newest_first ON detections (tenant_id, detected_at DESC, id DESC, anomaly_score);
CREATE INDEX detections_open ON detections (tenant_id, detected_at DESC, id DESC, source_id, anomaly_label, severity)
    WHERE acknowledged = 0;
CREATE INDEX detections_by_group ON detections
    (tenant_id, fingerprint, detected_at DESC, id DESC, source_id, anomaly_label, acknowledged, verdict);
CREATE INDEX detections_by_label ON detections (tenant_id, anomaly_label, detected_at DESC, id DESC, source_id);
CREATE INDEX detections_by_source ON detections (tenant_id, source_id, detected_at DESC, id DESC, anomaly_label, severity);
CREATE INDEX detections_by_severity ON detections (tenant_id, severity, detected_at DESC, id DESC, source_id);
CREATE INDEX detections_by_scorer ON detections (tenant_id, scorer, detected_at DESC, id DESC);
CREATE INDEX detections_by_score ON detections (tenant_id, anomaly_score);
CREATE INDEX detections_by_verdict ON detections (tenant_id, verdict, detected_at DESC, id DESC) WHERE verdict IS NOT NULL;
CREATE INDEX detections_suppressed ON detections (tenant_id, detected_at DESC, id DESC) WHERE suppressed <> 0;
CREATE INDEX detections_without_fingerprint ON detections (id) WHERE fingerprint IS NULL;

-- One operation of a person on any number of detections.
CREATE TABLE acknowledgements (
    id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    acknowledged_at TIMESTAMPTZ NOT NULL,
    acknowledged_by TEXT NOT NULL,
    verdict TEXT,
    notes TEXT NOT NULL,
    -- Detections that it changed when it was made; recurrences within the quiet time are not counted.
    detection_count BIGINT NOT NULL,
    undone_at TIMESTAMPTZ,
    restored_count BIGINT NOT NULL DEFAULT 0,
    left_alone_count BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX acknowledgements_newest_first ON acknowledgements (tenant_id, acknowledged_at DESC, id DESC);

-- What an operation found, to put it back.
CREATE TABLE acknowledged_detections (
    acknowledgement_id TEXT COLLATE "C" NOT NULL,
    detection_id TEXT COLLATE "C" NOT NULL,
    previous_acknowledged SMALLINT NOT NULL DEFAULT 0,
    previous_acknowledged_at TIMESTAMPTZ,
    previous_notes TEXT NOT NULL DEFAULT '',
    previous_verdict TEXT,
    previous_acknowledgement_id TEXT COLLATE "C",
    previous_suppressed SMALLINT NOT NULL DEFAULT 0,
    PRIMARY KEY (acknowledgement_id, detection_id)
);

-- The groups that an operation acknowledged, up to a moment.
CREATE TABLE acknowledged_groups (
    acknowledgement_id TEXT COLLATE "C" NOT NULL,
    tenant_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    anomaly_label TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    acknowledged_at TIMESTAMPTZ NOT NULL,
    acknowledged_until TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (acknowledgement_id, tenant_id, source_id, anomaly_label, fingerprint)
);
CREATE INDEX acknowledged_groups_by_group ON acknowledged_groups
    (tenant_id, fingerprint, source_id, anomaly_label, acknowledged_at DESC, acknowledgement_id DESC);

CREATE TABLE suppressions (
    id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    -- NULL stands for any.
    source_id TEXT COLLATE "C",
    anomaly_label TEXT COLLATE "C",
    expires_at TIMESTAMPTZ NOT NULL,
    reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX suppressions_newest_first ON suppressions (tenant_id, created_at DESC, id DESC);
CREATE INDEX suppressions_by_fingerprint ON suppressions (fingerprint, tenant_id, expires_at);

CREATE TABLE detection_groups (
    tenant_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    anomaly_label TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    detection_count BIGINT NOT NULL,
    open_count BIGINT NOT NULL,
    -- The highest that it ever had.
    severity TEXT NOT NULL,
    -- By detected_at.
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    newest_detection_id TEXT COLLATE "C" NOT NULL,
    -- Of the newest operation that acknowledged the group and was not undone.
    acknowledged_at TIMESTAMPTZ,
    acknowledged_until TIMESTAMPTZ,
    acknowledgement_id TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, source_id, anomaly_label, fingerprint)
) WITH (fillfactor = 70);
CREATE INDEX detection_groups_newest_first ON detection_groups (tenant_id, last_seen DESC, newest_detection_id DESC);
CREATE INDEX detection_groups_open ON detection_groups (tenant_id, last_seen DESC, newest_detection_id DESC) WHERE open_count > 0;
CREATE INDEX detection_groups_by_first_seen ON detection_groups (tenant_id, first_seen, source_id);
CREATE INDEX detection_groups_by_fingerprint ON detection_groups (tenant_id, fingerprint);
CREATE INDEX detection_groups_by_acknowledgement ON detection_groups (acknowledgement_id) WHERE acknowledgement_id IS NOT NULL;

CREATE TABLE detection_totals (
    tenant_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    anomaly_label TEXT COLLATE "C" NOT NULL,
    severity TEXT COLLATE "C" NOT NULL,
    detection_count BIGINT NOT NULL,
    open_count BIGINT NOT NULL,
    suppressed_count BIGINT NOT NULL,
    -- Verdicts of people: those of suppressions are not among them.
    true_positives BIGINT NOT NULL,
    false_positives BIGINT NOT NULL,
    expected BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, source_id, anomaly_label, severity)
) WITH (fillfactor = 70);

INSERT INTO detection_totals
SELECT tenant_id, source_id, anomaly_label, severity, count(*), count(*) FILTER (WHERE acknowledged = 0), 0, 0, 0, 0
FROM detections GROUP BY tenant_id, source_id, anomaly_label, severity;

-- How bad a severity is, as a number that only its order means something of.
CREATE FUNCTION turnstone_severity_rank(severity TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN strpos('DEBUG INFO WARN ERROR CRITICAL', severity);

-- In each function rows are written in order of their keys, totals before groups, so that two scorers cannot lock each other out.
CREATE FUNCTION turnstone_detections_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO detection_totals AS t
    SELECT tenant_id, source_id, anomaly_label, severity, count(*), count(*) FILTER (WHERE acknowledged = 0),
        count(*) FILTER (WHERE suppressed <> 0),
        count(*) FILTER (WHERE verdict = 'true_positive' AND suppressed = 0),
        count(*) FILTER (WHERE verdict = 'false_positive' AND suppressed = 0),
        count(*) FILTER (WHERE verdict = 'expected' AND suppressed = 0)
    FROM added GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, source_id, anomaly_label, severity) DO UPDATE SET
        detection_count = t.detection_count + excluded.detection_count, open_count = t.open_count + excluded.open_count,
        suppressed_count = t.suppressed_count + excluded.suppressed_count,
        true_positives = t.true_positives + excluded.true_positives,
        false_positives = t.false_positives + excluded.false_positives, expected = t.expected + excluded.expected;
    INSERT INTO detection_groups AS g
        (tenant_id, source_id, anomaly_label, fingerprint, detection_count, open_count, severity, first_seen, last_seen, newest_detection_id)
    SELECT tenant_id, source_id, anomaly_label, fingerprint, count(*), count(*) FILTER (WHERE acknowledged = 0),
        (array_agg(severity ORDER BY turnstone_severity_rank(severity) DESC))[1], min(detected_at), max(detected_at),
        (array_agg(id ORDER BY detected_at DESC, id DESC))[1]
    FROM added WHERE fingerprint IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, source_id, anomaly_label, fingerprint) DO UPDATE SET
        detection_count = g.detection_count + excluded.detection_count, open_count = g.open_count + excluded.open_count,
        severity = CASE WHEN turnstone_severity_rank(excluded.severity) > turnstone_severity_rank(g.severity)
            THEN excluded.severity ELSE g.severity END,
        first_seen = LEAST(g.first_seen, excluded.first_seen), last_seen = GREATEST(g.last_seen, excluded.last_seen),
        newest_detection_id = CASE WHEN (excluded.last_seen, excluded.newest_detection_id) > (g.last_seen, g.newest_detection_id)
            THEN excluded.newest_detection_id ELSE g.newest_detection_id END;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_added AFTER INSERT ON detections REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_detections_added();

CREATE FUNCTION turnstone_detections_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    -- Whether any went to another group, time or severity, or got its fingerprint. Not a join: its plan is kept from the first update of
    -- a connection, and one made for a single row is quadratic for thousands.
    moved BOOLEAN := EXISTS (
        SELECT sequence, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at FROM removed
        EXCEPT
        SELECT sequence, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at FROM added);
BEGIN
    -- The differences alone; a total or a group is there already unless detections move to it.
    INSERT INTO detection_totals AS t
    SELECT tenant_id, source_id, anomaly_label, severity, sum(n), sum(open), sum(quiet), sum(true_positive), sum(false_positive), sum(expected)
    FROM (
        SELECT tenant_id, source_id, anomaly_label, severity, n,
            n * (acknowledged = 0)::int AS open, n * (suppressed <> 0)::int AS quiet,
            n * (suppressed = 0 AND verdict IS NOT DISTINCT FROM 'true_positive')::int AS true_positive,
            n * (suppressed = 0 AND verdict IS NOT DISTINCT FROM 'false_positive')::int AS false_positive,
            n * (suppressed = 0 AND verdict IS NOT DISTINCT FROM 'expected')::int AS expected
        FROM (
            SELECT 1 AS n, tenant_id, source_id, anomaly_label, severity, acknowledged, suppressed, verdict FROM added
            UNION ALL
            SELECT -1, tenant_id, source_id, anomaly_label, severity, acknowledged, suppressed, verdict FROM removed) AS both_states
        ) AS differences
    GROUP BY 1, 2, 3, 4
    HAVING (sum(n), sum(open), sum(quiet), sum(true_positive), sum(false_positive), sum(expected)) <> (0, 0, 0, 0, 0, 0)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, source_id, anomaly_label, severity) DO UPDATE SET
        detection_count = t.detection_count + excluded.detection_count, open_count = t.open_count + excluded.open_count,
        suppressed_count = t.suppressed_count + excluded.suppressed_count,
        true_positives = t.true_positives + excluded.true_positives,
        false_positives = t.false_positives + excluded.false_positives, expected = t.expected + excluded.expected;
    IF NOT moved THEN
        -- What is acknowledged or opened, the usual case: only the numbers of open ones change, and each group is there.
        INSERT INTO detection_groups AS g
            (tenant_id, source_id, anomaly_label, fingerprint, detection_count, open_count, severity, first_seen, last_seen, newest_detection_id)
        SELECT tenant_id, source_id, anomaly_label, fingerprint, 0, sum(n), min(severity), min(detected_at), max(detected_at), min(id)
        FROM (
            SELECT 1 AS n, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at FROM added WHERE acknowledged = 0
            UNION ALL
            SELECT -1, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at FROM removed WHERE acknowledged = 0
            ) AS differences
        WHERE fingerprint IS NOT NULL GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 ORDER BY 1, 2, 3, 4
        ON CONFLICT (tenant_id, source_id, anomaly_label, fingerprint) DO UPDATE SET open_count = g.open_count + excluded.open_count;
        RETURN NULL;
    END IF;
    INSERT INTO detection_groups AS g
        (tenant_id, source_id, anomaly_label, fingerprint, detection_count, open_count, severity, first_seen, last_seen, newest_detection_id)
    SELECT tenant_id, source_id, anomaly_label, fingerprint, sum(n), COALESCE(sum(n) FILTER (WHERE acknowledged = 0), 0),
        (array_agg(severity ORDER BY turnstone_severity_rank(severity) DESC))[1], min(detected_at), max(detected_at),
        (array_agg(id ORDER BY detected_at DESC, id DESC))[1]
    FROM (
        SELECT 1 AS n, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at, acknowledged FROM added
        UNION ALL
        SELECT -1, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at, acknowledged FROM removed) AS differences
    WHERE fingerprint IS NOT NULL GROUP BY 1, 2, 3, 4
    HAVING sum(n) <> 0 OR COALESCE(sum(n) FILTER (WHERE acknowledged = 0), 0) <> 0 ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, source_id, anomaly_label, fingerprint) DO UPDATE SET
        detection_count = g.detection_count + excluded.detection_count, open_count = g.open_count + excluded.open_count,
        severity = CASE WHEN turnstone_severity_rank(excluded.severity) > turnstone_severity_rank(g.severity)
            THEN excluded.severity ELSE g.severity END,
        first_seen = LEAST(g.first_seen, excluded.first_seen), last_seen = GREATEST(g.last_seen, excluded.last_seen),
        newest_detection_id = CASE WHEN (excluded.last_seen, excluded.newest_detection_id) > (g.last_seen, g.newest_detection_id)
            THEN excluded.newest_detection_id ELSE g.newest_detection_id END;
    -- First and last times where more than fingerprints came: no program does this, only people at a shell move detections.
    IF EXISTS (
        SELECT sequence, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at FROM removed
        WHERE fingerprint IS NOT NULL
        EXCEPT
        SELECT sequence, id, tenant_id, source_id, anomaly_label, fingerprint, severity, detected_at FROM added)
    THEN
        UPDATE detection_groups g SET first_seen = facts.first_seen, last_seen = facts.last_seen,
            newest_detection_id = facts.newest_detection_id
        FROM (
            SELECT d.tenant_id, d.source_id, d.anomaly_label, d.fingerprint,
                min(d.detected_at) AS first_seen, max(d.detected_at) AS last_seen,
                (array_agg(d.id ORDER BY d.detected_at DESC, d.id DESC))[1] AS newest_detection_id
            FROM (
                SELECT tenant_id, source_id, anomaly_label, fingerprint FROM removed
                UNION SELECT tenant_id, source_id, anomaly_label, fingerprint FROM added) AS touched
                JOIN detections d USING (tenant_id, source_id, anomaly_label, fingerprint)
            GROUP BY 1, 2, 3, 4) AS facts
        WHERE (g.tenant_id, g.source_id, g.anomaly_label, g.fingerprint)
            = (facts.tenant_id, facts.source_id, facts.anomaly_label, facts.fingerprint);
        DELETE FROM detection_groups g USING removed r
        WHERE g.detection_count <= 0 AND (g.tenant_id, g.source_id, g.anomaly_label, g.fingerprint)
            = (r.tenant_id, r.source_id, r.anomaly_label, r.fingerprint);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_changed AFTER UPDATE ON detections REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_detections_changed();

CREATE FUNCTION turnstone_detections_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE detection_totals t SET detection_count = t.detection_count - gone.detection_count,
        open_count = t.open_count - gone.open_count, suppressed_count = t.suppressed_count - gone.suppressed_count,
        true_positives = t.true_positives - gone.true_positives, false_positives = t.false_positives - gone.false_positives,
        expected = t.expected - gone.expected
    FROM (
        SELECT tenant_id, source_id, anomaly_label, severity, count(*) AS detection_count,
            count(*) FILTER (WHERE acknowledged = 0) AS open_count, count(*) FILTER (WHERE suppressed <> 0) AS suppressed_count,
            count(*) FILTER (WHERE verdict = 'true_positive' AND suppressed = 0) AS true_positives,
            count(*) FILTER (WHERE verdict = 'false_positive' AND suppressed = 0) AS false_positives,
            count(*) FILTER (WHERE verdict = 'expected' AND suppressed = 0) AS expected
        FROM removed GROUP BY 1, 2, 3, 4) AS gone
    WHERE (t.tenant_id, t.source_id, t.anomaly_label, t.severity) = (gone.tenant_id, gone.source_id, gone.anomaly_label, gone.severity);
    DELETE FROM detection_groups g USING removed r
    WHERE (g.tenant_id, g.source_id, g.anomaly_label, g.fingerprint) = (r.tenant_id, r.source_id, r.anomaly_label, r.fingerprint)
        AND NOT EXISTS (
            SELECT FROM detections d WHERE (d.tenant_id, d.source_id, d.anomaly_label, d.fingerprint)
                = (g.tenant_id, g.source_id, g.anomaly_label, g.fingerprint));
    UPDATE detection_groups g SET detection_count = facts.detection_count, open_count = facts.open_count,
        first_seen = facts.first_seen, last_seen = facts.last_seen, newest_detection_id = facts.newest_detection_id
    FROM (
        SELECT d.tenant_id, d.source_id, d.anomaly_label, d.fingerprint, count(*) AS detection_count,
            count(*) FILTER (WHERE d.acknowledged = 0) AS open_count,
            min(d.detected_at) AS first_seen, max(d.detected_at) AS last_seen,
            (array_agg(d.id ORDER BY d.detected_at DESC, d.id DESC))[1] AS newest_detection_id
        FROM (SELECT DISTINCT tenant_id, source_id, anomaly_label, fingerprint FROM removed) AS touched
            JOIN detections d USING (tenant_id, source_id, anomaly_label, fingerprint)
        GROUP BY 1, 2, 3, 4) AS facts
    WHERE (g.tenant_id, g.source_id, g.anomaly_label, g.fingerprint)
        = (facts.tenant_id, facts.source_id, facts.anomaly_label, facts.fingerprint);
    RETURN NULL;
END $$;
CREATE TRIGGER detections_deleted AFTER DELETE ON detections REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_detections_deleted();
