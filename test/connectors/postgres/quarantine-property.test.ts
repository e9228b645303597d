/**
 * What is rejected set-wise is what the server rejects when rows are inserted one by one in source order, each under a savepoint, parents first. Foreign keys of a
 * table to itself are left out here: the server judges each row against those before it, a run against all that survive. Half of the runs publish early into empty
 * tables, whose keys are off meanwhile.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../src/connectors/connector.ts';
import { columns, connect, INTEGER, openDatabase, type Database } from './fixture.ts';
import { loadWithQuarantine, type LadderTable, type TextRow } from './ladder.ts';

let database: Database;
let connection: Connection;

beforeAll(async () => {
  database = await openDatabase();
  connection = await connect(database.url, { jobs: 2 });
});

afterAll(async () => {
  await connection.close();
  await database.close();
});

const CONSTRAINTS = [
  'ALTER TABLE T ADD PRIMARY KEY (a)', 'ALTER TABLE T ADD UNIQUE (b)', 'ALTER TABLE T ADD UNIQUE (a, c)', 'CREATE UNIQUE INDEX ON T (c) WHERE a > 1', 'CREATE UNIQUE INDEX ON T (((a + b) % 4))',
  'CREATE UNIQUE INDEX ON T (b, c) NULLS NOT DISTINCT', 'ALTER TABLE T ADD CHECK (a + b < 7)', 'ALTER TABLE T ADD CHECK (10 / c > 2)', 'ALTER TABLE T ALTER c SET NOT NULL', 'ALTER TABLE T ADD CHECK (g IS NULL OR g <> 6)',
  'ALTER TABLE T ADD CHECK (d = 5)', 'ALTER TABLE T ADD EXCLUDE USING btree (b WITH =)', 'ALTER TABLE T ADD EXCLUDE USING gist (int4range(a, a + 2) WITH &&)', 'ALTER TABLE T ADD UNIQUE (c, b) DEFERRABLE',
] as const;

const value = fc.option(fc.integer({ min: 0, max: 5 }), { freq: 6, nil: null }).map((number) => (number === null ? null : String(number)));
const row = fc.tuple(value, value, value);
const tableShape = fc.record({
  constraints: fc.uniqueArray(fc.constantFrom(...CONSTRAINTS), { maxLength: 4 }),
  before: fc.array(row, { maxLength: 4 }),
  parts: fc.array(fc.array(row, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
});
type Shape = typeof tableShape extends fc.Arbitrary<infer T> ? T : never;

interface Case { readonly parent: Shape; readonly child: Shape; readonly key: string; readonly childFirst: boolean; readonly replace: boolean; readonly early: boolean }

const KEYS = [
  'ALTER TABLE child ADD FOREIGN KEY (b) REFERENCES parent (k)', 'ALTER TABLE child ADD FOREIGN KEY (b, c) REFERENCES parent (k, b)', 'ALTER TABLE child ADD FOREIGN KEY (b, c) REFERENCES parent (k, b) MATCH FULL',
  'ALTER TABLE child ADD FOREIGN KEY (a) REFERENCES parent (k) DEFERRABLE INITIALLY DEFERRED', 'SELECT 1',
];

const insert = (name: string, [a, b, c]: TextRow): string => `INSERT INTO ${name} (${name === 'parent' ? 'k' : 'a'}, b, c) VALUES (${[a, b, c].map((item) => item ?? 'NULL').join(', ')})`;

async function attempt(sql: string): Promise<boolean> {
  await database.sql('SAVEPOINT one');
  return database.sql(`${sql}; SET CONSTRAINTS ALL IMMEDIATE`).then(() => true, async () => {
    await database.sql('ROLLBACK TO SAVEPOINT one');
    return false;
  });
}

/** The tables as the case wants them; constraints that cannot be there are not. */
async function build({ parent, child, key }: Case): Promise<void> {
  await database.sql('DROP TABLE IF EXISTS child, parent; BEGIN');
  for (const [name, shape] of [['parent', parent], ['child', child]] as const) {
    const first = name === 'parent' ? 'k' : 'a';
    await database.sql(`CREATE TABLE ${name} (${first} integer, b integer, c integer, d integer DEFAULT 5, g integer GENERATED ALWAYS AS (b + c) STORED)`);
    if (name === 'parent') await database.sql('ALTER TABLE parent ADD UNIQUE (k); ALTER TABLE parent ADD UNIQUE (k, b)');
    for (const constraint of shape.constraints) await attempt(constraint.replace('TABLE T', `TABLE ${name}`).replace('ON T', `ON ${name}`).replaceAll(/\ba\b/g, first));
  }
  await attempt(key);
  for (const [name, shape] of [['parent', parent], ['child', child]] as const) for (const one of shape.before) await attempt(insert(name, one));
  await database.sql('COMMIT');
}

async function state(): Promise<unknown> {
  return [await database.sql('SELECT k, b, c, d, g FROM parent ORDER BY 1, 2, 3'), await database.sql('SELECT a, b, c, d, g FROM child ORDER BY 1, 2, 3')];
}

/** A check that raises an error, of a row whose key a good row has too. */
const UNJUDGEABLE_CHECK: Case = {
  parent: { constraints: ['ALTER TABLE T ADD CHECK (10 / c > 2)'], before: [], parts: [[['0', null, '0']], [['0', null, null]]] },
  child: { constraints: [], before: [], parts: [[]] },
  key: 'ALTER TABLE child ADD FOREIGN KEY (b) REFERENCES parent (k)', childFirst: false, replace: false, early: false,
};

const RUNS = Number(process.env.SLUICE_PROPERTY_RUNS ?? 25);

test('the outcome is that of single inserts', async () => {
  await fc.assert(fc.asyncProperty(fc.record({ parent: tableShape, child: tableShape, key: fc.constantFrom(...KEYS), childFirst: fc.boolean(), replace: fc.boolean(), early: fc.boolean() }), async (drawn: Case) => {
    const one = drawn.early ? { ...drawn, parent: { ...drawn.parent, before: [] }, child: { ...drawn.child, before: [] } } : drawn;
    await build(one);
    await database.sql(`BEGIN${one.replace ? '; DELETE FROM child; DELETE FROM parent' : ''}`);
    for (const [name, shape] of [['parent', one.parent], ['child', one.child]] as const) for (const rows of shape.parts) for (const item of rows) await attempt(insert(name, item));
    const expected = await state();
    await database.sql('ROLLBACK');
    const load = (name: string, first: string, { parts }: Shape): LadderTable => ({ spec: { table: { name }, mode: one.replace ? 'replace' : 'append', columns: columns({ [first]: INTEGER, b: INTEGER, c: INTEGER }) }, parts });
    const tables = [load('parent', 'k', one.parent), load('child', 'a', one.child)];
    const outcome = await loadWithQuarantine(connection, one.childFirst ? tables.toReversed() : tables, { early: one.early });
    expect(await state()).toEqual(expected);
    for (const { spec, parts } of tables) {
      const { written, skipped, duplicate } = outcome.counts.get(spec.table.name)!;
      expect(written + skipped + duplicate + (outcome.rejected.get(spec.table.name)?.length ?? 0)).toBe(parts.flat().length);
    }
  }), { numRuns: RUNS, examples: [[UNJUDGEABLE_CHECK]] });
}, Math.max(120_000, RUNS * 3000));

const HOW_BAD = {
  check: 'ALTER TABLE merged ADD CHECK (c < 4)',
  'a check that divides': 'ALTER TABLE merged ADD CHECK (10 / (c - 4) < 0)',
  'a trigger that raises': `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.c >= 4 THEN RAISE EXCEPTION 'too large'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON merged FOR EACH ROW EXECUTE FUNCTION refuse()`,
} as const;
const small = fc.integer({ min: 0, max: 4 });

test('of an upsert the last good row of each key counts, with a unique key in the target and without', async () => {
  const drawn = fc.record({
    bad: fc.constantFrom(...Object.keys(HOW_BAD) as (keyof typeof HOW_BAD)[]), isUnique: fc.boolean(),
    before: fc.uniqueArray(fc.record({ key: small, value: fc.integer({ min: 0, max: 3 }) }), { selector: ({ key }) => key, maxLength: 4 }),
    parts: fc.array(fc.array(fc.record({ key: small, value: small }), { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(fc.asyncProperty(drawn, async ({ bad, isUnique, before, parts }) => {
    await database.sql(`DROP TABLE IF EXISTS merged; DROP FUNCTION IF EXISTS refuse; CREATE TABLE merged (a integer, c integer); ${isUnique ? 'ALTER TABLE merged ADD UNIQUE (a);' : ''} ${HOW_BAD[bad]}`);
    for (const { key, value: c } of before) await database.sql(`INSERT INTO merged VALUES (${key}, ${c})`);
    const all = parts.flat();
    const good = all.filter(({ value: c }) => c < 4);
    const expected = new Map([...before, ...good].map(({ key, value: c }) => [key, c]));
    const spec = { table: { name: 'merged' }, mode: 'upsert', key: ['a'], columns: columns({ a: INTEGER, c: INTEGER }) } as const;
    const outcome = await loadWithQuarantine(connection, [{ spec, parts: parts.map((part) => part.map(({ key, value: c }): TextRow => [String(key), String(c)])) }]);
    expect(await database.sql('SELECT a, c FROM merged ORDER BY 1')).toEqual([...expected].toSorted(([a], [b]) => a - b).map(([key, c]) => [String(key), String(c)]));
    const rejected = outcome.rejected.get('merged')?.length ?? 0;
    const written = new Set(good.map(({ key }) => key)).size;
    expect(outcome.counts.get('merged')).toEqual({ written, duplicate: all.length - written - rejected, skipped: 0, rejected });
    // What nobody can judge beforehand and a later row replaces is never inserted: nobody knows that it is bad.
    const replaced = all.filter(({ key, value: c }, at) => c >= 4 && all.some((later, i) => i > at && later.key === key)).length;
    expect(rejected).toBeLessThanOrEqual(all.length - good.length);
    expect(rejected).toBeGreaterThanOrEqual(all.length - good.length - (bad === 'check' ? 0 : replaced));
  }), { numRuns: RUNS });
}, Math.max(120_000, RUNS * 3000));
