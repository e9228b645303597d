/**
 * The ladder: what a run that quarantines must do with a part that the fast lane refused, and with rows that break constraints. Written against the contracts
 * only; where a rejection is told (by a careful part or by the publication) is a matter of the connector.
 */
import { describe, expect, it } from 'vitest';
import type { Connection, LoadMode, LoadTableSpec, PublishedCounts, RejectedRow } from '../../src/connectors/connector.ts';
import type { CarefulPart } from '../../src/rows/part.ts';
import type { Rejection } from '../../src/rows/rejection.ts';
import { TEXT, type ColumnType } from '../../src/rows/column-type.ts';
import type { Column } from '../../src/rows/table-schema.ts';
import { copyText, copyTextPart, never, sorted, withConnection, readRows, type DatabaseUnderTest, type Row } from './database-under-test.ts';

const INTEGER: ColumnType = { kind: 'integer', bits: 32 };

interface LadderTable {
  readonly table: string;
  readonly columns: readonly Column[];
  readonly mode?: LoadMode;
  readonly primaryKey?: readonly string[];
  /** Each list is a part; `order` says in which order they are written. */
  readonly parts: readonly (readonly Row[])[];
  readonly order?: readonly number[];
}

interface LadderOutcome {
  readonly counts: ReadonlyMap<string, PublishedCounts>;
  readonly rejected: readonly (RejectedRow & { table: string })[];
  /** `table part.record CODE`, sorted. */
  readonly places: readonly string[];
}

function columnsOf(types: Record<string, ColumnType>, required: readonly string[] = []): Column[] {
  return Object.entries(types).map(([name, type]) => ({ name, type, nullable: !required.includes(name) }));
}

/** Has the writer of this kind of database the careful way? */
export async function hasLadder(database: DatabaseUnderTest): Promise<boolean> {
  const url = await database.createDatabase();
  return withConnection(url, async (connection) => {
    const session = await connection.openLoad({ run: 'probe', signal: never, onError: 'quarantine' });
    try {
      const load = await session.begin(await session.plan({ table: { name: 'probe' }, mode: 'append', columns: columnsOf({ id: INTEGER }) }));
      const writer = await load.openWriter();
      await writer.close();
      return writer.writeCarefully !== undefined;
    } finally {
      await session.abort();
    }
  });
}

function carefulPart(rows: readonly Row[], leftOut: readonly number[] = []): CarefulPart {
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = Buffer.from(rows.map(copyText).join(''));
    // Cut inside records.
    for (let at = 0; at < bytes.length; at += 1009) yield bytes.subarray(at, at + 1009);
  }
  return { chunks: { [Symbol.asyncIterator]: chunks }, leftOut: leftOut.map((record): Rejection => ({ record, code: 'ROW_INVALID', message: 'left out' })) };
}

const isContent = (error: unknown): boolean => ['VALUE_INVALID', 'ROW_INVALID', 'NOT_NULL_VIOLATED', 'CHECK_VIOLATED', 'UNIQUE_VIOLATED'].includes((error as { code?: string }).code ?? '');

/** One run by the contract: a part that the fast lane refuses for its content goes the careful way. */
async function climb(connection: Connection, tables: readonly LadderTable[], judged: () => Promise<void> = () => Promise.resolve()): Promise<LadderOutcome> {
  const session = await connection.openLoad({ run: `l${Math.random().toString(36).slice(2, 10)}`, signal: never, onError: 'quarantine' });
  const rejected: (RejectedRow & { table: string })[] = [];
  try {
    for (const { table, columns, mode = 'append', primaryKey, parts, order } of tables) {
      const spec: LoadTableSpec = { table: { name: table }, mode, columns, ...(primaryKey === undefined ? {} : { primaryKey }) };
      const load = await session.begin(await session.plan(spec));
      for (const index of order ?? parts.keys()) {
        const writer = await load.openWriter();
        try {
          await writer.write(copyTextPart(index, parts[index]), () => undefined);
        } catch (error) {
          if (!isContent(error)) throw error;
          await writer.writeCarefully!(carefulPart(parts[index]), index, async (rejections) => {
            rejected.push(...rejections.map((rejection) => ({ ...rejection, part: index, table })));
            await Promise.resolve();
          });
        } finally {
          await writer.close();
        }
      }
    }
    const counts = await session.publish({
      rejected: async (table, rows) => {
        rejected.push(...rows.map((row) => ({ ...row, table })));
        await Promise.resolve();
      },
      judged,
    });
    const places = rejected.map(({ table, part, record, code }) => `${table} ${part}.${record} ${code}`).toSorted();
    return { counts, rejected, places };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

export function connectorLadder(database: DatabaseUnderTest): void {
  const PEOPLE = columnsOf({ id: INTEGER, name: TEXT });

  async function ladder(statements: readonly string[], tables: readonly LadderTable[], looked = 'people'): Promise<LadderOutcome & { rows: Row[] }> {
    const url = await database.createDatabase();
    for (const statement of statements) await database.sql(url, statement);
    return withConnection(url, async (connection) => {
      const outcome = await climb(connection, tables);
      return { ...outcome, rows: sorted(await readRows(connection, looked)) };
    });
  }
  const people = (parts: readonly (readonly Row[])[], more: Partial<LadderTable> = {}): LadderTable => ({ table: 'people', columns: PEOPLE, parts, ...more });

  describe('the ladder', () => {
    it('rejects values that do not fit, each with its column and text, and writes the rest', async () => {
      const columns = columnsOf({ id: INTEGER, name: TEXT, born: { kind: 'date' } });
      const parts: Row[][] = [[['1', 'a\tb\\n\n', '2024-01-31'], ['many', 'b', null], ['3', null, '2024-02-30'], ['3000000000', '', null], ['5', '', null]], [['6', 'fine', null]]];
      const { places, rejected, rows, counts } = await ladder([], [{ table: 'people', columns, parts }]);
      expect(places).toEqual(['people 0.2 VALUE_INVALID', 'people 0.3 VALUE_INVALID', 'people 0.4 VALUE_INVALID']);
      expect(rejected.map(({ column }) => column)).toEqual(['id', 'born', 'id']);
      expect(rejected[0].message).toContain('many');
      expect(rows).toEqual(sorted([['1', 'a\tb\\n\n', '2024-01-31'], ['5', '', null], ['6', 'fine', null]]));
      expect(counts.get('people')).toMatchObject({ written: 3 });
    });

    it('counts records that were left out before', async () => {
      const url = await database.createDatabase();
      await withConnection(url, async (connection) => {
        const session = await connection.openLoad({ run: 'leftout', signal: never, onError: 'quarantine' });
        const writer = await (await session.begin(await session.plan({ table: { name: 'people' }, mode: 'append', columns: PEOPLE }))).openWriter();
        const records: number[] = [];
        const rows: Row[] = [['x', 'a'], ['1', 'b'], ['y', 'c'], ['2', 'd'], ['z', 'e']];
        const result = await writer.writeCarefully!(carefulPart(rows, [1, 2, 5, 9]), 0, async (rejections) => {
          records.push(...rejections.map(({ record }) => record));
          await Promise.resolve();
        });
        await writer.close();
        await session.abort();
        expect(records).toEqual([3, 6, 8]);
        expect(result).toEqual({ written: 2, rejected: 3 });
      });
    });

    it('takes a part in which every row is bad, in bounded batches', async () => {
      const { places, rows } = await ladder([], [people([Array.from({ length: 20_000 }, (_, i): Row => [`x${i}`, 'y'])])]);
      expect(places).toHaveLength(20_000);
      expect(rows).toEqual([]);
    });

    it('leaves nothing of a part whose rejections nobody takes', async () => {
      const url = await database.createDatabase();
      await withConnection(url, async (connection) => {
        const session = await connection.openLoad({ run: 'refused', signal: never, onError: 'quarantine' });
        const load = await session.begin(await session.plan({ table: { name: 'people' }, mode: 'append', columns: PEOPLE }));
        const first = await load.openWriter();
        await expect(first.writeCarefully!(carefulPart([['1', 'a'], ['x', 'b']]), 0, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
        await first.close();
        const second = await load.openWriter();
        expect(await second.writeCarefully!(carefulPart([['1', 'a'], ['x', 'b']]), 0, () => Promise.resolve())).toEqual({ written: 1, rejected: 1 });
        await second.close();
        await session.publish({ rejected: () => Promise.resolve(), judged: () => Promise.resolve() });
        expect(await readRows(connection, 'people')).toEqual([['1', 'a']]);
      });
    });
  });

  describe('rows that break constraints are rejected one by one', () => {
    it.each<[string, string[], Row[], string[]]>([
      ['a primary key: against the target and earlier rows', ['CREATE TABLE people (id integer PRIMARY KEY, name text)', "INSERT INTO people VALUES (1, 'old')"], [['1', 'a'], ['2', 'b'], ['2', 'c'], ['3', 'd']], ['0.1 UNIQUE_VIOLATED', '0.3 UNIQUE_VIOLATED']],
      ['a unique constraint, NULL is like nothing', ['CREATE TABLE people (id integer, name text UNIQUE)'], [['1', null], ['2', null], ['3', 'a'], ['4', 'a']], ['0.4 UNIQUE_VIOLATED']],
      ['a unique index over an expression', ['CREATE TABLE people (id integer, name text)', 'CREATE UNIQUE INDEX people_lower ON people (lower(name))'], [['1', 'A'], ['2', 'a'], ['3', 'b']], ['0.2 UNIQUE_VIOLATED']],
      ['NOT NULL', ['CREATE TABLE people (id integer NOT NULL, name text)'], [['1', 'a'], [null, 'b']], ['0.2 NOT_NULL_VIOLATED']],
      ['a check, which NULL passes', ['CREATE TABLE people (id integer CHECK (id < 10), name text)'], [['1', 'a'], ['99', 'b'], [null, 'c']], ['0.2 CHECK_VIOLATED']],
      ['a foreign key to a table that is there', ['CREATE TABLE parents (id integer PRIMARY KEY)', 'INSERT INTO parents VALUES (7)', 'CREATE TABLE people (id integer REFERENCES parents (id), name text)'], [['7', 'a'], ['8', 'b'], [null, 'c']], ['0.2 FOREIGN_KEY_VIOLATED']],
      ['several keys: a rejected row stands in nobody\'s way', ['CREATE TABLE people (id integer UNIQUE, name text UNIQUE)'], [['1', 'a'], ['1', 'b'], ['2', 'b'], ['2', 'c'], ['3', 'c']], ['0.2 UNIQUE_VIOLATED', '0.4 UNIQUE_VIOLATED']],
      ['several classes: a row that lacks a value takes no key', ['CREATE TABLE people (id integer PRIMARY KEY, name text NOT NULL)'], [['1', null], ['1', 'a'], ['1', 'b']], ['0.1 NOT_NULL_VIOLATED', '0.3 UNIQUE_VIOLATED']],
    ])('%s', async (_what, statements, rows, places) => {
      const old = statements.filter((statement) => statement.startsWith('INSERT INTO people')).length;
      const outcome = await ladder(statements, [people([rows])]);
      expect(outcome.places).toEqual(places.map((place) => `people ${place}`));
      expect(outcome.counts.get('people')).toMatchObject({ written: rows.length - places.length });
      expect(outcome.rows).toHaveLength(rows.length - places.length + old);
      for (const { message, values } of outcome.rejected.filter(({ code }) => code === 'UNIQUE_VIOLATED')) {
        expect(message).not.toBe('');
        if (values !== undefined) expect(rows.map((row) => JSON.stringify(row))).toContain(JSON.stringify(values));
      }
    });

    it('all of them', async () => {
      const rows = Array.from({ length: 5_000 }, (_, i): Row => [String(i), 'x']);
      const { counts, places, rows: left } = await ladder(['CREATE TABLE people (id integer CHECK (id < 0), name text)'], [people([rows])]);
      expect(places).toHaveLength(5_000);
      expect(counts.get('people')).toMatchObject({ written: 0 });
      expect(left).toEqual([]);
    });

    it('in source order, whatever the order in which parts come', async () => {
      const parts = Array.from({ length: 5 }, (_, part) => Array.from({ length: 40 }, (_row, i): Row => [i === 13 ? 'x' : String((i * 7 + part * 11) % 60), `n${(i * 5 + part) % 50}`]));
      const statements = ['CREATE TABLE people (id integer PRIMARY KEY, name text UNIQUE)'];
      const straight = await ladder(statements, [people(parts)]);
      const turned = await ladder(statements, [people(parts, { order: [3, 0, 4, 2, 1] })]);
      expect(turned.places).toEqual(straight.places);
      expect(turned.rows).toEqual(straight.rows);
      expect(straight.places).toContain('people 0.14 VALUE_INVALID');
    });

    it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])('through foreign keys between the tables of the run, in order %j of the files', async (order) => {
      const tables: LadderTable[] = [
        { table: 'people', columns: columnsOf({ id: INTEGER, town: INTEGER }), parts: [[['1', '1'], ['2', '2'], ['3', '3'], ['4', null], ['5', '4']]] },
        { table: 'countries', columns: columnsOf({ id: INTEGER, name: TEXT }), parts: [[['1', 'one'], ['2', null], ['100', 'again']]] },
        { table: 'towns', columns: columnsOf({ id: INTEGER, country: INTEGER }), parts: [[['1', '1'], ['2', '2'], ['3', '100']], [['x', '1'], ['4', '9']]] },
      ];
      const statements = [
        'CREATE TABLE countries (id integer PRIMARY KEY, name text NOT NULL)', 'CREATE TABLE towns (id integer PRIMARY KEY, country integer REFERENCES countries (id))',
        'CREATE TABLE people (id integer PRIMARY KEY, town integer REFERENCES towns (id))', "INSERT INTO countries VALUES (100, 'there')",
      ];
      const { places, rows } = await ladder(statements, order.map((i) => tables[i]));
      expect(places).toEqual([
        'countries 0.2 NOT_NULL_VIOLATED', 'countries 0.3 UNIQUE_VIOLATED', 'people 0.2 FOREIGN_KEY_VIOLATED', 'people 0.5 FOREIGN_KEY_VIOLATED',
        'towns 0.2 FOREIGN_KEY_VIOLATED', 'towns 1.1 VALUE_INVALID', 'towns 1.2 FOREIGN_KEY_VIOLATED',
      ]);
      expect(rows).toEqual([['1', '1'], ['3', '3'], ['4', null]]);
    });

    it('in a table that refers to itself, in any order of its rows', async () => {
      const { places, rows } = await ladder(['CREATE TABLE people (id integer PRIMARY KEY, boss integer REFERENCES people (id))'],
        [{ table: 'people', columns: columnsOf({ id: INTEGER, boss: INTEGER }), parts: [[['5', '4'], ['4', '3'], ['3', null], ['6', '66'], ['7', '6']]] }]);
      expect(places).toEqual(['people 0.4 FOREIGN_KEY_VIOLATED', 'people 0.5 FOREIGN_KEY_VIOLATED']);
      expect(rows).toEqual([['3', null], ['4', '3'], ['5', '4']]);
    });

    it('in a table that the run creates, with its key', async () => {
      const { places, rows } = await ladder([], [people([[['1', 'a'], ['1', 'b']], [[null, 'c'], ['2', 'd']]], { primaryKey: ['id'] })]);
      expect(places).toEqual(['people 0.2 UNIQUE_VIOLATED', 'people 1.1 NOT_NULL_VIOLATED']);
      expect(rows).toEqual([['1', 'a'], ['2', 'd']]);
    });

    it('when they replace others, which are no conflict and are counted', async () => {
      const { places, counts, rows } = await ladder(['CREATE TABLE people (id integer PRIMARY KEY, name text)', "INSERT INTO people VALUES (1, 'old'), (2, 'old')"], [people([[['1', 'new'], ['1', 'again']]], { mode: 'replace' })]);
      expect(places).toEqual(['people 0.2 UNIQUE_VIOLATED']);
      expect(counts.get('people')).toMatchObject({ written: 1, removed: 2 });
      expect(rows).toEqual([['1', 'new']]);
    });

    it('but not by the key of an upsert: the last good row wins', async () => {
      const { places, counts, rows } = await ladder(["CREATE TABLE people (id integer PRIMARY KEY, name text CHECK (name <> 'bad'))", "INSERT INTO people VALUES (1, 'old'), (2, 'old')"],
        [people([[['1', 'a'], ['3', 'c'], ['1', 'b'], ['1', 'bad']]], { mode: 'upsert' })]);
      expect(places).toEqual(['people 0.4 CHECK_VIOLATED']);
      expect(counts.get('people')).toMatchObject({ written: 2, duplicate: 1 });
      expect(rows).toEqual([['1', 'b'], ['2', 'old'], ['3', 'c']]);
    });

    it('and nothing is published when the caller says no', async () => {
      const url = await database.createDatabase();
      await database.sql(url, 'CREATE TABLE people (id integer PRIMARY KEY, name text)');
      await withConnection(url, async (connection) => {
        await expect(climb(connection, [people([[['1', 'a'], ['1', 'b']]])], () => Promise.reject(new Error('too many')))).rejects.toThrow('too many');
        expect(await readRows(connection, 'people')).toEqual([]);
      });
    });
  });
}
