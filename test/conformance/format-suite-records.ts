/** Documents in which good and bad records are mixed, and what each format must make of them; for format-suite-ladder.ts. */
import type { ErrorCode } from '../../src/errors/error-codes.ts';
import type { FormatName, ReadOptions } from '../../src/formats/format.ts';

export const MAX_RECORD_BYTES = 2_000;

export interface Sample {
  readonly raw: Buffer;
  /** Undefined: the record is good, and these are its fields. */
  readonly code?: ErrorCode;
  readonly row: readonly (string | null)[];
}

export interface RecordFormat {
  readonly name: FormatName;
  readonly options: ReadOptions;
  readonly head: string;
  readonly tail: string;
  readonly separators: readonly string[];
  readonly good: (id: number, name: string | null) => string;
  readonly bad: readonly (readonly [ErrorCode, string])[];
  /** The first record says what the document is. */
  readonly goodFirst: boolean;
}

const csvText = (text: string | null): string => (text === null ? '' : `"${text.replaceAll('"', '""')}"`);
const LONG = 'x'.repeat(MAX_RECORD_BYTES + 1);
const jsonRecord = (id: number, name: string | null): string => JSON.stringify({ id, name });

/** In latin1, so that any byte can be written. */
const BAD_JSON: RecordFormat['bad'] = [
  ['JSON_NOT_RECORDS', '5'], ['JSON_NOT_RECORDS', 'null'], ['JSON_NOT_RECORDS', '"}, {"'], ['JSON_NOT_RECORDS', '[{"id":1}]'],
  ['NUL_BYTE', String.raw`{"id":1,"name":"a\u0000b"}`],
  ['ENCODING_INVALID', '{"id":1,"name":"a\xff}"}'], ['ENCODING_INVALID', '{"id":1,"name":"\xe2\x82"}'], ['ENCODING_INVALID', String.raw`{"name":"\ud800","id":[{}]}`],
];

export const RECORD_FORMATS: readonly RecordFormat[] = [
  {
    name: 'csv', options: { charset: 'utf-8', csv: { delimiter: ',', quote: '"', escape: '"', header: true } },
    head: 'id,name\n', tail: '\n', separators: ['\n'], good: (id, name) => `${id},${csvText(name)}`, goodFirst: false,
    bad: [
      ['CSV_FIELD_COUNT', '7'], ['CSV_FIELD_COUNT', '7,x,y'], ['CSV_FIELD_COUNT', '7,"x\n\ny",z'], ['ENCODING_INVALID', '7,\xff'], ['ENCODING_INVALID', '"\xe2\x82",'], ['NUL_BYTE', '7,a\0b'],
      ['CSV_MALFORMED', '7,"x"y'], ['CSV_MALFORMED', '"7"z,"q\nr"'], ['CSV_MALFORMED', '7,"a" "b"'],
      ['RECORD_TOO_LARGE', `7,${LONG}`], ['RECORD_TOO_LARGE', `7,"${LONG}\n${LONG}"`], ['RECORD_TOO_LARGE', `${LONG}${LONG},,"`.slice(0, -1)],
    ],
  },
  {
    name: 'json', options: {}, head: '[\n', tail: ']', separators: [',', ',\n', ' ,\n\n  '], good: jsonRecord, goodFirst: true, bad: BAD_JSON,
  },
  {
    name: 'ndjson', options: {}, head: '', tail: '\n', separators: ['\n', '\r\n', '\n\n'], good: jsonRecord, goodFirst: false,
    bad: [
      ...BAD_JSON,
      ['JSON_MALFORMED', '{"id":1'], ['JSON_MALFORMED', '{"id":1} x'], ['JSON_MALFORMED', '{"id":1}{"id":2}'], ['JSON_MALFORMED', 'nonsense'], ['JSON_MALFORMED', '{"id":}'], ['JSON_MALFORMED', '{"name":"open}'], ['JSON_MALFORMED', '5 6'],
      ['RECORD_TOO_LARGE', `{"id":1,"name":"${LONG}"}`], ['RECORD_TOO_LARGE', `{"id":1,"name":"${LONG}${LONG}`],
    ],
  },
  {
    name: 'sql', options: {}, head: 'CREATE TABLE t (id integer, name text);\nINSERT INTO t (id, name) VALUES\n', tail: ';\n', separators: [',\n', ', '], goodFirst: false,
    good: (id, name) => `(${id}, ${name === null ? 'NULL' : `'${name.replaceAll("'", "''")}'`})`,
    bad: [['SQL_MALFORMED', '(1)'], ['SQL_MALFORMED', "(1, 'a', 2)"], ['SQL_MALFORMED', "(1, 'a\n\nb', ')')"]],
  },
];

export interface Document {
  readonly bytes: Buffer;
  /** By record: [start, end) of its bytes, and the line it begins in. */
  readonly spans: readonly { readonly start: number; readonly end: number; readonly line: number }[];
}

export function documentOf(format: RecordFormat, samples: readonly Sample[], separator: string): Document {
  const pieces: Buffer[] = [Buffer.from(format.head)];
  const spans: { start: number; end: number; line: number }[] = [];
  let at = pieces[0].length;
  let line = 1 + lineEnds(pieces[0]);
  const add = (piece: Buffer): void => {
    pieces.push(piece);
    at += piece.length;
    line += lineEnds(piece);
  };
  for (const [index, { raw }] of samples.entries()) {
    if (index > 0) add(Buffer.from(separator));
    spans.push({ start: at, end: at + raw.length, line });
    add(raw);
  }
  add(Buffer.from(format.tail));
  return { bytes: Buffer.concat(pieces), spans };
}

function lineEnds(bytes: Buffer): number {
  return bytes.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
}

export function goodSample(format: RecordFormat, id: number, name: string | null): Sample {
  return { raw: Buffer.from(format.good(id, name)), row: [String(id), name] };
}

export function badSample(format: RecordFormat, kind: number): Sample {
  const [code, raw] = format.bad[kind % format.bad.length];
  return { raw: Buffer.from(raw, 'latin1'), code, row: [] };
}
