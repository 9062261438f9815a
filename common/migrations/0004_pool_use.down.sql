DROP INDEX operations_waiting;
CREATE INDEX operations_open ON operations (backend, phase, not_before, sequence);
DROP INDEX volumes_by_status;
DROP INDEX volumes_by_promise;
CREATE INDEX volumes_by_pool ON volumes (backend, pool, promised_moment, status, provisioned_bytes, promised_bytes);
DROP TABLE pool_use;
