/** Reading: one consistent state, what was asked for and nothing else, names of every kind, tables of every shape. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { copyTables, exportTable, importFile } from '../../src/index.ts';
import { TEXT, type ColumnType } from '../../src/rows/column-type.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../src/rows/row-encoding.ts';
import { displayName, type Column, type TableName } from '../../src/rows/table-schema.ts';
import { parseCsv } from '../helpers/reference-csv.ts';
import { drainReader, failureOf, inSession, loadRows, never, readRows, sorted, tableNames, tableRequest, temporaryFolder, withConnection, writePart, type DatabaseUnderTest, type Row } from './database-under-test.ts';

const INTEGER: ColumnType = { kind: 'integer', bits: 32 };

/** Names that break quoting, paths, or the assumption that a name is a word. */
const NAMES: readonly string[] = [
  'two words', 'double"quote', "it's; DROP TABLE x; --", 'dot.ted', 'UPPER', 'line\nbreak\ttab', 'back\\slash', 'com,ma(x)', 'per%cent', 'sla/sh', '1st $1', '日本 🦆 ü', '*?[a]{b}', '..', '-- /* */',
  '"', 'c1', 'x'.repeat(60),
];

const RESERVED: readonly string[] = ['select', 'table', 'order', 'group', 'user', 'where', 'null', 'true', 'default', 'primary', 'values', 'from', 'column', 'end', 'rowid', 'offset', 'analyze', 'do'];

export function connectorReading(database: DatabaseUnderTest): void {
  const folder = temporaryFolder();
  const run = { workspace: join(folder, 'workspace') };
  const { traits } = database;
  const sql = (url: string, text: string): Promise<Row[]> => database.sql(url, text);
  const textColumns = (names: readonly string[]): Column[] => names.map((name) => ({ name, type: TEXT, nullable: true }));

  async function filled(name: string, rows = 5_000): Promise<string> {
    const url = await database.createDatabase();
    await sql(url, `CREATE TABLE ${name} AS SELECT i AS id, 'row ' || i AS name, i % 7 AS rest FROM ${database.kind === 'postgres' ? `generate_series(0, ${rows - 1})` : `range(${rows})`} AS r(i)`);
    return url;
  }

  describe('names', () => {
    it('of tables and columns may be anything, in, listed, described, out, through a folder, and copied', { timeout: 60_000 }, async () => {
      const url = await database.createDatabase();
      const row = (index: number): Row[] => [[`${index}`, 'second']];
      await withConnection(url, async (connection) => {
        await inSession(connection, async (session) => {
          for (const [index, name] of NAMES.entries()) {
            const load = await session.begin(await session.plan({ table: { name }, mode: 'append', columns: textColumns([name, `${name} 2`]) }));
            await writePart(load, index, row(index));
          }
        });
        expect(await tableNames(connection)).toEqual(NAMES.toSorted());
        // Again, into what is there now.
        await inSession(connection, async (session) => {
          for (const [index, name] of NAMES.entries()) {
            expect((await connection.describeTable({ name }))!.columns.map((column) => column.name)).toEqual([name, `${name} 2`]);
            const load = await session.begin(await session.plan({ table: { name }, mode: 'replace', columns: textColumns([`${name} 2`, name]) }));
            await writePart(load, index, [['second', `${index}`]]);
          }
        });
      });
      const out = join(folder, `names-${database.kind}`);
      const exported = await exportTable({ from: url, to: `${out}/`, format: 'csv', ...run }).receipt;
      expect(exported.tables.map(({ name, read, written }) => ({ name, read, written })).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(NAMES.toSorted().map((name) => ({ name, read: 1, written: 1 })));
      expect(readdirSync(out)).toHaveLength(NAMES.length);
      const copied = await database.createDatabase();
      await copyTables({ from: url, to: copied, ...run }).receipt;
      const imported = await database.createDatabase();
      for (const [index, file] of readdirSync(out).entries()) {
        const [header] = parseCsv(readFileSync(join(out, file), 'utf8'));
        // A table's name in SQL quotes, so that dots are part of it.
        await importFile({ source: join(out, file), to: imported, table: `"${header[0].replaceAll('"', '""')}"`, mode: 'append', read: { csv: { delimiter: ',', header: true } }, jobs: 1 + (index % 2), ...run }).receipt;
      }
      for (const other of [copied, imported]) {
        await withConnection(other, async (connection) => {
          expect(await tableNames(connection)).toEqual(NAMES.toSorted());
          const reader = await connection.openReader(await Promise.all(NAMES.map((name) => tableRequest(connection, { name }, { columns: [`${name} 2`, name] }))));
          for (const [index, table] of reader.tables.entries()) expect(await drainReader(table)).toEqual([['second', `${index}`]]);
          await reader.close();
        }, { create: false });
      }
    });

    it('may be reserved words', async () => {
      const url = await database.createDatabase();
      await withConnection(url, async (connection) => {
        for (const name of RESERVED.slice(0, 3)) {
          await loadRows(connection, { table: { name }, mode: 'upsert', columns: textColumns(RESERVED), key: [name] }, [[RESERVED.map((word) => `${word} 1`)]]);
          await loadRows(connection, { table: { name }, mode: 'upsert', columns: textColumns(RESERVED) }, [[RESERVED.map((word) => `${word} 1`)], [RESERVED.map((word) => `${word} 2`)]]);
          expect(sorted(await readRows(connection, name))).toEqual([RESERVED.map((word) => `${word} 1`), RESERVED.map((word) => `${word} 2`)]);
        }
      });
    });

    it('that differ only in case', async () => {
      const url = await database.createDatabase();
      const spec = { table: { name: 'cases' }, mode: 'append', columns: textColumns(['a', 'A']) } as const;
      await withConnection(url, async (connection) => {
        if (traits.caseSensitive) {
          await loadRows(connection, spec, [[['lower', 'upper']]]);
          expect(await readRows(connection, 'cases', { columns: ['A', 'a'] })).toEqual([['upper', 'lower']]);
        } else {
          expect((await failureOf(loadRows(connection, spec, []))).code).toBe('USAGE');
        }
      });
    });

    it('that are longer than the database allows', async () => {
      const url = await database.createDatabase();
      const name = 'ü'.repeat(100);
      await withConnection(url, async (connection) => {
        for (const mode of ['append', 'append', 'replace'] as const) await loadRows(connection, { table: { name }, mode, columns: textColumns([name, 'b']) }, [[['x', 'y']]]);
        const [found, ...others] = await tableNames(connection);
        expect(others).toEqual([]);
        expect(found.slice(0, 20)).toBe(name.slice(0, 20));
        expect(Buffer.byteLength(found)).toBeLessThanOrEqual(traits.longestName);
        expect(await readRows(connection, found)).toEqual([['x', 'y']]);
      });
    });

    it('of schemas, beside a table of the same name without one', async () => {
      const url = await database.createDatabase();
      await sql(url, 'CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."c d" (v text); INSERT INTO "a.b"."c d" VALUES (\'in\'); CREATE TABLE "c d" (v text); INSERT INTO "c d" VALUES (\'out\')');
      await withConnection(url, async (connection) => {
        const tables = (await connection.listTables()).map(({ schema, name }): TableName => ({ ...(schema === undefined ? {} : { schema }), name }));
        expect(tables.map(displayName).sort()).toEqual(['"a.b".c d', 'c d']);
        expect(await readRows(connection, { schema: 'a.b', name: 'c d' })).toEqual([['in']]);
        expect(await readRows(connection, { name: 'c d' })).toEqual([['out']]);
        expect(await connection.describeTable({ schema: 'nowhere', name: 'c d' })).toBeUndefined();
        expect(await connection.describeTable({ name: 'c' })).toBeUndefined();
      });
    });
  });

  describe('shapes', () => {
    it('of more than a thousand columns', { timeout: 60_000 }, async () => {
      const url = await database.createDatabase();
      const names = Array.from({ length: 1_010 }, (_, i) => `column ${i}`);
      const columns = names.map((name): Column => ({ name, type: INTEGER, nullable: true }));
      const rows = [0, 1].map((row) => names.map((_, i) => (i % 5 === row ? null : String(i * 1_000))));
      await withConnection(url, async (connection) => {
        await loadRows(connection, { table: { name: 'wide' }, mode: 'append', columns }, [rows]);
        expect(await readRows(connection, 'wide')).toEqual(rows);
      });
      // The embedded engine needs about 250 kB for each column that it loads.
      const wide = { ...run, engineMemoryBytes: 1 << 30 };
      const file = join(folder, `wide-${database.kind}.csv`);
      await exportTable({ from: url, tables: ['wide'], to: file, ...wide }).receipt;
      await importFile({ source: file, to: url, table: 'wide', mode: 'replace', ...wide }).receipt;
      await withConnection(url, async (connection) => expect(await readRows(connection, 'wide')).toEqual(rows), { create: false });
    });

    it('of no rows: read, exported, copied', async () => {
      const url = await database.createDatabase();
      await sql(url, 'CREATE TABLE nothing (id integer, name text)');
      await withConnection(url, async (connection) => expect(await readRows(connection, 'nothing')).toEqual([]));
      const to = await database.createDatabase();
      expect((await copyTables({ from: url, to, ...run }).receipt).tables).toMatchObject([{ name: 'nothing', read: 0, written: 0 }]);
      await withConnection(to, async (connection) => expect((await connection.describeTable({ name: 'nothing' }))!.columns).toHaveLength(2), { create: false });
      for (const ending of ['csv', 'json', 'ndjson', 'sql', 'parquet']) {
        const file = join(folder, `nothing-${database.kind}.${ending}`);
        expect((await exportTable({ from: url, to: file, ...run }).receipt).totals).toMatchObject({ read: 0, written: 0 });
        const imported = importFile({ source: file, to, table: 'nothing', ...run }).receipt;
        // An empty file may as well be a producer that failed.
        if (ending === 'ndjson') await expect(imported).rejects.toMatchObject({ code: 'SOURCE_EMPTY' });
        else expect((await imported).totals).toMatchObject({ read: 0, written: 0 });
      }
    });

    it('of a database without tables', async () => {
      const url = await database.createDatabase();
      await withConnection(url, async (connection) => expect(await connection.listTables()).toEqual([]), { create: false });
      await expect(exportTable({ from: url, to: join(folder, 'none/'), ...run }).receipt).rejects.toMatchObject({ code: 'TABLE_UNKNOWN' });
    });
  });

  describe('a choice', () => {
    it('of rows and columns', async () => {
      const url = await filled('items', 100);
      await withConnection(url, async (connection) => {
        expect(await readRows(connection, 'items', { columns: ['rest', 'id'], where: 'id >= 97 -- the last' })).toEqual([['6', '97'], ['0', '98'], ['1', '99']]);
        expect(await readRows(connection, 'items', { where: 'id < 0 OR id > 98' })).toEqual([['99', 'row 99', '1']]);
      });
      const file = join(folder, `choice-${database.kind}.csv`);
      const { totals } = await exportTable({ from: url, tables: ['items'], columns: ['name', 'id'], where: 'id IN (3, 4)', to: file, ...run }).receipt;
      expect(readFileSync(file, 'utf8')).toBe('name,id\nrow 3,3\nrow 4,4\n');
      expect(totals).toMatchObject({ read: 2, written: 2 });
    });

    it('by a query', async () => {
      const url = await filled('items', 100);
      const file = join(folder, `query-${database.kind}.ndjson`);
      const { totals } = await exportTable({ from: url, query: 'SELECT rest, count(*) AS "how many" FROM items GROUP BY rest ORDER BY rest; ', to: file, ...run }).receipt;
      expect(readFileSync(file, 'utf8').split('\n')[0]).toBe('{"rest":0,"how many":15}');
      expect(totals).toMatchObject({ read: 7, written: 7 });
    });

    it.each([
      ['a table that is not there', { tables: ['itms'] }, 'TABLE_UNKNOWN', 'items'],
      ['a column that is not there', { tables: ['items'], columns: ['nme'] }, 'COLUMN_UNKNOWN', 'name'],
      ['a condition that is wrong', { tables: ['items'], where: 'idd > 5' }, 'QUERY_INVALID', ''],
      ['a condition that hides another statement', { tables: ['items'], where: 'true); DROP TABLE items; --' }, 'QUERY_INVALID', ''],
      ['a query that is wrong', { query: 'SELEC 1' }, 'QUERY_INVALID', ''],
      ['a query that writes', { query: 'DELETE FROM items' }, 'QUERY_INVALID', ''],
      ['two queries', { query: 'SELECT 1; DELETE FROM items' }, 'QUERY_INVALID', ''],
    ] as const)('of %s is refused, and changes nothing', async (what, choice, code, hint) => {
      const url = await filled('items', 10);
      const to = join(folder, `refused ${what}/`);
      mkdirSync(to, { recursive: true });
      const error = await failureOf(exportTable({ from: url, to: join(to, 'out.csv'), ...choice, ...run }).receipt);
      expect(error.code).toBe(code);
      expect(error.hint).toContain(hint);
      expect(readdirSync(to)).toEqual([]);
      expect(await sql(url, 'SELECT count(*) FROM items')).toEqual([['10']]);
    });
  });

  describe('a consistent state', () => {
    it('of several tables, whatever is published while they are read', async () => {
      const url = await filled('first', 3_000);
      await sql(url, 'CREATE TABLE second AS SELECT * FROM first');
      await withConnection(url, async (connection) => {
        const reader = await connection.openReader([await tableRequest(connection, { name: 'first' }), await tableRequest(connection, { name: 'second' })]);
        try {
          expect(await drainReader(reader.tables[0])).toHaveLength(3_000);
          await inSession(connection, async (session) => {
            for (const name of ['first', 'second']) {
              const { columns } = (await connection.describeTable({ name }))!;
              await writePart(await session.begin(await session.plan({ table: { name }, mode: 'append', columns })), 0, [['-1', 'late', '0']]);
            }
          });
          expect(await drainReader(reader.tables[1], 8_192)).toHaveLength(3_000);
        } finally {
          await reader.close();
        }
        expect(await readRows(connection, 'second')).toHaveLength(3_001);
      });
    });

    it('while another session goes on writing', async ({ skip }) => {
      skip(!traits.server, 'an embedded database has no other sessions');
      const url = await filled('accounts', 2_000);
      await sql(url, 'ALTER TABLE accounts ADD COLUMN balance integer NOT NULL DEFAULT 100; CREATE TABLE copy_of AS SELECT * FROM accounts');
      const stop = new AbortController();
      const writing = (async (): Promise<number> => {
        let rounds = 0;
        // Each transaction keeps the sum over both tables.
        for (; !stop.signal.aborted; rounds++) {
          await sql(url, `BEGIN; UPDATE accounts SET balance = balance - 1 WHERE id % 10 = ${rounds % 10}; UPDATE copy_of SET balance = balance + 1 WHERE id % 10 = ${rounds % 10}; COMMIT`);
          await sleep(1);
        }
        return rounds;
      })();
      const file = join(folder, 'consistent.json');
      for (let round = 0; round < 3; round++) {
        await exportTable({ from: url, to: file, overwrite: true, jobs: 2, partBytes: 20_000, ...run }).receipt;
        const { accounts, copy_of: copy } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { balance: number }[]>;
        expect([...accounts, ...copy].reduce((sum, { balance }) => sum + balance, 0)).toBe(400_000);
        expect([accounts.length, copy.length]).toEqual([2_000, 2_000]);
      }
      stop.abort();
      expect(await writing).toBeGreaterThan(0);
    });
  });

  describe('parts', () => {
    it('have every row once, in each encoding that is offered, whatever their size', async () => {
      const url = await filled('items', 4_000);
      await withConnection(url, async (connection) => {
        const request = await tableRequest(connection, { name: 'items' });
        for (const encoding of [CANONICAL_CSV, COPY_TEXT]) {
          for (const partBytes of [1, 10_000, 1 << 20]) {
            const reader = await connection.openReader([request]);
            const ids: string[] = [];
            let read = 0;
            for await (const part of reader.tables[0].parts(encoding, { partBytes, arrays: 'json', signal: never })) {
              const chunks: Buffer[] = [];
              for await (const chunk of part.chunks) chunks.push(Buffer.from(chunk));
              ids.push(...Buffer.concat(chunks).toString().split('\n').slice(0, -1).map((line) => line.split(/[,\t]/, 1)[0]));
              read += part.counts().read;
            }
            await reader.close();
            expect(read).toBe(4_000);
            expect(ids.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 4_000 }, (_, id) => id));
          }
        }
      });
    });

    it('can be left in the middle, with all that they hold', async () => {
      const url = await filled('items', 20_000);
      await withConnection(url, async (connection) => {
        const reader = await connection.openReader([await tableRequest(connection, { name: 'items' })]);
        for await (const part of reader.tables[0].parts(COPY_TEXT, { partBytes: 100_000, arrays: 'json', signal: never })) {
          for await (const chunk of part.chunks) {
            expect(chunk.length).toBeGreaterThan(0);
            break;
          }
          break;
        }
        await reader.close();
        await reader.close();
        expect(await readRows(connection, 'items', { where: 'id < 3' })).toHaveLength(3);
      });
    });

    it('end when the read is cancelled', async () => {
      const url = await filled('items', 20_000);
      await withConnection(url, async (connection) => {
        const reader = await connection.openReader([await tableRequest(connection, { name: 'items' })]);
        const stop = new AbortController();
        const reading = (async (): Promise<void> => {
          for await (const part of reader.tables[0].parts(COPY_TEXT, { partBytes: 10_000, arrays: 'json', signal: stop.signal })) {
            for await (const chunk of part.chunks) if (chunk.length > 0) stop.abort();
          }
        })();
        expect((await failureOf(reading)).message).toMatch(/cancel|abort/i);
        await reader.close();
      });
    });

    it.each(['csv', 'json', 'ndjson', 'sql'])('make the same %s document with 1, 2 and 8 jobs', async (ending) => {
      const url = await filled('items');
      const documents: string[] = [];
      for (const jobs of [1, 2, 8]) {
        const file = join(folder, `jobs-${database.kind}-${jobs}.${ending}`);
        const { totals } = await exportTable({ from: url, to: file, tables: ['items'], jobs, partBytes: 20_000, ...run }).receipt;
        expect(totals).toMatchObject({ read: 5_000, written: 5_000 });
        documents.push(readFileSync(file, 'utf8').replace(/^--.*$/gm, ''));
      }
      for (const document of documents.slice(1)) expect(document === documents[0]).toBe(true);
      expect(documents[0].match(/row \d+/g)).toHaveLength(5_000);
    });
  });
}
