/**
 * Reads the records of JSON and NDJSON sources as parts: one pass over the bytes (document-walk.ts finds the arrays, record-sequence.ts the records,
 * record-transcoder.ts writes them). Tables that inspection did not see are sampled when their array begins.
 */
import type { SluiceError } from '../../errors/sluice-error.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../rows/row-encoding.ts';
import { carefulText } from '../careful-text.ts';
import type { RecordPlace } from '../../rows/rejection.ts';
import type { InspectedSource, InspectedTable, ReadingPoint, ReadRequest, TableBinding, TablePart } from '../format.ts';
import { KeptChunks, releasedPart, slices } from '../kept-chunks.ts';
import { SpareBuffers } from '../spare-buffers.ts';
import type { ByteBuffer } from './byte-buffer.ts';
import { WINDOW_BYTES } from './byte-window.ts';
import { DocumentCursor } from './document-cursor.ts';
import { walkDocument, type FoundMember } from './document-walk.ts';
import { isTablePath, layoutOf, leadsToTables, type Layout } from './layout.ts';
import { openWindow } from './open-window.ts';
import { PartAssembler } from './part-assembler.ts';
import { PartPool } from './part-pool.ts';
import type { RecordPlaces, RecordSpan } from './record-places.ts';
import { RecordSequence } from './record-sequence.ts';
import { RecordSkipper } from './record-skipper.ts';
import { RecordTranscoder } from './record-transcoder.ts';
import { profilerOf, TableProfile } from './table-profile.ts';
import { describeValue } from './value-kind.ts';

/** What is looked at of a table that shows only while reading. */
const LATE_SAMPLE_BYTES = 1024 * 1024;
/** Small enough for a socket to take one after the other, large enough to cost nothing. */
const CHUNK_BYTES = 64 * 1024;
export const RECORD_ENCODINGS: readonly RowEncoding[] = [COPY_TEXT, CANONICAL_CSV];

export async function* readRecords(inspected: InspectedSource, request: ReadRequest): AsyncGenerator<TablePart, void, undefined> {
  const layout = layoutOf(inspected);
  const { from } = request;
  const { lexer, close } = await openWindow(inspected.source, layout.charset, inspected.options, request.signal, from === undefined ? {} : { start: from.byte });
  try {
    lexer.strictLines = inspected.format === 'ndjson';
    lexer.tolerant = request.tolerant === true;
    const reading = new Reading(inspected, request, layout, new DocumentCursor(lexer));
    if (from !== undefined) yield* reading.from(from);
    else yield* layout.shape === 'lines' ? reading.lines() : reading.document();
  } finally {
    await close();
  }
}

/** A table while it is read; a key that comes twice in a document goes on where it was. */
interface ReadTable {
  readonly inspected: InspectedTable;
  readonly binding: TableBinding | null;
  rows: number;
  parts: number;
}

class Reading {
  readonly #inspected: InspectedSource;
  readonly #request: ReadRequest;
  readonly #layout: Layout;
  readonly #cursor: DocumentCursor;
  readonly #pool: PartPool;
  readonly #tables = new Map<string | undefined, ReadTable>();
  /** Offset up to which the source's bytes belong to the parts so far. */
  #accounted = 0;

  constructor(inspected: InspectedSource, request: ReadRequest, layout: Layout, cursor: DocumentCursor) {
    this.#inspected = inspected;
    this.#request = request;
    this.#layout = layout;
    this.#cursor = cursor;
    // The rest of a window is the most that one more record can take (record-transcoder.ts).
    const capacity = (request.spareBuffers === undefined ? this.#usualPartBytes : request.partBytes) + 2 * WINDOW_BYTES + 4096;
    this.#pool = new PartPool(request.jobs + 1, capacity, request.spareBuffers ?? new SpareBuffers(request.jobs + 1), request.signal);
  }

  /** Records rarely become longer than they were. */
  get #usualPartBytes(): number {
    const { bytes, compression } = this.#inspected.source;
    return Math.min(this.#request.partBytes, compression === 'none' ? bytes ?? Infinity : Infinity);
  }

  /** The rest of the array (or the lines) that the part is of. */
  async *from(point: ReadingPoint): AsyncGenerator<TablePart, void, undefined> {
    const { lexer } = this.#cursor;
    const { path, begun } = point.array!;
    lexer.line = point.line;
    this.#accounted = point.byte;
    await this.#bind(path, undefined, point);
    const refusal = yield* this.#records(path, this.#layout.shape === 'lines' ? 'lines' : 'array', begun);
    if (refusal !== undefined) throw refusal;
  }

  async *lines(): AsyncGenerator<TablePart, void, undefined> {
    const refusal = yield* this.#records([], 'lines');
    if (refusal !== undefined) {
      await this.#cursor.skipValue(); // a line that is not even JSON is that in the first place
      throw refusal;
    }
  }

  async *document(): AsyncGenerator<TablePart, void, undefined> {
    const { path } = this.#layout;
    let refusal: SluiceError | undefined;
    for await (const member of walkDocument(this.#cursor, (at) => leadsToTables(path, at), this.#request.tolerant)) {
      if (refusal !== undefined || !isTablePath(path, member.path)) continue;
      if (member.kind === 'empty') await this.#bind(member.path, undefined);
      if (member.kind === 'other') refusal = this.#refuseRoot(member);
      if (member.kind !== 'records') continue;
      this.#cursor.step();
      refusal = yield* this.#records(member.path, 'array');
      if (refusal !== undefined) await this.#cursor.skipRestOfArray(false);
    }
    // Thrown only now: a document that is not even JSON is that in the first place.
    if (refusal !== undefined) throw refusal;
  }

  #refuseRoot({ path }: FoundMember): SluiceError | undefined {
    return path.length > this.#layout.path.length ? undefined : this.#cursor.notRecords('there is no array of objects');
  }

  /** Reads one sequence of records; returns the error for an element that is not a record, at which the window then stands. */
  async *#records(path: readonly string[], kind: 'array' | 'lines', begun = false): AsyncGenerator<TablePart, SluiceError | undefined, undefined> {
    const { lexer } = this.#cursor;
    const { window } = lexer;
    const sequence = new RecordSequence(lexer, kind, this.#request.tolerant, begun);
    const table = await this.#bind(path, sequence);
    lexer.table = table.binding?.table;
    sequence.count = table.rows;
    let state: 'end' | 'full' | 'not-a-record' = 'full';
    if (table.binding === null) {
      const before = table.rows;
      state = await sequence.runAll(new RecordSkipper(lexer));
      table.rows = sequence.count;
      this.#request.onSkipped?.(table.inspected, table.rows - before);
    } else {
      const assembler = new PartAssembler(lexer, new RecordTranscoder(lexer, table.binding, this.#sampled(table.inspected, table.binding)), this.#request.partBytes, this.#usualPartBytes);
      while (state === 'full') {
        const buffer = await this.#pool.take();
        const point = this.#point(table, path, sequence);
        assembler.begin(buffer);
        state = await sequence.runAll(assembler);
        if (sequence.count > table.rows) yield { ...this.#part(table, table.binding, assembler, buffer, sequence.count), ...point };
        else this.#pool.release(buffer);
      }
    }
    const refusal = state === 'end' ? undefined : this.#cursor.notRecords(`record ${lexer.row} is ${describeValue(window.bytes[window.pos])}, not an object`);
    lexer.table = undefined;
    return refusal;
  }

  /** Where the next part begins. A table that showed only while reading would be sampled anew, and otherwise. */
  #point(table: ReadTable, path: readonly string[], sequence: RecordSequence): { point?: ReadingPoint } {
    const { lexer } = this.#cursor;
    const { window } = lexer;
    if (!lexer.bytePlaces || !this.#inspected.source.seekable || !this.#inspected.tables.includes(table.inspected)) return {};
    return { point: { byte: window.offset(window.pos), line: lexer.line, rows: table.rows, part: table.parts, array: { path, begun: sequence.begun } } };
  }

  #part(table: ReadTable, binding: TableBinding, assembler: PartAssembler, buffer: ByteBuffer, rows: number): TablePart {
    const { window } = this.#cursor.lexer;
    const read = rows - table.rows;
    const firstRow = table.rows + 1;
    const bytes = window.offset(window.pos) - this.#accounted;
    const { places, leftOut } = assembler;
    const replayable = this.#request.replayable === true;
    const view = (): Uint8Array => buffer.bytes.subarray(0, buffer.length);
    const chunks = new KeptChunks(() => slices(view(), CHUNK_BYTES), replayable, () => this.#pool.release(buffer));
    this.#accounted += bytes;
    table.rows = rows;
    return {
      table: binding.table,
      part: { index: table.parts++, interval: { kind: 'rows', start: firstRow - 1, end: rows } },
      encoding: binding.encoding,
      firstRow,
      chunks,
      replayable,
      release: () => chunks.release(),
      leftOut: leftOut.rejections,
      counts: () => ({ read, skipped: 0, bytes }),
      locate: async (line) => {
        const record = Math.min(leftOut.recordOf(Math.max(line, 1)), read);
        const { endByte: _, ...place } = this.#placeOf(firstRow, record, places.at(record - 1));
        return place;
      },
      careful: () => carefulText({
        bytes: () => {
          if (chunks.released) throw releasedPart();
          return view();
        },
        encoding: binding.encoding, fields: binding.fields.length, leftOut: leftOut.rejections, source: this.#inspected.source.name, table: binding.table,
      }),
      places: (records) => this.#places(places, firstRow, records),
    };
  }

  async *#places(places: RecordPlaces, firstRow: number, records: readonly number[]): AsyncGenerator<RecordPlace, void, undefined> {
    let next = 0;
    for (const span of places.walk(records.map((record) => record - 1))) yield this.#placeOf(firstRow, records[next++], span);
  }

  #placeOf(firstRow: number, record: number, { byte, line, end }: RecordSpan): RecordPlace {
    return { file: this.#inspected.source.name, row: firstRow + record - 1, line, ...(this.#cursor.lexer.bytePlaces ? { byte, endByte: end } : {}) };
  }

  /** The table at `path`, bound when it is new. */
  async #bind(path: readonly string[], sequence: RecordSequence | undefined, { rows, part }: { rows: number; part: number } = { rows: 0, part: 0 }): Promise<ReadTable> {
    const name = path.at(-1);
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const inspected = this.#inspected.tables.find((table) => table.name?.name === name) ?? (await this.#sample(name, sequence));
    const table: ReadTable = { inspected, binding: await this.#request.bind(inspected, () => RECORD_ENCODINGS), rows, parts: part };
    this.#tables.set(name, table);
    return table;
  }

  /** The columns of a table that inspection did not reach, from the records that come next; nothing is consumed. */
  async #sample(name: string | undefined, sequence: RecordSequence | undefined): Promise<InspectedTable> {
    const { lexer } = this.#cursor;
    const { window } = lexer;
    const profile = new TableProfile();
    if (sequence !== undefined) {
      if (!window.eof && window.end - window.pos < LATE_SAMPLE_BYTES) await window.more(LATE_SAMPLE_BYTES);
      for (;;) {
        const { line } = lexer;
        const { pos } = window;
        const state = sequence.run(profilerOf(lexer, profile, window.offset(pos) + LATE_SAMPLE_BYTES, this.#request.tolerant));
        lexer.line = line;
        window.pos = pos;
        sequence.restart();
        if (state !== 'more' || profile.records > 0) break;
        await sequence.more();
      }
    }
    return { ...(name === undefined ? {} : { name: { name } }), columns: profile.columns(this.#inspected.options.types) };
  }

  /**
   * By field: whether its type is the one that a sample showed, so that a value beyond it is a surprise and not the target's to convert. Never where the column was there before:
   * that its type is what the sample showed, too, says nothing of other values.
   */
  #sampled(inspected: InspectedTable, binding: TableBinding): boolean[] {
    const found = new Map(inspected.columns.map((column) => [column.name, JSON.stringify(column.type)]));
    return binding.fields.map(({ source, type, absent, detected }) => (
      this.#inspected.depth !== 'full' && absent !== true && detected === true && found.get(source) === JSON.stringify(type)
    ));
  }
}
