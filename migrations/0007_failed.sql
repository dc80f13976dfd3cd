-- The few requests that failed, newest first, so that a page of them does not read what lies between.
CREATE INDEX records_failed ON records (at_ms, id, ended) WHERE ended <> 'done';

INSERT INTO migrations (number, step) VALUES (7, 0);
