-- What a price depends on beside tokens: cached sound, pictures by the piece with their quality and size, the service.
ALTER TABLE records ADD COLUMN cached_audio BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN images BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN service VARCHAR(16) NOT NULL DEFAULT 'standard';
ALTER TABLE records ADD COLUMN grade VARCHAR(64) NOT NULL DEFAULT '';

INSERT INTO migrations (number, step) VALUES (2, 0);
