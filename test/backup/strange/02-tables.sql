SET search_path = strange, public;
-- Partitions with columns in other orders, dropped columns, columns that came later; several levels; defaults below defaults; attached indexes, one that is not attached
CREATE TABLE sales (region text NOT NULL, day date NOT NULL, amount numeric(12, 2) DEFAULT 0, note text, doubled numeric GENERATED ALWAYS AS (amount * 2) STORED) PARTITION BY LIST (region);
CREATE TABLE sales_north (gone integer, note text, amount numeric(12, 2) DEFAULT 1, day date NOT NULL, gone_too text, region text NOT NULL, doubled numeric GENERATED ALWAYS AS (amount * 2) STORED) PARTITION BY RANGE (day);
ALTER TABLE sales_north DROP COLUMN gone, DROP COLUMN gone_too;
ALTER TABLE sales ATTACH PARTITION sales_north FOR VALUES IN ('north', 'n', NULL);
CREATE TABLE sales_north_old PARTITION OF sales_north (note DEFAULT 'old', CONSTRAINT small CHECK (amount < 1000)) FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE sales_north_new (day date NOT NULL, doubled numeric GENERATED ALWAYS AS (amount * 2) STORED, amount numeric(12, 2), region text NOT NULL, note text);
ALTER TABLE sales_north ATTACH PARTITION sales_north_new FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE sales_north_rest PARTITION OF sales_north DEFAULT;
CREATE TABLE sales_rest PARTITION OF sales DEFAULT PARTITION BY HASH (day);
CREATE TABLE "a.b".sales_rest_0 PARTITION OF sales_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE UNLOGGED TABLE sales_rest_1 PARTITION OF sales_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO sales (region, day, amount, note) SELECT (ARRAY['north', 'n', 'south', 'west'])[1 + i % 4], '2018-01-01'::date + i, i, 'sale ' || i FROM generate_series(1, 900) AS i;
ALTER TABLE sales ADD COLUMN later text DEFAULT 'came later';
INSERT INTO sales (region, day, amount, later) VALUES ('east', '2024-01-01', 5, NULL);
CREATE UNIQUE INDEX sales_key ON ONLY sales (region, day) INCLUDE (note);
CREATE UNIQUE INDEX sales_north_key ON ONLY sales_north (region, day) INCLUDE (note);
CREATE UNIQUE INDEX sales_north_old_key ON sales_north_old (region, day) INCLUDE (note);
ALTER INDEX sales_north_key ATTACH PARTITION sales_north_old_key;
ALTER INDEX sales_key ATTACH PARTITION sales_north_key;
CREATE INDEX sales_amount ON sales (amount);
ALTER TABLE sales_north_new CLUSTER ON sales_north_new_amount_idx;
ALTER TABLE sales_north_new DROP CONSTRAINT IF EXISTS nothing;
CREATE TABLE was_a_partition PARTITION OF sales FOR VALUES IN ('detached');
INSERT INTO sales (region, day) VALUES ('detached', '2020-02-02');
ALTER TABLE sales DETACH PARTITION was_a_partition;
CREATE TABLE parts_with_keys (id integer, kind text, other integer, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind);
CREATE TABLE parts_with_keys_1 PARTITION OF parts_with_keys FOR VALUES IN ('one');
CREATE TABLE parts_with_keys_2 (kind text NOT NULL, other integer, id integer NOT NULL, CONSTRAINT own_name PRIMARY KEY (kind, id), CONSTRAINT own_key FOREIGN KEY (kind, other) REFERENCES parts_with_keys_1 (kind, id) NOT VALID);
ALTER TABLE parts_with_keys ATTACH PARTITION parts_with_keys_2 FOR VALUES IN ('two');
INSERT INTO parts_with_keys SELECT i, 'one', NULL FROM generate_series(1, 20) AS i;
INSERT INTO parts_with_keys SELECT i, 'two', NULL FROM generate_series(1, 20) AS i;
ALTER TABLE parts_with_keys ADD CONSTRAINT to_itself FOREIGN KEY (kind, other) REFERENCES parts_with_keys ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
UPDATE parts_with_keys SET other = id WHERE kind = 'one';
ALTER TABLE parts_with_keys_2 ADD UNIQUE (other, id), REPLICA IDENTITY USING INDEX own_name;

-- Inheritance: order of columns, merged constraints, defaults that were dropped, from two sides, columns added to the parent later
CREATE TABLE base_1 (a integer DEFAULT 1, b text NOT NULL, CONSTRAINT shared CHECK (a > 0));
CREATE TABLE base_2 (c date, a integer DEFAULT 2, CONSTRAINT shared CHECK (a > 0));
CREATE TABLE derived (own_first text, c date, a integer DEFAULT 4, CONSTRAINT shared CHECK (a > 0)) INHERITS (base_1, base_2);
ALTER TABLE derived ALTER COLUMN a SET DEFAULT 3, ALTER COLUMN c SET NOT NULL;
CREATE TABLE derived_again (last_one integer DEFAULT 5) INHERITS (derived);
ALTER TABLE base_1 ADD COLUMN later integer DEFAULT 9;
ALTER TABLE base_2 ADD COLUMN later integer DEFAULT 9;
ALTER TABLE derived_again ALTER COLUMN later DROP DEFAULT;
ALTER TABLE base_2 ADD CONSTRAINT not_checked CHECK (later < 5) NOT VALID;
INSERT INTO base_1 (b) VALUES ('base');
INSERT INTO base_2 (c, later) VALUES ('2000-01-01', 1);
INSERT INTO derived (b, c, own_first, later) VALUES ('derived', '2001-01-01', 'x', 2);
INSERT INTO derived_again (b, c, later) VALUES ('again', '2002-01-01', 3);
CREATE TABLE stranger (b text NOT NULL, own integer, later integer, a integer);
INSERT INTO stranger VALUES ('s', 1, 2, 3);
ALTER TABLE stranger ADD CONSTRAINT shared CHECK (a > 0);
ALTER TABLE stranger INHERIT base_1;
ALTER TABLE stranger DROP COLUMN own;

-- A table that is a view by now
CREATE TABLE became_a_view (id integer, t text);
CREATE RULE "_RETURN" AS ON SELECT TO became_a_view DO INSTEAD SELECT id, t FROM "a"."b.c" WHERE id < 10;

-- Sequences of other tables, of other schemas, of identities that were changed
CREATE TABLE owns_it (id integer, other bigint);
CREATE SEQUENCE "a".elsewhere AS smallint MAXVALUE 200 CYCLE;
CREATE SEQUENCE owned_elsewhere OWNED BY owns_it.other;
CREATE TABLE uses_them (id integer DEFAULT nextval('"a".elsewhere'), x bigint DEFAULT nextval('owned_elsewhere'::regclass) * 10, y text DEFAULT 'n' || nextval('"a".elsewhere'::text));
INSERT INTO uses_them SELECT FROM generate_series(1, 150);
CREATE TABLE identity_changed (id integer GENERATED BY DEFAULT AS IDENTITY, note text);
INSERT INTO identity_changed (note) SELECT 'n' FROM generate_series(1, 3);
ALTER TABLE identity_changed ALTER COLUMN id SET GENERATED ALWAYS SET INCREMENT BY 5 RESTART WITH 100;
ALTER SEQUENCE identity_changed_id_seq RENAME TO "renamed; sequence";
CREATE TABLE like_all (LIKE identity_changed INCLUDING ALL, more integer);
INSERT INTO like_all (more) VALUES (1);
CREATE TABLE serial_moved (id serial, note text);
INSERT INTO serial_moved (note) VALUES ('x'), ('y');
ALTER SEQUENCE serial_moved_id_seq OWNED BY NONE;
ALTER SEQUENCE serial_moved_id_seq SET SCHEMA "a.b";

-- Options
CREATE TABLE with_options (id integer, t text, CONSTRAINT "pk; odd" PRIMARY KEY (id) WITH (fillfactor = 33, deduplicate_items = off)) WITH (user_catalog_table = true, vacuum_index_cleanup = off, log_autovacuum_min_duration = 0, toast.vacuum_truncate = false, autovacuum_freeze_max_age = 500000000);
INSERT INTO with_options VALUES (1, 'a'), (2, repeat('long', 100000));
CREATE INDEX with_options_trgm ON with_options USING gist (t public.gist_trgm_ops (siglen = 32)) WITH (fillfactor = 40);
CREATE INDEX with_options_own_ops ON with_options USING btree (id across_int4);
ALTER TABLE with_options ALTER COLUMN t SET (n_distinct = 5), ALTER COLUMN t SET STORAGE EXTERNAL, ALTER COLUMN id SET STATISTICS 7;
CREATE TABLE not_valid_index (a integer);
INSERT INTO not_valid_index VALUES (1), (1);
CREATE INDEX is_not_valid ON not_valid_index (a);
UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = 'is_not_valid'::regclass;

-- Rows that refer to objects by their names, and rows of types of tables
CREATE TABLE names_of_objects (c regclass, p regproc, pd regprocedure, o regoper, od regoperator, t regtype, r regrole, n regnamespace, cfg regconfig, d regdictionary, l regcollation);
INSERT INTO names_of_objects VALUES ('"a"."b.c"', 'strange.with_settings', '"f(integer)"(text)', 'strange.<@#>', '@#@(text,text)', 'bits_of_it', 'strange_owner', '"a.b"', 'empty_configuration', '"odd; dictionary"', '"de-AT-x-icu"'), ('sales', 'now', NULL, NULL, NULL, 'semicolons[]', NULL, NULL, 'english', 'simple', '"C"'), ('0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0');
CREATE TABLE rows_of_tables (one "a"."b.c", many "a.b"."c"[], part sales_north);
INSERT INTO rows_of_tables SELECT (SELECT x FROM "a"."b.c" AS x WHERE id = 5), ARRAY(SELECT x FROM "a.b"."c" AS x WHERE id < 4), (SELECT s FROM sales_north AS s LIMIT 1);
CREATE TABLE values_at_ends (n numeric, t text COLLATE "de-AT-x-icu", c strange.citext, lt strange.ltree, cu strange.cube, l strange.lo, e on_array_of_domain, b bit(1), i interval second(2), ty typed, j json[], x xml[]);
INSERT INTO values_at_ends VALUES (('1' || repeat('0', 131071))::numeric, 'Ärger', 'MiXed', 'a.b_c.D', '(1,2),(3,4)', lo_from_bytea(6000001, 'through lo'), '{a,"b''c"}', B'1', '1.239 s', '01', ARRAY['{"a":  1}', 'null']::json[], ARRAY['<a b="c"/>', NULL]::xml[]),
  (('0.' || repeat('0', 16382) || '1')::numeric, E'\u200b\ufeff', '', '', '(NaN)', NULL, NULL, B'0', NULL, NULL, '{}', '{}');
CREATE TABLE "the ""longest"" name that PostgreSQL takes, of sixty-three bytes" ("the ""longest"" name that PostgreSQL takes, of sixty-three bytes" text, "%s %I $1 ? :x" integer, "ctid." integer, "oid" oid);
INSERT INTO "the ""longest"" name that PostgreSQL takes, of sixty-three bytes" VALUES ('x', 1, 2, 3);
