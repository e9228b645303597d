/** Records written in the form of their source: text in its character set, CSV records in its dialect, JSON objects on one line. */
import { SluiceError } from '../../errors/sluice-error.ts';
import type { ReplaySource } from '../../quarantine/replay-recipe.ts';

export type Dialect = NonNullable<ReplaySource['csv']>;

export const CANONICAL_DIALECT: Dialect = { delimiter: ',', quote: '"', escape: '"', nullText: '' };

/** @throws SluiceError REPLAY_IMPOSSIBLE for a character that the set does not have */
export function encodeText(text: string, charset: string, table: string): Uint8Array {
  if (charset === 'utf-8') return Buffer.from(text);
  if (charset === 'utf-16le') return Buffer.from(text, 'utf16le');
  if (charset === 'utf-16be') return Buffer.from(text, 'utf16le').swap16();
  const bytes = byteTable(charset);
  return Uint8Array.from(text, (character) => {
    const byte = bytes.get(character);
    if (byte === undefined) throw new SluiceError('REPLAY_IMPOSSIBLE', { table, reason: `"${character}" cannot be written in ${charset}` }, { table });
    return byte;
  });
}

const byteTables = new Map<string, ReadonlyMap<string, number>>();

function byteTable(charset: string): ReadonlyMap<string, number> {
  const known = byteTables.get(charset);
  if (known !== undefined) return known;
  const all = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));
  const text = charset === 'latin1' ? all.toString('latin1') : new TextDecoder(charset).decode(all);
  const table = new Map(Array.from(text, (character, byte) => [character, byte]));
  byteTables.set(charset, table);
  return table;
}

/** One record without its line end; every value in quotes, so that no value is taken for NULL. @throws SluiceError REPLAY_IMPOSSIBLE without quotes, for what needs them */
export function csvRecord(values: readonly (string | null)[], { delimiter, quote, escape, nullText }: Dialect, table: string): string {
  return values.map((value) => {
    if (value === null) return nullText;
    if (quote !== '') return quote + value.replaceAll(quote, escape + quote) + quote;
    if (value === nullText || /[\r\n]/.test(value) || (delimiter !== '' && value.includes(delimiter))) {
      throw new SluiceError('REPLAY_IMPOSSIBLE', { table, reason: 'a value needs quotes, and the source has none' }, { table });
    }
    return value;
  }).join(delimiter);
}

const LF = 0x0a, CR = 0x0d, BLANK = 0x20;

/** A JSON record on one line, in UTF-8. Line ends in JSON text can only be between tokens, where a blank does as well. */
export function jsonLine(raw: Buffer, charset: string): Buffer {
  const bytes = charset === 'utf-8' ? Buffer.from(raw) : Buffer.from(charset === 'latin1' ? raw.toString('latin1') : new TextDecoder(charset).decode(raw));
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === LF || bytes[i] === CR) bytes[i] = BLANK;
  return bytes;
}

/**
 * The text of a JSON object with some members set to these texts; all others stay as they are written. A member that was a number, a boolean, an object or an
 * array stays one if its new text is one; everything else becomes a string. Undefined when the text is no object.
 */
export function withMembers(text: string, set: ReadonlyMap<string, string | null>): string | undefined {
  const kept: string[] = [];
  const wasText = new Map<string, boolean>();
  const members = membersOf(text);
  if (members === undefined) return undefined;
  for (const { key, value } of members) {
    if (set.has(key)) wasText.set(key, value.startsWith('"') || value === 'null');
    else kept.push(`${JSON.stringify(key)}:${value}`);
  }
  for (const [key, value] of set) kept.push(`${JSON.stringify(key)}:${value === null ? 'null' : wasText.get(key) === false && isOtherJson(value) ? value : JSON.stringify(value)}`);
  return `{${kept.join(',')}}`;
}

function isOtherJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) !== 'string';
  } catch {
    return false;
  }
}

/** The members of an object with their values as written. */
function membersOf(text: string): { key: string; value: string }[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  } catch {
    return undefined;
  }
  // It is valid: what is left is to find where the members of the outermost object begin and end.
  const members: { key: string; value: string }[] = [];
  let depth = 0;
  let start = 0;
  let colon = -1;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (character === '{' || character === '[') {
      if (depth++ === 0) start = i + 1;
    } else if (character === ':' && depth === 1) colon = i;
    else if (character === '}' || character === ']' || character === ',') {
      if (depth === 1 && (character === ',' || character === '}') && colon >= 0) {
        members.push({ key: JSON.parse(text.slice(start, colon)) as string, value: text.slice(colon + 1, i).trim() });
        start = i + 1;
        colon = -1;
      }
      if (character !== ',') depth--;
    }
  }
  return members;
}
