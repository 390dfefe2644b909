-- ?1 batch, ?2 instant, ?3 scorer.
-- Only when none of its entries waits: what was answered in part is swept and sent again.
UPDATE score_batches SET done_at = ?2, scorer = ?3, dead_at = NULL, dead_reason = NULL
WHERE id = ?1 AND done_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM log_entries AS e
      WHERE e.tenant_id = score_batches.tenant_id AND e.cycle_id = score_batches.cycle_id
        AND e.id BETWEEN score_batches.first_entry_id AND score_batches.last_entry_id
        AND e.anomaly_scored_at IS NULL
  );
