import type { InspectedTable, ReadOptions, TableBinding } from '../../../src/formats/format.ts';
import { sqlFormat } from '../../../src/formats/sql/sql-format.ts';
import { COPY_TEXT, type RowEncoding } from '../../../src/rows/row-encoding.ts';
import { displayName } from '../../../src/rows/table-schema.ts';
import { memorySource } from '../../helpers/memory-source.ts';

export interface DumpOptions {
  readonly chunkBytes?: number;
  readonly partBytes?: number;
  readonly options?: ReadOptions;
  readonly depth?: 'sample' | 'full';
  readonly repeatable?: boolean;
  readonly arrays?: 'postgres' | 'json';
  readonly encoding?: RowEncoding;
  /** Changes or refuses a binding. */
  readonly bind?: (table: InspectedTable, usual: TableBinding) => TableBinding | null;
}

export interface ReadTable {
  readonly columns: InspectedTable['columns'];
  readonly primaryKey: readonly string[] | undefined;
  /** The parts' bytes as they came. */
  text: string;
  parts: number;
  rows: number;
}

export type Value = string | null;

/** Inspects and reads a dump completely. */
export async function readDump(content: string | Uint8Array, options: DumpOptions = {}): Promise<Map<string, ReadTable>> {
  const source = memorySource(content, { name: 'dump.sql', ...(options.chunkBytes === undefined ? {} : { chunkBytes: options.chunkBytes }), repeatable: options.repeatable ?? true });
  const { signal } = new AbortController();
  const inspected = await sqlFormat.inspect(source, options.options ?? {}, options.depth ?? 'sample', signal);
  const tables = new Map<string, ReadTable>();
  const bind = async (table: InspectedTable): Promise<TableBinding | null> => {
    const name = displayName(table.name!);
    const fields = table.columns.map((column) => ({ source: column.name, type: column.type, arrays: options.arrays ?? ('postgres' as const) }));
    const usual: TableBinding = { table: name, fields, encoding: options.encoding ?? COPY_TEXT, ignored: [] };
    if (tables.has(name)) throw new Error(`${name} was bound twice`);
    tables.set(name, { columns: table.columns, primaryKey: table.primaryKey, text: '', parts: 0, rows: 0 });
    return options.bind === undefined ? usual : options.bind(table, usual);
  };
  for await (const part of sqlFormat.read(inspected, { jobs: 1, partBytes: options.partBytes ?? 1 << 20, signal, bind })) {
    const table = tables.get(part.table)!;
    if (part.part.index !== table.parts || part.firstRow !== table.rows + 1) throw new Error('parts are out of order');
    const pieces: Buffer[] = [];
    for await (const chunk of part.chunks) pieces.push(Buffer.from(chunk));
    table.text += Buffer.concat(pieces).toString('utf8');
    table.parts++;
    table.rows += part.counts().read;
  }
  return tables;
}

/** The values of one table, decoded. */
export async function rowsOf(content: string | Uint8Array, table: string, options: DumpOptions = {}): Promise<Value[][]> {
  const tables = await readDump(content, options);
  const found = tables.get(table);
  if (found === undefined) throw new Error(`there is no ${table}, but ${[...tables.keys()].join()}`);
  const rows = decode(found.text);
  if (rows.length !== found.rows) throw new Error(`${rows.length} rows, and ${found.rows} were counted`);
  return rows;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** copy-text as values. */
export function decode(text: string): Value[][] {
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new Error('the last record has no line end');
  return text.slice(0, -1).split('\n').map((line) => line.split('\t').map((field) => (field === '\\N' ? null : field.replaceAll(/\\([\s\S])/g, (_, letter: string) => ESCAPES[letter] ?? letter))));
}

/** The coded error that reading raises. */
export async function failureOf(content: string | Uint8Array, options: DumpOptions = {}): Promise<{ code: string; at: object; message: string }> {
  try {
    await readDump(content, options);
  } catch (error) {
    const { code, at, message } = error as { code: string; at: object; message: string };
    if (code === undefined) throw error;
    return { code, at, message };
  }
  throw new Error('it was read without an error');
}
