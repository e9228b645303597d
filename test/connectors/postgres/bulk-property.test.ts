/**
 * With keys taken off (bulk-insert.ts) the outcome is that of the usual way, which an event trigger asks for: also where tables refer to themselves and to each other, where rows that share
 * a key have no parent, and where those that go are parents.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { columns, connect, INTEGER, openDatabase, type Database } from './fixture.ts';
import { loadWithQuarantine, summary, type LadderOutcome, type LadderTable, type TextRow } from './ladder.ts';

let database: Database;
let connection: Connection;

beforeAll(async () => {
  database = await openDatabase();
  connection = await connect(database.url, { jobs: 2 });
  await database.sql(`CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'; CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted()`);
});

afterAll(async () => {
  await connection.close();
  await database.close();
});

const CONSTRAINTS = [
  'ALTER TABLE post ADD UNIQUE (code)', 'ALTER TABLE post ADD UNIQUE (person, code)', 'ALTER TABLE post ADD CHECK (code < 5)', 'ALTER TABLE post ALTER person SET NOT NULL',
  'ALTER TABLE post ADD FOREIGN KEY (person) REFERENCES person ON DELETE CASCADE', 'ALTER TABLE post ADD FOREIGN KEY (parent) REFERENCES post', 'ALTER TABLE post ADD FOREIGN KEY (parent, code) REFERENCES person (id, favourite) MATCH FULL',
  'ALTER TABLE person ADD FOREIGN KEY (favourite) REFERENCES post (id) ON DELETE SET NULL', 'ALTER TABLE person ADD UNIQUE (favourite)', 'ALTER TABLE post ADD FOREIGN KEY (parent) REFERENCES post ON DELETE CASCADE DEFERRABLE',
] as const;

const few = fc.integer({ min: 0, max: 7 }).map(String);
const perhaps = fc.option(few, { freq: 3, nil: null });
const people = fc.array(fc.tuple(few, perhaps), { maxLength: 8 });
const posts = fc.array(fc.tuple(few, perhaps, perhaps, perhaps), { maxLength: 12 });

async function outcomeOf(tables: readonly LadderTable[]): Promise<[LadderOutcome, unknown]> {
  const outcome = await loadWithQuarantine(connection, tables, { early: true });
  const state = [await database.sql('SELECT * FROM person ORDER BY 1, 2'), await database.sql('SELECT * FROM post ORDER BY 1, 2, 3, 4')];
  await database.sql('TRUNCATE person, post');
  return [outcome, state];
}

const RUNS = Number(process.env.SLUICE_PROPERTY_RUNS ?? 25);

test('with keys off the outcome is that of the usual way', async () => {
  const drawn = fc.record({ constraints: fc.uniqueArray(fc.constantFrom(...CONSTRAINTS), { minLength: 1, maxLength: 5 }), people: fc.array(people, { minLength: 1, maxLength: 2 }), posts: fc.array(posts, { minLength: 1, maxLength: 2 }) });
  await fc.assert(fc.asyncProperty(drawn, async (one) => {
    await database.sql('ALTER EVENT TRIGGER noted ENABLE; DROP TABLE IF EXISTS person, post CASCADE; CREATE TABLE person (id integer PRIMARY KEY, favourite integer, UNIQUE (id, favourite)); CREATE TABLE post (id integer PRIMARY KEY, person integer, parent integer, code integer)');
    for (const constraint of one.constraints) await database.sql(constraint);
    const table = (name: string, names: readonly string[], parts: readonly (readonly TextRow[])[]): LadderTable => ({ spec: { table: { name }, mode: 'append', columns: columns(Object.fromEntries(names.map((column) => [column, INTEGER]))) }, parts });
    const tables = [table('person', ['id', 'favourite'], one.people), table('post', ['id', 'person', 'parent', 'code'], one.posts)];
    const [usual, usualState] = await outcomeOf(tables);
    await database.sql('ALTER EVENT TRIGGER noted DISABLE');
    const [bulk, bulkState] = await outcomeOf(tables);
    expect(bulkState).toEqual(usualState);
    for (const name of ['person', 'post']) {
      expect(summary(bulk, name)).toEqual(summary(usual, name));
      expect(bulk.counts.get(name)).toEqual(usual.counts.get(name));
    }
  }), { numRuns: RUNS });
}, Math.max(120_000, RUNS * 3000));
