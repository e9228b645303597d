import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyTextBuilder } from '../../src/rows/copy-text-builder.ts';
import { copyTextBlocks, CopyTextFields } from '../../src/rows/copy-text-reader.ts';

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    chunk.fill(0x0a); // a consumer that keeps a chunk too long finds false line ends
    chunk.set(part);
    yield chunk.subarray(0, part.length);
  }
}

async function decode(bytes: Uint8Array, columns: number, chunkBytes: number): Promise<(string | null)[][]> {
  const fields = new CopyTextFields(columns);
  const scratch = new Uint8Array(10_000);
  const records: (string | null)[][] = [];
  for await (const block of copyTextBlocks(cut(bytes, chunkBytes))) {
    for (let at = 0; at < block.length;) {
      at = fields.next(block, at);
      records.push(Array.from({ length: columns }, (_, k) => (fields.isNull(k) ? null : Buffer.from(scratch.subarray(0, fields.copyUnescaped(k, scratch, 0))).toString())));
    }
  }
  return records;
}

describe('copy-text', () => {
  it('comes back as it was built, wherever it is cut', async () => {
    const value = fc.option(fc.string({ unit: fc.constantFrom('a', 'N', '\\', '\t', '\n', '\r', '\b', '\f', '\v', 'é', '𝄞', ' '), maxLength: 12 }));
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }).chain((columns) => fc.array(fc.array(value, { minLength: columns, maxLength: columns }))), fc.integer({ min: 1, max: 30 }), async (records, chunkBytes) => {
      const builder = new CopyTextBuilder(4);
      for (const record of records) {
        record.forEach((text, k) => {
          if (k > 0) builder.endField();
          if (text === null) builder.appendNull();
          else builder.appendText(Buffer.from(text), 0, Buffer.byteLength(text));
        });
        builder.endRecord();
      }
      expect(await decode(builder.view(), records[0]?.length ?? 1, chunkBytes)).toEqual(records);
      expect(builder.records).toBe(records.length);
    }));
  });

  it('gives blocks of whole records without copying what is whole', async () => {
    const bytes = Buffer.from('a\tb\nc\td\ne');
    const blocks: string[] = [];
    for await (const block of copyTextBlocks(cut(bytes, 6))) blocks.push(Buffer.from(block).toString());
    expect(blocks).toEqual(['a\tb\n', 'c\td\n', 'e\n']);
  });

  it('knows NULL from text that looks like it, and which fields have escapes', () => {
    const fields = new CopyTextFields(4);
    const block = Buffer.from('\\N\t\\\\N\tN\t\n');
    expect(fields.next(block, 0)).toBe(block.length);
    expect([0, 1, 2, 3].map((k) => fields.isNull(k))).toEqual([true, false, false, false]);
    expect([...fields.escaped]).toEqual([1, 1, 0, 0]);
  });

  it('refuses records with more or fewer fields', () => {
    expect(() => new CopyTextFields(2).next(Buffer.from('a\n'), 0)).toThrow(/1 fields or more, and 2/);
    expect(() => new CopyTextFields(1).next(Buffer.from('a\tb\n'), 0)).toThrow(/2 fields or more, and 1/);
    expect(() => new CopyTextFields(2).next(Buffer.from('a\\\n'), 0)).toThrow(/and 2 were expected/);
  });

  it('reads records without columns', async () => {
    expect(await decode(Buffer.from('\n\n'), 0, 1)).toEqual([[], []]);
  });
});
