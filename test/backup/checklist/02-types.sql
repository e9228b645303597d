SET search_path = checklist, extensions;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'very sad' BEFORE 'sad';
ALTER TYPE mood ADD VALUE E'it''s "quoted",\nin two lines' AFTER 'ok';
ALTER TYPE mood RENAME VALUE 'happy' TO 'HAPPY';
CREATE TYPE no_values AS ENUM ();
COMMENT ON TYPE mood IS 'an enum whose order is not that of its making';

CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN small_positive AS positive DEFAULT 1 CONSTRAINT "below a hundred" CHECK (VALUE < 100);
CREATE DOMAIN never_null AS text COLLATE "C" NOT NULL;
CREATE DOMAIN percentages AS numeric(5, 2)[] CHECK (array_ndims(VALUE) = 1);
COMMENT ON DOMAIN small_positive IS 'a domain over a domain';
COMMENT ON CONSTRAINT "below a hundred" ON DOMAIN small_positive IS 'a comment on the constraint of a domain';

CREATE TYPE address AS (street text, "house number" small_positive, tags text[]);
CREATE TYPE person AS (name text COLLATE "POSIX", home address, moods mood[]);
CREATE TYPE nothing AS ();
ALTER TYPE address ADD ATTRIBUTE dropped integer;
ALTER TYPE address DROP ATTRIBUTE dropped;
COMMENT ON COLUMN address.street IS 'a comment on a column of a composite type';
CREATE DOMAIN known_address AS address CHECK (VALUE IS NULL OR (VALUE).street IS NOT NULL);

CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = float_ranges);
CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");
CREATE DOMAIN short_range AS int4range CHECK (upper(VALUE) - lower(VALUE) < 10);

-- A base type of our own: no binary form that another server would have to know.
CREATE TYPE whole;
CREATE FUNCTION whole_in(cstring) RETURNS whole LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION whole_out(whole) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE whole (INPUT = whole_in, OUTPUT = whole_out, LIKE = int4, CATEGORY = 'N', DEFAULT = '7');
CREATE TYPE only_a_shell;

CREATE CAST (whole AS integer) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (integer AS whole) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION mood_number(mood) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT array_position(enum_range(NULL::checklist.mood), $1)';
CREATE CAST (mood AS integer) WITH FUNCTION mood_number(mood);
CREATE CAST (address AS varchar) WITH INOUT;
COMMENT ON CAST (mood AS integer) IS 'a comment on a cast';

CREATE FUNCTION whole_lt(whole, whole) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION whole_le(whole, whole) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4le';
CREATE FUNCTION whole_eq(whole, whole) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION whole_ge(whole, whole) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4ge';
CREATE FUNCTION whole_gt(whole, whole) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4gt';
CREATE FUNCTION whole_cmp(whole, whole) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE FUNCTION whole_below(whole, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1::integer < $2';
CREATE OPERATOR < (LEFTARG = whole, RIGHTARG = whole, FUNCTION = whole_lt, COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR <= (LEFTARG = whole, RIGHTARG = whole, FUNCTION = whole_le, COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR = (LEFTARG = whole, RIGHTARG = whole, FUNCTION = whole_eq, COMMUTATOR = =, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR >= (LEFTARG = whole, RIGHTARG = whole, FUNCTION = whole_ge, COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR > (LEFTARG = whole, RIGHTARG = whole, FUNCTION = whole_gt, COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR !~~ (RIGHTARG = whole, FUNCTION = whole_out);
-- Its commutator is never made: the server has a shell of it.
CREATE OPERATOR <<< (LEFTARG = whole, RIGHTARG = integer, FUNCTION = whole_below, COMMUTATOR = >>>);
COMMENT ON OPERATOR < (whole, whole) IS 'a comment on an operator';
CREATE OPERATOR FAMILY whole_family USING btree;
CREATE OPERATOR CLASS whole_ops DEFAULT FOR TYPE whole USING btree FAMILY whole_family AS
  OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 whole_cmp(whole, whole);
CREATE OPERATOR CLASS other_text_ops FOR TYPE text USING btree AS
  OPERATOR 1 ~<~, OPERATOR 2 ~<=~, OPERATOR 3 =, OPERATOR 4 ~>=~, OPERATOR 5 ~>~, FUNCTION 1 bttext_pattern_cmp(text, text);
COMMENT ON OPERATOR FAMILY whole_family USING btree IS 'a comment on an operator family';
COMMENT ON OPERATOR CLASS whole_ops USING btree IS 'a comment on an operator class';

CREATE COLLATION numeric_order (PROVIDER = icu, LOCALE = 'en-u-kn-true');
CREATE COLLATION ignore_case (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
COMMENT ON COLLATION ignore_case IS 'a comment on a collation';

CREATE CONVERSION latin1_as_before FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION latin1_as_before IS 'a comment on a conversion';
CREATE ACCESS METHOD another_heap TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD another_heap IS 'a comment on an access method';
-- With handlers of its own, for pg_dump leaves those of the system out, and then nobody can make the language again.
CREATE FUNCTION another_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION another_inline(internal) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION another_validator(oid) RETURNS void LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE another_plpgsql HANDLER another_handler INLINE another_inline VALIDATOR another_validator;
COMMENT ON LANGUAGE another_plpgsql IS 'a comment on a language';
CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
COMMENT ON TRANSFORM FOR integer LANGUAGE sql IS 'a comment on a transform';

CREATE TEXT SEARCH DICTIONARY short_words (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION our_english (COPY = english);
ALTER TEXT SEARCH CONFIGURATION our_english ALTER MAPPING FOR asciiword WITH short_words, english_stem;
ALTER TEXT SEARCH CONFIGURATION our_english DROP MAPPING FOR email;
CREATE TEXT SEARCH TEMPLATE another_simple (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER another_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
COMMENT ON TEXT SEARCH CONFIGURATION our_english IS 'a comment on a text search configuration';
COMMENT ON TEXT SEARCH DICTIONARY short_words IS 'a comment on a text search dictionary';
COMMENT ON TEXT SEARCH TEMPLATE another_simple IS 'a comment on a text search template';
COMMENT ON TEXT SEARCH PARSER another_parser IS 'a comment on a text search parser';
