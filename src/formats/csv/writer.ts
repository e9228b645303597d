/**
 * Writes CSV documents: RFC 4180 with LF, a header line, NULL as an empty field without quotes and the empty string in quotes. `csv` parts of
 * the same dialect pass as they are (the database wrote them); all others are taken apart and written anew. Rows are counted in what is written.
 */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSink } from '../../io/byte-sink.ts';
import { copyTextBlocks, CopyTextFields } from '../../rows/copy-text-reader.ts';
import type { PartStream } from '../../rows/part.ts';
import { CANONICAL_CSV, type CsvEncoding, type RowEncoding } from '../../rows/row-encoding.ts';
import type { TableSchema } from '../../rows/table-schema.ts';
import type { FormatWriter, WriteOptions } from '../format.ts';
import { CsvBuilder } from './csv-builder.ts';
import { checkDialectOptions, dialectBytes } from './dialect.ts';
import { RecordCursor } from './record-cursor.ts';
import { RecordEncoder } from './record-encoder.ts';
import { RecordParser } from './record-parser.ts';
import { RecordScanner } from './record-scanner.ts';

const LF = 0x0a;

/** Encoded bytes that are handed on together. */
const OUTPUT_BYTES = 128 * 1024;

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

export class CsvWriter implements FormatWriter {
  readonly #sink: ByteSink;
  readonly #dialect: CsvEncoding;
  readonly #header: boolean;

  /** @throws SluiceError OPTION_UNSUPPORTED */
  constructor(sink: ByteSink, { csv = {} }: WriteOptions) {
    const delimiter = csv.delimiter === 'tab' || csv.delimiter === '\\t' ? '\t' : csv.delimiter ?? ',';
    checkDialectOptions({ delimiter });
    if (delimiter.length !== 1) throw new SluiceError('OPTION_UNSUPPORTED', { option: `--delimiter ${JSON.stringify(delimiter)}`, context: 'for writing (one ASCII character)' });
    this.#sink = sink;
    this.#dialect = { ...CANONICAL_CSV, delimiter };
    this.#header = csv.header ?? true;
  }

  accepts(): readonly RowEncoding['kind'][] {
    return ['csv', 'copy-text'];
  }

  async beginTable(table: TableSchema): Promise<void> {
    if (!this.#header || table.columns.length === 0) return;
    const builder = new CsvBuilder(this.#dialect, table.columns.length);
    for (const [i, column] of table.columns.entries()) {
      const name = Buffer.from(column.name);
      if (i > 0) builder.endField();
      builder.appendText(name, 0, name.length);
    }
    builder.endRecord();
    await this.#sink.write(builder.view());
  }

  async *encodePart(table: TableSchema, part: PartStream, written: (rows: number) => void): Chunks {
    const { encoding } = part;
    let rows: number;
    if (encoding.kind === 'copy-text') rows = yield* this.#fromCopyText(table, part);
    else if (encoding.kind !== 'csv') throw new SluiceError('INTERNAL', { reason: `the CSV writer was given ${encoding.kind}` }, { table: table.name });
    else if (sameDialect(encoding, this.#dialect)) rows = yield* this.#passing(table, part);
    else rows = yield* this.#fromCsv(table, part, encoding);
    written(rows);
  }

  writeEncoded(chunk: Uint8Array): Promise<void> {
    return this.#sink.write(chunk);
  }

  async endTable(): Promise<void> {
    // Nothing comes after the last record.
  }

  finish(): Promise<void> {
    return this.#sink.finish();
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }

  /** Where the source frames its rows (one message each), passing all bytes on is passing all rows on. */
  async *#passing(table: TableSchema, part: PartStream): AsyncGenerator<Uint8Array, number, undefined> {
    if (!part.framed) return yield* this.#passingUnframed(table, part);
    let passed = 0;
    let last = LF;
    for await (const chunk of part.chunks) {
      if (chunk.length === 0) continue;
      passed += chunk.length;
      last = chunk[chunk.length - 1]!;
      yield chunk;
    }
    if (last !== LF) yield Uint8Array.of(LF);
    const { bytes, arrived } = part.counts();
    if (passed !== bytes || arrived === undefined) throw new SluiceError('INTERNAL', { reason: `${passed} of ${bytes} bytes were passed on` }, { table: table.name });
    return arrived;
  }

  async *#passingUnframed(table: TableSchema, part: PartStream): AsyncGenerator<Uint8Array, number, undefined> {
    const scanner = new RecordScanner(dialectBytes(this.#dialect), { oneColumn: table.columns.length === 1, forbidden: [], maxRecordBytes: Infinity });
    let base = 0;
    let last = LF;
    scanner.begin(0);
    for await (const chunk of part.chunks) {
      if (chunk.length === 0) continue;
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      scanner.scan(bytes, 0, bytes.length, base);
      base += bytes.length;
      last = bytes[bytes.length - 1]!;
      yield chunk;
    }
    scanner.finish(base);
    if (last !== LF) yield Uint8Array.of(LF);
    return scanner.records;
  }

  async *#fromCopyText(table: TableSchema, part: PartStream): AsyncGenerator<Uint8Array, number, undefined> {
    const count = table.columns.length;
    const fields = new CopyTextFields(count);
    const builder = new CsvBuilder(this.#dialect, count, 2 * OUTPUT_BYTES);
    let rows = 0;
    for await (const block of copyTextBlocks(part.chunks)) {
      for (let at = 0; at < block.length;) {
        at = fields.next(block, at);
        for (let i = 0; i < count; i++) {
          if (i > 0) builder.endField();
          if (fields.escaped[i] === 0) builder.appendText(block, fields.starts[i], fields.ends[i]);
          else if (fields.isNull(i)) builder.appendNull();
          else this.#appendUnescaped(builder, fields, i);
        }
        builder.endRecord();
        rows++;
        if (builder.length >= OUTPUT_BYTES) {
          yield builder.view();
          builder.reset();
        }
      }
    }
    if (builder.length > 0) yield builder.view();
    return rows;
  }

  #scratch = Buffer.alloc(4096);

  #appendUnescaped(builder: CsvBuilder, fields: CopyTextFields, field: number): void {
    const length = fields.ends[field] - fields.starts[field];
    if (length > this.#scratch.length) this.#scratch = Buffer.alloc(length * 2);
    builder.appendText(this.#scratch, 0, fields.copyUnescaped(field, this.#scratch, 0));
  }

  async *#fromCsv(table: TableSchema, part: PartStream, encoding: CsvEncoding): AsyncGenerator<Uint8Array, number, undefined> {
    const columns = table.columns.map((column) => column.name);
    const parser = new RecordParser(dialectBytes(encoding));
    const cursor = new RecordCursor({ parser, file: table.name, columns: columns.length, maxRecordBytes: Infinity, start: 0, row: part.firstRow ?? 1, line: 1, bytesKnown: false });
    const encoder = new RecordEncoder({
      columns, encoding: this.#dialect, charset: encoding.charset, file: table.name, table: table.name,
      fields: table.columns.map(({ name }) => ({ source: name, type: { kind: 'text' }, arrays: 'json' })),
    });
    let rows = 0;
    for await (const chunk of part.chunks) {
      cursor.push(chunk);
      const out = encoder.encode(cursor, false);
      rows += encoder.records;
      if (out.length > 0) yield out;
    }
    cursor.push(new Uint8Array(0));
    const rest = encoder.encode(cursor, true);
    if (rest.length > 0) yield rest;
    return rows + encoder.records;
  }
}

function sameDialect(a: CsvEncoding, b: CsvEncoding): boolean {
  return a.delimiter === b.delimiter && a.quote === b.quote && a.escape === b.escape && a.nullText === b.nullText && a.charset === b.charset;
}
