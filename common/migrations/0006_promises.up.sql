-- What was promised on a pool and is not in its report yet, kept with each change: added up anew for each placement it
-- cost more the more was placed since the report, which is when placements come quickest.
ALTER TABLE pool_use ADD COLUMN promised_bytes BIGINT NOT NULL DEFAULT 0;
-- No report shows all of what is still being made or grown: that comes after every moment.
UPDATE volumes SET promised_moment = 9223372036854775807 WHERE status IN ('creating', 'downloading', 'extending');
UPDATE pool_use SET promised_bytes = COALESCE((SELECT CAST(SUM(v.promised_bytes) AS BIGINT) FROM volumes AS v
    WHERE v.backend = pool_use.backend AND v.pool = pool_use.pool AND v.promised_moment >= COALESCE(
    (SELECT p.moment FROM pools AS p WHERE p.backend = pool_use.backend AND p.pool = pool_use.pool), 0)), 0);
DROP INDEX volumes_by_status;
