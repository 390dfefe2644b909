-- Explanations that were generated.

CREATE TABLE explanations (
    tenant_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_version INTEGER NOT NULL,
    context_hash TEXT NOT NULL,
    -- JSON.
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (entry_id, model, prompt_version, context_hash)
) WITHOUT ROWID;

CREATE TRIGGER log_entries_explanations_deleted AFTER DELETE ON log_entries BEGIN
    DELETE FROM explanations WHERE entry_id = old.id;
END;
