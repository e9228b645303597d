/**
 * What every format must do, in one suite that each of them runs: what its writer writes its reader reads, value for value, wherever the bytes
 * come from and however they are cut.
 */
import { closeSync, createReadStream, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors/error-codes.ts';
import type { Format, FormatName, InspectedSource, InspectedTable, ReadOptions, ReadRequest, TableBinding } from '../../src/formats/format.ts';
import { formatOfEnding, IMPORTABLE_ENDINGS, loadFormat } from '../../src/formats/registry.ts';
import type { ByteSource } from '../../src/io/byte-source.ts';
import { openSink } from '../../src/io/open-sink.ts';
import { openSources } from '../../src/io/open-sources.ts';
import { COPY_TEXT } from '../../src/rows/row-encoding.ts';
import type { TableSchema } from '../../src/rows/table-schema.ts';
import { memorySource } from '../helpers/memory-source.ts';
import { copyTextPart, failureOf, never, parseCopyText, temporaryFolder, type Row } from './database-under-test.ts';
import { canonicalRows, columnsOf, INFINITE, REFERENCE, rowsOf, schemaOf, type ReferenceColumn } from './reference-table.ts';

export interface FormatUnderTest {
  readonly name: FormatName;
  /** What the format can hold. */
  readonly infiniteDates: boolean;
  /** Several tables in one document. */
  readonly manyTables: boolean;
  /** `null` in a json column is not NULL. */
  readonly jsonNull: boolean;
  /** An empty table is a document that says its columns. */
  readonly emptyTable: boolean;
  /** What is said of a source without a byte. */
  readonly noBytes: ErrorCode;
  /** A second compression around the file makes sense. */
  readonly compressible: boolean;
  /** Rows in a small document that the tests of cutting read once for each chunk size. */
  readonly chunkSizes: readonly number[];
}

type Compression = 'none' | 'gzip' | 'zstd';

interface ReadResult {
  readonly rows: Row[];
  readonly read: number;
  readonly parts: number;
}

const SMALL: readonly ReferenceColumn[] = REFERENCE.filter(({ name }) => ['large', 'words', 'tags', 'moment'].includes(name));

export function formatSuite(under: FormatUnderTest): void {
  describe(`${under.name} format`, () => {
    const folder = temporaryFolder();
    const all = under.infiniteDates ? [...REFERENCE, ...INFINITE] : REFERENCE;
    let format: Format;
    beforeAll(async () => {
      format = await loadFormat(under.name);
    });

    function wanted(columns: readonly ReferenceColumn[]): Row[] {
      const types = columnsOf(columns);
      const rows = rowsOf(columns).map((row) => row.map((value, i) => (!under.jsonNull && types[i].type.kind === 'json' && value === 'null' ? null : value)));
      return canonicalRows(rows, types);
    }

    /** Writes tables into one document, each in parts of a few rows that are encoded before the first is written. */
    async function write(path: string, tables: readonly (readonly [TableSchema, readonly Row[]])[], compression: Compression = 'none', partRows = 7): Promise<number> {
      const sink = await openSink(path, { compression, overwrite: true, run: 'suite' });
      const writer = format.openWriter(sink, { multipleTables: tables.length > 1, sql: { dialect: 'postgres', schema: true }, engineMemoryBytes: 256 * 1024 * 1024 });
      let written = 0;
      for (const [table, rows] of tables) {
        expect(writer.accepts(table)).toContain('copy-text');
        await writer.beginTable(table);
        for (let at = 0, index = 0; at < rows.length; at += partRows, index++) {
          let first = true;
          for await (const chunk of writer.encodePart(table, copyTextPart(index, rows.slice(at, at + partRows)), (count) => { written += count; })) {
            await writer.writeEncoded(chunk, first);
            first = false;
          }
        }
        await writer.endTable();
      }
      await writer.finish();
      await sink.publish();
      return written;
    }

    function typesOf(columns: readonly ReferenceColumn[]): ReadOptions {
      return { types: Object.fromEntries(columnsOf(columns).map(({ name, type }) => [name, type])) };
    }

    function requestFor(columns: readonly ReferenceColumn[], extra: Partial<ReadRequest> = {}): ReadRequest {
      const fields = columnsOf(columns).map(({ name, type }) => ({ source: name, type, arrays: 'json' as const }));
      return {
        jobs: 1, partBytes: 64 * 1024, signal: never, engineMemoryBytes: 256 * 1024 * 1024,
        bind: async (table: InspectedTable, encodings): Promise<TableBinding> => {
          expect(encodings(fields.map(({ source }) => source)).some(({ kind }) => kind === 'copy-text')).toBe(true);
          return { table: table.name?.name ?? 'reference', fields, encoding: COPY_TEXT, ignored: [] };
        },
        ...extra,
      };
    }

    async function readParts(inspected: InspectedSource, request: ReadRequest): Promise<Map<string, ReadResult>> {
      const found = new Map<string, { chunks: Buffer[]; read: number; parts: number }>();
      for await (const part of format.read(inspected, request)) {
        const table = found.get(part.table) ?? { chunks: [], read: 0, parts: 0 };
        found.set(part.table, table);
        expect(part.firstRow === undefined || part.firstRow === table.read + 1).toBe(true);
        for await (const chunk of part.chunks) table.chunks.push(Buffer.from(chunk));
        table.read += part.counts().read - part.counts().skipped;
        table.parts++;
      }
      return new Map([...found].map(([name, { chunks, ...counts }]) => [name, { rows: parseCopyText(Buffer.concat(chunks).toString()), ...counts }]));
    }

    async function readSource(source: ByteSource, columns: readonly ReferenceColumn[], extra: Partial<ReadRequest> = {}, depth: 'sample' | 'full' = 'sample'): Promise<ReadResult> {
      const inspected = await format.inspect(source, typesOf(columns), depth, never);
      const results = await readParts(inspected, requestFor(columns, extra));
      const [result] = results.values();
      return result ?? { rows: [], read: 0, parts: 0 };
    }

    async function readLocation(location: string, columns: readonly ReferenceColumn[], extra: Partial<ReadRequest> = {}, stdin?: NodeJS.ReadableStream): Promise<ReadResult[]> {
      const [group] = await openSources([location], { extensions: IMPORTABLE_ENDINGS, ...(stdin === undefined ? {} : { stdin: stdin as never }) });
      const results: ReadResult[] = [];
      for (const source of group.sources) {
        results.push(await readSource(source, columns, extra));
        await source.close();
      }
      return results;
    }

    function expectRows(result: ReadResult, columns: readonly ReferenceColumn[]): void {
      const types = columnsOf(columns);
      const [actual, expected] = [canonicalRows(result.rows, types), wanted(columns)];
      expect(result.read).toBe(expected.length);
      expect(actual.length).toBe(expected.length);
      for (const [c, { name }] of types.entries()) {
        const row = Math.max(0, expected.findIndex((values, r) => actual[r][c] !== values[c]));
        expect({ name, row, value: actual[row][c] }).toEqual({ name, row, value: expected[row][c] });
      }
    }

    const fileOf = (name: string, compression: Compression = 'none'): string => join(folder, `${name}.${under.name}${{ none: '', gzip: '.gz', zstd: '.zst' }[compression]}`);

    it('has the endings of the registry, and no other', () => {
      expect(format.name).toBe(under.name);
      expect(format.extensions.toSorted()).toEqual(IMPORTABLE_ENDINGS.filter((ending) => formatOfEnding(ending) === under.name).toSorted());
      expect(format.extensions[0]).toBe(under.name);
    });

    it('reads what it wrote: every type, every value, in order', async () => {
      const path = fileOf('reference');
      expect(await write(path, [[schemaOf('reference', all), rowsOf(all)]])).toBe(rowsOf(all).length);
      const [result] = await readLocation(path, all);
      expectRows(result, all);
      expect(result.rows.map(([id]) => id)).toEqual(rowsOf(all).map(([id]) => id));
      const [source] = (await openSources([path]))[0].sources;
      expectRows(await readSource(source, all, {}, 'full'), all);
    });

    it.each(['gzip', 'zstd'] as const)('reads it compressed with %s, from a file and from a pipe', async (compression) => {
      const path = fileOf('packed', under.compressible ? compression : 'none');
      await write(path, [[schemaOf('packed', SMALL), rowsOf(SMALL)]], under.compressible ? compression : 'none');
      const [group] = await openSources([path]);
      expect(group.sources[0].compression).toBe(under.compressible ? compression : 'none');
      for (const result of [...(await readLocation(path, SMALL)), ...(await readLocation('-', SMALL, {}, createReadStream(path)))]) expectRows(result, SMALL);
    });

    it('reads a large document compressed as it reads it plain', async () => {
      // More than one output chunk of the decompression.
      const rows = Array.from({ length: 4_000 }, (_, id): Row => [String(id), String(id * 1_000_003), `text ${id} ${'y'.repeat(id % 90)}`, '2024-01-31 13:45:00', '["a"]']);
      const schema = schemaOf('large', SMALL);
      for (const compression of ['none', ...(under.compressible ? ['gzip', 'zstd'] as const : [])] as const) {
        const path = fileOf('large', compression);
        await write(path, [[schema, rows]], compression, 500);
        const [result] = await readLocation(path, SMALL, { partBytes: 10_000 });
        expect(canonicalRows(result.rows, columnsOf(SMALL))).toEqual(canonicalRows(rows, columnsOf(SMALL)));
        expect(result.read).toBe(rows.length);
      }
    });

    it('reads folders, globs, standard input and files without an ending', async () => {
      const many = mkdtempSync(join(folder, 'many-'));
      for (const name of ['a', 'b']) await write(join(many, `${name}.${under.name}`), [[schemaOf(name, SMALL), rowsOf(SMALL)]]);
      const path = join(many, `a.${under.name}`);
      for (const location of [many, join(many, `*.${under.name}`)]) {
        const results = await readLocation(location, SMALL);
        expect(results).toHaveLength(2);
        for (const result of results) expectRows(result, SMALL);
      }
      for (const result of await readLocation('-', SMALL, {}, createReadStream(path, { highWaterMark: 1_000 }))) expectRows(result, SMALL);
      const bare = join(many, 'bare');
      writeFileSync(bare, readFileSync(path));
      expectRows((await readLocation(bare, SMALL))[0], SMALL);
    });

    describe('from a web server', () => {
      let server: Server;
      let origin: string;
      beforeAll(async () => {
        server = createServer((request, response) => {
          const path = join(folder, decodeURIComponent(new URL(request.url!, 'http://x').pathname));
          if (existsSync(path)) createReadStream(path, { highWaterMark: 5_000 }).pipe(response);
          else response.writeHead(404).end();
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      });
      afterAll(() => server.close());

      it('reads a URL', async () => {
        const path = fileOf('web');
        await write(path, [[schemaOf('web', SMALL), rowsOf(SMALL)]]);
        expectRows((await readLocation(`${origin}/web.${under.name}?token=secret`, SMALL))[0], SMALL);
        expect((await failureOf(readLocation(`${origin}/nothing.${under.name}`, SMALL))).code).toBe('HTTP_SOURCE_FAILED');
      });
    });

    it('gives the same rows for chunks of any size, seekable or not', async () => {
      const path = fileOf('chunks');
      await write(path, [[schemaOf('chunks', SMALL), rowsOf(SMALL)]]);
      const bytes = readFileSync(path);
      for (const chunkBytes of under.chunkSizes) {
        for (const repeatable of [true, false]) {
          const source = memorySource(bytes, { name: `chunks.${under.name}`, chunkBytes, repeatable });
          const result = await readSource(source, SMALL);
          expect(result.read).toBe(rowsOf(SMALL).length);
          expectRows(result, SMALL);
        }
      }
    });

    it('gives the same rows for parts of any size and any number of consumers', async () => {
      const path = fileOf('parts');
      await write(path, [[schemaOf('parts', SMALL), rowsOf(SMALL)]]);
      const [few] = await readLocation(path, SMALL, { partBytes: 1 << 20 });
      const [many] = await readLocation(path, SMALL, { partBytes: 300 });
      expect(few.parts).toBe(1);
      expect(many.parts).toBeGreaterThan(1);
      for (const result of [few, many]) expectRows(result, SMALL);
      const [source] = (await openSources([path]))[0].sources;
      const jobs = 3;
      const inspected = await format.inspect(source, typesOf(SMALL), 'sample', never);
      const parts = format.read(inspected, requestFor(SMALL, { jobs, partBytes: 300 }));
      const texts = new Map<number, string>();
      await Promise.all(Array.from({ length: jobs }, async () => {
        for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
          const chunks: Buffer[] = [];
          for await (const chunk of next.value.chunks) {
            chunks.push(Buffer.from(chunk));
            await sleep(next.value.part.index % 3);
          }
          texts.set(next.value.part.index, Buffer.concat(chunks).toString());
        }
      }));
      const rows = parseCopyText([...texts].toSorted(([a], [b]) => a - b).map(([, text]) => text).join(''));
      expectRows({ rows, read: rows.length, parts: texts.size }, SMALL);
    });

    it('writes and reads an empty table', async () => {
      const path = fileOf('empty');
      expect(await write(path, [[schemaOf('empty', SMALL), []]])).toBe(0);
      if (under.emptyTable) expect(await readLocation(path, SMALL)).toEqual([{ rows: [], read: 0, parts: expect.any(Number) }]);
      else expect((await failureOf(readLocation(path, SMALL))).code).toMatch(/SOURCE_EMPTY|JSON_NOT_RECORDS/);
    });

    it('writes and reads many tables in one document, one of them empty', async ({ skip }) => {
      skip(!under.manyTables, 'a file of this format is one table');
      const path = fileOf('tables');
      const names = ['first', 'second "x"', 'none', 'last'];
      const tables = names.map((name) => [schemaOf(name, SMALL), name === 'none' ? [] : rowsOf(SMALL)] as const);
      expect(await write(path, tables)).toBe(3 * rowsOf(SMALL).length);
      const [source] = (await openSources([path]))[0].sources;
      const inspected = await format.inspect(source, typesOf(SMALL), 'full', never);
      expect(inspected.tables.map(({ name }) => name?.name)).toEqual(names);
      const skipped: number[] = [];
      const bind = requestFor(SMALL).bind;
      const results = await readParts(inspected, requestFor(SMALL, {
        bind: async (table, encodings) => (table.name?.name === names[1] ? null : bind(table, encodings)),
        onSkipped: (_table, rows) => skipped.push(rows),
      }));
      expect(skipped).toEqual([rowsOf(SMALL).length]);
      for (const name of ['first', 'last']) expectRows(results.get(name)!, SMALL);
      expect(results.get('none')?.read ?? 0).toBe(0);
      expect(results.has(names[1])).toBe(false);
    });

    it('writes the same document for parts of any size', async () => {
      // Formats whose own units are parts differ in where these begin; the rows must not.
      const documents: Row[][] = [];
      for (const partRows of [1, 10, 1_000]) {
        const path = fileOf('sizes');
        await write(path, [[schemaOf('sizes', SMALL), rowsOf(SMALL)]], 'none', partRows);
        documents.push((await readLocation(path, SMALL))[0].rows);
      }
      expect(documents[1]).toEqual(documents[0]);
      expect(documents[2]).toEqual(documents[0]);
    });

    it('leaves nothing when it is aborted, before and after the first rows', async () => {
      const own = mkdtempSync(join(folder, 'aborted-'));
      for (const rows of [0, 5]) {
        const sink = await openSink(join(own, `out.${under.name}`), { compression: 'none', overwrite: false, run: 'aborted' });
        const writer = format.openWriter(sink, { multipleTables: false, engineMemoryBytes: 128 * 1024 * 1024 });
        const schema = schemaOf('out', SMALL);
        await writer.beginTable(schema);
        let first = true;
        for await (const chunk of writer.encodePart(schema, copyTextPart(0, rowsOf(SMALL).slice(0, rows)), () => undefined)) {
          await writer.writeEncoded(chunk, first);
          first = false;
        }
        await writer.abort();
        await sink.abort();
        expect(readdirSync(own)).toEqual([]);
      }
    });

    describe('releases everything', () => {
      /** Open descriptors that lead to the test's folder, or to pipes of ours. */
      function openFiles(): string[] {
        const self = openSync('/proc/self/fd', 'r');
        const names = readdirSync('/proc/self/fd').map((fd) => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`);
          } catch {
            return '';
          }
        });
        closeSync(self);
        return names.filter((name) => name.startsWith(folder) || name.includes('sluice-'));
      }

      async function settled(): Promise<string[]> {
        for (let tries = 0; tries < 50 && openFiles().length > 0; tries++) await sleep(20);
        return openFiles();
      }

      async function largeFile(): Promise<string> {
        const path = fileOf('release');
        if (!existsSync(path)) {
          const rows = Array.from({ length: 3_000 }, (_, id): Row => [String(id), String(id), 'x'.repeat(100), '2024-01-31 13:45:00', '[]']);
          await write(path, [[schemaOf('release', SMALL), rows]], 'none', 500);
        }
        expect(statSync(path).size).toBeGreaterThan(1_000);
        return path;
      }

      it('when the reader leaves before the first part, in it, and after it', async ({ skip }) => {
        skip(!existsSync('/proc/self/fd'), 'open files are only known from /proc/self/fd');
        const path = await largeFile();
        for (const when of ['before', 'in', 'after'] as const) {
          const [source] = (await openSources([path]))[0].sources;
          const inspected = await format.inspect(source, typesOf(SMALL), 'sample', never);
          const parts = format.read(inspected, requestFor(SMALL, { partBytes: 20_000 }));
          if (when !== 'before') {
            const next = await parts.next();
            if (next.done === true) throw new Error('there is no part');
            for await (const chunk of next.value.chunks) if (when === 'in' && chunk.length > 0) break;
          }
          await parts.return();
          await source.close();
          expect({ when, open: await settled() }).toEqual({ when, open: [] });
        }
      });

      it('when it is cancelled', async ({ skip }) => {
        skip(!existsSync('/proc/self/fd'), 'open files are only known from /proc/self/fd');
        const path = await largeFile();
        const stop = new AbortController();
        const [source] = (await openSources([path], { signal: stop.signal }))[0].sources;
        const inspected = await format.inspect(source, typesOf(SMALL), 'sample', stop.signal);
        const reading = (async (): Promise<void> => {
          for await (const part of format.read(inspected, requestFor(SMALL, { partBytes: 2_000, signal: stop.signal }))) {
            for await (const chunk of part.chunks) if (chunk.length > 0) stop.abort();
          }
        })();
        expect((await failureOf(reading)).code).toBe('CANCELLED');
        await source.close();
        expect(await settled()).toEqual([]);
      });

      it('when the consumer of a part fails', async () => {
        const path = await largeFile();
        const [source] = (await openSources([path]))[0].sources;
        const inspected = await format.inspect(source, typesOf(SMALL), 'sample', never);
        const failure = await failureOf((async () => {
          for await (const part of format.read(inspected, requestFor(SMALL, { partBytes: 20_000 }))) for await (const chunk of part.chunks) throw new Error(`cannot take ${typeof chunk}`);
        })());
        expect(failure.message).toBe('cannot take object');
        await source.close();
        expect(await settled()).toEqual([]);
      });
    });

    it('refuses a source without a byte', async () => {
      mkdirSync(folder, { recursive: true });
      const path = fileOf('zero');
      writeFileSync(path, '');
      const [source] = (await openSources([path]))[0].sources;
      const error = await failureOf(format.inspect(source, {}, 'sample', never));
      expect(error).toMatchObject({ code: under.noBytes, at: { file: path } });
    });
  });
}
