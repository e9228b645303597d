/** The engine's view of one Parquet file: the table function, and what its errors mean. */
import { stat } from 'node:fs/promises';
import { SluiceError, toSluiceError } from '../../errors/sluice-error.ts';
import type { EngineConnection } from '../../engine/engine-connection.ts';
import { DEFAULT_ENGINE_MEMORY_BYTES, DEFAULT_ENGINE_THREADS, openEngine } from '../../engine/engine.ts';
import type { EngineColumn } from '../../engine/engine-type.ts';
import { quotePath } from '../../engine/quoting.ts';
import { sourceError } from '../../io/system-errors.ts';

/** Folder names such as `year=2024` must not become columns. */
export function parquetRelation(path: string): string {
  return `read_parquet(${quotePath(path)}, hive_partitioning = false)`;
}

/** Runs work on an engine that lives as long as the work. */
export async function withEngine<T>(memoryLimitBytes: number | undefined, work: (connection: EngineConnection) => Promise<T>): Promise<T> {
  const engine = await openEngine({ path: ':memory:', memoryLimitBytes: memoryLimitBytes ?? DEFAULT_ENGINE_MEMORY_BYTES, threads: DEFAULT_ENGINE_THREADS });
  try {
    return await work(await engine.connect());
  } finally {
    await engine.close();
  }
}

/** What the engine says of a file that it reads is about the file; disk, cancellation and sources keep their own codes. */
export function parquetError(error: unknown, source: string): SluiceError {
  const coded = toSluiceError(error);
  const about: readonly string[] = ['ENGINE_ERROR', 'VALUE_INVALID', 'QUERY_INVALID', 'TABLE_UNKNOWN', 'INTERNAL', 'CSV_MALFORMED', 'ENCODING_INVALID'];
  if (!about.includes(coded.code)) return coded;
  const reason = coded.facts.reason ?? coded.message;
  return new SluiceError('PARQUET_UNREADABLE', { source, reason }, { file: source }, coded);
}

export interface ParquetFacts {
  readonly columns: readonly EngineColumn[];
  /** Sum of the row groups. */
  readonly rows: number;
  readonly rowGroups: number;
  readonly createdBy: string;
  /** Columns stored as INT96 (int96.ts). */
  readonly int96: ReadonlySet<string>;
}

/** The mark at both ends and the length of the footer. */
const SMALLEST_FILE_BYTES = 12;

/** @throws SluiceError SOURCE_EMPTY, PARQUET_UNREADABLE, SOURCE_* */
export async function describeParquet(connection: EngineConnection, path: string, source: string, signal: AbortSignal): Promise<ParquetFacts> {
  const { size } = await stat(path).catch((error: unknown) => { throw sourceError(error, source); });
  if (size === 0) throw new SluiceError('SOURCE_EMPTY', { source }, { file: source });
  if (size < SMALLEST_FILE_BYTES) throw new SluiceError('PARQUET_UNREADABLE', { source, reason: 'it is too small to be one' }, { file: source });
  try {
    const columns = await connection.columns(`SELECT * FROM ${parquetRelation(path)}`, { signal });
    const [file] = await connection.rows(`SELECT created_by, num_row_groups FROM parquet_file_metadata(${quotePath(path)})`, { signal });
    const rows = await connection.value(`SELECT sum(n) FROM (SELECT any_value(row_group_num_rows) AS n FROM parquet_metadata(${quotePath(path)}) GROUP BY row_group_id)`, { signal });
    const int96 = await connection.rows(`SELECT name FROM parquet_schema(${quotePath(path)}) WHERE type = 'INT96'`, { signal });
    return { columns, int96: new Set(int96.map(([name]) => String(name))), rows: Number(rows ?? 0), rowGroups: Number(file?.[1] ?? 0), createdBy: String(file?.[0] ?? '') };
  } catch (error) {
    throw parquetError(error, source);
  }
}
