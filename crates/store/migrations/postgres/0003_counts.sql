-- Counts by time, source and severity or label, kept in the transactions that add what is counted: statistics then cost the same
-- however much is stored. They are counts of what came in, by when it came in (ingest_time, detected_at): what is deleted later stays
-- counted, and lines put in by hand are not.

CREATE TABLE entry_counts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    -- 60: minutes, pruned after some days. 3600: hours. 0: ever, from 1970 on.
    bucket_seconds INTEGER NOT NULL,
    bucket_start TIMESTAMPTZ NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    -- '' where the lines state none.
    severity TEXT COLLATE "C" NOT NULL,
    entry_count BIGINT NOT NULL,
    -- Those without a time of their own.
    undated_count BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, bucket_seconds, bucket_start, source_id, severity)
) WITH (fillfactor = 70);
CREATE INDEX entry_counts_minutes ON entry_counts (bucket_start) WHERE bucket_seconds = 60;

CREATE TABLE detection_counts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    bucket_seconds INTEGER NOT NULL,
    bucket_start TIMESTAMPTZ NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    anomaly_label TEXT COLLATE "C" NOT NULL,
    severity TEXT COLLATE "C" NOT NULL,
    detection_count BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, bucket_seconds, bucket_start, source_id, anomaly_label, severity)
) WITH (fillfactor = 70);
CREATE INDEX detection_counts_minutes ON detection_counts (bucket_start) WHERE bucket_seconds = 60;

-- What is there already is counted here and not in the background: one pass over each table, and no moment with half of the counts.
WITH minutes AS MATERIALIZED (
    SELECT tenant_id, date_bin('60 s', ingest_time, 'epoch') AS minute, source_id, COALESCE(severity, '') AS severity,
        count(*) AS entries, count(*) FILTER (WHERE timestamp_basis <> 'parsed') AS undated
    FROM log_entries WHERE cycle_id <> 'manual' GROUP BY 1, 2, 3, 4)
INSERT INTO entry_counts
SELECT tenant_id, seconds, CASE WHEN seconds = 0 THEN 'epoch' ELSE date_bin(make_interval(secs => seconds), minute, 'epoch') END,
    source_id, severity, sum(entries), sum(undated)
FROM minutes CROSS JOIN (VALUES (0), (60), (3600)) AS buckets (seconds)
WHERE seconds <> 60 OR minute > now() - interval '7 days' GROUP BY 1, 2, 3, 4, 5;

WITH minutes AS MATERIALIZED (
    SELECT tenant_id, date_bin('60 s', detected_at, 'epoch') AS minute, source_id, anomaly_label, severity, count(*) AS detections
    FROM detections GROUP BY 1, 2, 3, 4, 5)
INSERT INTO detection_counts
SELECT tenant_id, seconds, date_bin(make_interval(secs => seconds), minute, 'epoch'), source_id, anomaly_label, severity,
    sum(detections)
FROM minutes CROSS JOIN (VALUES (60), (3600)) AS buckets (seconds)
WHERE seconds <> 60 OR minute > now() - interval '7 days' GROUP BY 1, 2, 3, 4, 5, 6;

-- Comes after detections_added, whose name is before its own: every transaction locks totals, groups and counts in this order.
CREATE FUNCTION turnstone_detections_counted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO detection_counts AS c
    SELECT tenant_id, seconds, date_bin(make_interval(secs => seconds), detected_at, 'epoch'), source_id, anomaly_label, severity, count(*)
    FROM added CROSS JOIN (VALUES (60), (3600)) AS buckets (seconds)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (tenant_id, bucket_seconds, bucket_start, source_id, anomaly_label, severity)
        DO UPDATE SET detection_count = c.detection_count + excluded.detection_count;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_counted AFTER INSERT ON detections REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_detections_counted();
