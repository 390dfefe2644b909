-- ?1 deadline, ?2 instant of the sweep, ?3 limit.
-- A batch whose event still waits in the outbox is left alone: nobody has had a chance to see it.
INSERT INTO outbox (message_id, kind, tenant_id, cycle_id, batch_id, trace_parent, created_at)
SELECT b.id || '.' || (b.sent_count + 1), 'batch', b.tenant_id, b.cycle_id, b.id, c.trace_parent, ?2
FROM score_batches AS b
LEFT JOIN glean_cycles AS c ON c.id = b.cycle_id
WHERE b.done_at IS NULL AND b.dead_at IS NULL
  AND COALESCE(b.last_sent_at, b.created_at) < ?1
  AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.batch_id = b.id AND o.published_at IS NULL)
ORDER BY b.created_at
LIMIT ?3;
