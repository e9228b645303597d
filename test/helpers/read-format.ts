import type { BoundField, Format, InspectedSource, InspectedTable, ReadOptions, ReadRequest, TableBinding } from '../../src/formats/format.ts';
import type { ByteSource } from '../../src/io/byte-source.ts';
import { COPY_TEXT } from '../../src/rows/row-encoding.ts';

export interface ReadTableResult {
  readonly text: string;
  readonly rows: number;
  readonly parts: number;
}

export interface ReadAllOptions {
  readonly options?: ReadOptions;
  readonly depth?: 'sample' | 'full';
  readonly partBytes?: number;
  /** Default: all columns, with the types that were detected, as copy-text. */
  readonly bind?: (table: InspectedTable) => Partial<TableBinding> | null;
  readonly request?: Partial<ReadRequest>;
}

export const never = new AbortController().signal;

/** All columns of a table, as they were detected. */
export function allFields(table: InspectedTable): BoundField[] {
  return table.columns.map((column) => ({ source: column.name, type: column.type, arrays: 'postgres' }));
}

export async function inspect(format: Format, source: ByteSource, options: ReadOptions = {}, depth: 'sample' | 'full' = 'sample'): Promise<InspectedSource> {
  return format.inspect(source, options, depth, never);
}

/** Reads an inspected source to its end, one part after the other: the encoded text of each table by its name (`stem` for a table without one). */
export async function readAll(format: Format, inspected: InspectedSource, how: ReadAllOptions = {}): Promise<Map<string, ReadTableResult>> {
  const results = new Map<string, ReadTableResult>();
  const request: ReadRequest = {
    jobs: 1,
    partBytes: how.partBytes ?? 1024 * 1024,
    signal: never,
    bind: async (table) => {
      const wanted = how.bind === undefined ? {} : how.bind(table);
      return wanted === null ? null : { table: table.name?.name ?? 'stem', fields: allFields(table), encoding: COPY_TEXT, ignored: [], ...wanted };
    },
    ...how.request,
  };
  for await (const part of format.read(inspected, request)) {
    const chunks: Buffer[] = [];
    for await (const chunk of part.chunks) chunks.push(Buffer.from(chunk));
    const before = results.get(part.table) ?? { text: '', rows: 0, parts: 0 };
    results.set(part.table, { text: before.text + Buffer.concat(chunks).toString('latin1'), rows: before.rows + part.counts().read, parts: before.parts + 1 });
  }
  return new Map([...results].map(([name, { text, ...counts }]) => [name, { text: Buffer.from(text, 'latin1').toString(), ...counts }]));
}

/** Inspects and reads in one go; the text of the only table. */
export async function readText(format: Format, source: ByteSource, how: ReadAllOptions = {}): Promise<string> {
  const inspected = await inspect(format, source, how.options, how.depth);
  const [result] = (await readAll(format, inspected, how)).values();
  return result?.text ?? '';
}

/** The error that a promise must end with. */
export async function errorOf(work: Promise<unknown>): Promise<Error & { code?: string; at?: Record<string, unknown>; facts?: Record<string, unknown> }> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error('no error was thrown');
}
