SET search_path = checklist, extensions;

-- Functions, procedures, aggregates
CREATE FUNCTION many_arguments(IN a integer, INOUT b text DEFAULT 'b', OUT c numeric, VARIADIC rest integer[] DEFAULT '{}') RETURNS record LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL RESTRICTED COST 7
  SET search_path = checklist, "Upper Case", pg_temp SET work_mem = '7MB' AS $$
BEGIN
  c := a + coalesce(rest[1], 0);
END $$;
CREATE FUNCTION as_a_table(n integer) RETURNS TABLE (i integer, "the text" text) LANGUAGE sql ROWS 5 BEGIN ATOMIC
  SELECT e.id, d.id::text FROM checklist.employees e JOIN checklist.departments d ON d.id = e.department WHERE e.id <= n;
END;
CREATE FUNCTION returns_rows_of() RETURNS SETOF employees LANGUAGE sql STABLE AS 'SELECT * FROM checklist.employees';
CREATE FUNCTION any_of(VARIADIC anycompatiblearray) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS 'SELECT $1[1]';
CREATE FUNCTION in_another_language() RETURNS integer LANGUAGE another_plpgsql AS 'BEGIN RETURN 1; END';
CREATE FUNCTION overloaded(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION overloaded(text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE FUNCTION body_does_not_compile() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT x FROM table_that_is_gone); END';
CREATE PROCEDURE a_procedure(IN a integer, INOUT b integer) LANGUAGE plpgsql AS 'BEGIN b := a; COMMIT; END';
-- Types do not tell them apart: their modes do.
CREATE PROCEDURE one_of_two(OUT a integer, IN b integer, IN c integer) LANGUAGE sql AS 'SELECT b - c';
CREATE PROCEDURE one_of_two(IN a integer, IN b integer, IN c integer) LANGUAGE sql AS '';
CREATE AGGREGATE how_many(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1', PARALLEL = SAFE, COMBINEFUNC = numeric_mul);
CREATE AGGREGATE our_percentile(float8 ORDER BY float8) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_cont_float8_final);
CREATE AGGREGATE moving_sum(float8) (SFUNC = float8pl, STYPE = float8, MSFUNC = float8pl, MINVFUNC = float8mi, MSTYPE = float8, SORTOP = operator(pg_catalog.<));
COMMENT ON FUNCTION overloaded(text) IS 'a comment on the one with text';
COMMENT ON PROCEDURE a_procedure(integer, integer) IS 'a comment on a procedure';
COMMENT ON AGGREGATE product(numeric) IS 'a comment on an aggregate';
CREATE TABLE checked_by_function (n integer CHECK (overloaded(n) = 1), t text);
CREATE INDEX index_by_function ON checked_by_function (overloaded(t));
INSERT INTO checked_by_function VALUES (1, 'a'), (2, 'b');

-- Views: on views, with options, with columns of their own defaults, with circles
CREATE VIEW first_view AS SELECT id, name, number FROM indexed WHERE number < 5;
CREATE VIEW second_view WITH (security_barrier = true, check_option = local) AS SELECT id, name FROM first_view WHERE id < 100;
CREATE VIEW third_view WITH (security_invoker = true) AS SELECT * FROM second_view WITH CASCADED CHECK OPTION;
CREATE VIEW a_view_before_its_base AS SELECT t.*, (t).name AS again, overloaded(t.id) AS called FROM third_view t;
ALTER VIEW first_view ALTER COLUMN number SET DEFAULT 3;
CREATE VIEW grouped_by_key AS SELECT e.id, e.manager, count(d.id) FROM employees e LEFT JOIN departments d ON d.head = e.id GROUP BY e.id;
CREATE VIEW on_grouped AS SELECT * FROM grouped_by_key WHERE count > 0;
CREATE RECURSIVE VIEW chain (id, depth) AS SELECT id, 0 FROM employees WHERE manager IS NULL UNION ALL SELECT e.id, depth + 1 FROM employees e JOIN chain c ON c.id = e.manager;
CREATE VIEW without_columns AS SELECT FROM employees;
CREATE VIEW of_its_own_function AS SELECT 1 AS a;
CREATE FUNCTION takes_the_view(of_its_own_function) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';
CREATE OR REPLACE VIEW of_its_own_function AS SELECT 1 AS a, takes_the_view(NULL) AS b;
CREATE VIEW "Upper Case"."View" ("Column", "other column") AS SELECT 1, 'it''s' UNION ALL SELECT 2, U&'\00e9';
COMMENT ON VIEW first_view IS 'a comment on a view';
COMMENT ON COLUMN first_view.name IS 'a comment on a column of a view';

-- Materialized views on materialized views; the alphabet has the last first
CREATE MATERIALIZED VIEW z_first AS SELECT number, count(*) AS n FROM indexed GROUP BY number WITH DATA;
CREATE MATERIALIZED VIEW m_second WITH (fillfactor = 80) AS SELECT sum(n) AS total, max(number) AS top FROM z_first;
CREATE MATERIALIZED VIEW a_third AS SELECT m.total, v.id FROM m_second m CROSS JOIN second_view v;
CREATE MATERIALIZED VIEW not_filled AS SELECT total FROM a_third WITH NO DATA;
CREATE UNIQUE INDEX z_first_number ON z_first (number);
CREATE INDEX a_third_total ON a_third USING brin (total);
CREATE STATISTICS of_the_view ON number, n FROM z_first;
COMMENT ON MATERIALIZED VIEW m_second IS 'a comment on a materialized view';
COMMENT ON COLUMN m_second.total IS 'a comment on a column of a materialized view';

-- Rules
CREATE RULE insert_rule AS ON INSERT TO second_view WHERE NEW.id > 1000 DO INSTEAD NOTHING;
CREATE TABLE ruled (id integer, note text);
INSERT INTO ruled VALUES (1, 'before the rules'), (2, 'before, too');
CREATE RULE no_more AS ON INSERT TO ruled DO INSTEAD NOTHING;
CREATE RULE also AS ON UPDATE TO ruled DO ALSO (DELETE FROM ruled WHERE id = OLD.id; NOTIFY ruled);
ALTER TABLE ruled DISABLE RULE also;
COMMENT ON RULE no_more ON ruled IS 'a comment on a rule';

-- Triggers that would change rows if a restore set them off
CREATE TABLE triggered (id integer PRIMARY KEY, note text, changed integer DEFAULT 0);
INSERT INTO triggered SELECT i, 'as it was' FROM generate_series(1, 20) AS i;
CREATE TABLE trigger_log (what text, at timestamptz DEFAULT now());
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.note := 'spoiled by ' || TG_NAME;
  RETURN NEW;
END $$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by %', TG_NAME; END $$;
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO checklist.trigger_log (what) VALUES (TG_NAME || ' ' || TG_OP);
  RETURN NULL;
END $$;
CREATE TRIGGER spoils BEFORE INSERT OR UPDATE OF note, changed ON triggered FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION spoil();
CREATE TRIGGER "is always on" BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION spoil('an argument', E'with ''quotes''\n');
CREATE TRIGGER is_off BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER on_replicas AFTER DELETE ON triggered FOR EACH STATEMENT EXECUTE FUNCTION log_it();
CREATE TRIGGER with_tables AFTER UPDATE ON triggered REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION log_it();
CREATE TRIGGER on_truncate AFTER TRUNCATE ON triggered FOR EACH STATEMENT EXECUTE FUNCTION log_it();
CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE ON triggered FROM employees DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_it();
ALTER TABLE triggered ENABLE ALWAYS TRIGGER "is always on", DISABLE TRIGGER is_off, ENABLE REPLICA TRIGGER on_replicas;
CREATE TRIGGER instead INSTEAD OF INSERT ON third_view FOR EACH ROW EXECUTE FUNCTION log_it();
CREATE TRIGGER on_partitions BEFORE INSERT ON measures FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE measures_old DISABLE TRIGGER on_partitions;
COMMENT ON TRIGGER spoils ON triggered IS 'a comment on a trigger';

-- Row security
CREATE TABLE guarded (id integer PRIMARY KEY, owner_name name DEFAULT current_user, secret text);
INSERT INTO guarded SELECT i, CASE WHEN i % 2 = 0 THEN 'checklist_reader' ELSE 'somebody else' END, 'secret ' || i FROM generate_series(1, 10) AS i;
ALTER TABLE guarded OWNER TO checklist_owner;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON guarded FOR SELECT TO checklist_reader USING (owner_name = current_user);
CREATE POLICY "only odd ones" ON guarded AS RESTRICTIVE FOR ALL TO checklist_writer USING (id % 2 = 1) WITH CHECK (secret <> 'it''s');
COMMENT ON POLICY own_rows ON guarded IS 'a comment on a policy';
CREATE TABLE policy_but_off (id integer);
CREATE POLICY nobody ON policy_but_off USING (false);
INSERT INTO policy_but_off VALUES (1), (2);
CREATE TABLE on_without_policy (id integer);
ALTER TABLE on_without_policy ENABLE ROW LEVEL SECURITY;
INSERT INTO on_without_policy VALUES (1), (2), (3);
