CREATE INDEX volumes_by_status ON volumes (backend, pool, status, promised_moment, promised_bytes);
-- As if promised now: whoever reads this next takes what is being made from the status.
UPDATE volumes SET promised_moment = COALESCE((SELECT moment FROM hosts WHERE hosts.backend = volumes.backend), 0)
    WHERE promised_moment = 9223372036854775807;
ALTER TABLE pool_use DROP COLUMN promised_bytes;
