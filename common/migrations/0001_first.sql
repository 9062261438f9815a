-- One dialect for SQLite and PostgreSQL: TEXT, BIGINT and DOUBLE PRECISION only; times are microseconds since 1970.

CREATE TABLE volume_types (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    is_public BIGINT NOT NULL,
    extra_specs TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT
);

CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    size_bytes BIGINT NOT NULL,
    provisioned_bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    backend TEXT,
    pool TEXT,
    availability_zone TEXT NOT NULL,
    type_id TEXT,
    multi_attach BIGINT NOT NULL,
    bootable BIGINT NOT NULL,
    source_volume_id TEXT,
    source_snapshot_id TEXT,
    image_id TEXT,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT,
    promised_bytes BIGINT NOT NULL,
    promised_at BIGINT NOT NULL
);
CREATE INDEX volumes_by_project ON volumes (project_id, created_at, id);
CREATE INDEX volumes_by_age ON volumes (created_at, id);
-- Covers what each placement sums up, so that its cost is that of an index scan.
CREATE INDEX volumes_by_pool ON volumes (backend, pool, promised_at, status, provisioned_bytes, promised_bytes);

CREATE TABLE snapshots (
    id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL REFERENCES volumes (id),
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    size_bytes BIGINT NOT NULL,
    state TEXT NOT NULL,
    status TEXT NOT NULL,
    backend TEXT NOT NULL,
    pool TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT
);
CREATE INDEX snapshots_by_volume ON snapshots (volume_id);
CREATE INDEX snapshots_by_project ON snapshots (project_id, created_at, id);
CREATE INDEX snapshots_by_backend ON snapshots (backend);

CREATE TABLE attachments (
    id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL REFERENCES volumes (id),
    project_id TEXT NOT NULL,
    instance_id TEXT,
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    connector TEXT,
    connection TEXT,
    mountpoint TEXT,
    created_at BIGINT NOT NULL,
    attached_at BIGINT
);
CREATE INDEX attachments_by_volume ON attachments (volume_id);
CREATE INDEX attachments_by_project ON attachments (project_id, created_at, id);

-- The operation log: intent is written here, in the transaction that changes state, before anything is done.
CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL UNIQUE,
    backend TEXT NOT NULL,
    request_id TEXT NOT NULL,
    work TEXT NOT NULL,
    source_id TEXT,
    subject_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    error_kind TEXT,
    error_message TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX operations_open ON operations (backend, phase, not_before, sequence);
CREATE INDEX operations_by_subject ON operations (subject_id, phase);
CREATE INDEX operations_by_source ON operations (source_id, phase);
CREATE INDEX operations_by_age ON operations (phase, updated_at);

-- One row a backend: who hosts it, under which epoch, and what it last reported.
CREATE TABLE hosts (
    backend TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    holder TEXT NOT NULL,
    driver TEXT,
    capabilities TEXT,
    volume_backend_name TEXT NOT NULL,
    availability_zone TEXT NOT NULL,
    disabled_reason TEXT,
    disabled BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

CREATE TABLE pools (
    backend TEXT NOT NULL,
    pool TEXT NOT NULL,
    stats TEXT NOT NULL,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (backend, pool)
);

-- What a user should know of an operation that did not go well.
CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    user_message TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX messages_by_project ON messages (project_id, created_at, id);
