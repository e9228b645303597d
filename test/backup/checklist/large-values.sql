-- Values of 100 MB, one that compresses and one that does not. For long runs only.
CREATE TABLE large_values (id integer PRIMARY KEY, t text, b bytea);
ALTER TABLE large_values ALTER COLUMN b SET STORAGE EXTERNAL;
INSERT INTO large_values VALUES (1, repeat('0123456789', 10 * 1024 * 1024), NULL);
INSERT INTO large_values SELECT 2, NULL, decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, 6553600) AS i;
INSERT INTO large_values VALUES (3, 'a small one', '\x00');
