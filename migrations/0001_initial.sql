-- The first schema. Which SQL is allowed here, and why, says README.md beside this file.

-- One row for each statement that the runner applied, and one with step 0 for each whole file.
CREATE TABLE migrations (
  number BIGINT NOT NULL,
  step BIGINT NOT NULL,
  PRIMARY KEY (number, step)
);

-- Who may do a job that only one process does at a time.
CREATE TABLE leases (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  holder VARCHAR(64) NOT NULL,
  until_ms BIGINT NOT NULL
);

-- Always empty: a batch that must not half-apply inserts a 0 when its condition does not hold.
CREATE TABLE guard (
  ok BIGINT NOT NULL CHECK (ok = 1)
);

-- Single numbers of the whole store.
CREATE TABLE marks (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO marks (name, value) VALUES ('revision', 0);
INSERT INTO marks (name, value) VALUES ('pruned_before_ms', 0);

-- What people edit. A deleted document stays as a mark without a body, and without a name_key, so that its name is free.
CREATE TABLE documents (
  kind VARCHAR(16) NOT NULL,
  id VARCHAR(128) NOT NULL,
  parent VARCHAR(128) NOT NULL,
  name VARCHAR(255) NOT NULL,
  name_key VARCHAR(255),
  version BIGINT NOT NULL,
  changed_at_revision BIGINT NOT NULL,
  deleted BIGINT NOT NULL,
  shape BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX documents_by_name ON documents (kind, name_key);
CREATE INDEX documents_by_parent ON documents (kind, parent, id);
CREATE INDEX documents_by_revision ON documents (changed_at_revision);

-- Who changed what. The revision and the place in its commit are the key.
CREATE TABLE audit (
  changed_at_revision BIGINT NOT NULL,
  place BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  actor VARCHAR(255) NOT NULL,
  action VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  document VARCHAR(128) NOT NULL,
  PRIMARY KEY (changed_at_revision, place)
);
CREATE INDEX audit_by_time ON audit (at_ms);

-- Flushes that were applied, so that one whose answer was lost is not applied twice.
CREATE TABLE flushes (
  id VARCHAR(64) NOT NULL PRIMARY KEY,
  at_ms BIGINT NOT NULL
);
CREATE INDEX flushes_by_time ON flushes (at_ms);

-- The request log.
CREATE TABLE records (
  id VARCHAR(64) NOT NULL PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  client VARCHAR(64) NOT NULL,
  team VARCHAR(64) NOT NULL,
  endpoint VARCHAR(128) NOT NULL,
  dialect VARCHAR(32) NOT NULL,
  requested_model VARCHAR(256) NOT NULL,
  provider VARCHAR(64) NOT NULL,
  model VARCHAR(256) NOT NULL,
  key_id VARCHAR(128) NOT NULL,
  status BIGINT NOT NULL,
  error VARCHAR(64) NOT NULL,
  stream BIGINT NOT NULL,
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
  estimated BIGINT NOT NULL,
  cost_nano BIGINT NOT NULL,
  price_id VARCHAR(64) NOT NULL,
  first_byte_ms BIGINT NOT NULL,
  total_ms BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  bytes_in BIGINT NOT NULL,
  bytes_out BIGINT NOT NULL,
  dropped TEXT NOT NULL,
  added TEXT NOT NULL,
  stale BIGINT NOT NULL,
  ended VARCHAR(32) NOT NULL
);
CREATE INDEX records_by_time ON records (at_ms, id);
CREATE INDEX records_by_client ON records (client, at_ms, id);

-- Sums of the records by the hour. They stay when records are pruned.
CREATE TABLE rollups (
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

-- How many requests of the hour took how long, a row for each of the 24 buckets that is not empty.
CREATE TABLE latency (
  hour_ms BIGINT NOT NULL,
  client VARCHAR(64) NOT NULL,
  team VARCHAR(64) NOT NULL,
  provider VARCHAR(64) NOT NULL,
  model VARCHAR(256) NOT NULL,
  bucket BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  PRIMARY KEY (hour_ms, client, team, provider, model, bucket)
);

-- Hot numbers: budgets, rates, rotation.
CREATE TABLE counters (
  name VARCHAR(255) NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL,
  expires_at_ms BIGINT NOT NULL
);

-- Private data of clients, sealed before it comes here, as base64.
CREATE TABLE blobs (
  client VARCHAR(64) NOT NULL,
  id VARCHAR(128) NOT NULL,
  part VARCHAR(64) NOT NULL,
  expires_at_ms BIGINT NOT NULL,
  sealed TEXT NOT NULL,
  PRIMARY KEY (client, id, part)
);
CREATE INDEX blobs_by_expiry ON blobs (expires_at_ms);

INSERT INTO migrations (number, step) VALUES (1, 0);
