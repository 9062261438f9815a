-- Where a server keeps several processes apart: whoever writes holds the lock of this row.
CREATE TABLE turn (
    id BIGINT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO turn (id, number) VALUES (1, 0);

-- A mark for each commit, by which a process whose connection was lost meanwhile learns what became of it.
CREATE TABLE commits (
    mark TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
CREATE INDEX commits_by_number ON commits (number);
