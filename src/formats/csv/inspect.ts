/** What is in a CSV source: character set, dialect, header, columns and their types, from samples or from all of it. */
import { isUtf8 } from 'node:buffer';
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ByteSource } from '../../io/byte-source.ts';
import type { Column } from '../../rows/table-schema.ts';
import { parseCharset } from '../charset.ts';
import { DEFAULT_MAX_RECORD_BYTES, type InspectedSource, type ReadOptions } from '../format.ts';
import { detectCharset } from './charset.ts';
import { detectDialect } from './detect.ts';
import { checkDialectOptions, dialectBytes, type CsvDialect } from './dialect.ts';
import { inspectAll } from './full-inspection.ts';
import { columnNames, detectHeader, headerTexts } from './header.ts';
import type { CsvDetails } from './inspected-csv.ts';
import { countLineEnds } from './record-cursor.ts';
import { RecordParser } from './record-parser.ts';
import { LINE_END, RecordScanner } from './record-scanner.ts';
import { standIns } from './raw-encoding.ts';
import { alignWindow, decodeSamples, eachRecord, takeHead, takeSamples, type Sample } from './sample.ts';
import { ColumnTypes } from './types.ts';

/** The first record names the columns or is one of many: one that is larger than this is a missing line end or the wrong dialect. */
const FIRST_RECORD_BYTES = 4 * 1024 * 1024;

export async function inspectCsv(source: ByteSource, options: ReadOptions, depth: 'sample' | 'full', signal: AbortSignal): Promise<InspectedSource> {
  const given = givenDialect(options);
  const raw = await takeSamples(source, signal);
  await completeFirstLine(raw, source);
  if (raw[0].bytes.length === 0) throw new SluiceError('SOURCE_EMPTY', { source: source.name }, { file: source.name });
  const charset = options.charset === undefined ? detectCharset(raw.map(({ bytes }) => bytes)) : parseCharset(options.charset, 'CSV');
  const decoded = await decodeSamples(raw, charset, source.name);
  if (decoded.samples[0].bytes.length === 0) throw new SluiceError('SOURCE_EMPTY', { source: source.name }, { file: source.name });
  const dialect: CsvDialect = { ...detectDialect(decoded.samples, given), nullText: options.csv?.nullText ?? '', charset };
  const look = new SampleLook(source, options, dialect, decoded);
  await look.findFirstRecord();
  const { details, columns, estimatedRows } = look.result();
  const sampled: InspectedSource = { source, format: 'csv', tables: [{ columns, ...estimatedRows }], details: { ...details }, options, depth: 'sample' };
  return depth === 'full' && source.repeatable ? inspectAll(sampled, signal) : sampled;
}

/** Takes more of the head until a line of it is complete: without one there is nothing to detect. @throws SluiceError RECORD_TOO_LARGE */
async function completeFirstLine(samples: Sample[], source: ByteSource): Promise<void> {
  while (!samples[0].last && !samples[0].bytes.includes(0x0a) && !samples[0].bytes.includes(0x0d)) {
    if (samples[0].bytes.length >= FIRST_RECORD_BYTES) throw firstTooLarge(source, FIRST_RECORD_BYTES);
    samples[0] = await takeHead(source, samples[0].bytes.length * 4);
  }
}

function firstTooLarge(source: ByteSource, limit: number): SluiceError {
  return new SluiceError('RECORD_TOO_LARGE', { source: source.name, limit }, { file: source.name, row: 1, line: 1, byte: 0 });
}

/** @throws SluiceError OPTION_UNSUPPORTED */
function givenDialect({ csv = {} }: ReadOptions): { delimiter?: string; quote?: string; escape?: string } {
  const { delimiter, quote, escape, nullText } = csv;
  const given = {
    ...(delimiter === undefined ? {} : { delimiter: delimiter === '\\t' || delimiter === 'tab' ? '\t' : delimiter }),
    ...(quote === undefined ? {} : { quote }),
    ...(escape === undefined ? {} : { escape }),
  };
  checkDialectOptions({ ...given, ...(nullText === undefined ? {} : { nullText }) });
  return given;
}

class SampleLook {
  readonly #source: ByteSource;
  readonly #options: ReadOptions;
  readonly #dialect: CsvDialect;
  readonly #bomBytes: number;
  readonly #parser: RecordParser;
  #samples: readonly Sample[];
  /** In the head: where the first record begins and ends. */
  #first = { start: 0, end: 0 };

  constructor(source: ByteSource, options: ReadOptions, dialect: CsvDialect, decoded: { samples: Sample[]; bomBytes: number }) {
    this.#source = source;
    this.#options = options;
    this.#dialect = dialect;
    this.#samples = decoded.samples;
    this.#bomBytes = decoded.bomBytes;
    this.#parser = new RecordParser(dialectBytes(dialect));
  }

  /** Takes more of the head until it holds the first record. @throws SluiceError CSV_NO_COLUMNS, RECORD_TOO_LARGE, CSV_MALFORMED */
  async findFirstRecord(): Promise<void> {
    const limit = Math.min(FIRST_RECORD_BYTES, this.#options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES);
    while (!this.#parseFirst()) {
      const [head, ...windows] = this.#samples as [Sample, ...Sample[]];
      if (head.bytes.length >= limit) throw firstTooLarge(this.#source, limit);
      const longer = await takeHead(this.#source, Math.max(head.bytes.length * 4, 4096));
      const { samples } = await decodeSamples([longer], this.#dialect.charset, this.#source.name);
      this.#samples = [samples[0], ...windows];
    }
  }

  #parseFirst(): boolean {
    const { bytes, last } = this.#samples[0];
    const parser = this.#parser;
    const file = this.#source.name;
    for (let at = 0; at < bytes.length;) {
      const next = parser.parse(bytes, at, bytes.length, last);
      if (next === -1) return false;
      if (next < 0) {
        const line = 1 + countLineEnds(bytes, 0, parser.problemAt);
        throw new SluiceError('CSV_MALFORMED', { source: file, reason: parser.problem }, { file, row: 1, line, byte: this.#bomBytes + parser.problemAt });
      }
      if (parser.count > 0) {
        this.#first = { start: at, end: next };
        return true;
      }
      at = next;
    }
    if (last) throw new SluiceError('CSV_NO_COLUMNS', { source: file }, { file });
    return false;
  }

  result(): { details: CsvDetails; columns: Column[]; estimatedRows: { estimatedRows?: number } } {
    const { bytes, last } = this.#samples[0];
    const parser = this.#parser;
    parser.parse(bytes, this.#first.start, bytes.length, last);
    const width = parser.count;
    const texts = headerTexts(parser, bytes, this.#dialect.charset);
    const header = this.#options.csv?.header ?? detectHeader(parser, bytes.subarray(this.#first.start), last);
    const { names, renamed } = columnNames(header ? texts : texts.map(() => ''));
    this.#refuseNul(header ? names : []);
    const dataOffset = header ? this.#first.end : this.#first.start;
    const looked = this.#lookAtRecords(width, dataOffset);
    const types = looked.types.results();
    const said = this.#options.types ?? {};
    const columns = names.map((name, i): Column => ({ name, type: said[name] ?? types[i], nullable: true }));
    const bytesKnown = this.#dialect.charset !== 'utf-16le' && this.#dialect.charset !== 'utf-16be';
    const details: CsvDetails = {
      ...this.#dialect, header, lineEnd: lineEndName(looked.lineEnds), bomBytes: this.#bomBytes,
      dataStart: dataOffset + (bytesKnown ? this.#bomBytes : 0), dataLine: 1 + countLineEnds(bytes, 0, dataOffset),
      regular: looked.regular, largestRecord: looked.largest,
      ...(header && Object.keys(renamed).length > 0 ? { renamed } : {}),
    };
    return { details, columns, estimatedRows: this.#estimate(looked, dataOffset) };
  }

  #refuseNul(names: readonly string[]): void {
    const index = names.findIndex((name) => name.includes('\0'));
    if (index >= 0) throw new SluiceError('NUL_BYTE', { source: this.#source.name, target: 'a column name' }, { file: this.#source.name, line: 1 });
  }

  /** Types, line ends and sizes over all samples. */
  #lookAtRecords(width: number, dataOffset: number): { types: ColumnTypes; records: number; bytes: number; largest: number; regular: boolean; lineEnds: number } {
    const [head, ...windows] = this.#samples as [Sample, ...Sample[]];
    const parser = this.#parser;
    const types = new ColumnTypes(width);
    const scanned = { regular: true, lineEnds: 0 };
    const total = { records: 0, bytes: 0, largest: this.#first.end - this.#first.start };
    // Records that will be left out say nothing of types.
    const isText = this.#options.tolerant === true && this.#dialect.charset === 'utf-8' ? isUtf8 : () => true;
    const lookAt = (bytes: Buffer, last: boolean): void => {
      let end = 0;
      const isAllText = isText(bytes);
      eachRecord(parser, bytes, last, (from, next) => {
        end = next;
        total.records++;
        total.bytes += next - from;
        total.largest = Math.max(total.largest, next - from);
        if (parser.count === width && (isAllText || isText(bytes.subarray(from, next)))) types.see(parser, bytes);
      });
      const scanner = new RecordScanner(dialectBytes(this.#dialect), { oneColumn: width === 1, forbidden: standIns({ details: this.#dialect }), maxRecordBytes: Infinity });
      scanner.begin(0);
      scanner.scan(bytes, 0, last ? bytes.length : end, 0);
      if (last && !scanner.insideQuotes) scanner.finish(bytes.length);
      scanned.regular &&= scanner.regular;
      scanned.lineEnds |= scanner.lineEnds;
    };
    // With the header: a database that reads the file itself reads that line, too.
    const headerScanner = this.#samples[0].bytes.subarray(this.#first.start, dataOffset);
    if (headerScanner.length > 0) scanned.regular &&= isRegular(headerScanner, this.#dialect);
    lookAt(head.bytes.subarray(dataOffset), head.last);
    for (const window of windows) {
      const aligned = alignWindow(parser, window.bytes, width);
      if (aligned !== undefined) lookAt(aligned, window.last);
    }
    return { types, ...total, regular: scanned.regular && (scanned.lineEnds & (scanned.lineEnds - 1)) === 0, lineEnds: scanned.lineEnds };
  }

  #estimate({ records, bytes }: { records: number; bytes: number }, dataOffset: number): { estimatedRows?: number } {
    const size = this.#source.bytes;
    if (this.#samples.length === 1 && this.#samples[0].last) return { estimatedRows: records };
    if (size === undefined || records === 0) return {};
    // Samples of UTF-16 sources are measured in their UTF-8 form, which is about half as long.
    const scale = this.#dialect.charset.startsWith('utf-16') ? 2 : 1;
    return { estimatedRows: Math.round((size - dataOffset) / ((bytes * scale) / records)) };
  }
}

function isRegular(bytes: Buffer, dialect: CsvDialect): boolean {
  const scanner = new RecordScanner(dialectBytes(dialect), { oneColumn: false, forbidden: standIns({ details: dialect }), maxRecordBytes: Infinity });
  scanner.begin(0);
  scanner.scan(bytes, 0, bytes.length, 0);
  return scanner.oddities === 0;
}

function lineEndName(lineEnds: number): CsvDetails['lineEnd'] {
  switch (lineEnds) {
    case 0: case LINE_END.lf: return 'LF';
    case LINE_END.crlf: return 'CR LF';
    case LINE_END.cr: return 'CR';
    default: return 'mixed';
  }
}
