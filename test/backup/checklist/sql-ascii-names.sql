-- For a database in SQL_ASCII: names of tables, columns and labels that are no UTF-8 either.
SELECT E'CREATE TABLE "na\xefve" ("col\xff" text DEFAULT ''d\xe9faut'', e "en\xe9um")' AS make_table, E'CREATE TYPE "en\xe9um" AS ENUM (''\xe0'', ''b'')' AS make_type,
  E'INSERT INTO "na\xefve" (e) VALUES (''\xe0''), (NULL)' AS add_rows, E'COMMENT ON TABLE "na\xefve" IS ''\xa9 a comment''' AS say \gset
:make_type;
:make_table;
:add_rows;
:say;
