/** Random tables with random constraints: what is published is what inserting row by row, in the order of the source, leaves in the table. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openEngine } from '../../../src/engine/engine.ts';
import { MEMORY, temporaryFolder } from '../../engine/support.ts';
import { quarantine, type QuarantinedTable } from './quarantine-support.ts';
import { column, connect, INTEGER, sql } from './support.ts';

const folder = temporaryFolder();
let number = 0;
type Row = (string | null)[];

const value = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 6 }).map(String) }, { weight: 1, arbitrary: fc.constant(null) });
const rows = fc.array(fc.tuple(value, value, value).map((row): Row => [...row]), { maxLength: 14 });
const parts = fc.array(rows, { minLength: 1, maxLength: 3 });
const CONSTRAINTS = ['PRIMARY KEY (a)', 'UNIQUE (b)', 'UNIQUE (a, c)', 'UNIQUE (c)', 'CHECK (a < 5)', 'CHECK (b <> c)', 'CHECK (a + d > 2)'];
const constraints = fc.subarray(CONSTRAINTS);
const index = fc.constantFrom('', 'CREATE UNIQUE INDEX i_T ON T ((a % 4), b)', 'CREATE UNIQUE INDEX i_T ON T (b)');

interface Case { parent: string[]; child: string[]; parentIndex: string; childIndex: string; parentParts: Row[][]; childParts: Row[][]; old: Row[]; notNull: boolean }

function statements(one: Case): string[] {
  const keyed = one.parent.includes('PRIMARY KEY (a)') ? one.parent : ['PRIMARY KEY (a)', ...one.parent];
  return [
    `CREATE TABLE p (a INTEGER, b INTEGER, c INTEGER, d INTEGER DEFAULT 1, ${keyed.join(', ')})`,
    `CREATE TABLE k (a INTEGER, b INTEGER ${one.notNull ? 'NOT NULL' : ''}, c INTEGER REFERENCES p(a), d INTEGER DEFAULT 1${one.child.map((text) => `, ${text}`).join('')})`,
    ...[one.parentIndex.replace('i_T ON T', 'i_p ON p'), one.childIndex.replace('i_T ON T', 'i_k ON k')].filter((text) => text !== ''),
  ];
}

async function insertOneByOne(path: string, one: Case): Promise<void> {
  const engine = await openEngine({ path, memoryLimitBytes: MEMORY, threads: 1, create: true });
  const connection = await engine.connect();
  for (const statement of statements(one)) await connection.run(statement);
  const insert = (table: string, row: Row): Promise<unknown> => connection.run(`INSERT INTO ${table} (a, b, c) VALUES (${row.map((text) => text ?? 'NULL').join(', ')})`).catch(() => undefined);
  for (const row of one.old) await insert('p', row);
  for (const row of one.parentParts.flat()) await insert('p', row);
  for (const row of one.childParts.flat()) await insert('k', row);
  await engine.close();
}

test('what is published is what one row after the other leaves', async () => {
  const columns = ['a', 'b', 'c'].map((name) => column(name, INTEGER));
  await fc.assert(fc.asyncProperty(
    fc.record({ parent: constraints, child: constraints, parentIndex: index, childIndex: index, parentParts: parts, childParts: parts, old: rows.map((all) => all.slice(0, 3)), notNull: fc.boolean() }),
    async (one) => {
      const [expected, path] = [join(folder, `${number++}.duckdb`), join(folder, `${number++}.duckdb`)];
      await insertOneByOne(expected, one);
      await insertOneByOne(path, { ...one, parentParts: [], childParts: [] });
      const table = (name: string, all: Row[][]): QuarantinedTable => ({ table: { name }, columns, parts: all.map((some, i) => ({ index: i, rows: some })).toReversed() });
      const connection = await connect(path);
      const { counts } = await quarantine(connection, [table('k', one.childParts), table('p', one.parentParts)]);
      await connection.close();
      for (const [name, given] of [['p', one.parentParts], ['k', one.childParts]] as const) {
        const all = `SELECT * FROM ${name} ORDER BY ALL`;
        expect(await sql(path, all)).toEqual(await sql(expected, all));
        const { written, rejected } = counts.get(name)!;
        expect(written + rejected!).toBe(given.flat().length);
      }
    },
  ), { numRuns: 12 });
}, 180_000);
