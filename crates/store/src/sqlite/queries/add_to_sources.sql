-- ?1 tenant, ?2 JSON array of deltas, ?3 instant of the cycle.
-- A source that brought nothing keeps the time of its last entry and of its last glean; a fault is replaced or cleared.
INSERT INTO sources (
    tenant_id, source_id, kind, entries, bytes, undated_entries, repaired_lines, truncated_lines, last_entry_at, last_gleaned_at, fault
)
SELECT
    ?1, value ->> 'source_id', value ->> 'kind', value ->> 'entries', value ->> 'bytes', value ->> 'undated_entries',
    value ->> 'repaired_lines', value ->> 'truncated_lines', value ->> 'last_entry_at',
    CASE WHEN value ->> 'entries' > 0 THEN ?3 END, value ->> 'fault'
FROM json_each(?2)
WHERE true
ON CONFLICT (tenant_id, source_id) DO UPDATE SET
    kind = excluded.kind,
    entries = entries + excluded.entries,
    bytes = bytes + excluded.bytes,
    undated_entries = undated_entries + excluded.undated_entries,
    repaired_lines = repaired_lines + excluded.repaired_lines,
    truncated_lines = truncated_lines + excluded.truncated_lines,
    last_entry_at = MAX(COALESCE(last_entry_at, ''), COALESCE(excluded.last_entry_at, last_entry_at)),
    last_gleaned_at = COALESCE(excluded.last_gleaned_at, last_gleaned_at),
    fault = excluded.fault;
