DROP TABLE commits;
DROP TABLE turn;
