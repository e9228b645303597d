/** Writes quarantined rows as a document of their own: NDJSON and JSON as they are, the other formats as a table of their members. */
import type { FormatName } from '../formats/format.ts';
import { loadFormat } from '../formats/registry.ts';
import type { ByteSink } from '../io/byte-sink.ts';
import type { QuarantinedRow } from '../quarantine/quarantined-row.ts';
import { SluiceError } from '../errors/sluice-error.ts';
import { TEXT, type ColumnType } from '../rows/column-type.ts';
import { CopyTextBuilder } from '../rows/copy-text-builder.ts';
import type { PartStream } from '../rows/part.ts';
import { COPY_TEXT } from '../rows/row-encoding.ts';
import type { TableSchema } from '../rows/table-schema.ts';

const BIGINT: ColumnType = { kind: 'integer', bits: 64 };

type Member = keyof QuarantinedRow;

const COLUMNS: readonly (readonly [Member, ColumnType])[] = [
  ['run', TEXT], ['table', TEXT], ['source', TEXT], ['member', TEXT], ['row', BIGINT], ['line', BIGINT], ['byte', BIGINT], ['part', BIGINT], ['record', BIGINT],
  ['code', TEXT], ['constraint', TEXT], ['column', TEXT], ['message', TEXT], ['raw', TEXT], ['rawEncoding', TEXT], ['rawExact', { kind: 'boolean' }],
  ['rawFile', TEXT], ['rawBytes', BIGINT], ['values', { kind: 'json' }],
];

const TABLE: TableSchema = { name: 'quarantine', columns: COLUMNS.map(([name, type]) => ({ name, type, nullable: true })), primaryKey: [], indexes: [] };

const CHUNK_BYTES = 128 * 1024;

/** Writes the document into the sink and publishes it. @returns the number of rows @throws SluiceError OPTION_UNSUPPORTED, those of the sink */
export async function exportQuarantine(rows: AsyncIterable<QuarantinedRow>, format: FormatName, sink: ByteSink): Promise<number> {
  try {
    const written = await writeDocument(rows, format, sink);
    await sink.publish();
    return written;
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

async function writeDocument(rows: AsyncIterable<QuarantinedRow>, format: FormatName, sink: ByteSink): Promise<number> {
  if (format === 'ndjson') return writeLines(rows, sink, { begin: '', between: '\n', end: '\n' });
  if (format === 'json') return writeLines(rows, sink, { begin: '[\n', between: ',\n', end: '\n]\n' });
  if (format === 'sql') throw new SluiceError('OPTION_UNSUPPORTED', { option: '--format sql', context: 'for quarantined rows; there is ndjson, json, csv, parquet' });
  const writer = (await loadFormat(format)).openWriter(sink, { multipleTables: false });
  try {
    await writer.beginTable(TABLE);
    let written = 0;
    let first = true;
    for await (const chunk of writer.encodePart(TABLE, partOf(rows), (count) => (written = count))) {
      await writer.writeEncoded(chunk, first);
      first = false;
    }
    await writer.endTable();
    await writer.finish();
    return written;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function writeLines(rows: AsyncIterable<QuarantinedRow>, sink: ByteSink, marks: { begin: string; between: string; end: string }): Promise<number> {
  let written = 0;
  let text = marks.begin;
  for await (const row of rows) {
    text += (written === 0 ? '' : marks.between) + JSON.stringify(row);
    written++;
    if (text.length < CHUNK_BYTES) continue;
    await sink.write(Buffer.from(text));
    text = '';
  }
  if (written > 0 || marks.begin !== '') text += marks.end;
  await sink.write(Buffer.from(text));
  return written;
}

/** All rows as one part; its chunks are valid until the next pull, as everywhere. */
function partOf(rows: AsyncIterable<QuarantinedRow>): PartStream {
  const counts = { read: 0, skipped: 0, bytes: 0 };
  return { part: { index: 0, interval: { kind: 'whole' } }, encoding: COPY_TEXT, chunks: encoded(rows, counts), counts: () => counts };
}

async function* encoded(rows: AsyncIterable<QuarantinedRow>, counts: { read: number; bytes: number }): AsyncGenerator<Uint8Array, void, undefined> {
  const builder = new CopyTextBuilder();
  for await (const row of rows) {
    for (const [i, [member]] of COLUMNS.entries()) {
      if (i > 0) builder.endField();
      const text = textOf(row[member]);
      if (text === null) builder.appendNull();
      else {
        const bytes = Buffer.from(text);
        builder.appendText(bytes, 0, bytes.length);
      }
    }
    builder.endRecord();
    counts.read++;
    if (builder.length < CHUNK_BYTES) continue;
    counts.bytes += builder.length;
    yield builder.view();
    builder.reset();
  }
  counts.bytes += builder.length;
  if (builder.length > 0) yield builder.view();
}

function textOf(value: QuarantinedRow[Member]): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
