-- A tablespace within the server's own folder, and what is in it. Tablespaces belong to the server: one that lacks it cannot take these as they are.
SET allow_in_place_tablespaces = on;
SELECT count(*) = 0 AS is_missing FROM pg_tablespace WHERE spcname = 'checklist space' \gset
\if :is_missing
CREATE TABLESPACE "checklist space" LOCATION '';
\endif
CREATE TABLE in_a_tablespace (id integer PRIMARY KEY USING INDEX TABLESPACE "checklist space", note text) TABLESPACE "checklist space";
INSERT INTO in_a_tablespace SELECT i, 'note ' || i FROM generate_series(1, 100) AS i;
CREATE INDEX in_it_too ON in_a_tablespace (note) TABLESPACE "checklist space";
CREATE TABLE parts_in_a_tablespace (id integer) PARTITION BY LIST (id) TABLESPACE "checklist space";
CREATE TABLE parts_in_a_tablespace_1 PARTITION OF parts_in_a_tablespace FOR VALUES IN (1) TABLESPACE pg_default;
CREATE MATERIALIZED VIEW view_in_a_tablespace TABLESPACE "checklist space" AS SELECT count(*) FROM in_a_tablespace;
