-- The records that version 0.1.0 left in its file, two operations done and one under way; written by that program.
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(1,'first','2026-11-22 13:34:56',1,X'f6b52e61e8af1141d47475365cde9c72edc23ce2e1b00f830e2b0208c652ca62c689d093fa63ef51191f62d2013af335',6109522);
INSERT INTO volume_types VALUES('c22962ca-0292-4623-8c58-cc00efa16a1d','__DEFAULT__','Default Volume Type',1,'{}',1795354496765926,NULL);
INSERT INTO volumes VALUES('98256566-cf87-4d32-aace-f6787a357259','demo','admin','older',NULL,1073741824,1073741824,'"available"','available','disk','pool','nova','c22962ca-0292-4623-8c58-cc00efa16a1d',0,0,NULL,NULL,NULL,'{"k":"v"}',1795354497870496,1795354497904480,1073741824,1795354497904480);
INSERT INTO volumes VALUES('c7f5eb2e-f9be-4a00-9ee3-d0d48d34e0e8','demo','admin','under way',NULL,2147483648,2147483648,'{"creating":"45b2624a-3279-4d7e-9a1b-007236a12c70"}','creating','disk','pool','nova','c22962ca-0292-4623-8c58-cc00efa16a1d',0,0,NULL,NULL,NULL,'{}',1795354500192573,NULL,2147483648,1795354500192573);
INSERT INTO snapshots VALUES('ba48e5b4-0436-43df-9f2d-6ae3af152e5b','98256566-cf87-4d32-aace-f6787a357259','demo','admin','kept',NULL,1073741824,'"available"','available','disk','pool','{}',1795354499118148,1795354499144287);
INSERT INTO operations VALUES('8d3b4ba5-d26a-4c2d-ad45-3e86fe7e6848',1,'disk','req-256878d4-af88-4236-bac1-07c3d61493b5','{"do":"create-volume","spec":{"volume":{"id":"98256566-cf87-4d32-aace-f6787a357259","pool":"pool"},"size":1073741824,"extra_specs":{}}}',NULL,'98256566-cf87-4d32-aace-f6787a357259','done',1,1,0,100,NULL,NULL,1795354497870496,1795354497904480);
INSERT INTO operations VALUES('ea2bca79-c1b6-4511-99b5-056b03cedec6',2,'disk','req-8d380455-6c75-46cf-baa1-82e7c5628dbd','{"do":"create-snapshot","snapshot":{"id":"ba48e5b4-0436-43df-9f2d-6ae3af152e5b","volume":{"id":"98256566-cf87-4d32-aace-f6787a357259","pool":"pool"}}}','98256566-cf87-4d32-aace-f6787a357259','ba48e5b4-0436-43df-9f2d-6ae3af152e5b','done',1,1,0,100,NULL,NULL,1795354499118148,1795354499144287);
INSERT INTO operations VALUES('45b2624a-3279-4d7e-9a1b-007236a12c70',3,'disk','req-a02ef0a7-48db-466c-9669-27621ebc355f','{"do":"create-volume","spec":{"volume":{"id":"c7f5eb2e-f9be-4a00-9ee3-d0d48d34e0e8","pool":"pool"},"size":2147483648,"extra_specs":{}}}',NULL,'c7f5eb2e-f9be-4a00-9ee3-d0d48d34e0e8','pending',0,0,0,0,NULL,NULL,1795354500192573,1795354500192573);
INSERT INTO hosts VALUES('disk',1,'host:1','{"name":"local","version":"0.1.0","vendor_name":"Ashlar","storage_protocol":"local"}','{"multi_attach":false,"online_extend":true,"revert":true,"manage":false,"group_snapshots":false,"qos":false,"migrate":false,"active_active":false}','disk','nova',NULL,0,1795354496803376,1795354496820293);
INSERT INTO pools VALUES('disk','pool','{"name":"pool","total":{"known":270553174016},"free":{"known":41327095808},"allocated":"unknown","reserved_percentage":0,"max_over_subscription_ratio":20.0,"provisioning":"thin","thin_metadata_free_percentage":null}',1795354496816903);
