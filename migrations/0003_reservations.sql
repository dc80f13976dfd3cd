-- What requests under way have taken of counters, so that what they really use takes its place exactly once, and what
-- a killed process has left behind is given back.
CREATE TABLE reservations (
  id VARCHAR(64) NOT NULL,
  part BIGINT NOT NULL,
  counter VARCHAR(255) NOT NULL,
  amount BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  PRIMARY KEY (id, part, counter)
);
CREATE INDEX reservations_by_end ON reservations (until_ms, counter);

INSERT INTO migrations (number, step) VALUES (3, 0);
