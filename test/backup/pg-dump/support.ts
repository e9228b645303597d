/** Real archives: a database with objects of many kinds, and Debian's pg_dump and pg_restore. */
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { DumpArchive, DumpEntry } from '../../../src/backup/pg-dump/dump-archive.ts';
import { findPostgres } from '../../helpers/postgres-binaries.ts';
import type { PostgresServer } from '../../helpers/postgres-server.ts';

export const SAMPLE_SQL = `
  CREATE ROLE archive_reader;
  CREATE SCHEMA "odd ""names";
  CREATE TYPE mood AS ENUM ('sad', 'happy');
  CREATE FUNCTION twice(integer, note text DEFAULT 'ü') RETURNS integer LANGUAGE sql AS 'SELECT 2 * $1';
  CREATE TABLE parent (id integer PRIMARY KEY, name text NOT NULL, mood mood);
  CREATE TABLE child (id integer PRIMARY KEY, parent integer REFERENCES parent, note text);
  CREATE TABLE nothing (id integer);
  CREATE TABLE "odd ""names"."new
line ü" ("a
b" text, "tab\t" text);
  CREATE TABLE events (at date, what text) PARTITION BY RANGE (at);
  CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE SEQUENCE counter START 7;
  CREATE VIEW happy AS SELECT * FROM parent WHERE mood = 'happy';
  CREATE MATERIALIZED VIEW names AS SELECT DISTINCT name FROM parent;
  CREATE INDEX child_note ON child (note);
  CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION refuse();
  COMMENT ON TABLE parent IS 'with a comment';
  COMMENT ON EVENT TRIGGER guard IS 'with a comment, too';
  GRANT SELECT ON parent TO archive_reader;
  ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO archive_reader;
  INSERT INTO parent SELECT i, 'name ' || i, CASE i % 3 WHEN 0 THEN 'sad' WHEN 1 THEN 'happy' END::mood FROM generate_series(1, 3000) i;
  INSERT INTO child SELECT i, 1 + i % 3000, md5(i::text) || md5((i * 7)::text) FROM generate_series(1, 6000) i;
  INSERT INTO "odd ""names"."new
line ü" VALUES (E'\\\\.', E'a\\nb'), (NULL, ''), (E'\\\\.\\n\\n', 'ü');
  INSERT INTO events SELECT '2025-12-01'::date + i, 'event ' || i FROM generate_series(1, 60) i;
  REFRESH MATERIALIZED VIEW names;
  SELECT nextval('counter');
  SELECT lo_from_bytea(100001, 'first'), lo_from_bytea(100002, ''), lo_from_bytea(100003, decode(repeat('00ff10', 40000), 'hex')), lo_from_bytea(4000000000, 'above 2^31');
  COMMENT ON LARGE OBJECT 100001 IS 'a large object';
`;

export interface Dumps {
  /** @param to a file or folder; `| FILE` is a pipe into a file */
  dump(to: string, ...options: string[]): Promise<void>;
  /** What pg_restore says. */
  restore(...options: string[]): Promise<string>;
}

export async function sampleDatabase(server: PostgresServer): Promise<Dumps> {
  const url = await server.createDatabase('sample');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(SAMPLE_SQL);
  await client.end();
  return dumpsOf(server, 'sample');
}

export async function dumpsOf(server: PostgresServer, database: string): Promise<Dumps> {
  const bin = join(await findPostgres('debian'), 'bin');
  const env = { ...process.env, ...server.psqlEnv, PGDATABASE: database, LC_ALL: 'C', TZ: 'UTC' };
  const run = async (program: string, options: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(join(bin, program), [...options], { env, encoding: 'latin1', maxBuffer: 1 << 28 });
    return stdout;
  };
  return {
    async dump(to, ...options) {
      if (!to.startsWith('| ')) {
        await run('pg_dump', [...options, '-f', to]);
        return;
      }
      const child = spawn(join(bin, 'pg_dump'), options, { env, stdio: ['ignore', 'pipe', 'inherit'] });
      await pipeline(child.stdout, createWriteStream(to.slice(2)));
    },
    restore: (...options) => run('pg_restore', options),
  };
}

export const NEVER = new AbortController().signal;

export async function bytesOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all);
}

export function dataOf(archive: DumpArchive, entry: DumpEntry): Promise<Buffer> {
  return bytesOf(archive.data(entry, NEVER));
}

export function entryOf(archive: DumpArchive, description: string, tag: string): DumpEntry {
  const found = archive.entries.find((entry) => entry.description === description && entry.tag === tag);
  if (found === undefined) throw new Error(`There is no ${description} ${tag}`);
  return found;
}

/** What depends on the layout. */
const PLACES: ReadonlySet<string> = new Set(['storedBytes', 'text', 'place']);

/** Everything that the archive gives, in order: for comparison. */
export async function everythingOf(archive: DumpArchive): Promise<string[]> {
  const all: string[] = [];
  for (const entry of archive.entries) {
    const facts = Object.fromEntries(Object.entries(entry).filter(([name]) => !PLACES.has(name)));
    all.push(JSON.stringify(facts), JSON.stringify(await archive.statements(entry)), (await dataOf(archive, entry)).toString('latin1'));
    for await (const { oid, bytes } of archive.largeObjects(entry, NEVER)) all.push(`${oid}: ${(await bytesOf(bytes)).toString('latin1')}`);
  }
  return all;
}
