-- Explanations that were generated.

CREATE TABLE explanations (
    tenant_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    prompt_version INTEGER NOT NULL,
    context_hash TEXT COLLATE "C" NOT NULL,
    -- JSON.
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (entry_id, model, prompt_version, context_hash)
);

CREATE FUNCTION turnstone_explanations_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM explanations USING gone WHERE entry_id = gone.id;
    RETURN NULL;
END $$;
CREATE TRIGGER log_entries_explanations_deleted AFTER DELETE ON log_entries REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_explanations_deleted();
