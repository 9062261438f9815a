-- What the volumes of a pool count for, kept with each change of theirs: added up anew for each placement it would cost
-- ten milliseconds at 100,000 volumes. `ashlar-driver-X reconcile` and the simulation hold it to the records.
CREATE TABLE pool_use (
    backend TEXT NOT NULL,
    pool TEXT NOT NULL,
    provisioned_bytes BIGINT NOT NULL,
    volumes BIGINT NOT NULL,
    PRIMARY KEY (backend, pool)
);
INSERT INTO pool_use (backend, pool, provisioned_bytes, volumes)
SELECT backend, pool, CAST(SUM(provisioned_bytes) AS BIGINT), COUNT(*) FROM volumes WHERE backend IS NOT NULL GROUP BY backend, pool;

-- For the volumes whose room no report can show yet.
DROP INDEX volumes_by_pool;
CREATE INDEX volumes_by_promise ON volumes (backend, pool, promised_moment, promised_bytes);
CREATE INDEX volumes_by_status ON volumes (backend, pool, status, promised_moment, promised_bytes);

-- Claiming walks what is open of a backend in its order and stops after a few, however long the queue and the log are.
DROP INDEX operations_open;
CREATE INDEX operations_waiting ON operations (backend, sequence) WHERE phase IN ('pending', 'running');
