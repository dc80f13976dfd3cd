-- What a request had asked beside it, to find out where it goes. cost_nano holds side_nano too.
ALTER TABLE records ADD COLUMN side_model VARCHAR(321) NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN side_prompt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN side_completion BIGINT NOT NULL DEFAULT 0;
ALTER TABLE records ADD COLUMN side_nano BIGINT NOT NULL DEFAULT 0;

INSERT INTO migrations (number, step) VALUES (5, 0);
