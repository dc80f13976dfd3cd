-- What a document said before a change and says after it, its secrets replaced. Rows of before this file say nothing.
ALTER TABLE audit ADD COLUMN said_before TEXT;
ALTER TABLE audit ADD COLUMN said_after TEXT;

-- Pages of the log of one model or one team, however rare it is.
CREATE INDEX records_by_model ON records (model, at_ms, id);
CREATE INDEX records_by_team ON records (team, at_ms, id);

-- The hourly sums once more by the day, so that a long span has few rows. hour_ms is the first hour of the day.
CREATE TABLE rollups_daily (
  hour_ms BIGINT NOT NULL,
  client VARCHAR(64) NOT NULL,
  team VARCHAR(64) NOT NULL,
  provider VARCHAR(64) NOT NULL,
  model VARCHAR(256) NOT NULL,
  requests BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  prompt BIGINT NOT NULL,
  cached BIGINT NOT NULL,
  cache_write_5m BIGINT NOT NULL,
  cache_write_1h BIGINT NOT NULL,
  completion BIGINT NOT NULL,
  reasoning BIGINT NOT NULL,
  audio_in BIGINT NOT NULL,
  audio_out BIGINT NOT NULL,
  image_in BIGINT NOT NULL,
  image_out BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  cost_nano BIGINT NOT NULL,
  total_ms BIGINT NOT NULL,
  PRIMARY KEY (hour_ms, client, team, provider, model)
);
INSERT INTO rollups_daily SELECT hour_ms - hour_ms % 86400000, client, team, provider, model,
  SUM(requests), SUM(failed), SUM(prompt), SUM(cached), SUM(cache_write_5m), SUM(cache_write_1h), SUM(completion), SUM(reasoning),
  SUM(audio_in), SUM(audio_out), SUM(image_in), SUM(image_out), SUM(calls), SUM(cost_nano), SUM(total_ms)
  FROM rollups GROUP BY hour_ms - hour_ms % 86400000, client, team, provider, model;

CREATE TABLE latency_daily (
  hour_ms BIGINT NOT NULL,
  client VARCHAR(64) NOT NULL,
  team VARCHAR(64) NOT NULL,
  provider VARCHAR(64) NOT NULL,
  model VARCHAR(256) NOT NULL,
  bucket BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  PRIMARY KEY (hour_ms, client, team, provider, model, bucket)
);
INSERT INTO latency_daily SELECT hour_ms - hour_ms % 86400000, client, team, provider, model, bucket, SUM(requests)
  FROM latency GROUP BY hour_ms - hour_ms % 86400000, client, team, provider, model, bucket;

INSERT INTO migrations (number, step) VALUES (4, 0);
