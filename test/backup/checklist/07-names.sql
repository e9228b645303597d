SET search_path = checklist, extensions;

CREATE TABLE "select" ("from" integer PRIMARY KEY, "user" text, "order" date, "table" integer REFERENCES "select", "all" boolean DEFAULT true CHECK ("all"));
INSERT INTO "select" VALUES (1, 'u', '2020-01-01', NULL), (2, 'v', NULL, 1);
CREATE TABLE "Upper Case"."select" ("SELECT" integer, "select" integer);
INSERT INTO "Upper Case"."select" VALUES (1, 2);
CREATE TABLE U&"line\000Abreak; DROP TABLE x; --" (U&"col\000Aumn" integer PRIMARY KEY, "quo""ted" text, "back\slash" text, "per%cent %s %I" text, "dol$lar$$" text, " space " text, "tab	" text, U&"\+01F600\00e9" text);
INSERT INTO U&"line\000Abreak; DROP TABLE x; --" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f', 'g'), (2, NULL, '\', '%s', '$$', ' ', E'\t', U&'\+01F600');
CREATE INDEX U&"in\000Adex ""quoted""" ON U&"line\000Abreak; DROP TABLE x; --" ("quo""ted", lower("back\slash"));
CREATE TABLE "a.b" ("c.d" integer);
INSERT INTO "a.b" VALUES (1);
CREATE TABLE "'" ("\" text);
INSERT INTO "'" VALUES (''''), ('\');
CREATE TABLE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab serial PRIMARY KEY);
INSERT INTO aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa DEFAULT VALUES;
CREATE SCHEMA U&"sche\000Ama ""x"" $1";
CREATE TYPE U&"sche\000Ama ""x"" $1"."type ""of it""" AS ENUM ('a', 'b"', E'c\n');
CREATE TABLE U&"sche\000Ama ""x"" $1".t (e U&"sche\000Ama ""x"" $1"."type ""of it""", id integer GENERATED ALWAYS AS IDENTITY);
INSERT INTO U&"sche\000Ama ""x"" $1".t (e) VALUES ('a'), ('b"'), (E'c\n'), (NULL);
CREATE FUNCTION "it's a ""function""" ("an ""argument""" text DEFAULT 'x''y') RETURNS text LANGUAGE sql IMMUTABLE AS $body$SELECT $1 || '$$' || $_$inner$_$$body$;
CREATE TABLE "*" ("?" integer, "{a,b}" integer, "[x]" integer);
INSERT INTO "*" VALUES (1, 2, 3);
COMMENT ON TABLE U&"line\000Abreak; DROP TABLE x; --" IS E'a comment\n\\. on ''a'' "table"\n\\restrict x\n--';
COMMENT ON COLUMN U&"line\000Abreak; DROP TABLE x; --".U&"col\000Aumn" IS E'tab\t, backslash \\, é';
-- The same text as a table and as a column of other things
CREATE TABLE same (same integer CONSTRAINT same CHECK (same <> 0));
CREATE TABLE "Upper Case".same (same integer CONSTRAINT same CHECK (same <> 0));
INSERT INTO same VALUES (1);
INSERT INTO "Upper Case".same VALUES (2);
