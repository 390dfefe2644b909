-- Turnstone's first schema for SQLite. Table and column names are the same on every backend.
-- Instants are ISO 8601 in UTC with six fraction digits and Z, so that they sort as text.

CREATE TABLE log_entries (
    -- Stable number of the row: what the full-text index refers to.
    entry_row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id <> ''),
    tenant_id TEXT NOT NULL DEFAULT '',
    source_id TEXT NOT NULL,
    -- Rows added by hand belong to no glean cycle; the sweeper makes batches of them under this name.
    cycle_id TEXT NOT NULL DEFAULT 'manual',
    text TEXT NOT NULL,
    timestamp_iso TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
        CONSTRAINT timestamp_iso_is_utc_with_six_fraction_digits
        CHECK (timestamp_iso GLOB '????-??-??T??:??:??.??????Z'),
    timestamp_basis TEXT NOT NULL DEFAULT 'ingest',
    severity TEXT,
    ingest_time TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    anomaly_score REAL,
    anomaly_label TEXT,
    -- Set when scored and when quarantined; NULL means that the entry waits for a scorer.
    anomaly_scored_at TEXT,
    quarantine_reason TEXT,
    -- 0 until the text is in log_entries_text: only rows added or changed by hand, the rest is indexed as it is stored.
    text_indexed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX log_entries_by_source_and_time ON log_entries (tenant_id, source_id, timestamp_iso, id);
CREATE INDEX log_entries_by_time ON log_entries (tenant_id, timestamp_iso, id);
CREATE INDEX log_entries_unscored ON log_entries (tenant_id, cycle_id, id, ingest_time) WHERE anomaly_scored_at IS NULL;
CREATE INDEX log_entries_quarantined ON log_entries (tenant_id) WHERE quarantine_reason IS NOT NULL;
CREATE INDEX log_entries_text_pending ON log_entries (tenant_id, timestamp_iso, id) WHERE text_indexed = 0;

-- Holds tokens made by the program and joined by spaces. The ascii tokenizer counts every byte over 127 as part of a token,
-- so it splits at the spaces and nowhere else.
CREATE VIRTUAL TABLE log_entries_text USING fts5 (
    tokens, content = '', contentless_delete = 1, tokenize = 'ascii'
);
CREATE TRIGGER log_entries_text_after_delete AFTER DELETE ON log_entries BEGIN
    DELETE FROM log_entries_text WHERE rowid = old.entry_row;
END;
CREATE TRIGGER log_entries_text_after_update AFTER UPDATE OF text ON log_entries BEGIN
    DELETE FROM log_entries_text WHERE rowid = old.entry_row;
    UPDATE log_entries SET text_indexed = 0 WHERE entry_row = new.entry_row;
END;

CREATE TABLE detections (
    -- Order of commits, for watchers; never used twice.
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL DEFAULT '',
    entry_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    scorer TEXT NOT NULL,
    anomaly_label TEXT NOT NULL,
    anomaly_score REAL NOT NULL,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    timestamp_iso TEXT,
    detected_at TEXT NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    acknowledged_at TEXT,
    notes TEXT NOT NULL DEFAULT '',
    UNIQUE (entry_id, scorer)
);
CREATE INDEX detections_newest_first ON detections (tenant_id, detected_at DESC, id DESC);
CREATE INDEX detections_open ON detections (tenant_id, detected_at DESC, id DESC) WHERE acknowledged = 0;

CREATE TABLE glean_cycles (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    started_at TEXT NOT NULL,
    closed_at TEXT NOT NULL,
    entry_count INTEGER NOT NULL,
    first_entry_id TEXT,
    last_entry_id TEXT,
    -- JSON array of [source_id, entries], by name of source.
    source_counts TEXT NOT NULL DEFAULT '[]',
    trace_parent TEXT,
    -- When its texts were put into the full-text index; equals closed_at where that happens in the same transaction.
    text_indexed_at TEXT
) WITHOUT ROWID;

CREATE TABLE score_batches (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    cycle_id TEXT NOT NULL,
    first_entry_id TEXT NOT NULL,
    last_entry_id TEXT NOT NULL,
    entry_count INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    last_sent_at TEXT,
    -- Events made for it so far; the n-th has the message id '<id>.<n>'.
    sent_count INTEGER NOT NULL DEFAULT 1,
    done_at TEXT,
    scorer TEXT,
    dead_at TEXT,
    dead_reason TEXT
) WITHOUT ROWID;
CREATE INDEX score_batches_not_done ON score_batches (tenant_id, cycle_id, first_entry_id) WHERE done_at IS NULL;
CREATE INDEX score_batches_open ON score_batches (created_at) WHERE done_at IS NULL AND dead_at IS NULL;

CREATE TABLE outbox (
    message_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('cycle', 'batch')),
    tenant_id TEXT NOT NULL,
    cycle_id TEXT NOT NULL,
    batch_id TEXT,
    trace_parent TEXT,
    created_at TEXT NOT NULL,
    published_at TEXT
) WITHOUT ROWID;
CREATE INDEX outbox_waiting ON outbox (created_at, message_id) WHERE published_at IS NULL;
CREATE INDEX outbox_waiting_batches ON outbox (batch_id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE source_checkpoints (
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    checkpoint_key TEXT NOT NULL,
    state TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, source_id, checkpoint_key)
) WITHOUT ROWID;

CREATE TABLE sources (
    tenant_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    entries INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    undated_entries INTEGER NOT NULL DEFAULT 0,
    repaired_lines INTEGER NOT NULL DEFAULT 0,
    truncated_lines INTEGER NOT NULL DEFAULT 0,
    last_entry_at TEXT,
    last_gleaned_at TEXT,
    fault TEXT,
    PRIMARY KEY (tenant_id, source_id)
) WITHOUT ROWID;
