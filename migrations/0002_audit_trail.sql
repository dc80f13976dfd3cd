-- What a document said before a change and says after it, its secrets replaced. Rows of before this file say nothing.
ALTER TABLE audit ADD COLUMN said_before TEXT;
ALTER TABLE audit ADD COLUMN said_after TEXT;

-- Pages of the log of one model or one team, however rare it is.
CREATE INDEX records_by_model ON records (model, at_ms, id);
CREATE INDEX records_by_team ON records (team, at_ms, id);

INSERT INTO migrations (number, step) VALUES (2, 0);
