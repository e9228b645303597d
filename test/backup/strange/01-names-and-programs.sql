-- A third database of odd cases: what the first two lack, looked for by somebody who wanted to find what a restore gets wrong.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['strange_owner', 'strange_reader'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END $$;

-- The schema that every database has, changed
ALTER SCHEMA public OWNER TO strange_owner;
COMMENT ON SCHEMA public IS 'ours; not "standard"';
GRANT CREATE ON SCHEMA public TO PUBLIC;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO strange_reader WITH GRANT OPTION;

-- Names that are the same when they are joined by a dot
CREATE SCHEMA "a";
CREATE SCHEMA "a.b";
CREATE TABLE "a"."b.c" (id integer PRIMARY KEY, t text);
CREATE TABLE "a.b"."c" (id bigint PRIMARY KEY, n numeric, extra date);
INSERT INTO "a"."b.c" SELECT i, 'b.c ' || i FROM generate_series(1, 300) AS i;
INSERT INTO "a.b"."c" SELECT i, i / 7.0, '2020-01-01'::date + i FROM generate_series(1, 500) AS i;
CREATE MATERIALIZED VIEW "a"."b.m" AS SELECT count(*) AS n FROM "a"."b.c";
CREATE MATERIALIZED VIEW "a.b"."m" AS SELECT max(n) AS n FROM "a.b"."c" WITH NO DATA;
CREATE SEQUENCE "a"."b.s" START 5;
CREATE SEQUENCE "a.b"."s" START 50;
SELECT nextval('"a"."b.s"'), nextval('"a.b"."s"'), nextval('"a.b"."s"');
ALTER TABLE "a"."b.c" ADD CONSTRAINT "to c" FOREIGN KEY (id) REFERENCES "a.b"."c" (id);
CREATE TABLE "a"."t x" (y integer CONSTRAINT "z" UNIQUE);
CREATE TABLE "a"."t" ("x y" integer CONSTRAINT "x z" UNIQUE);
INSERT INTO "a"."t x" VALUES (1);
INSERT INTO "a"."t" VALUES (2), (3);
COMMENT ON CONSTRAINT "z" ON "a"."t x" IS 'of the one';
COMMENT ON CONSTRAINT "x z" ON "a"."t" IS 'of the other';

CREATE SCHEMA strange;
SET search_path = strange, public;
CREATE EXTENSION cube SCHEMA strange;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE EXTENSION fuzzystrmatch SCHEMA strange VERSION '1.1';
CREATE EXTENSION lo SCHEMA strange;
CREATE EXTENSION ltree SCHEMA strange;
CREATE EXTENSION citext SCHEMA strange;

-- A type with another delimiter, and one with a modifier, alignment and storage of its own
CREATE TYPE semicolons;
CREATE FUNCTION semicolons_in(cstring) RETURNS semicolons LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION semicolons_out(semicolons) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE semicolons (INPUT = semicolons_in, OUTPUT = semicolons_out, DELIMITER = ';', STORAGE = extended, COLLATABLE = true, CATEGORY = 'S', PREFERRED = false);
CREATE TYPE bits_of_it;
CREATE FUNCTION bits_in(cstring, oid, integer) RETURNS bits_of_it LANGUAGE internal IMMUTABLE STRICT AS 'varbit_in';
CREATE FUNCTION bits_out(bits_of_it) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varbit_out';
CREATE FUNCTION bits_modifier(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'varbittypmodin';
CREATE FUNCTION bits_modifier_out(integer) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varbittypmodout';
CREATE TYPE bits_of_it (INPUT = bits_in, OUTPUT = bits_out, TYPMOD_IN = bits_modifier, TYPMOD_OUT = bits_modifier_out, ALIGNMENT = int4, STORAGE = main, DEFAULT = '101');
ALTER TYPE semicolons OWNER TO strange_owner;
CREATE TABLE own_types (s semicolons, many semicolons[], b bits_of_it(5), bs bits_of_it(9)[]);
INSERT INTO own_types VALUES ('a;b,c', '{"a;b";c,d;NULL;"NULL";""}', '101', '{1,0}'), (NULL, '{}', DEFAULT, NULL);

-- Programs
CREATE FUNCTION "quoted $$ body"("select" integer, OUT "from" integer, INOUT "a $ b" text DEFAULT '$_$') LANGUAGE plpgsql AS $outer$
BEGIN -- $$ and $_$ and $outer_$ and \ and ; and 'it''s'
  EXECUTE $$SELECT $_$ x $_$ $$;
  "from" := "select";
END $outer$;
CREATE FUNCTION with_settings() RETURNS text LANGUAGE sql STABLE SET search_path = strange, "a.b", "select, from", '' SET "DateStyle" = 'German, DMY' SET application_name = 'it''s; "x"' SET work_mem TO '3MB' SET custom.setting TO 'x, y' AS 'SELECT current_setting(''search_path'')';
CREATE FUNCTION windowed() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_row_number';
CREATE FUNCTION with_support(integer, integer) RETURNS SETOF integer LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE ROWS 17 SUPPORT pg_catalog.generate_series_int4_support AS 'generate_series_int4';
CREATE FUNCTION any_number(VARIADIC "any") RETURNS text LANGUAGE internal STABLE AS 'text_concat';
CREATE FUNCTION default_from_table(n integer DEFAULT length(current_user::text), VARIADIC rest text[] DEFAULT ARRAY['a', 'b;c']) RETURNS integer LANGUAGE sql STABLE AS 'SELECT $1';
CREATE FUNCTION "f(integer)"(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION "a.b".same_name(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION "a".same_name(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE FUNCTION takes_rows("a"."b.c", "a.b"."c"[]) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT ($1).id';
CREATE OPERATOR @#@ (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, COMMUTATOR = OPERATOR(strange.@#@), NEGATOR = OPERATOR(strange.!#!), RESTRICT = eqsel, HASHES);
CREATE OPERATOR !#! (LEFTARG = text, RIGHTARG = text, FUNCTION = textne, NEGATOR = OPERATOR(strange.@#@));
CREATE OPERATOR <@#> (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
CREATE OPERATOR FAMILY across USING btree;
CREATE OPERATOR CLASS across_int4 FOR TYPE integer USING btree FAMILY across AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
ALTER OPERATOR FAMILY across USING btree ADD OPERATOR 1 < (integer, bigint), OPERATOR 3 = (integer, bigint), FUNCTION 1 (integer, bigint) btint48cmp(integer, bigint);
CREATE OPERATOR CLASS stored_otherwise FOR TYPE text USING gin AS OPERATOR 1 @#@, FUNCTION 1 bttextcmp(text, text), FUNCTION 2 gin_extract_value_trgm(text, internal), FUNCTION 3 gin_extract_query_trgm(text, internal, int2, internal, internal, internal, internal), FUNCTION 4 gin_trgm_consistent(internal, int2, text, int4, internal, internal, internal, internal), STORAGE integer;
CREATE FUNCTION first_step(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE AGGREGATE first_of(anyelement) (SFUNC = first_step, STYPE = anyelement, SSPACE = 99, FINALFUNC_MODIFY = SHAREABLE, PARALLEL = RESTRICTED);
CREATE AGGREGATE "counted *"(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
GRANT EXECUTE ON FUNCTION "counted *"() TO strange_reader;
COMMENT ON AGGREGATE "counted *"(*) IS 'of all';
CREATE TEXT SEARCH DICTIONARY "odd; dictionary" (TEMPLATE = ispell, DICTFILE = 'ispell_sample', AFFFILE = 'ispell_sample', STOPWORDS = 'english');
CREATE TEXT SEARCH CONFIGURATION empty_configuration (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION empty_configuration OWNER TO strange_owner;
CREATE DOMAIN of_enum AS text CONSTRAINT "1; --" CHECK (VALUE IN ('a', 'b''c')) NOT NULL;
CREATE DOMAIN on_array_of_domain AS of_enum[] DEFAULT '{a}' CHECK (cardinality(VALUE) > 0);
CREATE DOMAIN typed AS bits_of_it(3);
ALTER DOMAIN of_enum DROP NOT NULL;
ALTER DOMAIN of_enum ADD CONSTRAINT later CHECK (VALUE <> 'zz') NOT VALID;
