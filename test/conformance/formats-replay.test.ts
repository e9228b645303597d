/** What the mixed documents of the ladder's suite do not show: Parquet, other character sets, compressed files, COPY blocks, quotes that stay open. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { InspectedSource } from '../../src/formats/format.ts';
import { loadFormat } from '../../src/formats/registry.ts';
import { openSink } from '../../src/io/open-sink.ts';
import { openSources } from '../../src/io/open-sources.ts';
import { CANONICAL_CSV, COPY_TEXT } from '../../src/rows/row-encoding.ts';
import { memorySource } from '../helpers/memory-source.ts';
import { copyTextPart, never, parseCopyText, temporaryFolder, type Row } from './database-under-test.ts';
import { readEverything, type Reading } from './format-suite-ladder.ts';

const CSV = { delimiter: ',', quote: '"', escape: '"', header: true };

async function readCsv(bytes: Buffer, charset: string, repeatable = true): Promise<Reading> {
  const format = await loadFormat('csv');
  const inspected = await format.inspect(memorySource('id,name\n1,a\n2,b\n', { name: 'a.csv' }), { csv: CSV, charset: 'utf-8' }, 'sample', never);
  const details = { ...inspected.details, charset, ...(charset.startsWith('utf-16') ? { bomBytes: 0 } : {}) };
  return readEverything(format, { ...inspected, details, source: memorySource(bytes, { name: 'a.csv', repeatable, chunkBytes: 5 }) }, {}, COPY_TEXT);
}

const rows = (reading: Reading): Row[] => parseCopyText(reading.careful);

describe('parquet', () => {
  const folder = temporaryFolder();

  it('can be read again and carefully, in any encoding, and places are rows', async () => {
    const format = await loadFormat('parquet');
    const path = join(folder, 'rows.parquet');
    const schema = { name: { name: 'rows' }, columns: [{ name: 'id', type: { kind: 'integer', bits: 32 }, nullable: true }, { name: 'name', type: { kind: 'text' }, nullable: true }] } as const;
    const values = Array.from({ length: 500 }, (_, id): Row => [String(id), id % 5 === 0 ? null : id % 5 === 1 ? '' : `tab\t"quote" ${id}\n`]);
    const sink = await openSink(path, { compression: 'none', overwrite: true, run: 'replay' });
    const writer = format.openWriter(sink, { multipleTables: false, engineMemoryBytes: 256 * 1024 * 1024 });
    await writer.beginTable(schema as never);
    let first = true;
    for await (const chunk of writer.encodePart(schema as never, copyTextPart(0, values), () => undefined)) {
      await writer.writeEncoded(chunk, first);
      first = false;
    }
    await writer.endTable();
    await writer.finish();
    await sink.publish();
    const [source] = (await openSources([path]))[0].sources;
    const inspected = await format.inspect(source, {}, 'sample', never);
    for (const encoding of [COPY_TEXT, CANONICAL_CSV, 'offered'] as const) {
      const reading = await readEverything(format, inspected, { partBytes: 2_000, engineMemoryBytes: 256 * 1024 * 1024 }, encoding);
      expect(rows(reading)).toEqual(values);
      expect(reading.parts).toBeGreaterThan(2);
      expect(reading.read).toBe(500);
      expect(reading.carefully).toEqual([]);
      expect(reading.places.map(({ row }) => row)).toEqual(values.map((_, i) => i + 1));
      expect(reading.places[0]).toEqual({ file: path, row: 1 });
    }
    await source.close();
  });
});

describe('csv', () => {
  it('of one byte a character becomes UTF-8; a byte without meaning is the trouble of its record', async () => {
    const reading = await readCsv(Buffer.from('id,name\n1,\xe9\n2,\x81\n3,\x80\n', 'latin1'), 'windows-1252');
    expect(rows(reading)).toEqual([['1', 'é'], ['3', '€']]);
    expect(reading.carefully).toMatchObject([{ record: 2, code: 'ENCODING_INVALID' }]);
  });

  it('in UTF-16 has no places in bytes', async () => {
    for (const repeatable of [true, false]) {
      const reading = await readCsv(Buffer.from('id,name\n1,é\n2\n3,"x\ny"\n', 'utf16le'), 'utf-16le', repeatable);
      expect(rows(reading)).toEqual([['1', 'é'], ['3', 'x\ny']]);
      expect(reading.carefully).toMatchObject([{ record: 2, code: 'CSV_FIELD_COUNT' }]);
      const file = 'a.csv';
      expect(reading.places).toEqual([{ file, row: 1, line: 2 }, { file, row: 2, line: 3 }, { file, row: 3, line: 4 }]);
    }
  });

  it('with a quote that is never closed: the rest of the source is one record', async () => {
    const bytes = Buffer.from('id,name\n1,a\n2,"b\n3,c\n');
    for (const repeatable of [true, false]) {
      const reading = await readCsv(bytes, 'utf-8', repeatable);
      expect(rows(reading)).toEqual([['1', 'a']]);
      expect(reading.carefully).toMatchObject([{ record: 2, code: 'CSV_MALFORMED' }]);
      expect(bytes.subarray(reading.places[1].byte, reading.places[1].endByte).toString()).toBe('2,"b\n3,c');
    }
  });

  it('passes as it is where nothing is wrong, and is taken apart only carefully', async () => {
    const format = await loadFormat('csv');
    const bytes = Buffer.from('id,name\n1,a\n2,"",x\n3,""\n4,\n');
    const inspected = await format.inspect(memorySource('id,name\n1,a\n', { name: 'a.csv' }), { csv: CSV }, 'sample', never);
    const reading = await readEverything(format, { ...inspected, source: memorySource(bytes, { name: 'a.csv' }) }, { partBytes: 1_000 }, 'offered');
    expect(Buffer.concat(reading.fast).toString()).toBe('1,a\n2,"",x\n3,""\n4,\n');
    expect(reading.leftOut).toEqual([]);
    expect(reading.carefully).toMatchObject([{ record: 2, code: 'CSV_FIELD_COUNT' }]);
    expect(rows(reading)).toEqual([['1', 'a'], ['3', ''], ['4', null]]);
  });
});

describe('compressed', () => {
  const folder = temporaryFolder();

  it.each(['csv', 'ndjson'] as const)('%s is kept until it is released', async (name) => {
    const format = await loadFormat(name);
    const records = Array.from({ length: 5_000 }, (_, id) => (name === 'csv' ? `${id},name ${id}` : `{"id":${id},"name":"name ${id}"}`));
    const text = `${name === 'csv' ? 'id,name\n' : ''}${records.join('\n')}\n`;
    const path = join(folder, `rows.${name}.gz`);
    writeFileSync(path, gzipSync(text));
    const [source] = (await openSources([path]))[0].sources;
    const reading = await readEverything(format, await format.inspect(source, {}, 'sample', never), { partBytes: 10_000 }, COPY_TEXT);
    expect(rows(reading).length).toBe(5_000);
    expect(reading.parts).toBeGreaterThan(5);
    expect(reading.places.map(({ byte, endByte }) => text.slice(byte, endByte))).toEqual(records);
    await source.close();
  });
});

describe('sql', () => {
  async function read(dump: string | Buffer): Promise<Reading> {
    const format = await loadFormat('sql');
    const source = memorySource(typeof dump === 'string' ? Buffer.from(dump) : dump, { name: 'dump.sql', repeatable: true });
    const inspected: InspectedSource = await format.inspect(memorySource('CREATE TABLE t (id integer, name text);\n', { name: 'dump.sql' }), {}, 'sample', never);
    return readEverything(format, { ...inspected, source }, {});
  }

  it('lines of COPY with another number of fields are left out of the careful text', async () => {
    const dump = 'CREATE TABLE t (id integer, name text);\nCOPY t (id, name) FROM stdin;\n1\ta\n2\n3\tb\tc\n4\t\\N\n\\.\n';
    const reading = await read(dump);
    expect(rows(reading)).toEqual([['1', 'a'], ['4', null]]);
    expect(reading.carefully).toMatchObject([{ record: 2, code: 'SQL_MALFORMED' }, { record: 3, code: 'SQL_MALFORMED' }]);
    expect(reading.places.map(({ byte, endByte }) => dump.slice(byte, endByte))).toEqual(['1\ta', '2', '3\tb\tc', '4\t\\N']);
  });

  it('texts that no database stores are left out of the careful text', async () => {
    const reading = await read(Buffer.from("CREATE TABLE t (id integer, name text);\nINSERT INTO t VALUES (1, 'a'), (2, 'a\0b'), (3, '\xff'), (4, 5, 6), (7, 'b');\n", 'latin1'));
    expect(rows(reading)).toEqual([['1', 'a'], ['7', 'b']]);
    expect(reading.carefully).toMatchObject([{ record: 2, code: 'NUL_BYTE' }, { record: 3, code: 'ENCODING_INVALID' }, { record: 4, code: 'SQL_MALFORMED' }]);
    expect(reading.leftOut).toMatchObject([{ record: 4 }]);
  });
});
