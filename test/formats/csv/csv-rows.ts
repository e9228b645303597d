import { csvFormat } from '../../../src/formats/csv/csv-format.ts';
import type { InspectedSource, ReadOptions, ReadRequest, TablePart } from '../../../src/formats/format.ts';
import type { ByteSource } from '../../../src/io/byte-source.ts';
import type { RowEncoding } from '../../../src/rows/row-encoding.ts';
import { allFields, never } from '../../helpers/read-format.ts';

export type Row = readonly (string | null)[];

export interface CsvRun {
  readonly options?: ReadOptions;
  readonly depth?: 'sample' | 'full';
  /** Chosen from what is offered; default copy-text. */
  readonly encoding?: (offered: readonly RowEncoding[]) => RowEncoding;
  readonly fields?: readonly string[];
  readonly partBytes?: number;
  readonly request?: Partial<ReadRequest>;
}

export interface CsvRunResult {
  readonly inspected: InspectedSource;
  /** The encoded bytes of each part. */
  readonly parts: readonly { readonly text: string; readonly part: TablePart }[];
  readonly read: number;
  readonly bytes: number;
}

/** Inspects and reads a CSV source to its end. */
export async function runCsv(source: ByteSource, run: CsvRun = {}): Promise<CsvRunResult> {
  const inspected = await csvFormat.inspect(source, run.options ?? {}, run.depth ?? 'sample', never);
  const parts: { text: string; part: TablePart }[] = [];
  let read = 0;
  let bytes = 0;
  const request: ReadRequest = {
    jobs: 1, partBytes: run.partBytes ?? 1024 * 1024, signal: never,
    bind: async (table, encodings) => {
      const fields = allFields(table).filter(({ source: name }) => run.fields === undefined || run.fields.includes(name))
        .toSorted((a, b) => (run.fields === undefined ? 0 : run.fields.indexOf(a.source) - run.fields.indexOf(b.source)));
      const offered = encodings(fields.map((field) => field.source));
      return { table: 't', fields, encoding: run.encoding?.(offered) ?? { kind: 'copy-text' }, ignored: [] };
    },
    ...run.request,
  };
  for await (const part of csvFormat.read(inspected, request)) {
    const chunks: Buffer[] = [];
    for await (const chunk of part.chunks) chunks.push(Buffer.from(chunk));
    parts.push({ text: Buffer.concat(chunks).toString('latin1'), part });
    read += part.counts().read;
    bytes += part.counts().bytes;
  }
  return { inspected, parts: parts.map(({ text, part }) => ({ text: Buffer.from(text, 'latin1').toString(), part })), read, bytes };
}

/** The rows of copy-text. */
export function copyTextRows(text: string): Row[] {
  const letters: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  return text.split('\n').slice(0, -1).map((line) => line.split('\t').map((field) => (
    field === '\\N' ? null : field.replaceAll(/\\(.)/g, (_, letter: string) => letters[letter] ?? letter))));
}

/** Inspects and reads; names and rows. */
export async function rowsOf(source: ByteSource, run: CsvRun = {}): Promise<{ names: string[]; rows: Row[]; read: number }> {
  const { inspected, parts, read } = await runCsv(source, run);
  return { names: inspected.tables[0].columns.map((column) => column.name), rows: parts.flatMap(({ text }) => copyTextRows(text)), read };
}
