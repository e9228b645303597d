import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReadRequest, TablePart } from '../../../src/formats/format.ts';
import { sqlFormat } from '../../../src/formats/sql/sql-format.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../../src/rows/row-encoding.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { decode, failureOf, readDump, rowsOf } from './read-dump.ts';

const signal = new AbortController().signal;

async function open(content: string, request: Partial<ReadRequest> = {}): Promise<AsyncGenerator<TablePart, void, undefined>> {
  const inspected = await sqlFormat.inspect(memorySource(content, { name: 'dump.sql' }), {}, 'sample', signal);
  return sqlFormat.read(inspected, {
    jobs: 1, partBytes: 1 << 20, signal,
    bind: async (table) => ({ table: table.name!.name, fields: table.columns.map(({ name, type }) => ({ source: name, type, arrays: 'postgres' })), encoding: COPY_TEXT, ignored: [] }),
    ...request,
  });
}

async function textOf(part: TablePart): Promise<string> {
  let text = '';
  for await (const chunk of part.chunks) text += Buffer.from(chunk).toString();
  return text;
}

describe('parts', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => `(${i}, 'row number ${i}')`);
  const dump = `CREATE TABLE t (a integer, b text);\n\nINSERT INTO t VALUES\n${rows.join(',\n')};\n`;

  test('are full at partBytes, numbered, and cover every row', async () => {
    let next = 1;
    let index = 0;
    for await (const part of await open(dump, { partBytes: 4096 })) {
      const text = await textOf(part);
      expect(part.part).toEqual({ index: index++, interval: { kind: 'rows', start: next - 1, end: next - 1 + decode(text).length } });
      expect(part.firstRow).toBe(next);
      expect(part.counts().read).toBe(decode(text).length);
      expect(text.length).toBeLessThanOrEqual(4096 + 40);
      next += part.counts().read;
    }
    expect(next).toBe(1001);
    expect(index).toBeGreaterThan(5);
  });

  test('the bytes of all parts are those of the source, but for what follows the last row', async () => {
    let bytes = 0;
    for await (const part of await open(dump, { partBytes: 4096 })) {
      await textOf(part);
      bytes += part.counts().bytes;
    }
    expect(bytes).toBeGreaterThan(dump.length - 200);
    expect(bytes).toBeLessThanOrEqual(dump.length);
  });

  test('a line of a part is found in the source: row, line and byte', async () => {
    for await (const part of await open(dump, { partBytes: 4096 })) {
      const first = decode(await textOf(part))[2];
      const place = await part.locate!(3);
      expect(place.row).toBe(Number(first[0]) + 1);
      expect(place.line).toBe(Number(first[0]) + 4);
      expect(dump.slice(place.byte)).toMatch(new RegExp(`^\\(${first[0]}, `));
      expect(place.file).toBe('dump.sql');
    }
  });

  test('places in COPY, where values have line ends of their own before', async () => {
    const copy = 'CREATE TABLE t (a integer, b text);\nINSERT INTO t VALUES (0, \'x\ny\n\');\nCOPY t (a, b) FROM stdin;\n1\tx\n2\ty\n\\.\n';
    const found = [];
    for await (const part of await open(copy)) {
      await textOf(part);
      for (const line of [1, 2, 3, 9]) found.push(await part.locate!(line));
    }
    expect(found.map(({ row, line }) => [row, line])).toEqual([[1, 2], [2, 6], [3, 7], [undefined, undefined]]);
    expect(found[2].byte).toBe(copy.indexOf('2\ty'));
  });

  test('the producer waits when the consumers have what they may have', async () => {
    const parts = await open(dump, { partBytes: 1024, jobs: 2 });
    const first = await parts.next();
    const second = await parts.next();
    let third = false;
    const waiting = parts.next().then((result) => {
      third = true;
      return result;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(third).toBe(false);
    await textOf(first.value as TablePart);
    const released = await waiting;
    expect((released.value as TablePart).part.index).toBe(2);
    await (second.value as TablePart).chunks[Symbol.asyncIterator]().return!();
    await (released.value as TablePart).chunks[Symbol.asyncIterator]().return!();
    await parts.return();
  });

  test('a producer that waits is cancelled', async () => {
    const controller = new AbortController();
    const parts = await open(dump, { partBytes: 1024, signal: controller.signal });
    await parts.next();
    const waiting = parts.next();
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('chunks given back without being read free their place', async () => {
    let parts = 0;
    for await (const part of await open(dump, { partBytes: 1024 })) {
      await part.chunks[Symbol.asyncIterator]().return!();
      parts++;
    }
    expect(parts).toBeGreaterThan(10);
  });
});

describe('several tables', () => {
  test('a table that the dump comes back to goes on with its row numbers', async () => {
    const statements = Array.from({ length: 300 }, (_, i) => `INSERT INTO ${['a', 'b', 'c'][i % 3]} (x) VALUES (${i}), (${-i});`);
    for (const partBytes of [64, 300, 1 << 20]) {
      const tables = await readDump(statements.join('\n'), { partBytes });
      expect([...tables.keys()]).toEqual(['a', 'b', 'c']);
      [...tables.values()].forEach(({ text }, which) => {
        expect(decode(text).flat()).toEqual(Array.from({ length: 100 }, (_, i) => [String(i * 3 + which), String(0 - i * 3 - which)]).flat());
      });
    }
  });

  test('more tables than buffers', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `t${i}`);
    const dump = [0, 1, 2].flatMap((round) => names.map((name) => `INSERT INTO ${name} (x) VALUES (${round});`)).join('\n');
    const tables = await readDump(dump);
    expect([...tables.keys()]).toEqual(names);
    for (const { text } of tables.values()) expect(text).toBe('0\n1\n2\n');
  });

  test('tables that nobody wants are read, counted and left out', async () => {
    const skipped: [string, number][] = [];
    const parts = await open('INSERT INTO a (x) VALUES (1), (2);\nCOPY b (x) FROM stdin;\n1\n2\n3\n\\.\nINSERT INTO c (x) VALUES (9);', {
      bind: async (table) => (table.name!.name === 'c' ? { table: 'c', fields: [{ source: 'x', type: { kind: 'text' }, arrays: 'postgres' }], encoding: COPY_TEXT, ignored: [] } : null),
      onSkipped: (table, rows) => skipped.push([table.name!.name, rows]),
    });
    const read = [];
    for await (const part of parts) read.push(await textOf(part));
    expect(read).toEqual(['9\n']);
    expect(skipped).toEqual([['a', 2], ['b', 3]]);
  });

  test('tables without rows are inspected, and never bound', async () => {
    const dump = 'CREATE TABLE e (a integer);\nCREATE TABLE f (a integer);\nCOPY e (a) FROM stdin;\n\\.\nCOPY f (a) FROM stdin;\n1\n\\.\n';
    const inspected = await sqlFormat.inspect(memorySource(dump), {}, 'sample', signal);
    expect(inspected.tables.map((table) => [table.name, table.estimatedRows])).toEqual([[{ name: 'e' }, 0], [{ name: 'f' }, 1]]);
    expect([...(await readDump(dump)).keys()]).toEqual(['f']);
  });
});

describe('fields', () => {
  const dump = "CREATE TABLE t (a integer, b text, c boolean);\nINSERT INTO t VALUES (1, 'x', TRUE);\nCOPY t (c, a, b) FROM stdin;\nf\t2\ty\\\\z\n\\.\nINSERT INTO t (b, a) VALUES ('z', 3);\n";

  test('in the order that is asked for, some left out on purpose, some absent', async () => {
    const rows = await rowsOf(dump, 't', {
      bind: (_table, usual) => ({
        ...usual,
        fields: [{ source: 'c', type: { kind: 'integer', bits: 32 }, arrays: 'postgres' }, { source: 'nowhere', type: { kind: 'text' }, arrays: 'postgres', absent: true }, { source: 'b', type: { kind: 'text' }, arrays: 'postgres' }],
        ignored: ['a'],
      }),
    });
    expect(rows).toEqual([['1', null, 'x'], ['f', null, 'y\\z'], [null, null, 'z']]);
  });

  test('a column that is neither wanted nor left out on purpose is an error', async () => {
    const failure = await failureOf(dump, { bind: (_table, usual) => ({ ...usual, fields: usual.fields.slice(0, 2) }) });
    expect(failure).toMatchObject({ code: 'COLUMN_UNKNOWN', at: { table: 't', column: 'c', line: 2 } });
  });

  test('as canonical CSV', async () => {
    const text = (await readDump("CREATE TABLE t (a text, b text);\nINSERT INTO t VALUES ('', NULL), ('a,b', 'say \"hi\"'), ('line\nend\t\\', 'plain');", { encoding: CANONICAL_CSV })).get('t')!.text;
    expect(text).toBe('"",\n"a,b","say ""hi"""\n"line\nend\t\\",plain\n');
  });

  test('CSV of long values', async () => {
    const long = 'x,"'.repeat(200_000);
    const text = (await readDump(`INSERT INTO t (a, b) VALUES ('${long}', 'y');`, { encoding: CANONICAL_CSV })).get('t')!.text;
    expect(text).toBe(`"${long.replaceAll('"', '""')}",y\n`);
  });

  test('COPY lines with CR LF, and with a backslash before the line end', async () => {
    expect(await rowsOf('COPY t (a, b) FROM stdin;\r\n1\tx\r\n2\ty\r\n\\.\r\n', 't')).toEqual([['1', 'x'], ['2', 'y']]);
    expect((await readDump('COPY t (a, b) FROM stdin;\n1\tx\\\ny\n2\tz\n\\.\n')).get('t')!.text).toBe('1\tx\\ny\n2\tz\n');
  });
});

describe('inspection', () => {
  test('of the head only: what it ends within is no fault', async () => {
    const filler = `INSERT INTO t VALUES ${Array.from({ length: 60_000 }, (_, i) => `(${i}, '${'x'.repeat(80)}')`).join(',')};\nINSERT INTO late (a) VALUES (1);`;
    const dump = `CREATE TABLE t (a integer, b text);\n${filler}`;
    expect(dump.length).toBeGreaterThan(5 * 1024 * 1024);
    const sample = await sqlFormat.inspect(memorySource(dump), {}, 'sample', signal);
    expect([sample.depth, sample.tables.map((table) => [table.name?.name, table.estimatedRows])]).toEqual(['sample', [['t', undefined]]]);
    const full = await sqlFormat.inspect(memorySource(dump), {}, 'full', signal);
    expect([full.depth, full.tables.map((table) => [table.name?.name, table.estimatedRows])]).toEqual(['full', [['t', 60_000], ['late', 1]]]);
    expect([...(await readDump(dump)).values()].map(({ rows }) => rows)).toEqual([60_000, 1]);
  });

  test('says dialect, character set, and what is passed over', async () => {
    const dump = '-- MySQL dump 10.13\n/*!40101 SET NAMES latin1 */;\nCREATE TABLE `t` (`a` int);\nCREATE UNIQUE INDEX i ON t (a);\nALTER TABLE t ENGINE=InnoDB;\n';
    const { details } = await sqlFormat.inspect(memorySource(dump), {}, 'sample', signal);
    expect(details).toEqual({ dialect: 'MySQL or MariaDB', charset: 'windows-1252', statementsPassedOver: { SET: 1, 'CREATE INDEX': 1, 'ALTER TABLE': 1 } });
  });

  test('columns that no statement fills are not expected of the rows', async () => {
    const dump = 'CREATE TABLE t (id serial PRIMARY KEY, a text, b text DEFAULT \'x\');\nINSERT INTO t (a) VALUES (\'1\');\n';
    const { tables } = await sqlFormat.inspect(memorySource(dump), {}, 'sample', signal);
    expect(tables).toEqual([{ name: { name: 't' }, columns: [{ name: 'a', type: { kind: 'text' }, nullable: true }], estimatedRows: 1 }]);
  });

  test('a later value widens a type that only values tell', async () => {
    const dump = `INSERT INTO t (a) VALUES (1);\n${'INSERT INTO t (a) VALUES (2);\n'.repeat(300)}INSERT INTO t (a) VALUES ('three');\n`;
    const { tables } = await sqlFormat.inspect(memorySource(dump), {}, 'full', signal);
    expect(tables[0].columns[0].type).toEqual({ kind: 'text' });
  });

  test('a stand-in for a view is no table', async () => {
    const dump = '-- MySQL dump\n/*!50001 CREATE TABLE `v` (`a` int) ENGINE=MyISAM */;\n/*!50001 DROP TABLE IF EXISTS `v`*/;\n/*!50001 CREATE VIEW `v` AS SELECT 1 AS `a`*/;\nCREATE TABLE `t` (`a` int);\n';
    const { tables } = await sqlFormat.inspect(memorySource(dump), {}, 'sample', signal);
    expect(tables.map((table) => table.name?.name)).toEqual(['t']);
  });
});

test('any text survives any way of writing it, wherever it is cut', async () => {
  const value = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom('\\', "'", '"', '\n', '\t', ',', ')', ';', '\r', '-', '/', '*', '$', 'é', ' ') }));
  const clean = (text: string): string => text.replaceAll('\0', '').toWellFormed();
  const row = fc.tuple(value, value);
  const quoted = (text: string | null): string => (text === null ? 'NULL' : `'${clean(text).replaceAll("'", "''")}'`);
  const mysql = (text: string | null): string => (text === null ? 'NULL' : `'${clean(text).replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`);
  const copy = (text: string | null): string => (text === null ? '\\N' : clean(text).replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r'));
  await fc.assert(fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 40 }), async (rows, chunkBytes) => {
    const expected = rows.map((one) => one.map((text) => (text === null ? null : clean(text))));
    const dumps = [
      `SET standard_conforming_strings = on;\nINSERT INTO t (a, b) VALUES ${rows.map((one) => `(${one.map(quoted).join(', ')})`).join(',')};`,
      `-- MySQL dump\n${rows.map((one) => `INSERT INTO \`t\` (\`a\`, \`b\`) VALUES (${one.map(mysql).join(',')});\n`).join('')}`,
      `COPY t (a, b) FROM stdin;\n${rows.map((one) => `${one.map(copy).join('\t')}\n`).join('')}\\.\n`,
    ];
    for (const dump of dumps) expect(await rowsOf(dump, 't', { chunkBytes })).toEqual(expected);
  }), { numRuns: 150 });
});
