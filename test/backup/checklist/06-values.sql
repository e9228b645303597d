SET search_path = checklist, extensions;
SET TimeZone = 'America/New_York';
SET IntervalStyle = 'postgres';

CREATE TABLE numbers (id serial, s smallint, i integer, b bigint, n numeric, scaled numeric(20, 5), negative_scale numeric(5, -2), r real, d double precision, m money, o oid, w whole);
INSERT INTO numbers (s, i, b, n, scaled, negative_scale, r, d, m, o, w) VALUES
  (-32768, -2147483648, -9223372036854775808, 'NaN', 'NaN', 12345, 'NaN', 'NaN', '-92233720368547758.08', 4294967295, -5),
  (32767, 2147483647, 9223372036854775807, 'Infinity', 123456789012345.12345, 99949, 'Infinity', 'Infinity', '92233720368547758.07', 0, DEFAULT),
  (0, 0, 0, '-Infinity', -0.00001, -50, '-Infinity', '-Infinity', '0', 1, 0),
  (1, 1, 1, 0, 0, 0, '-0', '-0', '1.1', 2147483648, 1),
  (NULL, NULL, NULL, 1e131071, NULL, NULL, '1.17549435e-38', '2.2250738585072014e-308', NULL, NULL, NULL),
  (NULL, NULL, NULL, 1e-16383, NULL, NULL, '1e-45', '4.9e-324', NULL, NULL, NULL),
  (NULL, NULL, NULL, 1.10000000000000000000, NULL, NULL, '3.4028235e38', '1.7976931348623157e308', NULL, NULL, NULL),
  (NULL, NULL, NULL, 0.1, NULL, NULL, 0.1, 0.1, NULL, NULL, NULL),
  (NULL, NULL, NULL, -123456789012345678901234567890.123456789012345678901234567890, NULL, NULL, 16777217, 9007199254740993, NULL, NULL, NULL);

CREATE TABLE times (id serial, d date, t time, tz timetz, ts timestamp, tstz timestamptz, ms timestamptz(3), i interval, y interval YEAR TO MONTH, s interval SECOND(2));
INSERT INTO times (d, t, tz, ts, tstz, ms, i, y, s) VALUES
  ('infinity', '24:00:00', '24:00:00+15:59:59', 'infinity', 'infinity', 'infinity', '178000000 years', '5 years 3 months', '1.23 seconds'),
  ('-infinity', '00:00:00', '00:00:00-15:59:59', '-infinity', '-infinity', '-infinity', '-178000000 years', '-1 month', '-0.01 seconds'),
  ('4713-01-01 BC', '23:59:59.999999', '12:00:00.000001+05:30', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC', '0001-12-31 23:59:59.999+00 BC', '1 mon -2 days +03:04:05.000006', NULL, NULL),
  ('5874897-12-31', '00:00:00.000001', '12:00-00:00:01', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '1970-01-01 00:00:00.001+00', '-1 mons +2 days -03:04:05.000006', NULL, NULL),
  ('0044-03-15 BC', NULL, NULL, '2021-11-07 01:30:00', '2021-11-07 01:30:00 EST', '2021-11-07 01:30:00 EDT', '00:00:00', NULL, NULL),
  ('2000-02-29', NULL, NULL, '1900-01-01 00:00:00.000001', '1883-11-18 12:03:58-04:56:02', NULL, '2147483647 days 23:59:59.999999', NULL, NULL);

CREATE TABLE texts (id serial, t text, v varchar(10), c char(10), one "char", n name);
INSERT INTO texts (t, v, c, one, n) VALUES
  ('', '', '', '', ''), (NULL, NULL, NULL, NULL, NULL), ('\N', '\N', '\N', 'N', '\N'), ('\.', '\.', '\.', '.', '\.'), (E'\\.\n\\.', E'\n', E'\t', '\', 'NULL'),
  (E'\b\f\n\r\t\v\\', E'\r\n', E' \\ ', '\377', E'a\\b'), (E'\x01\x02\x03\x1b\x7f', E'\x1f', ' lead', E'\001', '"'), (' both ', ' both ', ' both ', ' ', ' x '),
  (U&'\00e9 \0065\0301 \+01F600 \FFFD \FEFF \2028 \200B', 'éééééééééé', 'é', 'z', 'é'), ('NULL', 'null', '""', '"', 'null'),
  ('{"not":"json"', 'a,b;c|d', '''quoted''', '''', 'COPY'), (E'--\n/* */; DROP TABLE x; $$', '\q', '\!', 'x', '\restrict'), (repeat(E'\\', 9999), repeat('x', 10), repeat('y', 10), 'y', repeat('n', 63));
CREATE TABLE line_breaks ("a
b" text);
INSERT INTO line_breaks SELECT repeat(E'\n', i) FROM generate_series(0, 20) AS i;

CREATE TABLE bytes (id serial, b bytea, fixed bit(9), varying bit varying(70), any_length bit varying);
INSERT INTO bytes (b, fixed, varying, any_length) SELECT decode(string_agg(lpad(to_hex(i), 2, '0'), ''), 'hex'), B'101010101', B'1', repeat('10', 500)::bit varying FROM generate_series(0, 255) AS i;
INSERT INTO bytes (b, fixed, varying, any_length) VALUES ('', B'000000000', B'', B''), (NULL, NULL, NULL, NULL), ('\x00', B'111111111', B'1111111111111111111111111111111111111111111111111111111111111111111111', B'0');

CREATE TABLE documents (id serial, j json, jb jsonb, x xml, path jsonpath, v tsvector, q tsquery, h hstore, ci citext, tree ltree);
INSERT INTO documents (j, jb, x, path, v, q, h, ci, tree) VALUES
  ('{"a": 1, "a" : 2,   "b":[1e400, 1.10, -0, "\u00e9\ud83d\ude00\t"]}', '{"a": 1, "a" : 2, "b":[1e400, 1.10, -0, "\u00e9\ud83d\ude00\t"]}', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "v">]><x a="1">&lt;é</x>', '$.a[*] ? (@ > 1)', 'a:1A fat:2B,4C ''it''''s'':5', 'fat & (rat | !cat) <2> ''a b'':*AB', 'a=>1, "b c"=>NULL, c=>"N\"U\\LL"', 'MiXeD', 'Top.Science.A_1'),
  (' [ ] ', '[]', 'text <b>and</b> more', 'strict $', '', '', '', '', ''), ('null', 'null', '', 'lax $', NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (E'"\\u0000 is allowed here"', '"\\u0000"', '<!-- c --><?p i?><a/>', '$[0 to last]', 'x:16383', '!x', 'NULL=>NULL', 'é', 'a');

CREATE TABLE places (id serial, i inet, c cidr, m macaddr, m8 macaddr8, p point, l line, s lseg, b box, open path, closed path, poly polygon, ci circle, cu cube);
INSERT INTO places (i, c, m, m8, p, l, s, b, open, closed, poly, ci, cu) VALUES
  ('192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '(NaN,-Infinity)', '{1,-1,0}', '[(0,0),(1,1)]', '(2,2),(1,1)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,0))', '<(0,0),NaN>', '(1,2,3),(4,5,6)'),
  ('::ffff:1.2.3.4', '::/0', NULL, NULL, '(-0,1e-320)', NULL, NULL, NULL, NULL, NULL, NULL, '<(1e300,-1e-300),0>', '(0)');

CREATE TABLE of_our_types (id serial, m mood, sp small_positive, nn never_null, pct percentages, a address, p person, ka known_address, w whole, z nothing);
INSERT INTO of_our_types (m, sp, nn, pct, a, p, ka, w, z) VALUES
  ('very sad', 1, '', '{1.10,NULL,NaN}', ROW('', 1, '{}'), ROW('"', ROW(E'\\"\n,()', NULL, '{"a b","c,d","{}",NULL,"NULL"}'), ARRAY[E'it''s "quoted",\nin two lines']::mood[]), ROW('x', 99, NULL), 0, ROW()),
  (NULL, NULL, 'x', NULL, NULL, NULL, NULL, -2147483648, NULL), ('HAPPY', 99, ' ', '{}', ROW(NULL, NULL, NULL), ROW(NULL, NULL, NULL), NULL, NULL, NULL);

CREATE TABLE ranges (id serial, i int4range, b int8range, n numrange, d daterange, ts tsrange, tstz tstzrange, f float_range, t text_range, sr short_range, im int4multirange, nm nummultirange, fm float_ranges, ir int4range[]);
INSERT INTO ranges (i, b, n, d, ts, tstz, f, t, sr, im, nm, fm, ir) VALUES
  ('empty', '[1,10]', '(1.10,2.200]', '[2020-02-29,infinity]', '(,)', '[-infinity,infinity]', '[-0,NaN]', '["a b","c""d\\")', '[1,9]', '{[1,3),[5,6)}', '{(,1),[2.0,2.0]}', '{[1,2),(3,Infinity)}', '{"[1,2)",empty,NULL}'),
  ('(,)', '(,5)', '[NaN,]', '(,2020-01-01)', 'empty', '[2020-01-01 00:00:00+00,)', 'empty', '["",","]', NULL, '{}', '{}', '{}', '{}'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE arrays (id serial, i integer[], bounds integer[], t text[][], by bytea[], n numeric(6, 2)[], ts timestamptz[], m mood[], a address[], d small_positive[], j jsonb[], r real[], v int2vector, ov oidvector, p point[], b box[]);
INSERT INTO arrays (i, bounds, t, by, n, ts, m, a, d, j, r, v, ov, p, b) VALUES
  ('{1,NULL,-2147483648}', '[-2:0]={1,2,3}', '{{a,"b c"},{NULL,"NULL"}}', ARRAY['\x00', '\xff22'::bytea, NULL], '{1.10,NaN}', '{infinity,"0044-03-15 12:00:00+00 BC"}', '{sad,HAPPY,NULL}', ARRAY[ROW('a"b', 1, '{x,"y,z"}')::address, NULL], '{1,2}', ARRAY['{"a":"\"{}"}'::jsonb], '{NaN,-0,Infinity,1e-45,NULL}', '1 2 3', '1 2 3', '{"(1,2)","(NaN,-0)"}', '{(2,2),(1,1);(4,4),(3,3)}'),
  ('{}', '[5:5][-1:0]={{1,2}}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', '', '{}', '{}'),
  ('{{{1,2},{3,4}},{{5,6},{7,8}}}', '[0:0]={NULL}', '{"",\\,"\"","{","}"," "}', NULL, NULL, NULL, ARRAY[E'it''s "quoted",\nin two lines']::mood[], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO arrays (r) SELECT array_agg((i / 7.0)::real ORDER BY i) FROM generate_series(1, 768) AS i;
CREATE TABLE embeddings (id integer PRIMARY KEY, e real[] NOT NULL);
INSERT INTO embeddings SELECT n, (SELECT array_agg(sin(n * 1000 + i)::real ORDER BY i) FROM generate_series(1, 256) AS i) FROM generate_series(1, 400) AS n;

CREATE TABLE system_types (id serial, u uuid, lsn pg_lsn, snap pg_snapshot, old_snap txid_snapshot, x xid, x8 xid8, c cid, t tid, cls regclass, ty regtype, pr regproc, pd regprocedure, op regoperator, cfg regconfig, ro regrole, ns regnamespace, co regcollation, acl aclitem[], cur refcursor);
INSERT INTO system_types (u, lsn, snap, old_snap, x, x8, c, t, cls, ty, pr, pd, op, cfg, ro, ns, co, acl, cur) VALUES
  ('00000000-0000-0000-0000-000000000000', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15', '10:20:10', '4294967295', '18446744073709551615', '0', '(4294967295,65535)', 'checklist.numbers', 'checklist.mood[]', 'checklist.mood_number', 'checklist.mood_number(checklist.mood)', 'checklist.<(checklist.whole,checklist.whole)', 'checklist.our_english', 'checklist_owner', 'checklist', 'checklist.ignore_case', '{checklist_owner=r*w/checklist_owner,=r/postgres}', E'a "cursor"'),
  (NULL, '0/0', NULL, NULL, NULL, NULL, NULL, '(0,0)', '-', '-', '-', '-', '0', '-', '-', '-', '-', '{}', '');

CREATE TABLE collated (id serial, natural_order text COLLATE numeric_order, case_blind text COLLATE ignore_case UNIQUE);
INSERT INTO collated (natural_order, case_blind) VALUES ('a10', 'Abc'), ('a9', 'abd'), ('é', 'É');

-- 1 MB values, in and out of line
CREATE TABLE megabytes (id serial PRIMARY KEY, compressible text, random text, bytes bytea, list text[], j jsonb);
INSERT INTO megabytes (compressible, random, bytes, list, j)
  SELECT repeat('all the same ', 80000), r, decode(r, 'hex'), string_to_array(r, 'a'), jsonb_build_object('key', r)
  FROM generate_series(1, 4) AS n CROSS JOIN LATERAL (SELECT string_agg(md5(n * 100000 + i || 'x'), '') AS r FROM generate_series(1, 32768) AS i) AS random;
INSERT INTO megabytes DEFAULT VALUES;
