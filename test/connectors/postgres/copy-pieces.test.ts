import fc from 'fast-check';
import pg from 'pg';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CopyPieces } from '../../../src/connectors/postgres/copy-pieces.ts';
import { importFile } from '../../../src/index.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../../src/rows/row-encoding.ts';
import { createDatabase } from '../../helpers/postgres-server.ts';

async function piecesOf(text: string, encoding: RowEncoding, chunkBytes: number, pieceBytes: number): Promise<string[]> {
  const bytes = Buffer.from(text);
  // Memory of a chunk is only valid until the next pull.
  const chunk = Buffer.alloc(chunkBytes);
  const chunks = (async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      chunk.fill(0xff);
      yield chunk.subarray(0, bytes.copy(chunk, 0, at, Math.min(at + chunkBytes, bytes.length)));
    }
  })();
  const found: string[] = [];
  for await (const piece of new CopyPieces(chunks, encoding, pieceBytes)) {
    const parts: Buffer[] = [];
    for await (const part of piece) parts.push(Buffer.from(part));
    found.push(Buffer.concat(parts).toString());
  }
  return found;
}

describe('pieces of a part', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', '\n', '\r\n', ',', '\\', 'é'), maxLength: 8 });
  const csv = (rows: readonly (readonly string[])[], escape: string): string[] => rows.map((row) => `${row.map((value) => `"${(escape === '"' ? value : value.replaceAll('\\', '\\\\')).replaceAll('"', `${escape}"`)}"`).join(',')}\n`);
  const text = (rows: readonly (readonly string[])[]): string[] => rows.map((row) => `${row.map((value) => value.replaceAll('\\', '\\\\').replaceAll('\r', '\\r').replaceAll('\n', '\\\n')).join('\t')}\n`);

  it.each<[string, RowEncoding, (rows: readonly (readonly string[])[]) => string[]]>([
    ['csv', CANONICAL_CSV, (rows) => csv(rows, '"')],
    ['csv with another escape', { ...CANONICAL_CSV, escape: '\\' }, (rows) => csv(rows, '\\')],
    ['copy-text', COPY_TEXT, text],
  ])('are whole records, in order, nothing lost: %s', async (_name, encoding, write) => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(field, { minLength: 2, maxLength: 2 }), { maxLength: 12 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 60 }), async (rows, chunkBytes, pieceBytes) => {
      const records = write(rows);
      const pieces = await piecesOf(records.join(''), encoding, chunkBytes, pieceBytes);
      expect(pieces.join('')).toBe(records.join(''));
      let at = 0;
      for (const piece of pieces) {
        let whole = '';
        while (whole.length < piece.length) whole += records[at++];
        expect(whole).toBe(piece);
        // No record more than needed.
        if (piece !== pieces.at(-1)) expect(Buffer.byteLength(piece)).toBeGreaterThanOrEqual(pieceBytes);
      }
    }));
  });

  it('of nothing are one piece of nothing', async () => {
    expect(await piecesOf('', COPY_TEXT, 5, 5)).toEqual(['']);
  });
});

describe('a server that ends statements for their time', () => {
  it.each(['csv', 'ndjson'] as const)('gets a part in smaller statements, in one transaction: %s', { timeout: 90_000 }, async (format) => {
    const root = await mkdtemp(join(tmpdir(), 'sluice-pieces-'));
    const url = await createDatabase();
    const client = new pg.Client({ connectionString: url });
    const killer = new pg.Client({ connectionString: url });
    await client.connect();
    await killer.connect();
    try {
      // A row takes the server half a millisecond, also in a staging table; whatever runs longer than its limit is ended, whoever pins statement_timeout.
      await client.query(`CREATE FUNCTION slow(v int) RETURNS bool LANGUAGE sql AS $$ SELECT pg_sleep(0.0005) IS NOT NULL $$; CREATE DOMAIN slow_int AS int CHECK (slow(VALUE));
        CREATE TABLE items (id int PRIMARY KEY, n slow_int, pad text)`);
      const count = 2000;
      const pad = 'x'.repeat(1000);
      const rows = Array.from({ length: count }, (_, i) => (format === 'csv' ? `${i},${i},"${pad}\n""${i}"""` : JSON.stringify({ id: i, n: i, pad: `${pad}\n"${i}"` })));
      await writeFile(join(root, `items.${format}`), `${format === 'csv' ? 'id,n,pad\n' : ''}${rows.join('\n')}\n`);
      const run = importFile({ source: join(root, `items.${format}`), to: url, table: 'items', jobs: 1, partBytes: 64 << 20, workspace: join(root, 'workspace') });
      let isOver = false;
      const ended = run.receipt.finally(() => { isOver = true; });
      let killed = 0;
      while (!isOver) {
        const { rowCount } = await killer.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY%' AND now() - query_start > interval '1300 milliseconds'`);
        killed += rowCount ?? 0;
        await sleep(50);
      }
      expect((await ended).totals).toMatchObject({ read: count, written: count });
      expect(killed).toBeGreaterThanOrEqual(2);
      expect((await client.query('SELECT count(*)::int AS n, count(DISTINCT id)::int AS ids, sum(length(pad))::int AS length FROM items')).rows).toEqual([{ n: count, ids: count, length: rows.reduce((sum, _, i) => sum + 1003 + String(i).length, 0) }]);
      expect((await client.query(`SELECT relname FROM pg_class WHERE relname LIKE 'sluice%'`)).rows).toEqual([]);
    } finally {
      await client.end();
      await killer.end();
      await rm(root, { recursive: true, force: true });
    }
  });
});
