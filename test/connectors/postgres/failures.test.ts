import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection, LoadSession, PartWriter } from '../../../src/connectors/connector.ts';
import { SluiceError } from '../../../src/errors/sluice-error.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../../src/rows/row-encoding.ts';
import { startPostgres } from '../../helpers/postgres-server.ts';
import { columns, connect, INTEGER, loadCsv, openDatabase, openSessions, partOf, readText, tableRequest, type Database } from './fixture.ts';

let database: Database;
let connection: Connection;

beforeAll(async () => {
  database = await openDatabase();
  await database.sql(`CREATE TABLE strict (id integer NOT NULL, name varchar(5), "odd: name" date, CHECK (id > 0));
    CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 3) AS text FROM generate_series(1, 100000) AS i`);
  connection = await connect(database.url);
});

afterAll(async () => {
  await connection.close();
  await database.close();
});

const STRICT = columns({ id: INTEGER, name: 'text', 'odd: name': 'date' });

async function writerFor(name: string, spec = STRICT, signal = new AbortController().signal): Promise<{ session: LoadSession; writer: PartWriter }> {
  const session = await connection.openLoad({ run: 'r', signal });
  const load = await session.begin(await session.plan({ table: { name }, mode: 'append', columns: spec }));
  return { session, writer: await load.openWriter() };
}

function bytes(...parts: (string | number[])[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
}

describe('a bad row is coded, with its place, and leaves nothing', () => {
  test.each<[string, Buffer, RowEncoding, Partial<SluiceError>]>([
    ['not a number', bytes('1,a,\n2,b,\nx,c,\n'), CANONICAL_CSV, { code: 'VALUE_INVALID', at: { table: 'strict', column: 'id', line: 3 } }],
    ['out of range', bytes('99999999999,a,\n'), CANONICAL_CSV, { code: 'VALUE_INVALID', at: { table: 'strict', column: 'id', line: 1 } }],
    ['too long', bytes('1,abcdef,\n'), CANONICAL_CSV, { code: 'VALUE_INVALID', at: { table: 'strict', column: 'name', line: 1 } }],
    ['not a date', bytes('1,"two\nlines",\n2,b,2024-02-30\n'), CANONICAL_CSV, { code: 'VALUE_INVALID' }],
    ['not a date, in an odd column', bytes('2,b,2024-02-30\n'), CANONICAL_CSV, { code: 'VALUE_INVALID', at: { table: 'strict', column: 'odd: name', line: 1 } }],
    ['a field too many', bytes('1,a,\n2,b,,\n'), CANONICAL_CSV, { code: 'ROW_INVALID', at: { table: 'strict', line: 2 } }],
    ['a field too few', bytes('1\ta\n'), COPY_TEXT, { code: 'ROW_INVALID', at: { table: 'strict', line: 1 } }],
    ['an open quote', bytes('1,"a,\n'), CANONICAL_CSV, { code: 'ROW_INVALID' }],
    ['bytes that are not UTF-8', bytes('1,a,\n2,', [0xff], ',\n'), CANONICAL_CSV, { code: 'ENCODING_INVALID', at: { table: 'strict', line: 2 }, facts: { encoding: 'UTF-8' } }],
    ['bytes that windows-1252 does not have', bytes('1,', [0x81], ',\n'), { ...CANONICAL_CSV, charset: 'windows-1252' }, { code: 'ENCODING_INVALID', facts: { encoding: 'windows-1252' } }],
    ['a NUL', bytes('1,a', [0], ',\n'), CANONICAL_CSV, { code: 'NUL_BYTE' }],
    ['NULL where none may be', bytes('1,a,\n,b,\n'), CANONICAL_CSV, { code: 'NOT_NULL_VIOLATED', at: { table: 'strict', column: 'id', line: 2 } }],
    ['a check', bytes('1,a,\n-1,b,\n'), CANONICAL_CSV, { code: 'CHECK_VIOLATED', at: { table: 'strict', line: 2 }, facts: { constraint: 'strict_id_check' } }],
    ['binary that is none', bytes('1,a,\n'), { kind: 'copy-binary', types: [] }, { code: 'ROW_INVALID' }],
  ])('%s', async (_, input, encoding, expected) => {
    const { session, writer } = await writerFor('strict');
    const attempt = writer.write(partOf(0, [input], encoding), () => undefined);
    const error = await attempt.catch((reason: unknown) => reason as SluiceError);
    expect(error).toBeInstanceOf(SluiceError);
    const { facts, ...rest } = expected;
    expect(error).toMatchObject(rest);
    if (facts !== undefined) expect((error as SluiceError).facts).toMatchObject(facts);
    expect(await database.sql('SELECT count(*) FROM strict')).toEqual([['0']]);
    // The writer goes on as if nothing had been.
    expect(await writer.write(partOf(1, ['5,ok,\n']), () => undefined)).toEqual({ written: 1 });
    await session.abort();
    expect(await database.sql('SELECT count(*) FROM strict')).toEqual([['0']]);
  });

  test('a line that older servers take for the end of the data loses nothing', async () => {
    const version = Number((await database.sql('SHOW server_version_num'))[0][0]);
    const { session, writer } = await writerFor('ends', columns({ a: 'text' }));
    const rows = (index: number, text: string): ReturnType<typeof partOf> => ({ ...partOf(index, [text]), firstRow: 11, counts: () => ({ read: 3, skipped: 0, bytes: text.length }) });
    const attempt = writer.write(rows(0, 'a\n\\.\nb\n'), () => undefined);
    if (version < 180_000) await expect(attempt).rejects.toMatchObject({ code: 'ROW_INVALID', at: { row: 12 }, message: expect.stringContaining('ends the data') as string });
    else expect(await attempt).toEqual({ written: 3 });
    expect(await writer.write(rows(1, 'a\n"\\."\nb\n'), () => undefined)).toEqual({ written: 3 });
    expect(await writer.write(rows(2, 'a\n"x\n\\.\n"\nb\n'), () => undefined)).toEqual({ written: 3 });
    await session.abort();
  });
});

describe('a source that fails', () => {
  test('is the error, and rolls its part back', async () => {
    async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from('1,a,\n'.repeat(100_000));
      throw new SluiceError('CSV_MALFORMED', { source: 'x', reason: 'test' });
    }
    const { session, writer } = await writerFor('strict');
    await expect(writer.write(partOf(0, failing()), () => undefined)).rejects.toMatchObject({ code: 'CSV_MALFORMED' });
    expect(await writer.write(partOf(1, ['5,ok,\n']), () => undefined)).toEqual({ written: 1 });
    await session.abort();
  });

  test('is not pulled again after the server has refused, and is released', async () => {
    let pulls = 0;
    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) {
          pulls++;
          yield Buffer.from('bad,row,here\n'.repeat(10_000));
        }
      } finally {
        released = true;
      }
    }
    const { session, writer } = await writerFor('strict');
    await expect(writer.write(partOf(0, endless()), () => undefined)).rejects.toMatchObject({ code: 'VALUE_INVALID', at: { line: 1 } });
    expect(pulls).toBeLessThan(1000);
    expect(released).toBe(true);
    await session.abort();
  });

  test('that never answers does not keep a refusal back', async () => {
    const silent = {
      [Symbol.asyncIterator]() {
        let first = true;
        return {
          next: (): Promise<IteratorResult<Uint8Array>> => {
            if (!first) return new Promise(() => undefined);
            first = false;
            // More than is gathered, so that the server sees it.
            return Promise.resolve({ done: false, value: Buffer.from('bad,row,here\n'.repeat(20_000)) });
          },
        };
      },
    };
    const { session, writer } = await writerFor('strict');
    const part = { ...partOf(0, []), chunks: silent };
    await expect(writer.write(part, () => undefined)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    await session.abort();
  });
});

describe('cancelling', () => {
  test('a COPY in, a slow statement and a COPY out end soon, and leave nothing', async () => {
    const controller = new AbortController();
    const own = await connect(database.url, { signal: controller.signal });
    const session = await own.openLoad({ run: 'r', signal: controller.signal });
    const load = await session.begin(await session.plan({ table: { name: 'cancelled' }, mode: 'append', columns: columns({ id: INTEGER }) }));
    const writer = await load.openWriter();
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      for (;;) {
        yield Buffer.from('1\n'.repeat(1000));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    const reader = await own.openReader([{ kind: 'query', name: 'slow', sql: 'SELECT pg_sleep(60)' }, await tableRequest(own, 'big')]);
    const slow = (async (): Promise<void> => {
      const table = reader.tables[0];
      for await (const part of table.parts(CANONICAL_CSV, { partBytes: 1, arrays: 'postgres', signal: controller.signal })) for await (const chunk of part.chunks) expect(chunk).toBeDefined();
    })();
    const writing = writer.write(partOf(0, endless()), () => undefined);
    setTimeout(() => controller.abort(), 100);
    const ends = await Promise.allSettled([writing, slow]);
    expect(ends).toMatchObject([{ reason: { code: 'CANCELLED' } }, { reason: { code: 'CANCELLED' } }]);
    await session.abort();
    await reader.close();
    await own.close();
    expect(await database.sql(`SELECT to_regclass('cancelled')`)).toEqual([[null]]);
    // The one of the other tests.
    expect(await openSessions(database, 1)).toBe(1);
    expect(await database.sql(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()`)).toEqual([['0']]);
  });

  test('a publication that waits for a lock ends too, and the table stays as it was', async () => {
    await database.sql(`CREATE TABLE locked (id integer PRIMARY KEY); INSERT INTO locked VALUES (1)`);
    const controller = new AbortController();
    const session = await connection.openLoad({ run: 'r', signal: controller.signal });
    const load = await session.begin(await session.plan({ table: { name: 'locked' }, mode: 'replace', columns: columns({ id: INTEGER }) }));
    const writer = await load.openWriter();
    await writer.write(partOf(0, ['7\n']), () => undefined);
    await database.sql('BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
    const publishing = session.publish();
    setTimeout(() => controller.abort(), 100);
    await expect(publishing).rejects.toMatchObject({ code: 'CANCELLED' });
    await database.sql('ROLLBACK');
    expect(await database.sql('SELECT * FROM locked')).toEqual([['1']]);
    expect(await database.sql(`SELECT count(*) FROM pg_class WHERE relname LIKE 'sluice%'`)).toEqual([['0']]);
  });
});

describe('a server that goes away', () => {
  test('is a lost connection wherever it happens, and nothing hangs', async () => {
    const server = await startPostgres();
    try {
      const there = await openDatabase(server.url);
      await there.sql('CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 3) AS text FROM generate_series(1, 200000) AS i');
      const own = await connect(server.url);
      const reader = await own.openReader([await tableRequest(own, 'big')]);
      const session = await own.openLoad({ run: 'r', signal: new AbortController().signal });
      const load = await session.begin(await session.plan({ table: { name: 'target' }, mode: 'append', columns: columns({ id: INTEGER }) }));
      const writer = await load.openWriter();
      let isDown: () => void = () => undefined;
      const down = new Promise<void>((resolve) => (isDown = resolve));
      async function* rows(): AsyncGenerator<Uint8Array, void, undefined> {
        yield Buffer.from('1\n'.repeat(100_000));
        await server.kill('SIGQUIT');
        isDown();
        for (;;) {
          yield Buffer.from('1\n'.repeat(100_000));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
      const reading = (async (): Promise<void> => {
        for await (const part of reader.tables[0].parts(CANONICAL_CSV, { partBytes: 1 << 30, arrays: 'postgres', signal: new AbortController().signal })) {
          for await (const chunk of part.chunks) {
            expect(chunk.length).toBeGreaterThan(0);
            await down;
          }
        }
      })();
      await expect(Promise.all([writer.write(partOf(0, rows()), () => undefined), reading.catch(() => undefined)])).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
      await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      await session.abort();
      await reader.close();
      await own.close();
      await there.close().catch(() => undefined);
    } finally {
      await server.stop();
    }
  });

  test('ends only the session that it ends', async () => {
    const own = await connect(database.url);
    const reader = await own.openReader([await tableRequest(own, 'big')]);
    await database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sluice test' AND state = 'idle in transaction' AND datname = current_database()`);
    const table = reader.tables[0];
    const attempt = (async (): Promise<void> => {
      for await (const part of table.parts(CANONICAL_CSV, { partBytes: 1 << 30, arrays: 'postgres', signal: new AbortController().signal })) for await (const chunk of part.chunks) expect(chunk).toBeDefined();
    })();
    await expect(attempt).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await reader.close();
    expect(await readText(own, { kind: 'query', name: 'q', sql: 'SELECT 1' })).toBe('1\n');
    await own.close();
  });
});

describe('a commit whose answer is lost', () => {
  /** Passes everything on until it is armed; then the client's next COMMIT is the last thing that it passes on, or not even that. */
  async function proxyTo(url: string): Promise<{ url: string; arm(passes: boolean): void; close(): void }> {
    const { hostname, port } = new URL(url);
    let armed: { passes: boolean } | undefined;
    const server = createServer((client) => {
      const upstream = createConnection(Number(port), hostname);
      client.on('error', () => undefined).on('close', () => setTimeout(() => upstream.destroy(), 200));
      upstream.on('error', () => undefined).on('close', () => client.destroy());
      upstream.on('data', (chunk: Buffer) => client.write(chunk));
      client.on('data', (chunk: Buffer) => {
        const isLast = armed !== undefined && chunk.includes('COMMIT');
        if (!isLast || armed?.passes === true) upstream.write(chunk);
        if (!isLast) return;
        armed = undefined;
        upstream.removeAllListeners('data');
        setTimeout(() => client.destroy(), 100);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxied = new URL(url);
    proxied.port = String((server.address() as AddressInfo).port);
    return { url: `${proxied.href}?sslmode=disable`, arm: (passes) => (armed = { passes }), close: () => void server.close() };
  }

  test.each([[true, 'has happened', '1'], [false, 'has not happened', '0']])('when it was sent on: %s, it %s', async (passes, _, count) => {
    const proxy = await proxyTo(database.url);
    const name = `commit_${passes}`;
    await database.sql(`CREATE TABLE ${name} (id integer PRIMARY KEY)`);
    const own = await connect(proxy.url);
    const session = await own.openLoad({ run: `c${count}`, signal: new AbortController().signal });
    const load = await session.begin(await session.plan({ table: { name }, mode: 'append', columns: columns({ id: INTEGER }) }));
    const writer = await load.openWriter();
    await writer.write(partOf(0, ['1\n']), () => undefined);
    await writer.close();
    proxy.arm(passes);
    if (passes) expect([...(await session.publish()).values()]).toEqual([{ written: 1, skipped: 0, duplicate: 0 }]);
    else await expect(session.publish()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(await database.sql(`SELECT count(*) FROM ${name}`)).toEqual([[count]]);
    expect(await database.sql(`SELECT count(*) FROM pg_class WHERE relname LIKE 'sluice%'`)).toEqual([['0']]);
    await own.close();
    proxy.close();
  });
});

describe('rights', () => {
  test('that are missing are named', async () => {
    await database.sql(`DROP ROLE IF EXISTS sluice_poor; CREATE ROLE sluice_poor LOGIN PASSWORD 'pw'; CREATE TABLE mine (id integer); REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    const url = new URL(database.url);
    url.username = 'sluice_poor';
    url.password = 'pw';
    const poor = await connect(url.href);
    try {
      const spec = columns({ id: INTEGER });
      await expect(loadCsv(poor, { table: { name: 'not_mine' }, mode: 'append', columns: spec }, ['1\n'])).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
      await expect(loadCsv(poor, { table: { name: 'mine' }, mode: 'append', columns: spec }, ['1\n'])).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    } finally {
      await poor.close();
      await database.sql('DROP ROLE sluice_poor');
    }
  });
});
