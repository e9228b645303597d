import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { columns, connect, INTEGER, openDatabase, type Database } from './fixture.ts';
import { loadWithQuarantine, summary, type LadderTable, type TextRow } from './ladder.ts';

const ROWS = 12_000;

/** All that a database says of its tables, keys and indexes. */
const DESCRIPTION = `
  SELECT 'index', pg_get_indexdef(i.indexrelid), i.indisvalid::text || i.indisreplident || i.indisclustered || i.indimmediate, obj_description(i.indexrelid), t.spcname
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'
  UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), convalidated::text || condeferrable || condeferred, obj_description(oid), conindid::regclass::text
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'trigger', tgrelid::regclass || ' ' || tgfoid::regproc || tgdeferrable, tgenabled::text, '', '' FROM pg_trigger
  UNION ALL SELECT 'column', attrelid::regclass || ' ' || attname, attnotnull::text, '', '' FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0
  ORDER BY 1, 2, 3, 4, 5`;

describe('keys of empty tables', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(async () => {
    await server.stop();
  });

  async function withDatabase(work: (database: Database, connection: Connection) => Promise<void>): Promise<void> {
    const database = await openDatabase(await server.createDatabase());
    const connection = await connect(database.url, { jobs: 4 });
    try {
      await work(database, connection);
    } finally {
      await connection.close();
      await database.close();
    }
  }

  const table = (name: string, spec: readonly string[], rows: readonly TextRow[]): LadderTable => ({
    spec: { table: { name }, mode: 'append', columns: columns(Object.fromEntries(spec.map((column) => [column, column === 'note' ? 'text' : INTEGER]))) },
    parts: [rows.slice(0, rows.length / 2), rows.slice(rows.length / 2)],
  });
  const numbers = (count: number, row: (i: number) => TextRow): TextRow[] => Array.from({ length: count }, (_, i) => row(i + 1));
  const oidOf = async (database: Database, index: string): Promise<string | null> => (await database.sql(`SELECT '${index}'::regclass::oid`))[0][0];
  const leftovers = (database: Database): Promise<(string | null)[][]> => database.sql(`SELECT relname FROM pg_class WHERE relname LIKE 'sluice%'`);

  const SCHEMA = `
    CREATE TABLE "Parent.t" (id integer PRIMARY KEY, code integer CONSTRAINT code_key UNIQUE DEFERRABLE INITIALLY DEFERRED, note text, twin integer);
    CREATE INDEX "by ""note""" ON "Parent.t" USING btree (lower(note) text_pattern_ops DESC NULLS LAST) INCLUDE (code) WITH (fillfactor = 70) WHERE id > 3;
    CREATE UNIQUE INDEX pair ON "Parent.t" (twin, code);
    ALTER TABLE "Parent.t" ADD FOREIGN KEY (twin) REFERENCES "Parent.t" (id);
    CREATE TABLE child (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES "Parent.t" ON DELETE CASCADE DEFERRABLE, other integer, note text);
    CREATE TABLE other (id integer PRIMARY KEY, child integer REFERENCES child);
    ALTER TABLE child ADD FOREIGN KEY (other) REFERENCES other MATCH FULL;
    CREATE INDEX child_note ON child USING hash (note);`;
  const tables = (edit: (name: string, rows: TextRow[]) => TextRow[] = (_, rows) => rows): LadderTable[] => [
    table('Parent.t', ['id', 'code', 'note', 'twin'], edit('parent', numbers(ROWS, (i) => [`${i}`, `${-i}`, `n${i}`, i === 1 ? null : `${Math.ceil(i / 9)}`]))),
    table('child', ['id', 'parent', 'other', 'note'], edit('child', numbers(ROWS, (i) => [`${i}`, `${ROWS + 1 - i}`, i % 2 === 0 ? `${i}` : null, 'x']))),
    table('other', ['id', 'child'], edit('other', numbers(ROWS, (i) => [`${i}`, `${i}`]))),
  ];

  test.each([true, false])('keys and indexes are built from all rows, and are what they were; early: %s', async (early) => {
    await withDatabase(async (database, connection) => {
      await database.sql(SCHEMA);
      const before = await database.sql(DESCRIPTION);
      const index = await oidOf(database, 'child_pkey');
      const outcome = await loadWithQuarantine(connection, tables(), { early });
      expect([...outcome.counts.values()].map(({ written, rejected }) => [written, rejected])).toEqual([[ROWS, 0], [ROWS, 0], [ROWS, 0]]);
      expect(await database.sql(DESCRIPTION)).toEqual(before);
      expect(await oidOf(database, 'child_pkey')).not.toBe(index);
      expect(await database.sql(`SELECT count(*), count(DISTINCT id), sum(code) FROM "Parent.t"`)).toEqual([[`${ROWS}`, `${ROWS}`, `${(-ROWS * (ROWS + 1)) / 2}`]]);
      expect(await leftovers(database)).toEqual([]);
    });
  });

  test.each([true, false])('bad rows are found as without it; early: %s', async (early) => {
    const edit = (name: string, rows: TextRow[]): TextRow[] => {
      if (name === 'parent') return rows.with(100, ['50', '-101', 'twice', null]).with(11_000, ['11001', '-7', 'code twice', null]);
      return name === 'child' ? rows.with(10, ['11', '99999', null, 'orphan']) : rows.with(20, ['21', '11']);
    };
    await withDatabase(async (database, connection) => {
      await database.sql(SCHEMA);
      const before = await database.sql(DESCRIPTION);
      const outcome = await loadWithQuarantine(connection, tables(edit), { early });
      // What refers to a row that is rejected is rejected, too: in the table itself and in the others, in any number of steps.
      const parents = summary(outcome, 'Parent.t');
      expect(parents).toContain('0:101 UNIQUE_VIOLATED Parent.t_pkey id');
      expect(summary(outcome, 'child')).toContain('0:11 FOREIGN_KEY_VIOLATED child_parent_fkey parent');
      expect(summary(outcome, 'other')).toContain('0:21 FOREIGN_KEY_VIOLATED other_child_fkey child');
      for (const [name, { written, rejected }] of outcome.counts) expect([name, written + rejected!]).toEqual([name, ROWS]);
      expect(await database.sql(DESCRIPTION)).toEqual(before);
      expect(await leftovers(database)).toEqual([]);
    });
  });

  test('a run that stops at a bad row leaves tables and keys as they were', async () => {
    await withDatabase(async (database, connection) => {
      await database.sql(SCHEMA);
      const before = await database.sql(DESCRIPTION);
      const index = await oidOf(database, 'child_pkey');
      const session = await connection.openLoad({ run: 'stops', signal: new AbortController().signal });
      const [{ spec, parts }] = tables((_, rows) => rows.with(9_000, ['1', '5', 'x', null]));
      const load = await session.begin(await session.plan(spec));
      const writer = await load.openWriter();
      const { partOf } = await import('./fixture.ts');
      const { copyText } = await import('./ladder.ts');
      const { COPY_TEXT } = await import('../../../src/rows/row-encoding.ts');
      for (const [i, rows] of parts.entries()) await writer.write(partOf(i, [copyText(rows)], COPY_TEXT), () => undefined);
      await writer.close();
      session.complete!(load.plan.table);
      await expect(session.publish()).rejects.toMatchObject({ code: 'UNIQUE_VIOLATED', at: { table: 'Parent.t' } });
      await session.abort();
      expect(await database.sql(DESCRIPTION)).toEqual(before);
      expect(await oidOf(database, 'child_pkey')).toBe(index);
      expect(await database.sql('SELECT count(*) FROM "Parent.t"')).toEqual([['0']]);
      expect(await leftovers(database)).toEqual([]);
    });
  });

  const ATTACHED: readonly (readonly [string, string])[] = [
    ['a comment on a key', `COMMENT ON CONSTRAINT child_pkey ON child IS 'mine'`],
    ['a comment on an index', `COMMENT ON INDEX child_note IS 'mine'`],
    ['a replica identity', 'CREATE UNIQUE INDEX child_identity ON child (parent, id); ALTER TABLE child REPLICA IDENTITY USING INDEX child_identity'],
    ['a cluster index', 'CLUSTER child USING child_pkey'],
    ['a view that depends on the key', 'CREATE VIEW grouped AS SELECT id, note FROM child GROUP BY id'],
    ['a foreign key of a table outside the run', 'CREATE TABLE outside (child integer REFERENCES child)'],
    ['a foreign key that is not validated', 'CREATE TABLE loose (id integer); ALTER TABLE other ADD CONSTRAINT loose FOREIGN KEY (id) REFERENCES child NOT VALID'],
    ['a trigger', `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER keep BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION keep()`],
    ['statistics of an index column', 'CREATE INDEX child_sum ON child ((parent + 1)); ALTER INDEX child_sum ALTER COLUMN 1 SET STATISTICS 500'],
    ['a partition', 'CREATE TABLE kin () INHERITS (child)'],
  ];

  test.each(ATTACHED)('%s stays as it is', async (_, sql) => {
    await withDatabase(async (database, connection) => {
      await database.sql(SCHEMA);
      await database.sql(sql);
      const before = await database.sql(DESCRIPTION);
      const index = await oidOf(database, 'child_pkey');
      const outcome = await loadWithQuarantine(connection, tables(), { early: true });
      expect([...outcome.counts.values()].map(({ written }) => written)).toEqual([ROWS, ROWS, ROWS]);
      expect(await database.sql(DESCRIPTION)).toEqual(before);
      expect(await oidOf(database, 'child_pkey')).toBe(index);
      expect(await leftovers(database)).toEqual([]);
    });
  });

  test('an event trigger, a table in use, and a table with rows: everything in the usual way', async () => {
    await withDatabase(async (database, connection) => {
      await database.sql(SCHEMA);
      const index = await oidOf(database, 'child_pkey');
      await database.sql(`CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'; CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted()`);
      await loadWithQuarantine(connection, tables(), { early: true });
      await database.sql('DROP EVENT TRIGGER noted; TRUNCATE "Parent.t", child, other');
      const reader = await openDatabase(database.url);
      await reader.sql('BEGIN; SELECT count(*) FROM "Parent.t"');
      await loadWithQuarantine(connection, tables(), { early: true });
      expect(await reader.sql('SELECT count(*) FROM "Parent.t"')).toEqual([[`${ROWS}`]]);
      await reader.sql('COMMIT');
      await reader.close();
      expect((await loadWithQuarantine(connection, tables(), { early: true })).counts.get('child')).toMatchObject({ written: 0, rejected: ROWS });
      expect(await oidOf(database, 'child_pkey')).toBe(index);
      expect(await leftovers(database)).toEqual([]);
    });
  });
});
