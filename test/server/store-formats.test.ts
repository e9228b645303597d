/** The server on a workspace that an older version has left: everything in it is there and works; on one of a newer version it does not start, and leaves it as it is. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerStore } from '../../src/server/store/server-store.ts';
import { startTestServer, type TestServer } from './support.ts';

/** As the first version made it. */
const FORMAT_1 = `
CREATE TABLE credentials (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER,
  parent TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE connections (name TEXT PRIMARY KEY, secret BLOB NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
  holder TEXT NOT NULL,
  key TEXT NOT NULL,
  request BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  run TEXT,
  PRIMARY KEY (holder, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
`;
const TABLES_OF_1 = ['credentials', 'connections', 'idempotency', 'settings'];

let before: TestServer;
let file: string;
beforeEach(async () => {
  before = await startTestServer();
  file = join(before.workspace, 'server.sqlite');
});
afterEach(() => before.end());

/** What the present version has written, in a store as an older version would have it. */
function asFormat1(): void {
  const now = new DatabaseSync(file);
  const rows = TABLES_OF_1.map((table) => [table, now.prepare(`SELECT * FROM ${table}`).all()] as const);
  now.close();
  rmSync(file);
  const older = new DatabaseSync(file);
  older.exec(FORMAT_1);
  for (const [table, all] of rows) {
    for (const row of all) older.prepare(`INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row).map(() => '?').join(', ')})`).run(...Object.values(row));
  }
  older.close();
}

function formatOf(): number {
  const database = new DatabaseSync(file);
  const found = Number(database.prepare('PRAGMA user_version').get()!.user_version);
  database.close();
  return found;
}

describe('the store of the server', () => {
  it('of format 1 keeps its tokens, sealed connections, settings and keys, and takes what is new', async () => {
    const upload = { method: 'PUT', body: 'id\n1\n', headers: { 'idempotency-key': 'once' } };
    const { body: receipt } = await before.json<{ run: string }>('/api/v1/import/a.csv', upload);
    expect((await before.json('/api/v1/connections', { as: 'admin', send: { name: 'far', url: 'postgres://me:topsecret@db.example/shop' } })).status).toBe(201);
    expect((await before.json('/api/v1/settings', { as: 'admin', method: 'PATCH', send: { maxRuns: 3 } })).status).toBe(200);
    const current = formatOf();
    await before.close();
    asFormat1();
    expect(formatOf()).toBe(1);

    const after = await startTestServer({}, { settings: { workspace: before.workspace, jobs: 2 }, keyFile: join(before.folder, 'server.key'), files: [before.files] });
    try {
      const as = (role: 'operator' | 'admin') => ({ as: null, headers: { authorization: `Bearer ${before.tokens[role]}` } });
      expect((await after.json('/api/v1/session', as('operator'))).body).toMatchObject({ name: 'operator', role: 'operator' });
      const { body } = await after.json<{ items: { name: string; url: string }[] }>('/api/v1/connections', as('operator'));
      expect(body.items.find(({ name }) => name === 'far')?.url).toBe('postgres://me@db.example/shop');
      expect((await after.json('/api/v1/settings', as('admin'))).body.maxRuns).toBe(3);
      expect((await after.json<{ run: string }>('/api/v1/import/a.csv', { ...upload, ...as('operator'), headers: { ...upload.headers, ...as('operator').headers } })).body.run).toBe(receipt.run);
      const named = await after.json('/api/v1/repositories', { as: null, send: { name: 'nightly', path: 'nightly' }, headers: as('admin').headers });
      expect(named.status).toBe(201);
      expect(formatOf()).toBe(current);
    } finally {
      await after.end();
    }
  });

  it('of a newer version is refused and left as it is', async () => {
    await before.close();
    const database = new DatabaseSync(file);
    const newer = Number(database.prepare('PRAGMA user_version').get()!.user_version) + 1;
    database.exec(`CREATE TABLE later (x); PRAGMA user_version = ${newer}`);
    database.close();
    const bytes = readFileSync(file);
    await expect(startTestServer({}, { settings: { workspace: before.workspace } })).rejects.toMatchObject({ code: 'WORKSPACE_TOO_NEW', facts: { found: newer, known: newer - 1 } });
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it('whose migration fails stays what it was', async () => {
    await before.close();
    asFormat1();
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE repositories (something_else)');
    database.close();
    await expect(ServerStore.open(before.workspace)).rejects.toMatchObject({ code: 'WORKSPACE_UNUSABLE' });
    expect(formatOf()).toBe(1);
  });
});
