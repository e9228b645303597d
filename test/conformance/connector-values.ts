/** Every type with its edge values into a database and out again: by the Connection contract, by copy, and through files of every format. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyTables, exportTable, importFile, type FormatName } from '../../src/index.ts';
import { displayName } from '../../src/rows/table-schema.ts';
import { canonicalRows, columnsOf, INFINITE, REFERENCE, rowsOf, withPostgresArrays, type ReferenceColumn } from './reference-table.ts';
import { loadRows, readRows, temporaryFolder, withConnection, type DatabaseUnderTest, type Row } from './database-under-test.ts';

const EVERYTHING = [...REFERENCE, ...INFINITE];

/** A JSON document has one null: the json value `null` and NULL are the same there. */
function withoutJsonNull(columns: readonly ReferenceColumn[]): Row[] {
  const at = columnsOf(columns).map(({ type }) => type.kind === 'json');
  return rowsOf(columns).map((row) => row.map((value, i) => (at[i] && value === 'null' ? null : value)));
}

/** The table has exactly the reference's rows. */
export async function expectReference(url: string, table: string, columns: readonly ReferenceColumn[], wanted: readonly Row[] = rowsOf(columns)): Promise<void> {
  const rows = await withConnection(url, (connection) => readRows(connection, table), { create: false });
  const all = columnsOf(columns);
  const [actual, expected] = [canonicalRows(rows, all), canonicalRows(wanted, all)];
  expect(actual.length).toBe(expected.length);
  // Of each column the first value that differs: the difference of whole tables would say less.
  for (const [c, { name }] of all.entries()) {
    const row = Math.max(0, expected.findIndex((values, r) => actual[r][c] !== values[c]));
    expect({ name, row, value: actual[row][c] }).toEqual({ name, row, value: expected[row][c] });
  }
}

interface Ways {
  readonly format: FormatName;
  readonly ending: string;
  readonly columns: readonly ReferenceColumn[];
}

const WAYS: readonly Ways[] = [
  { format: 'csv', ending: 'csv', columns: EVERYTHING },
  { format: 'json', ending: 'json', columns: EVERYTHING },
  { format: 'ndjson', ending: 'ndjson.zst', columns: EVERYTHING },
  { format: 'sql', ending: 'sql.gz', columns: EVERYTHING },
  { format: 'parquet', ending: 'parquet', columns: REFERENCE },
];

export function connectorValues(database: DatabaseUnderTest): void {
  describe('values', () => {
    const folder = temporaryFolder();
    const run = { workspace: join(folder, 'workspace') };

    /** A database whose table `reference` has these columns and all their values. */
    async function filled(columns: readonly ReferenceColumn[]): Promise<string> {
      const url = await database.createDatabase();
      await withConnection(url, async (connection) => {
        const counts = await loadRows(connection, { table: { name: 'reference' }, mode: 'append', columns: columnsOf(columns), primaryKey: ['id'] }, [givenRows(columns)]);
        expect(counts).toEqual({ written: rowsOf(columns).length, skipped: 0, duplicate: 0 });
      });
      return url;
    }

    /** As the database wants arrays. */
    function givenRows(columns: readonly ReferenceColumn[]): Row[] {
      return database.kind === 'postgres' ? withPostgresArrays(rowsOf(columns), columnsOf(columns)) : rowsOf(columns);
    }

    it('come back as they went in, by the contract', async () => {
      const url = await filled(EVERYTHING);
      await expectReference(url, 'reference', EVERYTHING);
      const described = await withConnection(url, (connection) => connection.describeTable({ name: 'reference' }), { create: false });
      expect(described).toMatchObject({ name: 'reference', primaryKey: ['id'] });
      for (const [i, { name, type, nullable }] of columnsOf(EVERYTHING).entries()) {
        expect(described!.columns[i]).toMatchObject({ name, nullable });
        // A numeric without precision may get the one that its values need.
        if (name !== 'exact') expect(described!.columns[i].type, name).toEqual(type);
      }
    });

    it('copied to another database of the same kind', async () => {
      const from = await filled(EVERYTHING);
      const to = await database.createDatabase();
      const { totals } = await copyTables({ from, to, ...run }).receipt;
      expect(totals).toMatchObject({ read: rowsOf(EVERYTHING).length, written: rowsOf(EVERYTHING).length });
      await expectReference(to, 'reference', EVERYTHING);
      const [before, after] = await Promise.all([from, to].map((url) => withConnection(url, (connection) => connection.describeTable({ name: 'reference' }), { create: false })));
      expect(after!.columns).toEqual(before!.columns);
      expect(after!.primaryKey).toEqual(['id']);
    });

    it.each(WAYS.map((way) => [way.format, way] as const))('through %s into a table of the same columns', async (format, { ending, columns }) => {
      const url = await filled(columns);
      await database.sql(url, 'CREATE TABLE again AS SELECT * FROM reference WHERE false');
      mkdirSync(join(folder, database.kind), { recursive: true });
      const file = join(folder, database.kind, `reference.${ending}`);
      const exported = await exportTable({ from: url, tables: ['reference'], to: file, overwrite: true, ...run }).receipt;
      const imported = await importFile({ source: file, to: url, table: 'again', ...run }).receipt;
      expect(exported.totals).toMatchObject({ read: rowsOf(columns).length, written: rowsOf(columns).length });
      expect(imported.totals).toMatchObject({ read: rowsOf(columns).length, written: rowsOf(columns).length });
      await expectReference(url, 'again', columns, format === 'json' || format === 'ndjson' ? withoutJsonNull(columns) : rowsOf(columns));
    });

    it.each([...WAYS.map(({ ending }) => ending)])('a table of one text column through %s, where a row may be an empty line', async (ending) => {
      const values = ['first', '', null, '\\.', '\\N', '\n', ' ', '""', '#', null, ''];
      const url = await database.createDatabase();
      await withConnection(url, (connection) => loadRows(connection, { table: { name: 'one' }, mode: 'append', columns: [{ name: 'v', type: { kind: 'text' }, nullable: true }] }, [values.map((value) => [value])]));
      const file = join(folder, `one-${database.kind}.${ending}`);
      await exportTable({ from: url, tables: ['one'], to: file, ...run }).receipt;
      const { totals } = await importFile({ source: file, to: url, table: 'two', ...run }).receipt;
      const rows = await withConnection(url, (connection) => readRows(connection, 'two'), { create: false });
      expect(rows.map(([value]) => value)).toEqual(values);
      expect(totals).toMatchObject({ read: values.length, written: values.length });
    });

    it('of types that only this kind of database has, and nested arrays', async () => {
      const url = await database.createDatabase();
      const own = database.kind === 'postgres'
        ? { setup: "CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE TYPE pair AS (a integer, b text)", columns: 'd positive, r int4range, n inet, p pair, m integer[][], b bit(4)', values: `7, '[1,5)', '10.0.0.0/8', '(1,"a,b")', '{{1,2},{3,NULL}}', B'0101'` }
        : { setup: 'SELECT 1', columns: 'd UHUGEINT, r STRUCT(a INTEGER, b VARCHAR), n TIMESTAMP_NS, p MAP(VARCHAR, INTEGER), m INTEGER[][], b BIT', values: `340282366920938463463374607431768211455, {'a': 1, 'b': 'a"b'}, '2024-01-31 13:45:00.123456789', MAP {'k': 1}, [[1,2],[3,NULL]], '0101'` };
      await database.sql(url, `CREATE TYPE mood AS ENUM ('sad', 'so 🦆, so'); ${own.setup}; CREATE TABLE own (id integer, feels mood, ${own.columns})`);
      await database.sql(url, `INSERT INTO own VALUES (1, 'so 🦆, so', ${own.values}), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`);
      await database.sql(url, 'CREATE TABLE again AS SELECT * FROM own WHERE false');
      const rows = await withConnection(url, (connection) => readRows(connection, 'own'), { create: false });
      expect(rows[0].slice(0, 2)).toEqual(['1', 'so 🦆, so']);
      expect(JSON.parse(rows[0][6]!)).toEqual([[1, 2], [3, null]]);
      expect(rows[1]).toEqual(['2', ...rows[1].slice(1).map(() => null)]);
      for (const ending of ['csv', 'ndjson', 'sql']) {
        const file = join(folder, `own-${database.kind}.${ending}`);
        await exportTable({ from: url, tables: ['own'], to: file, ...run }).receipt;
        await importFile({ source: file, to: url, table: 'again', mode: 'replace', ...run }).receipt;
        expect({ ending, rows: await withConnection(url, (connection) => readRows(connection, 'again'), { create: false }) }).toEqual({ ending, rows });
      }
      // Into a database that has not got the types: as text, and nothing is lost.
      const to = await database.createDatabase();
      await copyTables({ from: url, to, tables: ['own'], ...run }).receipt;
      const copied = await withConnection(to, (connection) => readRows(connection, 'own'), { create: false });
      expect(copied.map((row) => row.toSpliced(6, 1))).toEqual(rows.map((row) => row.toSpliced(6, 1)));
    });

    it('keeps names apart that a display name would not', async () => {
      expect(displayName({ schema: 'a', name: 'b' })).toBe(displayName({ name: 'a.b' }));
      const url = await database.createDatabase();
      await database.sql(url, 'CREATE SCHEMA a; CREATE TABLE a.b (v int); INSERT INTO a.b VALUES (1); CREATE TABLE "a.b" (v int); INSERT INTO "a.b" VALUES (2), (3)');
      await withConnection(url, async (connection) => {
        expect(await readRows(connection, { schema: 'a', name: 'b' })).toEqual([['1']]);
        expect(await readRows(connection, { name: 'a.b' })).toEqual([['2'], ['3']]);
      });
    });
  });
}
