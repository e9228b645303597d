import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableBinding } from '../../../src/formats/format.ts';
import { jsonFormat } from '../../../src/formats/json/json-format.ts';
import { ndjsonFormat } from '../../../src/formats/ndjson/ndjson-format.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { inspect, readAll } from '../../helpers/read-format.ts';

const KEYS = ['id', 'a much longer key than the others', 'é"\\', 'c', ''];

const text = fc.string({ unit: fc.oneof(fc.constantFrom('a', 'b', '"', '\\', '\n', '\t', '\u0001', '\b', 'é', '€', '𝄞', ' '), fc.string({ minLength: 1, maxLength: 1 })), maxLength: 40 })
  .map((string) => string.toWellFormed().replaceAll('\0', ''));
const number = fc.oneof(fc.integer().map(String), fc.bigInt().map(String), fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)), fc.constantFrom('-0', '1E+5', '0.10', '12e-3'));

/** A JSON value as its text, and the text of the field that must become of it. */
const scalar = fc.oneof(
  text.map((value) => ({ json: JSON.stringify(value), field: value as string | null })),
  number.map((value) => ({ json: value, field: value as string | null })),
  fc.constantFrom({ json: 'true', field: 'true' }, { json: 'false', field: 'false' }, { json: 'null', field: null }),
);
const nested = fc.json({ maxDepth: 4 }).map((json) => json.trim()).filter((json) => json.startsWith('{') || json.startsWith('['))
  .map((json) => ({ json, field: json as string | null }));
const record = fc.array(fc.tuple(fc.constantFrom(...KEYS), fc.oneof({ weight: 4, arbitrary: scalar }, { weight: 1, arbitrary: nested })), { maxLength: 8 });
const blank = fc.constantFrom('', '', '', ' ', '\n', '\r\n  ', '\t');

type Member = [string, { json: string; field: string | null }];

const write = (members: Member[], space: string): string => `{${space}${members.map(([key, { json }]) => `${JSON.stringify(key)}${space}:${space}${json}`).join(`${space},${space}`)}${space}}`;
const expected = (members: Member[]): (string | null)[] => KEYS.map((key) => members.findLast(([name]) => name === key)?.[1].field ?? null);

/** An independent reading of copy-text. */
function decode(encoded: string): (string | null)[][] {
  const letters: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  return encoded.split('\n').slice(0, -1).map((line) => line.split('\t').map((field) => (field === '\\N' ? null : field.replaceAll(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter))));
}

const bind = (): Partial<TableBinding> => ({ fields: KEYS.map((source) => ({ source, type: { kind: 'text' }, arrays: 'postgres' })) });

describe('transcoding', () => {
  it('keeps every value of every record, whatever the spaces, the chunks and the parts', async () => {
    await fc.assert(fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 12 }), blank, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 300 }), async (records, space, chunkBytes, partBytes) => {
      const document = `${space}[${space}${records.map((members) => write(members, space)).join(`${space},${space}`)}${space}]${space}`;
      JSON.parse(document);
      const inspected = await inspect(jsonFormat, memorySource(document, { chunkBytes }));
      const { text: encoded, rows } = (await readAll(jsonFormat, inspected, { bind, partBytes })).get('stem')!;
      expect(decode(encoded)).toEqual(records.map(expected));
      expect(rows).toBe(records.length);
    }), { numRuns: 300 });
  });

  it('does the same for lines', async () => {
    await fc.assert(fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 60 }), async (records, chunkBytes) => {
      const document = records.map((members) => `${write(members, ' ')}\r\n`).join('\n');
      const inspected = await inspect(ndjsonFormat, memorySource(document, { chunkBytes }));
      const { text: encoded } = (await readAll(ndjsonFormat, inspected, { bind, partBytes: 50 })).get('stem')!;
      expect(decode(encoded)).toEqual(records.map(expected));
    }), { numRuns: 100 });
  });

  it('agrees with JSON.parse about what is JSON, after any one byte was changed', async () => {
    const documents = fc.array(record, { minLength: 1, maxLength: 3 }).map((records) => `[${records.map((members) => write(members, '')).join(',')}]`);
    await fc.assert(fc.asyncProperty(documents, fc.nat(), fc.constantFrom(...Array.from('{}[]",:\\0-.eu \n\u0001x')), async (document, at, byte) => {
      const bytes = Buffer.from(document);
      bytes[at % bytes.length] = byte.charCodeAt(0);
      const changed = bytes.toString();
      fc.pre(!changed.includes('\uFFFD'));
      let valid = true;
      try {
        JSON.parse(changed);
      } catch {
        valid = false;
      }
      let code = 'read';
      try {
        const inspected = await inspect(jsonFormat, memorySource(bytes, { chunkBytes: 10 }));
        await readAll(jsonFormat, inspected);
      } catch (error) {
        ({ code } = error as { code: string });
      }
      if (valid) expect(['read', 'JSON_NOT_RECORDS', 'ENCODING_INVALID', 'NUL_BYTE']).toContain(code);
      else expect(code).toBe('JSON_MALFORMED');
    }), { numRuns: 500 });
  });
});
