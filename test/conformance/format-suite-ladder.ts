/**
 * What every format must do for the ladder: parts that can be read again, as often as wanted and carefully; records that are none left out, exactly they, and
 * the next ones read; places that point at the bytes of a record; and memory that does not grow with any of it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Format, InspectedSource, ReadingPoint, ReadRequest, TableBinding, TablePart } from '../../src/formats/format.ts';
import { loadFormat } from '../../src/formats/registry.ts';
import type { ByteSource } from '../../src/io/byte-source.ts';
import type { Part } from '../../src/rows/part.ts';
import type { RecordPlace, Rejection } from '../../src/rows/rejection.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../src/rows/row-encoding.ts';
import { memorySource, type MemorySourceOptions } from '../helpers/memory-source.ts';
import { allFields } from '../helpers/read-format.ts';
import { failureOf, never, parseCopyText } from './database-under-test.ts';
import { badSample, documentOf, goodSample, MAX_RECORD_BYTES, type RecordFormat, type Sample } from './format-suite-records.ts';

async function pull(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const chunk of chunks) pieces.push(Buffer.from(chunk));
  return Buffer.concat(pieces);
}

export interface Reading {
  readonly fast: Buffer[];
  readonly careful: string;
  readonly read: number;
  readonly leftOut: Rejection[];
  readonly carefully: Rejection[];
  readonly places: RecordPlace[];
  readonly parts: number;
}

interface ReadPart {
  readonly part: Part;
  readonly point: ReadingPoint | undefined;
  readonly firstRow: number | undefined;
  readonly leftOut: readonly Rejection[];
  readonly text: string;
  readonly read: number;
  readonly places: RecordPlace[];
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Everything that can be asked of a replayable part, in an order that is hard on it. The numbers of the records are made those of the table. */
export async function readEverything(format: Format, inspected: InspectedSource, request: Partial<ReadRequest>, encoding: RowEncoding | 'offered' = COPY_TEXT): Promise<Reading> {
  const reading = { fast: [] as Buffer[], careful: '', read: 0, leftOut: [] as Rejection[], carefully: [] as Rejection[], places: [] as RecordPlace[], parts: 0 };
  const bind: ReadRequest['bind'] = async (table, encodings): Promise<TableBinding> => {
    const fields = allFields(table);
    return { table: 't', fields, encoding: encoding === 'offered' ? encodings(fields.map(({ source }) => source))[0] : encoding, ignored: [] };
  };
  for await (const part of format.read(inspected, { jobs: 1, partBytes: 300, signal: never, trustSampledTypes: true, replayable: true, tolerant: true, bind, ...request })) {
    for await (const chunk of part.chunks) if (chunk.length > 0) break;
    const fast = await pull(part.chunks);
    expect((await pull(part.chunks)).equals(fast)).toBe(true);
    const { read } = part.counts();
    const careful = part.careful!();
    for await (const chunk of careful.chunks) if (chunk.length > 0) break;
    const text = await pull(careful.chunks);
    expect((await pull(careful.chunks)).equals(text)).toBe(true);
    expect((await pull(part.chunks)).equals(fast)).toBe(true);
    const numbered = (one: Rejection): Rejection => ({ ...one, record: one.record + reading.read });
    reading.leftOut.push(...(part.leftOut ?? []).map(numbered));
    reading.carefully.push(...careful.leftOut.map(numbered));
    reading.places.push(...(await placesOf(part, range(read))));
    const every = range(read).filter((record) => record % 3 === 0);
    expect(await placesOf(part, every)).toEqual(every.map((record) => reading.places[reading.read + record - 1]));
    reading.fast.push(fast);
    reading.careful += text.toString('latin1');
    expect(part.firstRow).toBe(reading.read + 1);
    reading.read += read;
    reading.parts++;
    part.release!();
    part.release!();
  }
  return { ...reading, careful: Buffer.from(reading.careful, 'latin1').toString() };
}

async function placesOf(part: TablePart, records: readonly number[]): Promise<RecordPlace[]> {
  const places: RecordPlace[] = [];
  for await (const place of part.places!(records)) places.push(place);
  return places;
}

const NAMES = ['a', '', null, 'two\nlines', 'tab\tand "quotes"', "it's", 'é€𝄞', String.raw`back\slash \N`, 'x'.repeat(150), ', {}[]', ' '];

export function ladderSuite(under: RecordFormat): void {
  describe(`${under.name}: records that are none`, () => {
    const options = { ...under.options, maxRecordBytes: MAX_RECORD_BYTES };
    let counter = 0;

    /** As inspection sees the document without its bad records: what it makes of them is not asked here. */
    async function inspectedAs(format: Format, source: ByteSource): Promise<InspectedSource> {
      const { bytes } = documentOf(under, range(3).map((id) => goodSample(under, id, 'text')), under.separators[0]);
      const clean = await format.inspect(memorySource(bytes, { name: source.name }), options, 'sample', never);
      return { ...clean, source };
    }

    async function readSamples(samples: readonly Sample[], separator: string, how: MemorySourceOptions, request: Partial<ReadRequest> = {}, encoding: RowEncoding | 'offered' = COPY_TEXT): Promise<Reading & { bytes: Buffer }> {
      const format = await loadFormat(under.name);
      const { bytes } = documentOf(under, samples, separator);
      const source = memorySource(bytes, { name: `${under.name}${counter++}.${under.name}`, ...how });
      return { ...(await readEverything(format, await inspectedAs(format, source), request, encoding)), bytes };
    }

    function check(samples: readonly Sample[], separator: string, reading: Reading & { bytes: Buffer }): void {
      const rows = samples.filter(({ code }) => code === undefined).map(({ row }) => row);
      const bad = samples.flatMap(({ code }, i) => (code === undefined ? [] : [{ record: i + 1, code }]));
      expect(reading.read).toBe(samples.length);
      expect(reading.carefully.map(({ record, code }) => ({ record, code }))).toEqual(bad);
      expect(parseCopyText(reading.careful)).toEqual(rows);
      for (const { message } of reading.carefully) expect(message.length).toBeGreaterThan(10);
      const { spans } = documentOf(under, samples, separator);
      expect(reading.places.map(({ row, line, byte, endByte }) => ({ row, line, byte, endByte })))
        .toEqual(spans.map(({ start, end, line }, i) => ({ row: i + 1, line, byte: start, endByte: end })));
      for (const [i, { byte, endByte }] of reading.places.entries()) expect(reading.bytes.subarray(byte, endByte).equals(samples[i].raw)).toBe(true);
    }

    const good = fc.tuple(fc.integer({ min: 0, max: 99_999 }), fc.constantFrom(...NAMES)).map(([id, name]) => goodSample(under, id, name));
    const bad = fc.nat({ max: under.bad.length - 1 }).map((kind) => badSample(under, kind));
    const sources = fc.record({ chunkBytes: fc.constantFrom(1, 7, 64, 1_000, 65_536), seekable: fc.boolean() }).map(({ chunkBytes, seekable }) => ({ chunkBytes, repeatable: seekable }));

    it('are left out wherever they are, and exactly they; the others arrive, and all are found again', async () => {
      const samples = fc.tuple(good, fc.array(fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: bad }), { maxLength: 40 })).map(([first, rest]) => (under.goodFirst ? [first, ...rest] : [...rest, first]));
      await fc.assert(fc.asyncProperty(samples, fc.constantFrom(...under.separators), sources, fc.constantFrom(60, 300, 5_000), async (records, separator, how, partBytes) => {
        const reading = await readSamples(records, separator, how, { partBytes });
        check(records, separator, reading);
        expect(reading.leftOut).toEqual(reading.carefully);
        expect(Buffer.concat(reading.fast).toString()).toBe(reading.careful);
      }), { numRuns: 60 });
    });

    it.each(under.bad.map(([code, raw], kind) => [code, raw.slice(0, 30), kind] as const))('%s: %j', async (_code, _raw, kind) => {
      const around = range(3).map((id) => goodSample(under, id, NAMES[id]));
      for (const samples of [[...around, badSample(under, kind), ...around], [...around, badSample(under, kind)], [...around, badSample(under, kind), badSample(under, kind)]]) {
        for (const repeatable of [true, false]) {
          const reading = await readSamples(samples, under.separators[0], { repeatable });
          check(samples, under.separators[0], reading);
          expect(reading.leftOut).toEqual(reading.carefully);
        }
      }
    });

    it('may be all there are, in parts that still end', async () => {
      const samples = [goodSample(under, 1, 'a'), ...Array.from({ length: 3_000 }, (_, i) => badSample(under, i % 2))];
      const reading = await readSamples(samples, under.separators[0], {}, { partBytes: 4_096 });
      check(samples, under.separators[0], reading);
      expect(reading.parts).toBeGreaterThan(2);
    });

    it('are errors where nobody asked for more', async () => {
      const samples = [goodSample(under, 1, 'a'), badSample(under, 0), goodSample(under, 2, 'b')];
      const format = await loadFormat(under.name);
      const inspected = await inspectedAs(format, memorySource(documentOf(under, samples, under.separators[0]).bytes, { name: `strict.${under.name}` }));
      const request: ReadRequest = { jobs: 1, partBytes: 300, signal: never, trustSampledTypes: true, bind: async (table) => ({ table: 't', fields: allFields(table), encoding: COPY_TEXT, ignored: [] }) };
      const error = await failureOf((async () => {
        for await (const part of format.read(inspected, request)) await pull(part.chunks);
      })());
      expect(error.code).toBe(under.bad[0][0]);
    });

    it('clean parts: careful text is what the fast lane brings, in whatever encoding it comes', async () => {
      const samples = Array.from({ length: 60 }, (_, id) => goodSample(under, id, NAMES[id % NAMES.length]));
      const expected = samples.map(({ row }) => row);
      for (const repeatable of [true, false]) {
        for (const encoding of [COPY_TEXT, CANONICAL_CSV, 'offered'] as const) {
          const reading = await readSamples(samples, under.separators[0], { repeatable }, {}, encoding);
          check(samples, under.separators[0], reading);
          expect(reading.parts).toBeGreaterThan(3);
          expect(reading.leftOut).toEqual([]);
          if (encoding === COPY_TEXT) expect(parseCopyText(Buffer.concat(reading.fast).toString())).toEqual(expected);
        }
      }
    });

    it('are found by a second reading that looks at a few parts only, and pulls nothing', async () => {
      const samples = Array.from({ length: 120 }, (_, id) => (id % 7 === 3 ? badSample(under, id) : goodSample(under, id, NAMES[id % NAMES.length])));
      const format = await loadFormat(under.name);
      const { bytes, spans } = documentOf(under, samples, under.separators[0]);
      for (const seekable of [true, false]) {
        const inspected = await inspectedAs(format, memorySource(bytes, { name: `second.${under.name}`, seekable }));
        const found: RecordPlace[] = [];
        let row = 0;
        const request: ReadRequest = { jobs: 1, partBytes: 300, signal: never, trustSampledTypes: true, replayable: true, tolerant: true, bind: async (table) => ({ table: 't', fields: allFields(table), encoding: COPY_TEXT, ignored: [] }) };
        for await (const part of format.read(inspected, request)) {
          const { read } = part.counts();
          if (part.part.index % 2 === 0) found.push(...(await placesOf(part, range(read).filter((record) => (row + record) % 5 === 0))));
          row += read;
          part.release!();
        }
        expect(row).toBe(samples.length);
        expect(found.length).toBeGreaterThan(5);
        for (const { row: at, byte, endByte } of found) expect({ byte, endByte }).toEqual({ byte: spans[at! - 1].start, endByte: spans[at! - 1].end });
      }
    });

    it('are found from the point of any part as from the start, and a reading from there goes on to the end', async () => {
      const samples = Array.from({ length: 200 }, (_, id) => (id % 7 === 3 ? badSample(under, id) : goodSample(under, id, NAMES[id % NAMES.length])));
      const format = await loadFormat(under.name);
      for (const separator of under.separators) {
        const { bytes } = documentOf(under, samples, separator);
        const inspected = await inspectedAs(format, memorySource(bytes, { name: `points.${under.name}` }));
        const read = async (from?: ReadingPoint): Promise<ReadPart[]> => {
          const request: ReadRequest = {
            jobs: 1, partBytes: 300, signal: never, trustSampledTypes: true, replayable: true, tolerant: true, ...(from === undefined ? {} : { from }),
            bind: async (table) => ({ table: 't', fields: allFields(table), encoding: COPY_TEXT, ignored: [] }),
          };
          const parts: ReadPart[] = [];
          for await (const part of format.read(inspected, request)) {
            const text = (await pull(part.chunks)).toString();
            const { read: records } = part.counts();
            parts.push({ part: part.part, point: part.point, firstRow: part.firstRow, text, read: records, leftOut: part.leftOut ?? [], places: await placesOf(part, range(records)) });
            part.release!();
          }
          return parts;
        };
        const all = await read();
        expect(all.length).toBeGreaterThan(5);
        // A dump says what its rows are of far before them: it is read from its start.
        expect(all.every(({ point }) => (point === undefined) === (under.name === 'sql'))).toBe(true);
        if (under.name === 'sql') return;
        for (const [i, { point }] of all.entries()) expect(await read(point)).toEqual(all.slice(i));
        // Counted off from the point, each of them, or some.
        for (const { point, read: records, places } of format.locate === undefined ? [] : all) {
          for (const stride of [1, 2, 5]) {
            const locator = await format.locate!(inspected, point!, { tolerant: true, signal: never });
            for (let record = stride; record <= records; record += stride) for (const _ of 'xx') expect(await locator.find(record)).toEqual(places[record - 1]);
            await locator.close();
          }
          const locator = await format.locate!(inspected, point!, { tolerant: true, signal: never });
          expect(await locator.find(100_000)).toBeUndefined();
          await locator.close();
        }
      }
    });

    it.each(['sample', 'full'] as const)('say nothing of columns and types (%s)', async (depth) => {
      const format = await loadFormat(under.name);
      const around = range(12).map((id) => goodSample(under, id, NAMES[id % NAMES.length]));
      const mixed = around.flatMap((one, i) => (i === 0 ? [one] : [badSample(under, i % under.bad.length), one, badSample(under, (i * 5 + 1) % under.bad.length)]));
      const inspect = (samples: readonly Sample[], separator: string, tolerant: boolean): Promise<InspectedSource> => (
        format.inspect(memorySource(documentOf(under, samples, separator).bytes, { name: `inspected.${under.name}` }), { ...options, tolerant }, depth, never)
      );
      for (const separator of under.separators) {
        const clean = await inspect(around, separator, false);
        const { tables } = await inspect(mixed, separator, true);
        expect(tables.map(({ name, columns }) => ({ name, columns }))).toEqual(clean.tables.map(({ name, columns }) => ({ name, columns })));
        if (depth === 'full') expect(tables[0].estimatedRows).toBe(mixed.length);
      }
    });

    it('a part that was released is not read in silence', async () => {
      const format = await loadFormat(under.name);
      const { bytes } = documentOf(under, range(3).map((id) => goodSample(under, id, 'a')), under.separators[0]);
      const inspected = await inspectedAs(format, memorySource(bytes, { name: `gone.${under.name}`, repeatable: false }));
      const request: ReadRequest = { jobs: 1, partBytes: 300, signal: never, replayable: true, bind: async (table) => ({ table: 't', fields: allFields(table), encoding: COPY_TEXT, ignored: [] }) };
      const parts = format.read(inspected, request);
      const next = await parts.next();
      if (next.done === true) throw new Error('there is no part');
      next.value.release!();
      expect((await failureOf((async () => { await pull(next.value.chunks); })())).code).toBe('INTERNAL');
      await parts.return();
    });
  });
}

/** A record of 64 MB passes in the memory of a small one. */
export function longRecordTest(under: RecordFormat, begin: string, end: string): void {
  it.each([true, false])(`${under.name}: a record over the limit is passed over, not held (seekable: %s)`, async (seekable) => {
    const format = await loadFormat(under.name);
    const options = { ...under.options, maxRecordBytes: 1024 * 1024 };
    const before = `${under.head}${under.good(1, 'a')}\n`, after = `\n${under.good(2, 'b')}\n`;
    const clean = await format.inspect(memorySource(before, { name: `long.${under.name}` }), options, 'sample', never);
    const long = 64 * 1024 * 1024;
    const pieces = [Buffer.from(before + begin), long, Buffer.from(end + after)] as const;
    const total = pieces[0].length + long + pieces[2].length;
    let peak = 0;
    const source: ByteSource = {
      ...memorySource('', { name: `long.${under.name}`, seekable, repeatable: seekable }),
      bytes: total,
      async *read({ start = 0, end: stop = total } = {}) {
        const fill = Buffer.alloc(64 * 1024, 'x');
        for (let at = start; at < stop;) {
          const inFill = at - pieces[0].length;
          const chunk = inFill < 0 ? pieces[0].subarray(at) : inFill < long ? fill.subarray(0, Math.min(fill.length, long - inFill)) : pieces[2].subarray(inFill - long);
          yield chunk.subarray(0, stop - at);
          at += Math.min(chunk.length, stop - at);
          if (at % (1024 * 1024) < fill.length) {
            peak = Math.max(peak, process.memoryUsage().arrayBuffers);
          }
        }
      },
    };
    const floor = process.memoryUsage().arrayBuffers;
    const reading = await readEverything(format, { ...clean, source }, { partBytes: 64 * 1024 });
    expect(parseCopyText(reading.careful)).toEqual([['1', 'a'], ['2', 'b']]);
    expect(reading.carefully).toMatchObject([{ record: 2, code: 'RECORD_TOO_LARGE' }]);
    expect(reading.places[1]).toMatchObject({ row: 2, byte: before.length, endByte: before.length + begin.length + long + end.length });
    expect(peak - floor).toBeLessThan(40 * 1024 * 1024);
  });
}
