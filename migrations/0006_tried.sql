-- Who was asked for a request, one after another, and why. JSON, empty where nothing was picked or asked twice.
ALTER TABLE records ADD COLUMN tried VARCHAR(2000) NOT NULL DEFAULT '';

INSERT INTO migrations (number, step) VALUES (6, 0);
