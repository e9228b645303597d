SET search_path = checklist, extensions;

CREATE TABLE measures (id bigint NOT NULL, at timestamptz NOT NULL, value numeric CHECK (value <> 13.5), PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE measures_old PARTITION OF measures FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00+00');
CREATE TABLE measures_2020 PARTITION OF measures (value DEFAULT 0.5, CONSTRAINT only_of_2020 CHECK (value < 1e6)) FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2021-01-01 00:00+00') PARTITION BY RANGE (id);
CREATE TABLE measures_2020_0 PARTITION OF measures_2020 FOR VALUES FROM (MINVALUE) TO (300) WITH (fillfactor = 80);
CREATE UNLOGGED TABLE "Upper Case".measures_2020_1 PARTITION OF measures_2020 FOR VALUES FROM (300) TO (450);
CREATE TABLE measures_2020_default PARTITION OF measures_2020 DEFAULT;
-- Attached: another order of columns, and some that are no longer there
CREATE TABLE measures_new (gone text, value numeric, at timestamptz NOT NULL, gone_too integer, id bigint NOT NULL);
ALTER TABLE measures_new DROP COLUMN gone, DROP COLUMN gone_too;
ALTER TABLE measures_new ADD CONSTRAINT measures_value_check CHECK (value <> 13.5);
CREATE INDEX measures_new_value ON measures_new (value);
ALTER TABLE measures ATTACH PARTITION measures_new FOR VALUES FROM ('2021-01-01 00:00+00') TO (MAXVALUE);
CREATE TABLE measures_default PARTITION OF measures DEFAULT;
INSERT INTO measures SELECT i, '2019-06-01 00:00+00'::timestamptz + i * interval '1 day', i / 7.0 FROM generate_series(1, 1000) AS i;
CREATE INDEX measures_value ON measures (value);
CREATE INDEX measures_only ON ONLY measures (id);
CREATE INDEX measures_old_id ON measures_old (id);
ALTER INDEX measures_only ATTACH PARTITION measures_old_id;
COMMENT ON TABLE measures IS 'a comment on a partitioned table';
COMMENT ON INDEX measures_value IS 'a comment on a partitioned index';

-- By hash of an enum: in which partition a row belongs depends on the numbers that the server gave the labels.
CREATE TABLE by_mood (m mood, n integer) PARTITION BY HASH (m);
CREATE TABLE by_mood_0 PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE by_mood_1 PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE by_mood_2 PARTITION OF by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 2) PARTITION BY RANGE (n);
CREATE TABLE by_mood_2_low PARTITION OF by_mood_2 FOR VALUES FROM (MINVALUE) TO (50);
CREATE TABLE by_mood_2_high PARTITION OF by_mood_2 FOR VALUES FROM (50) TO (MAXVALUE);
INSERT INTO by_mood SELECT (enum_range(NULL::mood))[1 + i % 5], i FROM generate_series(1, 300) AS i;
CREATE TABLE by_hash (id uuid, note text, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO by_hash SELECT md5(i::text)::uuid, 'note ' || i FROM generate_series(1, 100) AS i;

CREATE TABLE by_list (kind text COLLATE "C", n integer, doubled integer GENERATED ALWAYS AS (n * 2) STORED) PARTITION BY LIST (kind);
CREATE TABLE by_list_null PARTITION OF by_list FOR VALUES IN (NULL);
CREATE TABLE "by_list it's" PARTITION OF by_list FOR VALUES IN ('it''s', E'new\nline', '');
INSERT INTO by_list (kind, n) VALUES (NULL, 1), ('it''s', 2), (E'new\nline', 3), ('', 4);
CREATE TABLE by_two_columns (a integer, b text) PARTITION BY RANGE (a, b text_pattern_ops);
CREATE TABLE by_two_columns_1 PARTITION OF by_two_columns FOR VALUES FROM (1, MINVALUE) TO (1, 'm');
CREATE TABLE by_two_columns_2 PARTITION OF by_two_columns FOR VALUES FROM (1, 'm') TO (2, MAXVALUE);
INSERT INTO by_two_columns VALUES (1, 'a'), (1, 'z'), (2, '');
CREATE TABLE by_expression (n integer, t text) PARTITION BY LIST (lower(t) COLLATE "C");
CREATE TABLE by_expression_ab PARTITION OF by_expression FOR VALUES IN ('a', 'b');
CREATE TABLE by_expression_rest PARTITION OF by_expression DEFAULT;
INSERT INTO by_expression VALUES (1, 'A'), (2, 'c'), (3, NULL);
CREATE TABLE without_partitions (a integer, b text) PARTITION BY LIST (a);

-- Keys from and to partitioned tables
CREATE TABLE refers_to_partitioned (id integer PRIMARY KEY, measure bigint, at timestamptz, FOREIGN KEY (measure, at) REFERENCES measures);
INSERT INTO refers_to_partitioned SELECT id, id, at FROM measures WHERE id % 100 = 0;
ALTER TABLE by_list ADD FOREIGN KEY (n) REFERENCES employees;

-- A partition that is elsewhere, and cannot be reached: nothing may read it.
CREATE SERVER nowhere TYPE 'none' VERSION '0' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'it''s nowhere');
CREATE USER MAPPING FOR PUBLIC SERVER nowhere OPTIONS (user 'nobody', password 'a secret of the mapping');
CREATE USER MAPPING FOR checklist_reader SERVER nowhere;
CREATE TABLE half_elsewhere (region text NOT NULL, n integer) PARTITION BY LIST (region);
CREATE TABLE half_here PARTITION OF half_elsewhere FOR VALUES IN ('here');
CREATE FOREIGN TABLE half_there PARTITION OF half_elsewhere FOR VALUES IN ('there') SERVER nowhere OPTIONS (table_name 'far away');
INSERT INTO half_elsewhere VALUES ('here', 1), ('here', 2);
CREATE FOREIGN TABLE far_away (id integer OPTIONS (column_name 'ID'), note text DEFAULT 'x' NOT NULL, CHECK (id > 0)) SERVER nowhere OPTIONS (schema_name 's', table_name 't');
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE a_file (line text) SERVER files OPTIONS (filename '/etc/no such file', format 'text', delimiter E'\x01');
CREATE FOREIGN DATA WRAPPER without_handler OPTIONS (debug 'true');
COMMENT ON SERVER nowhere IS 'a comment on a server';
COMMENT ON FOREIGN DATA WRAPPER without_handler IS 'a comment on a foreign data wrapper';
COMMENT ON FOREIGN TABLE far_away IS 'a comment on a foreign table';
