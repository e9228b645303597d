-- What the kill test backs up besides the oddities: tables of many page groups, long values, embeddings, keys and indexes that take their time.
CREATE SCHEMA large;
CREATE TABLE large.customers (id integer PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO large.customers SELECT i, 'customer ' || i FROM generate_series(1, 5000) AS i;
CREATE TABLE large.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL REFERENCES large.customers, at timestamptz NOT NULL, note text);
INSERT INTO large.orders (customer, at, note) SELECT 1 + i % 5000, '2024-01-01'::timestamptz + i * interval '1 minute', repeat(md5(i::text), 3) FROM generate_series(1, 60000) AS i;
CREATE INDEX ON large.orders (at);
CREATE INDEX ON large.orders (customer, at);
CREATE TABLE large.documents (id integer PRIMARY KEY, body text);
ALTER TABLE large.documents ALTER body SET STORAGE EXTERNAL;
INSERT INTO large.documents SELECT i, repeat(md5(i::text), 2500) FROM generate_series(1, 120) AS i;
CREATE TABLE large.embeddings (id integer, v real[]);
-- Long, and nothing in them compresses: a restore has the server not try.
INSERT INTO large.embeddings SELECT i, (SELECT array_agg((hashint8(i * 768 + k)::float8 / 2147483648)::real ORDER BY k) FROM generate_series(1, 768) AS k) FROM generate_series(1, 4000) AS i;
CREATE UNLOGGED TABLE large.scratch AS SELECT i, md5(i::text) FROM generate_series(1, 20000) AS i;
CREATE MATERIALIZED VIEW large.totals AS SELECT customer, count(*) AS n FROM large.orders GROUP BY customer;
SELECT lo_from_bytea((6000000 + i)::oid, decode(repeat(md5(i::text), 20000), 'hex')) FROM generate_series(1, 10) AS i;
