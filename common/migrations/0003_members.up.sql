-- Who serves a backend: one process, or several where the driver can. A row that is gone is a process that is fenced.
CREATE TABLE members (
    backend TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    holder TEXT NOT NULL,
    seats BIGINT NOT NULL,
    lease_millis BIGINT NOT NULL,
    renewals BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    renewed_at BIGINT NOT NULL,
    PRIMARY KEY (backend, epoch)
);

-- Grows with each sign of life of a backend's hosts and each report that they ask for: what came first is told by it,
-- since the clocks of several processes do not tell.
ALTER TABLE hosts ADD COLUMN moment BIGINT NOT NULL DEFAULT 0;
ALTER TABLE pools ADD COLUMN moment BIGINT NOT NULL DEFAULT 0;
ALTER TABLE volumes RENAME COLUMN promised_at TO promised_moment;
-- Until the next report, all of it counts as not in the report: no room is promised twice.
UPDATE volumes SET promised_moment = 0;
