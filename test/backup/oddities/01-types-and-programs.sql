-- A second database of odd cases, made without looking at the checklist: what people have who have used PostgreSQL for long. Roles are of the server.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['odd_owner', 'odd_reader', 'odd "quoted" grantee', E'odd\nnewline', 'Größe'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END;
  END LOOP;
END $$;
CREATE SCHEMA odd AUTHORIZATION odd_owner;
CREATE SCHEMA "select";
CREATE SCHEMA U&"new\000Aline ""schema""";
CREATE SCHEMA "схема";
CREATE SCHEMA "pgnot_reserved";
COMMENT ON SCHEMA "схема" IS 'Комментарий с ''кавычками'' и \обратной чертой\';
CREATE EXTENSION hstore SCHEMA odd;
CREATE EXTENSION intarray SCHEMA odd;
CREATE EXTENSION seg SCHEMA "select";
CREATE EXTENSION tablefunc SCHEMA odd;
CREATE EXTENSION unaccent SCHEMA odd;
CREATE EXTENSION postgres_fdw SCHEMA odd;
CREATE EXTENSION dblink SCHEMA odd;
CREATE EXTENSION earthdistance SCHEMA public CASCADE;
SET search_path = odd, public;

CREATE DOMAIN money_amount AS numeric(20, 4) DEFAULT 0 CHECK (VALUE <> 'NaN') CHECK (VALUE >= 0);
CREATE DOMAIN email AS text COLLATE "C" CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE DOMAIN emails AS email[] CHECK (array_length(VALUE, 1) < 10);
CREATE DOMAIN filled_json AS jsonb CHECK (VALUE ? 'id');
CREATE TYPE line_item AS (sku text, price money_amount, at timestamptz, attributes odd.hstore);
CREATE TYPE invoice AS (items line_item[], total money_amount, contacts emails);
CREATE DOMAIN checked_item AS line_item CHECK (VALUE IS NULL OR (VALUE).price IS NOT NULL);
CREATE DOMAIN items AS checked_item[];
CREATE TYPE "Enum, with ""odd"" 'labels'" AS ENUM ('', 'a,b', 'c"d', E'e\nf', 'g\h', '{i}', 'ß', '  ', 'NULL');
CREATE TYPE price_range AS RANGE (SUBTYPE = numeric, MULTIRANGE_TYPE_NAME = price_ranges);
CREATE FUNCTION time_minus(time, time) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS 'SELECT extract(epoch FROM $1 - $2)::float8';
CREATE TYPE time_range AS RANGE (SUBTYPE = time, SUBTYPE_DIFF = time_minus);
CREATE DOMAIN opening_hours AS time_range CHECK (NOT isempty(VALUE));
CREATE TYPE of_arrays AS (matrix integer[][], ranges price_range[], multi price_ranges, moods "Enum, with ""odd"" 'labels'"[]);

CREATE PROCEDURE close_month(INOUT total numeric, VARIADIC months integer[] DEFAULT '{}') LANGUAGE plpgsql SECURITY DEFINER SET search_path = odd, pg_temp SET work_mem = '1MB' AS $body$
BEGIN
  total := total + coalesce(array_length(months, 1), 0); -- $$ inside, and ; and 'quotes'
  COMMIT;
END $body$;
CREATE FUNCTION defaults(a integer, b text DEFAULT 'it''s; "b"', c timestamptz DEFAULT now(), OUT x integer, OUT y text) RETURNS record LANGUAGE plpgsql STABLE LEAKPROOF COST 7 AS $$BEGIN x := a; y := b; END$$;
CREATE FUNCTION rows_of() RETURNS TABLE (id integer, "odd name" text) LANGUAGE sql ROWS 12 AS 'VALUES (1, ''x''), (2, ''y'')';
CREATE FUNCTION new_style(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT a + b; SELECT a * b; END;
CREATE FUNCTION U&"named\000Awith; newline"("a b" integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION poly(anyelement, anyarray) RETURNS anyarray LANGUAGE sql IMMUTABLE AS 'SELECT array_append($2, $1)';
CREATE FUNCTION returns_setof_composite() RETURNS SETOF line_item LANGUAGE sql AS $$SELECT ROW('x', 1, now(), NULL)::odd.line_item$$;
CREATE AGGREGATE collect(anycompatible) (SFUNC = array_append, STYPE = anycompatiblearray, INITCOND = '{}', PARALLEL = SAFE, COMBINEFUNC = array_cat);
CREATE FUNCTION moving_add(float8, float8) RETURNS float8 LANGUAGE internal IMMUTABLE STRICT AS 'float8pl';
CREATE FUNCTION moving_sub(float8, float8) RETURNS float8 LANGUAGE internal IMMUTABLE STRICT AS 'float8mi';
CREATE AGGREGATE moving_sum(float8) (SFUNC = moving_add, STYPE = float8, INITCOND = '0', MSFUNC = moving_add, MINVFUNC = moving_sub, MSTYPE = float8, MINITCOND = '0', SORTOP = OPERATOR(pg_catalog.<));
CREATE AGGREGATE ranked(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
CREATE FUNCTION same_item(line_item, line_item) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).sku = ($2).sku';
CREATE OPERATOR === (LEFTARG = line_item, RIGHTARG = line_item, FUNCTION = same_item, COMMUTATOR = ===);
COMMENT ON OPERATOR === (line_item, line_item) IS 'same; ''item''';
CREATE FUNCTION item_sku(line_item) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1).sku';
CREATE CAST (line_item AS text) WITH FUNCTION item_sku(line_item) AS ASSIGNMENT;
CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-u-co-phonebk');
CREATE COLLATION "no case" (PROVIDER = icu, LOCALE = '@colStrength=secondary', DETERMINISTIC = false);
CREATE COLLATION plain_copy FROM "C";
CREATE TEXT SEARCH DICTIONARY synonyms (TEMPLATE = synonym, SYNONYMS = 'synonym_sample', CASESENSITIVE = 1);
CREATE TEXT SEARCH DICTIONARY thesaurus (TEMPLATE = thesaurus, DICTFILE = 'thesaurus_sample', DICTIONARY = english_stem);
CREATE TEXT SEARCH CONFIGURATION "select"."Our Config" (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION "select"."Our Config" ADD MAPPING FOR asciiword, word WITH odd.synonyms, odd.unaccent, pg_catalog.simple;
ALTER PROCEDURE close_month(numeric, integer[]) OWNER TO odd_owner;
ALTER AGGREGATE moving_sum(float8) OWNER TO "odd ""quoted"" grantee";
ALTER TYPE invoice OWNER TO odd_owner;
ALTER DOMAIN email OWNER TO "Größe";
ALTER OPERATOR === (line_item, line_item) OWNER TO odd_owner;
REVOKE ALL ON FUNCTION new_style(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION new_style(integer, integer) TO "odd ""quoted"" grantee" WITH GRANT OPTION;
REVOKE USAGE ON TYPE price_range FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO odd_reader;
COMMENT ON PROCEDURE close_month(numeric, integer[]) IS E'a comment\nin lines; with a semicolon';
COMMENT ON AGGREGATE moving_sum(float8) IS 'moves';
COMMENT ON FUNCTION U&"named\000Awith; newline"(integer) IS '$1';
