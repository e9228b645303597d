-- Large objects: of our own numbers, so that they can be looked for
SELECT lo_from_bytea(4200001, '\x00ff0a5c2e') AS small;
SELECT lo_create(4200002) AS empty;
SELECT lo_from_bytea(4200003, (SELECT decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, 200000) AS i)) AS "3.2 MB";
SELECT lo_create(4200004) AS "with a hole";
SELECT lo_put(4200004, 1000000, 'after a hole');
SELECT lo_from_bytea(4294967295, 'the highest number') AS highest;
ALTER LARGE OBJECT 4200001 OWNER TO checklist_owner;
GRANT SELECT ON LARGE OBJECT 4200001 TO checklist_reader WITH GRANT OPTION;
GRANT SELECT, UPDATE ON LARGE OBJECT 4200002 TO PUBLIC, "checklist ""odd"" role";
COMMENT ON LARGE OBJECT 4200001 IS E'a comment on a\nlarge object';
CREATE TABLE checklist.refers_to_large_objects (id integer PRIMARY KEY, object oid);
INSERT INTO checklist.refers_to_large_objects VALUES (1, 4200001), (2, 4200003), (3, 4294967295);
