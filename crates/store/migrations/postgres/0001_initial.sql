-- Turnstone's first schema for Postgres. Table and column names are the same on every backend.
-- Identifiers sort as bytes (COLLATE "C"), as they do in the programs. Nothing here needs an extension.

-- No index may name a score column: only then does writing a score leave every index alone (a heap-only update), which is three
-- to five times as fast. A batch scores all rows of a page at once, so half of each page is kept free for their new versions: with
-- less, the table ends up no smaller and scores are written at a fifth of the speed. What waits for a scorer is known
-- from score_batches. The partial index on quarantine_reason is harmless: an ordinary score does not change that column.
CREATE TABLE log_entries (
    id TEXT COLLATE "C" PRIMARY KEY CHECK (id <> ''),
    tenant_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    source_id TEXT COLLATE "C" NOT NULL,
    -- Rows added by hand belong to no glean cycle; the sweeper makes batches of them under this name.
    cycle_id TEXT COLLATE "C" NOT NULL DEFAULT 'manual',
    text TEXT NOT NULL,
    timestamp_iso TIMESTAMPTZ NOT NULL DEFAULT now(),
    timestamp_basis TEXT NOT NULL DEFAULT 'ingest',
    severity TEXT,
    ingest_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    anomaly_score DOUBLE PRECISION,
    anomaly_label TEXT,
    -- Set when scored and when quarantined; NULL means that the entry waits for a scorer.
    anomaly_scored_at TIMESTAMPTZ,
    quarantine_reason TEXT
) WITH (fillfactor = 50);
CREATE INDEX log_entries_by_source_and_time ON log_entries (tenant_id, source_id, timestamp_iso, id);
CREATE INDEX log_entries_quarantined ON log_entries (tenant_id) WHERE quarantine_reason IS NOT NULL;
-- Counts what no glean cycle counts.
CREATE INDEX log_entries_manual ON log_entries (tenant_id) WHERE cycle_id = 'manual';

-- Full-text index, filled after the commit: a GIN index in the same transaction costs more than everything else together.
-- Holds tokens cut by the program, and the entry's tenant as '@tenant' and source as '#source', which no token can equal.
CREATE TABLE entry_text_index (
    entry_id TEXT COLLATE "C" PRIMARY KEY,
    tokens TSVECTOR NOT NULL
);
CREATE INDEX entry_text_index_tokens ON entry_text_index USING gin (tokens);

-- Entries added or changed by hand, which are to be indexed (again). Those of glean cycles wait with their cycle.
CREATE TABLE entry_text_pending (
    entry_id TEXT COLLATE "C" PRIMARY KEY
);

CREATE TABLE detections (
    -- Order in which rows were made, for watchers; never used twice.
    sequence BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    entry_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    scorer TEXT COLLATE "C" NOT NULL,
    anomaly_label TEXT COLLATE "C" NOT NULL,
    anomaly_score DOUBLE PRECISION NOT NULL,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    timestamp_iso TIMESTAMPTZ,
    detected_at TIMESTAMPTZ NOT NULL,
    acknowledged SMALLINT NOT NULL DEFAULT 0,
    acknowledged_at TIMESTAMPTZ,
    notes TEXT NOT NULL DEFAULT '',
    UNIQUE (entry_id, scorer)
);
CREATE INDEX detections_newest_first ON detections (tenant_id, detected_at DESC, id DESC);
CREATE INDEX detections_open ON detections (tenant_id, detected_at DESC, id DESC) WHERE acknowledged = 0;
-- Lists one label, and counts the detections by label without touching their rows.
CREATE INDEX detections_by_label ON detections (tenant_id, anomaly_label, detected_at DESC, id DESC) INCLUDE (severity, acknowledged);

CREATE TABLE glean_cycles (
    id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    closed_at TIMESTAMPTZ NOT NULL,
    entry_count BIGINT NOT NULL,
    first_entry_id TEXT COLLATE "C",
    last_entry_id TEXT COLLATE "C",
    -- JSON array of [source_id, entries], by name of source.
    source_counts TEXT NOT NULL DEFAULT '[]',
    trace_parent TEXT,
    -- When all of its texts were in the full-text index.
    text_indexed_at TIMESTAMPTZ,
    -- Entries up to this id are in the full-text index already: a large cycle is indexed in pieces.
    text_indexed_until TEXT COLLATE "C"
);
-- Counts the entries of a tenant, which are too many to count themselves.
CREATE INDEX glean_cycles_entries ON glean_cycles (tenant_id) INCLUDE (entry_count);
CREATE INDEX glean_cycles_text_pending ON glean_cycles (closed_at, id) WHERE text_indexed_at IS NULL;

CREATE TABLE score_batches (
    id TEXT COLLATE "C" PRIMARY KEY,
    tenant_id TEXT COLLATE "C" NOT NULL,
    cycle_id TEXT COLLATE "C" NOT NULL,
    first_entry_id TEXT COLLATE "C" NOT NULL,
    last_entry_id TEXT COLLATE "C" NOT NULL,
    entry_count BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_sent_at TIMESTAMPTZ,
    -- Events made for it so far; the n-th has the message id '<id>.<n>'.
    sent_count BIGINT NOT NULL DEFAULT 1,
    done_at TIMESTAMPTZ,
    scorer TEXT,
    dead_at TIMESTAMPTZ,
    dead_reason TEXT
);
CREATE INDEX score_batches_not_done ON score_batches (tenant_id, cycle_id, first_entry_id) WHERE done_at IS NULL;
CREATE INDEX score_batches_open ON score_batches (created_at) WHERE done_at IS NULL AND dead_at IS NULL;

CREATE TABLE outbox (
    message_id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('cycle', 'batch')),
    tenant_id TEXT COLLATE "C" NOT NULL,
    cycle_id TEXT COLLATE "C" NOT NULL,
    batch_id TEXT COLLATE "C",
    trace_parent TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    published_at TIMESTAMPTZ
);
CREATE INDEX outbox_waiting ON outbox (created_at, message_id) WHERE published_at IS NULL;
CREATE INDEX outbox_waiting_batches ON outbox (batch_id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE source_checkpoints (
    tenant_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    checkpoint_key TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (tenant_id, source_id, checkpoint_key)
);

CREATE TABLE sources (
    tenant_id TEXT COLLATE "C" NOT NULL,
    source_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    entries BIGINT NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0,
    undated_entries BIGINT NOT NULL DEFAULT 0,
    repaired_lines BIGINT NOT NULL DEFAULT 0,
    truncated_lines BIGINT NOT NULL DEFAULT 0,
    last_entry_at TIMESTAMPTZ,
    last_gleaned_at TIMESTAMPTZ,
    fault TEXT,
    PRIMARY KEY (tenant_id, source_id)
) WITH (fillfactor = 70);

-- What people do by hand reaches the full-text index too. Entries of glean cycles only pass the condition of the first trigger.
CREATE FUNCTION turnstone_text_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM entry_text_index WHERE entry_id = new.id;
    INSERT INTO entry_text_pending (entry_id) VALUES (new.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER log_entries_added_by_hand AFTER INSERT ON log_entries FOR EACH ROW
    WHEN (new.cycle_id = 'manual') EXECUTE FUNCTION turnstone_text_changed();
CREATE TRIGGER log_entries_text_changed AFTER UPDATE OF text ON log_entries FOR EACH ROW
    WHEN (old.text IS DISTINCT FROM new.text) EXECUTE FUNCTION turnstone_text_changed();

CREATE FUNCTION turnstone_entries_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM entry_text_index USING gone WHERE entry_id = gone.id;
    DELETE FROM entry_text_pending USING gone WHERE entry_id = gone.id;
    RETURN NULL;
END $$;
CREATE TRIGGER log_entries_deleted AFTER DELETE ON log_entries REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_entries_deleted();
