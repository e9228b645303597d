import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listQuarantines, openQuarantine } from '../../src/quarantine/quarantine-reader.ts';
import type { FetchRecords } from '../../src/quarantine/quarantined-row.ts';
import { mountSmallDisk, noSmallDisk } from '../faults/small-disk.ts';
import { all, fetchNumbers, makeWorkspace, openLog, reject, rowsOf, RUN } from './support.ts';

let workspace: { path: string; remove: () => void };
beforeEach(() => {
  workspace = makeWorkspace();
});
afterEach(() => workspace.remove());

const files = (): string[] => readdirSync(workspace.path, { recursive: true }).map(String).sort();
const folder = (): string => join(workspace.path, 'quarantine', RUN);

describe('while the run goes on', () => {
  it('makes no file while nothing is rejected', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 0 }, []);
    await log.drop({ table: 't', part: 1 });
    expect(await log.seal({ fetch: fetchNumbers })).toMatchObject({ rows: 0, tables: [] });
    expect(files()).toEqual([]);
    await expect(openQuarantine(workspace.path, RUN)).rejects.toMatchObject({ code: 'QUARANTINE_EMPTY' });
  });

  it('counts a part that is done again once', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 3 }, [reject(1), reject(2), reject(9)]);
    await log.put({ table: 't', part: 3 }, [reject(2), reject(9, { code: 'NUL_BYTE' })]);
    await log.put({ table: 'u', part: 3 }, [reject(5)]);
    const expected = [{ table: 't', rows: 2, codes: { NUL_BYTE: 1, VALUE_INVALID: 1 } }, { table: 'u', rows: 1, codes: { VALUE_INVALID: 1 } }];
    expect([log.count(), log.counts()]).toEqual([3, expected]);
    const again = await openLog(workspace.path);
    expect(again.count()).toBe(3);
    expect(again.counts().toSorted((a, b) => (a.table < b.table ? -1 : 1))).toEqual(expected);
    await again.put({ table: 't', part: 3 }, []);
    await again.drop({ table: 'u', part: 3 });
    expect(again.count()).toBe(0);
    expect(await all(again.segments())).toEqual([]);
  });

  it('lists segments, and keeps what was discarded as it was', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 0 }, [reject(4)]);
    const writer = log.begin({ table: 't', part: 0 });
    await writer.append([reject(1), reject(2)]);
    await writer.discard();
    await log.put({ table: 't', part: 'publication' }, [{ ...reject(7, { code: 'UNIQUE_VIOLATED' }), part: 0 }]);
    const segments = await all(log.segments());
    expect(segments.toSorted((a) => (a.segment.part === 0 ? -1 : 1))).toEqual([
      { segment: { table: 't', part: 0 }, rows: 1, codes: { VALUE_INVALID: 1 } },
      { segment: { table: 't', part: 'publication' }, rows: 1, codes: { UNIQUE_VIOLATED: 1 } },
    ]);
    expect(files().some((name) => name.endsWith('.partial'))).toBe(false);
  });

  it('refuses rejections that are out of order', async () => {
    const log = await openLog(workspace.path);
    await expect(log.put({ table: 't', part: 0 }, [reject(2), reject(1)])).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(log.put({ table: 't', part: 'publication' }, [reject(2)])).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(log.count()).toBe(0);
  });

  it('can be read before it is sealed, with values for raw records', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 1 }, [reject(2, { values: ['é"', null] })]);
    await log.put({ table: 't', part: 0 }, [{ record: 5, code: 'NUL_BYTE', message: 'a NUL' }]);
    const rows = await rowsOf(workspace.path);
    expect(rows.map(({ part, record, raw, rawExact, source }) => ({ part, record, raw, rawExact, source }))).toEqual([
      { part: 0, record: 5, raw: null, rawExact: false, source: null },
      { part: 1, record: 2, raw: '["é\\"",null]', rawExact: false, source: null },
    ]);
    expect((await openQuarantine(workspace.path, RUN)).summary).toMatchObject({ sealed: false, rows: 2 });
  });

  it('is private also in a folder that was not', async () => {
    mkdirSync(join(workspace.path, 'quarantine'), { mode: 0o755 });
    chmodSync(join(workspace.path, 'quarantine'), 0o755);
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 0 }, [reject(1), reject(2)]);
    const expectPrivate = (): void => {
      for (const name of files()) {
        const found = statSync(join(workspace.path, name));
        expect([name, found.mode & 0o777]).toEqual([name, found.isDirectory() ? 0o700 : 0o600]);
      }
    };
    expectPrivate();
    await log.seal({ fetch: bigRecords });
    expectPrivate();
    expect(files().some((name) => name.includes('records/'))).toBe(true);
  });
});

const bigRecords: FetchRecords = async function* bigRecords(table, _part, records) {
  for (const record of records) {
    yield { place: { file: table, byte: 0 }, raw: record === 1 ? pieces(3 * 1024 * 1024) : Buffer.alloc(1024 * 1024, 0x61) };
  }
};

async function* pieces(length: number): AsyncGenerator<Uint8Array, void, undefined> {
  // One buffer for all: a producer may reuse its memory.
  const piece = Buffer.alloc(64 * 1024);
  for (let at = 0; at < length; at += piece.length) yield piece.fill((at / piece.length) & 0xff);
}

async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

describe('the seal', () => {
  it('orders rows by table, part and record and says their places', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 'b', part: 10 }, [reject(1)]);
    await log.put({ table: 'b', part: 2 }, [reject(3), reject(8)]);
    await log.put({ table: 'b', part: 'publication' }, [{ ...reject(5, { code: 'UNIQUE_VIOLATED', constraint: 'b_pkey' }), part: 2 }, { ...reject(1, { code: 'UNIQUE_VIOLATED' }), part: 3 }]);
    await log.put({ table: 'a', part: 0 }, [reject(1)]);
    await log.put({ table: 'c', part: 0 }, [reject(1)]);
    const summary = await log.seal({ tables: ['c', 'b'], fetch: fetchNumbers });
    const rows = await rowsOf(workspace.path);
    expect(rows.map(({ table, part, record }) => `${table} ${part} ${record}`)).toEqual(['c 0 1', 'b 2 3', 'b 2 5', 'b 2 8', 'b 3 1', 'b 10 1', 'a 0 1']);
    expect(rows[2]).toEqual({
      run: RUN, table: 'b', source: 'b.csv', row: 2005, line: 2006, byte: 20_050, part: 2, record: 5, code: 'UNIQUE_VIOLATED', constraint: 'b_pkey', column: 'n',
      message: '"x5" is no integer', raw: '2,5', rawEncoding: 'utf-8', rawExact: true, values: ['x5', null],
    });
    expect(summary).toMatchObject({ sealed: true, rows: 7, job: 'import' });
    expect(files()).toEqual(['quarantine', `quarantine/${RUN}`, `quarantine/${RUN}/rows.ndjson`, `quarantine/${RUN}/summary.json`]);
    expect(JSON.parse(readFileSync(join(folder(), 'summary.json'), 'utf8'))).toEqual(summary);
    expect(() => log.begin({ table: 'a', part: 1 })).toThrow(/sealed/);
  });

  it('pages and filters', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 'a', part: 0 }, [reject(1), reject(2, { code: 'NUL_BYTE' }), reject(3)]);
    await log.put({ table: 'b', part: 0 }, [reject(1), reject(2)]);
    await log.seal({ fetch: fetchNumbers });
    const names = async (page: Parameters<typeof rowsOf>[1]): Promise<string[]> => (await rowsOf(workspace.path, page)).map(({ table, record }) => table + record);
    expect(await names({ table: 'a' })).toEqual(['a1', 'a2', 'a3']);
    expect(await names({ code: 'VALUE_INVALID', offset: 1, limit: 2 })).toEqual(['a3', 'b1']);
    expect(await names({ offset: 4 })).toEqual(['b2']);
    expect(await names({ limit: 0 })).toEqual([]);
    expect(await names({ table: 'none' })).toEqual([]);
  });

  it('keeps bytes as they are, whatever they are', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'binary' }).map((text) => Buffer.from(text))), { minLength: 1, maxLength: 8 }), async (records) => {
      const own = makeWorkspace();
      try {
        const log = await openLog(own.path);
        await log.put({ table: 't', part: 0 }, records.map((_, i) => reject(i + 1)));
        await log.seal({ async *fetch(_table, _part, wanted) { for (const record of wanted) yield { place: {}, raw: records[record - 1] }; } });
        const quarantine = await openQuarantine(own.path, RUN);
        const rows = await all(quarantine.rows());
        for (const [i, row] of rows.entries()) expect(Buffer.concat(await all(quarantine.raw(row)))).toEqual(Buffer.from(records[i]));
      } finally {
        own.remove();
      }
    }), { numRuns: 40 });
  });

  it('keeps a large record in a file of its own', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 0 }, [reject(1), reject(2)]);
    await log.seal({ fetch: bigRecords });
    const quarantine = await openQuarantine(workspace.path, RUN);
    const [large, inline] = await all(quarantine.rows());
    expect(inline.raw).toHaveLength(1024 * 1024);
    expect(large).toMatchObject({ raw: null, rawExact: true, rawBytes: 3 * 1024 * 1024 });
    const expected = Buffer.concat(await all(copies(pieces(3 * 1024 * 1024))));
    expect(large.rawFile).toBe(`records/${createHash('sha256').update(expected).digest('hex')}`);
    expect(Buffer.concat(await all(quarantine.raw(large))).equals(expected)).toBe(true);
    // What a row says never leads out of its folder.
    await expect(all(quarantine.raw({ ...large, rawFile: 'records/../../../etc/passwd' }))).rejects.toMatchObject({ code: 'QUARANTINE_DAMAGED' });
  });

  it('leaves the segments when places cannot be had', async () => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 0 }, [reject(1), reject(2)]);
    await expect(log.seal({ async *fetch() { yield { place: {} }; throw new Error('the source is gone'); } })).rejects.toMatchObject({ message: expect.stringContaining('the source is gone') });
    expect(files().filter((name) => /partial|rows/.test(name))).toEqual([]);
    expect(await rowsOf(workspace.path)).toHaveLength(2);
    await log.seal({ async *fetch(_table, _part, records) { for (const record of records) yield { place: { row: record } }; } });
    expect(await rowsOf(workspace.path)).toMatchObject([{ raw: '["x1",null]', rawExact: false, row: 1 }, { row: 2 }]);
  });
});

describe('names', () => {
  it.each(['..', '../x', 'a/b', '', '.', 'a\0b', 'x'.repeat(65), '-rf', 'ü'])('refuses the run %j', async (run) => {
    await expect(openQuarantine(workspace.path, run)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
    await expect(openLog(workspace.path, run)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
    expect(files()).toEqual([]);
  });

  it('keeps every table in its folder, and apart from the others', async () => {
    const tables = ['../../etc/passwd', 'a/b', 'a\0b', '', '.', 'A', 'a', 'x'.repeat(5000), 'a\nb', '😀', '"q".t', 'publication'];
    const log = await openLog(workspace.path);
    for (const table of tables) await log.put({ table, part: 0 }, [reject(1)]);
    expect(files().filter((name) => name.includes('segments/'))).toHaveLength(tables.length);
    for (const name of files()) expect(name).toMatch(/^quarantine(\/1jd4kz2q8xk2f7(\/summary\.json|\/segments(\/[0-9a-f]{32}-0\.ndjson)?)?)?$/);
    await log.seal({ tables, fetch: fetchNumbers });
    expect((await rowsOf(workspace.path)).map(({ table }) => table)).toEqual(tables);
  });
});

describe('damage', () => {
  it.each([
    ['its end is cut off', (text: string) => text.slice(0, -20)],
    ['it is cut at a line', (text: string) => text.split('\n').slice(0, 2).join('\n') + '\n'],
    ['it is empty', () => ''],
    ['a line is missing', (text: string) => text.split('\n').toSpliced(1, 1).join('\n')],
    ['a line is no JSON', (text: string) => text.replace('"record"', 'record')],
  ])('of a segment is said: %s', async (_what, spoil) => {
    const log = await openLog(workspace.path);
    await log.put({ table: 't', part: 0 }, [reject(1), reject(2)]);
    const path = join(folder(), 'segments', readdirSync(join(folder(), 'segments'))[0]);
    writeFileSync(path, spoil(readFileSync(path, 'utf8')));
    await expect(rowsOf(workspace.path)).rejects.toMatchObject({ code: 'QUARANTINE_DAMAGED', at: { file: path } });
  });

  it('of the summary or the rows does not hide other runs', async () => {
    for (const run of ['a1', 'b2', 'c3']) {
      const log = await openLog(workspace.path, run);
      await log.put({ table: 't', part: 0 }, [reject(1)]);
      await log.seal({ fetch: fetchNumbers });
    }
    writeFileSync(join(workspace.path, 'quarantine', 'b2', 'summary.json'), '{');
    writeFileSync(join(workspace.path, 'quarantine', 'c3', 'rows.ndjson'), '{"table":"t"');
    const listed = await all(listQuarantines(workspace.path));
    expect(listed.map((one) => [one.run, 'error' in one ? one.error.code : one.rows])).toEqual([['c3', 1], ['b2', 'QUARANTINE_DAMAGED'], ['a1', 1]]);
    await expect(rowsOf(workspace.path, {}, 'c3')).rejects.toMatchObject({ code: 'QUARANTINE_DAMAGED' });
  });
});

describe('many rows', () => {
  it('takes 100,000 with flat memory', async () => {
    const log = await openLog(workspace.path);
    // What is alive, not what the collector has left lying about.
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const alive = (): number => {
      collect();
      return process.memoryUsage().heapUsed + process.memoryUsage().external;
    };
    const start = alive();
    let peak = 0;
    const look = (): void => void (peak = Math.max(peak, alive() - start));
    const rejected = 100_000;
    for (let part = 0; part < 4; part++) {
      const writer = log.begin({ table: 't', part });
      for (let record = 1; record <= rejected / 4; record += 1000) await writer.append(Array.from({ length: 1000 }, (_, i) => reject(record + i, { values: ['y'.repeat(200), null] })));
      look();
      await writer.commit();
    }
    await log.seal({ fetch: fetchNumbers });
    look();
    let read = 0;
    for await (const row of (await openQuarantine(workspace.path, RUN)).rows()) {
      read += row.rawExact ? 1 : 0;
      if (read % 20_000 === 0) look();
    }
    expect(read).toBe(rejected);
    // All rows together are 50 MB.
    expect(peak).toBeLessThan(16 * 1024 * 1024);
  });
});

describe('a full disk', () => {
  it('is said, and the old segment stays', async ({ skip }) => {
    const reason = noSmallDisk();
    skip(reason !== undefined, reason);
    const disk = mountSmallDisk('300k');
    try {
      const log = await openLog(disk.path);
      await log.put({ table: 't', part: 0 }, [reject(1)]);
      const many = Array.from({ length: 5000 }, (_, i) => reject(i + 1, { message: 'm'.repeat(100) }));
      await expect(log.put({ table: 't', part: 0 }, many)).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect([log.count(), await rowsOf(disk.path)]).toMatchObject([1, [{ record: 1 }]]);
      await expect(log.seal({ async *fetch() { yield { place: {}, raw: Buffer.alloc(900_000, 0x61) }; } })).rejects.toMatchObject({ code: 'DISK_FULL' });
      await expect(log.seal({ async *fetch() { yield { place: {}, raw: Buffer.alloc(1_100_000, 0x61) }; } })).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(await rowsOf(disk.path)).toHaveLength(1);
      await log.seal({ fetch: fetchNumbers });
      expect(await rowsOf(disk.path)).toMatchObject([{ record: 1, raw: '0,1' }]);
    } finally {
      disk.remove();
    }
  });
});

