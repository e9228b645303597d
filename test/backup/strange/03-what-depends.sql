SET search_path = strange, public;
-- Functions that depend on keys, views on such functions, defaults and checks on them: all of it comes after the rows
CREATE TABLE counters (name text CONSTRAINT counters_pk PRIMARY KEY, n integer NOT NULL);
INSERT INTO counters VALUES ('hits', 1), ('misses', 2);
CREATE FUNCTION count_it(what text) RETURNS integer LANGUAGE sql BEGIN ATOMIC INSERT INTO counters VALUES (what, 1) ON CONFLICT ON CONSTRAINT counters_pk DO UPDATE SET n = counters.n + 1 RETURNING n; END;
CREATE FUNCTION grouped() RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT name || n FROM counters GROUP BY name; END;
CREATE VIEW uses_grouped AS SELECT grouped AS g, (SELECT count(*) FROM counters) AS n FROM grouped();
CREATE VIEW uses_the_view AS SELECT g FROM uses_grouped;
CREATE MATERIALIZED VIEW fills_late AS SELECT g FROM uses_the_view;
CREATE INDEX ON fills_late (g);
CREATE TABLE counts_by_default (id integer, n integer DEFAULT count_it('default'));
INSERT INTO counts_by_default VALUES (1, 1);
CREATE FUNCTION reads_late() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM fills_late; END;
CREATE VIEW on_reads_late AS SELECT reads_late() AS n;

-- Views with what a view can have
CREATE VIEW much_of_sql AS
  WITH RECURSIVE tree (id, path) AS (SELECT 1, ARRAY[1] UNION ALL SELECT id + 1, path || id FROM tree WHERE id < 3) SEARCH DEPTH FIRST BY id SET ordered CYCLE id SET is_cycle USING way,
    modified AS MATERIALIZED (SELECT 1 AS one)
  SELECT t.id, t.ordered IS NULL AS ordered, l.x, o.n, o.ordinality, sum(t.id) OVER w AS running, count(*) FILTER (WHERE t.id > 1) OVER (PARTITION BY t.id ORDER BY t.id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS framed,
    'a' COLLATE "C" < 'b' AS compared, 'x' OPERATOR(strange.@#@) 'y' AS by_operator, (ROW(1, 'x')::"a"."b.c").t AS field, CASE WHEN t.id IS DISTINCT FROM 2 THEN '' END AS empty, EXTRACT(day FROM now()) AS today, xmlelement(NAME "odd name", xmlattributes(1 AS "a b")) AS xml
  FROM tree AS t CROSS JOIN LATERAL (SELECT t.id * 2 AS x) AS l JOIN LATERAL ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b'])) WITH ORDINALITY AS o (n, letter, ordinality) ON true
  WINDOW w AS (ORDER BY t.id GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING);
CREATE VIEW sets AS SELECT region, day, sum(amount) AS total, GROUPING(region, day) AS g FROM sales TABLESAMPLE bernoulli (100) REPEATABLE (1) GROUP BY GROUPING SETS ((region), CUBE (day), ()) HAVING count(*) > 0 ORDER BY 1 NULLS FIRST FETCH FIRST 5 ROWS WITH TIES;
CREATE VIEW of_xml AS SELECT x.* FROM (VALUES ('<r><i n="1"/></r>'::xml)) AS v (doc), XMLTABLE('/r/i' PASSING doc COLUMNS n integer PATH '@n' NOT NULL, ord FOR ORDINALITY) AS x;
CREATE VIEW locking AS SELECT id FROM "a"."b.c" FOR NO KEY UPDATE OF "b.c" SKIP LOCKED;
CREATE VIEW "a.b"."v" AS SELECT * FROM "a"."b.c" NATURAL FULL JOIN (SELECT id FROM "a.b"."c") AS s;
CREATE VIEW with_unknown (n, t) AS SELECT NULL, 'unknown' UNION (SELECT NULL, 'x' EXCEPT ALL SELECT NULL, 'y');
CREATE FUNCTION merges() RETURNS void LANGUAGE plpgsql AS 'BEGIN MERGE INTO strange.counters AS c USING (VALUES (''x'')) AS v (name) ON c.name = v.name WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (v.name, 0); END';

-- Rights that the owner of something has given away, or never had
CREATE TABLE owned_without_rights (a integer);
INSERT INTO owned_without_rights VALUES (1);
ALTER TABLE owned_without_rights OWNER TO strange_owner;
REVOKE ALL ON owned_without_rights FROM strange_owner;
GRANT SELECT ON sales, sales_north, derived TO strange_reader;
GRANT SELECT (region), INSERT (note, day) ON sales TO strange_owner WITH GRANT OPTION;
GRANT ALL ON TABLE became_a_view TO strange_reader;
GRANT ALL ON ALL SEQUENCES IN SCHEMA "a.b" TO strange_reader;
GRANT pg_read_all_data TO strange_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE strange_owner REVOKE ALL ON TABLES FROM strange_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE strange_owner IN SCHEMA "a.b" GRANT EXECUTE ON ROUTINES TO strange_reader;

-- Policies that look at other tables and at functions; triggers on parts, views and foreign tables
CREATE FUNCTION may_see(region text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM strange.counters WHERE name = $1)';
CREATE POLICY by_function ON sales_north FOR UPDATE TO strange_reader, CURRENT_USER USING (may_see(region)) WITH CHECK (amount > (SELECT min(n) FROM counters));
CREATE POLICY by_sub_select ON counters AS RESTRICTIVE USING (n IN (SELECT id FROM "a"."b.c"));
ALTER TABLE sales_north ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO strange.counters VALUES (tg_name || random(), 0); RETURN new; END$$;
CREATE TRIGGER on_all BEFORE INSERT ON sales FOR EACH ROW EXECUTE FUNCTION noted();
CREATE TRIGGER on_one BEFORE INSERT ON sales_north_new FOR EACH ROW EXECUTE FUNCTION noted();
ALTER TABLE sales_north ENABLE ALWAYS TRIGGER on_all;
ALTER TABLE sales_north_old ENABLE REPLICA TRIGGER on_all;
ALTER TABLE parts_with_keys_1 DISABLE TRIGGER USER;
CREATE TRIGGER instead INSTEAD OF DELETE ON uses_the_view FOR EACH ROW EXECUTE FUNCTION noted('a', '', E'\\');
CREATE EXTENSION file_fdw SCHEMA "a.b";
CREATE SERVER "a.server" FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE "a"."far.away" (t text DEFAULT 'x', g text GENERATED ALWAYS AS (upper(t)) STORED) SERVER "a.server" OPTIONS (filename '/nowhere', format 'csv', delimiter ';');
CREATE TRIGGER on_far BEFORE INSERT ON "a"."far.away" FOR EACH ROW EXECUTE FUNCTION noted();
CREATE STATISTICS of_parts (dependencies) ON region, day FROM sales;
ALTER STATISTICS of_parts OWNER TO strange_owner;
CREATE PUBLICATION "a.p" FOR TABLE sales WHERE (region <> 'x; y' AND amount IS NOT NULL), "a"."b.c", TABLES IN SCHEMA "a.b" WITH (publish_via_partition_root);
COMMENT ON COLUMN "a"."b.c".t IS 'a.b.c.t';
COMMENT ON COLUMN "a.b"."c".n IS 'a.b.c.n';
COMMENT ON INDEX sales_key IS 'not of all parts';
COMMENT ON TABLE sales_north IS 'part';
COMMENT ON COLUMN sales_north.note IS 'of a part';
COMMENT ON TRIGGER on_all ON sales IS 'on all';
COMMENT ON VIEW became_a_view IS 'once a table';
COMMENT ON LARGE OBJECT 6000001 IS 'by lo';
