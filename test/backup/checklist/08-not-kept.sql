-- What no restore by SQL keeps as it was, neither that of pg_restore: the copy has the same rows and does the same, and pg_dump writes it in another way.
SET search_path = checklist, extensions;

-- A column that a parent got later stands behind the child's own in the child, and before them in a copy.
CREATE TABLE grown_parent (id integer);
CREATE TABLE grown_child (own text) INHERITS (grown_parent);
ALTER TABLE grown_parent ADD COLUMN late integer;
INSERT INTO grown_child VALUES (1, 'own', 2);
-- The server writes these otherwise once it has read what it wrote.
CREATE VIEW of_values AS SELECT n FROM (VALUES (1, 'it''s'), (2, 'b')) AS "values of it" (n, t);
CREATE VIEW "plain values" ("Column", other) AS VALUES (1, 'a'), (2, 'b');
CREATE VIEW of_a_row AS SELECT 1 AS a;
CREATE FUNCTION takes_a_row(of_a_row) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';
CREATE OR REPLACE VIEW of_a_row AS SELECT 1 AS a, takes_a_row(ROW(1)) AS b;
