-- A full-text index of detections alone: of a word that stands in many lines and in few detections, or the other way round, the index
-- of all lines knows only half, and the planner has statistics only of the whole.

-- 0 until the text is in detection_text_index: what scorers write is indexed in the same transaction, the rest in the background.
ALTER TABLE detections ADD COLUMN text_indexed SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX detections_text_pending ON detections (id) WHERE text_indexed = 0;

-- A table of its own, so that acknowledging leaves it alone. A list goes through what waits to be merged into the index: not much.
CREATE TABLE detection_text_index (
    detection_id TEXT COLLATE "C" PRIMARY KEY,
    tokens TSVECTOR NOT NULL
);
CREATE INDEX detection_text_index_tokens ON detection_text_index USING gin (tokens) WITH (gin_pending_list_limit = 1024);

-- Not before the update: then Postgres would lock each row that is acknowledged once more, to look whether this is for it.
CREATE FUNCTION turnstone_detection_text_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM detection_text_index WHERE detection_id = old.id;
    UPDATE detections SET text_indexed = 0 WHERE id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_text_changed AFTER UPDATE OF text, id ON detections FOR EACH ROW
    WHEN (old.text IS DISTINCT FROM new.text OR old.id <> new.id) EXECUTE FUNCTION turnstone_detection_text_changed();

CREATE FUNCTION turnstone_detection_texts_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM detection_text_index USING removed WHERE detection_id = removed.id;
    RETURN NULL;
END $$;
CREATE TRIGGER detections_text_deleted AFTER DELETE ON detections REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    EXECUTE FUNCTION turnstone_detection_texts_deleted();
