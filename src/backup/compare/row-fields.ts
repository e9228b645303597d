/** The fields of a row as it stands in a COPY stream, for people to see: never for anything that is stored. */
import type { TableEntry } from '../repository/entry-list.ts';

const TAB = 0x09, BACKSLASH = 0x5c;
const NULL_TEXT = Buffer.from('\\N');
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Null is NULL; undefined: beyond what was kept of the row. */
export type Field = Uint8Array | null | undefined;

/** @param isCut the row is longer than these bytes */
export function fieldsOf(row: Uint8Array, encoding: TableEntry['encoding'], columns: number, isCut: boolean): Field[] {
  const fields = encoding === 'copy-text' ? textFields(row, columns) : binaryFields(Buffer.from(row.buffer, row.byteOffset, row.length));
  // The last one may go on behind what was kept.
  if (isCut && encoding === 'copy-text') fields.pop();
  while (fields.length < columns) fields.push(undefined);
  return fields;
}

function textFields(row: Uint8Array, columns: number): Field[] {
  const fields: Field[] = [];
  if (columns === 0) return fields;
  // A tab in a value is written as an escape.
  for (let start = 0; ;) {
    const tab = row.indexOf(TAB, start);
    const field = row.subarray(start, tab < 0 ? row.length : tab);
    fields.push(NULL_TEXT.equals(field) ? null : field);
    if (tab < 0) return fields;
    start = tab + 1;
  }
}

function binaryFields(row: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 2; at + 4 <= row.length;) {
    const length = row.readInt32BE(at);
    at += 4;
    if (length < 0) {
      fields.push(null);
      continue;
    }
    if (at + length > row.length) break;
    fields.push(row.subarray(at, at + length));
    at += length;
  }
  return fields;
}

/** A field of COPY's text format without its escapes. */
export function unescapedText(field: Uint8Array): string {
  const text = Buffer.from(field).toString();
  return field.includes(BACKSLASH) ? text.replace(/\\([\s\S])/g, (_, letter: string) => ESCAPES[letter] ?? letter) : text;
}
