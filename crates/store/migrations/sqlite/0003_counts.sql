-- Counts by time, source and severity or label, kept in the transactions that add what is counted: statistics then cost the same
-- however much is stored. They are counts of what came in, by when it came in (ingest_time, detected_at): what is deleted later stays
-- counted, and lines put in by hand are not.

CREATE TABLE entry_counts (
    tenant_id TEXT NOT NULL,
    -- 60: minutes, pruned after some days. 3600: hours. 0: ever, from 1970 on.
    bucket_seconds INTEGER NOT NULL,
    bucket_start TEXT NOT NULL,
    source_id TEXT NOT NULL,
    -- '' where the lines state none.
    severity TEXT NOT NULL,
    entry_count INTEGER NOT NULL,
    -- Those without a time of their own.
    undated_count INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, bucket_seconds, bucket_start, source_id, severity)
) WITHOUT ROWID;
CREATE INDEX entry_counts_minutes ON entry_counts (bucket_start) WHERE bucket_seconds = 60;

CREATE TABLE detection_counts (
    tenant_id TEXT NOT NULL,
    bucket_seconds INTEGER NOT NULL,
    bucket_start TEXT NOT NULL,
    source_id TEXT NOT NULL,
    anomaly_label TEXT NOT NULL,
    severity TEXT NOT NULL,
    detection_count INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, bucket_seconds, bucket_start, source_id, anomaly_label, severity)
) WITHOUT ROWID;
CREATE INDEX detection_counts_minutes ON detection_counts (bucket_start) WHERE bucket_seconds = 60;
-- Counts what no glean cycle counts.
CREATE INDEX log_entries_manual ON log_entries (tenant_id) WHERE cycle_id = 'manual';

-- What is there already is counted here and not in the background: one pass over each table, and no moment with half of the counts.
WITH minutes AS MATERIALIZED (
    SELECT tenant_id, substr(ingest_time, 1, 16) AS minute, source_id, COALESCE(severity, '') AS severity,
        COUNT(*) AS entries, SUM(timestamp_basis <> 'parsed') AS undated
    FROM log_entries WHERE cycle_id <> 'manual' GROUP BY 1, 2, 3, 4)
INSERT INTO entry_counts
SELECT tenant_id, seconds,
    CASE seconds WHEN 0 THEN '1970-01-01T00:00:00.000000Z' WHEN 60 THEN minute || ':00.000000Z'
        ELSE substr(minute, 1, 13) || ':00:00.000000Z' END,
    source_id, severity, SUM(entries), SUM(undated)
FROM minutes CROSS JOIN (SELECT 0 AS seconds UNION ALL SELECT 60 UNION ALL SELECT 3600)
WHERE seconds <> 60 OR minute > strftime('%Y-%m-%dT%H:%M', 'now', '-7 days') GROUP BY 1, 2, 3, 4, 5;

WITH minutes AS MATERIALIZED (
    SELECT tenant_id, substr(detected_at, 1, 16) AS minute, source_id, anomaly_label, severity, COUNT(*) AS detections
    FROM detections GROUP BY 1, 2, 3, 4, 5)
INSERT INTO detection_counts
SELECT tenant_id, seconds, CASE seconds WHEN 60 THEN minute || ':00.000000Z' ELSE substr(minute, 1, 13) || ':00:00.000000Z' END,
    source_id, anomaly_label, severity, SUM(detections)
FROM minutes CROSS JOIN (SELECT 60 AS seconds UNION ALL SELECT 3600)
WHERE seconds <> 60 OR minute > strftime('%Y-%m-%dT%H:%M', 'now', '-7 days') GROUP BY 1, 2, 3, 4, 5, 6;

CREATE TRIGGER detections_counted AFTER INSERT ON detections BEGIN
    INSERT INTO detection_counts
    SELECT new.tenant_id, seconds, CASE seconds WHEN 60 THEN substr(new.detected_at, 1, 16) || ':00.000000Z'
        ELSE substr(new.detected_at, 1, 13) || ':00:00.000000Z' END, new.source_id, new.anomaly_label, new.severity, 1
    FROM (SELECT 60 AS seconds UNION ALL SELECT 3600) WHERE true
    ON CONFLICT (tenant_id, bucket_seconds, bucket_start, source_id, anomaly_label, severity)
        DO UPDATE SET detection_count = detection_count + 1;
END;
