-- ?1 limit. A row is a batch (columns 4 to 9) or a cycle (columns 10 to 15).
SELECT
    o.message_id, o.trace_parent, o.kind = 'batch',
    b.id, b.tenant_id, b.cycle_id, b.first_entry_id, b.last_entry_id, b.entry_count,
    c.id, c.tenant_id, c.started_at, c.closed_at, c.entry_count, c.source_counts
FROM outbox AS o
LEFT JOIN score_batches AS b ON o.kind = 'batch' AND b.id = o.batch_id
LEFT JOIN glean_cycles AS c ON o.kind = 'cycle' AND c.id = o.cycle_id
WHERE o.published_at IS NULL
ORDER BY o.created_at, o.message_id
LIMIT ?1;
