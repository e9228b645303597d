/**
 * Rows of a Parquet file. A target that is the same engine reads the file by itself; for all others the engine writes text into a named
 * pipe, which is cut into parts at record boundaries.
 */
import { stat } from 'node:fs/promises';
import { columnTypeOf } from '../../engine/column-types.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import { VARCHAR, type EngineColumn } from '../../engine/engine-type.ts';
import { PIPE_ENCODINGS, readParts, type EnginePart, type ReadColumn } from '../../engine/read-parts.ts';
import { openEngine, DEFAULT_ENGINE_MEMORY_BYTES, DEFAULT_ENGINE_THREADS } from '../../engine/engine.ts';
import { SluiceError } from '../../errors/sluice-error.ts';
import { createFifo } from '../../io/fifo.ts';
import { carefulText } from '../careful-text.ts';
import type { BoundField, InspectedSource, ReadRequest, TableBinding, TablePart } from '../format.ts';
import { columnValue } from './int96.ts';
import { localSource, releaseLocal, type LocalSource } from './local-copy.ts';
import type { RecordPlace } from '../../rows/rejection.ts';
import type { RowEncoding } from '../../rows/row-encoding.ts';
import { describeParquet, parquetError, parquetRelation, type ParquetFacts } from './parquet-file.ts';

/** The engine of a DuckDB target reads the file itself; for others it is read through a pipe. */
export const PARQUET_ENCODINGS: readonly RowEncoding[] = [{ kind: 'file' }, ...PIPE_ENCODINGS];

export async function* readParquet(inspected: InspectedSource, request: ReadRequest): AsyncGenerator<TablePart, void, undefined> {
  const local = await localSource(inspected.source, request.signal);
  const engine = await openEngine({ path: ':memory:', memoryLimitBytes: request.engineMemoryBytes ?? DEFAULT_ENGINE_MEMORY_BYTES, threads: DEFAULT_ENGINE_THREADS });
  try {
    const connection = await engine.connect();
    const facts = await describeParquet(connection, local.path, local.name, request.signal);
    const table = inspected.tables[0];
    // The target's own reading of a file leaves out nothing, and nothing of it can be tried again.
    const binding = await request.bind(table, () => (request.tolerant === true ? PIPE_ENCODINGS : PARQUET_ENCODINGS));
    if (binding === null) {
      request.onSkipped?.(table, facts.rows);
      return;
    }
    const columns = boundColumns(binding, facts, local.name);
    if (binding.encoding.kind === 'file') yield await filePart(binding, columns, facts, local, request.replayable === true);
    else yield* textParts(binding, columns, { connection, local, request });
  } finally {
    await engine.close();
    await releaseLocal(local);
  }
}

/** @throws SluiceError COLUMN_UNKNOWN for a column of the file that is neither wanted nor left out */
function boundColumns(binding: TableBinding, facts: ParquetFacts, source: string): ReadColumn[] {
  const byName = new Map(facts.columns.map((column) => [column.name, column]));
  const known = new Set([...binding.fields.map((field) => field.source), ...binding.ignored]);
  const unexpected = facts.columns.find((column) => !known.has(column.name));
  if (unexpected !== undefined) {
    throw new SluiceError('COLUMN_UNKNOWN', { table: binding.table, column: unexpected.name, suggestion: 'Map the column with --map, or leave it out with --columns.' }, { file: source, column: unexpected.name });
  }
  return binding.fields.map((field) => columnOf(field, byName, facts.int96, source));
}

function columnOf(field: BoundField, byName: ReadonlyMap<string, EngineColumn>, int96: ReadonlySet<string>, source: string): ReadColumn {
  if (field.absent === true) return { type: VARCHAR, expression: 'CAST(NULL AS VARCHAR)' };
  const column = byName.get(field.source);
  if (column === undefined) throw new SluiceError('SOURCE_CHANGED', { source }, { file: source, column: field.source });
  return { type: column.type, expression: columnValue(column, int96) };
}

// oxlint-disable-next-line max-params -- called in one place
async function filePart(binding: TableBinding, columns: readonly ReadColumn[], facts: ParquetFacts, local: LocalSource, replayable: boolean): Promise<TablePart> {
  const { size } = await stat(local.path);
  return {
    table: binding.table,
    part: { index: 0, interval: { kind: 'whole' } },
    encoding: binding.encoding,
    firstRow: 1,
    ...(replayable ? { replayable, release: () => undefined, chunks: { [Symbol.asyncIterator]: noChunks } } : { chunks: noChunks() }),
    counts: () => ({ read: facts.rows, skipped: 0, bytes: size }),
    file: { path: local.path, relation: parquetRelation(local.path), expressions: columns.map((column) => column.expression) },
  };
}

interface Reading {
  readonly connection: EngineConnection;
  readonly local: LocalSource;
  readonly request: ReadRequest;
}

async function* textParts(binding: TableBinding, columns: readonly ReadColumn[], { connection, local, request }: Reading): AsyncGenerator<TablePart, void, undefined> {
  // Lists become PostgreSQL's array text only where the column is an array there; into a json column goes JSON.
  const wanted = columns.map((column, i): ReadColumn => {
    const field = binding.fields[i];
    return { ...column, arrays: field.arrays === 'postgres' && field.type.kind === 'array' && columnTypeOf(column.type).kind === 'array' ? 'postgres' : 'json' };
  });
  const parts = readParts({
    connection, columns: wanted, relation: parquetRelation(local.path), encoding: binding.encoding, arrays: 'json',
    partBytes: request.partBytes, signal: request.signal, openPipe: createFifo, table: binding.table, context: { source: local.name },
    replayable: request.replayable === true,
  });
  try {
    for await (const part of parts) yield textPart(part, binding, local.name);
  } catch (error) {
    throw parquetError(error, local.name);
  }
}

function textPart({ bytes, ...part }: EnginePart, binding: TableBinding, source: string): TablePart {
  return {
    ...part,
    table: binding.table,
    leftOut: [],
    careful: () => carefulText({ bytes, encoding: part.encoding, fields: binding.fields.length, leftOut: [], source, table: binding.table }),
    places: (records) => rowPlaces(source, part.firstRow ?? 1, records),
  };
}

async function* rowPlaces(file: string, firstRow: number, records: readonly number[]): AsyncGenerator<RecordPlace, void, undefined> {
  for (const record of records) yield { file, row: firstRow + record - 1 };
}

async function* noChunks(): AsyncGenerator<Uint8Array, void, undefined> {
  // The engine of the target reads the file by itself.
}
