/** The fields of a row as it stands in a COPY stream, for people to see: never for anything that is stored. */
import type { TableEntry } from '../repository/entry-list.ts';

const TAB = 0x09, BACKSLASH = 0x5c;
const NULL_TEXT = Buffer.from('\\N');
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Null is NULL; undefined: beyond what was kept of the row. */
export type Field = Uint8Array | null | undefined;

/**
 * The fields at these positions, in their order in the row, as one text that no other fields give. Makes nothing but that text: it is for every row of a table. Undefined when one of them was cut off.
 * @param positions ascending
 */
export function keyOf(row: Uint8Array, encoding: TableEntry['encoding'], positions: readonly number[]): string | undefined {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.length);
  const isText = encoding === 'copy-text';
  let key = '', at = isText ? 0 : 2;
  for (let field = 0, wanted = 0; wanted < positions.length; field++) {
    if (at > bytes.length || (!isText && at + 4 > bytes.length)) return undefined;
    const start = isText ? at : at + 4;
    const end = isText ? tabOrEnd(bytes, at) : start + Math.max(0, bytes.readInt32BE(at));
    if (end > bytes.length) return undefined;
    if (field === positions[wanted]) {
      key += `${end - start}:${bytes.toString('latin1', start, end)}`;
      wanted++;
    }
    at = isText ? end + 1 : end;
  }
  return key;
}

function tabOrEnd(bytes: Buffer, at: number): number {
  const tab = bytes.indexOf(TAB, at);
  return tab < 0 ? bytes.length : tab;
}

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
