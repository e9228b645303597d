/**
 * What is in a source before anything is loaded: its format and dialect, the columns with the types that an import would give them, and the first rows as they would arrive. Reads no more
 * than inspection and the first part need.
 */
import type { Format, FormatName, InspectedSource, InspectedTable, ReadOptions } from '../formats/format.ts';
import { formatOf, IMPORTABLE_ENDINGS, loadFormat } from '../formats/registry.ts';
import type { ByteSource } from '../io/byte-source.ts';
import { openSources, type OpenSourcesOptions } from '../io/open-sources.ts';
import { typeName } from '../rows/column-type.ts';
import { copyTextRows } from '../rows/copy-text-rows.ts';
import { COPY_TEXT } from '../rows/row-encoding.ts';
import { displayName } from '../rows/table-schema.ts';

export interface PreviewRequest {
  readonly location: string;
  readonly open: OpenSourcesOptions;
  readonly format?: FormatName;
  readonly read: ReadOptions;
  /** Of each table. */
  readonly rows: number;
  readonly maxCell: number;
  readonly engineMemoryBytes: number;
  readonly signal: AbortSignal;
}

export interface PreviewedTable {
  readonly name: string;
  readonly source: string;
  readonly format: FormatName;
  readonly compression: ByteSource['compression'];
  readonly details: Readonly<Record<string, unknown>>;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly estimatedRows?: number;
  readonly bytes?: number;
}

/** Of a folder of many files the first ones are looked at. */
const MOST_SOURCES = 20;
const PART_BYTES = 64 * 1024;

/** @throws SluiceError of sources and formats */
export async function previewSource(request: PreviewRequest): Promise<{ readonly tables: PreviewedTable[]; readonly sources: number }> {
  const groups = await openSources([request.location], { ...request.open, signal: request.signal, extensions: IMPORTABLE_ENDINGS });
  const sources = groups.flatMap((group) => group.sources);
  try {
    const tables: PreviewedTable[] = [];
    for (const source of sources.slice(0, MOST_SOURCES)) tables.push(...await previewOne(source, request));
    return { tables, sources: sources.length };
  } finally {
    for (const source of sources) await source.close();
  }
}

async function previewOne(source: ByteSource, request: PreviewRequest): Promise<PreviewedTable[]> {
  const format = await loadFormat(request.format ?? await formatOf(source));
  const inspected = await format.inspect(source, request.read, 'sample', request.signal);
  const rows = await firstRows(format, inspected, request);
  return inspected.tables.map((table) => ({
    name: nameOf(table, source), source: source.name, format: inspected.format, compression: source.compression, details: inspected.details,
    columns: table.columns.map((column) => ({ name: column.name, type: column.nativeType ?? typeName(column.type) })),
    rows: rows.get(nameOf(table, source)) ?? [],
    ...(table.estimatedRows === undefined ? {} : { estimatedRows: table.estimatedRows }), ...(source.bytes === undefined ? {} : { bytes: source.bytes }),
  }));
}

/** Of every table that begins within the first parts. */
async function firstRows(format: Format, inspected: InspectedSource, { rows: wanted, maxCell, engineMemoryBytes, signal }: PreviewRequest): Promise<Map<string, (string | null)[][]>> {
  const found = new Map<string, (string | null)[][]>();
  const widths = new Map<string, number>();
  const stop = new AbortController();
  const parts = format.read(inspected, {
    jobs: 1, partBytes: PART_BYTES, signal: AbortSignal.any([signal, stop.signal]), engineMemoryBytes, trustSampledTypes: true, tolerant: true,
    bind: async (table) => {
      const name = nameOf(table, inspected.source);
      widths.set(name, table.columns.length);
      return { table: name, encoding: COPY_TEXT, ignored: [], fields: table.columns.map((column) => ({ source: column.name, type: column.type, arrays: 'postgres' as const })) };
    },
  });
  try {
    for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
      const part = next.value;
      const rows = found.get(part.table) ?? [];
      found.set(part.table, rows);
      for await (const row of copyTextRows(part.chunks, widths.get(part.table)!)) {
        if (rows.length < wanted) rows.push(row.map((value) => (value !== null && value.length > maxCell ? `${value.slice(0, maxCell)}…` : value)));
      }
      part.release?.();
      if (rows.length >= wanted || inspected.tables.length === 1) break;
    }
    return found;
  } finally {
    // First this: a reader that reads ahead may wait for bytes that do not come.
    stop.abort();
    await parts.return(undefined).catch(() => undefined);
  }
}

function nameOf(table: InspectedTable, source: ByteSource): string {
  return table.name === undefined ? source.stem : displayName(table.name);
}
