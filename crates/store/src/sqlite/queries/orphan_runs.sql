-- ?1 entries that a batch may hold, ?2 limit of batches.
-- Unscored entries that no batch covers, open or dead, in runs. A batch covers every unscored entry between its first and its
-- last, so a run must not reach over an entry that another batch covers: the difference of the two numberings changes there.
WITH waiting AS (
    SELECT
        e.tenant_id, e.cycle_id, e.id,
        EXISTS (
            SELECT 1 FROM score_batches AS b
            WHERE b.done_at IS NULL AND b.tenant_id = e.tenant_id AND b.cycle_id = e.cycle_id
              AND b.first_entry_id <= e.id AND b.last_entry_id >= e.id
        ) AS covered
    FROM log_entries AS e
    WHERE e.anomaly_scored_at IS NULL
),
numbered AS (
    SELECT
        tenant_id, cycle_id, id, covered,
        ROW_NUMBER() OVER (PARTITION BY tenant_id, cycle_id ORDER BY id) AS place,
        ROW_NUMBER() OVER (PARTITION BY tenant_id, cycle_id, covered ORDER BY id) AS place_among_equals
    FROM waiting
),
runs AS (
    SELECT
        tenant_id, cycle_id, id, place - place_among_equals AS run,
        ROW_NUMBER() OVER (PARTITION BY tenant_id, cycle_id, place - place_among_equals ORDER BY id) - 1 AS place_in_run
    FROM numbered
    WHERE NOT covered
)
SELECT tenant_id, cycle_id, MIN(id), MAX(id), COUNT(*)
FROM runs
GROUP BY tenant_id, cycle_id, run, place_in_run / ?1
ORDER BY tenant_id, cycle_id, MIN(id)
LIMIT ?2;
