import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { startBackup, startRestore } from '../../../src/jobs/start-transfer.ts';
import type { Receipt } from '../../../src/jobs/receipt.ts';
import type { RestoreRequest } from '../../../src/jobs/restore-request.ts';
import { findPostgres } from '../../helpers/postgres-binaries.ts';

export async function backUp(from: string, folder: string): Promise<string> {
  const receipt = await startBackup({ from, to: join(folder, 'repository'), tables: [], exclude: [], schema: true, data: true }, { workspace: join(folder, 'workspace') }).receipt;
  return `${receipt.backup!.repository}@${receipt.backup!.backup}`;
}

export function restore(source: string, to: string, folder: string, options: Partial<RestoreRequest> = {}): Promise<Receipt> {
  return startRestore({ source, to, mode: 'append', read: {}, ...options }, { workspace: join(folder, 'workspace'), jobs: 2 }).receipt;
}

/** The error of what must not succeed. */
export async function refused(work: Promise<unknown>): Promise<SluiceError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(SluiceError);
  return error as SluiceError;
}

export async function program(name: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(await findPostgres('debian'), 'bin', name), args, { maxBuffer: 2 ** 28 });
  return stdout;
}

export async function dump(url: string, file: string, ...options: string[]): Promise<string> {
  await program('pg_dump', [...options, '-f', file, url]);
  return file;
}

/** What pg_dump says of a database. Rows stand at its end, sorted by where they go in: two jobs place them as they come, and by the hash of an enum they are in other partitions. */
export async function described(url: string): Promise<string> {
  const text = await program('pg_dump', [url]);
  const rows = new Map<string, string[]>();
  const rest = text.replace(/^(COPY .* FROM stdin;)\n([^]*?)^\\\.\n/gm, (_, head: string, lines: string) => {
    rows.set(head, [...(rows.get(head) ?? []), ...lines.split('\n')]);
    return `${head}\n`;
  });
  const sorted = [...rows].map(([head, lines]) => [head, ...lines.filter((line) => line !== '').map(shortened).toSorted()].join('\n'));
  return [...rest.split('\n').filter((line) => !/^\\(?:un)?restrict /.test(line)), ...sorted.toSorted()].join('\n');
}

/** So that a difference can be read. */
function shortened(line: string): string {
  return line.length < 200 ? line : `${line.slice(0, 100)}… ${hash('sha256', line)}`;
}

/** What the tests of options and of interruptions restore. */
export const SHOP = `
  CREATE ROLE shop_owner; CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'ok', loud text GENERATED ALWAYS AS (upper(name)) STORED);
  CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES customers, total numeric(10,2), at timestamptz(0) DEFAULT now());
  CREATE INDEX customers_shout ON customers (shout(name));
  CREATE TABLE notes (body text);
  ALTER TABLE orders OWNER TO shop_owner; GRANT SELECT ON customers TO shop_owner;
  INSERT INTO customers (name, mood) SELECT 'name ' || i, (ARRAY['sad', 'ok']::mood[])[1 + i % 2] FROM generate_series(1, 3000) AS i;
  INSERT INTO orders (customer, total) SELECT 1 + i % 3000, i * 1.25 FROM generate_series(1, 60000) AS i;
  CREATE VIEW recent AS SELECT * FROM orders WHERE id > 59990;
  COMMENT ON TABLE customers IS 'who buys';`;

export const COUNTS = 'SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), (SELECT sum(total) FROM orders)';
