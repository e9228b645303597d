/**
 * The careful second try of parts whose encoded bytes are in memory: copy-text stays as it is, canonical CSV becomes copy-text, and records that no text
 * column takes (NUL, bytes that are not UTF-8, another number of fields) are left out. Nearly always there is none, which one native look says.
 */
import { isUtf8 } from 'node:buffer';
import { CopyTextBuilder } from '../rows/copy-text-builder.ts';
import type { CarefulPart } from '../rows/part.ts';
import type { Rejection } from '../rows/rejection.ts';
import { CANONICAL_CSV, type RowEncoding } from '../rows/row-encoding.ts';
import { dialectBytes } from './csv/dialect.ts';
import { QUOTED, RecordParser } from './csv/record-parser.ts';
import { slices } from './kept-chunks.ts';
import { problemOf, type RecordProblem } from './left-out.ts';

const TAB = 0x09, LF = 0x0a, BACKSLASH = 0x5c;
const CHUNK_BYTES = 64 * 1024;

export interface EncodedPart {
  /** All of the part; asked for again in each iteration, so that a released part is noticed. */
  readonly bytes: () => Uint8Array;
  readonly encoding: RowEncoding;
  readonly fields: number;
  /** Nobody has counted the fields of these records: they are passed on as a dump's COPY has them. */
  readonly isUncounted?: boolean;
  /** What was left out of the bytes already. */
  readonly leftOut: readonly Rejection[];
  readonly source: string;
  readonly table: string;
}

/** Bytes [start, end) that are left out. */
interface Hole {
  readonly start: number;
  readonly end: number;
}

export function carefulText(part: EncodedPart): CarefulPart {
  const { holes, leftOut } = unfitRecords(part);
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const bytes = part.bytes();
    let at = 0;
    for (const hole of [...holes, { start: bytes.length, end: bytes.length }]) {
      const fit = bytes.subarray(at, hole.start);
      yield* part.encoding.kind === 'csv' ? csvToCopyText(fit, part.fields) : slices(fit, CHUNK_BYTES);
      at = hole.end;
    }
  }
  return { chunks: { [Symbol.asyncIterator]: chunks }, leftOut };
}

function unfitRecords(part: EncodedPart): { holes: Hole[]; leftOut: Rejection[] } {
  const bytes = part.bytes();
  const text = isUtf8(bytes) && !bytes.includes(0);
  const holes: Hole[] = [];
  if (text && part.isUncounted !== true) return { holes, leftOut: [...part.leftOut] };
  const found: Rejection[] = [];
  // Between the records that were left out before, this one is the `record`th.
  let record = 0;
  let next = 0;
  for (const [start, end] of part.encoding.kind === 'csv' ? csvRecords(bytes) : copyTextRecords(bytes)) {
    record++;
    while (next < part.leftOut.length && part.leftOut[next].record === record) {
      record++;
      next++;
    }
    const problem = text ? fieldProblem(part, bytes, start, end) : textProblem(part, bytes.subarray(start, end)) ?? fieldProblem(part, bytes, start, end);
    if (problem === undefined) continue;
    holes.push({ start, end });
    found.push({ record, ...problem });
  }
  return { holes, leftOut: found.length === 0 ? [...part.leftOut] : [...part.leftOut, ...found].toSorted((a, b) => a.record - b.record) };
}

function textProblem({ source, table }: EncodedPart, record: Uint8Array): RecordProblem | undefined {
  if (record.includes(0)) return problemOf('NUL_BYTE', { source, target: table });
  return isUtf8(record) ? undefined : problemOf('ENCODING_INVALID', { source, encoding: 'utf-8' });
}

function fieldProblem({ isUncounted, fields, source }: EncodedPart, bytes: Uint8Array, start: number, end: number): RecordProblem | undefined {
  if (isUncounted !== true || fields === 0) return undefined;
  let found = 1;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === TAB) found++;
    else if (byte === BACKSLASH) i++;
  }
  return found === fields ? undefined : problemOf('SQL_MALFORMED', { source, reason: `a line of COPY has ${found} fields, and ${fields} were expected` });
}

function* copyTextRecords(bytes: Uint8Array): Generator<readonly [number, number], void, undefined> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start) + 1;
    yield [start, end === 0 ? bytes.length : end];
    start = end === 0 ? bytes.length : end;
  }
}

function* csvRecords(bytes: Uint8Array): Generator<readonly [number, number], void, undefined> {
  const parser = new RecordParser(dialectBytes({ ...CANONICAL_CSV, charset: 'utf-8' }));
  for (let start = 0; start < bytes.length;) {
    const end = parser.parse(bytes, start, bytes.length, true);
    yield [start, end];
    start = end;
  }
}

/** Whole records of canonical CSV as copy-text, in pieces valid until the next pull. */
function* csvToCopyText(bytes: Uint8Array, fields: number): Generator<Uint8Array, void, undefined> {
  const parser = new RecordParser(dialectBytes({ ...CANONICAL_CSV, charset: 'utf-8' }));
  const builder = new CopyTextBuilder(2 * CHUNK_BYTES);
  let scratch = Buffer.alloc(4096);
  for (let at = 0; at < bytes.length;) {
    at = parser.parse(bytes, at, bytes.length, true);
    for (let i = 0; i < fields; i++) {
      if (i > 0) builder.endField();
      // An empty line is the NULL of a single field.
      if (parser.count === 0 || parser.isNull(i, bytes)) {
        builder.appendNull();
      } else if (parser.kinds[i] <= QUOTED) {
        builder.appendText(bytes, parser.starts[i], parser.ends[i]);
      } else {
        const room = parser.ends[i] - parser.starts[i];
        if (room > scratch.length) scratch = Buffer.alloc(room * 2);
        builder.appendText(scratch, 0, parser.copyText(i, bytes, scratch, 0));
      }
    }
    builder.endRecord();
    if (builder.length < CHUNK_BYTES) continue;
    yield builder.view();
    builder.reset();
  }
  if (builder.length > 0) yield builder.view();
}
