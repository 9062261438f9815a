-- Counts as promised until the next report, by whichever clock.
UPDATE volumes SET promised_moment = (SELECT COALESCE(MAX(reported_at), 0) FROM pools);
ALTER TABLE volumes RENAME COLUMN promised_moment TO promised_at;
ALTER TABLE pools DROP COLUMN moment;
ALTER TABLE hosts DROP COLUMN moment;
DROP TABLE members;
