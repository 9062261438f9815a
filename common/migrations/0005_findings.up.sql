-- What the hosts found that does not fit together, as of their last look.
CREATE TABLE findings (
    backend TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    about TEXT NOT NULL,
    detail TEXT NOT NULL,
    ours BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (backend, kind, subject_id)
);
