-- For a database of its own, with the encoding SQL_ASCII: bytes without an encoding, of which some are no UTF-8, and of which no other
-- client encoding may be asked for. The file is ASCII; the escapes make the bytes.
CREATE TABLE raw_bytes (id integer PRIMARY KEY, t text, v varchar(5), a text[]);
INSERT INTO raw_bytes VALUES
  (1, E'caf\xe9', E'\xff\xfe', ARRAY[E'\x80', NULL, E'"\xc3']), (2, E'caf\xc3\xa9', E'\xc3\xa9\xc3\xa9', '{}'), (3, E'\xed\xa0\x80 \xf8\x88', E'\xc0\xaf', NULL),
  (4, E'plain \\ \t\n', '', '{plain}');
INSERT INTO raw_bytes SELECT 100 + i, chr(i) || E'\xfe' || chr(i), NULL, NULL FROM generate_series(1, 127) AS i;
CREATE INDEX raw_bytes_t ON raw_bytes (t);
