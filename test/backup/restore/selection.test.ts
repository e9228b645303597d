/** Whatever tables are chosen: what comes with them can be restored by itself, and is everything that is theirs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/backup/pg-dump/archive-settings.ts';
import type { DumpArchive, DumpEntry } from '../../../src/backup/pg-dump/dump-archive.ts';
import { openDumpArchive } from '../../../src/backup/pg-dump/open-dump-archive.ts';
import { selectEntries, type Selection } from '../../../src/backup/restore/selection.ts';
import { startPostgres, type PostgresServer } from '../../helpers/postgres-server.ts';
import { dumpsOf } from '../pg-dump/support.ts';

const SQL = `
  CREATE SCHEMA shop; CREATE SCHEMA types;
  CREATE TYPE types.mood AS ENUM ('sad', 'happy');
  CREATE DOMAIN types.positive AS integer CHECK (VALUE > 0);
  CREATE FUNCTION types.twice(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
  CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TABLE shop.customers (id serial PRIMARY KEY, name text NOT NULL, mood types.mood, score types.positive CHECK (types.twice(score) < 1000));
  CREATE TABLE shop.orders (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer REFERENCES shop.customers, parent integer REFERENCES shop.orders, at date);
  CREATE INDEX ON shop.orders (at); CREATE INDEX orders_twice ON shop.orders (types.twice(customer));
  CREATE STATISTICS shop.orders_both ON customer, at FROM shop.orders;
  CREATE TRIGGER touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
  ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON shop.orders USING (customer IN (SELECT id FROM shop.customers));
  CREATE RULE quiet AS ON DELETE TO shop.customers DO INSTEAD NOTHING;
  COMMENT ON COLUMN shop.orders.at IS 'when'; COMMENT ON CONSTRAINT orders_pkey ON shop.orders IS 'key'; COMMENT ON TYPE types.mood IS 'how';
  GRANT SELECT ON shop.orders TO PUBLIC; GRANT UPDATE (at) ON shop.orders TO PUBLIC;
  CREATE TABLE shop.base (id integer PRIMARY KEY); CREATE TABLE shop.heir (more text) INHERITS (shop.base);
  CREATE TABLE shop.events (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE shop.events_2025 PARTITION OF shop.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE shop.events_2026 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (id);
  CREATE TABLE shop.events_2026_1 PARTITION OF shop.events_2026 FOR VALUES IN (1);
  CREATE INDEX events_at ON shop.events (at);
  CREATE VIEW shop.moods AS SELECT mood, count(*) FROM shop.customers GROUP BY mood;
  CREATE MATERIALIZED VIEW shop.names AS SELECT c.id, c.name, o.at FROM shop.customers c JOIN shop.orders o ON o.customer = c.id GROUP BY c.id, o.at;
  CREATE INDEX ON shop.names (name);
  CREATE TABLE public.customers (other text);
  CREATE SEQUENCE shop.counter;
`;

const NOT_RUN: ReadonlySet<string> = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE']);

let server: PostgresServer, folder: string, archive: DumpArchive;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-choice-'));
  server = await startPostgres({ version: 'debian' });
  const client = new pg.Client({ connectionString: await server.createDatabase('shop') });
  await client.connect();
  await client.query(SQL);
  await client.end();
  await (await dumpsOf(server, 'shop')).dump(join(folder, 'shop.dump'), '-Fc');
  archive = await openDumpArchive(join(folder, 'shop.dump'));
});

afterAll(async () => {
  await archive.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

const select = (...tables: string[]): Selection => selectEntries(archive.entries, { tables, exclude: undefined });
const namesOf = (entries: readonly DumpEntry[]): string[] => entries.map(({ description, namespace, tag }) => `${description} ${namespace}.${tag}`).toSorted();
const namedOf = ({ entries, named }: Selection): string[] => namesOf(entries.filter(({ dumpId }) => named.has(dumpId)));

/** Runs the definitions in a new database; gives its relations. */
async function restored({ entries }: Selection): Promise<string[]> {
  const client = new pg.Client({ connectionString: await server.createDatabase() });
  await client.connect();
  try {
    await client.query((await settingsOf(archive)).searchPath!);
    for (const entry of entries) {
      if (entry.hasData || NOT_RUN.has(entry.description)) continue;
      const { definition } = await archive.statements(entry);
      await client.query(definition).catch((error: Error) => {
        throw new Error(`${entry.description} ${entry.tag}: ${error.message}`);
      });
    }
    const { rows } = await client.query<{ name: string }>(`SELECT relnamespace::regnamespace || '.' || relname AS name FROM pg_class WHERE relnamespace IN ('shop'::regnamespace, 'public'::regnamespace) ORDER BY 1`);
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

describe('a chosen table', () => {
  it('comes with everything that is its own, and with what that needs', () => {
    const selection = select('shop.orders');
    expect(namedOf(selection)).toEqual([
      'ACL shop.COLUMN orders.at', 'ACL shop.TABLE orders', 'COMMENT shop.COLUMN orders.at', 'COMMENT shop.CONSTRAINT orders_pkey ON orders', 'CONSTRAINT shop.orders orders_pkey', 'FK CONSTRAINT shop.orders orders_parent_fkey',
      'INDEX shop.orders_at_idx', 'INDEX shop.orders_twice', 'POLICY shop.orders own', 'ROW SECURITY shop.orders', 'SEQUENCE shop.orders_id_seq', 'STATISTICS shop.orders_both', 'TABLE shop.orders', 'TRIGGER shop.orders touch',
    ]);
    // The policy reads the other table, and that one needs its type.
    expect(namesOf(selection.needed)).toEqual(expect.arrayContaining(['FUNCTION shop.touch()', 'FUNCTION types.twice(integer)', 'SCHEMA .shop', 'SCHEMA .types', 'TABLE shop.customers', 'TYPE types.mood']));
    expect(namesOf(selection.needed)).not.toContain('TABLE shop.events');
    expect(namesOf(selection.keysOutside.map(({ key }) => key))).toEqual(['FK CONSTRAINT shop.orders orders_customer_fkey']);
  });

  it('is the one of its schema', () => {
    expect(namedOf(select('public.customers'))).toEqual(['TABLE public.customers']);
    expect(namedOf(select('shop.customers'))).toContain('DEFAULT shop.customers id');
  });

  it('can be restored by itself, whichever it is', async () => {
    const relations = archive.entries.filter(({ description }) => ['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE'].includes(description));
    expect(relations.length).toBeGreaterThan(12);
    for (const { namespace, tag } of relations) expect(await restored(select(`${namespace}.${tag}`)).catch((error: Error) => `${namespace}.${tag}: ${error.message}`)).toContain(`${namespace}.${tag}`);
  });

  it('can be left out, whichever it is', async () => {
    const tables = archive.entries.filter(({ description, tag }) => description === 'TABLE' && tag.startsWith('events'));
    for (const { namespace, tag } of tables) {
      const names = await restored(selectEntries(archive.entries, { tables: undefined, exclude: [`${namespace}.${tag}`] })).catch((error: Error) => `${namespace}.${tag}: ${error.message}`);
      expect(names).toContain('shop.orders');
    }
  });

  it('all of them are the whole schema', () => {
    const selection = select('*');
    const rest = archive.entries.filter((entry) => entry.section !== 'data' && !NOT_RUN.has(entry.description) && !selection.entries.includes(entry));
    // Remarks on what is only needed, and may be there already.
    expect(namesOf(rest)).toEqual(['COMMENT types.TYPE mood']);
    expect(selection.keysOutside).toEqual([]);
  });
});
