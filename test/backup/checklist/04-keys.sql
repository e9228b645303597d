SET search_path = checklist, extensions;

-- Circles and self references
CREATE TABLE employees (id integer PRIMARY KEY, manager integer, department integer NOT NULL);
CREATE TABLE departments (id integer PRIMARY KEY, head integer NOT NULL);
INSERT INTO departments SELECT i, i * 10 FROM generate_series(1, 3) AS i;
INSERT INTO employees SELECT i, CASE WHEN i > 1 THEN i / 2 END, 1 + i % 3 FROM generate_series(1, 50) AS i;
ALTER TABLE employees ADD FOREIGN KEY (manager) REFERENCES employees, ADD FOREIGN KEY (department) REFERENCES departments ON UPDATE CASCADE ON DELETE RESTRICT;
ALTER TABLE departments ADD FOREIGN KEY (head) REFERENCES employees DEFERRABLE INITIALLY DEFERRED;

-- Kinds of keys
CREATE TABLE keys (
  a integer, b text COLLATE "C", c date, d integer,
  CONSTRAINT "primary key, deferrable" PRIMARY KEY (a, b) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT nulls_not_distinct UNIQUE NULLS NOT DISTINCT (d, c),
  CONSTRAINT with_included UNIQUE (a) INCLUDE (c, d),
  UNIQUE (c, a) DEFERRABLE
);
INSERT INTO keys VALUES (1, 'x', '2020-01-01', NULL), (2, '', NULL, NULL), (3, 'é', NULL, 5);
COMMENT ON CONSTRAINT nulls_not_distinct ON keys IS 'a comment on a constraint';
CREATE TABLE references_keys (
  id integer PRIMARY KEY, full_a integer, full_b integer, cleared integer, cleared_too integer DEFAULT 3,
  FOREIGN KEY (full_a) REFERENCES keys (a) MATCH FULL ON DELETE CASCADE NOT DEFERRABLE,
  CONSTRAINT clears_one FOREIGN KEY (cleared) REFERENCES keys (a) ON DELETE SET NULL (cleared) ON UPDATE SET DEFAULT
);
INSERT INTO references_keys VALUES (1, 1, NULL, 2), (2, NULL, NULL, NULL);
-- Rows that break constraints which nobody has validated
INSERT INTO references_keys VALUES (3, NULL, 999, NULL);
ALTER TABLE references_keys ADD CONSTRAINT not_valid_key FOREIGN KEY (full_b) REFERENCES employees NOT VALID;
ALTER TABLE references_keys ADD CONSTRAINT not_valid_check CHECK (full_b < 100) NOT VALID;
CREATE DOMAIN even AS integer;
CREATE TABLE evens (n even);
INSERT INTO evens VALUES (2), (3);
ALTER DOMAIN even ADD CONSTRAINT is_even CHECK (VALUE % 2 = 0) NOT VALID;

-- Exclusion
CREATE TABLE bookings (
  room integer, during tstzrange, cancelled boolean DEFAULT false, spot circle,
  CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (NOT cancelled),
  EXCLUDE USING gist (spot WITH &&) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO bookings VALUES (1, '[2024-01-01 10:00+00,2024-01-01 11:00+00)', false, '<(0,0),1>'), (1, '[2024-01-01 11:00+00,2024-01-01 12:00+00)', false, '<(5,5),1>'),
  (1, '[2024-01-01 10:30+00,2024-01-01 10:45+00)', true, NULL);

-- Indexes
CREATE TABLE indexed (id integer NOT NULL, name text, tags text[], data jsonb, place point, number integer, kind whole, words tsvector GENERATED ALWAYS AS (to_tsvector('our_english'::regconfig, coalesce(name, ''))) STORED);
INSERT INTO indexed SELECT i, 'name ' || i, ARRAY['t' || i % 3, NULL], jsonb_build_object('n', i, 'odd', i % 2 = 1), point(i, -i), i % 7, i FROM generate_series(1, 200) AS i;
CREATE UNIQUE INDEX indexed_id ON indexed (id);
CREATE INDEX partial_index ON indexed (name) WHERE number > 3 AND name IS NOT NULL;
CREATE INDEX expression_index ON indexed (lower(name) COLLATE "C" text_pattern_ops DESC NULLS LAST, (number + 1)) INCLUDE (id) WITH (fillfactor = 55, deduplicate_items = off);
ALTER INDEX expression_index ALTER COLUMN 2 SET STATISTICS 700;
CREATE INDEX hash_index ON indexed USING hash (name);
CREATE INDEX gin_index ON indexed USING gin (tags, data jsonb_path_ops, words) WITH (fastupdate = off);
CREATE INDEX gist_index ON indexed USING gist (place, name gist_trgm_ops (siglen = 32));
CREATE INDEX brin_index ON indexed USING brin (id int4_minmax_multi_ops (values_per_range = 16), number) WITH (pages_per_range = 8, autosummarize = on);
CREATE INDEX spgist_index ON indexed USING spgist (place);
CREATE INDEX "index of our own class" ON indexed (kind, name other_text_ops);
CREATE INDEX invalid_index ON indexed (number);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_index'::regclass;
ALTER TABLE indexed CLUSTER ON indexed_id;
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_id;
ALTER TABLE keys REPLICA IDENTITY FULL;
ALTER TABLE references_keys REPLICA IDENTITY NOTHING;
COMMENT ON INDEX partial_index IS 'a comment on an index';
CREATE STATISTICS related_columns (ndistinct, dependencies, mcv) ON number, name, id FROM indexed;
CREATE STATISTICS of_expressions ON (number % 3), lower(name) FROM indexed;
ALTER STATISTICS related_columns SET STATISTICS 50;
COMMENT ON STATISTICS related_columns IS 'a comment on statistics';
