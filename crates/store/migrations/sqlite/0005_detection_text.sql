-- A full-text index of detections alone: of a word that stands in many lines and in few detections, or the other way round, the index
-- of all lines knows only half.

-- 0 until the text is in detections_text: what the programs write is indexed in the same transaction, the rest in the background.
ALTER TABLE detections ADD COLUMN text_indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX detections_text_pending ON detections (sequence) WHERE text_indexed = 0;

-- By the detection's sequence; tokens as in log_entries_text.
CREATE VIRTUAL TABLE detections_text USING fts5 (
    tokens, content = '', contentless_delete = 1, tokenize = 'ascii'
);
CREATE TRIGGER detections_text_after_delete AFTER DELETE ON detections BEGIN
    DELETE FROM detections_text WHERE rowid = old.sequence;
END;
CREATE TRIGGER detections_text_after_update AFTER UPDATE OF text, sequence ON detections BEGIN
    DELETE FROM detections_text WHERE rowid = old.sequence;
    UPDATE detections SET text_indexed = 0 WHERE sequence = new.sequence;
END;
