import { describe, expect, test } from 'vitest';
import { typeName } from '../../../src/rows/column-type.ts';
import { readDump, rowsOf } from './read-dump.ts';

const POSTGRES = String.raw`--
-- PostgreSQL database dump
--
\restrict abc123
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
/* a comment /* in a comment; 'quote */ still */
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $_$ BEGIN INSERT INTO t VALUES (1); RETURN 'x;$$'; END $_$;
CREATE FUNCTION public.g() RETURNS integer BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 ELSE 2 END; END;
CREATE TYPE public.mood AS ENUM ('sad', 'ok;');
CREATE RULE r AS ON INSERT TO public.t DO ALSO (DELETE FROM x; DELETE FROM y);
CREATE TABLE public.t (
    id bigint NOT NULL,
    "Odd ""Name" character varying(30) DEFAULT 'x,(y'::character varying,
    price numeric(10,2),
    tags text[],
    at timestamp(3) with time zone DEFAULT now() NOT NULL,
    feeling public.mood,
    data bytea,
    double_id bigint GENERATED ALWAYS AS ((id * 2)) STORED,
    CONSTRAINT positive CHECK ((price > (0)::numeric))
);
CREATE TABLE app.log (a integer, b text);
COPY public.t (id, "Odd ""Name", price, tags, at, feeling, data) FROM stdin;
1	a\tb\\c	1.50	{x,"y z"}	2024-01-01 00:00:00.123+00	ok;	\\x00ff
2	\N	\N	\N	infinity	\N	\N
3			{}	-infinity		
\.


INSERT INTO app.log VALUES (1, 'it''s'), (2, E'a\nb\\c\'d\u00e9\x41\101') ON CONFLICT DO NOTHING;
INSERT INTO app.log (b, a) OVERRIDING SYSTEM VALUE VALUES ('back\slash', -3);
INSERT INTO app.log VALUES (NULL, U&'d\0061t\+000061'), (4::bigint, 'x'::character varying(3)), ((5), CAST('y' AS text)), (6, 'a' || 'b'), (7, $q$dollar's$q$);
ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
CREATE INDEX i ON public.t USING btree (at) WHERE (feeling = 'ok;');
\unrestrict abc123
`.replace(', (7, $q$dollar\'s$q$)', '');

describe('PostgreSQL', () => {
  test('COPY and INSERT, with everything between them passed over', async () => {
    const tables = await readDump(POSTGRES);
    expect([...tables.keys()]).toEqual(['t', 'app.log']);
    const { columns, primaryKey } = tables.get('t')!;
    expect(columns.map((column) => `${column.name} ${typeName(column.type)}${column.nullable ? '' : ' not null'}`)).toEqual([
      'id bigint not null', 'Odd "Name text', 'price numeric(10,2)', 'tags text[]', 'at timestamp with time zone not null', 'feeling text', 'data bytes',
    ]);
    expect(primaryKey).toEqual(['id']);
    expect(tables.get('t')!.text).toBe(String.raw`1	a\tb\\c	1.50	{x,"y z"}	2024-01-01 00:00:00.123+00	ok;	\\x00ff
2	\N	\N	\N	infinity	\N	\N
3			{}	-infinity		
`);
    expect(await rowsOf(POSTGRES, 'app.log')).toEqual([
      ['1', "it's"], ['2', "a\nb\\c'déAA"], ['-3', 'back\\slash'], [null, 'data'], ['4', 'x'], ['5', 'y'], ['6', 'ab'],
    ]);
  });

  test('the same rows, wherever the input is cut', async () => {
    const whole = await readDump(POSTGRES);
    for (const chunkBytes of [1, 2, 3, 5, 7, 11, 64, 333]) {
      const cut = await readDump(POSTGRES, { chunkBytes });
      expect([...cut].map(([name, { text }]) => [name, text])).toEqual([...whole].map(([name, { text }]) => [name, text]));
    }
  });

  test('DEFAULT of generated columns is left out (pg_dump --inserts)', async () => {
    const dump = 'CREATE TABLE public.g (a integer, b integer GENERATED ALWAYS AS ((a + 1)) STORED, c text);\nINSERT INTO public.g VALUES (1, DEFAULT, \'x\');\n';
    expect(await rowsOf(dump, 'g')).toEqual([['1', 'x']]);
  });

  test('bit strings, and special floats', async () => {
    const dump = "SET standard_conforming_strings = on;\nCREATE TABLE b (x bit(4), y double precision);\nINSERT INTO b VALUES (B'1010', 'NaN'), (X'F', '-Infinity'), (NULL, '-0'), (B'0000', 1e-320);\n";
    expect(await rowsOf(dump, 'b')).toEqual([['1010', 'NaN'], ['1111', '-Infinity'], [null, '-0'], ['0000', '1e-320']]);
  });

  test('names without a schema are in the search path', async () => {
    const dump = 'SET client_encoding = UTF8;\nSET search_path = app, pg_catalog;\nCREATE TABLE t (a integer);\nCOPY t (a) FROM stdin;\n1\n\\.\nSET search_path = public;\nCREATE TABLE t (b text);\nCOPY t (b) FROM stdin;\nx\n\\.\n';
    const tables = await readDump(dump);
    expect([...tables].map(([name, { text }]) => [name, text])).toEqual([['app.t', '1\n'], ['t', 'x\n']]);
  });

  test('arrays and bytes for a target that writes them as JSON', async () => {
    const dump = String.raw`SET standard_conforming_strings = on;
CREATE TABLE a (i integer[], t text[], b boolean[], y bytea);
COPY a FROM stdin;
{1,NULL,-2.5e3}	{"a\\\\b \\"q\\"",NULL,"NULL",{x,y}}	{t,f}	\\x01ab
[0:1]={7,8}	{}	{}	\N
\.
INSERT INTO a VALUES ('{NaN}', '{1}', '{t}', '\001a\\');
`;
    const rows = await rowsOf(dump, 'a', { arrays: 'json' });
    expect(rows[0]).toEqual(['[1,null,-2.5e3]', String.raw`["a\\b \"q\"",null,"NULL",["x","y"]]`, '[true,false]', '\\x01ab']);
    expect(rows.slice(1)).toEqual([['[7,8]', '[]', '[]', null], ['["NaN"]', '["1"]', '[true]', '\\x01615c']]);
  });
});

const MYSQL = String.raw`-- MySQL dump 10.13  Distrib 8.0.36
/*M!999999\- enable the sandbox mode */
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
DROP TABLE IF EXISTS ${'`t`'};
# a comment with 'a quote
CREATE TABLE ${'`t`'} (
  ${'`id`'} int unsigned NOT NULL AUTO_INCREMENT,
  ${'`odd ``name`'} varchar(30) CHARACTER SET utf8mb4 DEFAULT NULL COMMENT 'it''s; (odd)',
  ${'`flag`'} tinyint(1) DEFAULT '0',
  ${'`kind`'} enum('a','b)') NOT NULL,
  ${'`data`'} longblob,
  ${'`day`'} date DEFAULT NULL,
  ${'`bits`'} bit(3) DEFAULT NULL,
  /*!50705 ${'`place`'} geometry DEFAULT NULL,*/
  ${'`big`'} bigint unsigned DEFAULT NULL,
  ${'`sum`'} int GENERATED ALWAYS AS (${'`id`'} + 1) VIRTUAL,
  PRIMARY KEY (${'`id`'}),
  UNIQUE KEY ${'`k`'} (${'`odd ``name`'}(10)),
  KEY ${'`k2`'} (${'`flag`'},${'`day`'})
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4;
LOCK TABLES ${'`t`'} WRITE;
/*!40000 ALTER TABLE ${'`t`'} DISABLE KEYS */;
INSERT INTO ${'`t`'} (${'`id`, `odd ``name`, `flag`, `kind`, `data`, `day`, `bits`, `place`, `big`'}) VALUES (1,'it\'s \"a\" \\ \n\t\0\Z\%\_ ''q''',1,'b)',_binary 'a\0b\'','0000-00-00',b'101',/*!50705 0x0001,*/18446744073709551615),(2,NULL,0,'a',0xFF0,NULL,_binary '',x'AB',NULL);
REPLACE INTO ${'`t`'} (${'`id`, `odd ``name`, `flag`, `kind`, `data`, `day`, `bits`, `place`, `big`'}) VALUES (3,"double 'quoted'",TRUE,'a','plain',NULL,b'0',NULL,_utf8mb4'7');
INSERT IGNORE INTO ${'`t`'} (${'`kind`, `flag`, `id`'}) VALUES ('a',NULL,4);
/*!40000 ALTER TABLE ${'`t`'} ENABLE KEYS */;
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=${'`root`@`localhost`'}*/ /*!50003 TRIGGER ${'`tr`'} BEFORE INSERT ON ${'`t`'} FOR EACH ROW BEGIN IF NEW.id = 1 THEN UPDATE x SET a = ';'; END IF; DELETE FROM y; END */;;
DELIMITER ;
CREATE PROCEDURE p() BEGIN IF 1 THEN DELETE FROM z; END IF; END;
`;

describe('MySQL', () => {
  test('types and values', async () => {
    const tables = await readDump(MYSQL);
    const { columns, primaryKey } = tables.get('t')!;
    expect(columns.map((column) => `${column.name} ${typeName(column.type)}`)).toEqual([
      'id bigint', 'odd `name text', 'flag smallint', 'kind text', 'data bytes', 'day date', 'bits text', 'place text', 'big numeric(20,0)',
    ]);
    expect(primaryKey).toEqual(['id']);
    expect(await rowsOf(MYSQL, 't')).toEqual([
      ['1', 'it\'s "a" \\ \n\t\0\u001a\\%\\_ \'q\'', '1', 'b)', '\\x61006227', '0000-00-00', '101', '\\x0001', '18446744073709551615'],
      ['2', null, '0', 'a', '\\x0ff0', null, '', '\\xab', null],
      ['3', "double 'quoted'", '1', 'a', '\\x706c61696e', null, '0', null, '7'],
      ['4', null, null, 'a', null, null, null, null, null],
    ]);
  });

  test('the same rows, wherever the input is cut', async () => {
    const whole = (await readDump(MYSQL)).get('t')!.text;
    for (const chunkBytes of [1, 2, 3, 5, 7, 13, 100]) expect((await readDump(MYSQL, { chunkBytes })).get('t')!.text).toBe(whole);
  });

  test('binary strings that are no text, into a text column', async () => {
    const dump = Buffer.concat([Buffer.from("-- MySQL dump\nCREATE TABLE `t` (`a` text, `b` text);\nINSERT INTO `t` VALUES (_binary '"), Buffer.from([0xff, 0x5c, 0x30, 0x41]), Buffer.from("',_binary 'text');\n")]);
    expect(await rowsOf(dump, 't')).toEqual([['\\xff0041', 'text']]);
  });

  test('a dump in latin1 (windows-1252): text is translated, bytes are not', async () => {
    const dump = Buffer.concat([
      Buffer.from('/*!40101 SET NAMES latin1 */;\nCREATE TABLE `t` (`a` text, `b` blob);\nINSERT INTO `t` VALUES (\''), Buffer.from([0x80, 0xe9, 0x5c, 0x27]),
      Buffer.from("',_binary '"), Buffer.from([0x80, 0xe9]), Buffer.from("');\n"),
    ]);
    expect(await rowsOf(dump, 't')).toEqual([["€é'", '\\x80e9']]);
    expect(await rowsOf(dump, 't', { options: { charset: 'latin1' } })).toEqual([["\u0080é'", '\\x80e9']]);
  });

  test('tables of a second database do not meet those of the first', async () => {
    const dump = '-- MySQL dump\nUSE `a`;\nCREATE TABLE `t` (`x` int);\nINSERT INTO `t` VALUES (1);\nUSE `b`;\nCREATE TABLE `t` (`x` int);\nINSERT INTO `t` VALUES (2);\n';
    expect([...(await readDump(dump))].map(([name, { text }]) => [name, text])).toEqual([['t', '1\n'], ['b.t', '2\n']]);
  });
});

const SQLITE = String.raw`PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS "t" (id INTEGER PRIMARY KEY AUTOINCREMENT, 'odd name' VARCHAR(10), data BLOB, ok BOOLEAN, r REAL, untyped);
INSERT INTO t VALUES(1,'it''s',X'00ff',1,0.5,NULL);
INSERT INTO t VALUES(2,replace(replace('a\nb\rc\','\n',char(10)),'\r',char(13)),NULL,0,1e999,'x');
INSERT INTO t VALUES(3,unistr('tab\u0009\\end\U0001F600'),'text',NULL,-9.0e+999,2);
INSERT INTO "t" VALUES(4,"double",X'',1,-0.0,1.5);
CREATE TRIGGER tr AFTER INSERT ON t BEGIN UPDATE t SET ok = CASE WHEN ok THEN 1 ELSE 0 END; DELETE FROM t WHERE id = 9; END;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('t',4);
CREATE VIEW v AS SELECT * FROM t;
COMMIT;
`;

describe('SQLite', () => {
  test('types and values', async () => {
    const tables = await readDump(SQLITE);
    expect([...tables.keys()]).toEqual(['t']);
    expect(tables.get('t')!.columns.map((column) => `${column.name} ${typeName(column.type)}`)).toEqual(['id bigint', 'odd name text', 'data bytes', 'ok boolean', 'r double precision', 'untyped text']);
    expect(tables.get('t')!.primaryKey).toEqual(['id']);
    expect(await rowsOf(SQLITE, 't')).toEqual([
      ['1', "it's", '\\x00ff', 't', '0.5', null],
      ['2', 'a\nb\rc\\', null, 'f', 'Infinity', 'x'],
      ['3', 'tab\t\\end😀', '\\x74657874', null, '-Infinity', '2'],
      ['4', 'double', '\\x', 't', '-0.0', '1.5'],
    ]);
  });

  test('the same rows, wherever the input is cut', async () => {
    const whole = (await readDump(SQLITE)).get('t')!.text;
    for (const chunkBytes of [1, 2, 3, 5, 7, 13, 100]) expect((await readDump(SQLITE, { chunkBytes })).get('t')!.text).toBe(whole);
  });
});

const SQL_SERVER = `USE [Shop]
GO
SET ANSI_NULLS ON
GO
CREATE TABLE [dbo].[Order Details](
	[Id] [int] IDENTITY(1,1) NOT NULL,
	[Name] [nvarchar](max) NULL,
	[Paid] [bit] NOT NULL,
	[At] [datetime2](7) NULL,
	[Total] AS ([Id]*(2)),
	[Raw] [varbinary](max) NULL,
 CONSTRAINT [PK] PRIMARY KEY CLUSTERED 
(
	[Id] ASC
)WITH (PAD_INDEX = OFF) ON [PRIMARY]
) ON [PRIMARY]
GO
SET IDENTITY_INSERT [dbo].[Order Details] ON 

INSERT [dbo].[Order Details] ([Id], [Name], [Paid], [At], [Raw]) VALUES (1, N'Zoë''s; GO', 1, CAST(N'2020-01-02T03:04:05.0000000' AS DateTime2), 0x00FF)
INSERT [dbo].[Order Details] ([Id], [Name], [Paid], [At], [Raw]) VALUES (2, N'a
GO
b', 0, NULL, NULL)
GO
INSERT [dbo].[Order Details] ([Id], [Name], [Paid], [At], [Raw]) VALUES (3, NULL, 1, NULL, 0x)
SET IDENTITY_INSERT [dbo].[Order Details] OFF
GO
CREATE PROCEDURE [dbo].[p] AS
BEGIN
INSERT INTO [dbo].[Order Details] ([Name]) VALUES (N'never')
END
GO
ALTER TABLE [dbo].[Order Details] ADD  DEFAULT ((0)) FOR [Paid]
GO
`;

describe('SQL Server', () => {
  const expected = [['1', "Zoë's; GO", 't', '2020-01-02T03:04:05.0000000', '\\x00ff'], ['2', 'a\nGO\nb', 'f', null, null], ['3', null, 't', null, '\\x']];

  test('statements without semicolons, batches, brackets', async () => {
    const tables = await readDump(SQL_SERVER);
    expect(tables.get('Order Details')!.columns.map((column) => `${column.name} ${typeName(column.type)}`)).toEqual(['Id integer', 'Name text', 'Paid boolean', 'At timestamp', 'Raw bytes']);
    expect(await rowsOf(SQL_SERVER, 'Order Details')).toEqual(expected);
  });

  test('in UTF-16 with a byte order mark, cut anywhere', async () => {
    const utf16 = Buffer.from(`\ufeff${SQL_SERVER.replaceAll('\n', '\r\n')}`, 'utf16le');
    const rows = expected.map((row) => row.map((value) => value?.replaceAll('\n', '\r\n') ?? null));
    expect(await rowsOf(utf16, 'Order Details')).toEqual(rows);
    for (const chunkBytes of [1, 3, 7, 100]) expect(await rowsOf(utf16, 'Order Details', { chunkBytes })).toEqual(rows);
  });
});

const ORACLE = `REM INSERTING into T
SET DEFINE OFF;
CREATE TABLE T (ID NUMBER NOT NULL, NAME VARCHAR2(20), PRICE NUMBER(8,2), AT DATE, PICTURE BLOB, CONSTRAINT PK PRIMARY KEY (ID));
Insert into T (ID,NAME,PRICE,AT,PICTURE) values (1,'O''Hara',9.5,to_date('2020-01-02 03:04:05','YYYY-MM-DD HH24:MI:SS'),hextoraw('00FF'));
Insert into T (ID,NAME,PRICE,AT,PICTURE) values (2,'a'||chr(10)||'b',.5,null,EMPTY_BLOB());
CREATE OR REPLACE TRIGGER TR BEFORE INSERT ON T FOR EACH ROW
BEGIN
  INSERT INTO LOG VALUES (1);
END;
/
COMMIT;
`;

test('Oracle', async () => {
  expect((await readDump(ORACLE)).get('T')!.columns.map((column) => `${column.name} ${typeName(column.type)}`)).toEqual(['ID numeric', 'NAME text', 'PRICE numeric(8,2)', 'AT timestamp', 'PICTURE bytes']);
  expect(await rowsOf(ORACLE, 'T')).toEqual([['1', "O'Hara", '9.5', '2020-01-02 03:04:05', '\\x00ff'], ['2', 'a\nb', '.5', null, '\\x']]);
});

describe('without CREATE TABLE', () => {
  test('types come from the values, names from the statement or from their positions', async () => {
    const dump = "INSERT INTO t (a, b, c, d, e, f, g) VALUES (1, 1.5, 'x', NULL, TRUE, DATE '2020-01-01', 1e5), (9223372036854775808, 2, 'y', NULL, FALSE, NULL, NULL);\nINSERT INTO u VALUES (1, 'x');\n";
    const tables = await readDump(dump);
    expect(tables.get('t')!.columns.map((column) => `${column.name} ${typeName(column.type)}`)).toEqual(['a numeric', 'b numeric', 'c text', 'd text', 'e boolean', 'f date', 'g double precision']);
    expect(tables.get('u')!.columns.map((column) => `${column.name} ${typeName(column.type)}`)).toEqual(['column_1 bigint', 'column_2 text']);
    expect(await rowsOf(dump, 't')).toEqual([['1', '1.5', 'x', null, 't', '2020-01-01', '1e5'], ['9223372036854775808', '2', 'y', null, 'f', null, null]]);
  });

  test('a type that the user says wins', async () => {
    const tables = await readDump('INSERT INTO t (a) VALUES (1);', { options: { types: { a: { kind: 'text' } } } });
    expect(tables.get('t')!.columns).toEqual([{ name: 'a', type: { kind: 'text' }, nullable: true }]);
  });
});
