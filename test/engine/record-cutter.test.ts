import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordCutter, type CutPart } from '../../src/engine/record-cutter.ts';

function cut(bytes: Uint8Array, chunkBytes: number, partBytes: number, quote: string | undefined): { texts: string[]; records: number[] } {
  const cutter = new RecordCutter(partBytes, quote);
  const texts: string[] = [];
  const records: number[] = [];
  const take = (part: CutPart | undefined): void => {
    if (part === undefined) return;
    texts.push(Buffer.from(part.bytes).toString());
    records.push(part.records);
    cutter.recycle(part);
  };
  for (let at = 0; at < bytes.length; at += chunkBytes) for (const part of cutter.add(bytes.subarray(at, at + chunkBytes))) take(part);
  take(cutter.end());
  return { texts, records };
}

const field = fc.string({ unit: fc.constantFrom('a', 'é', ',', '\n', '"', '\t', '') });
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

test('CSV: nothing is lost, every part is whole records, counts are right, wherever the bytes are cut', () => {
  fc.assert(fc.property(fc.array(fc.array(field, { minLength: 1, maxLength: 3 }), { maxLength: 30 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 60 }), (rows, chunkBytes, partBytes) => {
    const lines = rows.map((row) => `${row.map(quoted).join(',')}\n`);
    const { texts, records } = cut(Buffer.from(lines.join('')), chunkBytes, partBytes, '"');
    expect(texts.join('')).toBe(lines.join(''));
    let at = 0;
    for (const [i, text] of texts.entries()) {
      expect(lines.slice(at, at + records[i]).join('')).toBe(text);
      at += records[i];
    }
    expect(at).toBe(lines.length);
    // The parts are the same wherever the bytes are cut.
    expect(cut(Buffer.from(lines.join('')), 1000, partBytes, '"')).toEqual({ texts, records });
  }));
});

test('text without quoting: a quote is a byte like others', () => {
  const { texts, records } = cut(Buffer.from('a"\nb\nc"\n'), 3, 1, undefined);
  expect(texts.join('')).toBe('a"\nb\nc"\n');
  expect(records.reduce((a, b) => a + b, 0)).toBe(3);
});

test('a record larger than a part stays whole', () => {
  const long = `${'x'.repeat(1000)}\n`;
  const { texts } = cut(Buffer.from(`a\n${long}b\n`), 16, 32, undefined);
  expect(texts.some((text) => text.includes(long))).toBe(true);
  expect(texts.join('')).toBe(`a\n${long}b\n`);
});
