/** A look at a source over HTTP, before anything is loaded: of the head of a file, of a file of the server; counts of tables; the run of an Idempotency-Key. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../faults/databases.ts';
import { createDatabase } from '../helpers/postgres-server.ts';
import { startTestServer, until, type TestServer } from './support.ts';

interface Preview {
  readonly tables: readonly { name: string; format: string; compression: string; details: Record<string, unknown>; columns: { name: string; type: string }[]; rows: (string | null)[][]; estimatedRows: number | null }[];
  readonly sources: number;
}

let server: TestServer;
let database: string;
beforeAll(async () => {
  database = await createDatabase();
  server = await startTestServer({ shop: database }, { patience: { lookMs: 8000 } });
});
afterAll(() => server.end());

async function look(query: string, body: string | Uint8Array): Promise<{ status: number; body: Preview & { code?: string } }> {
  const response = await server.ask(`/api/v1/previews?${query}`, { method: 'POST', body: body as never, headers: { 'content-type': 'application/octet-stream' } });
  return { status: response.status, body: await response.json() as Preview };
}

describe('the head of a file', () => {
  it('is enough: what it breaks off with is no fault of the file', async () => {
    const head = `id;name;made\n${Array.from({ length: 200_000 }, (_, id) => `${id};"a; longer ${id}";2026-01-02\n`).join('')}200000;"brok`;
    const { status, body } = await look('name=cities.csv', head);
    expect(status).toBe(200);
    const [table] = body.tables;
    expect(table).toMatchObject({ name: 'cities', format: 'csv', compression: 'none', details: { delimiter: ';' }, columns: [{ name: 'id' }, { name: 'name', type: 'text' }, { name: 'made', type: 'date' }] });
    expect(table.rows).toHaveLength(50);
    expect(table.rows[1]).toEqual(['1', 'a; longer 1', '2026-01-02']);
  });

  it('of JSON, NDJSON and gzip as well', async () => {
    const records = Array.from({ length: 150_000 }, (_, id) => JSON.stringify({ id, tags: ['x', 'y'], note: id % 2 === 0 ? null : `n ${id}` }));
    const json = await look('name=all.json', `[${records.join(',\n')}`.slice(0, -9));
    expect(json.body.tables[0]).toMatchObject({ name: 'all', format: 'json' });
    expect(json.body.tables[0].rows[1]).toEqual(['1', '["x","y"]', 'n 1']);
    const lines = await look('name=all.ndjson', records.join('\n').slice(0, -9));
    expect(lines.body.tables[0].rows[0]).toEqual(['0', '["x","y"]', null]);
    const noise = Array.from({ length: 200_000 }, (_, id) => JSON.stringify({ id, code: randomBytes(30).toString('hex') }));
    const cut = await look('name=noise.json.gz', gzipSync(`[${noise.join(',')}]`).subarray(0, 5.5 * 2 ** 20));
    expect([cut.body.tables[0].name, cut.body.tables[0].rows[2][0]]).toEqual(['noise', '2']);
    const zipped = await look('name=some.csv.gz&whole=true', gzipSync('a,b\n1,2\n'));
    expect(zipped.body.tables[0]).toMatchObject({ name: 'some', compression: 'gzip', rows: [['1', '2']] });
  });

  it('is read as it is told, and refused where that cannot work', async () => {
    expect((await look('name=x.csv&whole=true&header=false', 'a,b\n1,2\n')).body.tables[0].rows).toEqual([['a', 'b'], ['1', '2']]);
    expect((await look('name=short.csv', 'a,b\n1,2\n')).body.code).toBe('REQUEST_INVALID');
    expect((await look('name=x.parquet', 'PAR1....')).body.code).toBe('OPTION_UNSUPPORTED');
    expect((await look('name=x.zip&whole=true', 'PK\u0003\u0004\0\0')).body.code).toBe('FORMAT_UNKNOWN');
    expect((await look('name=x.csv&whole=true', '')).body.code).toBe('SOURCE_EMPTY');
  });
});

describe('a source of the server', () => {
  it('is a file or a folder below its folders, and no other', async () => {
    mkdirSync(join(server.files, 'both'));
    writeFileSync(join(server.files, 'both/one.csv'), 'a\n1\n');
    writeFileSync(join(server.files, 'both/two.csv'), 'b\n2\n');
    expect((await look(`source=${encodeURIComponent(join(server.files, 'both'))}`, '')).body).toMatchObject({ sources: 2, tables: [{ name: 'one', rows: [['1']] }, { name: 'two', rows: [['2']] }] });
    expect((await look('source=/etc/passwd', '')).body.code).toBe('PATH_REFUSED');
    expect((await look('source=http%3A%2F%2F127.0.0.1%2Fx.csv', '')).body.code).toBe('OPTION_UNSUPPORTED');
  });
});

describe('the count of a table', () => {
  it('is exact, and says how far positions reach', async () => {
    await runSql(database, 'CREATE TABLE counted (id int PRIMARY KEY); INSERT INTO counted SELECT generate_series(1, 1234); CREATE TABLE keyless AS SELECT generate_series(1, 100500) AS n');
    expect((await server.json('/api/v1/connections/shop/tables/counted/count')).body).toEqual({ rows: 1234, exact: true, reachable: 1234 });
    expect((await server.json('/api/v1/connections/shop/tables/keyless/count')).body).toEqual({ rows: 100_500, exact: true, reachable: 100_500 });
    expect((await server.json('/api/v1/connections/shop/tables/none/count')).status).toBe(404);
  });
});

describe('an Idempotency-Key', () => {
  it('tells its run while the upload is still on the way, to whoever sent it', async () => {
    let end = (): void => undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('a\n1\n'));
        end = () => controller.close();
      },
    });
    const sent = server.ask('/api/v1/import/late.csv?to=shop', { method: 'PUT', body, headers: { 'idempotency-key': 'late-1' }, duplex: 'half' } as never);
    const runOf = async (as: 'operator' | 'admin'): Promise<string | null> => (await server.json<{ run: string | null }>('/api/v1/idempotency-keys/late-1', { as })).body.run;
    await until(async () => (await runOf('operator')) !== null);
    const run = await runOf('operator');
    expect(await runOf('admin')).toBeNull();
    end();
    expect((await (await sent).json() as { run: string }).run).toBe(run);
  });
});
