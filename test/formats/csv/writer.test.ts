import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvFormat } from '../../../src/formats/csv/csv-format.ts';
import type { WriteOptions } from '../../../src/formats/format.ts';
import { CopyTextBuilder } from '../../../src/rows/copy-text-builder.ts';
import type { PartStream } from '../../../src/rows/part.ts';
import { CANONICAL_CSV, COPY_TEXT, type RowEncoding } from '../../../src/rows/row-encoding.ts';
import type { TableSchema } from '../../../src/rows/table-schema.ts';
import { memorySink } from '../../helpers/memory-sink.ts';
import { memorySource } from '../../helpers/memory-source.ts';
import { errorOf } from '../../helpers/read-format.ts';
import { rowsOf, type Row } from './csv-rows.ts';

function tableOf(...columns: string[]): TableSchema {
  return { name: 't', columns: columns.map((name) => ({ name, type: { kind: 'text' }, nullable: true })), primaryKey: [], indexes: [] };
}

function partOf(content: string | Uint8Array, encoding: RowEncoding, cut = 7): PartStream {
  const bytes = Buffer.from(content);
  const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) => bytes.subarray(i * cut, (i + 1) * cut));
  return {
    part: { index: 0, interval: { kind: 'whole' } }, encoding,
    chunks: (async function* () { yield* chunks; })(),
    counts: () => ({ read: 0, skipped: 0, bytes: bytes.length }),
  };
}

async function write(table: TableSchema, parts: readonly PartStream[], csv: NonNullable<WriteOptions['csv']> = {}): Promise<{ text: string; rows: number[]; state: string }> {
  const sink = memorySink();
  const writer = csvFormat.openWriter(sink, { csv, multipleTables: false });
  await writer.beginTable(table);
  const rows: number[] = [];
  for (const part of parts) {
    let first = true;
    for await (const chunk of writer.encodePart(table, part, (count) => rows.push(count))) {
      await writer.writeEncoded(chunk, first);
      first = false;
    }
  }
  await writer.endTable();
  await writer.finish();
  return { text: sink.text, rows, state: sink.state };
}

describe('the CSV writer', () => {
  test('passes its own dialect as it is, and counts the rows', async () => {
    const { text, rows, state } = await write(tableOf('a', 'b c', 'd"e'), [partOf('1,"x\ny",\n2,,""\n', CANONICAL_CSV), partOf('3,"a,""b""",z', CANONICAL_CSV)]);
    expect(text).toBe('a,b c,"d""e"\n1,"x\ny",\n2,,""\n3,"a,""b""",z\n');
    expect([rows, state]).toEqual([[2, 1], 'finished']);
  });

  test('makes CSV of copy-text', async () => {
    const { text, rows } = await write(tableOf('a', 'b'), [partOf('1\t\\N\n\t\\\\N\nx,y\tq"r\nl\\ni\\tn\\\\e\t\\\\.\n', COPY_TEXT, 1)]);
    expect(text).toBe('a,b\n1,\n"",\\N\n"x,y","q""r"\n"l\ni\tn\\e",\\.\n');
    expect(rows).toEqual([4]);
  });

  test('makes its dialect of another', async () => {
    const other: RowEncoding = { kind: 'csv', delimiter: ';', quote: "'", escape: '\\', nullText: 'NA', charset: 'latin1' };
    const { text, rows } = await write(tableOf('a', 'b'), [partOf(Buffer.from("NA;'x;\\'y'\r\n\xe9;1,5\r\n", 'latin1'), other, 1)]);
    expect(text).toBe('a,b\n,x;\'y\né,"1,5"\n');
    expect(rows).toEqual([2]);
  });

  test('writes tabs, and no header, when told so', async () => {
    expect((await write(tableOf('a', 'b'), [partOf('1,"x\ty"\n', CANONICAL_CSV)], { delimiter: '\t', header: false })).text).toBe('1\t"x\ty"\n');
    expect((await write(tableOf('a', 'b'), [partOf('1\t2\n', COPY_TEXT)], { delimiter: 'tab' })).text).toBe('a\tb\n1\t2\n');
  });

  test('counts empty lines of one column, which are NULL', async () => {
    expect((await write(tableOf('a'), [partOf('x\n\n""\n', CANONICAL_CSV)])).rows).toEqual([3]);
  });

  test('refuses delimiters that it cannot write, and encodings that it does not take', async () => {
    const open = async (delimiter: string): Promise<unknown> => csvFormat.openWriter(memorySink(), { csv: { delimiter }, multipleTables: false });
    expect(await errorOf(open('::'))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
    expect(await errorOf(open('\n'))).toMatchObject({ code: 'OPTION_UNSUPPORTED' });
    expect(await errorOf(write(tableOf('a'), [partOf('', { kind: 'file' })]))).toMatchObject({ code: 'INTERNAL' });
    expect(csvFormat.openWriter(memorySink(), { multipleTables: false }).accepts(tableOf('a'))).toEqual(['csv', 'copy-text']);
  });

  test('aborts its sink', async () => {
    const sink = memorySink();
    await csvFormat.openWriter(sink, { multipleTables: false }).abort();
    expect(sink.state).toBe('aborted');
  });
});

test('what is written is read again as it was', async () => {
  const value = fc.option(fc.array(fc.constantFrom('a', '"', ',', '\t', '\n', '\r', '\\', '.', ' ', 'é', '\\N'), { maxLength: 6 }).map((parts) => parts.join('')), { nil: null });
  const table = fc.integer({ min: 1, max: 3 }).chain((columns) => fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 10 }));
  await fc.assert(fc.asyncProperty(table, fc.constantFrom(',', '\t', ';'), fc.integer({ min: 1, max: 40 }), async (rows: Row[], delimiter, cut) => {
    const builder = new CopyTextBuilder();
    for (const row of rows) {
      for (const [i, text] of row.entries()) {
        if (i > 0) builder.endField();
        if (text === null) builder.appendNull();
        else builder.appendText(Buffer.from(text), 0, Buffer.byteLength(text));
      }
      builder.endRecord();
    }
    const written = await write(tableOf(...rows[0].map((_, i) => `c${i}`)), [partOf(builder.view(), COPY_TEXT, cut)], { delimiter });
    const options = { csv: { delimiter: rows[0].length === 1 ? '' : delimiter, quote: '"', escape: '"', header: true } };
    expect((await rowsOf(memorySource(written.text), { options })).rows).toEqual(rows);
    expect(written.rows).toEqual([rows.length]);
  }), { numRuns: 200 });
});
